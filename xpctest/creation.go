package xpctest

import (
	"context"

	"github.com/go-xpc/xpc"
)

var creation = []Case{
	{Row: 1, Name: "create_for_unserved_names", Says: "making a connection succeeds at once, also for a name that nobody serves", run: func(e *env) {
		for _, f := range []func(string, *xpc.Queue) (*xpc.Connection, error){
			e.rt.NewConnection,
			func(n string, q *xpc.Queue) (*xpc.Connection, error) { return e.rt.NewMachService(n, q, 0) },
		} {
			name := e.name("nobody")
			c, err := f(name, nil)
			x := e.end("client", c, err)
			e.Equal(name, x.c.Name())
			e.NoError(x.c.SendMessage(msg(1)))
			e.quiet()
			x.is()
		}
	}},
	{Row: 2, Name: "no_name_is_an_anonymous_listener", Says: "a connection made without a name is a listener", run: func(e *env) {
		c, err := e.rt.NewAnonymousListener(nil)
		l := e.end("listener", c, err)
		h := &host{e: e, peers: newList[*end](e, "peers")}
		h.listeners = newList[*end](e, "listeners")
		h.listen(l)
		ep, err := c.Endpoint()
		e.NoError(err)
		c, err = e.rt.NewFromEndpoint(ep)
		x := e.end("client", c, err).activate()
		x.send(1)
		l.wait(newPeer)
		h.peers.at(0).wait("1")
	}},
	{Row: 3, Name: "listener_flag", Says: "the listener flag makes a listener of a Mach service connection, and without it the result is a client", Needs: []Capability{Jobs, Closures}, run: func(e *env) {
		e.EqualValues(1, xpc.MachServiceListener)
		h := e.jobHost(program{peer: func(p *end) { e.oops("activate", p.c.Activate()); p.say(7) }})
		x := h.connect()
		x.send(1)
		h.listeners.at(0).wait(newPeer)
		h.peers.at(0).wait("1")
		x.wait("7")
		_, err := x.c.Endpoint()
		e.misuse(err)
		_, err = h.listeners.at(0).c.Endpoint()
		e.NoError(err)
	}},
	{Row: 4, Name: "endpoint_client_starts_bare", Says: "a connection made from an endpoint is a client that still needs a handler and an activation", run: func(e *env) {
		h := e.anonymous(program{})
		c, err := e.rt.NewFromEndpoint(h.ep)
		e.NoError(err)
		e.misuse(c.Activate())
		x := e.end("client", c, err)
		x.send(1)
		e.quiet()
		h.listeners.at(0).is()
		x.activate()
		h.peers.at(0).wait("1")
	}},
	{Row: 5, Name: "all_start_inactive", Says: "clients, listeners and peers neither send nor deliver before they are activated", run: func(e *env) {
		h := e.host(program{peer: func(p *end) { p.say(7) }})
		x := h.client()
		x.send(1, 2)
		e.quiet()
		e.Zero(h.peers.len(), "the inactive client has sent")
		x.activate()
		p := h.peers.at(0)
		// Another client comes through meanwhile.
		y := h.connect()
		y.send(3)
		h.peers.at(1)
		e.quiet()
		p.is()
		x.is()
		p.activate()
		p.wait("1", "2")
		x.wait("7")
	}},
	{Row: 6, Name: "nil_queue_is_the_default_queue", Says: "without a target queue, or with nil set, handlers run on the default queue and do not hold each other up", run: func(e *env) {
		h := e.host(program{})
		q := e.queue()
		a, b := h.client(), h.clientOn(q)
		e.NoError(b.c.SetTargetQueue(nil))
		g := e.block(q)
		e.overlap(h, a, b)
		g.open()
	}},
	{Row: 7, Name: "privileged_listener_is_a_listener", Says: "the privileged flag changes nothing on a listener", Needs: []Capability{Jobs, Closures}, run: func(e *env) {
		name := e.name("service")
		got := e.recorder("listener")
		e.service(ServiceSpec{Names: []string{name}, Main: func(ctx context.Context, rt *xpc.Runtime) {
			c, err := rt.NewMachService(name, nil, xpc.MachServiceListener|xpc.MachServicePrivileged)
			if err != nil {
				e.oops("the listener", err)
				return
			}
			x := e.adopt("listener", c)
			h := &host{e: e, peers: newList[*end](e, "peers"), listeners: newList[*end](e, "listeners")}
			h.message = func(p *end, m *xpc.Message) { got.handle(m); h.answer(p, m) }
			h.listen(x)
			<-ctx.Done()
		}})
		c, err := e.rt.NewMachService(name, nil, 0)
		e.end("client", c, err).activate().call(1)
		got.wait("1")
	}},
	{Row: 8, Name: "privileged_client_wants_the_system_domain", Says: "a privileged client finds names of the system domain only", Needs: []Capability{Jobs, Closures, SystemDomain}, run: func(e *env) {
		user := e.jobHost(program{})
		system := e.jobHost(program{ServiceSpec: ServiceSpec{Domain: System}})
		c, err := e.rt.NewMachService(user.name, nil, xpc.MachServicePrivileged)
		x := e.end("client of the user's job", c, err).activate()
		x.send(1)
		x.wait(invalid)
		e.Zero(user.svc.Launches())
		c, err = e.rt.NewMachService(system.name, nil, xpc.MachServicePrivileged)
		e.end("client of the system's job", c, err).activate().call(1)
		// The name is there, without the flag.
		user.connect().call(2)
	}},
	{Row: 9, Name: "undeclared_listener_is_invalid", Says: "a listener for a name that its own job does not declare gets INVALID", Needs: []Capability{Jobs, Closures}, run: func(e *env) {
		undeclared := e.name("undeclared")
		ends := newList[*end](e, "listeners")
		h := e.jobHost(program{listener: func(*xpc.Connection) {}, peer: func(p *end) {
			// Inside the service, beside a declared listener.
			rt := p.host.runtimes.all()[0]
			c, err := rt.NewMachService(undeclared, nil, xpc.MachServiceListener)
			if err != nil {
				e.oops("the undeclared listener", err)
				return
			}
			x := e.adopt("undeclared listener", c)
			e.oops("handler", c.SetEventHandler(x.handle))
			e.oops("activate", c.Activate())
			ends.add(x)
			e.oops("activate", p.c.Activate())
		}})
		x := h.connect()
		x.call(1)
		ends.at(0).wait(invalid)
		h.listeners.at(0).wait(newPeer)
		x.call(2)
		x.is()
		// Nor may another process listen on the job's name.
		other := e.jobHost(program{})
		c, err := e.rt.NewMachService(other.name, nil, xpc.MachServiceListener)
		e.end("impostor", c, err).activate().wait(invalid)
		other.connect().call(3)
	}},
	{Row: 10, Name: "listener_registers_nothing", Says: "making a listener does not register a new name", Needs: []Capability{Jobs}, run: func(e *env) {
		name := e.name("undeclared")
		c, err := e.rt.NewMachService(name, nil, xpc.MachServiceListener)
		l := e.end("listener", c, err).activate()
		l.wait(invalid)
		c, err = e.rt.NewMachService(name, nil, 0)
		x := e.end("client", c, err).activate()
		x.send(1)
		x.wait(invalid)
		e.quiet()
		l.is(invalid)
	}},
	{Row: 11, Name: "bundled_service_only_inside_its_application", Says: "a bundled service is reached by its bundle identifier, from its own application only", Needs: []Capability{Jobs, Closures, Bundles, Processes}, run: func(e *env) {
		app, name := e.name("app"), e.name("bundled")
		svc := e.service(ServiceSpec{Names: []string{name}, Bundle: app, Main: e.mainOf(nil)})
		inside := e.process(ProcessSpec{Bundle: app})
		outside := e.process(ProcessSpec{Bundle: e.name("other")})
		c, err := outside.Runtime().NewConnection(name, nil)
		x := e.end("client outside", c, err).activate()
		x.send(1)
		x.wait(invalid)
		e.Zero(svc.Launches())
		c, err = inside.Runtime().NewConnection(name, nil)
		y := e.end("client inside", c, err).activate()
		y.call(2)
		e.Equal(1, svc.Launches())
		y.is()
	}},
	{Row: 12, Name: "one_peer_for_each_connection", Says: "each connection appears as a peer of its own, also when one process makes several", run: func(e *env) {
		h := e.host(program{})
		x, px := h.pair()
		y, py := h.pair()
		e.NotSame(px.c, py.c)
		x.send(1)
		y.send(2)
		x.send(3)
		px.wait("0", "1", "3")
		py.wait("0", "2")
		h.listeners.at(0).wait(newPeer, newPeer)
	}},
	{Row: 13, Name: "service_sends_unasked", Says: "what a service sends over its peer reaches the client's event handler", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		y, _ := h.pair()
		p.send(1, 2, 3)
		x.wait("1", "2", "3")
		e.quiet()
		y.is()
	}},
	{Row: 14, Name: "both_ends_in_one_process", Says: "a client and an anonymous listener may live in one process", run: func(e *env) {
		h := e.anonymous(program{})
		x, p := h.pair()
		e.EqualValues(1, x.call(1)["n"])
		p.send(2)
		x.wait("2")
		e.EqualValues(3, p.askClient(x, 3))
	}},
}

