package xpctest

import (
	"fmt"
	"runtime"
	"slices"
	"weak"

	"github.com/go-xpc/xpc"
)

var handlers = []Case{
	{Row: 34, Name: "messages_or_errors", Says: "the handler of a client or a peer receives messages and errors, and nothing else", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		kinds := e.recorder("kinds")
		for _, c := range []*xpc.Connection{x.c, p.c} {
			e.NoError(c.SetEventHandler(func(ev xpc.Event) { kinds.mark(fmt.Sprintf("%T", ev)) }))
		}
		x.send(1)
		p.send(2)
		kinds.wait("*xpc.Message", "*xpc.Message")
		x.c.Cancel()
		kinds.wait("*xpc.Message", "*xpc.Message", "*xpc.Error", "*xpc.Error")
	}},
	{Row: 35, Name: "listener_gets_no_messages", Says: "a listener's handler receives connections and errors, never messages", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		x.sendRange(1, 10)
		x.call(11)
		p.wait(numbers(0, 11)...)
		h.connect().call(1)
		l := h.listeners.at(0)
		l.is(newPeer, newPeer)
		e.NoError(l.c.Cancel())
		l.wait(newPeer, newPeer, invalid)
	}},
	{Row: 37, Name: "handler_never_overlaps_itself", Says: "invocations of one handler never overlap, also on a concurrent queue, and calls made inside it do not re-enter it", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pairOn(e.concurrent())
		var m meter
		e.NoError(x.c.SetEventHandler(func(ev xpc.Event) {
			m.enter()
			defer m.leave()
			s := x.record(ev)
			runtime.Gosched()
			switch s.name {
			case "10":
				e.oops("suspend", x.c.Suspend())
				e.oops("activate", x.c.Activate())
				e.oops("send", x.c.SendMessage(msg(1)))
				e.oops("resume", x.c.Resume())
			case "100":
				e.oops("cancel", x.c.Cancel())
				runtime.Gosched()
				x.mark("returned")
			}
		}))
		p.sendRange(1, 100)
		x.wait(append(numbers(1, 100), "returned", invalid)...)
		e.EqualValues(1, m.most.Load())
	}},
	{Row: 38, Name: "messages_in_order", Says: "plain messages of one connection arrive in the order in which they were sent", run: func(e *env) {
		h := e.host(program{})
		x := h.clientOn(e.concurrent())
		x.sendRange(1, 100)
		x.activate()
		x.sendRange(101, 300)
		p := h.peers.at(0)
		p.wait(numbers(1, 300)...)
		p.sendRange(1, 300)
		x.wait(numbers(1, 300)...)
	}},
	{Row: 39, Name: "connections_are_independent", Says: "events of different connections wait for each other in no order", run: func(e *env) {
		h := e.host(program{})
		x, px := h.pair()
		y, py := h.pair()
		g := e.gate()
		e.NoError(px.c.SetEventHandler(func(ev xpc.Event) { g.pass(); px.record(ev) }))
		x.send(1)
		y.send(2)
		y.call(3)
		py.wait("0", "2", "3")
		px.is("0")
		g.open()
		px.wait("0", "1")
	}},
	{Row: 40, Name: "handler_changed_inside_itself", Says: "a new handler never replaces a running invocation and serves the next one", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		second := e.recorder("second handler")
		e.NoError(x.c.SetEventHandler(func(ev xpc.Event) {
			e.oops("new handler", x.c.SetEventHandler(second.handle))
			x.record(ev)
			x.mark("returned")
		}))
		p.send(1, 2, 3)
		second.wait("2", "3")
		x.is("1", "returned")
		// Before activation the last one counts.
		y := h.client()
		third := e.recorder("third handler")
		e.NoError(y.c.SetEventHandler(third.handle))
		y.activate().send(0)
		h.peers.at(1).send(5)
		third.wait("5")
		y.is()
	}},
	{Row: 41, Name: "handler_changed_under_load", Says: "when the handler is changed from outside, each event still reaches exactly one of the two, in order", run: func(e *env) {
		// Which of the two is open for events that wait already (K-19).
		h := e.host(program{})
		x, p := h.pair()
		all := e.recorder("both handlers")
		e.NoError(x.c.SetEventHandler(all.handle))
		p.sendRange(1, 50)
		e.NoError(x.c.SetEventHandler(func(ev xpc.Event) { all.handle(ev) }))
		p.sendRange(51, 100)
		all.wait(numbers(1, 100)...)
		e.quiet()
		x.is()
		// When idle, the next event reaches the new one.
		e.NoError(x.c.SetEventHandler(x.handle))
		p.send(101)
		x.wait("101")
		all.is(numbers(1, 100)...)
	}},
	{Row: 43, Name: "captures_are_freed", Says: "what a handler captures can be collected once the connection has ended", Real: true, run: func(e *env) {
		h := e.host(program{})
		w := func() weak.Pointer[[1 << 12]byte] {
			big := new([1 << 12]byte)
			c, err := h.dial(e.rt, nil)
			e.NoError(err)
			over := e.gate()
			e.NoError(c.SetEventHandler(func(ev xpc.Event) {
				if _, ok := ev.(*xpc.Error); ok {
					big[0]++
					over.open()
				}
			}))
			e.NoError(c.Activate())
			e.NoError(c.SendMessage(msg(1)))
			h.peers.at(0).has("1")
			e.NoError(c.Cancel())
			over.wait("the last event")
			e.NoError(c.Close())
			<-c.Done()
			return weak.Make(big)
		}()
		for w.Value() != nil {
			if e.ctx.Err() != nil {
				e.timeout("the handler's captures to be collected", w.Value() != nil)
			}
			runtime.GC()
			runtime.Gosched()
		}
	}},
	{Row: 44, Name: "sends_from_the_handler_take_effect_after_it", Says: "what a handler sends, and replies to it, get through once the handler has returned at the latest", run: func(e *env) {
		// Whether they may before is open (K-3).
		h := e.host(program{})
		x, p := h.pair()
		g := e.gate()
		r := e.recorder("reply")
		e.NoError(x.c.SetEventHandler(func(ev xpc.Event) {
			x.record(ev)
			if x.len() > 1 {
				return
			}
			e.oops("send", x.c.SendMessage(msg(5)))
			e.oops("request", x.c.SendMessageWithReply(ask(6, echo), nil, r.handle))
			g.pass()
		}))
		p.send(1, 2)
		x.has("1")
		e.quiet()
		x.is("1")
		g.open()
		r.wait("6")
		p.wait("0", "5", "6")
		x.wait("1", "2")
	}},
	{Row: 45, Name: "last_words_come_before_the_end", Says: "messages sent before the sender's end are delivered before the error that reports it", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		g := e.gate()
		e.NoError(p.c.SetEventHandler(func(ev xpc.Event) { g.pass(); p.record(ev) }))
		x.sendRange(1, 50)
		x.barrier()
		e.NoError(x.c.Cancel())
		x.wait(invalid)
		g.open()
		p.wait(append(numbers(0, 50), invalid)...)

		y, py := h.pair()
		g = e.gate()
		e.NoError(y.c.SetEventHandler(func(ev xpc.Event) { g.pass(); y.record(ev) }))
		py.sendRange(1, 50)
		py.barrier()
		if e.can(Jobs, Closures, Crashes) {
			h.svc.Crash()
		} else {
			e.NoError(py.c.Cancel())
		}
		g.open()
		y.wait(append(numbers(1, 50), interrupted)...)
	}},
	{Row: 46, Name: "received_copy_is_equal_and_its_own", Says: "a received dictionary equals the sent one and may be changed on its own", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		sent := xpc.Dictionary{
			"null": nil, "bool": true, "int": int64(-5), "uint": uint64(5), "double": 1.5, "string": "text",
			"data": []byte{1, 2, 3}, "uuid": xpc.UUID{1, 2}, "array": xpc.Array{int64(1), "a", xpc.Array{}},
			"dict": xpc.Dictionary{"in": xpc.Dictionary{"deep": true}},
		}
		x.body(sent)
		got := p.until("the message", func(s []seen) bool { return len(s) >= 2 })[1].body
		e.Equal(sent, got)
		got["dict"].(xpc.Dictionary)["in"].(xpc.Dictionary)["deep"] = false
		got["array"].(xpc.Array)[0] = int64(2)
		got["new"] = int64(1)
		e.Equal(true, sent["dict"].(xpc.Dictionary)["in"].(xpc.Dictionary)["deep"])
		e.Equal(int64(1), sent["array"].(xpc.Array)[0])
		p.body(got)
		back := x.at(0).body
		e.Equal(got, back)
		e.False(slices.Equal([]byte{}, back.GetData("data")))
	}},
}
