package xpc

import (
	"sync/atomic"

	"github.com/go-xpc/xpc/driver"
)

// An Event is what a handler receives: a *[Message], a *[Connection] (a new
// peer, on listeners), or an *[Error]. Tell them apart with a type switch.
type Event interface{ isEvent() }

// guarded calls f, a function of the user, on a thread of the backend. A panic goes
// its way. Goexit would end a thread that does not belong to Go, or leave a
// queue without its worker, so it becomes a panic that says so.
func guarded(what string, f func()) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if r := recover(); r != nil {
			panic(r)
		}
		panic("xpc: " + what + " called runtime.Goexit (t.FailNow and testify's require do): " +
			"it runs on a queue of the system, which must get its thread back; report to the test's own goroutine instead")
	}()
	f()
	returned = true
}

// binding is what the backend holds of an event handler. It is the only path
// from a backend to a Connection, and is cut after the last event: a backend
// may keep its block for longer (row 43), and must not keep the Connection
// alive with it.
type binding struct {
	c atomic.Pointer[Connection]
	h func(Event)
}

func (c *Connection) bind(h func(Event)) *binding {
	b := &binding{h: h}
	b.c.Store(c)
	return b
}

func (b *binding) deliver(ev driver.Event) {
	c := b.c.Load()
	switch {
	case c == nil:
		discard(ev)
	case ev.Message != nil:
		m := newMessage(c, ev.Message)
		c.handle(b.h, m)
		m.drop()
	case ev.Peer != nil:
		c.handle(b.h, newConnection(c.rt, driver.Spec{Kind: driver.KindPeer}, ev.Peer))
	case ev.Err == driver.Gone:
		c.ended(b)
	default:
		err := c.newError("event", ev)
		c.handle(b.h, err)
		if ev.Err == driver.Invalid {
			c.ended(b)
		}
	}
}

func (c *Connection) handle(h func(Event), ev Event) {
	guarded("an event handler", func() { h(ev) })
}

// discard gives back what an event holds that nobody will look at.
func discard(ev driver.Event) {
	switch {
	case ev.Message != nil:
		ev.Message.Release()
	case ev.Peer != nil:
		newState(ev.Peer).abandon()
	}
}

// replyHandler makes the one-shot handler of a request.
func (c *Connection) replyHandler(op string, h func(Event)) driver.Handler {
	return func(ev driver.Event) {
		switch {
		case ev.Message != nil:
			m := newMessage(nil, ev.Message)
			guarded("a reply handler", func() { h(m) })
			m.drop()
		case ev.Err == driver.Gone:
		default:
			err := c.newError(op, ev)
			guarded("a reply handler", func() { h(err) })
		}
	}
}

func (c *Connection) newError(op string, ev driver.Event) *Error {
	e := &Error{Op: op, Service: c.name, Description: ev.Text, Hint: c.hint(ev.Err), sentinel: sentinels[ev.Err]}
	if ev.Err == driver.Invalid {
		e.Reason, _ = c.InvalidationReason()
	}
	return e
}
