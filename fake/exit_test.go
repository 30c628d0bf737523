package fake

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

// What came before TERMINATION_IMMINENT is delivered before it, what comes later is
// lost (row 204).
func TestTerminationImminentComesAfterWhatHasArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		peer := s.peer(t)
		peer.Suspend()
		require.NoError(t, s.client.Send(body("1")))
		require.NoError(t, s.client.Send(body("2")))
		s.job.Process().Terminate()
		require.NoError(t, s.client.Send(body("3")))
		require.Empty(t, s.toPeer.seen())
		peer.Resume()
		require.Equal(t, []string{"1", "2", "TERMINATION_IMMINENT"}, s.toPeer.seen())
	})
}

// SIGTERM ends a clean process that has opted in at once, any other when its time is
// up.
func TestSIGTERM(t *testing.T) {
	for _, c := range []struct {
		cfg  JobConfig
		open bool // a transaction
		took time.Duration
		why  string
	}{
		{JobConfig{EnableTransactions: true}, false, 0, "terminated"},
		{JobConfig{EnableTransactions: true}, true, defaultExitTimeOut, "killed"},
		{JobConfig{EnableTransactions: true, ExitTimeOut: time.Second}, true, time.Second, "killed"},
		{JobConfig{}, false, defaultExitTimeOut, "killed"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			c.cfg.Label = "x"
			c.cfg.KeepAlive = KeepAlive{Crashed: yes(), AfterInitialDemand: true}
			j, err := w.Load(c.cfg)
			require.NoError(t, err)
			p, err := j.Launch()
			require.NoError(t, err)
			if c.open {
				require.NoError(t, backend{p}.TransactionBegin())
			}
			start := time.Now()
			p.Terminate()
			p.Terminate()
			<-p.Terminating()
			<-p.Done()
			require.Equal(t, c.took, time.Since(start))
			require.ErrorContains(t, p.IdleExit(), "ended: "+c.why)
			time.Sleep(time.Hour)
			require.Equal(t, 1, j.Launches(), "it was no crash")
		})
	}
}

// Names and pids are as asked for, and the pid of a process is free when it has
// ended.
func TestPIDs(t *testing.T) {
	w := newWorld(t)
	first := w.process(ProcessConfig{PID: 7}).p
	_, err := w.NewProcess(ProcessConfig{PID: 7})
	require.ErrorContains(t, err, "pid 7 is that of a running process")
	w.process(ProcessConfig{PID: 1001})
	require.Equal(t, 1002, w.process(ProcessConfig{}).p.PID())
	first.Exit()
	p := w.process(ProcessConfig{PID: 7, Name: "app", Credentials: &Credentials{EUID: 3}}).p
	require.Equal(t, "app[7]", p.String())
	require.Equal(t, driver.Credentials{PID: 7, EUID: 3}, p.credentials())
}

// The reason of a connection that ended with its process says so, unless it had
// ended before.
func TestReasonsOfWhatEndedWithItsProcess(t *testing.T) {
	s := newStage(t, false)
	r := newRecorder()
	b := backend{s.clientProc}
	cancelled, err := b.NewConn(mach(echoName), nil)
	require.NoError(t, err)
	cancelled.SetHandler(r.handle)
	cancelled.Cancel()
	s.clientProc.Crash()
	s.toClient.expect(t, "GONE")
	for c, want := range map[driver.Conn]string{s.client: "crashed", cancelled: "cancelled"} {
		reason, ended := c.InvalidationReason()
		require.True(t, ended)
		require.Contains(t, reason, want)
	}
}

// What was held back in a process comes out with its end.
func TestHeldBackUntilTheEnd(t *testing.T) {
	s := newStage(t, false, SuspendedReplies())
	s.client.Suspend()
	require.NoError(t, s.toPeer.messages()[0].Reply(body("late")))
	s.outcome.nothing(t, s.Launchd)
	s.clientProc.Crash()
	s.outcome.expect(t, "GONE")
}

func TestAHandlerThatWasToBeSwapped(t *testing.T) {
	for want, end := range map[string]func(s *scene){
		"GONE":    func(s *scene) { s.proc.p.Crash() },
		"INVALID": func(s *scene) { s.client.Cancel(); s.client.Resume() },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t, SwapHandlersLate())
			peer := s.peer(t)
			s.client.Suspend()
			require.NoError(t, peer.Send(body("x")))
			r := newRecorder()
			s.client.SetHandler(r.handle)
			end(s)
			require.Equal(t, []string{want}, r.seen())
			require.Empty(t, s.toClient.seen())
		})
	}
}

// All connections of a process end with it, also beside those that were released.
func TestAllConnectionsEndWithTheirProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for released := range 4 {
			w := newWorld(t)
			b := w.process(ProcessConfig{})
			w.echo(newRecorder(), newRecorder())
			var conns []driver.Conn
			var all []*recorder
			for range 4 {
				all = append(all, newRecorder())
				conns = append(conns, w.client(b, mach(echoName), all[len(all)-1]))
			}
			conns[released].Release()
			conns[(released+1)%4].Release()
			synctest.Wait()
			all = append(all, newRecorder())
			w.client(b, mach(echoName), all[4])
			b.p.Crash()
			for i, r := range all {
				if i == released || i == (released+1)%4 {
					require.Empty(t, r.seen())
				} else {
					require.Equal(t, []string{"GONE"}, r.seen(), "%d beside %d", i, released)
				}
			}
		}
	})
}

// The last explicit transaction of a process that is told to end is its end.
func TestTheLastExplicitTransaction(t *testing.T) {
	w := newWorld(t)
	j, err := w.Load(JobConfig{Label: "x", EnableTransactions: true})
	require.NoError(t, err)
	p, err := j.Launch()
	require.NoError(t, err)
	b := backend{p}
	require.ErrorContains(t, b.TransactionEnd(), "row 202")
	require.NoError(t, b.TransactionBegin())
	require.NoError(t, b.TransactionBegin())
	p.Terminate()
	require.NoError(t, b.TransactionEnd())
	require.NotNil(t, j.Process())
	require.NoError(t, b.TransactionEnd())
	require.Nil(t, j.Process())
	require.ErrorContains(t, p.IdleExit(), "ended: terminated")
	require.ErrorContains(t, b.TransactionBegin(), "terminated")
	require.ErrorContains(t, b.TransactionEnd(), "terminated")
}
