package xpctest

import "github.com/go-xpc/xpc"

var cancellation = []Case{
	{Row: 115, Name: "cancel_does_not_interrupt", Says: "cancel returns at once and does not interrupt a running handler", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		in, g := e.gate(), e.gate()
		e.NoError(x.c.SetEventHandler(func(ev xpc.Event) {
			if _, ok := ev.(*xpc.Message); ok {
				in.open()
				g.pass()
			}
			x.record(ev)
		}))
		p.send(1)
		in.wait("the handler")
		e.NoError(x.c.Cancel())
		p.has(invalid)
		e.quiet()
		x.is()
		g.open()
		x.wait("1", invalid)
	}},
	{Row: 116, Name: "invalid_is_the_last_event", Says: "after a cancel the handler is called one last time, with INVALID, on the target queue", run: func(e *env) {
		h := e.host(program{})
		q := e.queue()
		x, p := h.pairOn(q)
		g := e.block(q)
		e.NoError(x.c.Cancel())
		p.has(invalid)
		e.quiet()
		x.is()
		g.open()
		x.wait(invalid)
		p.send(1)
		p.barrier()
		<-x.c.Done()
		e.flush(q)
		e.quiet()
		x.is(invalid)
	}},
	{Row: 117, Name: "cancel_again", Says: "further cancels, and a cancel after INVALID for another cause, are harmless: INVALID comes once", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		for range 3 {
			e.NoError(x.c.Cancel())
		}
		x.wait(invalid)
		e.NoError(x.c.Cancel())
		p.wait("0", invalid)
		e.NoError(p.c.Cancel())
		h.connect().call(1)
		e.quiet()
		x.is(invalid)
		p.is("0", invalid)
		if e.can(Jobs) {
			c, err := e.rt.NewMachService(e.name("nobody"), nil, 0)
			y := e.end("client", c, err).activate()
			y.send(1)
			y.wait(invalid)
			e.NoError(y.c.Cancel())
			y.barrier()
			e.quiet()
			y.is(invalid)
		}
	}},
	{Row: 118, Name: "unsent_is_discarded", Says: "messages that were not sent yet are discarded by a cancel", run: func(e *env) {
		h := e.host(program{})
		x := h.client()
		x.send(1, 2, 3)
		e.NoError(x.c.Cancel())
		x.activate()
		x.wait(invalid)
		h.connect().call(5)
		e.quiet()
		e.Equal(1, h.peers.len(), "only the other client has come")
		h.peers.at(0).is("5")
		// Behind a barrier, in the middle of a conversation.
		y, p := h.pair()
		in, g := e.gate(), e.gate()
		e.NoError(y.c.SendBarrier(func() { in.open(); g.pass() }))
		in.wait("the barrier")
		y.send(1, 2)
		e.NoError(y.c.Cancel())
		g.open()
		y.wait(invalid)
		p.has(invalid)
		p.is("0", invalid)
	}},
	{Row: 119, Name: "undelivered_is_dropped", Says: "messages received but not delivered yet are dropped by a cancel", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		in, g := e.gate(), e.gate()
		e.NoError(x.c.SetEventHandler(func(ev xpc.Event) {
			x.record(ev)
			in.open()
			g.pass()
		}))
		p.sendRange(1, 10)
		p.barrier()
		in.wait("the handler")
		e.quiet()
		e.NoError(x.c.Cancel())
		g.open()
		x.wait("1", invalid)
		<-x.c.Done()
		x.is("1", invalid)
	}},
	{Row: 120, Name: "cancel_inside_the_handler", Says: "cancelled from its own handler, a connection gets INVALID after that handler has returned", run: func(e *env) {
		h := e.host(program{message: func(p *end, m *xpc.Message) {
			if p.len() == 1 {
				e.oops("cancel", p.c.Cancel())
				p.mark("returned")
			}
		}})
		x := h.connect()
		x.send(1)
		h.peers.at(0).wait("1", "returned", invalid)
		x.wait(interrupted)
	}},
	{Row: 121, Name: "cancel_keeps_the_reference", Says: "a cancel does not give the connection back: it may be used until it is closed", run: func(e *env) {
		h := e.host(program{})
		x, _ := h.pair()
		e.NoError(x.c.SetContext("mine"))
		freed := e.recorder("finalizer")
		e.NoError(x.c.SetFinalizer(func(v any) { freed.mark(v.(string)) }))
		e.NoError(x.c.Cancel())
		x.wait(invalid)
		<-x.c.Done()
		e.quiet()
		e.Equal("mine", x.c.Context())
		e.Equal(h.name, x.c.Name())
		e.NoError(x.c.SendMessage(msg(1)))
		e.NoError(x.c.Suspend())
		e.NoError(x.c.Resume())
		x.barrier()
		freed.is()
		e.NoError(x.c.Close())
		freed.wait("mine")
		e.ErrorIs(x.c.SendMessage(msg(1)), xpc.ErrClosed)
	}},
	{Row: 122, Name: "invalid_and_the_replies", Says: "the final INVALID and the INVALID of waiting requests come in any order", run: func(e *env) {
		h := e.host(program{})
		q := e.queue()
		x, _ := h.pairOn(q)
		all := e.recorder("all")
		e.NoError(x.c.SetEventHandler(all.handle))
		for i := range 5 {
			e.NoError(x.c.SendMessageWithReply(ask(i, hold), q, all.handle))
		}
		h.held.at(4)
		e.NoError(x.c.Cancel())
		all.wait(invalid, invalid, invalid, invalid, invalid, invalid)
	}},
	{Row: 123, Name: "cancelled_peer_interrupts_its_client", Says: "when a service cancels a peer its client gets INTERRUPTED, not INVALID, and may go on sending", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		y, _ := h.pair()
		e.NoError(p.c.Cancel())
		x.wait(interrupted)
		p.wait("0", invalid)
		x.call(1)
		x.is(interrupted)
		y.call(2)
		y.is()
	}},
	{Row: 124, Name: "new_peer_after_a_cancelled_one", Says: "after a service cancelled its peer, the client's next message appears as a new peer", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		for i := 1; i <= 3; i++ {
			e.NoError(p.c.Cancel())
			p.has(invalid)
			x.until("the interruption", func(s []seen) bool { return len(s) >= i })
			x.send(i)
			q := h.peers.at(i)
			q.wait(numbers(i, i)...)
			e.NotSame(p.c, q.c)
			p = q
		}
		x.wait(interrupted, interrupted, interrupted)
	}},
	{Row: 125, Name: "cancelled_client_ends_its_peer", Says: "when a client cancels, named or not, the service's peer gets INVALID", run: func(e *env) {
		for _, h := range []*host{e.host(program{}), e.anonymous(program{})} {
			x, p := h.pair()
			y, py := h.pair()
			e.NoError(x.c.Cancel())
			p.wait("0", invalid)
			y.call(1)
			py.is("0", "1")
			h.listeners.at(0).is(newPeer, newPeer)
		}
	}},
	{Row: 126, Name: "named_client_is_not_invalidated", Says: "a named client gets no INVALID in normal running", Needs: []Capability{Jobs, Closures, Crashes, Exits}, run: func(e *env) {
		h := e.jobHost(program{})
		x, _ := h.pair()
		h.svc.Crash()
		x.wait(interrupted)
		x.call(1)
		h.svc.Exit()
		x.wait(interrupted, interrupted)
		x.call(2)
		p := h.peers.at(2)
		e.NoError(p.c.Cancel())
		x.wait(interrupted, interrupted, interrupted)
		x.call(3)
		e.quiet()
		x.is(interrupted, interrupted, interrupted)
	}},
	{Row: 127, Name: "cancelled_listener", Says: "a cancelled listener gets INVALID in its own handler", run: func(e *env) {
		for _, h := range []*host{e.host(program{}), e.anonymous(program{})} {
			h.pair()
			l := h.listeners.at(0)
			e.NoError(l.c.Cancel())
			l.wait(newPeer, invalid)
			<-l.c.Done()
			e.quiet()
			l.is(newPeer, invalid)
		}
	}},
	{Row: 128, Name: "anonymous_listener_takes_its_clients", Says: "cancelling an anonymous listener makes the connections from its endpoint INVALID", run: func(e *env) {
		h := e.anonymous(program{})
		x, _ := h.pair()
		y := h.connect() // has sent nothing
		r := x.request(1, hold)
		h.held.at(0)
		e.NoError(h.listeners.at(0).c.Cancel())
		e.lost(x)
		r.until("an outcome", func(s []seen) bool { return len(s) >= 1 })
		e.Contains([]string{interrupted, invalid}, r.names()[0]) // K-16
		y.send(1)
		y.has(invalid)
		x.send(2)
		e.quiet()
		e.Equal(1, x.count(invalid))
		e.Equal(1, y.count(invalid))
	}},
	{Row: 129, Name: "named_listener_and_its_peers", Says: "after a named listener was cancelled its peers either live on or end with INVALID, and both sides agree", Needs: []Capability{Jobs, Closures, Quiet}, run: func(e *env) {
		h := e.jobHost(program{})
		x, p := h.pair()
		l := h.listeners.at(0)
		e.NoError(l.c.Cancel())
		l.wait(newPeer, invalid)
		e.settle()
		if p.count(invalid) == 0 {
			x.is()
			x.call(1)
			p.wait("0", "1")
			return
		}
		p.is("0", invalid)
		x.wait(interrupted)
	}},
	{Row: 130, Name: "safe_teardown", Says: "with a last handler set and a cancel, INVALID tells when nothing uses the handler any more", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		p.sendRange(1, 50)
		last := e.recorder("last handler")
		var m meter
		e.NoError(x.c.SetEventHandler(func(ev xpc.Event) {
			m.enter()
			defer m.leave()
			last.record(ev)
		}))
		e.NoError(x.c.Cancel())
		last.has(invalid)
		<-x.c.Done()
		e.Zero(m.in.Load())
		n := x.len()
		p.send(51)
		p.barrier()
		e.quiet()
		e.Equal(n, x.len(), "the first handler ran after the end")
		e.Equal(invalid, last.names()[last.len()-1])
	}},
	{Row: 131, Name: "close_is_a_cancel", Says: "giving a connection up cancels it: both sides learn of it", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		r := x.request(1, hold)
		h.held.at(0)
		e.NoError(x.c.Close())
		<-x.c.Done()
		x.wait(invalid)
		r.wait(invalid)
		p.wait("0", "1", invalid)
		e.NoError(x.c.Close())
		y, py := h.pair()
		e.NoError(py.c.Close())
		y.wait(interrupted)
		y.call(2)
		// Also from inside the own handler, and never activated.
		z, pz := h.pair()
		e.NoError(z.c.SetEventHandler(func(ev xpc.Event) {
			z.record(ev)
			if _, ok := ev.(*xpc.Message); ok {
				e.oops("close", z.c.Close())
			}
		}))
		pz.send(1)
		z.wait("1", invalid)
		<-z.c.Done()
		w := h.client()
		e.NoError(w.c.Close())
		<-w.c.Done()
	}},
}

// lost waits until an endpoint connection has ended: with INVALID, perhaps after
// INTERRUPTED (K-9).
func (e *env) lost(x *end) {
	e.t.Helper()
	x.has(invalid)
	if n := x.names(); len(n) == 2 {
		e.Equal([]string{interrupted, invalid}, n)
	} else {
		e.Equal([]string{invalid}, n)
	}
}
