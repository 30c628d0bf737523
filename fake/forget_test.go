package fake

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// What is over holds on to nothing: a test may keep a handle, and a world may live
// for long.

func TestConnectionsForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		peer := s.peer(t).(*conn)
		c := s.client.(*conn)
		other := s.world.client(s.proc, mach(echoName), newRecorder()).(*conn)
		c.SetFinalizer(func() {})
		c.Release()
		synctest.Wait()
		require.True(t, c.freed)
		require.Nil(t, c.finalizer)
		require.Nil(t, c.handler)
		require.Nil(t, c.remote)
		require.Nil(t, peer.remote)
		require.Nil(t, c.next)
		require.Nil(t, other.prev)
		require.True(t, c.inbox.empty())
		other.Cancel()
		synctest.Wait()
		other.Cancel()
		require.True(t, other.inbox.empty())
		last := s.world.client(s.proc, mach(echoName), newRecorder()).(*conn)
		last.Release()
		synctest.Wait()
		require.Nil(t, last.prev)
	})
}

func TestPortsForget(t *testing.T) {
	for _, end := range []func(s *stage){
		func(s *stage) { s.listener.Cancel() },
		func(s *stage) { s.serviceProc.Crash() },
	} {
		s := newStage(t, true)
		end(s)
		e := s.listener.(*conn).anonymous
		require.True(t, e.dead)
		require.Nil(t, e.listener)
		require.Empty(t, e.clients)
	}
	s := newStage(t, true)
	s.clientProc.Crash()
	require.Empty(t, s.listener.(*conn).anonymous.clients)
}

// Who waited at a port and was turned away is no longer tied to its peer.
func TestWaitingPeersForget(t *testing.T) {
	w := newWorld(t)
	j := w.load(nil)
	r := newRecorder()
	require.NoError(t, w.client(w.process(ProcessConfig{}), mach(echoName), r).Send(body("x")))
	peer := j.ports[echoName].waiting[0]
	j.Process().Crash()
	r.expect(t, "INTERRUPTED")
	require.Empty(t, j.ports[echoName].waiting)
	require.Nil(t, peer.remote)
	require.True(t, peer.inbox.empty())
}

func TestMessagesForget(t *testing.T) {
	s := newStage(t, false)
	_, file := pipe(t)
	s.send(withFD("a", file))
	s.send(withFD("b", file))
	s.send(withFD("c", file))
	s.toPeer.expect(t, "a", "b", "c")
	for _, i := range []int{2, 1, 3} {
		m := s.toPeer.messages()[i].(*message)
		m.Release()
		require.Nil(t, m.prev)
		require.Nil(t, m.next)
	}
	require.Nil(t, s.serviceProc.withResources)
	require.Nil(t, s.trash)
	s.send(withFD("d", file))
	s.toPeer.expect(t, "d")
	held := s.serviceProc.messages
	s.serviceProc.Crash()
	require.Equal(t, held-1, s.serviceProc.messages)
	s.toPeer.messages()[4].Release()
	require.Equal(t, held-1, s.serviceProc.messages)
}

func TestRequestsForget(t *testing.T) {
	s := newStage(t, false)
	for _, n := range []string{"2", "3"} {
		require.NoError(t, s.client.SendWithReply(body(n), nil, s.outcome.handle))
		s.toPeer.expect(t, n)
	}
	c := s.client.(*conn)
	for _, i := range []int{1, 0, 2} {
		r := s.toPeer.messages()[i].(*message).req
		require.NoError(t, s.toPeer.messages()[i].Reply(body("done")))
		s.outcome.expect(t, "done")
		s.Settle()
		require.Nil(t, r.prev)
		require.Nil(t, r.next)
		require.Nil(t, r.h)
		require.Zero(t, r.ev)
	}
	require.Nil(t, c.firstRequest)
	require.Nil(t, c.lastRequest)
}

// A reply whose handler has not run when its process ends is given back.
func TestProcessesForgetReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.peer(t)
		q := s.queue(s.proc, false)
		in, out := make(chan struct{}), make(chan struct{})
		q.Async(func() { close(in); <-out })
		<-in
		require.NoError(t, s.client.SendWithReply(body("x"), q, s.toClient.handle))
		synctest.Wait()
		require.Equal(t, 1, s.proc.p.messages)
		s.proc.p.Crash()
		close(out)
		require.ElementsMatch(t, []string{"GONE", "GONE"}, s.toClient.seen())
		require.Zero(t, s.proc.p.messages)
	})
}

func TestProcessesAndTimersForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewLaunchd(ReportLeaks())
		j, err := w.Load(JobConfig{Label: "x", KeepAlive: KeepAlive{Always: true}})
		require.NoError(t, err)
		p := j.Process()
		p.Terminate()
		p.Exit()
		require.False(t, p.kill.Stop(), "it was stopped before")
		require.Nil(t, w.ended)
		require.NotNil(t, j.throttled)
		require.NoError(t, w.Close())
		require.Nil(t, j.throttled)
		require.False(t, w.tidying)

		w = NewLaunchd()
		j, err = w.Load(JobConfig{Label: "x", EnableTransactions: true, Main: func(ctx context.Context, _ *Process) error { <-ctx.Done(); return nil }})
		require.NoError(t, err)
		p, err = j.Launch()
		require.NoError(t, err)
		p.Terminate()
		require.Nil(t, p.kill, "it has ended at once")
		require.NoError(t, w.Close())
		time.Sleep(time.Hour)
	})
}

// The memory of a queue follows what waits in it.
func TestQueuesForget(t *testing.T) {
	var l jobs
	f := funcJob(func() {})
	for range 5000 {
		l.push(f)
	}
	require.Equal(t, 5000, l.len())
	l.pop()
	require.Nil(t, l.list[0])
	for l.len() > 0 {
		l.pop()
	}
	require.Nil(t, l.list)
	l.push(f)
	l.pop()
	require.NotNil(t, l.list, "a small one is kept")
	l.push(f)
	for range 5000 { // never empty
		l.push(f)
		l.pop()
	}
	require.Equal(t, 1, l.len())
	require.Less(t, cap(l.list), 1024)
}
