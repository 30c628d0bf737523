package fake

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

// What is sent on a listener goes nowhere, and does it no harm.
func TestSendingOnAListener(t *testing.T) {
	for _, endpoint := range []bool{false, true} {
		s := newStage(t, endpoint)
		require.NoError(t, s.listener.Send(body("x")))
		r := newRecorder()
		require.NoError(t, s.listener.SendWithReply(body("x"), nil, r.handle))
		r.expect(t, "INVALID")
		s.toListen.nothing(t, s.Launchd)
		s.toPeer.nothing(t, s.Launchd)
		require.NoError(t, s.client.Send(body("still there")))
		s.toPeer.expect(t, "still there")
	}
}

// What a service has asked of its client ends with it: INVALID if the connection
// was closed, INTERRUPTED if the client's process has ended.
func TestTheServicesRequestsEndWithItsClient(t *testing.T) {
	for _, c := range []struct {
		endpoint     bool
		end          func(s *stage)
		want, reason string
	}{
		{false, func(s *stage) { s.client.Cancel() }, "INVALID", "closed the connection"},
		{false, func(s *stage) { s.clientProc.Crash() }, "INTERRUPTED", "process has ended"},
		{true, func(s *stage) { s.listener.Cancel() }, "INVALID", "closed the connection"},
	} {
		s := newStage(t, c.endpoint)
		s.client.Suspend()
		r := newRecorder()
		require.NoError(t, s.peer.SendWithReply(body("question"), nil, r.handle))
		c.end(s)
		r.expect(t, c.want)
		s.toPeer.expect(t, "INVALID")
		reason, ended := s.peer.InvalidationReason()
		require.True(t, ended)
		require.Contains(t, reason, c.reason)
	}
}

// Of two ends in one process neither learns of the other's end: both end with it.
func TestBothEndsInOneProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.process(ProcessConfig{})
		a, err := b.NewConn(driver.Spec{Kind: driver.KindAnonymous}, nil)
		require.NoError(t, err)
		l, s, r := newRecorder(), newRecorder(), newRecorder()
		acceptAll(a, l, s)
		e, err := a.Endpoint()
		require.NoError(t, err)
		c := w.client(b, driver.Spec{Kind: driver.KindFromEndpoint, Endpoint: e}, r)
		require.Equal(t, "re:x", ask(t, c, "x"))
		synctest.Wait()
		peer := <-l.peers
		b.p.Crash()
		require.Equal(t, []string{"GONE"}, r.seen())
		require.Equal(t, []string{"x", "GONE"}, s.seen())
		require.Equal(t, []string{"peer", "GONE"}, l.seen())
		for _, end := range []driver.Conn{a, c, peer} {
			reason, ended := end.InvalidationReason()
			require.True(t, ended)
			require.Contains(t, reason, "crashed")
		}
	})
}

// A connection that ends drops what it has not sent, with its descriptors, and
// unwinds its barriers.
func TestWhatWasNotSentWhenTheOtherEndWent(t *testing.T) {
	s := newStage(t, true)
	s.client.Suspend()
	_, file := pipe(t)
	require.NoError(t, s.client.Send(withFD("x", file)))
	require.NoError(t, s.client.SendBarrier(func() { s.toClient.events <- "barrier" }))
	s.listener.Cancel()
	s.Settle()
	require.Zero(t, s.descriptors.Load())
	s.client.Resume()
	require.ElementsMatch(t, []string{"barrier", "INVALID"}, []string{s.toClient.next(t), s.toClient.next(t)})
}

// A listener that does not get its name takes the clients of its endpoint along.
func TestEndpointOfAListenerWithoutItsName(t *testing.T) {
	w := newWorld(t)
	c, err := w.process(ProcessConfig{}).NewConn(driver.Spec{Kind: driver.KindMachService, Name: "mine", Flags: driver.FlagListener}, nil)
	require.NoError(t, err)
	e, err := c.Endpoint()
	require.NoError(t, err)
	r, l := newRecorder(), newRecorder()
	w.client(w.process(ProcessConfig{}), driver.Spec{Kind: driver.KindFromEndpoint, Endpoint: e}, r)
	acceptAll(c, l, newRecorder())
	l.expect(t, "INVALID")
	r.expect(t, "INVALID")
}

// A cancel does not wait for what a fault holds up.
func TestCancelledBehindAHeldMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		peer := s.peer(t)
		s.inject(t, Fault{Point: BeforeDelivery, Do: Hold})
		require.NoError(t, s.client.Send(body("x")))
		require.Empty(t, s.toPeer.seen())
		peer.Cancel()
		require.Equal(t, []string{"INVALID"}, s.toPeer.seen())
	})
}

