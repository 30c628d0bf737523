package xpctest

import "github.com/go-xpc/xpc"

var suspension = []Case{
	{Row: 25, Name: "suspended_handler_does_not_start", Says: "while a connection is suspended its event handler is not called", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		e.NoError(x.c.Suspend())
		p.send(1, 2)
		p.barrier()
		e.quiet()
		x.is()
		e.NoError(x.c.Resume())
		x.wait("1", "2")
		// The same on the peer's end.
		e.NoError(p.c.Suspend())
		x.send(3)
		x.barrier()
		e.quiet()
		p.is("0")
		e.NoError(p.c.Resume())
		p.wait("0", "3")
	}},
	{Row: 26, Name: "suspend_inside_the_handler", Says: "suspending inside the handler does not interrupt it, and the next invocation waits for the resume", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		e.NoError(x.c.SetEventHandler(func(ev xpc.Event) {
			if x.record(ev).name == "1" {
				e.oops("suspend", x.c.Suspend())
				x.mark("returned")
			}
		}))
		p.send(1, 2)
		p.barrier()
		x.until("the handler's end", func(s []seen) bool { return len(s) >= 2 })
		e.quiet()
		x.is("1", "returned")
		e.NoError(x.c.Resume())
		x.wait("1", "returned", "2")

		// From outside, while a handler runs.
		y, py := h.pair()
		in, g := e.gate(), e.gate()
		e.NoError(y.c.SetEventHandler(func(ev xpc.Event) {
			in.open()
			g.pass()
			y.record(ev)
		}))
		py.send(1, 2)
		in.wait("the handler")
		e.NoError(y.c.Suspend())
		g.open()
		y.until("the first message", func(s []seen) bool { return len(s) >= 1 })
		e.quiet()
		y.is("1")
		e.NoError(y.c.Resume())
		y.wait("1", "2")
	}},
	{Row: 27, Name: "sends_while_suspended", Says: "what is sent while suspended arrives in order, once, after the resume at the latest", run: func(e *env) {
		// Sources disagree on whether it may leave before (K-2).
		h := e.host(program{})
		x, p := h.pair()
		e.NoError(x.c.Suspend())
		x.sendRange(1, 20)
		e.NoError(x.c.Resume())
		x.sendRange(21, 25)
		x.call(26)
		p.wait(numbers(0, 26)...)
	}},
	{Row: 28, Name: "suspensions_are_counted", Says: "N suspends need N resumes", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		for range 5 {
			e.NoError(x.c.Suspend())
		}
		p.send(1)
		p.barrier()
		for range 4 {
			e.NoError(x.c.Resume())
			e.quiet()
			x.is()
		}
		e.NoError(x.c.Resume())
		x.wait("1")
		e.misuse(x.c.Resume())
	}},
	{Row: 29, Name: "over_resume_is_misuse", Says: "resuming an active connection that is not suspended is misuse", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		e.misuse(x.c.Resume())
		e.misuse(p.c.Resume())
		e.misuse(h.listeners.at(0).c.Resume())
		// Nothing has happened: one suspension still suspends.
		e.NoError(x.c.Suspend())
		p.send(1)
		p.barrier()
		e.quiet()
		x.is()
		e.NoError(x.c.Resume())
		x.wait("1")
		x.call(2)
		h.connect().call(3)
	}},
	{Row: 30, Name: "messages_wait_in_order", Says: "messages that arrive during a suspension are kept and delivered in order after the last resume", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		e.NoError(p.c.Suspend())
		e.NoError(p.c.Suspend())
		x.sendRange(1, 100)
		x.barrier()
		e.NoError(p.c.Resume())
		e.quiet()
		p.is("0")
		e.NoError(p.c.Resume())
		p.wait(numbers(0, 100)...)
	}},
	{Row: 31, Name: "sender_does_not_notice", Says: "the sender is neither told nor blocked when the receiver suspends its end", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		e.NoError(p.c.Suspend())
		x.sendRange(1, 50)
		x.barrier()
		r := x.request(51, echo)
		e.quiet()
		x.is()
		r.is()
		e.NoError(p.c.Resume())
		r.wait("51")
		p.wait(numbers(0, 51)...)
		x.is()
	}},
	{Row: 32, Name: "replies_while_suspended", Says: "reply handlers still run while the connection is suspended", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		r := x.request(1, hold)
		h.held.at(0)
		e.NoError(x.c.Suspend())
		p.send(9)
		p.barrier()
		h.reply(0, 2)
		r.wait("2")
		x.is()
		e.NoError(x.c.Resume())
		x.wait("9")
		r.is("2")
	}},
	{Row: 33, Name: "cancelled_while_suspended", Says: "a connection cancelled while suspended delivers INVALID only after it was resumed", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		e.NoError(x.c.Suspend())
		e.NoError(x.c.Suspend())
		e.NoError(x.c.Cancel())
		p.has(invalid)
		e.quiet()
		x.is()
		e.NoError(x.c.Resume())
		e.quiet()
		x.is()
		e.NoError(x.c.Resume())
		x.wait(invalid)
	}},
}
