package xpctest

var barriers = []Case{
	{Row: 67, Name: "barrier_after_the_messages", Says: "a barrier runs after every message sent before it was processed: what it follows is not lost by a cancel inside it", run: func(e *env) {
		h := e.host(program{})
		x := h.client()
		x.sendRange(1, 50)
		g := e.gate()
		e.NoError(x.c.SendBarrier(func() {
			e.oops("cancel", x.c.Cancel())
			g.open()
		}))
		e.quiet()
		e.False(g.isOpen(), "the barrier has overtaken messages that wait for the activation")
		x.activate()
		g.wait("the barrier")
		h.peers.at(0).wait(append(numbers(1, 50), invalid)...)
		x.wait(invalid)
	}},
	{Row: 68, Name: "nothing_leaves_during_a_barrier", Says: "no message of the connection is sent while a barrier runs, also on a concurrent queue", Needs: []Capability{Quiet}, run: func(e *env) {
		h := e.host(program{})
		x, p := h.pairOn(e.concurrent())
		in, g := e.gate(), e.gate()
		e.NoError(x.c.SendBarrier(func() { in.open(); g.pass() }))
		in.wait("the barrier")
		x.send(1, 2)
		r := x.request(3, echo)
		// A resume is no way around it.
		e.NoError(x.c.Suspend())
		e.NoError(x.c.Resume())
		e.settle()
		p.is("0")
		r.is()
		g.open()
		r.wait("3")
		p.wait("0", "1", "2", "3")
	}},
	{Row: 69, Name: "barrier_and_events", Says: "events and replies that arrive during a barrier are delivered once, during it or after", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pairOn(e.concurrent())
		r := x.request(1, hold)
		h.held.at(0)
		in, g := e.gate(), e.gate()
		e.NoError(x.c.SendBarrier(func() { in.open(); g.pass() }))
		in.wait("the barrier")
		p.send(2)
		h.reply(0, 3)
		p.barrier()
		e.quiet()
		g.open()
		r.wait("3")
		x.wait("2")
		x.call(4)
		r.is("3")
		x.is("2")
	}},
	{Row: 70, Name: "barrier_does_not_wait_for_replies", Says: "a barrier after a request does not wait for its reply", run: func(e *env) {
		h := e.host(program{})
		x, _ := h.pair()
		r := x.request(1, hold)
		x.barrier()
		r.is()
		h.reply(0, 2)
		r.wait("2")
	}},
	{Row: 71, Name: "barrier_does_not_mean_received", Says: "a barrier runs although the other side has not received the message", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		e.NoError(p.c.Suspend())
		x.send(1)
		x.barrier()
		p.is("0")
		e.NoError(p.c.Resume())
		p.wait("0", "1")
	}},
	{Row: 72, Name: "barrier_and_other_blocks", Says: "a barrier and other blocks of the target queue run in either order", run: func(e *env) {
		h := e.host(program{})
		q := e.queue()
		x, _ := h.pairOn(q)
		r := e.recorder("order")
		x.send(1)
		e.NoError(x.c.SendBarrier(func() { r.mark("barrier") }))
		e.NoError(q.Async(func() { r.mark("block") }))
		r.has("barrier")
		r.has("block")
		e.ElementsMatch([]string{"barrier", "block"}, r.names())
	}},
	{Row: 73, Name: "barrier_not_inside_the_call", Says: "with nothing queued a barrier runs soon, but not inside the call", run: func(e *env) {
		h := e.host(program{})
		q := e.queue()
		x, _ := h.pairOn(q)
		x.barrier()
		r := e.recorder("order")
		e.NoError(q.Async(func() {
			e.oops("barrier", x.c.SendBarrier(func() { r.mark("barrier") }))
			r.mark("returned")
		}))
		r.wait("returned", "barrier")
	}},
	{Row: 74, Name: "barriers_in_order", Says: "several barriers run in the order in which they were issued, each once", run: func(e *env) {
		h := e.host(program{})
		x := h.clientOn(e.concurrent())
		r := e.recorder("barriers")
		want := numbers(1, 30)
		for i, name := range want {
			if i == 10 {
				x.activate()
			}
			x.send(i)
			e.NoError(x.c.SendBarrier(func() { r.mark(name) }))
		}
		r.wait(want...)
		x.barrier()
		r.is(want...)
		h.peers.at(0).wait(numbers(0, 29)...)
	}},
	{Row: 75, Name: "barrier_on_a_cancelled_connection", Says: "a barrier on a cancelled connection runs at once", run: func(e *env) {
		h := e.host(program{})
		x, _ := h.pair()
		e.NoError(x.c.Cancel())
		x.barrier()
		x.wait(invalid)
		x.barrier()
		x.is(invalid)
	}},
	{Row: 76, Name: "barriers_survive_a_cancel", Says: "barriers that wait at a cancellation still run", run: func(e *env) {
		h := e.host(program{})
		x, _ := h.pair()
		in, g := e.gate(), e.gate()
		r := e.recorder("barriers")
		e.NoError(x.c.SendBarrier(func() { in.open(); g.pass(); r.mark("a") }))
		x.send(1)
		e.NoError(x.c.SendBarrier(func() { r.mark("b") }))
		e.NoError(x.c.SendBarrier(func() { r.mark("c") }))
		in.wait("the first barrier")
		e.NoError(x.c.Cancel())
		r.is()
		g.open()
		r.wait("a", "b", "c")
		x.wait(invalid)
	}},
	{Row: 77, Name: "cancel_inside_a_barrier", Says: "a connection may be cancelled from inside a barrier", run: func(e *env) {
		h := e.host(program{})
		q := e.queue()
		x, p := h.pairOn(q)
		e.NoError(x.c.SendBarrier(func() {
			e.oops("cancel", x.c.Cancel())
			x.mark("returned")
		}))
		x.wait("returned", invalid)
		p.wait("0", invalid)
	}},
	{Row: 78, Name: "barrier_waits_for_activation", Says: "a barrier on an inactive or suspended connection waits for the activation or the resume", run: func(e *env) {
		h := e.host(program{})
		x := h.client()
		g := e.gate()
		e.NoError(x.c.SendBarrier(g.open))
		h.connect().call(1)
		e.quiet()
		e.False(g.isOpen())
		x.activate()
		g.wait("the barrier after the activation")
		e.NoError(x.c.Suspend())
		g = e.gate()
		e.NoError(x.c.SendBarrier(g.open))
		h.connect().call(2)
		e.quiet()
		e.False(g.isOpen())
		e.NoError(x.c.Resume())
		g.wait("the barrier after the resume")
	}},
}
