package xpc

import (
	"fmt"
	"os"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

// decoder turns the values of one message into Go values.
type decoder struct {
	d     driver.Message // nil where the message refers to no resources
	depth int
	taken []*os.File // handed out so far, to be closed if decoding fails
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
	err = m.use(op, func(dm driver.Message) error {
		d := decoder{d: dm, depth: wire.DefaultLimits.Depth}
		out, err = d.value(v)
		if err != nil {
			for _, f := range d.taken {
				f.Close()
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
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

func (d *decoder) resource(v wire.Value) (any, error) {
	i := v.Resource()
	if d.d == nil || i >= d.d.Resources() {
		return nil, &wire.FormatError{Rule: "resource missing"}
	}
	switch v.Tag() {
	case wire.FD:
		fd, err := d.d.DupFD(i)
		if err != nil {
			return nil, fail("received descriptor: %v", err)
		}
		f := os.NewFile(fd, fmt.Sprintf("xpc-fd-%d", fd))
		d.taken = append(d.taken, f)
		return f, nil
	case wire.Endpoint:
		e, err := d.d.Endpoint(i)
		if err != nil {
			return nil, err
		}
		return newEndpoint(e), nil
	case wire.SharedMemory:
		m, err := d.d.SharedMemory(i)
		if err != nil {
			return nil, err
		}
		return newSharedMemory(m), nil
	}
	b, err := d.d.Data(i)
	if err != nil {
		return nil, err
	}
	return append([]byte{}, b...), nil
}

func (d *decoder) enter() error {
	if d.depth == 0 {
		return fail("nested deeper than %d (row 298)", wire.DefaultLimits.Depth)
	}
	d.depth--
	return nil
}

func (d *decoder) array(v wire.Value) (any, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	a := make(Array, 0, v.MaxCount())
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

func (d *decoder) dictionary(v wire.Value) (any, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	m := make(Dictionary, v.MaxCount())
	it := v.Elements()
	for {
		k, e, ok := it.Next()
		if !ok {
			d.depth++
			return m, it.Err()
		}
		x, err := d.value(e)
		if err != nil {
			return nil, within(err, string(k))
		}
		m[string(k)] = x
	}
}
