package xpctest

import (
	"runtime"

	"github.com/go-xpc/xpc"
)

var interruption = []Case{
	{Row: 132, Name: "loss_of_the_service_interrupts", Says: "a named client gets INTERRUPTED when the remote process exits, crashes, exits as idle, or closes the connection", Needs: []Capability{Jobs, Closures, Exits, Crashes, IdleExits}, run: func(e *env) {
		h := e.jobHost(program{ServiceSpec: ServiceSpec{Idle: true}})
		for _, f := range []func(){
			h.svc.Exit, h.svc.Crash,
			func() { e.until(h.svc.IdleExit) },
			func() { e.NoError(h.peers.all()[h.peers.len()-1].c.Cancel()) },
			func() { e.NoError(h.peers.all()[h.peers.len()-1].c.Close()) },
		} {
			x, _ := h.pair()
			f()
			x.wait(interrupted)
			e.Equal(h.name, x.at(0).err.Service)
			e.NoError(x.c.Close())
		}
	}},
	{Row: 133, Name: "usable_after_an_interruption", Says: "after INTERRUPTED the connection is usable at once, and the next message launches the service again", Needs: []Capability{Jobs, Closures, Crashes}, run: func(e *env) {
		h := e.jobHost(program{})
		x, _ := h.pair()
		h.svc.Crash()
		x.wait(interrupted)
		e.quiet()
		e.Equal(1, h.svc.Launches(), "nothing is launched without a message")
		x.send(1)
		h.peers.at(1).wait("1")
		e.Equal(2, h.svc.Launches())
		x.call(2)
		x.is(interrupted)
	}},
	{Row: 134, Name: "many_interruptions", Says: "INTERRUPTED comes once for each loss of the remote side", Needs: []Capability{Jobs, Closures, Crashes}, run: func(e *env) {
		h := e.jobHost(program{})
		x := h.connect()
		var want []string
		for i := 1; i <= 5; i++ {
			x.call(i)
			e.Equal(i, h.svc.Launches())
			h.svc.Crash()
			want = append(want, interrupted)
			x.wait(want...)
		}
	}},
	{Row: 135, Name: "peers_are_not_interrupted", Says: "a peer never gets INTERRUPTED, the end of its client is INVALID, and neither does a listener", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		y, py := h.pair()
		z, pz := h.pair()
		e.NoError(x.c.Cancel())
		e.NoError(y.c.Close())
		e.NoError(pz.c.Cancel())
		p.wait("0", invalid)
		py.wait("0", invalid)
		pz.wait("0", invalid)
		z.wait(interrupted)
		h.listeners.at(0).is(newPeer, newPeer, newPeer)
		// A request to the client that is gone is another matter.
		p.request(1, echo).wait(invalid)
	}},
	{Row: 136, Name: "sent_into_the_gap", Says: "a message sent around the death of the service arrives once or vanishes", Needs: []Capability{Jobs, Closures, Crashes}, run: func(e *env) {
		h := e.jobHost(program{})
		x, _ := h.pair()
		for i := 1; i <= 20; i++ {
			if i == 10 {
				go h.svc.Crash()
			}
			x.send(i)
		}
		x.has(interrupted)
		x.call(99)
		last, seen := 0, map[string]int{}
		for _, p := range h.peers.all() {
			for _, s := range p.all() {
				if s.name == invalid {
					continue
				}
				seen[s.name]++
				e.Equal(1, seen[s.name], "message %s came twice", s.name)
				n := int(s.body.GetInt64("n"))
				e.GreaterOrEqual(n, last, "order")
				last = n
			}
		}
		e.Equal(1, seen["99"])
	}},
	{Row: 137, Name: "silent_client_is_not_told", Says: "a client that never sent anything is not told of the service's exit", Needs: []Capability{Jobs, Closures, Crashes, Quiet}, run: func(e *env) {
		h := e.jobHost(program{})
		x, silent := h.connect(), h.connect()
		x.call(1)
		h.svc.Crash()
		x.wait(interrupted)
		e.settle()
		silent.is()
		silent.call(2)
		silent.is()
	}},
	{Row: 138, Name: "send_from_the_interrupted_handler", Says: "a message sent from the handler of INTERRUPTED goes to the new instance", Needs: []Capability{Jobs, Closures, Crashes}, run: func(e *env) {
		h := e.jobHost(program{})
		x, _ := h.pair()
		r := e.recorder("reply")
		e.NoError(x.c.SetEventHandler(func(ev xpc.Event) {
			if x.record(ev).name == interrupted && x.count(interrupted) == 1 {
				x.say(1)
				e.oops("request", x.c.SendMessageWithReply(ask(2, echo), nil, r.handle))
			}
		}))
		h.svc.Crash()
		r.wait("2")
		h.peers.at(1).wait("1", "2")
		e.Equal(2, h.svc.Launches())
		x.is(interrupted)
	}},
	{Row: 139, Name: "name_gone_at_the_interruption", Says: "when the name is gone by the time the client is interrupted, INTERRUPTED is followed by INVALID", Needs: []Capability{Jobs, Closures, Crashes, Unloads}, run: func(e *env) {
		h := e.jobHost(program{})
		x, _ := h.pair()
		r := x.request(1, hold)
		h.held.at(0)
		e.NoError(x.c.Suspend())
		h.svc.Crash()
		h.svc.Unload()
		e.quiet()
		x.is()
		e.NoError(x.c.Resume())
		x.has(interrupted)
		x.send(2) // K-10: INVALID may need a send
		x.wait(interrupted, invalid)
		r.wait(interrupted)
		e.Equal(1, h.svc.Launches())
	}},
	{Row: 140, Name: "closed_inside_interrupted", Says: "the last reference may be given up inside the handler of INTERRUPTED", Real: true, run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		captured := []int{1, 2, 3}
		e.NoError(x.c.SetEventHandler(func(ev xpc.Event) {
			s := x.record(ev)
			if s.name == interrupted {
				e.oops("close", x.c.Close())
				runtime.GC()
				runtime.GC()
			}
			if captured[2] != 3 {
				e.t.Error("the handler's captures are gone")
			}
		}))
		e.NoError(p.c.Cancel())
		x.wait(interrupted, invalid)
		<-x.c.Done()
	}},
	{Row: 141, Name: "unloading", Says: "unloading the job gives its client INTERRUPTED, then INVALID", Needs: []Capability{Jobs, Closures, Unloads}, run: func(e *env) {
		h := e.jobHost(program{})
		x, _ := h.pair()
		r := x.request(1, hold)
		h.held.at(0)
		h.svc.Unload()
		r.wait(interrupted)
		x.has(interrupted)
		x.send(2) // K-10: INVALID may need a send
		x.wait(interrupted, invalid)
		<-x.c.Done()
		e.Equal(1, h.svc.Launches())
	}},
	{Row: 142, Name: "loading_again", Says: "loading an unloaded job again causes no event: the old connection stays invalid and a new one works", Needs: []Capability{Jobs, Closures, Unloads}, run: func(e *env) {
		h := e.jobHost(program{})
		x, _ := h.pair()
		h.svc.Unload()
		x.has(interrupted)
		x.send(1)
		x.wait(interrupted, invalid)
		h.svc.Load()
		x.send(2)
		x.request(3, echo).wait(invalid)
		y := h.connect()
		y.call(4)
		e.quiet()
		x.is(interrupted, invalid)
		y.is()
		e.Equal(2, h.svc.Launches())
	}},
	{Row: 143, Name: "reinstalled", Says: "after the job was removed and installed again, the old connection ends with INTERRUPTED and INVALID and launches nothing", Needs: []Capability{Jobs, Closures, Unloads}, run: func(e *env) {
		h := e.jobHost(program{})
		x, _ := h.pair()
		h.svc.Unload()
		h.svc.Load()
		x.has(interrupted)
		x.send(1)
		x.wait(interrupted, invalid)
		e.quiet()
		e.Equal(1, h.svc.Launches())
		e.Equal(1, h.peers.len())
	}},
	{Row: 144, Name: "endpoint_client_loses_its_listener", Says: "a connection made from an endpoint gets INVALID when the listening side crashes, exits or cancels the listener", run: func(e *env) {
		a := e.anonymous(program{})
		x, _ := a.pair()
		e.NoError(a.listeners.at(0).c.Cancel())
		e.lost(x)
		b := e.anonymous(program{})
		x, _ = b.pair()
		e.NoError(b.listeners.at(0).c.Close())
		e.lost(x)
		if !e.can(Jobs, Closures) {
			return
		}
		for _, end := range []Capability{Crashes, Exits} {
			if !e.can(end) {
				continue
			}
			s := e.endpointService()
			x, _ := s.dial()
			if end == Crashes {
				s.svc.Crash()
			} else {
				s.svc.Exit()
			}
			e.lost(x)
			e.Equal(1, s.svc.Launches())
		}
	}},
	{Row: 145, Name: "endpoint_client_is_not_relaunched", Says: "an endpoint connection whose listening process is gone is never re-established by a launch", Needs: []Capability{Jobs, Closures, Crashes}, run: func(e *env) {
		e.need(Jobs)
		s := e.endpointService()
		x, ep := s.dial()
		r := x.request(1, hold)
		s.inner.held.at(0)
		s.svc.Crash()
		e.lost(x)
		r.until("an outcome", func(got []seen) bool { return len(got) >= 1 })
		e.Contains([]string{interrupted, invalid}, r.names()[0])
		x.send(2)
		x.request(3, echo).wait(invalid)
		c, err := e.rt.NewFromEndpoint(ep)
		y := e.end("late client", c, err).activate()
		y.send(4)
		e.lost(y)
		e.quiet()
		e.Equal(1, s.svc.Launches())
	}},
	{Row: 146, Name: "endpoint_client_whose_peer_is_cancelled", Says: "when only the peer of an endpoint client is cancelled, the client gets INTERRUPTED and its next message makes a new peer", run: func(e *env) {
		h := e.anonymous(program{})
		x, p := h.pair()
		r := x.request(1, hold)
		h.held.at(0)
		e.NoError(p.c.Cancel())
		r.wait(interrupted)
		x.wait(interrupted)
		x.send(2)
		h.peers.at(1).wait("2")
		x.call(3)
		x.is(interrupted)
	}},
}

