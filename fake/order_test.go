package fake

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/driver"
)

func (w world) queue(b backend, concurrent bool) driver.Queue {
	q, err := b.NewQueue("q", concurrent)
	require.NoError(w.t, err)
	return q
}

func TestEachSenderKeepsItsOrder(t *testing.T) {
	const senders, each = 8, 500
	w := newWorld(t)
	l, s, r := newRecorder(), newRecorder(), newRecorder()
	w.echo(l, s)
	c := w.client(w.process(ProcessConfig{}), mach(echoName), r)
	var wg sync.WaitGroup
	for n := range senders {
		wg.Go(func() {
			for i := range each {
				_ = c.Send(body(fmt.Sprintf("%d %d", n, i)))
			}
		})
	}
	wg.Wait()
	var next [senders]int
	for range senders * each {
		var n, i int
		_, err := fmt.Sscan(s.next(t), &n, &i)
		require.NoError(t, err)
		require.Equal(t, next[n], i)
		next[n]++
	}
}

func TestWhatIsSentBeforeActivationWaitsInOrder(t *testing.T) {
	w := newWorld(t)
	l, s, r, asked := newRecorder(), newRecorder(), newRecorder(), newRecorder()
	j := w.echo(l, s)
	c, err := w.process(ProcessConfig{}).NewConn(mach(echoName), nil)
	require.NoError(t, err)
	c.SetHandler(r.handle)
	require.NoError(t, c.Send(body("1")))
	require.NoError(t, c.SendWithReply(body("2"), nil, asked.handle))
	require.NoError(t, c.SendBarrier(func() { r.events <- "barrier" }))
	require.NoError(t, c.Send(body("3")))
	r.nothing(t, w.Launchd)
	require.Nil(t, j.Process())
	c.Activate()
	s.expect(t, "1", "2", "3")
	r.expect(t, "barrier")
	asked.expect(t, "re:2")
}

func TestSuspensionHoldsBothDirectionsButNotReplies(t *testing.T) {
	s := newStage(t, false)
	s.client.Suspend()
	s.client.Suspend()
	require.NoError(t, s.client.Send(body("out")))
	require.NoError(t, s.peer.Send(body("in")))
	require.NoError(t, s.toPeer.messages()[0].Reply(body("reply")))
	s.outcome.expect(t, "reply")
	s.toClient.nothing(t, s.Launchd)
	s.toPeer.nothing(t, s.Launchd)
	s.client.Resume()
	s.toClient.nothing(t, s.Launchd)
	s.client.Resume()
	s.toClient.expect(t, "in")
	s.toPeer.expect(t, "out")
}

func TestAnInterruptionEndsWhatWaitsInTheSendQueue(t *testing.T) {
	s := newStage(t, false)
	s.client.Suspend()
	later := newRecorder()
	ran := make(chan struct{})
	require.NoError(t, s.client.Send(body("vanishes")))
	require.NoError(t, s.client.SendWithReply(body("too"), nil, later.handle))
	require.NoError(t, s.client.SendBarrier(func() { close(ran) }))
	s.serviceProc.Crash()
	s.outcome.expect(t, "INTERRUPTED")
	later.expect(t, "INTERRUPTED")
	s.client.Resume()
	s.toClient.expect(t, "INTERRUPTED")
	<-ran
	require.Nil(t, s.job.Process())
}

func TestMessagesSentBeforeTheEndComeBeforeItsNotice(t *testing.T) {
	s := newStage(t, false)
	s.client.Suspend()
	for i := range 3 {
		require.NoError(t, s.peer.Send(body(fmt.Sprint(i))))
	}
	s.serviceProc.Crash()
	s.client.Resume()
	s.toClient.expect(t, "0", "1", "2", "INTERRUPTED")
}

func TestCancelDropsWhatWasNotDelivered(t *testing.T) {
	s := newStage(t, false)
	s.client.Suspend()
	require.NoError(t, s.peer.Send(body("dropped")))
	require.NoError(t, s.client.Send(body("not sent")))
	ran := make(chan struct{})
	require.NoError(t, s.client.SendBarrier(func() { close(ran) }))
	s.client.Cancel()
	s.outcome.expect(t, "INVALID")
	s.toClient.nothing(t, s.Launchd)
	s.client.Resume()
	s.toClient.expect(t, "INVALID")
	<-ran
	s.toPeer.expect(t, "INVALID")
	after := make(chan struct{})
	require.NoError(t, s.client.SendBarrier(func() { close(after) }))
	<-after
}

