package fake

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestKeepAliveByPathsAndOtherJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		load := func(label string, k KeepAlive) *Job {
			j, err := w.Load(JobConfig{Label: label, KeepAlive: k})
			require.NoError(t, err)
			return j
		}
		exists := load("exists", KeepAlive{PathState: map[string]bool{"/on": true}})
		absent := load("absent", KeepAlive{PathState: map[string]bool{"/off": false}})
		follower := load("follower", KeepAlive{OtherJobEnabled: map[string]bool{"leader": true}})
		substitute := load("substitute", KeepAlive{OtherJobEnabled: map[string]bool{"leader": false}})
		network := load("network", KeepAlive{NetworkState: yes()})
		launches := func() [5]int {
			return [5]int{exists.Launches(), absent.Launches(), follower.Launches(), substitute.Launches(), network.Launches()}
		}
		require.Equal(t, [5]int{0, 1, 0, 1, 0}, launches())
		w.SetPath("/on", true)
		leader := load("leader", KeepAlive{})
		require.Equal(t, [5]int{1, 1, 1, 1, 0}, launches())
		for _, j := range []*Job{exists, absent, follower, substitute} {
			j.Process().Exit()
		}
		time.Sleep(defaultThrottle + 1)
		require.Equal(t, [5]int{2, 2, 2, 1, 0}, launches(), "the leader is there")
		w.SetPath("/off", true)
		for _, j := range []*Job{exists, absent, follower} {
			j.Process().Exit()
		}
		leader.Unload()
		time.Sleep(defaultThrottle + 1)
		require.Equal(t, [5]int{3, 2, 2, 2, 0}, launches())
	})
}

func TestAfterInitialDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		j, err := w.Load(JobConfig{Label: "x", MachServices: []string{echoName}, KeepAlive: KeepAlive{AfterInitialDemand: true}})
		require.NoError(t, err)
		require.Zero(t, j.Launches())
		require.NoError(t, w.client(w.process(ProcessConfig{}), mach(echoName), newRecorder()).Send(body("x")))
		require.Equal(t, 1, j.Launches())
		j.Process().Crash()
		time.Sleep(defaultThrottle + 1)
		require.Equal(t, 2, j.Launches())
	})
}

func TestUserName(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		user      string
		domain    Domain
		euid, gid int
	}{
		{"", System, 0, 0}, {"root", System, 0, 0}, {"nobody", System, -2, -2},
		{"_first", System, 400, 400}, {"_second", System, 401, 401}, {"_first", System, 400, 400},
		{"_first", User, 501, 20},
	} {
		j, err := w.Load(JobConfig{Label: "x", Domain: c.domain, UserName: c.user})
		require.NoError(t, err)
		p, err := j.Launch()
		require.NoError(t, err)
		require.Equal(t, []int{c.euid, c.gid}, []int{p.cred.EUID, p.cred.EGID}, c)
		j.Unload()
	}
	j, err := w.Load(JobConfig{Label: "y", UserName: "_first", Credentials: &Credentials{EUID: 7}})
	require.NoError(t, err)
	p, err := j.Launch()
	require.NoError(t, err)
	require.Equal(t, 7, p.cred.EUID)
}
