//go:build unix && !xpcstandin

package agent

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/fake"
	"github.com/go-xpc/xpc/xpctest"
)

// backendOf is the backend of a fake process.
func backendOf(p *fake.Process) driver.Backend {
	f := reflect.ValueOf(p.Runtime()).Elem().FieldByName("b")
	return *(*driver.Backend)(unsafe.Pointer(f.UnsafeAddr()))
}

// mac is a pretended Mac: launchctl loads the property lists into a fake
// launchd, whose processes are workers behind real sockets.
type mac struct {
	t testing.TB
	w *fake.Launchd

	mu        sync.Mutex
	jobs      map[string]*fake.Job // by target
	processes map[int]*fake.Process
	commands  []string
	refuse    map[string]int // how often the next such commands fail
}

func newMac(t testing.TB) *mac {
	m := &mac{t: t, w: fake.NewLaunchd(), jobs: map[string]*fake.Job{}, processes: map[int]*fake.Process{}, refuse: map[string]int{}}
	t.Cleanup(func() {
		if err := m.w.Close(); err != nil {
			t.Log(err)
		}
		assert.Empty(t, m.jobs, "jobs left in launchd")
	})
	return m
}

var errRefused = errors.New("exit status 5: Input/output error")

func (m *mac) launchctl(_ context.Context, args ...string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commands = append(m.commands, strings.Join(args, " "))
	if m.refuse[args[0]] > 0 {
		m.refuse[args[0]]--
		return "", errRefused
	}
	switch args[0] {
	case "managername":
		return "Aqua\n", nil
	case "bootstrap":
		f, err := os.Open(args[2])
		if err != nil {
			return "", err
		}
		defer f.Close()
		domain := fake.User
		if args[1] == "system" {
			domain = fake.System
		}
		j, err := m.w.LoadPlist(f, domain, m.worker)
		if err != nil {
			return "", err
		}
		m.jobs[args[1]+"/"+j.Label()] = j
	case "bootout":
		j := m.jobs[args[1]]
		if j == nil {
			return "", errors.New("exit status 3: No such process")
		}
		j.Unload()
		delete(m.jobs, args[1])
	case "print":
		if m.jobs[args[1]] == nil {
			return "", errors.New("exit status 113: Could not find service")
		}
	case "list":
		var b strings.Builder
		b.WriteString("PID\tStatus\tLabel\n")
		for target := range m.jobs {
			fmt.Fprintf(&b, "-\t0\t%s\n", target[strings.LastIndex(target, "/")+1:])
		}
		return b.String(), nil
	}
	return "", nil
}

// worker is the program of the jobs, and of client processes.
func (m *mac) worker(ctx context.Context, p *fake.Process) error {
	env := p.Environment()
	return m.work(ctx, p, func(k string) string { return env[k] })
}

func (m *mac) work(ctx context.Context, p *fake.Process, env func(string) string) error {
	m.mu.Lock()
	m.processes[p.PID()] = p
	m.mu.Unlock()
	return work(ctx, backendOf(p), p.PID(), env, p.Exit)
}

func (m *mac) kill(pid int, s syscall.Signal) error {
	m.mu.Lock()
	p := m.processes[pid]
	m.mu.Unlock()
	switch {
	case p == nil:
		return syscall.ESRCH
	case s == syscall.SIGKILL:
		p.Crash()
	default:
		p.Terminate()
	}
	return nil
}

func (m *mac) system(t testing.TB) System {
	p, err := m.w.NewProcess(fake.ProcessConfig{})
	require.NoError(t, err)
	return System{
		Backend: backendOf(p), PID: p.PID(), Launchctl: m.launchctl, Worker: []string{"/xpctest.test"}, Kill: m.kill,
		Spawn: func(env map[string]string) error {
			p, err := m.w.NewProcess(fake.ProcessConfig{})
			if err == nil {
				ctx, cancel := context.WithCancel(context.Background())
				go func() { <-p.Done(); cancel() }()
				go func() { _ = m.work(ctx, p, func(k string) string { return env[k] }); p.Exit() }()
			}
			return err
		},
	}
}

func pretended(t *testing.T) *Harness {
	p, err := NewPlace(newMac(t).launchctl, temporary(t), "gui/501", os.Getpid())
	require.NoError(t, err)
	t.Cleanup(func() {
		files, err := os.ReadDir(p.Dir)
		require.NoError(t, err)
		for _, f := range files {
			assert.NotContains(t, f.Name(), ".plist")
		}
	})
	return &Harness{
		Title: "LaunchAgents of a pretended Mac", Place: p,
		Systems: func(t testing.TB) System { return newMac(t).system(t) },
	}
}

// The harness, from the property list to the socket, on a pretended Mac.
func TestHarness(t *testing.T) {
	report := xpctest.Run(t, pretended(t))
	t.Cleanup(func() {
		runs := 0
		for _, r := range report.Results() {
			if r.Missing == "" {
				runs++
			}
		}
		t.Logf("%d of %d rows can run here", runs, len(report.Results()))
		if !t.Failed() && !filtered() {
			assert.Greater(t, runs, 190)
		}
	})
}

// filtered tells whether only some subtests were asked for.
func filtered() bool { return strings.Contains(flag.Lookup("test.run").Value.String(), "/") }

func TestHarnessScenarios(t *testing.T) {
	xpctest.RunScenarios(t, pretended(t), os.DirFS("../../../testdata/scenarios"))
}
