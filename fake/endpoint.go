package fake

import "github.com/go-xpc/xpc/driver"

// endpoint refers to the port of a listener, and does not keep the listener.
type endpoint struct{ port *port } // compared by address with EndpointsDiffer

var _ driver.Endpoint = (*endpoint)(nil)

func (e *endpoint) Equal(other driver.Endpoint) bool {
	o, ok := other.(*endpoint)
	return ok && o.port == e.port && (o == e || !e.port.w.opt.endpointsDiffer)
}

func (e *endpoint) Release() {}

func (c *conn) Endpoint() (driver.Endpoint, error) {
	w := c.w
	w.mu.Lock()
	defer w.unlock()
	if !c.isListener() {
		return nil, misuse("Endpoint", "only a listener has an endpoint (row 163)")
	}
	if c.anonymous == nil {
		c.anonymous = &port{w: w, listener: c, dead: c.invalid || c.proc.dead}
	}
	return &endpoint{c.anonymous}, nil
}
