//go:build cgo && xpcstandin

package xpctest_test

import (
	"context"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/internal/native"
	"github.com/go-xpc/xpc/internal/standin"
	"github.com/go-xpc/xpc/xpctest"
)

// Main looks at its thread: tests must not run on the main one by chance.
func init() { runtime.LockOSThread() }

// TestStandin runs the suite on the C stand-in, through the bridge that ships.
func TestStandin(t *testing.T) {
	xpctest.Run(t, &standinHarness{})
}

// standinHarness runs one case at a time: the stand-in has one world, which is
// empty again before the next.
type standinHarness struct{}

func (h *standinHarness) Serial() {}

func (h *standinHarness) Name() string { return "stand-in" }

func (h *standinHarness) Has(c xpctest.Capability) bool {
	switch c {
	case xpctest.Identities:
		return standin.HasCall("xpc_connection_set_peer_team_identity_requirement")
	case xpctest.Reasons:
		return standin.HasCall("xpc_connection_copy_invalidation_reason")
	}
	return true
}

func (h *standinHarness) RunCase(t *testing.T, _ xpctest.Case, f func(*testing.T)) {
	before := native.Count()
	standin.Set(standin.CrashUnwinds, true) // a reset forgets the knobs
	standin.Set(standin.SyncWaits, true)
	t.Run("", f)
	// First Go lets go of what it holds, then the world goes. What is left alive
	// is left alone: a reset would free it under Go's feet.
	for deadline := time.Now().Add(10 * time.Second); native.Count() != before; {
		if time.Now().After(deadline) {
			t.Errorf("left alive in C: %+v, before the case: %+v", native.Count(), before)
			return
		}
		runtime.GC()
		standin.WaitIdle()
		time.Sleep(time.Millisecond) // cleanups run on goroutines of their own
	}
	standin.Reset()
}

func (h *standinHarness) New(t testing.TB) xpctest.World {
	return &standinWorld{t, standin.Default().Runtime(), map[string]*standin.Process{}}
}

type standinWorld struct {
	t    testing.TB
	rt   *xpc.Runtime
	apps map[string]*standin.Process // the one process of each application
}

func (w *standinWorld) app(name string) *standin.Process {
	p := w.apps[name]
	if p == nil {
		p = standin.NewProcess(name)
		w.t.Cleanup(p.Exit)
		w.apps[name] = p
	}
	return p
}

func (w *standinWorld) Client() *xpc.Runtime { return w.rt }
func (w *standinWorld) PID() int             { return os.Getpid() }
func (w *standinWorld) Log() string          { return "" }
func (w *standinWorld) Quiesce()             { standin.WaitSettled() }

func dress(p *standin.Process, i xpctest.Identity) {
	p.SetCode(i.SigningID, i.TeamID, i.Platform)
	for k, v := range i.Entitlements {
		p.SetEntitlement(k, v)
	}
}

func (w *standinWorld) Process(s xpctest.ProcessSpec) xpctest.Process {
	if s.Bundle != "" {
		return w.app(s.Bundle)
	}
	p := standin.NewProcess("client")
	w.t.Cleanup(p.Exit)
	if s.Domain == xpctest.System {
		p.SetSystem()
	}
	dress(p, s.Identity)
	return p
}

func (w *standinWorld) Service(s xpctest.ServiceSpec) xpctest.Service {
	prepare := func(p *standin.Process) { dress(p, s.Identity) }
	main := func(ctx context.Context, p *standin.Process) { s.Main(ctx, p.Runtime()) }
	var j *standin.Job
	if s.Bundle != "" {
		j = standin.DeclareBundled(w.app(s.Bundle), s.Names[0], prepare, main)
	} else {
		j = standin.Declare(s.Names[0]+".job", s.Domain == xpctest.System, s.Names, prepare, main)
	}
	w.t.Cleanup(j.Forget)
	return standinService{j, s.Idle}
}

type standinService struct {
	*standin.Job
	idle bool
}

func (s standinService) on(f func(*standin.Process)) {
	if p := s.Running(); p != nil {
		f(p)
	}
}

func (s standinService) PID() (pid int) {
	s.on(func(p *standin.Process) { pid = p.PID() })
	return pid
}

func (s standinService) Exit()      { s.on((*standin.Process).Exit) }
func (s standinService) Crash()     { s.on((*standin.Process).Crash) }
func (s standinService) Terminate() { s.on((*standin.Process).Terminate) }

func (s standinService) IdleExit() (ended bool) {
	s.on(func(p *standin.Process) { ended = s.idle && p.IdleExit() })
	return ended
}
