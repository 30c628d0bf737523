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
// alive with it, nor the handler, which mostly refers to the Connection.
type binding struct{ to atomic.Pointer[bound] }

type bound struct {
	c *Connection
	h func(Event)
}

func (c *Connection) bind(h func(Event)) *binding {
	b := &binding{}
	b.to.Store(&bound{c, h})
	return b
}

func (b *binding) cut() { b.to.Store(nil) }

func (b *binding) deliver(ev driver.Event) {
	to := b.to.Load()
	if to == nil {
		discard(ev)
		return
	}
	c, h := to.c, to.h
	switch {
	case ev.Message != nil:
		m := newMessage(c, ev.Message, c.rt.wireLimits())
		c.handle(h, m)
		m.drop()
	case ev.Peer != nil:
		c.handle(h, newConnection(c.rt, driver.Spec{Kind: driver.KindPeer}, ev.Peer))
	case ev.Err == driver.Gone:
		c.ended(b)
	default:
		if ev.Err == driver.Invalid {
			c.s.noteReason() // while the connection is held for this event
		}
		err := c.s.newError("event", ev)
		c.handle(h, err)
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
		newState(driver.Spec{Kind: driver.KindPeer}, ev.Peer).abandon()
	}
}

// replyHandler makes the one-shot handler of a request. It does not refer to the
// Connection: a request that waits must not keep one that is never activated.
func replyHandler(rt *Runtime, s *state, op string, h func(Event)) driver.Handler {
	return func(ev driver.Event) {
		switch {
		case ev.Message != nil:
			m := newMessage(nil, ev.Message, rt.wireLimits())
			guarded("a reply handler", func() { h(m) })
			m.drop()
		case ev.Err == driver.Gone:
		default:
			err := s.newError(op, ev)
			guarded("a reply handler", func() { h(err) })
		}
	}
}
