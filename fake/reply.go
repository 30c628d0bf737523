package fake

import "github.com/go-xpc/xpc/driver"

// reply takes a reply r to m out of its process, unless a fault comes between.
// The caller holds w.mu.
func (m *message) reply(r *message) {
	if m.done(r) {
		return
	}
	if len(m.w.faults) == 0 { // no closure
		m.leave(r)
		return
	}
	s := site{point: BeforeReply, proc: m.owner, conn: m.at, msg: r, peer: m.req.c, resume: func() { m.leave(r) }}
	switch m.w.strike(s) {
	case stopped:
		return
	case dropped:
		m.replying = false
		r.discard()
		m.lost()
		return
	case failed:
		r.barred = true
	}
	m.leave(r)
}

// done gives a reply up that nobody waits for, or whose process has ended.
func (m *message) done(r *message) bool {
	if !m.req.done && !m.owner.dead {
		return false
	}
	m.replying = false
	r.discard()
	m.endTransaction()
	return true
}

// leave sends the reply off. It is ordered with nothing.
func (m *message) leave(r *message) {
	if m.done(r) {
		return
	}
	req := m.req
	c := req.c
	defer m.endTransaction() // after the reply is out: the process may end with it
	m.replying = false
	if r.barred || !c.accepts(m.owner) {
		r.discard()
		req.finish(errorEvent(driver.PeerRequirement))
		return
	}
	req.underWay = true
	if len(m.w.faults) == 0 {
		m.arrive(r)
		return
	}
	s := site{point: ReplyUnderWay, proc: m.owner, conn: m.at, msg: r, peer: c, resume: func() { m.arrive(r) }}
	if m.w.strike(s) != stopped {
		m.arrive(r)
	}
}

// arrive gives the reply to who waits for it.
func (m *message) arrive(r *message) {
	req := m.req
	if req.done {
		r.discard()
		return
	}
	r.from = m.owner
	req.c.heard(m.owner)
	req.c.proc.take(r)
	req.finish(driver.Event{Message: r})
}

// lost ends the wait for a reply.
func (m *message) lost() {
	m.note(m.req.c, Dropped)
	m.endTransaction()
	if !m.w.opt.hangDropped && !m.owner.dead {
		m.req.finish(errorEvent(driver.Interrupted))
	}
}