// With FinalizeInRelease, too, a finaliser runs once.
func TestAFinalizerInReleaseRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, FinalizeInRelease())
		s.client.Cancel()
		require.Equal(t, []string{"INVALID"}, s.toClient.seen())
		runs := 0
		s.client.SetFinalizer(func() { runs++ })
		s.client.Release()
		require.Equal(t, 1, runs)
		s.process(ProcessConfig{}).p.Exit()
		require.Equal(t, 1, runs)
	})
}

// With CancelDiscardsSent a message that was not delivered is dropped with what it
// carries; any other event stays.
func TestDiscardedByACancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, CancelDiscardsSent())
		peer := s.peer(t)
		peer.Suspend()
		_, file := pipe(t)
		require.NoError(t, s.client.Send(withFD("x", file)))
		s.job.Process().Terminate()
		s.client.Cancel()
		synctest.Wait()
		require.Zero(t, s.descriptors.Load())
		peer.Resume()
		require.Equal(t, []string{"TERMINATION_IMMINENT", "INVALID"}, s.toPeer.seen())
	})
}

// What has ended is forgotten: peers that the listener never saw, clients of an
// endpoint.
func TestWhatHasEndedIsForgotten(t *testing.T) {
	s := newStage(t, true)
	count := func(p *Process) (n int) {
		for c := p.conns; c != nil; c = c.next {
			n++
		}
		return n
	}
	before := count(s.serviceProc)
	s.listener.Suspend()
	e, err := s.listener.Endpoint()
	require.NoError(t, err)
	r := newRecorder()
	c := s.world.client(s.process(ProcessConfig{}), driver.Spec{Kind: driver.KindFromEndpoint, Endpoint: e}, r)
	require.NoError(t, c.Send(body("x")))
	require.Equal(t, before+1, count(s.serviceProc))
	require.Len(t, e.(*endpoint).port.clients, 2)
	c.Cancel()
	r.expect(t, "INVALID")
	require.Len(t, e.(*endpoint).port.clients, 1)
	s.listener.Cancel()
	require.Equal(t, before, count(s.serviceProc))
}

// What was cancelled before its activation is not looked up: nobody learns of a
// name that is not there.
func TestACancelledConnectionIsNotLookedUp(t *testing.T) {
	w := newWorld(t)
	b := w.process(ProcessConfig{})
	r := newRecorder()
	c, err := b.NewConn(mach("nobody"), nil)
	require.NoError(t, err)
	c.SetHandler(r.handle)
	c.Cancel()
	c.Activate()
	r.expect(t, "INVALID")
	require.Empty(t, w.Findings())
	reason, ended := c.InvalidationReason()
	require.True(t, ended)
	require.Equal(t, "cancelled", reason)
}

// A connection that is released without a cancel ends in silence (row 131), and is
// gone: its finaliser runs, and nothing refers to it or to its handler.
func TestReleasedWithoutACancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.peer(t)
		s.client.SetFinalizer(func() { s.toClient.events <- "finalized" })
		s.client.Release()
		require.Equal(t, []string{"finalized"}, s.toClient.seen())
		require.Equal(t, []string{"INVALID"}, s.toPeer.seen())
		require.Nil(t, s.proc.p.conns)
	})
}

// After its last event a connection takes no handler any more: nothing would free it.
func TestNoHandlerAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.client.Cancel()
		require.Equal(t, []string{"INVALID"}, s.toClient.seen())
		s.client.SetHandler(func(driver.Event) {})
		require.Nil(t, s.client.(*conn).handler)
	})
}

// The credentials come back with the next exchange, also if the process is the same.
func TestCredentialsComeBack(t *testing.T) {
	s := newStage(t, false)
	require.NoError(t, s.toPeer.messages()[0].Reply(body("first")))
	s.outcome.expect(t, "first")
	require.Equal(t, s.serviceProc.PID(), s.client.Credentials().PID)
	s.peer.Cancel()
	s.toClient.expect(t, "INTERRUPTED")
	s.toPeer.expect(t, "INVALID")
	require.Equal(t, driver.NoCredentials, s.client.Credentials())
	s.toPeer.hold = false
	require.Equal(t, "re:x", ask(t, s.client, "x"))
	require.Equal(t, s.serviceProc.PID(), s.client.Credentials().PID)
}
