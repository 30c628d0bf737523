package xpctest

import (
	"runtime"

	"github.com/go-xpc/xpc"
)

var requests = []Case{
	{Row: 79, Name: "one_outcome", Says: "a request returns at once, and its handler is called exactly once, with a reply or an error", run: func(e *env) {
		h := e.host(program{})
		x, _ := h.pair()
		a := x.request(1, echo)
		b := x.request(2, hold)
		a.wait("1")
		h.held.at(0)
		b.is()
		e.NoError(x.c.Cancel())
		b.wait(invalid)
		h.reply(0, 3) // too late
		e.quiet()
		a.is("1")
		b.is(invalid)
	}},
	{Row: 80, Name: "reply_goes_to_its_handler", Says: "a reply goes to the reply handler on the reply queue, not to the event handler or the target queue", run: func(e *env) {
		h := e.host(program{})
		target, reply := e.queue(), e.queue()
		x, _ := h.pairOn(target)
		onTarget, onReply := e.block(target), e.block(reply)
		r := x.requestOn(1, hold, reply)
		h.reply(0, 2)
		e.quiet()
		r.is()
		onReply.open()
		r.wait("2")
		onTarget.open()
		e.flush(target)
		e.quiet()
		x.is()
	}},
	{Row: 81, Name: "no_reply_queue", Says: "without a reply queue the handler runs on the default queue, not on the target queue", run: func(e *env) {
		h := e.host(program{})
		q := e.queue()
		x, _ := h.pairOn(q)
		g := e.block(q)
		x.request(1, echo).wait("1")
		g.open()
	}},
	{Row: 82, Name: "reply_handlers_may_overlap", Says: "on a concurrent reply queue reply handlers may overlap each other and the event handler", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		q := e.concurrent()
		all := e.recorder("all three")
		a, b, c := e.gate(), e.gate(), e.gate()
		meet := func(own *gate) func(xpc.Event) {
			return func(ev xpc.Event) {
				own.open()
				a.pass()
				b.pass()
				c.pass()
				all.record(ev)
			}
		}
		e.NoError(x.c.SetEventHandler(meet(a)))
		// Both answers are under way before the message keeps its handler.
		e.NoError(x.c.SendMessageWithReply(ask(2, hold), q, meet(b)))
		e.NoError(x.c.SendMessageWithReply(ask(3, hold), q, meet(c)))
		h.held.at(1)
		h.reply(0, 2)
		h.reply(1, 3)
		b.wait("one reply handler")
		c.wait("the other reply handler")
		p.send(1)
		all.has("1")
		all.has("2")
		all.has("3")
	}},
	{Row: 83, Name: "one_serial_queue_for_both", Says: "with one serial queue for replies and events their handlers never overlap", run: func(e *env) {
		h := e.host(program{})
		q := e.queue()
		x, p := h.pairOn(q)
		var m meter
		all := e.recorder("all")
		f := func(ev xpc.Event) {
			m.enter()
			defer m.leave()
			runtime.Gosched()
			all.record(ev)
		}
		e.NoError(x.c.SetEventHandler(f))
		for i := 1; i <= 50; i++ {
			p.send(i)
			e.NoError(x.c.SendMessageWithReply(ask(100+i, echo), q, f))
		}
		all.until("100 events", func(s []seen) bool { return len(s) >= 100 })
		e.EqualValues(1, m.most.Load())
	}},
	{Row: 84, Name: "replies_in_any_order", Says: "reply handlers run in no promised order, each once", run: func(e *env) {
		h := e.host(program{})
		x, _ := h.pair()
		all := e.recorder("replies")
		q := e.concurrent()
		for i := 1; i <= 40; i++ {
			e.NoError(x.c.SendMessageWithReply(ask(i, echo), q, all.handle))
		}
		all.until("40 replies", func(s []seen) bool { return len(s) >= 40 })
		e.ElementsMatch(numbers(1, 40), all.names())
		x.is()
	}},
	{Row: 85, Name: "replies_and_messages", Says: "a reply and plain messages arrive in either order, also with one serial queue for both, and messages keep theirs", run: func(e *env) {
		h := e.host(program{message: func(p *end, m *xpc.Message) {
			if m.WantsReply() {
				p.say(1, 2)
				e.oops("reply", m.Reply(msg(100)))
				p.say(3)
			}
		}})
		q := e.queue()
		x := h.clientOn(q).activate()
		e.NoError(x.c.SendMessageWithReply(ask(0, ""), q, x.handle))
		x.until("four events", func(s []seen) bool { return len(s) >= 4 })
		e.Equal(1, x.count("100"))
		var plain []string
		for _, n := range x.names() {
			if n != "100" {
				plain = append(plain, n)
			}
		}
		e.Equal(numbers(1, 3), plain)
	}},
	{Row: 86, Name: "each_reply_to_its_request", Says: "each reply reaches the handler of its own request, in whatever order the service answers", run: func(e *env) {
		h := e.host(program{})
		x, _ := h.pair()
		y, _ := h.pair()
		var rs []*recorder
		for i := range 10 {
			z := x
			if i%3 == 0 {
				z = y
			}
			rs = append(rs, z.request(i, hold))
			h.held.at(i)
		}
		for i := 9; i >= 0; i-- {
			m := h.held.at(i)
			e.NoError(m.Reply(msg(100 + int(m.GetInt64("n")))))
			e.NoError(m.Release())
		}
		for i, r := range rs {
			r.wait(numbers(100+i, 100+i)...)
		}
	}},
	{Row: 87, Name: "remote_exit_interrupts_requests", Says: "when the remote side exits before it has replied, the reply handler gets INTERRUPTED", Needs: []Capability{Jobs, Closures, Crashes, Exits}, run: func(e *env) {
		h := e.jobHost(program{})
		for i, end := range []func(){h.svc.Crash, h.svc.Exit} {
			x, _ := h.pair()
			a, b := x.request(1, hold), x.request(2, hold)
			h.held.at(2*i + 1)
			end()
			a.wait(interrupted)
			b.wait(interrupted)
			x.wait(interrupted)
		}
		if !e.can(Processes) {
			return
		}
		// The other way round: the client exits before it has answered.
		client := e.spawn(ProcessSpec{})
		x := h.clientIn(client.Runtime(), nil)
		e.NoError(x.c.SetEventHandler(func(ev xpc.Event) {
			if m, ok := ev.(*xpc.Message); ok {
				e.retain(m)
			}
			x.record(ev)
		}))
		x.activate().send(0)
		p := h.peers.at(2)
		r := p.request(1, echo)
		x.wait("1")
		client.Exit()
		r.wait(interrupted)
		p.wait("0", invalid)
	}},
	{Row: 88, Name: "interruption_empties_the_send_queue", Says: "at an interruption waiting requests get INTERRUPTED and waiting plain messages vanish", Needs: []Capability{Jobs, Closures, Crashes, Quiet}, run: func(e *env) {
		h := e.jobHost(program{})
		x, _ := h.pairOn(e.concurrent())
		// A barrier holds the send queue.
		in, g := e.gate(), e.gate()
		e.NoError(x.c.SendBarrier(func() { in.open(); g.pass() }))
		in.wait("the barrier")
		x.send(1)
		r := x.request(2, echo)
		h.svc.Crash()
		e.settle()
		g.open()
		r.wait(interrupted)
		x.wait(interrupted)
		x.call(3)
		h.peers.at(1).is("3")
		r.is(interrupted)
	}},
	{Row: 89, Name: "request_on_a_dead_connection", Says: "a request on a cancelled or invalid connection gets INVALID in its handler, not from inside the call", run: func(e *env) {
		h := e.host(program{})
		x, _ := h.pair()
		e.NoError(x.c.Cancel())
		x.request(1, echo).wait(invalid)
		x.wait(invalid)
		q := e.queue()
		r := e.recorder("order")
		e.NoError(q.Async(func() {
			e.oops("request", x.c.SendMessageWithReply(msg(2), q, r.handle))
			r.mark("returned")
		}))
		r.wait("returned", invalid)
		x.is(invalid)
	}},
	{Row: 90, Name: "cancel_ends_all_requests", Says: "a local cancel, or another invalidation, makes every waiting reply handler run with INVALID", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		var rs []*recorder
		for i := range 10 {
			rs = append(rs, x.request(i, hold))
			h.held.at(i)
		}
		e.NoError(x.c.Cancel())
		for _, r := range rs {
			r.wait(invalid)
		}
		x.wait(invalid)
		p.has(invalid)
		// Waiting in the send queue, too.
		y := h.client()
		r := y.request(1, echo)
		e.NoError(y.c.Cancel())
		y.activate()
		r.wait(invalid)
		// Invalidated from elsewhere.
		a := e.anonymous(program{})
		z, _ := a.pair()
		r = z.request(1, hold)
		a.held.at(0)
		e.NoError(a.listeners.at(0).c.Cancel())
		r.until("an outcome", func(s []seen) bool { return len(s) >= 1 })
		e.Contains([]string{interrupted, invalid}, r.names()[0]) // K-16
		z.has(invalid)
	}},
	{Row: 91, Name: "cancel_races_with_exit", Says: "when a cancel and the remote exit race, a waiting request gets INTERRUPTED or INVALID, once", Needs: []Capability{Jobs, Closures, Crashes}, run: func(e *env) {
		h := e.jobHost(program{})
		for range 10 {
			x, _ := h.pair()
			n := h.held.len()
			r := x.request(1, hold)
			h.held.at(n)
			go h.svc.Crash()
			e.NoError(x.c.Cancel())
			r.until("an outcome", func(s []seen) bool { return len(s) >= 1 })
			x.has(invalid)
			x.request(2, echo).wait(invalid)
			e.Len(r.names(), 1)
			e.Contains([]string{interrupted, invalid}, r.names()[0])
			e.quiet()
		}
	}},
	{Row: 92, Name: "dropped_request", Says: "a request that the service drops unanswered gets INTERRUPTED or waits for ever, and the connection lives on", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		r := x.request(1, drop)
		p.wait("0", "1")
		x.call(2)
		e.quiet()
		if n := r.names(); len(n) != 0 {
			e.Equal([]string{interrupted}, n)
		}
		x.is()
		e.NoError(x.c.Cancel())
		r.until("an outcome", func(s []seen) bool { return len(s) >= 1 })
		x.wait(invalid)
		e.Len(r.names(), 1)
		e.Contains([]string{interrupted, invalid}, r.names()[0])
	}},
	{Row: 93, Name: "request_looks_like_a_message", Says: "a request's contents are those of a plain message: only the reply that can be made tells them apart", run: func(e *env) {
		h := e.host(program{message: func(p *end, m *xpc.Message) {
			if m.WantsReply() {
				e.oops("reply", m.Reply(xpc.Dictionary{}))
			}
		}})
		x := h.connect()
		x.body(ask(1, ""))
		r := x.request(1, "")
		r.wait("message")
		got := h.peers.at(0).wait("1", "1")
		e.Equal(got[0].body, got[1].body)
		e.False(got[0].wants)
		e.True(got[1].wants)
	}},
	{Row: 95, Name: "service_asks_its_client", Says: "a service may send requests to its client, which answers from its event handler", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		e.EqualValues(7, p.askClient(x, 7))
		// Both ways at once.
		r := x.request(1, hold)
		h.held.at(0)
		e.EqualValues(8, p.askClient(x, 8))
		r.is()
		h.reply(0, 2)
		r.wait("2")
		s := p.sync(9, "")
		s.wait("9")
		x.wait("7", "8", "9")
	}},
}
