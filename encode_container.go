package xpc

import (
	"reflect"
	"unsafe"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

// identity tells a pointer, map or slice being encoded. An address alone does
// not: a struct shares it with its first field, a slice with its parts.
type identity struct {
	p unsafe.Pointer
	t reflect.Type // nil for Dictionary and Array
	n int          // length of a slice
}

// maxOpen bounds what is open beside containers: pointers to pointers, and
// MarshalXPC that returns another Marshaler.
const maxOpen = 1024

// enter checks the depth, and that a container is not inside itself. Each enter
// is followed by leave, unless the encoding fails.
func (e *encoder) enter(id identity) error {
	if e.depth >= e.limits.Depth {
		return tooDeep(e.limits.Depth)
	}
	e.depth++
	return e.push(id)
}

func (e *encoder) leave() error {
	e.depth--
	e.pop()
	// Here, too: values that share their parts can be small in memory and endless
	// when written out.
	if len(e.Buf) > e.limits.Size {
		return tooLarge(e.limits.Size)
	}
	return nil
}

// push and pop are enter and leave for what is no container of its own.
func (e *encoder) push(id identity) error {
	if id.p != nil {
		for i := range e.open {
			if e.open[i] == id {
				return misfit("the value contains itself (row 295)")
			}
		}
	}
	if len(e.open) >= maxOpen {
		return fail("nested deeper than %d", maxOpen)
	}
	e.open = append(e.open, id)
	return nil
}

func (e *encoder) pop() {
	last := len(e.open) - 1
	e.open[last] = identity{} // the pool must not hold on to values
	e.open = e.open[:last]
}

func (e *encoder) dictionary(d map[string]any) error {
	// A map is a pointer, and reading it so needs no reflection.
	if err := e.enter(identity{p: *(*unsafe.Pointer)(unsafe.Pointer(&d))}); err != nil {
		return err
	}
	mark := e.Begin(wire.Dictionary)
	for k, v := range d {
		if err := e.key(k); err != nil {
			return err
		}
		if err := e.value(v); err != nil {
			return within(err, k)
		}
	}
	e.End(mark, len(d))
	return e.leave()
}

func (e *encoder) array(a []any) error {
	id := identity{n: len(a)}
	if len(a) > 0 {
		id.p = unsafe.Pointer(&a[0])
	}
	if err := e.enter(id); err != nil {
		return err
	}
	mark := e.Begin(wire.Array)
	for i, v := range a {
		if err := e.value(v); err != nil {
			return withinIndex(err, i)
		}
	}
	e.End(mark, len(a))
	return e.leave()
}

// received encodes a received message, straight from its flat form.
func (e *encoder) received(m *Message) error {
	if m == nil {
		return fail("the message is nil")
	}
	body, err := m.contents("SendMessage")
	if err != nil {
		return err
	}
	d, err := m.pin("SendMessage")
	if err != nil {
		return err
	}
	e.passed = append(e.passed, m)
	return e.splice(d, body)
}

func (e *encoder) splice(d driver.Message, v wire.Value) error {
	switch v.Tag() {
	case wire.Array, wire.Dictionary:
		return e.spliceContainer(d, v)
	case wire.FD, wire.Endpoint, wire.SharedMemory, wire.BigData:
		return e.spliceResource(d, v)
	case wire.Error:
		return e.unsupported(Unsupported{Type: "error", Description: string(v.Text())})
	case wire.Unsupported:
		return e.unsupported(Unsupported{Type: string(v.TypeName()), Description: string(v.Description())})
	}
	e.Buf = append(e.Buf, v.Raw()...)
	return nil
}

func (e *encoder) spliceContainer(d driver.Message, v wire.Value) error {
	if err := e.enter(identity{}); err != nil {
		return err
	}
	mark := e.Begin(v.Tag())
	it := v.Elements()
	for i := 0; ; i++ {
		k, x, ok := it.Next()
		if !ok {
			break
		}
		if v.Tag() == wire.Dictionary {
			e.KeyBytes(k)
		}
		if err := e.splice(d, x); err != nil {
			if v.Tag() == wire.Dictionary {
				return within(err, string(k))
			}
			return withinIndex(err, i)
		}
	}
	e.End(mark, v.Count())
	if err := it.Err(); err != nil {
		return err
	}
	return e.leave()
}

func (e *encoder) spliceResource(d driver.Message, v wire.Value) error {
	i, err := resourceIndex(d, v)
	if err != nil {
		return err
	}
	if v.Tag() == wire.FD && !e.local {
		fd, err := d.DupFD(i)
		if err != nil {
			return fail("received descriptor: %v", err)
		}
		e.ownFD(fd)
		return nil
	}
	x, err := readResource(d, v, i)
	if err != nil {
		return err
	}
	if b, ok := x.([]byte); ok {
		e.data(b) // a view, valid while the message is retained
		return nil
	}
	return e.value(x)
}
