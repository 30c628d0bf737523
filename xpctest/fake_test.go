package xpctest_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/fake"
	"github.com/go-xpc/xpc/xpctest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// xpc_main keeps its thread, also that of a pretended process of the stand-in.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/go-xpc/xpc._Cfunc_xb_main"))
}

func TestFake(t *testing.T) { xpctest.Run(t, fakeHarness{"fake"}) }

// The smallest harness has one process and an anonymous listener.
func TestFakeInProcess(t *testing.T) {
	h := xpctest.InProcess("fake, one process", func(t testing.TB) (*xpc.Runtime, int) {
		w := newWorld(t)
		return w.client.Runtime(), w.client.PID()
	}, xpctest.Closures, xpctest.Memory, xpctest.Descriptors, xpctest.SyncWaits)
	xpctest.Run(t, h)
}

// fakeHarness runs each case in a bubble, so that a hang is seen at once.
type fakeHarness struct{ name string }

func (h fakeHarness) Name() string { return h.name }

func (h fakeHarness) Has(xpctest.Capability) bool { return true }

func (h fakeHarness) New(t testing.TB) xpctest.World { return newWorld(t) }

func (h fakeHarness) RunCase(t *testing.T, c xpctest.Case, f func(*testing.T)) {
	if c.Real {
		f(t)
		return
	}
	synctest.Test(t, f)
}

type world struct {
	t      testing.TB
	w      *fake.Launchd
	client *fake.Process

	bundles map[string]bool
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, w: fake.NewLaunchd(), bundles: map[string]bool{}}
	t.Cleanup(func() {
		if err := w.w.Close(); err != nil {
			t.Log(err)
		}
	})
	p, err := w.w.NewProcess(fake.ProcessConfig{})
	require.NoError(t, err)
	w.client = p
	return w
}

func (w *world) Client() *xpc.Runtime { return w.client.Runtime() }
func (w *world) PID() int             { return w.client.PID() }
func (w *world) Log() string          { return "" }
func (w *world) Quiesce()             { synctest.Wait() }

var domains = map[xpctest.Domain]fake.Domain{xpctest.User: fake.User, xpctest.System: fake.System}

func identity(i xpctest.Identity) fake.Identity {
	return fake.Identity{Identifier: i.SigningID, Team: i.TeamID, Platform: i.Platform, Entitlements: i.Entitlements}
}

func (w *world) Process(s xpctest.ProcessSpec) xpctest.Process {
	p, err := w.w.NewProcess(fake.ProcessConfig{Domain: domains[s.Domain], Bundle: s.Bundle, Identity: identity(s.Identity)})
	require.NoError(w.t, err)
	return p
}

func (w *world) Service(s xpctest.ServiceSpec) xpctest.Service {
	svc := &service{t: w.t}
	main := func(ctx context.Context, p *fake.Process) error {
		svc.mu.Lock()
		svc.p = p
		svc.launches++
		svc.mu.Unlock()
		s.Main(ctx, p.Runtime())
		return nil
	}
	if s.Bundle != "" {
		require.NoError(w.t, w.w.LoadBundle(fake.BundleConfig{
			Identifier: s.Bundle, Services: map[string]fake.Main{s.Names[0]: main}, Identity: identity(s.Identity),
		}))
		return svc
	}
	job, err := w.w.Load(fake.JobConfig{
		Label: s.Names[0] + ".job", MachServices: s.Names, Domain: domains[s.Domain], Main: main,
		EnableTransactions: s.Idle, Identity: identity(s.Identity),
	})
	require.NoError(w.t, err)
	svc.job = job
	return svc
}

type service struct {
	t   testing.TB
	job *fake.Job

	mu       sync.Mutex
	p        *fake.Process
	launches int
}

func (s *service) process() *fake.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.p != nil {
		select {
		case <-s.p.Done():
			return nil
		default:
		}
	}
	return s.p
}

func (s *service) on(f func(p *fake.Process)) {
	if p := s.process(); p != nil {
		f(p)
	}
}

func (s *service) Launches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.launches
}

func (s *service) PID() (pid int) {
	s.on(func(p *fake.Process) { pid = p.PID() })
	return pid
}

func (s *service) Exit()      { s.on((*fake.Process).Exit) }
func (s *service) Crash()     { s.on((*fake.Process).Crash) }
func (s *service) Terminate() { s.on((*fake.Process).Terminate) }
func (s *service) Unload()    { s.job.Unload() }
func (s *service) Load()      { require.NoError(s.t, s.job.Load()) }

func (s *service) IdleExit() (ended bool) {
	s.on(func(p *fake.Process) { ended = p.IdleExit() == nil })
	return ended
}
