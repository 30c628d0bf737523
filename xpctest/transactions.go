package xpctest

import (
	"context"

	"github.com/go-xpc/xpc"
)

var idle = program{ServiceSpec: ServiceSpec{Idle: true}}

var transactions = []Case{
	{Row: 193, Name: "main_does_not_return", Says: "Main of a bundled service does not return while its process lives", Needs: []Capability{Jobs, Closures, Bundles, Processes}, run: func(e *env) {
		app, name := e.name("app"), e.name("bundled")
		returned := e.gate()
		main := e.mainOf(nil)
		svc := e.service(ServiceSpec{Names: []string{name}, Bundle: app, Main: func(ctx context.Context, rt *xpc.Runtime) {
			main(ctx, rt)
			returned.open()
		}})
		c, err := e.process(ProcessSpec{Bundle: app}).Runtime().NewConnection(name, nil)
		x := e.end("client", c, err).activate()
		x.call(1)
		e.NoError(x.c.Cancel())
		x.wait(invalid)
		e.quiet()
		e.False(returned.isOpen())
		e.Equal(1, svc.Launches())
	}},
	{Row: 194, Name: "peers_of_main", Says: "the handler of Main receives peers, with the duties and the queue of a listener's peers", Needs: []Capability{Jobs, Closures, Bundles, Processes}, run: func(e *env) {
		app, name := e.name("app"), e.name("bundled")
		peers := newList[*end](e, "peers")
		e.service(ServiceSpec{Names: []string{name}, Bundle: app, Main: e.mainOf(peers)})
		rt := e.process(ProcessSpec{Bundle: app}).Runtime()
		var ends []*end
		for i := range 2 {
			c, err := rt.NewConnection(name, nil)
			x := e.end("client", c, err).activate()
			x.call(i)
			ends = append(ends, x)
			p := peers.at(i)
			p.is(numbers(i, i)...)
			e.Empty(p.c.Name())
			p.send(10)
			x.wait("10")
		}
		e.NoError(ends[0].c.Cancel())
		peers.at(0).wait("0", invalid)
		ends[1].call(2)
	}},
	{Row: 195, Name: "main_only_in_bundled_services", Says: "in a job that declares MachServices Main is misuse", Needs: []Capability{Jobs, Closures}, run: func(e *env) {
		errs := newList[error](e, "errors")
		var h *host
		h = e.jobHost(program{message: func(p *end, m *xpc.Message) {
			go func() { errs.add(h.runtimes.all()[0].Main(func(*xpc.Connection) {})) }()
		}})
		x := h.connect()
		x.send(1)
		e.misuse(errs.at(0))
		e.misuse(h.runtimes.all()[0].Main(nil))
		x.send(2)
		h.peers.at(0).wait("1", "2")
	}},
	{Row: 197, Name: "message_opens_a_transaction", Says: "a received message opens a transaction before it is delivered: the service is not ended as idle inside the handler", Needs: []Capability{Jobs, Closures, IdleExits}, run: func(e *env) {
		in, g := e.gate(), e.gate()
		p := idle
		p.message = func(*end, *xpc.Message) { in.open(); g.pass() }
		h := e.jobHost(p)
		x := h.connect()
		x.send(1)
		in.wait("the handler")
		e.False(h.svc.IdleExit())
		x.is()
		g.open()
		e.until(h.svc.IdleExit)
		x.wait(interrupted)
	}},
	{Row: 198, Name: "transaction_of_a_message", Says: "the transaction of a message without a reply ends with the last reference to the message", Needs: []Capability{Jobs, Closures, IdleExits}, run: func(e *env) {
		kept := newList[*xpc.Message](e, "messages")
		p := idle
		p.message = func(_ *end, m *xpc.Message) {
			e.retain(m)
			e.retain(m)
			kept.add(m)
		}
		h := e.jobHost(p)
		x := h.connect()
		x.send(1)
		m := kept.at(0)
		e.quiet() // the handler has returned
		e.False(h.svc.IdleExit())
		e.NoError(m.Release())
		e.False(h.svc.IdleExit())
		e.NoError(m.Release())
		e.until(h.svc.IdleExit)
		x.wait(interrupted)
	}},
	{Row: 199, Name: "transaction_of_a_request", Says: "the transaction of a request ends when the reply is sent or released", Needs: []Capability{Jobs, Closures, IdleExits}, run: func(e *env) {
		h := e.jobHost(idle)
		x := h.connect()
		r := x.request(1, hold)
		m := h.held.at(0)
		e.quiet()
		e.False(h.svc.IdleExit())
		e.NoError(m.Reply(msg(2)))
		r.wait("2")
		e.until(h.svc.IdleExit) // although the request is still held
		x.wait(interrupted)
		e.NoError(m.Release())
		s := x.request(3, hold)
		m = h.held.at(1)
		e.quiet()
		e.False(h.svc.IdleExit())
		e.NoError(m.Release())
		e.until(h.svc.IdleExit)
		s.until("an outcome or none", func([]seen) bool { return true })
	}},
	{Row: 200, Name: "explicit_transactions", Says: "explicit transactions add to the same count", Needs: []Capability{Jobs, Closures, IdleExits}, run: func(e *env) {
		h := e.jobHost(idle)
		x := h.connect()
		x.call(1)
		rt := h.runtimes.at(0)
		e.NoError(rt.TransactionBegin())
		e.NoError(rt.TransactionBegin())
		e.quiet()
		e.False(h.svc.IdleExit())
		e.NoError(rt.TransactionEnd())
		r := x.request(2, hold)
		m := h.held.at(0)
		e.NoError(rt.TransactionEnd())
		e.False(h.svc.IdleExit(), "a request is open")
		e.NoError(m.Reply(msg(3)))
		e.NoError(m.Release())
		r.wait("3")
		e.until(h.svc.IdleExit)
		x.wait(interrupted)
	}},
	{Row: 201, Name: "idle_exit", Says: "a service without open transactions may be ended if its job opted in to that, else not", Needs: []Capability{Jobs, Closures, IdleExits}, run: func(e *env) {
		in, out := e.jobHost(idle), e.jobHost(program{})
		x, y := in.connect(), out.connect()
		x.call(1)
		y.call(1)
		e.until(in.svc.IdleExit)
		x.wait(interrupted)
		e.quiet()
		e.False(out.svc.IdleExit())
		y.call(2)
		y.is()
		x.call(2)
		e.Equal(2, in.svc.Launches())
	}},
	{Row: 202, Name: "too_many_ends", Says: "ending more transactions than were begun is refused", run: func(e *env) {
		e.misuse(e.rt.TransactionEnd())
		e.NoError(e.rt.TransactionBegin())
		e.NoError(e.rt.TransactionEnd())
		e.misuse(e.rt.TransactionEnd())
	}},
	{Row: 203, Name: "termination_imminent", Says: "a terminated service's active peers get TERMINATION_IMMINENT, and nobody else does", Needs: []Capability{Jobs, Closures, Terminates, Quiet}, run: func(e *env) {
		h := e.jobHost(program{peer: func(p *end) {
			if p.host.peers.len() != 3 {
				e.oops("activate", p.c.Activate())
			}
		}})
		x, p := h.pair()
		y, q := h.pair()
		z := h.connect()
		z.send(1)
		inactive := h.peers.at(2)
		h.svc.Terminate()
		p.wait("0", imminent)
		q.wait("0", imminent)
		e.settle()
		inactive.is()
		x.is()
		y.is()
		z.is()
		e.Zero(h.listeners.at(0).count(imminent))
	}},
	{Row: 204, Name: "after_termination_imminent", Says: "after TERMINATION_IMMINENT no more messages reach the peer, but it may still send", Needs: []Capability{Jobs, Closures, Terminates, Quiet}, run: func(e *env) {
		h := e.jobHost(program{})
		x, p := h.pair()
		r := x.request(1, hold)
		h.held.at(0)
		h.svc.Terminate()
		p.has(imminent)
		x.send(2)
		p.send(3)
		h.reply(0, 4)
		x.wait("3")
		r.wait("4")
		e.settle()
		p.is("0", "1", imminent)
	}},
	{Row: 205, Name: "termination_imminent_once", Says: "TERMINATION_IMMINENT comes at most once per peer", Needs: []Capability{Jobs, Closures, Terminates, Quiet}, run: func(e *env) {
		h := e.jobHost(program{})
		_, p := h.pair()
		h.svc.Terminate()
		p.has(imminent)
		h.svc.Terminate()
		e.settle()
		p.is("0", imminent)
	}},
	{Row: 206, Name: "termination_imminent_is_no_cancel", Says: "TERMINATION_IMMINENT does not cancel the peer; INVALID comes when the service cancels it", Needs: []Capability{Jobs, Closures, Terminates, Quiet}, run: func(e *env) {
		h := e.jobHost(program{})
		x, p := h.pair()
		h.svc.Terminate()
		p.has(imminent)
		e.settle()
		p.is("0", imminent)
		x.is()
		e.NoError(p.c.Cancel())
		p.wait("0", imminent, invalid)
		x.wait(interrupted)
	}},
}
