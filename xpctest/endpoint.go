package xpctest

import "github.com/go-xpc/xpc"

var endpoints = []Case{
	{Row: 155, Name: "no_endpoint_of_a_peer", Says: "making an endpoint of a peer is misuse", run: func(e *env) {
		for _, h := range []*host{e.host(program{}), e.anonymous(program{})} {
			x, p := h.pair()
			_, err := p.c.Endpoint()
			e.misuse(err)
			x.call(1)
		}
	}},
	{Row: 156, Name: "endpoints_are_values", Says: "an endpoint is an object of its own type that may be put into a message", run: func(e *env) {
		a, h := e.anonymous(program{}), e.host(program{})
		x, p := h.pair()
		x.body(xpc.Dictionary{"n": int64(1), "e": a.ep, "in": xpc.Array{xpc.Dictionary{"e": a.ep}}})
		got := p.until("the message", func(s []seen) bool { return len(s) >= 2 })[1].body
		e.IsType(&xpc.Endpoint{}, got["e"])
		e.IsType(&xpc.Endpoint{}, got["in"].(xpc.Array)[0].(xpc.Dictionary)["e"])
		e.quiet()
		a.listeners.at(0).is() // no activity of its own
		c, err := e.rt.NewFromEndpoint(a.ep)
		e.end("client", c, err).activate().call(1)
		_, err = e.rt.NewFromEndpoint(nil)
		e.misuse(err)
	}},
	{Row: 157, Name: "many_connections_of_one_endpoint", Says: "any number of connections can be made from one endpoint, each a peer of its own", run: func(e *env) {
		h := e.anonymous(program{})
		seen := map[*xpc.Connection]bool{}
		for i := range 20 {
			x, p := h.pair()
			e.False(seen[p.c])
			seen[p.c] = true
			x.call(i)
			p.is("0", numbers(i, i)[0])
		}
		e.Equal(20, h.listeners.at(0).count(newPeer))
	}},
	{Row: 158, Name: "endpoint_passed_on", Says: "whoever receives an endpoint, directly or forwarded, can connect to its listener", run: func(e *env) {
		// One client sends it to the service, which passes it on to another.
		a := e.anonymous(program{})
		var second *end
		h := e.host(program{message: func(p *end, m *xpc.Message) {
			if ep := m.GetEndpoint("e"); ep != nil {
				e.oops("passing on", second.c.SendMessage(xpc.Dictionary{"e": ep}))
			}
		}})
		x, _ := h.pair()
		y, py := h.pair()
		second = py
		x.body(xpc.Dictionary{"e": a.ep})
		ep, ok := y.at(0).body["e"].(*xpc.Endpoint)
		e.True(ok)
		c, err := e.rt.NewFromEndpoint(ep)
		z := e.end("client", c, err).activate()
		z.call(1)
		a.peers.at(0).wait("1")
	}},
	{Row: 159, Name: "endpoint_does_not_hold_its_listener", Says: "an endpoint in a message refers to the listener and does not keep it", run: func(e *env) {
		a, h := e.anonymous(program{}), e.host(program{})
		x, p := h.pair()
		x.body(xpc.Dictionary{"e": a.ep})
		ep, ok := p.until("the message", func(s []seen) bool { return len(s) >= 2 })[1].body["e"].(*xpc.Endpoint)
		e.True(ok)
		c, err := e.rt.NewFromEndpoint(ep)
		y := e.end("client", c, err).activate()
		y.call(1)
		e.NoError(a.listeners.at(0).c.Close())
		a.listeners.at(0).has(invalid)
		e.lost(y)
	}},
	{Row: 160, Name: "connection_from_a_received_endpoint", Says: "a received endpoint gives a new inactive connection each time, and nothing where it is missing or of another type", run: func(e *env) {
		a := e.anonymous(program{})
		got := newList[*xpc.Message](e, "messages")
		h := e.host(program{message: func(p *end, m *xpc.Message) {
			e.retain(m)
			got.add(m)
		}})
		x := h.connect()
		x.body(xpc.Dictionary{"e": a.ep, "s": "text", "n": int64(1)})
		m := got.at(0)
		e.Nil(m.GetEndpoint("missing"))
		e.Nil(m.GetEndpoint("s"))
		e.Nil(m.GetEndpoint("n"))
		one, err := e.rt.NewFromEndpoint(m.GetEndpoint("e"))
		e.NoError(err)
		two, err := e.rt.NewFromEndpoint(m.GetEndpoint("e"))
		e.NoError(err)
		e.NotSame(one, two)
		e.misuse(one.Activate())
		y, z := e.end("client", one, nil), e.end("client", two, nil)
		y.send(1)
		e.quiet()
		e.Zero(a.peers.len())
		y.activate()
		z.activate()
		a.peers.at(0).wait("1")
		z.call(2)
		a.peers.at(1).wait("2")
		e.NoError(m.Release())
	}},
	{Row: 161, Name: "endpoint_of_a_dead_listener", Says: "a connection made from the endpoint of a listener that is gone gets INVALID after its activation", run: func(e *env) {
		h := e.anonymous(program{})
		early := h.client()
		l := h.listeners.at(0)
		e.NoError(l.c.Cancel())
		l.wait(invalid)
		late := h.client()
		h.client().activate().wait(invalid) // also without a message
		for _, x := range []*end{early, late} {
			x.send(1)
			r := x.request(2, echo)
			e.quiet()
			x.is()
			x.activate()
			e.lost(x)
			r.until("an outcome", func(s []seen) bool { return len(s) >= 1 })
			e.Contains([]string{interrupted, invalid}, r.names()[0])
		}
	}},
	{Row: 162, Name: "endpoint_of_an_inactive_listener", Says: "with the endpoint of an inactive listener the peer appears after the activation", run: func(e *env) {
		c, err := e.rt.NewAnonymousListener(nil)
		e.NoError(err)
		ep, err := c.Endpoint()
		e.NoError(err)
		l := e.adopt("listener", c)
		d, err := e.rt.NewFromEndpoint(ep)
		x := e.end("client", d, err).activate()
		x.send(1)
		x.barrier()
		e.quiet()
		x.is()
		h := &host{e: e, listeners: newList[*end](e, "listeners"), peers: newList[*end](e, "peers")}
		h.listen(l)
		h.peers.at(0).wait("1")
		x.call(2)
	}},
	{Row: 163, Name: "no_endpoint_of_a_client", Says: "making an endpoint of a client is refused", run: func(e *env) {
		h := e.host(program{})
		for _, x := range []*end{h.client(), h.connect(), e.anonymous(program{}).connect()} {
			_, err := x.c.Endpoint()
			e.misuse(err)
		}
		h.connect().call(1)
	}},
	{Row: 164, Name: "equality_of_endpoints", Says: "an endpoint equals itself, endpoints of different listeners differ, and equality is symmetric", run: func(e *env) {
		a, b := e.anonymous(program{}), e.anonymous(program{})
		again, err := a.listeners.at(0).c.Endpoint()
		e.NoError(err)
		e.True(a.ep.Equal(a.ep))
		e.False(a.ep.Equal(b.ep))
		e.False(b.ep.Equal(a.ep))
		e.False(a.ep.Equal(nil))
		// Whether two of one listener are equal is open.
		e.Equal(a.ep.Equal(again), again.Equal(a.ep))
		c, err := e.rt.NewFromEndpoint(again)
		e.end("client", c, err).activate().call(1)
		a.peers.at(0).wait("1")
	}},
}
