package fake

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

// A serial queue runs its functions in their order.
func TestASerialQueueKeepsItsOrder(t *testing.T) {
	w := newWorld(t)
	q := w.queue(w.process(ProcessConfig{}), false)
	in, out := make(chan struct{}), make(chan struct{})
	q.Async(func() { close(in); <-out })
	<-in
	r := newRecorder()
	for i := range 5 {
		q.Async(func() { r.events <- fmt.Sprint(i) })
	}
	close(out)
	r.expect(t, "0", "1", "2", "3", "4")
}

// No connection keeps a queue that it shares to itself.
func TestASharedQueueIsShared(t *testing.T) {
	t.Setenv(SeedVariable, "") // the order is the point
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		peer := s.peer(t)
		q := s.queue(s.proc, false)
		done := make(chan struct{})
		require.NoError(t, s.client.SetTargetQueue(q))
		delivered := 0
		s.client.SetHandler(func(ev driver.Event) {
			if delivered++; delivered == 1 {
				q.Async(func() { close(done) })
			}
			ev.Message.Release()
			if delivered == 100 {
				select {
				case <-done:
				default:
					t.Error("the function waits for all messages")
				}
			}
		})
		s.client.Suspend()
		for range 100 {
			require.NoError(t, peer.Send(body("x")))
		}
		s.client.Resume()
		synctest.Wait()
		require.Equal(t, 100, delivered)
		<-done
		s.client.SetHandler(s.toClient.handle)
	})
}

// Without Shuffle all that is on a serial queue runs in the order in which it came:
// functions, events, also those of a connection that has just moved there, replies
// and finalisers.
func TestAllThatIsOnASerialQueueKeepsItsOrder(t *testing.T) {
	t.Setenv(SeedVariable, "") // the order is the point
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		peer := s.peer(t)
		q, r := s.queue(s.proc, false), s.toClient
		mark := func(what string) { q.Async(func() { r.events <- what }) }
		blocked := func(while func()) {
			in, out := make(chan struct{}), make(chan struct{})
			q.Async(func() { close(in); <-out })
			<-in
			while()
			synctest.Wait()
			close(out)
		}
		require.NoError(t, s.client.SetTargetQueue(q))
		blocked(func() {
			mark("before")
			require.NoError(t, peer.Send(body("x")))
			synctest.Wait()
			mark("after")
		})
		require.Equal(t, []string{"before", "x", "after"}, r.seen())
		blocked(func() {
			mark("before")
			for _, n := range []string{"1", "2"} {
				require.NoError(t, s.client.SendWithReply(body(n), q, r.handle))
				synctest.Wait()
			}
			mark("after")
		})
		require.Equal(t, []string{"before", "re:1", "re:2", "after"}, r.seen())

		require.NoError(t, s.client.SetTargetQueue(s.queue(s.proc, false)))
		enter, leave := make(chan struct{}), make(chan struct{})
		s.client.SetHandler(func(ev driver.Event) {
			if ev.Message != nil && text(ev) == "moves" {
				close(enter)
				<-leave
			}
			r.handle(ev)
		})
		require.NoError(t, peer.Send(body("moves")))
		<-enter
		require.NoError(t, peer.Send(body("moved")))
		require.NoError(t, s.client.SetTargetQueue(q))
		blocked(func() {
			mark("before")
			close(leave)
			synctest.Wait()
			mark("after")
		})
		require.Equal(t, []string{"moves", "before", "moved", "after"}, r.seen())

		s.client.Cancel()
		require.Equal(t, []string{"INVALID"}, r.seen())
		s.client.SetFinalizer(func() { r.events <- "finalized" })
		blocked(func() {
			mark("before")
			s.client.Release()
			mark("after")
		})
		require.Equal(t, []string{"before", "finalized", "after"}, r.seen())
	})
}

// With HandlerIsBarrier replies leave after the handler, in the order in which it
// gave them.
func TestRepliesHeldBackKeepTheirOrder(t *testing.T) {
	t.Setenv(SeedVariable, "") // the order is the point
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, HandlerIsBarrier())
		peer := s.peer(t)
		var kept []driver.Message
		peer.SetHandler(func(ev driver.Event) {
			if kept = append(kept, ev.Message); len(kept) < 3 {
				return
			}
			for _, m := range kept {
				_ = m.Reply(body(string(m.Body())))
				m.Release()
			}
		})
		q := s.queue(s.proc, false)
		for _, n := range []string{"1", "2", "3"} {
			require.NoError(t, s.client.SendWithReply(body(n), q, s.toClient.handle))
		}
		require.Equal(t, []string{"1", "2", "3"}, s.toClient.seen())
		peer.SetHandler(s.toPeer.handle)
	})
}

// With SuspendedReplies those that came meanwhile come in their order.
func TestRepliesOfASuspensionKeepTheirOrder(t *testing.T) {
	t.Setenv(SeedVariable, "") // the order is the point
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, SuspendedReplies())
		s.peer(t)
		q := s.queue(s.proc, false)
		s.toPeer.hold = true
		for _, n := range []string{"1", "2", "3"} {
			require.NoError(t, s.client.SendWithReply(body(n), q, s.toClient.handle))
			synctest.Wait()
		}
		s.client.Suspend()
		for _, m := range s.toPeer.messages() {
			require.NoError(t, m.Reply(body(string(m.Body()))))
			m.Release()
		}
		require.Empty(t, s.toClient.seen())
		s.client.Resume()
		require.Equal(t, []string{"1", "2", "3"}, s.toClient.seen())
	})
}
