package fake

import (
	"fmt"

	"github.com/go-xpc/xpc/driver"
)

// start looks up a client's name or endpoint, or checks a listener in. Failure
// is an event, never anything inside the caller's call.
func (c *conn) start() {
	switch {
	case c.main, c.kind == driver.KindMachService && c.isListener():
		c.checkIn()
	case c.kind == driver.KindMachService, c.kind == driver.KindBundled:
		bundled := c.kind == driver.KindBundled
		privileged := c.flags&driver.FlagPrivileged != 0
		if c.port = c.w.lookup(c.proc, c.name, bundled, privileged); c.port == nil && !c.w.opt.lookUpOnSend {
			c.invalidate(c.notFound())
		}
	case c.kind == driver.KindFromEndpoint:
		if c.port.dead {
			c.invalidate("the listener behind the endpoint is gone")
			return
		}
		if l := c.port.listener; c.w.opt.inactiveEndpoints && l != nil && !l.active {
			c.invalidate("the listener behind the endpoint is not active yet")
			return
		}
		if c.port.clients == nil {
			c.port.clients = map[*conn]struct{}{}
		}
		c.port.clients[c] = struct{}{}
	}
}

// connect makes the peer of a client, and launches the job if need be. It is
// false, and the client invalid, if there is nobody to connect to.
func (c *conn) connect() bool {
	e := c.port
	if c.kind == driver.KindPeer || c.isListener() {
		return false
	}
	if e == nil && c.name != "" {
		c.invalidate(c.notFound())
		return false
	}
	if e == nil || e.dead {
		c.invalidate("what it was connected to is gone for good")
		return false
	}
	peer := &conn{
		w: c.w, id: c.w.nextConn(), kind: driver.KindPeer, queue: c.w.global, remote: c,
		cred: c.proc.credentials(), credOf: c.proc, started: true,
	}
	c.remote = peer
	c.note(Connected, "")
	if l := e.listener; l != nil && !l.proc.terminating {
		l.announce(peer)
		return true
	}
	e.waiting = append(e.waiting, peer)
	e.job.demand()
	return true
}

// sever cuts c off its other end, which is told. exited says that the process
// of c has ended. The caller has marked c invalid or gone.
func (c *conn) sever(exited bool) {
	r := c.remote
	if r == nil {
		return
	}
	c.remote, r.remote = nil, nil
	switch {
	case r.kind != driver.KindPeer:
		r.lost(c.proc)
	case exited:
		r.closed(driver.Interrupted, "the client's process has ended")
	default:
		r.closed(driver.Invalid, "the client has closed the connection")
	}
}

// lost tells a client that its peer is gone: it may go on, if there is still
// something at the other end (rows 132, 133, 138, 141, 144).
func (c *conn) lost(who *Process) {
	if c.invalid || c.gone || c.proc.dead {
		return
	}
	c.note(Interrupted, "")
	c.dropOut()
	c.finishRequests(driver.Interrupted)
	anonymous := c.port.job == nil
	if !c.port.dead || !anonymous || c.w.opt.interruptEndpoint {
		c.inbox.push(&event{kind: evError, code: driver.Interrupted, lost: who})
		if c.w.opt.loseAfterDeath {
			c.losing++
		}
	}
	switch {
	case c.port.dead && anonymous:
		c.invalidate("the listener behind the endpoint is gone")
	case c.port.dead && !c.w.opt.unloadLate:
		c.invalidate(fmt.Sprintf("the job %s was unloaded", c.port.job.cfg.Label))
	}
	c.kick()
}

// closed tells a peer that its client is gone.
func (c *conn) closed(code driver.ErrorCode, reason string) {
	if c.invalid || c.gone || c.proc != nil && c.proc.dead {
		return
	}
	c.finishRequests(code)
	c.invalidate(reason)
}

// invalidate ends a connection by something else than its own cancel: what has
// arrived is still delivered, then INVALID.
func (c *conn) invalidate(reason string) {
	if c.invalid || c.gone {
		return
	}
	c.invalid = true
	c.reason = reason
	c.note(Invalidated, reason)
	c.dropOut()
	c.finishRequests(driver.Invalid)
	c.retire()
	c.inbox.push(&event{kind: evError, code: driver.Invalid})
	c.kick()
}

func (c *conn) Cancel() {
	c.w.mu.Lock()
	defer c.w.unlock()
	c.cancel("cancelled")
}

// cancel ends a connection from its own side: nothing is delivered any more but
// INVALID.
func (c *conn) cancel(reason string) {
	if c.gone || c.dead {
		return
	}
	first := !c.invalid
	if first {
		c.invalid = true
		c.reason = reason
		c.note(Invalidated, reason)
		// First, for the clients of an endpoint get INVALID (row 128): dropping
		// peers below would interrupt them.
		c.retire()
	}
	c.dropInbox()
	c.stalled = false
	if r := c.remote; first && r != nil && c.w.opt.cancelDiscards {
		r.inbox.filter(r.forget)
	}
	c.dropOut()
	c.finishRequests(driver.Invalid)
	if first {
		c.sever(false)
	}
	c.inbox.push(&event{kind: evError, code: driver.Invalid})
	c.kick()
}

// dropInbox drops what has arrived and was not delivered. Peers among it are
// cancelled, as if the handler had refused them.
func (c *conn) dropInbox() {
	inbox := c.inbox
	c.inbox = eventList{}
	for !inbox.empty() {
		switch e := inbox.pop(); e.kind {
		case evMessage:
			e.msg.discard()
		case evHandler:
			e.f()
		case evPeer:
			e.peer.accepted = true
			e.peer.released = true
			e.peer.cancel("the listener was cancelled")
			e.peer.dead = true
			e.peer.free()
		}
	}
}

// forget drops a message that has arrived, and keeps anything else.
func (c *conn) forget(e *event) bool {
	if e.kind == evMessage {
		e.msg.discard()
	}
	return e.kind != evMessage
}

// retire takes a connection out of the ports that know it.
func (c *conn) retire() {
	if c.kind == driver.KindFromEndpoint && c.port != nil {
		delete(c.port.clients, c)
	}
	if !c.isListener() {
		return
	}
	if c.port != nil && c.port.listener == c {
		c.port.listener = nil
	}
	if c.anonymous != nil {
		c.anonymous.close("the listener behind the endpoint was cancelled")
	}
	if c.w.opt.listenerTakesPeer {
		for peer := c.proc.conns; peer != nil; peer = peer.next {
			if peer.parent == c && !peer.invalid {
				peer.cancel("the listener was cancelled")
			}
		}
	}
}

// close ends an anonymous port and the connections made from its endpoints.
func (e *port) close(reason string) {
	if e.dead {
		return
	}
	e.dead = true
	e.listener = nil
	clients := e.byAge()
	e.clients = nil
	for _, c := range clients {
		if !c.invalid && !c.gone {
			c.invalidate(reason)
			c.sever(false)
		}
	}
}