func TestCancelledWhileInactiveIsInvalidOnceActivated(t *testing.T) {
	w := newWorld(t)
	r := newRecorder()
	c, err := w.process(ProcessConfig{}).NewConn(mach("nobody"), nil)
	require.NoError(t, err)
	c.SetHandler(r.handle)
	c.Cancel()
	r.nothing(t, w.Launchd)
	c.Activate()
	r.expect(t, "INVALID")
	c.Cancel()
	r.nothing(t, w.Launchd)
}

func TestBarriersRunInOrderAndHoldTheMessagesBehindThem(t *testing.T) {
	w := newWorld(t)
	l, s, r := newRecorder(), newRecorder(), newRecorder()
	w.echo(l, s)
	c := w.client(w.process(ProcessConfig{}), mach(echoName), r)
	in, out := make(chan struct{}), make(chan struct{})
	require.NoError(t, c.Send(body("before")))
	require.NoError(t, c.SendBarrier(func() { close(in); <-out }))
	<-in
	require.NoError(t, c.Send(body("after")))
	require.NoError(t, c.SendBarrier(func() { r.events <- "second" }))
	s.expect(t, "before")
	select {
	case ev := <-s.events:
		t.Fatalf("%s was sent while a barrier ran", ev)
	case ev := <-r.events:
		t.Fatalf("%s ran beside a barrier", ev)
	default:
	}
	close(out)
	s.expect(t, "after")
	r.expect(t, "second")
	require.NoError(t, c.SendBarrier(c.Cancel))
	r.expect(t, "INVALID")
}

func TestSerialQueueExcludesAllThatSharesIt(t *testing.T) {
	w := newWorld(t)
	l, s := newRecorder(), newRecorder()
	w.echo(l, s)
	b := w.process(ProcessConfig{})
	q := w.queue(b, false)
	var inside atomic.Int32
	runs := make(chan struct{}, 500)
	enter := func(driver.Event) {
		if inside.Add(1) != 1 {
			panic("two functions of a serial queue overlap")
		}
		runs <- struct{}{}
		inside.Add(-1)
	}
	for range 5 {
		c, err := b.NewConn(mach(echoName), q)
		require.NoError(t, err)
		c.SetHandler(enter)
		c.Activate()
		for range 50 {
			require.NoError(t, c.SendWithReply(body("x"), q, enter))
			q.Async(func() { enter(driver.Event{}) })
		}
	}
	for range 500 {
		<-runs
	}
}

func TestHandlerNeverOverlapsItselfAcrossChangesOfItsQueue(t *testing.T) {
	s := newStage(t, false)
	b := backend{s.clientProc}
	queues := []driver.Queue{nil, s.queue(b, false), s.queue(b, true)}
	var inside atomic.Int32
	var got []string
	s.client.SetHandler(func(ev driver.Event) {
		if inside.Add(1) != 1 {
			panic("a handler overlaps itself")
		}
		if ev.Message != nil {
			got = append(got, text(ev))
			ev.Message.Release()
		}
		inside.Add(-1)
	})
	for i := range 300 {
		require.NoError(t, s.client.SetTargetQueue(queues[i%3]))
		require.NoError(t, s.peer.Send(body(fmt.Sprint(i))))
	}
	s.Settle()
	require.Len(t, got, 300)
	for i, g := range got {
		require.Equal(t, fmt.Sprint(i), g)
	}
}

