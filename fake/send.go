package fake

import (
	"fmt"

	"github.com/go-xpc/xpc/driver"
)

func (c *conn) Send(p *driver.Payload) error {
	m, err := c.w.newMessage(p)
	if err != nil {
		return err
	}
	c.w.mu.Lock()
	defer c.w.unlock()
	if c.gone {
		m.discard()
		return c.proc.goneError()
	}
	c.send(m)
	return nil
}

func (c *conn) SendBarrier(f func()) error {
	c.w.mu.Lock()
	defer c.w.unlock()
	if c.gone {
		return c.proc.goneError()
	}
	c.out.push(&event{kind: evBarrier, f: f})
	c.kick()
	return nil
}

func (c *conn) SendWithReply(p *driver.Payload, q driver.Queue, h driver.Handler) error {
	rq, err := c.w.queueOf(q)
	if err != nil {
		return err
	}
	rm, err := c.w.newRequest(p)
	if err != nil {
		return err
	}
	c.w.mu.Lock()
	defer c.w.unlock()
	if c.gone {
		rm.discard()
		return c.proc.goneError()
	}
	rm.q, rm.h = rq, h
	c.await(&rm.request)
	c.send(&rm.message)
	return nil
}

func (c *conn) SendWithReplySync(p *driver.Payload) (driver.Event, error) {
	w := c.w
	rm, err := w.newRequest(p)
	if err != nil {
		return driver.Event{}, err
	}
	w.mu.Lock()
	switch {
	case c.gone:
		rm.discard()
		w.unlock()
		return errorEvent(driver.Gone), nil
	case w.opt.strict && !c.active:
		rm.discard()
		w.unlock()
		return driver.Event{}, misuse("SendMessageWithReplySync", "called on an inactive connection%s, it waits until somebody activates it (row 114)", c.called())
	case c.running:
		// Rare enough for the cost of looking at the stack.
		w.mu.Unlock()
		inside := runs(c.id)
		w.mu.Lock()
		if inside {
			rm.discard()
			w.unlock()
			return driver.Event{}, misuse("SendMessageWithReplySync", "called from a handler or a barrier of the same connection%s (row 112): use Call or SendMessageWithReply", c.called())
		}
		if c.gone {
			rm.discard()
			w.unlock()
			return errorEvent(driver.Gone), nil
		}
	}
	wait := w.waiter()
	rm.wait = wait
	c.await(&rm.request)
	c.send(&rm.message)
	w.unlock()

	<-wait

	w.mu.Lock()
	w.waiters = append(w.waiters, wait)
	ev := rm.request.outcome()
	w.unlock()
	return ev, nil
}

// waiter gives a channel that one outcome is announced on.
func (w *Launchd) waiter() chan struct{} {
	n := len(w.waiters)
	if n == 0 {
		return make(chan struct{}, 1)
	}
	ch := w.waiters[n-1]
	w.waiters = w.waiters[:n-1]
	return ch
}

func (c *conn) called() string {
	if c.name == "" {
		return ""
	}
	return fmt.Sprintf(" to %q", c.name)
}

// send sends a message now, or later if it must wait. The caller holds w.mu.
func (c *conn) send(m *message) {
	switch {
	case c.invalid:
		c.vanish(m, driver.Invalid)
	case !c.maySend() || !c.out.empty():
		c.out.push(&m.ev)
	default:
		c.transmit(m)
	}
}

// flush sends what waited, up to the next barrier.
func (c *conn) flush() {
	for c.maySend() && !c.invalid && !c.out.empty() && c.out.head.kind == evMessage {
		c.transmit(c.out.pop().msg)
	}
}

// maySend tells whether the connection sends at present.
func (c *conn) maySend() bool {
	o := &c.w.opt
	return c.active && (c.suspends == 0 || o.suspendedSends) && !c.barrier && !(c.running && o.handlerIsBarrier)
}

// vanish gets rid of a message that is not sent.
func (c *conn) vanish(m *message, code driver.ErrorCode) {
	m.discard()
	if m.req != nil {
		m.req.finish(errorEvent(code))
	}
}

// transmit puts a message into the inbox of the other side.
func (c *conn) transmit(m *message) {
	if c.remote == nil && c.losing > 0 {
		c.vanish(m, driver.Interrupted)
		return
	}
	if c.remote == nil && !c.connect() {
		c.vanish(m, driver.Invalid)
		return
	}
	m.from = c.proc
	m.note(c, Sent)
	r := c.remote
	if r == nil { // the launch failed
		code := driver.Interrupted
		if c.invalid {
			code = driver.Invalid
		}
		c.vanish(m, code)
		return
	}
	switch {
	case r.rejected:
		m.refuse()
	case r.terminal:
		m.discard() // lost; who waits for the reply learns of it with the end of the process
	default:
		r.inbox.push(&m.ev)
		r.kick()
	}
}

// refuse drops a message that a requirement kept away.
func (m *message) refuse() {
	m.discard()
	if m.req != nil && !m.w.opt.hangDropped {
		m.req.finish(errorEvent(driver.Interrupted))
	}
}

// lose loses a message that has arrived at c.
func (c *conn) lose(m *message) {
	m.note(c, Lost)
	m.refuse()
}

// dropOut drops the messages that wait in the send queue. Barriers stay.
func (c *conn) dropOut() {
	c.out.filter(func(e *event) bool {
		if e.kind == evBarrier {
			return true
		}
		e.msg.discard()
		return false
	})
}
