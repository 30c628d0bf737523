//go:build unix

package agent

import (
	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/xpctest/internal/remote"
)

// renamed gives a case's names an ending of their own, so that runs do not meet,
// and fetches endpoints that other processes hold.
type renamed struct {
	driver.Backend
	ending string
}

func (r renamed) NewConn(spec driver.Spec, q driver.Queue) (driver.Conn, error) {
	name := spec.Name
	if name != "" {
		spec.Name += r.ending
	}
	if e, ok := spec.Endpoint.(*remote.Endpoint); ok {
		if c, err := r.Backend.NewConn(spec, q); err == nil {
			return conn{c, ""}, nil // it is this process's
		}
		own, err := e.Fetch(r.Backend)
		if err != nil {
			return nil, err
		}
		defer own.Release()
		spec.Endpoint = own
	}
	c, err := r.Backend.NewConn(spec, q)
	if err != nil {
		return nil, err
	}
	return conn{c, name}, nil
}

// conn is a connection under its name in the case. What goes over it is ordered
// for the race detector, see remote.Ordered.
type conn struct {
	driver.Conn
	name string
}

func (c conn) Name() (string, bool) {
	if c.name != "" {
		return c.name, true
	}
	return c.Conn.Name()
}

func ordered(h driver.Handler) driver.Handler {
	return func(ev driver.Event) {
		if ev.Peer != nil {
			ev.Peer = conn{ev.Peer, ""}
		}
		remote.Ordered()
		h(ev)
		remote.Ordered()
	}
}

func (c conn) SetHandler(h driver.Handler) {
	remote.Ordered()
	c.Conn.SetHandler(ordered(h))
}

func (c conn) Activate() { remote.Ordered(); c.Conn.Activate() }
func (c conn) Resume()   { remote.Ordered(); c.Conn.Resume() }
func (c conn) Cancel()   { remote.Ordered(); c.Conn.Cancel() }

func (c conn) Send(p *driver.Payload) error {
	remote.Ordered()
	return c.Conn.Send(p)
}

func (c conn) SendBarrier(f func()) error {
	remote.Ordered()
	return c.Conn.SendBarrier(func() { remote.Ordered(); f(); remote.Ordered() })
}

func (c conn) SendWithReply(p *driver.Payload, q driver.Queue, h driver.Handler) error {
	remote.Ordered()
	return c.Conn.SendWithReply(p, q, ordered(h))
}

func (c conn) SendWithReplySync(p *driver.Payload) (driver.Event, error) {
	remote.Ordered()
	defer remote.Ordered()
	return c.Conn.SendWithReplySync(p)
}
