//go:build unix

// Package agent is the harness that runs the conformance suite on launchd jobs:
// the test program installs itself as LaunchAgents, or LaunchDaemons when root,
// and is launched by launchd as the service. The code of a case stays in the
// test; package remote makes its calls in the job's process.
package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/xpctest"
	"github.com/go-xpc/xpc/xpctest/internal/remote"
)

// Environment of a worker.
const (
	SocketVariable = "XPC_TEST_AGENT_SOCKET"
	TokenVariable  = "XPC_TEST_AGENT_TOKEN"
	HatchVariable  = "XPC_TEST_AGENT_HATCH"
	NotifyVariable = "XPC_TEST_AGENT_NOTIFY" // 1 has SIGTERM notified
)

// patience is how long launchd and processes may take for anything.
const patience = 15 * time.Second

// A System is what the harness runs on.
type System struct {
	Backend   driver.Backend // of this process
	PID       int
	Launchctl Runner
	// Worker is the command line of a worker.
	Worker []string
	// Environment is what the jobs get beside what they need.
	Environment map[string]string
	// Spawn starts a worker that is no job; nil if there are none.
	Spawn func(env map[string]string) error
	Kill  func(pid int, s syscall.Signal) error
}

// Harness is the xpctest.Harness.
type Harness struct {
	Title string
	// Systems gives each case its system.
	Systems func(t testing.TB) System
	Place   *Place
	worlds  atomic.Int64
}

func (h *Harness) Name() string { return h.Title }

func (h *Harness) Has(c xpctest.Capability) bool {
	switch c {
	case xpctest.Jobs, xpctest.Closures, xpctest.Exits, xpctest.Crashes, xpctest.Unloads, xpctest.Terminates,
		xpctest.Processes, xpctest.SyncWaits, xpctest.Reasons, xpctest.Memory, xpctest.Descriptors:
		return true
	}
	return false
}

// A world is one case's.
type world struct {
	t      testing.TB
	sys    System
	place  *Place
	unique string // what the names of this world end in
	socket *net.UnixListener
	client *xpc.Runtime

	mu     sync.Mutex
	guests map[string]func(*remote.Process) // who waits for a worker, by token
	jobs   []*job
	lines  []string
}

func (h *Harness) New(t testing.TB) xpctest.World {
	n := h.worlds.Add(1)
	w := &world{
		t: t, sys: h.Systems(t), place: h.Place, guests: map[string]func(*remote.Process){},
		unique: fmt.Sprintf(".%s%d", strings.TrimPrefix(h.Place.Labels, labelPrefix), n),
	}
	var err error
	w.socket, err = net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: filepath.Join(h.Place.Dir, fmt.Sprint(n))})
	if err != nil {
		t.Fatal(err)
	}
	w.client = xpc.NewRuntime(renamed{w.sys.Backend, w.unique})
	accepting := make(chan struct{})
	go func() { defer close(accepting); w.accept() }()
	t.Cleanup(func() {
		w.socket.Close()
		<-accepting
		w.clear()
	})
	return w
}

func (w *world) Client() *xpc.Runtime { return w.client }
func (w *world) PID() int             { return w.sys.PID }

func (w *world) notef(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, fmt.Sprintf(format, args...))
}

func (w *world) Log() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := w.lines
	for _, j := range w.jobs {
		if b, err := os.ReadFile(j.spec.Stderr); err == nil && len(b) > 0 {
			lines = append(lines, "what "+j.spec.Label+" printed:", string(b))
		}
	}
	return strings.Join(lines, "\n")
}

// accept gives the workers that call to those who wait for them.
func (w *world) accept() {
	for {
		c, err := w.socket.AcceptUnix()
		if err != nil {
			return
		}
		go func() {
			p, err := remote.Dial(c)
			if err != nil {
				w.notef("a worker ended before it said hello")
				return
			}
			w.mu.Lock()
			f := w.guests[p.Token]
			w.mu.Unlock()
			if f == nil {
				p.Close()
				return
			}
			f(p)
		}()
	}
}

func (w *world) expect(token string, f func(*remote.Process)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.guests[token] = f
}

func (w *world) environment(token, hatch string) map[string]string {
	return map[string]string{SocketVariable: w.socket.Addr().String(), TokenVariable: token, HatchVariable: hatch}
}

func (w *world) clear() {
	w.mu.Lock()
	jobs := w.jobs
	w.mu.Unlock()
	for _, j := range jobs {
		j.remove()
	}
}

// runtime is a worker's, in the names of this world.
func (w *world) runtime(p *remote.Process) *xpc.Runtime {
	return xpc.NewRuntime(renamed{p.Backend(), w.unique})
}

// Process starts a further client process.
func (w *world) Process(xpctest.ProcessSpec) xpctest.Process {
	token := rand.Text()
	ready := make(chan *remote.Process, 1)
	w.expect(token, func(p *remote.Process) { ready <- p })
	if err := w.sys.Spawn(w.environment(token, "")); err != nil {
		w.t.Fatal(err)
	}
	select {
	case p := <-ready:
		g := &guest{w: w, p: p}
		w.t.Cleanup(func() { p.Close(); p.Wait() })
		return g
	case <-time.After(patience):
		w.t.Fatal("the second client process has not come up")
		return nil
	}
}

