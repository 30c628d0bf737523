package fake

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

// Who asks while the handler runs, and is not it, is answered.
func TestSynchronousRequestBesideTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		peer := s.peer(t)
		in, out := make(chan struct{}), make(chan struct{})
		s.client.SetHandler(func(ev driver.Event) { close(in); <-out; s.toClient.handle(ev) })
		require.NoError(t, peer.Send(body("x")))
		<-in
		require.Equal(t, "re:y", ask(t, s.client, "y"))
		s.client.SetHandler(s.toClient.handle)
		close(out)
		require.Equal(t, []string{"x"}, s.toClient.seen())
	})
}

// Of several synchronous requests each waits for its own reply.
func TestSynchronousRequestsWaitForTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.peer(t)
		s.toPeer.hold = true
		answers := newRecorder()
		for _, n := range []string{"a", "b", "c"} {
			go func() { answers.events <- ask(t, s.client, n) }()
			synctest.Wait()
		}
		for _, i := range []int{1, 2, 0} {
			m := s.toPeer.messages()[i]
			want := string(m.Body())
			require.NoError(t, m.Reply(body(want)))
			m.Release()
			require.Equal(t, []string{want}, answers.seen())
		}
		require.Len(t, s.waiters, 3, "what they waited on is used again")
		s.toPeer.hold = false
		require.Equal(t, "re:d", ask(t, s.client, "d"))
		require.Len(t, s.waiters, 3)
	})
}

// With LoseAfterDeath a request is interrupted at once, until the client has heard
// of the death.
func TestRequestsLostAfterADeath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, LoseAfterDeath())
		s.peer(t)
		q := s.queue(s.proc, false)
		require.NoError(t, s.client.SetTargetQueue(q))
		in, out := make(chan struct{}), make(chan struct{})
		q.Async(func() { close(in); <-out })
		<-in
		s.job.Process().Crash()
		require.Equal(t, []string{"INTERRUPTED"}, s.asks(t, "lost").seen())
		close(out)
		require.Equal(t, []string{"INTERRUPTED"}, s.toClient.seen())
		require.Equal(t, []string{"re:x"}, s.asks(t, "x").seen())
		require.Equal(t, 2, s.job.Launches())
	})
}
