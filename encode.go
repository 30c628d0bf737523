package xpc

import (
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

// encoder turns Go values into a payload. What it duplicates on the way is
// closed by free.
type encoder struct {
	wire.Encoder
	payload driver.Payload
	owned   []uintptr  // duplicated descriptors
	keep    []any      // must stay reachable until free
	passed  []*Message // retained until free: the payload refers to their data
	open    []identity // what is being encoded, to tell a cycle
	depth   int        // containers among open
	limits  wire.Limits
	last    lastPlan

	// local makes a flat form that stays in this process: nothing is
	// duplicated, and originals holds what its resources stand for.
	local     bool
	originals []any
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

func newEncoder(limits wire.Limits) *encoder {
	e := encoders.Get().(*encoder)
	e.limits = limits
	return e
}

// newLocalEncoder makes one for [Marshal] and its kin, see local.
func newLocalEncoder() *encoder {
	e := newEncoder(localLimits)
	e.local = true
	return e
}

func (e *encoder) free() {
	e.payload.Body = nil
	if e.local || len(e.payload.Resources)+len(e.passed)+len(e.owned) > 0 {
		e.forget()
	}
	if len(e.open) > 0 { // it has failed
		clear(e.open)
		e.open = e.open[:0]
	}
	e.depth = 0
	if cap(e.Buf) > 1<<20 {
		e.Buf = nil
	}
	e.Buf = e.Buf[:0]
	encoders.Put(e)
}

// forget gives back what the payload refers to.
func (e *encoder) forget() {
	for _, fd := range e.owned {
		closeFD(fd)
	}
	for _, m := range e.passed {
		m.unpin()
	}
	clear(e.payload.Resources)
	clear(e.keep)
	clear(e.passed)
	clear(e.originals)
	e.payload.Resources = e.payload.Resources[:0]
	e.owned, e.keep, e.passed = e.owned[:0], e.keep[:0], e.passed[:0]
	e.originals, e.local = e.originals[:0], false
}

// nothing is the empty dictionary, which most acknowledgements are.
var nothing = driver.Payload{Body: wire.Empty()}

// encoded calls f with the payload of a message, which is good until f returns.
func encoded(op string, msg any, limits wire.Limits, f func(*driver.Payload) error) error {
	if d, ok := msg.(Dictionary); ok && len(d) == 0 && limits.Size >= len(nothing.Body) {
		return f(&nothing)
	}
	e := newEncoder(limits)
	defer e.free()
	if err := e.message(op, msg); err != nil {
		return err
	}
	return f(&e.payload)
}

// message encodes the argument of a send.
func (e *encoder) message(op string, msg any) error {
	if m, ok := msg.(*Message); msg == nil || ok && m == nil {
		return misuse(op, "the message is nil, and must be a dictionary (row 54)")
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

// misfit is a failure that is also a misuse: C would end the process.
func misfit(format string, args ...any) error {
	return &ValueError{Rule: fmt.Sprintf(format, args...), Err: ErrMisuse}
}

// value encodes a value of the closed set directly, and others by the plan of
// their type.
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
	case *Message:
		return e.received(v)
	case *Reply:
		if v == nil {
			return fail("the reply is nil")
		}
		return e.dictionary(v.Dictionary)
	case *Connection:
		return misfit("a connection cannot be sent: send its listener's Endpoint (row 64)")
	case Unsupported:
		return e.unsupported(v)
	default:
		return e.other(v)
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
	if uint64(len(k)) > math.MaxUint32 {
		return fail("key of %d bytes is too long", len(k))
	}
	e.Key(k)
	return nil
}

func (e *encoder) data(v []byte) {
	if len(v) < wire.BigDataSize {
		e.Data(v)
		return
	}
	if e.local {
		e.BigData(e.original(v), len(v))
		return
	}
	e.BigData(e.add(driver.Resource{Kind: driver.ResourceData, Data: v}), len(v))
}

func (e *encoder) date(v time.Time) error {
	ns, ok := dateNanos(v)
	if !ok {
		return dateRange(v)
	}
	e.Date(ns)
	return nil
}

func dateRange(v time.Time) error {
	return fail("time %v is outside the range of a date, 1677-09-21 to 2262-04-11 (row 260)", v)
}

// unsupported can be told apart and described, but not sent.
func (e *encoder) unsupported(v Unsupported) error {
	if !e.local {
		return fail("a received object of type %s cannot be sent", v.Type)
	}
	if strings.IndexByte(v.Type, 0) >= 0 || strings.IndexByte(v.Description, 0) >= 0 {
		return fail("an Unsupported holds a NUL byte")
	}
	e.Unsupported(v.Type, v.Description)
	return nil
}

// add appends a resource and gives its index.
func (e *encoder) add(r driver.Resource) int {
	e.payload.Resources = append(e.payload.Resources, r)
	return len(e.payload.Resources) - 1
}

// original is add for a local form.
func (e *encoder) original(v any) int {
	e.originals = append(e.originals, v)
	return len(e.originals) - 1
}
