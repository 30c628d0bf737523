package fake

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

// A listener that is resumed has its name already: it does not check in again.
func TestAListenerChecksInOnce(t *testing.T) {
	s := newStage(t, false)
	s.listener.Suspend()
	s.listener.Resume()
	s.listener.Activate()
	s.toListen.nothing(t, s.Launchd)
	require.NoError(t, s.world.client(s.process(ProcessConfig{}), mach(echoName), newRecorder()).Send(body("again")))
	s.toPeer.expect(t, "again")
	require.Empty(t, s.Findings())
}

// A resume too many, which package xpc refuses, is not owed.
func TestAResumeTooManyIsNothing(t *testing.T) {
	s := newStage(t, false)
	s.client.Resume()
	require.NoError(t, s.client.Send(body("x")))
	s.toPeer.expect(t, "x")
	s.client.Suspend()
	require.NoError(t, s.client.Send(body("y")))
	s.toPeer.nothing(t, s.Launchd)
	s.client.Resume()
	s.toPeer.expect(t, "y")
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
