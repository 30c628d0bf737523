package xpc

import (
	"fmt"
	"os"
	"sync"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

// decoder turns the values of one message, or of a local form, into Go values.
type decoder struct {
	d         driver.Message // nil where the message refers to no resources
	originals []any          // of a local form, instead of d
	local     bool
	strict    bool       // unknown keys are errors
	exact     bool       // int64 and uint64 stay apart, whatever the Go type
	limit     int        // of depth
	depth     int        // what is left of it
	next      uint32     // resources come in order, once each
	taken     []*os.File // handed out so far, to be closed if decoding fails
	undo      []func()   // and what else is to be done then
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

func newDecoder(depth int) *decoder {
	d := decoders.Get().(*decoder)
	d.limit, d.depth = depth, depth
	return d
}

// free ends a decoding. If it has failed, what was taken out of the message goes.
func (d *decoder) free(err error) {
	if err != nil {
		for _, f := range d.taken {
			f.Close()
		}
		for _, f := range d.undo {
			f()
		}
	}
	clear(d.taken)
	clear(d.undo)
	*d = decoder{taken: d.taken[:0], undo: d.undo[:0]}
	decoders.Put(d)
}

// Dictionary decodes the whole message. The values are those of the table in
// the package comment; files in it belong to the caller, anew at each call.
//
// Errors: [ErrMisuse] after release; a *[ValueError] for what cannot be decoded.
func (m *Message) Dictionary() (Dictionary, error) {
	body, err := m.contents("Dictionary")
	if err != nil {
		return nil, err
	}
	v, err := m.decode("Dictionary", body)
	d, _ := v.(Dictionary)
	return d, err
}

// decode gives the Go value of a part of the message.
func (m *Message) decode(op string, v wire.Value) (out any, err error) {
	err = m.with(op, func(d *decoder) error {
		out, err = d.value(v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// with calls f with a decoder of the message's parts.
func (m *Message) with(op string, f func(*decoder) error) (err error) {
	d := newDecoder(m.limits.Depth)
	defer func() { d.free(err) }()
	if !m.resources { // nothing of the backend is needed
		return f(d)
	}
	return m.use(op, func(dm driver.Message) error {
		d.d = dm
		return f(d)
	})
}

func (d *decoder) value(v wire.Value) (any, error) {
	switch v.Tag() {
	case wire.Null:
		return nil, nil
	case wire.False:
		return false, nil
	case wire.True:
		return true, nil
	case wire.Int64:
		return v.Int64(), nil
	case wire.Uint64:
		return v.Uint64(), nil
	case wire.Double:
		return v.Double(), nil
	case wire.Date:
		return fromDateNanos(v.Int64()), nil
	case wire.Data:
		return append([]byte{}, v.Data()...), nil
	case wire.String:
		return string(v.Text()), nil
	case wire.UUID:
		return UUID(v.UUID()), nil
	case wire.Error:
		return Unsupported{Type: "error", Description: string(v.Text())}, nil
	case wire.Unsupported:
		return Unsupported{Type: string(v.TypeName()), Description: string(v.Description())}, nil
	case wire.FD, wire.Endpoint, wire.SharedMemory, wire.BigData:
		return d.resource(v)
	case wire.Array:
		return d.array(v)
	case wire.Dictionary:
		return d.dictionary(v)
	}
	return nil, &wire.FormatError{Rule: "no value"}
}

// preallocated bounds what is allocated by a claimed count; the rest grows with
// what is really there.
const preallocated = 1024

func (d *decoder) enter() error {
	if d.depth == 0 {
		return tooDeep(d.limit)
	}
	d.depth--
	return nil
}

func (d *decoder) array(v wire.Value) (Array, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	a := make(Array, 0, min(v.Count(), preallocated))
	it := v.Elements()
	for {
		_, e, ok := it.Next()
		if !ok {
			d.depth++
			return a, it.Err()
		}
		x, err := d.value(e)
		if err != nil {
			return nil, withinIndex(err, len(a))
		}
		a = append(a, x)
	}
}

func (d *decoder) dictionary(v wire.Value) (Dictionary, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	m := make(Dictionary, min(v.Count(), preallocated))
	if err := d.into(m, v); err != nil {
		return nil, err
	}
	if len(m) != v.Count() {
		return nil, keyTwice()
	}
	d.depth++
	return m, nil
}

// into adds the entries of a dictionary to m.
func (d *decoder) into(m map[string]any, v wire.Value) error {
	it := v.Elements()
	for {
		k, e, ok := it.Next()
		if !ok {
			return it.Err()
		}
		x, err := d.value(e)
		if err != nil {
			return within(err, string(k))
		}
		m[string(k)] = x
	}
}

// resource gives a file, an endpoint, shared memory or a copy of data.
func (d *decoder) resource(v wire.Value) (any, error) {
	if d.local {
		return d.originalOf(v)
	}
	i, err := d.index(v)
	if err != nil {
		return nil, err
	}
	x, err := readResource(d.d, v, i)
	switch x := x.(type) {
	case *os.File:
		d.taken = append(d.taken, x)
	case []byte:
		return append([]byte{}, x...), err
	}
	return x, err
}

func (d *decoder) originalOf(v wire.Value) (any, error) {
	i := v.Resource()
	if uint64(i) >= uint64(len(d.originals)) {
		return nil, missing()
	}
	if b, ok := d.originals[i].([]byte); ok {
		return append([]byte{}, b...), nil
	}
	return d.originals[i], nil
}

func keyTwice() error { return &wire.FormatError{Rule: "key used twice"} }

func missing() error { return &wire.FormatError{Rule: "resource missing"} }

func resourceIndex(d driver.Message, v wire.Value) (int, error) {
	if d == nil || uint64(v.Resource()) >= uint64(d.Resources()) {
		return 0, missing()
	}
	return int(v.Resource()), nil
}

// index gives the number of the resource that v refers to. They come in order:
// one that comes again would be handed out, or copied, without end.
func (d *decoder) index(v wire.Value) (int, error) {
	if v.Resource() < d.next {
		return 0, &wire.FormatError{Rule: "resource used twice or out of order"}
	}
	d.next = v.Resource() + 1
	return resourceIndex(d.d, v)
}

// resourceOf is readResource for a value that is read alone.
func resourceOf(d driver.Message, v wire.Value) (any, error) {
	i, err := resourceIndex(d, v)
	if err != nil {
		return nil, err
	}
	return readResource(d, v, i)
}

// readResource gives what a value refers to: a file of the caller's own, an
// endpoint, shared memory, or a view of data that ends with the message.
func readResource(d driver.Message, v wire.Value, i int) (any, error) {
	switch v.Tag() {
	case wire.FD:
		fd, err := d.DupFD(i)
		if err != nil {
			return nil, fail("received descriptor: %v", err)
		}
		return os.NewFile(fd, fmt.Sprintf("xpc-fd-%d", fd)), nil
	case wire.Endpoint:
		e, err := d.Endpoint(i)
		if err != nil {
			return nil, err
		}
		return newEndpoint(e), nil
	case wire.SharedMemory:
		m, err := d.SharedMemory(i)
		if err != nil {
			return nil, err
		}
		return newSharedMemory(m), nil
	}
	b, err := d.Data(i)
	if err == nil && uint64(len(b)) != v.BigLength() {
		err = &wire.FormatError{Rule: "data of another length than its resource"}
	}
	return b, err
}