// until waits for a condition that only the backend knows.
func (e *env) until(ok func() bool) {
	e.t.Helper()
	for !ok() {
		e.quiet()
		if ok() {
			return
		}
		if e.ctx.Err() != nil || e.has(Quiet) && !e.c.Real {
			e.timeout("a condition of the backend", "")
		}
		runtime.Gosched()
	}
}

// endpointService is a job that hands out the endpoint of an anonymous listener
// of its own.
type endpointService struct {
	*host
	inner *host
}

func (e *env) endpointService() *endpointService {
	s := &endpointService{}
	s.inner = &host{e: e}
	s.inner.listeners = newList[*end](e, "inner listeners")
	s.inner.peers = newList[*end](e, "inner peers")
	s.inner.held = newList[*xpc.Message](e, "held messages")
	s.host = e.host(program{message: func(p *end, m *xpc.Message) {
		c, err := s.host.runtimes.all()[0].NewAnonymousListener(nil)
		if err != nil {
			e.oops("anonymous listener", err)
			return
		}
		s.inner.listen(e.adopt("inner listener", c))
		ep, err := c.Endpoint()
		e.oops("endpoint", err)
		e.oops("reply", m.Reply(xpc.Dictionary{"endpoint": ep}))
	}})
	return s
}

// dial fetches an endpoint and makes a client of it that has exchanged a
// message.
func (s *endpointService) dial() (*end, *xpc.Endpoint) {
	s.e.t.Helper()
	reply := s.connect().ask(xpc.Dictionary{})
	ep, ok := reply["endpoint"].(*xpc.Endpoint)
	s.e.True(ok, "an endpoint in the reply")
	c, err := s.e.rt.NewFromEndpoint(ep)
	x := s.e.end("endpoint client", c, err).activate()
	x.call(0)
	return x, ep
}
