package fake

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

// What the caller does with its configuration later does not change the job.
func TestAJobKeepsItsConfiguration(t *testing.T) {
	w := newWorld(t)
	cfg := JobConfig{
		Label: "x", MachServices: []string{echoName}, ProgramArguments: []string{"a"},
		EnvironmentVariables: map[string]string{"A": "1"},
		KeepAlive:            KeepAlive{PathState: map[string]bool{"/a": true}, OtherJobEnabled: map[string]bool{"o": true}},
	}
	j, err := w.Load(cfg)
	require.NoError(t, err)
	cfg.MachServices[0] = "other"
	cfg.ProgramArguments[0] = "b"
	cfg.EnvironmentVariables["A"] = "2"
	clear(cfg.KeepAlive.PathState)
	clear(cfg.KeepAlive.OtherJobEnabled)
	j.Unload()
	require.NoError(t, j.Load())
	require.Equal(t, echoName, j.name())
	require.False(t, j.keeps())
	w.SetPath("/a", true)
	p := j.Process()
	require.NotNil(t, p, "the path keeps it alive")
	require.Equal(t, []string{"a"}, p.Arguments())
	require.Equal(t, map[string]string{"A": "1"}, p.Environment())
	require.Contains(t, j.cfg.KeepAlive.OtherJobEnabled, "o")
}

func TestLoadAndUnloadTwice(t *testing.T) {
	w := newWorld(t)
	l, s, r := newRecorder(), newRecorder(), newRecorder()
	first := w.load(nil)
	require.True(t, first.Loaded())
	require.ErrorContains(t, first.Load(), "loaded already")
	p, err := first.Launch()
	require.NoError(t, err)
	first.Unload()
	require.False(t, first.Loaded())
	require.ErrorContains(t, p.IdleExit(), "ended: killed")
	_, err = first.Launch()
	require.ErrorContains(t, err, "not loaded")
	w.echo(l, s)
	first.Unload()
	require.Equal(t, "re:x", ask(t, w.client(w.process(ProcessConfig{}), mach(echoName), r), "x"))
}

// An unloaded job is not launched again, however long it had run.
func TestUnloadedJobsStayDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		j, err := w.Load(JobConfig{Label: "x", KeepAlive: KeepAlive{Always: true}})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		j.Unload()
		time.Sleep(time.Hour)
		require.Nil(t, j.Process())
		require.Equal(t, 1, j.Launches())
	})
}

// A launch by hand takes the place of one that waits.
func TestALaunchThatWaitsIsOverWithAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		j, err := w.Load(JobConfig{Label: "x", KeepAlive: KeepAlive{Always: true}})
		require.NoError(t, err)
		time.Sleep(5 * time.Second)
		j.Process().Crash()
		time.Sleep(time.Second)
		p, err := j.Launch()
		require.NoError(t, err)
		time.Sleep(time.Second)
		p.Crash()
		time.Sleep(4 * time.Second)
		require.Equal(t, 2, j.Launches(), "10 s after the first launch")
		time.Sleep(6 * time.Second)
		require.Equal(t, 3, j.Launches(), "10 s after the second")
	})
}

// What a job waited for is forgotten with its unloading.
func TestAnUnloadedJobWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		j, err := w.Load(JobConfig{Label: "x", MachServices: []string{echoName}, KeepAlive: KeepAlive{AfterInitialDemand: true}})
		require.NoError(t, err)
		demand := func() {
			require.NoError(t, w.client(w.process(ProcessConfig{}), mach(echoName), newRecorder()).Send(body("x")))
		}
		demand()
		j.Process().Crash()
		require.Nil(t, j.Process())
		j.Unload()
		require.NoError(t, j.Load())
		demand()
		require.NotNil(t, j.Process())
	})
}

// A launch that waited for its throttle is given up if nothing wants it any more,
// and comes later if something does.
func TestALaunchThatIsNoLongerDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.SetPath("/on", true)
		j, err := w.Load(JobConfig{Label: "x", MachServices: []string{echoName}, KeepAlive: KeepAlive{PathState: map[string]bool{"/on": true}}})
		require.NoError(t, err)
		again := func(demand bool) {
			j.Process().Crash()
			w.SetPath("/on", false)
			if demand {
				require.NoError(t, w.client(w.process(ProcessConfig{}), mach(echoName), newRecorder()).Send(body("x")))
			}
			time.Sleep(defaultThrottle + 1)
		}
		again(false)
		require.Nil(t, j.Process(), "the path is gone")
		w.SetPath("/on", true)
		require.NotNil(t, j.Process(), "it is there again")
		again(true)
		require.NotNil(t, j.Process(), "somebody waits")
	})
}

// A launch that fails is no crash.
func TestALaunchThatFailsIsNoCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		i, err := w.Inject(Fault{Point: BeforeLaunch, Do: Crash})
		require.NoError(t, err)
		j, err := w.Load(JobConfig{Label: "x", KeepAlive: KeepAlive{Crashed: yes()}})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		require.Equal(t, []int{1, 0}, []int{i.Hits(), j.Launches()})
	})
}

// A reboot kills, and forgets what was launched before: nothing is throttled.
func TestRebootKillsAndForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		helper := JobConfig{Label: "x", MachServices: []string{echoName}, Domain: System, ThrottleInterval: time.Hour}
		j, err := w.Load(helper)
		require.NoError(t, err)
		bundle := func(id string) {
			require.NoError(t, w.LoadBundle(BundleConfig{Identifier: id, Services: map[string]Main{
				id + ".helper": func(ctx context.Context, _ *Process) error { <-ctx.Done(); return nil },
			}}))
		}
		bundle("idle")
		bundle("busy")
		demand := func(c ProcessConfig, spec driver.Spec) *Process {
			b := w.process(c)
			require.NoError(t, w.client(b, spec, newRecorder()).Send(body("x")))
			return b.p
		}
		all := []*Process{
			demand(ProcessConfig{}, mach(echoName)),
			demand(ProcessConfig{Bundle: "busy"}, driver.Spec{Kind: driver.KindBundled, Name: "busy.helper"}),
			j.Process(),
		}
		for p := range w.processes {
			if p.job != nil && p.job.isBundled() {
				all = append(all, p)
			}
		}
		require.Len(t, all, 4)
		w.Reboot(System)
		for _, p := range all {
			require.ErrorContains(t, p.IdleExit(), "ended: killed")
		}
		require.Contains(t, w.Trace(), `rebooted    "system"`)
		demand(ProcessConfig{}, mach(echoName))
		require.Equal(t, 2, j.Launches())
	})
}

// Jobs are loaded, and launched, in the order in which they were loaded before.
func TestRebootKeepsTheOrderOfJobs(t *testing.T) {
	w := newWorld(t)
	want := []string{"c", "a", "b"}
	for _, label := range want {
		_, err := w.Load(JobConfig{Label: label, Domain: User, RunAtLoad: true})
		require.NoError(t, err)
	}
	w.Reboot(User)
	var got []string
	for _, e := range w.Events() {
		if e.Kind == Launched {
			got = append(got, e.Process.name)
		}
	}
	require.Equal(t, append(want, want...), got)
}
