package fake

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// Rows 24, 33, 75, 76: what ends a suspended or inactive connection lets its
// barriers run, and only its events wait.
func TestBarriersOfEndedConnectionsRunAtOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(s *stage)
	}{
		{"cancelled", func(s *stage) { s.client.Cancel() }},
		{"its service has cancelled the listener", func(s *stage) { s.listener.Cancel() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, true)
				var order []string
				mark := func(what string) func() { return func() { order = append(order, what) } }
				s.client.Suspend()
				require.NoError(t, s.client.SendBarrier(mark("first")))
				require.NoError(t, s.client.Send(body("never sent")))
				require.NoError(t, s.client.SendBarrier(mark("second")))
				s.Settle()
				require.Empty(t, order)
				c.end(s)
				s.Settle()
				require.Equal(t, []string{"first", "second"}, order)
				require.NoError(t, s.client.SendBarrier(mark("third")))
				s.Settle()
				require.Len(t, order, 3)
				s.toClient.nothing(t, s.Launchd)
				s.client.Resume()
				s.toClient.expect(t, "INVALID")
			})
		})
	}
}

// An inactive connection that is given up runs its barriers before it is freed.
func TestBarriersOfInactiveConnectionsAreNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c, err := w.process(ProcessConfig{}).NewConn(mach(echoName), nil)
		require.NoError(t, err)
		ran := 0
		require.NoError(t, c.SendBarrier(func() { ran++ }))
		w.Settle()
		require.Zero(t, ran)
		c.Cancel()
		c.Release()
		w.Settle()
		require.Equal(t, 1, ran)
	})
}

// Row 20: activated while suspended, a connection does not look its name up until
// it is resumed, so its requests wait too.
func TestActivationWhileSuspendedTakesEffectWithTheResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r, reply := newRecorder(), newRecorder()
		c, err := w.process(ProcessConfig{}).NewConn(mach("com.example.nobody"), nil)
		require.NoError(t, err)
		c.SetHandler(r.handle)
		c.Suspend()
		c.Activate()
		require.NoError(t, c.SendWithReply(body("x"), nil, reply.handle))
		reply.nothing(t, w.Launchd)
		r.nothing(t, w.Launchd)
		c.Resume()
		reply.expect(t, "INVALID")
		r.expect(t, "INVALID")
	})
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
