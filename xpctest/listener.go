package xpctest

import (
	"runtime"

	"github.com/go-xpc/xpc"
)

var listening = []Case{
	{Row: 147, Name: "peers_need_a_handler_and_an_activation", Says: "a peer needs a handler and an activation of its own", run: func(e *env) {
		errs := newList[error](e, "errors")
		raw := newList[*xpc.Connection](e, "peers")
		c, err := e.rt.NewAnonymousListener(nil)
		l := e.end("listener", c, err)
		e.NoError(c.SetEventHandler(func(ev xpc.Event) {
			if p, ok := ev.(*xpc.Connection); ok {
				errs.add(p.Activate())
				raw.add(p)
			}
		}))
		ep, err := l.activate().c.Endpoint()
		e.NoError(err)
		c, err = e.rt.NewFromEndpoint(ep)
		x := e.end("client", c, err).activate()
		x.send(1)
		e.misuse(errs.at(0))
		p := e.end("peer", raw.at(0), nil)
		x.barrier()
		e.quiet()
		p.is()
		p.activate()
		p.wait("1")
	}},
	{Row: 149, Name: "activated_peers_live_by_themselves", Says: "an activated peer lives without any reference of the user until it has delivered INVALID", Real: true, run: func(e *env) {
		got := e.recorder("peer")
		c, err := e.rt.NewAnonymousListener(nil)
		l := e.end("listener", c, err)
		e.NoError(c.SetEventHandler(func(ev xpc.Event) {
			if p, ok := ev.(*xpc.Connection); ok {
				e.oops("handler", p.SetEventHandler(func(ev xpc.Event) {
					got.record(ev)
					if m, ok := ev.(*xpc.Message); ok && m.WantsReply() {
						e.oops("reply", m.Reply(msg(int(m.GetInt64("n")))))
					}
				}))
				e.oops("activate", p.Activate())
			}
		}))
		ep, err := l.activate().c.Endpoint()
		e.NoError(err)
		c, err = e.rt.NewFromEndpoint(ep)
		x := e.end("client", c, err).activate()
		for i := 1; i <= 5; i++ {
			x.call(i)
			runtime.GC()
			runtime.GC()
		}
		e.NoError(x.c.Cancel())
		got.wait(append(numbers(1, 5), invalid)...)
	}},
	{Row: 150, Name: "refusing_a_peer", Says: "a peer is refused by cancelling it in the listener's handler, without handler or activation; its client gets INTERRUPTED", run: func(e *env) {
		c, err := e.rt.NewAnonymousListener(nil)
		l := e.end("listener", c, err)
		peers := newList[*xpc.Connection](e, "peers")
		e.NoError(c.SetEventHandler(func(ev xpc.Event) {
			l.record(ev)
			p, ok := ev.(*xpc.Connection)
			if !ok {
				return
			}
			if peers.len() == 0 {
				e.oops("cancel", p.Cancel())
				peers.add(p)
				return
			}
			e.oops("handler", p.SetEventHandler(func(ev xpc.Event) {
				if m, ok := ev.(*xpc.Message); ok && m.WantsReply() {
					e.oops("reply", m.Reply(msg(int(m.GetInt64("n")))))
				}
			}))
			e.oops("activate", p.Activate())
			peers.add(p)
		}))
		ep, err := l.activate().c.Endpoint()
		e.NoError(err)
		c, err = e.rt.NewFromEndpoint(ep)
		x := e.end("client", c, err).activate()
		r := x.request(1, echo)
		r.wait(interrupted)
		x.wait(interrupted)
		x.call(2)
		l.wait(newPeer, newPeer)
		e.NoError(peers.at(0).Close())

		h := e.host(program{peer: func(p *end) {
			if p.host.peers.len() == 1 {
				e.oops("cancel", p.c.Cancel())
				return
			}
			e.oops("activate", p.c.Activate())
		}})
		y := h.connect()
		y.send(1)
		y.wait(interrupted)
		h.peers.at(0).is()
		y.call(2)
	}},
	{Row: 151, Name: "peer_activated_later", Says: "a peer may be activated later, outside the listener's handler; its messages wait", run: func(e *env) {
		h := e.host(program{peer: func(*end) {}})
		x := h.connect()
		x.sendRange(1, 10)
		r := x.request(11, echo)
		p := h.peers.at(0)
		y := h.connect()
		y.send(1)
		h.peers.at(1).activate().wait("1") // the listener goes on meanwhile
		x.barrier()
		e.quiet()
		p.is()
		r.is()
		p.activate()
		p.wait(numbers(1, 11)...)
		r.wait("11")
	}},
	{Row: 152, Name: "events_around_the_announcement", Says: "events of a peer activated in the listener's handler arrive in order, once, after that handler at the latest", run: func(e *env) {
		in, g := e.gate(), e.gate()
		h := e.host(program{peer: func(p *end) {
			e.oops("activate", p.c.Activate())
			in.open()
			g.pass()
		}})
		x := h.connect()
		x.sendRange(1, 5)
		in.wait("the listener's handler")
		x.barrier()
		e.quiet()
		g.open()
		h.peers.at(0).wait(numbers(1, 5)...)
		x.call(6)
		h.peers.at(0).is(numbers(1, 6)...)
	}},
	{Row: 153, Name: "peer_left_alone", Says: "a peer that is neither activated nor cancelled delivers nothing and disturbs no other", run: func(e *env) {
		h := e.host(program{peer: func(p *end) {
			if p.host.peers.len() > 1 {
				e.oops("activate", p.c.Activate())
			}
		}})
		x := h.connect()
		x.send(1)
		h.peers.at(0)
		y := h.connect()
		y.call(2)
		e.quiet()
		h.peers.at(0).is()
		y.is()
	}},
	{Row: 154, Name: "end_of_the_client", Says: "a peer gets INVALID when its client cancels, exits, crashes or gives the connection up", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		e.NoError(x.c.Cancel())
		p.wait("0", invalid)
		x, p = h.pair()
		e.NoError(x.c.Close())
		p.wait("0", invalid)
		x, p = h.pair()
		e.NoError(x.c.Suspend())
		e.NoError(x.c.Close())
		p.wait("0", invalid)
		if !e.can(Jobs, Closures, Processes) {
			return
		}
		for i, f := range []func(Process){Process.Exit, Process.Crash} {
			other := e.spawn(ProcessSpec{})
			x = h.clientIn(other.Runtime(), nil).activate()
			x.send(1)
			p = h.peers.at(3 + i)
			p.wait("1")
			e.Equal(other.PID(), p.c.PID())
			f(other)
			p.wait("1", invalid)
		}
	}},
}
