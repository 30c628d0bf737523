package xpctest

import (
	"sync"

	"github.com/go-xpc/xpc"
)

var sending = []Case{
	{Row: 53, Name: "send_does_not_wait", Says: "a send returns without waiting for delivery, whatever the receiver does", run: func(e *env) {
		g := e.gate()
		h := e.host(program{message: func(*end, *xpc.Message) { g.pass() }})
		x := h.connect()
		x.sendRange(1, 200)
		h.peers.at(0).has("1")
		h.peers.at(0).is("1")
		g.open()
		h.peers.at(0).wait(numbers(1, 200)...)
	}},
	{Row: 55, Name: "message_is_copied_at_the_call", Says: "a message is copied when it is sent, nested containers included", run: func(e *env) {
		h := e.host(program{})
		x := h.client()
		d := xpc.Dictionary{"n": int64(1), "a": xpc.Array{int64(1)}, "d": xpc.Dictionary{"k": "old"}, "b": []byte("old")}
		x.body(d)
		r := e.recorder("reply")
		e.NoError(x.c.SendMessageWithReply(d, nil, r.handle))
		d["n"] = int64(2)
		d["a"].(xpc.Array)[0] = int64(2)
		d["d"].(xpc.Dictionary)["k"] = "new"
		copy(d["b"].([]byte), "new")
		d["more"] = true
		x.activate()
		p := h.peers.at(0)
		for _, s := range p.wait("1", "1") {
			e.Equal(xpc.Dictionary{"n": int64(1), "a": xpc.Array{int64(1)}, "d": xpc.Dictionary{"k": "old"}, "b": []byte("old")}, s.body)
		}
	}},
	{Row: 56, Name: "same_dictionary_twice", Says: "sending one dictionary twice delivers two messages", run: func(e *env) {
		h := e.host(program{})
		x := h.connect()
		d := msg(1)
		x.body(d)
		x.body(d)
		x.call(2)
		h.peers.at(0).is("1", "1", "2")
	}},
	{Row: 57, Name: "sends_from_many_goroutines", Says: "many goroutines may send at once, and each keeps its own order", run: func(e *env) {
		h := e.host(program{})
		x := h.connect()
		const senders, each = 8, 50
		var all sync.WaitGroup
		for s := range senders {
			all.Go(func() {
				for i := 1; i <= each; i++ {
					e.oops("send", x.c.SendMessage(xpc.Dictionary{"from": int64(s), "i": int64(i)}))
				}
			})
		}
		all.Wait()
		got := h.peers.at(0).until("all", func(s []seen) bool { return len(s) >= senders*each })
		e.Len(got, senders*each)
		last := map[int64]int64{}
		for _, s := range got {
			from := s.body.GetInt64("from")
			e.Equal(last[from]+1, s.body.GetInt64("i"), "order of sender %d", from)
			last[from]++
		}
	}},
	{Row: 58, Name: "send_tells_nothing", Says: "a send tells nothing about delivery and brings no error back", run: func(e *env) {
		if e.can(Jobs) {
			c, err := e.rt.NewMachService(e.name("nobody"), nil, 0)
			x := e.end("client", c, err).activate()
			x.send(1)
			x.has(invalid)
			x.send(2)
			e.quiet()
			x.is(invalid)
		}
		h := e.host(program{peer: func(p *end) { e.oops("cancel", p.c.Cancel()) }})
		y := h.connect()
		y.send(1)
		y.has(interrupted)
		y.send(2)
	}},
	{Row: 59, Name: "sends_before_activation", Says: "messages sent before the activation go out after it, in order", run: func(e *env) {
		h := e.host(program{})
		x := h.client()
		x.sendRange(1, 20)
		r := x.request(21, echo)
		x.send(22)
		e.quiet()
		e.Zero(h.peers.len())
		x.activate()
		x.send(23)
		h.peers.at(0).wait(numbers(1, 23)...)
		r.wait("21")
	}},
	{Row: 60, Name: "sends_to_nobody_are_ignored", Says: "sending on a cancelled or invalid connection, or to a process that is gone, is ignored in silence", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		e.NoError(x.c.Cancel())
		x.send(1)
		x.wait(invalid)
		x.send(2)
		p.wait("0", invalid)
		p.send(3)
		e.NoError(p.c.Cancel())
		p.send(4)
		y := h.connect()
		y.call(5)
		e.quiet()
		x.is(invalid)
		p.is("0", invalid)
		e.Equal(2, h.peers.len())
	}},
	{Row: 61, Name: "first_message_makes_the_peer", Says: "the first message makes the listener deliver a peer, and reaches that peer", run: func(e *env) {
		h := e.host(program{})
		x := h.connect()
		x.send(1)
		p := h.peers.at(0)
		p.wait("1")
		x.send(2)
		p.wait("1", "2")
		y := h.connect()
		r := y.request(3, echo)
		h.peers.at(1).wait("3")
		r.wait("3")
		h.listeners.at(0).is(newPeer, newPeer)
	}},
	{Row: 62, Name: "service_may_send_first", Says: "a service may send on a peer as soon as it is activated", run: func(e *env) {
		h := e.host(program{peer: func(p *end) {
			e.oops("activate", p.c.Activate())
			p.say(1, 2)
		}, message: func(*end, *xpc.Message) {}})
		x := h.connect()
		x.send(0)
		x.wait("1", "2")
	}},
	{Row: 63, Name: "listeners_do_not_send", Says: "sending on a listener is misuse", run: func(e *env) {
		c, err := e.rt.NewAnonymousListener(nil)
		l := e.end("listener", c, err).activate()
		e.misuse(l.c.SendMessage(msg(1)))
		e.misuse(l.c.SendMessageWithReply(msg(1), nil, l.handle))
		_, err = l.c.SendMessageWithReplySync(msg(1))
		e.misuse(err)
		_, err = l.c.Call(e.ctx, msg(1))
		e.misuse(err)
		e.misuse(l.c.SendBarrier(func() {}))
		e.quiet()
		l.is()
	}},
	{Row: 64, Name: "connections_cannot_be_sent", Says: "a connection in a message is refused with an error, and nothing is sent", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		for _, c := range []*xpc.Connection{x.c, p.c, h.listeners.at(0).c} {
			e.Error(x.c.SendMessage(xpc.Dictionary{"n": int64(1), "c": c}))
			e.Error(x.c.SendMessage(xpc.Dictionary{"n": int64(1), "a": xpc.Array{int64(0), c}}))
		}
		x.call(2)
		p.is("0", "2")
	}},
	{Row: 65, Name: "requests_stay_on_their_connection", Says: "a received request, or a reply made from it, is refused on another connection", run: func(e *env) {
		h := e.host(program{})
		x, px := h.pair()
		_, py := h.pair()
		r := x.request(1, hold)
		m := h.held.at(0)
		e.misuse(py.c.SendMessage(m))
		e.misuse(py.c.SendMessageWithReply(m, nil, func(xpc.Event) {}))
		reply, err := m.CreateReply()
		e.NoError(err)
		reply.Dictionary["n"] = int64(2)
		e.misuse(py.c.SendMessage(reply))
		e.misuse(py.c.SendMessage(m))
		e.quiet()
		r.is()
		// The reply is still due, and can be sent where it belongs.
		e.NoError(px.c.SendMessage(reply))
		r.wait("2")
		e.NoError(m.Release())
		// A plain message may be passed on.
		forwarded := e.recorder("forwarding")
		e.NoError(px.c.SetEventHandler(func(ev xpc.Event) {
			if m, ok := ev.(*xpc.Message); ok {
				forwarded.mark(errorName(py.c.SendMessage(m)))
			}
		}))
		x.send(3)
		forwarded.wait("nil")
	}},
}
