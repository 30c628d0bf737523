package xpctest

var credentials = []Case{
	{Row: 165, Name: "name_given_at_creation", Says: "a client's and a named listener's name is the one used at creation", Needs: []Capability{Jobs, Closures}, run: func(e *env) {
		h := e.jobHost(program{})
		x, _ := h.pair()
		e.Equal(h.name, x.c.Name())
		e.Equal(h.name, h.listeners.at(0).c.Name())
		c, err := e.rt.NewConnection("com.example.bundled", nil)
		e.Equal("com.example.bundled", e.end("client", c, err).c.Name())
		e.NoError(x.c.Cancel())
		x.wait(invalid)
		e.Equal(h.name, x.c.Name())
	}},
	{Row: 166, Name: "peers_have_no_name", Says: "a peer received from a listener has no name", run: func(e *env) {
		early := newList[string](e, "names")
		h := e.host(program{peer: func(p *end) {
			early.add(p.c.Name())
			e.oops("activate", p.c.Activate())
		}})
		x, p := h.pair()
		e.Empty(early.at(0))
		x.call(1)
		e.Empty(p.c.Name())
	}},
	{Row: 167, Name: "anonymous_connections_have_no_name", Says: "anonymous listeners and connections made from endpoints have no name", run: func(e *env) {
		h := e.anonymous(program{})
		x, _ := h.pair()
		e.Empty(x.c.Name())
		e.Empty(h.listeners.at(0).c.Name())
	}},
	{Row: 168, Name: "no_credentials_at_first", Says: "before the first exchange a client reports pid 0, and -1 for euid, egid and asid", run: func(e *env) {
		h := e.host(program{})
		x := h.client()
		e.strangers(x)
		x.activate()
		e.strangers(x)
	}},
	{Row: 169, Name: "credentials_after_an_exchange", Says: "after something came back a client's credentials are those of the remote process; having sent is not enough", run: func(e *env) {
		h := e.host(program{peer: func(*end) {}})
		x := h.connect()
		x.send(1)
		r := x.request(2, echo)
		h.peers.at(0)
		x.barrier()
		e.quiet()
		e.strangers(x)
		h.peers.at(0).activate()
		r.wait("2")
		e.Equal(e.pid(h), x.c.PID())
		e.NotEqual(-1, x.c.EUID())
		e.NotEqual(-1, x.c.EGID())
		// A message does, too.
		y := h.connect()
		y.send(3)
		p := h.peers.at(1).activate()
		p.send(4)
		y.wait("4")
		e.Equal(e.pid(h), y.c.PID())
	}},
	{Row: 170, Name: "peer_credentials_at_once", Says: "a peer's credentials are known already in the listener's handler", run: func(e *env) {
		pids := newList[int](e, "pids")
		h := e.host(program{peer: func(p *end) {
			pids.add(p.c.PID())
			pids.add(p.c.EUID())
			pids.add(p.c.EGID())
			e.oops("activate", p.c.Activate())
		}})
		x := h.connect()
		x.send(1)
		e.Equal(e.world.PID(), pids.at(0))
		e.NotEqual(-1, pids.at(1))
		e.NotEqual(-1, pids.at(2))
		p := h.peers.at(0)
		e.Equal(e.world.PID(), p.c.PID())
	}},
	{Row: 171, Name: "credentials_are_kept", Says: "the credentials of a peer stay what they were, also when its client has gone", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		pid, euid, egid, asid := p.c.PID(), p.c.EUID(), p.c.EGID(), p.c.ASID()
		e.NoError(x.c.Close())
		p.has(invalid)
		e.Equal([]int{pid, euid, egid, asid}, []int{p.c.PID(), p.c.EUID(), p.c.EGID(), p.c.ASID()})
		e.NoError(p.c.Close())
		e.Equal([]int{pid, euid, egid, asid}, []int{p.c.PID(), p.c.EUID(), p.c.EGID(), p.c.ASID()})
	}},
	{Row: 172, Name: "own_pid_on_both_ends", Says: "with both ends in one process each reports the own pid", run: func(e *env) {
		h := e.anonymous(program{})
		x, p := h.pair()
		x.call(1)
		e.Equal(e.world.PID(), x.c.PID())
		e.Equal(e.world.PID(), p.c.PID())
		e.Equal(x.c.EUID(), p.c.EUID())
	}},
	{Row: 173, Name: "credentials_after_an_interruption", Says: "after an interruption a client reports the old process or none, and the new one after the next exchange", Needs: []Capability{Jobs, Closures, Crashes}, run: func(e *env) {
		h := e.jobHost(program{})
		x, _ := h.pair()
		x.call(1)
		old := x.c.PID()
		e.Equal(h.svc.PID(), old)
		h.svc.Crash()
		x.wait(interrupted)
		e.Contains([]int{0, old}, x.c.PID())
		x.call(2)
		e.Equal(h.svc.PID(), x.c.PID())
		e.NotEqual(old, x.c.PID())
	}},
	{Row: 174, Name: "context", Says: "the context is what was set last, and nothing at first", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		e.Nil(x.c.Context())
		e.NoError(x.c.SetContext(1))
		e.NoError(x.c.SetContext("two"))
		e.Equal("two", x.c.Context())
		e.Nil(p.c.Context())
		e.NoError(x.c.SetContext(nil))
		e.Nil(x.c.Context())
	}},
	{Row: 175, Name: "finalizer_not_on_replacement", Says: "neither replacing the context nor a cancel calls the finalizer", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		freed := e.finalizer(x)
		e.NoError(x.c.SetContext("one"))
		e.NoError(x.c.SetContext("two"))
		e.NoError(x.c.SetContext(nil))
		e.NoError(x.c.SetContext("three"))
		e.NoError(x.c.Cancel())
		x.wait(invalid)
		<-x.c.Done()
		p.has(invalid)
		x.barrier()
		e.quiet()
		freed.is()
		e.NoError(x.c.Close())
		freed.wait("three")
	}},
	{Row: 176, Name: "finalizer_once_at_the_end", Says: "the finalizer runs once, with the current context, when the connection is freed", run: func(e *env) {
		h := e.host(program{})
		var all []*recorder
		// Closed while active, cancelled, inactive, suspended.
		for i, f := range []func(x *end){
			func(x *end) { x.activate() },
			func(x *end) { e.NoError(x.activate().c.Cancel()) },
			func(*end) {},
			func(x *end) { e.NoError(x.activate().c.Suspend()) },
		} {
			x := h.client()
			freed := e.finalizer(x)
			all = append(all, freed)
			e.NoError(x.c.SetContext(numbers(i, i)[0]))
			f(x)
			e.NoError(x.c.Close())
			freed.wait(numbers(i, i)...)
		}
		e.quiet()
		for _, freed := range all {
			e.Equal(1, freed.len())
		}
	}},
	{Row: 177, Name: "finalizer_without_context", Says: "without a context the finalizer is not called with anything", run: func(e *env) {
		// Whether it is called at all is open (K-4).
		h := e.host(program{})
		x := h.connect()
		args := newList[any](e, "finalizer's arguments")
		e.NoError(x.c.SetContext("gone"))
		e.NoError(x.c.SetContext(nil))
		e.NoError(x.c.SetFinalizer(func(v any) { args.add(v) }))
		e.NoError(x.c.Close())
		<-x.c.Done()
		e.quiet()
		for _, v := range args.all() {
			e.Nil(v)
		}
	}},
	{Row: 178, Name: "finalizer_on_the_target_queue", Says: "the finalizer runs on the target queue, not inside the call that gives the connection up", run: func(e *env) {
		h := e.host(program{})
		q := e.queue()
		x := h.clientOn(q).activate()
		x.send(1)
		freed := e.finalizer(x)
		e.NoError(x.c.SetContext("context"))
		g := e.block(q)
		e.NoError(x.c.Close())
		e.quiet()
		freed.is()
		g.open()
		freed.wait("context")
		x.wait(invalid)
		// Also when the last event has come before.
		y := h.clientOn(q).activate()
		freed = e.finalizer(y)
		e.NoError(y.c.SetContext("context"))
		e.NoError(y.c.Cancel())
		y.wait(invalid)
		<-y.c.Done()
		g = e.block(q)
		e.NoError(y.c.Close())
		e.quiet()
		freed.is()
		g.open()
		freed.wait("context")
	}},
}

// finalizer records the calls of x's finalizer; contexts are strings.
func (e *env) finalizer(x *end) *recorder {
	e.t.Helper()
	r := e.recorder("finalizer")
	e.NoError(x.c.SetFinalizer(func(v any) {
		s, _ := v.(string)
		r.mark(s)
	}))
	return r
}

func (e *env) strangers(x *end) {
	e.t.Helper()
	e.Equal([]int{0, -1, -1, -1}, []int{x.c.PID(), x.c.EUID(), x.c.EGID(), x.c.ASID()})
}

// pid is that of the process on the service's side.
func (e *env) pid(h *host) int {
	if h.named {
		return h.svc.PID()
	}
	return e.world.PID()
}
