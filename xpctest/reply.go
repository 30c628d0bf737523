package xpctest

import "github.com/go-xpc/xpc"

var replying = []Case{
	{Row: 96, Name: "create_reply", Says: "a request that wants a reply gives a new, empty reply dictionary", run: func(e *env) {
		h := e.host(program{})
		x, _ := h.pair()
		r := x.request(1, hold)
		m := h.held.at(0)
		reply, err := m.CreateReply()
		e.NoError(err)
		e.NotNil(reply.Dictionary)
		e.Empty(reply.Dictionary)
		reply.Dictionary["n"] = int64(2)
		e.EqualValues(1, m.GetInt64("n"), "the request is as it was")
		e.NoError(reply.Send())
		r.wait("2")
		e.Equal(msg(2), r.at(0).body)
		e.NoError(m.Release())
	}},
	{Row: 97, Name: "no_reply_to_messages_and_replies", Says: "no reply can be made for a message whose sender does not wait, nor for a reply", run: func(e *env) {
		errs := newList[error](e, "errors")
		h := e.host(program{})
		x, p := h.pair()
		e.NoError(p.c.SetEventHandler(func(ev xpc.Event) {
			p.record(ev)
			if m, ok := ev.(*xpc.Message); ok && !m.WantsReply() {
				_, err := m.CreateReply()
				errs.add(err)
				errs.add(m.Reply(msg(9)))
			} else if ok {
				h.answer(p, m)
			}
		}))
		x.send(1)
		e.ErrorIs(errs.at(0), xpc.ErrNoReplyWanted)
		e.ErrorIs(errs.at(1), xpc.ErrNoReplyWanted)
		m, err := x.c.Call(e.ctx, ask(2, echo))
		e.NoError(err)
		e.False(m.WantsReply())
		_, err = m.CreateReply()
		e.ErrorIs(err, xpc.ErrNoReplyWanted)
		e.ErrorIs(m.Reply(msg(9)), xpc.ErrNoReplyWanted)
		e.NoError(m.Release())
		e.NoError(x.c.SendMessageWithReply(ask(3, echo), nil, func(ev xpc.Event) {
			if m, ok := ev.(*xpc.Message); ok {
				_, err := m.CreateReply()
				errs.add(err)
			}
		}))
		e.ErrorIs(errs.at(2), xpc.ErrNoReplyWanted)
		e.quiet()
		x.is()
	}},
	{Row: 98, Name: "second_create_reply", Says: "a second reply cannot be made for one request", run: func(e *env) {
		h := e.host(program{})
		x, _ := h.pair()
		r := x.request(1, hold)
		m := h.held.at(0)
		reply, err := m.CreateReply()
		e.NoError(err)
		_, err = m.CreateReply()
		e.ErrorIs(err, xpc.ErrReplied)
		reply.Dictionary["n"] = int64(2)
		e.NoError(reply.Send())
		_, err = m.CreateReply()
		e.ErrorIs(err, xpc.ErrReplied)
		r.wait("2")
		e.NoError(m.Release())
	}},
	{Row: 99, Name: "replies_later_and_from_anywhere", Says: "a retained request may be answered from any goroutine, after its handler returned and out of order", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		a, b, c := x.request(1, hold), x.request(2, hold), x.request(3, hold)
		h.held.at(2)
		x.send(4)
		p.has("4") // the handlers have returned
		done := e.later("replying", func() error { return h.held.all()[2].Reply(msg(30)) })
		done.wait("nil")
		c.wait("30")
		h.reply(0, 10)
		h.reply(1, 20)
		a.wait("10")
		b.wait("20")
		e.NoError(h.held.at(2).Release())
	}},
	{Row: 100, Name: "replying_to_nobody", Says: "a reply to a client that is gone, or on a peer cancelled by the service itself, is ignored in silence", run: func(e *env) {
		h := e.host(program{})
		x, px := h.pair()
		r := x.request(1, hold)
		h.held.at(0)
		e.NoError(x.c.Cancel())
		px.has(invalid)
		r.wait(invalid)
		h.reply(0, 2)
		y, py := h.pair()
		s := y.request(1, hold)
		h.held.at(1)
		e.NoError(py.c.Cancel())
		py.has(invalid)
		s.wait(interrupted)
		h.reply(1, 2)
		x.wait(invalid)
		y.wait(interrupted)
		e.quiet()
		r.is(invalid)
		s.is(interrupted)
	}},
	{Row: 101, Name: "reply_twice", Says: "sending a second reply is refused with an error, and the first one counts", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		r := x.request(1, hold)
		m := h.held.at(0)
		reply, err := m.CreateReply()
		e.NoError(err)
		reply.Dictionary["n"] = int64(2)
		e.NoError(reply.Send())
		reply.Dictionary["n"] = int64(3)
		e.ErrorIs(reply.Send(), xpc.ErrReplied)
		e.ErrorIs(p.c.SendMessage(reply), xpc.ErrReplied)
		e.ErrorIs(m.Reply(msg(4)), xpc.ErrReplied)
		e.False(m.WantsReply())
		e.NoError(m.Release())
		r.wait("2")
		x.call(5)
		r.is("2")
		x.is()
	}},
	{Row: 102, Name: "reply_and_queued_messages", Says: "a reply sent while plain messages wait in the send queue arrives once, before them or after", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		r := x.request(1, hold)
		h.held.at(0)
		in, g := e.gate(), e.gate()
		e.NoError(p.c.SendBarrier(func() { in.open(); g.pass() }))
		in.wait("the barrier")
		p.send(2, 3)
		h.reply(0, 4)
		e.quiet()
		x.is()
		g.open()
		r.wait("4")
		x.wait("2", "3")
	}},
	{Row: 103, Name: "reply_on_the_remote_connection", Says: "a reply is sent with a plain send on the connection that the request, and the reply made from it, name", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		a, b := x.request(1, hold), x.request(2, hold)
		for i := range 2 {
			m := h.held.at(i)
			e.Same(p.c, m.Connection())
			reply, err := m.CreateReply()
			e.NoError(err)
			e.Same(p.c, reply.Connection())
			reply.Dictionary["n"] = int64(10 + i)
			e.NoError(reply.Connection().SendMessage(reply))
			e.NoError(m.Release())
		}
		a.wait("10")
		b.wait("11")
		x.is()
	}},
	{Row: 104, Name: "reply_names_no_connection", Says: "a dictionary that is no received message has no remote connection", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		of := newList[*xpc.Connection](e, "connections")
		f := func(ev xpc.Event) {
			if m, ok := ev.(*xpc.Message); ok {
				of.add(m.Connection())
			}
		}
		e.NoError(x.c.SetEventHandler(f))
		p.send(1)
		e.Same(x.c, of.at(0))
		e.NoError(x.c.SendMessageWithReply(ask(2, echo), nil, f))
		e.Nil(of.at(1))
	}},
}