type guest struct {
	w *world
	p *remote.Process
}

func (g *guest) Runtime() *xpc.Runtime { return g.w.runtime(g.p) }
func (g *guest) PID() int              { return g.p.PID }
func (g *guest) Exit()                 { g.p.Exit(); g.w.ended(g.p) }
func (g *guest) Crash()                { g.w.kill(g.p, syscall.SIGKILL); g.w.ended(g.p) }

func (w *world) kill(p *remote.Process, s syscall.Signal) {
	w.notef("signal %v to %d", s, p.PID)
	if err := w.sys.Kill(p.PID, s); err != nil && !errors.Is(err, syscall.ESRCH) && !errors.Is(err, os.ErrProcessDone) {
		w.t.Errorf("killing %d: %v", p.PID, err)
	}
}

// ended waits for the end of a process.
func (w *world) ended(p *remote.Process) {
	select {
	case <-p.Done():
	case <-time.After(patience):
		w.t.Errorf("process %d has not ended", p.PID)
	}
}

// Service installs a job.
func (w *world) Service(s xpctest.ServiceSpec) xpctest.Service {
	w.mu.Lock()
	label := fmt.Sprintf("%s%s.%d", w.place.Labels, w.unique[strings.LastIndex(w.unique, ".")+1:], len(w.jobs)+1)
	w.mu.Unlock()
	token, hatch := rand.Text(), label+".hatch"
	j := &job{w: w, main: s.Main, plist: filepath.Join(w.place.Dir, label+".plist")}
	env := w.environment(token, hatch)
	maps.Copy(env, w.sys.Environment)
	j.spec = Job{
		Label: label, Arguments: w.sys.Worker, Environment: env,
		Services: []string{hatch}, Stderr: filepath.Join(w.place.Dir, label+".log"), Transactions: s.Idle,
	}
	for _, n := range s.Names {
		j.spec.Services = append(j.spec.Services, n+w.unique)
	}
	w.expect(token, j.launched)
	if err := os.WriteFile(j.plist, j.spec.Plist(), 0o644); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.jobs = append(w.jobs, j)
	w.mu.Unlock()
	w.t.Cleanup(j.remove)
	j.Load()
	return j
}

type job struct {
	w     *world
	spec  Job
	plist string
	main  func(context.Context, *xpc.Runtime)
	once  sync.Once
	mains sync.WaitGroup

	mu       sync.Mutex
	running  *remote.Process
	launches int
	removed  bool
}

// launched runs the service's code, once its process has called.
func (j *job) launched(p *remote.Process) {
	j.w.notef("%s is launched as %d", j.spec.Label, p.PID)
	j.mu.Lock()
	if j.removed {
		j.mu.Unlock()
		p.Close()
		return
	}
	j.running = p
	j.launches++
	j.mains.Add(1)
	j.mu.Unlock()
	defer j.mains.Done()
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-p.Done(); cancel() }()
	j.main(ctx, j.w.runtime(p))
	if ctx.Err() == nil {
		p.Exit()
	}
	<-p.Done()
	p.Wait()
	j.w.notef("%s, %d, has ended", j.spec.Label, p.PID)
}

func (j *job) on(f func(*remote.Process)) {
	j.mu.Lock()
	p := j.running
	j.mu.Unlock()
	if p == nil {
		return
	}
	select {
	case <-p.Done():
	default:
		f(p)
	}
}

func (j *job) Launches() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.launches
}

func (j *job) PID() (pid int) {
	j.on(func(p *remote.Process) { pid = p.PID })
	return pid
}

func (j *job) Exit()      { j.on(func(p *remote.Process) { p.Exit(); j.w.ended(p) }) }
func (j *job) Crash()     { j.on(func(p *remote.Process) { j.w.kill(p, syscall.SIGKILL); j.w.ended(p) }) }
func (j *job) Terminate() { j.on(func(p *remote.Process) { j.w.kill(p, syscall.SIGTERM) }) }

// IdleExit is not ours to order.
func (j *job) IdleExit() bool { return false }

func (j *job) Load() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := Bootstrap(ctx, j.w.sys.Launchctl, j.w.place.Domain, j.plist); err != nil {
		j.w.t.Fatal(err)
	}
}

func (j *job) Unload() {
	if err := j.bootout(); err != nil {
		j.w.t.Error(err)
	}
	j.on(j.w.ended)
}

func (j *job) bootout() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return Bootout(ctx, j.w.sys.Launchctl, j.w.place.Domain, j.spec.Label)
}

// remove takes the job away for good.
func (j *job) remove() {
	j.once.Do(func() {
		if err := j.bootout(); err != nil {
			j.w.t.Error(err) // the property list stays, for the next sweep
			return
		}
		j.mu.Lock()
		j.removed = true
		j.mu.Unlock()
		j.on((*remote.Process).Close)
		j.mains.Wait()
		os.Remove(j.plist)
	})
}