func TestPeersEventsWaitForTheListenersHandler(t *testing.T) {
	w := newWorld(t)
	j := w.load(nil)
	p, err := j.Launch()
	require.NoError(t, err)
	in, out := make(chan struct{}), make(chan struct{})
	s, r := newRecorder(), newRecorder()
	l, err := backend{p}.NewConn(driver.Spec{Kind: driver.KindMachService, Name: echoName, Flags: driver.FlagListener}, nil)
	require.NoError(t, err)
	l.SetHandler(func(ev driver.Event) {
		if ev.Peer == nil {
			return
		}
		ev.Peer.SetHandler(s.handle)
		ev.Peer.Activate()
		_ = ev.Peer.Send(body("early"))
		close(in)
		<-out
	})
	l.Activate()
	c := w.client(w.process(ProcessConfig{}), mach(echoName), r)
	require.NoError(t, c.Send(body("x")))
	<-in
	r.expect(t, "early")
	select {
	case <-s.events:
		t.Fatal("an event of the peer came too early")
	default:
	}
	close(out)
	s.expect(t, "x")
}

func TestRefusedPeerInterruptsItsClient(t *testing.T) {
	w := newWorld(t)
	j := w.load(nil)
	p, err := j.Launch()
	require.NoError(t, err)
	l, err := backend{p}.NewConn(driver.Spec{Kind: driver.KindMachService, Name: echoName, Flags: driver.FlagListener}, nil)
	require.NoError(t, err)
	l.SetHandler(func(ev driver.Event) {
		if ev.Peer != nil {
			ev.Peer.Cancel()
		}
	})
	l.Activate()
	r := newRecorder()
	c := w.client(w.process(ProcessConfig{}), mach(echoName), r)
	require.Equal(t, "INTERRUPTED", ask(t, c, "x"))
	r.expect(t, "INTERRUPTED")
}

func TestSendFromTheInterruptedHandlerReachesTheNewInstance(t *testing.T) {
	w := newWorld(t)
	l, s, r := newRecorder(), newRecorder(), newRecorder()
	j := w.echo(l, s)
	b := w.process(ProcessConfig{})
	c, err := b.NewConn(mach(echoName), nil)
	require.NoError(t, err)
	c.SetHandler(func(ev driver.Event) {
		r.handle(ev)
		if ev.Err == driver.Interrupted {
			_ = c.Send(body("state"))
		}
	})
	c.Activate()
	for range 5 {
		require.NoError(t, c.Send(body("hello")))
		s.expect(t, "hello")
		j.Process().Crash()
		r.expect(t, "INTERRUPTED")
		require.ElementsMatch(t, []string{"GONE", "state"}, []string{s.next(t), s.next(t)})
	}
}

func TestSynchronousSendFromTheOwnHandlerIsMisuse(t *testing.T) {
	s := newStage(t, false)
	for _, where := range []string{"handler", "barrier", "deep", "elsewhere", "other"} {
		t.Run(where, func(t *testing.T) {
			s.toPeer.hold = false
			errs := make(chan error, 1)
			var c driver.Conn = s.client
			send := func() {
				ev, err := c.SendWithReplySync(body("x"))
				if ev.Message != nil {
					ev.Message.Release()
				}
				errs <- err
			}
			run := send
			switch where {
			case "deep":
				run = func() { deep(200, send) }
			case "elsewhere":
				run = func() {
					done := make(chan struct{})
					go func() { send(); close(done) }()
					<-done
				}
			case "other":
				c = s.world.client(backend{s.clientProc}, mach(echoName), newRecorder())
			}
			if where == "barrier" {
				require.NoError(t, s.client.SendBarrier(run))
			} else {
				s.client.SetHandler(func(ev driver.Event) {
					if ev.Message != nil {
						ev.Message.Release()
						run()
					}
				})
				require.NoError(t, s.peer.Send(body("go")))
			}
			if where == "elsewhere" || where == "other" {
				require.NoError(t, <-errs)
			} else {
				err := <-errs
				require.ErrorIs(t, err, xpc.ErrMisuse)
				require.True(t, strings.Contains(err.Error(), echoName) && strings.Contains(err.Error(), "row 112"), err)
			}
			s.Settle()
		})
	}
}

//go:noinline
func deep(n int, f func()) {
	if n == 0 {
		f()
		return
	}
	deep(n-1, f)
	nop()
}

//go:noinline
func nop() {}

