package fake

import "github.com/go-xpc/xpc/driver"

// delivery is a connection as a job: it takes the connection's events, one at a
// time and never twice at once, on its target queue.
type delivery conn

func (d *delivery) run(q *queue) { (*conn)(d).deliver(q) }

// ready tells whether there is something to deliver.
func (c *conn) ready() bool {
	switch {
	case c.gone:
		return !c.dead && c.handler != nil
	case c.barrierNext():
		// An ended connection unwinds its barriers at once (rows 75, 76): its
		// suspension holds back events alone.
		return c.invalid || c.live()
	case !c.live():
		return false
	case c.inbox.empty() || c.dead || c.stalled:
		return false
	}
	return c.kind != driver.KindPeer || c.accepted || c.announced && c.w.opt.peersEarly
}

func (c *conn) barrierNext() bool {
	return !c.out.empty() && c.out.head.kind == evBarrier && !c.barrier
}

// kick puts the connection on its queue if it has something to deliver. The
// caller holds w.mu.
func (c *conn) kick() {
	if !c.scheduled && c.ready() {
		c.scheduled = true
		c.queue.push((*delivery)(c))
	}
}

func (c *conn) deliver(q *queue) {
	w := c.w
	w.mu.Lock()
	for c.ready() {
		if c.queue != q {
			// The target queue was changed. This invocation is the barrier.
			c.queue.push((*delivery)(c))
			w.unlock()
			return
		}
		if c.judge(c.sender()) || len(w.faults) > 0 && c.struck() {
			continue
		}
		ev, e := c.nextEvent()
		if e == nil {
			continue
		}
		h := c.handler
		c.running = true
		w.unlock()
		switch {
		case e.kind == evBarrier:
			tagged(c.id, nil, ev, e.f)
		case h != nil:
			tagged(c.id, h, ev, nil)
		}
		w.mu.Lock()
		c.running = false
		c.delivered(e)
		if w.opt.handlerIsBarrier {
			c.flush()
			c.catchUp()
		}
		if q.contended() || w.opt.dice != nil && w.opt.dice.below(2) == 0 {
			q.push((*delivery)(c))
			w.unlock()
			return
		}
	}
	c.scheduled = false
	c.free()
	w.unlock()
}

var goneEvent = event{kind: evError, code: driver.Gone}

// nextEvent takes the next event. A nil one means to look again.
func (c *conn) nextEvent() (driver.Event, *event) {
	switch {
	case c.gone:
		c.dead = true
		return errorEvent(driver.Gone), &goneEvent
	case c.barrierNext():
		c.barrier = true
		return driver.Event{}, c.out.pop()
	}
	e := c.inbox.pop()
	switch e.kind {
	case evMessage:
		m := e.msg
		if m.barred && c.require == nil {
			m.refuse()
			return driver.Event{}, nil
		}
		if m.barred || !c.accepts(m.from) {
			m.refuse()
			return errorEvent(driver.PeerRequirement), e
		}
		c.heard(m.from)
		m.note(c, Delivered)
		c.proc.take(m)
		m.at = c
		m.transaction = true
		c.proc.automatic++
		return driver.Event{Message: m}, e
	case evPeer:
		if !c.accepts(e.peer.credOf) {
			e.peer.reject()
			return driver.Event{}, nil
		}
		e.peer.announced = true
		e.peer.parent = c
		e.peer.note(Accepted, "")
		return driver.Event{Peer: e.peer}, e
	case evHandler:
		e.f()
		return driver.Event{}, nil
	}
	switch e.code {
	case driver.Invalid:
		c.dead = true
	case driver.Interrupted:
		c.losing = max(0, c.losing-1)
		if c.credOf == e.lost && !c.w.opt.keepCredentials {
			c.cred, c.credOf = driver.NoCredentials, nil
		}
	}
	return errorEvent(e.code), e
}

// delivered follows the return of the handler.
func (c *conn) delivered(e *event) {
	switch {
	case e.kind == evPeer:
		c.shown(e.peer)
	case e.kind == evMessage && len(c.w.faults) > 0 && e.msg.at == c && !c.gone:
		c.w.strike(site{point: AfterDelivery, proc: c.proc, conn: c, msg: e.msg})
	case e.kind == evBarrier:
		c.barrier = false
		c.flush()
	}
	if c.dead && !c.w.opt.keepHandlers {
		c.handler = nil
	}
}

// shown follows the return of the listener's handler from a new peer.
func (c *conn) shown(peer *conn) {
	if c.w.opt.strictPeers && !peer.active && !peer.invalid && !peer.released {
		err := misuse("EventHandler", "%s was neither activated nor cancelled when the listener's handler returned (row 153)", peer.what())
		c.w.misuses = append(c.w.misuses, err)
		peer.note(Misused, err.Error())
	}
	accept := func() {
		peer.accepted = true
		peer.kick()
	}
	if c.gone || peer.invalid || c.w.strike(site{point: AfterPeer, proc: c.proc, conn: peer, resume: accept}) != stopped {
		accept()
	}
}

// struck lets a fault happen to the message that is next. If it is true, the
// connection must be looked at again.
func (c *conn) struck() bool {
	if c.gone || c.barrierNext() || c.inbox.empty() || c.inbox.head.kind != evMessage || c.inbox.head.msg.passed {
		return false
	}
	m := c.inbox.head.msg
	m.passed = true
	resume := func() {
		c.stalled = false
		c.kick()
	}
	switch c.w.strike(site{point: BeforeDelivery, proc: c.proc, conn: c, msg: m, resume: resume}) {
	case passed:
		return false
	case stopped:
		c.stalled = true
	case dropped:
		c.inbox.pop()
		c.lose(m)
	case failed:
		m.barred = true
	}
	return true
}