// askClient sends a request from a peer; the client answers it.
func (p *end) askClient(x *end, n int) int64 {
	p.e.NoError(x.c.SetEventHandler(func(ev xpc.Event) {
		x.record(ev)
		if m, ok := ev.(*xpc.Message); ok && m.WantsReply() {
			d, err := m.Dictionary()
			p.e.oops("reading", err)
			p.e.oops("replying", m.Reply(d))
		}
	}))
	n64, _ := p.call(n)["n"].(int64)
	return n64
}

// overlap fails if the handlers of a and b, inactive clients of h, cannot run at
// the same time.
func (e *env) overlap(h *host, a, b *end) {
	e.t.Helper()
	inA, inB := e.gate(), e.gate()
	e.NoError(a.c.SetEventHandler(func(ev xpc.Event) { a.record(ev); inA.open(); inB.pass() }))
	e.NoError(b.c.SetEventHandler(func(ev xpc.Event) { b.record(ev); inB.open(); inA.pass() }))
	n := h.peers.len()
	a.activate().send(0)
	pa := h.peers.at(n)
	b.activate().send(0)
	pb := h.peers.at(n + 1)
	pa.send(1)
	pb.send(2)
	inA.wait("the first handler")
	inB.wait("the second handler, beside the first")
	a.wait("1")
	b.wait("2")
}

// mainOf is the program of a bundled service.
func (e *env) mainOf(peers *list[*end]) func(context.Context, *xpc.Runtime) {
	h := &host{e: e, held: newList[*xpc.Message](e, "held messages")}
	return func(_ context.Context, rt *xpc.Runtime) {
		e.notef("a bundled service is launched")
		err := rt.Main(func(c *xpc.Connection) {
			p := e.adopt("peer", c)
			h.serve(p)
			if peers != nil {
				peers.add(p)
			}
			e.oops("activating a peer", c.Activate())
		})
		e.notef("Main returned %v", err)
	}
}
