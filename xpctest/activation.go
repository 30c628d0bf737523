package xpctest

var activation = []Case{
	{Row: 15, Name: "no_activation_without_handler", Says: "activating a connection that has no event handler is misuse", run: func(e *env) {
		h := e.host(program{})
		c, err := h.dial(e.rt, nil)
		e.NoError(err)
		e.misuse(c.Activate())
		e.misuse(c.Resume())
		e.misuse(c.SetEventHandler(nil))
		// Nothing has happened: it can still be set up.
		x := e.end("client", c, err).activate()
		x.call(1)
		l, err := e.rt.NewAnonymousListener(nil)
		e.NoError(err)
		e.adopt("listener", l)
		e.misuse(l.Activate())
	}},
	{Row: 16, Name: "activation_may_wait", Says: "setting the handler and activating may lie apart", run: func(e *env) {
		h := e.host(program{})
		x := h.client()
		x.send(1)
		// Other connections live and die meanwhile.
		for range 3 {
			y, py := h.pair()
			e.NoError(y.c.Cancel())
			y.wait(invalid)
			py.wait("0", invalid)
		}
		e.quiet()
		x.is()
		x.activate()
		h.peers.at(3).wait("1")
		x.call(2)
	}},
	{Row: 17, Name: "activating_twice", Says: "activating an active connection does nothing", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		x.activate()
		x.activate()
		e.NoError(x.c.Suspend())
		x.activate() // is no resume
		p.send(1)
		p.barrier()
		e.quiet()
		x.is()
		e.NoError(x.c.Resume())
		x.wait("1")
		e.misuse(x.c.Resume())
		p.is("0")
		h.listeners.at(0).is(newPeer)
	}},
	{Row: 18, Name: "resume_activates", Says: "resuming an inactive connection that is not suspended activates it", run: func(e *env) {
		h := e.host(program{})
		x := h.client()
		x.send(1)
		e.NoError(x.c.Resume())
		h.peers.at(0).wait("1")
		x.call(2)
		e.misuse(x.c.Resume())
	}},
	{Row: 19, Name: "suspend_and_resume_leave_inactive", Says: "suspend and resume on an inactive connection leave it inactive, and a further resume makes it live", run: func(e *env) {
		h := e.host(program{})
		x := h.client()
		x.send(1)
		e.NoError(x.c.Suspend())
		e.NoError(x.c.Resume())
		h.connect().call(5)
		e.quiet()
		e.Equal(1, h.peers.len(), "only the other client has come")
		e.NoError(x.c.Resume())
		h.peers.at(1).wait("1")
		e.misuse(x.c.Resume())
	}},
	{Row: 20, Name: "active_but_suspended", Says: "activated while suspended, a connection delivers nothing until the suspension is balanced", run: func(e *env) {
		h := e.host(program{peer: func(p *end) {
			e.oops("suspend", p.c.Suspend())
			e.oops("suspend", p.c.Suspend())
			e.oops("activate", p.c.Activate())
		}})
		x := h.connect()
		x.send(1)
		p := h.peers.at(0)
		h.connect().send(5)
		h.peers.at(1)
		e.quiet()
		p.is()
		e.NoError(p.c.Resume())
		e.quiet()
		p.is()
		e.NoError(p.c.Resume())
		p.wait("1")
	}},
	{Row: 21, Name: "unknown_name_is_invalid", Says: "a name that cannot be found leads to INVALID in the event handler once the connection is active", Needs: []Capability{Jobs}, run: func(e *env) {
		c, err := e.rt.NewMachService(e.name("nobody"), nil, 0)
		x := e.end("client", c, err)
		x.send(1)
		r := x.request(2, echo)
		e.quiet()
		x.is()
		x.activate()
		x.wait(invalid)
		r.wait(invalid)
		c, err = e.rt.NewConnection(e.name("nobody"), nil)
		y := e.end("client of a bundled service", c, err).activate()
		y.send(1)
		y.wait(invalid)
	}},
	{Row: 22, Name: "invalid_not_inside_activate", Says: "INVALID for an unknown name comes on the target queue and not from inside activate", Needs: []Capability{Jobs}, run: func(e *env) {
		q := e.queue()
		c, err := e.rt.NewMachService(e.name("nobody"), q, 0)
		x := e.end("client", c, err)
		e.NoError(q.Async(func() {
			e.oops("activate", x.c.Activate())
			e.oops("send", x.c.SendMessage(msg(1)))
			x.mark("returned")
		}))
		x.wait("returned", invalid)
	}},
	{Row: 23, Name: "first_send_launches", Says: "making and activating a client neither launches the service nor makes a peer; the first send does both", Needs: []Capability{Jobs, Closures, Quiet}, run: func(e *env) {
		h := e.jobHost(program{})
		x, y := h.connect(), h.connect()
		e.settle()
		e.Zero(h.svc.Launches())
		x.send(1)
		h.peers.at(0).wait("1")
		e.settle()
		e.Equal(1, h.svc.Launches())
		e.Equal(1, h.peers.len(), "the client that sent nothing has no peer")
		y.send(2)
		h.peers.at(1).wait("2")
		e.Equal(1, h.svc.Launches())
	}},
	{Row: 24, Name: "cancelled_while_inactive", Says: "a connection cancelled while inactive may be activated, and only then INVALID comes", run: func(e *env) {
		h := e.host(program{})
		x := h.client()
		e.NoError(x.c.Cancel())
		h.connect().call(5)
		e.quiet()
		x.is()
		x.activate()
		x.wait(invalid)
		<-x.c.Done()
		c, err := e.rt.NewAnonymousListener(nil)
		l := e.end("listener", c, err)
		e.NoError(l.c.Cancel())
		e.NoError(l.c.Resume())
		l.wait(invalid)
	}},
}
