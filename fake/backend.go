package fake

import (
	"fmt"

	"github.com/go-xpc/xpc/driver"
)

// backend is one process's view of the world.
type backend struct{ p *Process }

var _ driver.Backend = backend{}

func (b backend) NewConn(spec driver.Spec, q driver.Queue) (driver.Conn, error) {
	p := b.p
	tq, err := p.w.queueOf(q)
	if err != nil {
		return nil, err
	}
	c := &conn{w: p.w, proc: p, kind: spec.Kind, name: spec.Name, flags: spec.Flags, queue: tq, cred: driver.NoCredentials}
	switch spec.Kind {
	case driver.KindBundled, driver.KindMachService:
		if spec.Name == "" {
			return nil, misuse("NewConn", `name "" is empty`)
		}
	case driver.KindAnonymous:
		c.anonymous = &port{w: p.w, listener: c}
	case driver.KindFromEndpoint:
		e, ok := spec.Endpoint.(*endpoint)
		if !ok || e.port.w != p.w {
			return nil, fmt.Errorf("fake: an endpoint (%T) of another runtime cannot be connected to", spec.Endpoint)
		}
		c.port = e.port
	default:
		return nil, fmt.Errorf("fake: connections of kind %d cannot be made", spec.Kind)
	}
	p.w.mu.Lock()
	defer p.w.unlock()
	if p.dead {
		return nil, p.goneError()
	}
	c.id = p.w.nextConn()
	p.link(c)
	return c, nil
}

func (w *Launchd) nextConn() uint32 {
	w.lastConn++
	return w.lastConn
}

// queueOf accepts this world's queues only.
func (w *Launchd) queueOf(q driver.Queue) (*queue, error) {
	if q == nil {
		return w.global, nil
	}
	fq, ok := q.(*queue)
	if !ok || fq.w != w {
		return nil, fmt.Errorf("fake: a queue (%T) of another runtime cannot be used", q)
	}
	return fq, nil
}

func (b backend) NewQueue(label string, concurrent bool) (driver.Queue, error) {
	return &queue{w: b.p.w, label: label, concurrent: concurrent}, nil
}

func (b backend) NewSharedMemory(size int) (driver.SharedMemory, error) {
	return newRegion(size)
}
