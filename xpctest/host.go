package xpctest

import (
	"context"

	"github.com/go-xpc/xpc"
)

// program says what the service's side of a case does.
type program struct {
	ServiceSpec
	// anonymous wants a listener without a name, also where there are jobs.
	anonymous bool
	// peer is called in the listener's handler, in place of activating the peer.
	peer func(p *end)
	// message is called in a peer's handler after the message was recorded, in
	// place of the standard answers.
	message func(p *end, m *xpc.Message)
	// listener is called before the listener is activated.
	listener func(l *xpc.Connection)
	// queue of the listener.
	queue *xpc.Queue
}

// host is the service's side of a case: a job that is launched on demand or,
// where there are none, an anonymous listener in the client's own process.
type host struct {
	e *env
	program
	named     bool
	name      string
	svc       Service
	ep        *xpc.Endpoint
	listeners *list[*end]
	peers     *list[*end]
	held      *list[*xpc.Message]
	runtimes  *list[*xpc.Runtime]
}

// host declares a service, and launches nothing.
func (e *env) host(p program) *host {
	e.t.Helper()
	h := &host{e: e, program: p, named: e.has(Jobs) && e.has(Closures) && !p.anonymous}
	h.listeners = newList[*end](e, "listeners")
	h.peers = newList[*end](e, "peers")
	h.held = newList[*xpc.Message](e, "held messages")
	h.runtimes = newList[*xpc.Runtime](e, "launches")
	if !h.named {
		h.runtimes.add(e.rt)
		c, err := e.rt.NewAnonymousListener(p.queue)
		e.NoError(err)
		l := e.adopt("anonymous listener", c)
		h.listen(l)
		h.ep, err = c.Endpoint()
		e.NoError(err)
		return h
	}
	if len(p.Names) == 0 {
		p.Names = []string{e.name("service")}
	}
	h.name = p.Names[0]
	spec := p.ServiceSpec
	if spec.Main == nil {
		spec.Main = func(ctx context.Context, rt *xpc.Runtime) {
			h.runtimes.add(rt)
			e.notef("%s is launched", h.name)
			c, err := rt.NewMachService(h.name, p.queue, xpc.MachServiceListener)
			if err != nil {
				e.oops("the listener of the service", err)
				return
			}
			h.listen(e.adopt("listener", c))
			<-ctx.Done()
		}
	}
	h.svc = e.declare(spec)
	return h
}

// jobHost is host for cases that need a named service.
func (e *env) jobHost(p program) *host {
	e.t.Helper()
	e.need(Jobs)
	e.need(Closures)
	return e.host(p)
}

// anonymous is host for cases about endpoints.
func (e *env) anonymous(p program) *host {
	e.t.Helper()
	p.anonymous = true
	return e.host(p)
}

func (h *host) listen(l *end) {
	l.host = h
	h.e.oops("listener's handler", l.c.SetEventHandler(func(ev xpc.Event) {
		if c, ok := ev.(*xpc.Connection); ok {
			p := h.e.adopt("peer", c)
			p.host = h
			h.serve(p)
			h.peers.add(p)
			l.record(ev)
			if h.peer != nil {
				h.peer(p)
				return
			}
			h.e.oops("activating a peer", c.Activate())
			return
		}
		l.record(ev)
	}))
	if h.listener != nil {
		h.listener(l.c)
	}
	h.e.oops("activating a listener", l.c.Activate())
	h.listeners.add(l)
}

// serve gives a peer its handler.
func (h *host) serve(p *end) {
	h.e.oops("peer's handler", p.c.SetEventHandler(func(ev xpc.Event) {
		p.record(ev)
		m, ok := ev.(*xpc.Message)
		switch {
		case !ok:
		case h.message != nil:
			h.message(p, m)
		default:
			h.answer(p, m)
		}
	}))
}

// answer does what the request says.
func (h *host) answer(p *end, m *xpc.Message) {
	switch m.GetString("op") {
	case echo:
		d, err := m.Dictionary()
		h.e.oops("reading a request", err)
		h.e.oops("replying", m.Reply(d))
		xpc.CloseFiles(d)
	case hold:
		h.e.retain(m)
		h.held.add(m)
	}
}

// reply answers a held message and releases it.
func (h *host) reply(i, n int) {
	h.e.t.Helper()
	m := h.held.at(i)
	h.e.NoError(m.Reply(msg(n)))
	h.e.NoError(m.Release())
}

// client makes an inactive client with a recorder.
func (h *host) client() *end { return h.clientOn(nil) }

func (h *host) clientOn(q *xpc.Queue) *end { return h.clientIn(h.e.rt, q) }

func (h *host) clientIn(rt *xpc.Runtime, q *xpc.Queue) *end {
	h.e.t.Helper()
	x := h.made(h.dial(rt, q))
	x.host = h
	return x
}

func (h *host) dial(rt *xpc.Runtime, q *xpc.Queue) (*xpc.Connection, error) {
	if h.named {
		return rt.NewMachService(h.name, q, 0)
	}
	c, err := rt.NewFromEndpoint(h.ep)
	if err == nil && q != nil {
		err = c.SetTargetQueue(q)
	}
	return c, err
}

// connect makes an active client.
func (h *host) connect() *end { h.e.t.Helper(); return h.client().activate() }

// pair makes an active client and its active peer. The peer has received
// message 0.
func (h *host) pair() (client, peer *end) { return h.pairOn(nil) }

func (h *host) pairOn(q *xpc.Queue) (client, peer *end) {
	h.e.t.Helper()
	n := h.peers.len()
	client = h.clientOn(q).activate()
	client.send(0)
	peer = h.peers.at(n)
	peer.has("0")
	return client, peer
}

func (h *host) made(c *xpc.Connection, err error) *end {
	h.e.t.Helper()
	return h.e.end("client", c, err)
}
