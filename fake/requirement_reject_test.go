package fake

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

// demanding is a listener whose requirement its clients meet if they are signed as
// "good".
func demanding(t *testing.T, w world) (p *Process, l driver.Conn, toListener, toPeer *recorder) {
	p, err := w.load(nil).Launch()
	require.NoError(t, err)
	l, err = backend{p}.NewConn(driver.Spec{Kind: driver.KindMachService, Name: echoName, Flags: driver.FlagListener}, nil)
	require.NoError(t, err)
	require.NoError(t, l.SetPeerRequirement(good))
	toListener, toPeer = newRecorder(), newRecorder()
	acceptAll(l, toListener, toPeer)
	return p, l, toListener, toPeer
}

var good = driver.Requirement{Kind: driver.RequireCodeSigning, Text: `identifier "good"`, HasText: true}

// A rejected client talks to nobody for good: each request is interrupted, and the
// end of the process that rejected it is no news.
func TestARejectedClientStaysRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p, _, toListener, toPeer := demanding(t, w)
		r := newRecorder()
		c := w.client(w.process(ProcessConfig{}), mach(echoName), r)
		for _, n := range []string{"1", "2"} {
			require.Equal(t, "INTERRUPTED", ask(t, c, n))
		}
		_, file := pipe(t)
		require.NoError(t, c.Send(withFD("3", file)))
		require.Zero(t, w.descriptors.Load())
		require.Nil(t, c.(*conn).remote.proc)
		p.Crash()
		require.Empty(t, r.seen())
		require.Equal(t, []string{"GONE"}, toListener.seen())
		require.Empty(t, toPeer.seen())
	})
}

// Who has gone before it was judged is rejected like any other.
func TestRejectedAfterItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, l, toListener, toPeer := demanding(t, w)
		l.Suspend()
		r, asked := newRecorder(), newRecorder()
		c := w.client(w.process(ProcessConfig{}), mach(echoName), r)
		require.NoError(t, c.SendWithReply(body("x"), nil, asked.handle))
		c.Cancel()
		l.Resume()
		require.Equal(t, []string{"INVALID"}, r.seen())
		require.Equal(t, []string{"INVALID"}, asked.seen())
		require.Equal(t, "re:y", ask(t, w.client(w.process(ProcessConfig{Identity: Identity{Identifier: "good"}}), mach(echoName), newRecorder()), "y"))
		require.Equal(t, []string{"peer"}, toListener.seen())
		require.Equal(t, []string{"y"}, toPeer.seen())
	})
}

// A client's requirement lets the service's own messages through, from the first.
func TestMessagesOfAGoodService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, err := w.Load(JobConfig{
			Label: "x", MachServices: []string{echoName}, Identity: Identity{Identifier: "good"}, Main: serve(newRecorder(), newRecorder()),
		})
		require.NoError(t, err)
		r := newRecorder()
		c, err := w.process(ProcessConfig{}).NewConn(mach(echoName), nil)
		require.NoError(t, err)
		require.NoError(t, c.SetPeerRequirement(good))
		c.SetHandler(r.handle)
		c.Activate()
		require.NoError(t, c.Send(body("hello")))
		synctest.Wait()
		require.NoError(t, c.(*conn).remote.Send(body("first")))
		require.Equal(t, []string{"first"}, r.seen())
	})
}

// The verdict is asked for without the world's lock: what has changed meanwhile
// counts.
func TestSuspendedWhileItIsJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var judged driver.Conn
		s := newScene(t, EvaluateRequirements(func(driver.Requirement, Identity) bool { judged.Suspend(); return true }))
		judged = s.peer(t)
		require.NoError(t, judged.SetPeerRequirement(driver.Requirement{Kind: driver.RequireCodeSigning, Text: "anchor apple"}))
		require.NoError(t, s.client.Send(body("x")))
		require.Empty(t, s.toPeer.seen())
		judged.Resume()
		require.Equal(t, []string{"x"}, s.toPeer.seen())
	})
}

// Requests that are refused together are refused in their order.
func TestRefusedInOrder(t *testing.T) {
	t.Setenv(SeedVariable, "") // the order is the point
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, l, _, _ := demanding(t, w)
		l.Suspend()
		b, r := w.process(ProcessConfig{}), newRecorder()
		c, q := w.client(b, mach(echoName), r), w.queue(b, false)
		want := []string{"1", "2", "3"}
		for _, n := range want {
			require.NoError(t, c.SendWithReply(body(n), q, func(driver.Event) { r.events <- n }))
		}
		l.Resume()
		require.Equal(t, want, r.seen())
	})
}
