package fake

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

func TestReboot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t) // its job is in System, its client in User
		agent, err := s.Load(JobConfig{Label: "agent", Domain: User, RunAtLoad: true})
		require.NoError(t, err)
		gone, err := s.Load(JobConfig{Label: "gone", Domain: User})
		require.NoError(t, err)
		gone.Unload()
		s.peer(t)
		daemon := s.job.Process()

		s.Reboot(User)
		require.Equal(t, []string{"GONE"}, s.toClient.seen())
		require.Equal(t, []string{"INVALID"}, s.toPeer.seen())
		require.Equal(t, daemon, s.job.Process())
		require.Equal(t, []int{2, 0}, []int{agent.Launches(), gone.Launches()})
		require.False(t, gone.Loaded())

		daemonsClient := newRecorder()
		c := s.world.client(s.process(ProcessConfig{Domain: System}), mach(echoName), daemonsClient)
		require.Equal(t, "re:x", ask(t, c, "x"))
		s.Reboot(System)
		require.Equal(t, []string{"GONE"}, daemonsClient.seen())
		require.Nil(t, s.job.Process(), "until somebody asks")
		require.Equal(t, 3, agent.Launches())
		c = s.world.client(s.process(ProcessConfig{}), mach(echoName), newRecorder())
		require.Equal(t, "re:y", ask(t, c, "y"))
		require.Equal(t, 2, s.job.Launches())
	})
}

func TestRebootEndsBundledServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		starts := 0
		require.NoError(t, w.LoadBundle(BundleConfig{Identifier: "app", Services: map[string]Main{"app.helper": func(_ context.Context, p *Process) error {
			starts++
			return backend{p}.Main(func(peer driver.Conn) {
				peer.SetHandler(newRecorder().handle)
				peer.Activate()
			})
		}}}))
		for range 2 {
			c := w.client(w.process(ProcessConfig{Bundle: "app"}), driver.Spec{Kind: driver.KindBundled, Name: "app.helper"}, newRecorder())
			require.Equal(t, "re:x", ask(t, c, "x"))
			w.Reboot(User)
		}
		require.Equal(t, 2, starts)
	})
}

// Main is for services inside a bundle alone (row 195), and so are their names.
func TestMainWorksInABundleAndNowhereElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		result := make(chan error, 1)
		j, err := w.Load(JobConfig{Label: "x", MachServices: []string{echoName}, Main: func(ctx context.Context, p *Process) error {
			result <- backend{p}.Main(func(driver.Conn) {})
			<-ctx.Done()
			return nil
		}})
		require.NoError(t, err)
		_, err = j.Launch()
		require.NoError(t, err)
		require.ErrorContains(t, <-result, "row 195")
		require.ErrorContains(t, w.process(ProcessConfig{}).Main(nil), "row 195")
	})
}

func TestFindings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := newRecorder()
		bundled := func(name string) driver.Spec { return driver.Spec{Kind: driver.KindBundled, Name: name} }
		listener := func(name string) driver.Spec {
			return driver.Spec{Kind: driver.KindMachService, Name: name, Flags: driver.FlagListener}
		}
		require.NoError(t, w.LoadBundle(BundleConfig{Identifier: "app", Services: map[string]Main{"app.helper": func(_ context.Context, p *Process) error {
			w.client(backend{p}, listener("app.helper"), r)
			return backend{p}.Main(func(driver.Conn) {})
		}}}))
		agent, err := w.Load(JobConfig{Label: "agent", MachServices: []string{"agent.name"}, Domain: User})
		require.NoError(t, err)
		p, err := agent.Launch()
		require.NoError(t, err)
		app, system := w.process(ProcessConfig{Bundle: "app"}), w.process(ProcessConfig{Domain: System})
		for _, c := range []struct {
			b    backend
			spec driver.Spec
		}{
			{backend{p}, listener("agent.name")},
			{backend{p}, listener("agent.name")},
			{backend{p}, listener("agent.other")},
			{app, listener("agent.name")},
			{app, driver.Spec{Kind: driver.KindMachService, Name: "agent.name", Flags: driver.FlagPrivileged}},
			{app, driver.Spec{Kind: driver.KindMachService, Name: "no.name", Flags: driver.FlagPrivileged}},
			{app, bundled("agent.name")},
			{app, bundled("app.other")},
			{app, mach("app.helper")},
			{system, mach("agent.name")},
			{system, mach("no.name")},
			{system, bundled("app.helper")},
			{app, mach("no.name")},
		} {
			w.client(c.b, c.spec, r)
		}
		require.NoError(t, w.client(app, bundled("app.helper"), r).Send(body("x")))
		for range 13 {
			require.Equal(t, "INVALID", r.next(t))
		}
		synctest.Wait()
		findings := w.Findings()
		require.Len(t, findings, 13)
		for i, want := range []string{
			"makes a second listener",
			`"agent.other", but that name is not in MachServices of its job agent`,
			"launchd has not started it for a job",
			"a privileged lookup sees the domain system only",
			"the lookup of process client",
			"NewMachService is meant",
			`the bundle app has no service "app.other"`,
			"NewConnection is meant",
			"names of another domain are out of sight",
			"no job of the domain system declares",
			"belongs to no application bundle",
			"no job of the domains gui/501 and system declares",
			"those get their peers from Main",
		} {
			require.Contains(t, findings[i], want)
			require.Contains(t, findings[i], "INVALID")
		}
	})
}
