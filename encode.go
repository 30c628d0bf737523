package xpc

import (
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

// encoder turns Go values into a payload. What it duplicates on the way is
// closed by free.
type encoder struct {
	wire.Encoder
	payload driver.Payload
	owned   []uintptr // duplicated descriptors
	keep    []any     // must stay reachable until free
	open    []uintptr // maps and slices being encoded, to tell a cycle
	limits  wire.Limits
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

func newEncoder() *encoder {
	e := encoders.Get().(*encoder)
	e.limits = wire.DefaultLimits
	return e
}

func (e *encoder) free() {
	for _, fd := range e.owned {
		closeFD(fd)
	}
	clear(e.payload.Resources)
	clear(e.keep)
	e.payload = driver.Payload{Resources: e.payload.Resources[:0]}
	e.owned, e.keep, e.open = e.owned[:0], e.keep[:0], e.open[:0]
	if cap(e.Buf) > 1<<20 {
		e.Buf = nil
	}
	e.Buf = e.Buf[:0]
	encoders.Put(e)
}

// message encodes the argument of a send.
func (e *encoder) message(op string, msg any) error {
	switch m := msg.(type) {
	case nil:
		return misuse(op, "the message is nil, and must be a dictionary (row 54)")
	case *Message:
		if m == nil {
			return misuse(op, "the message is nil, and must be a dictionary (row 54)")
		}
		d, err := m.Dictionary()
		if err != nil {
			return err
		}
		defer CloseFiles(d)
		msg = d
	}
	if err := e.value(msg); err != nil {
		return err
	}
	if wire.Tag(e.Buf[0]) != wire.Dictionary {
		return misuse(op, "the message is a %T, and must be a dictionary (row 54)", msg)
	}
	e.payload.Body = e.Buf
	return nil
}

func fail(format string, args ...any) error {
	return &ValueError{Rule: fmt.Sprintf(format, args...)}
}

// within prefixes the path of a ValueError with one more step.
func within(err error, step string) error {
	v, ok := err.(*ValueError)
	if !ok {
		return err
	}
	path := step
	if v.Path != "" && v.Path[0] != '[' {
		path += "."
	}
	return &ValueError{Path: path + v.Path, Rule: v.Rule}
}

func withinIndex(err error, i int) error { return within(err, fmt.Sprintf("[%d]", i)) }

func (e *encoder) value(v any) error {
	switch v := v.(type) {
	case nil:
		e.Null()
	case bool:
		e.Bool(v)
	case int64:
		e.Int64(v)
	case int:
		e.Int64(int64(v))
	case int32:
		e.Int64(int64(v))
	case int16:
		e.Int64(int64(v))
	case int8:
		e.Int64(int64(v))
	case uint64:
		e.Uint64(v)
	case uint:
		e.Uint64(uint64(v))
	case uint32:
		e.Uint64(uint64(v))
	case uint16:
		e.Uint64(uint64(v))
	case uint8:
		e.Uint64(uint64(v))
	case float64:
		e.Double(v)
	case float32:
		e.Double(float64(v))
	case string:
		return e.str(v)
	case []byte:
		e.data(v)
	case time.Time:
		return e.date(v)
	case UUID:
		e.UUID(v)
	case *os.File:
		return e.file(v)
	case FD:
		return e.fd(v)
	case *Endpoint:
		return e.endpoint(v)
	case *SharedMemory:
		return e.memory(v)
	case Dictionary:
		return e.dictionary(v)
	case map[string]any:
		return e.dictionary(v)
	case Array:
		return e.array(v)
	case []any:
		return e.array(v)
	case *Connection:
		return fail("a connection cannot be sent: send its listener's Endpoint (row 64)")
	case Unsupported:
		return fail("a received object of type %s cannot be sent", v.Type)
	default:
		return e.reflected(reflect.ValueOf(v))
	}
	return nil
}

func (e *encoder) str(v string) error {
	if i := strings.IndexByte(v, 0); i >= 0 {
		return fail("string %.40q holds a NUL byte at %d (row 264)", v, i)
	}
	if uint64(len(v)) > math.MaxUint32 {
		return fail("string of %d bytes is too long", len(v))
	}
	e.String(v)
	return nil
}

func (e *encoder) key(k string) error {
	if strings.IndexByte(k, 0) >= 0 {
		return fail("key %.40q holds a NUL byte", k)
	}
	e.Key(k)
	return nil
}

func (e *encoder) data(v []byte) {
	if len(v) < wire.BigDataSize {
		e.Data(v)
		return
	}
	e.BigData(e.add(driver.Resource{Kind: driver.ResourceData, Data: v}), len(v))
}

func (e *encoder) date(v time.Time) error {
	ns, ok := dateNanos(v)
	if !ok {
		return fail("time %v is outside the range of a date, 1677-09-21 to 2262-04-11 (row 260)", v)
	}
	e.Date(ns)
	return nil
}

func (e *encoder) add(r driver.Resource) int {
	e.payload.Resources = append(e.payload.Resources, r)
	return len(e.payload.Resources) - 1
}

func (e *encoder) file(f *os.File) error {
	if f == nil {
		return fail("the file is nil")
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return fail("file %s cannot be sent: %v", f.Name(), err)
	}
	var fd uintptr
	var dupErr error
	// Control holds the descriptor open while it is duplicated.
	if err := raw.Control(func(h uintptr) { fd, dupErr = dupFD(h) }); err != nil {
		return fail("file %s cannot be sent: %v", f.Name(), err)
	}
	if dupErr != nil {
		return fail("file %s cannot be sent: %v", f.Name(), dupErr)
	}
	e.ownFD(fd)
	return nil
}

func (e *encoder) fd(v FD) error {
	fd, err := dupFD(uintptr(v))
	if err != nil {
		return fail("descriptor %d cannot be sent: %v (row 268)", int(v), err)
	}
	e.ownFD(fd)
	return nil
}

func (e *encoder) ownFD(fd uintptr) {
	e.owned = append(e.owned, fd)
	e.FD(e.add(driver.Resource{Kind: driver.ResourceFD, FD: fd}))
}

func (e *encoder) endpoint(v *Endpoint) error {
	if v == nil {
		return fail("the endpoint is nil")
	}
	e.keep = append(e.keep, v)
	e.Endpoint(e.add(driver.Resource{Kind: driver.ResourceEndpoint, Endpoint: v.d}))
	return nil
}

func (e *encoder) memory(v *SharedMemory) error {
	if v == nil {
		return fail("the shared memory is nil")
	}
	e.keep = append(e.keep, v)
	e.SharedMemory(e.add(driver.Resource{Kind: driver.ResourceSharedMemory, Memory: v.d}))
	return nil
}

// enter checks the depth and, with p the identity of a map or slice, that it is
// not inside itself.
func (e *encoder) enter(p unsafe.Pointer) error {
	for _, q := range e.open {
		if q == uintptr(p) && p != nil {
			return fail("the value contains itself (row 295)")
		}
	}
	if len(e.open) >= e.limits.Depth {
		return fail("nested deeper than %d (row 298)", e.limits.Depth)
	}
	if len(e.Buf) > e.limits.Size {
		return fail("message is larger than %d bytes", e.limits.Size)
	}
	e.open = append(e.open, uintptr(p))
	return nil
}

func (e *encoder) leave() { e.open = e.open[:len(e.open)-1] }

func (e *encoder) dictionary(d map[string]any) error {
	if err := e.enter(reflect.ValueOf(d).UnsafePointer()); err != nil {
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
	e.leave()
	return nil
}

func (e *encoder) array(a []any) error {
	var p unsafe.Pointer
	if len(a) > 0 {
		p = unsafe.Pointer(&a[0])
	}
	if err := e.enter(p); err != nil {
		return err
	}
	mark := e.Begin(wire.Array)
	for i, v := range a {
		if err := e.value(v); err != nil {
			return withinIndex(err, i)
		}
	}
	e.End(mark, len(a))
	e.leave()
	return nil
}