func TestTheStackTellsConnectionsApart(t *testing.T) {
	for _, id := range []uint32{1, 2, 15, 16, 17, 0x101, 0x110, 0x12345678, 0xffffffff, 0xf0000000} {
		tagged(id, nil, driver.Event{}, func() {
			require.True(t, runs(id))
			deep(100, func() { require.True(t, runs(id)) })
			for _, other := range []uint32{1, 2, 0x10, 0x1010, id ^ 1, id<<4 | 1, id >> 4} {
				if other != id {
					require.False(t, runs(other), "%x for %x", other, id)
				}
			}
		})
		require.False(t, runs(id))
	}
}

func TestSynchronousSendOnAnInactiveConnectionWaits(t *testing.T) {
	w := newWorld(t)
	l, s, r := newRecorder(), newRecorder(), newRecorder()
	w.echo(l, s)
	c, err := w.process(ProcessConfig{}).NewConn(mach(echoName), nil)
	require.NoError(t, err)
	c.SetHandler(r.handle)
	answer := make(chan string)
	go func() { answer <- ask(t, c, "x") }()
	s.nothing(t, w.Launchd)
	c.Activate()
	require.Equal(t, "re:x", <-answer)
}

func TestFinalizerRunsOnceOnTheTargetQueueAfterRelease(t *testing.T) {
	w := newWorld(t)
	b := w.process(ProcessConfig{})
	q := w.queue(b, false)
	r := newRecorder()
	c, err := b.NewConn(mach("nobody"), q)
	require.NoError(t, err)
	c.SetHandler(r.handle)
	c.SetFinalizer(func() { r.events <- "finalized" })
	c.Activate()
	r.expect(t, "INVALID")
	r.nothing(t, w.Launchd)
	in, out := make(chan struct{}), make(chan struct{})
	q.Async(func() { close(in); <-out })
	<-in
	c.Release()
	select {
	case <-r.events:
		t.Fatal("the finalizer overlaps another function of the queue")
	default:
	}
	close(out)
	r.expect(t, "finalized")
	r.nothing(t, w.Launchd)
	require.Nil(t, b.p.conns)
}

func TestAfterItsPeerWasCancelledAClientGetsAnother(t *testing.T) {
	for _, endpoint := range []bool{false, true} {
		s := newStage(t, endpoint)
		s.peer.Cancel()
		s.outcome.expect(t, "INTERRUPTED")
		s.toClient.expect(t, "INTERRUPTED")
		require.Equal(t, driver.NoCredentials, s.client.Credentials())
		s.toPeer.expect(t, "INVALID")
		require.NoError(t, s.client.Send(body("again")))
		s.toListen.expect(t, "peer")
		require.NotSame(t, s.peer, <-s.toListen.peers)
		s.toPeer.expect(t, "again")
	}
}

func TestPeersThatAListenerNeverSawEndWithIt(t *testing.T) {
	s := newStage(t, false)
	s.listener.Suspend()
	r, asked := newRecorder(), newRecorder()
	c := s.world.client(s.process(ProcessConfig{}), mach(echoName), r)
	require.NoError(t, c.SendWithReply(body("x"), nil, asked.handle))
	s.toListen.nothing(t, s.Launchd)
	s.listener.Cancel()
	asked.expect(t, "INTERRUPTED")
	r.expect(t, "INTERRUPTED")
	s.listener.Resume()
	s.toListen.expect(t, "INVALID")
}

func TestEndpointOfAListenerThatIsNotYetActive(t *testing.T) {
	w := newWorld(t)
	b := w.process(ProcessConfig{})
	a, err := b.NewConn(driver.Spec{Kind: driver.KindAnonymous}, nil)
	require.NoError(t, err)
	e, err := a.Endpoint()
	require.NoError(t, err)
	l, s, r := newRecorder(), newRecorder(), newRecorder()
	spec := driver.Spec{Kind: driver.KindFromEndpoint, Endpoint: e}
	c := w.client(b, spec, r)
	idle := newRecorder()
	w.client(b, spec, idle)
	require.NoError(t, c.Send(body("x")))
	r.nothing(t, w.Launchd)
	acceptAll(a, l, s)
	s.expect(t, "x")
	a.Cancel()
	r.expect(t, "INVALID")
	idle.expect(t, "INVALID")
	late := newRecorder()
	w.client(b, spec, late)
	late.expect(t, "INVALID")
	_, err = c.Endpoint()
	require.ErrorIs(t, err, xpc.ErrMisuse)
}
