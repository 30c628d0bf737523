package xpc

import (
	"reflect"

	"github.com/go-xpc/xpc/internal/wire"
)

// A Marshaler is sent as the value that MarshalXPC returns, which is any value
// that can be sent.
type Marshaler interface {
	MarshalXPC() (any, error)
}

// An Unmarshaler is decoded by its own method. v is one of the types that
// messages decode to, and belongs to the method; a file in it is closed if the
// decoding fails later on.
type Unmarshaler interface {
	UnmarshalXPC(v any) error
}

// DecodeFlags change how [Unmarshal] and [Message.Decode] work.
type DecodeFlags uint8

const (
	// DisallowUnknownKeys makes an error of a key for which a struct has no field.
	DisallowUnknownKeys DecodeFlags = 1 << iota
)

// Marshal turns a struct, or a map with string keys, into a [Dictionary] as it
// would be sent. Sending does not need it: every call that sends takes structs.
// Files, endpoints and shared memory in the result are those of v; data is a copy.
//
// # Structs
//
// Exported fields are entries. The tag `xpc:"name"` gives the key, which is
// otherwise the field's name; keys are compared exactly. `xpc:"-"` leaves a field
// out, and `xpc:"name,omitempty"` leaves it out while it is zero (by its IsZero
// method, if it has one) or has nothing inside. The fields of an embedded struct
// belong to the outer one unless it has a name in its tag; of two with the same
// key the less deep one wins, and two at one depth are an error.
//
//	bool                          bool
//	int, int8 … int64             int64 (time.Duration: nanoseconds)
//	uint, uint8 … uint64          uint64
//	float32, float64              double
//	string                        string, without a NUL byte
//	[]byte, [N]byte               data
//	time.Time                     date, 1677-09-21 to 2262-04-11
//	[16]byte that is named UUID   uuid
//	*os.File, FD                  fd, a duplicate
//	*Endpoint, *SharedMemory      endpoint, shmem
//	slice, array                  array; a nil slice is an empty one
//	map with string keys, struct  dictionary; a nil map is an empty one
//	any                           what is in it, null if nothing is
//	pointer                       what it points to, null if nil
//	Marshaler                     what MarshalXPC returns
//	encoding.TextMarshaler        string
//
// The zero time.Time is out of the range of a date, and the zero FD is descriptor
// 0: fields that may be unset want omitempty or a pointer.
//
// Other types (chan, func, complex, uintptr, other maps) and values that contain
// themselves are an error.
//
// Errors: a *[ValueError] with the path of what cannot be sent, "a.b[3]".
func Marshal(v any) (Dictionary, error) {
	x, err := canonical(v)
	if err != nil {
		return nil, err
	}
	d, ok := x.(Dictionary)
	if !ok {
		return nil, fail("%T is no dictionary", v)
	}
	return d, nil
}

// local encodes v within this process and calls f with the result.
func local(v any, f func(*decoder, wire.Value) error) (err error) {
	e := newLocalEncoder()
	defer e.free()
	if err := e.value(v); err != nil {
		return err
	}
	w, err := wire.Parse(e.Buf)
	if err != nil {
		return err
	}
	d := newDecoder(localLimits.Depth)
	defer func() { d.free(err) }()
	d.local, d.originals = true, e.originals
	return f(d, w)
}

// Unmarshal decodes a [Dictionary] or a *[Message] into what v points to, by the
// rules of [Marshal] in reverse:
//
//   - Keys without a field are ignored, see [DisallowUnknownKeys]; fields without
//     a key stay as they are. Pointers are followed, and made where they are nil.
//     Slices are made anew; entries are added to a map that is there.
//   - A Go integer accepts an int64 or a uint64 whose value fits it. No number is
//     ever wrapped, cut or changed in sign, and integers and doubles are not
//     converted into each other. A float32 is rounded.
//   - null sets a pointer, slice, map or interface to nil, and fits nothing else.
//   - An array of Go takes exactly as many elements as it has.
//   - any receives what [Message.Dictionary] would.
//
// Strings and data of one message may share a piece of memory, and small ones that
// of other messages: what is kept of them keeps up to 1 KiB (see [strings.Clone]).
//
// Files and descriptors decoded from a message belong to the caller: an *os.File,
// or an [FD] that is to be closed. From a Dictionary they are those in it.
//
// Errors: a *[ValueError] with the path and, for a type that does not fit, what
// was wanted and what was there; [ErrMisuse] for a v that is no pointer, or after
// release. On an error what was decoded up to then stays in v, with the
// descriptors in it closed.
func Unmarshal(d Getter, v any, flags ...DecodeFlags) error {
	if m, ok := d.(*Message); ok && m != nil {
		return m.Decode(v, flags...)
	}
	p, plan, err := target("Unmarshal", v)
	if err != nil {
		return err
	}
	if d == nil {
		return misuse("Unmarshal", "the dictionary is nil")
	}
	return local(d.root().v, func(d *decoder, w wire.Value) error {
		d.flags(flags)
		return plan.dec(d, w, p)
	})
}

// Decode decodes the message into what v points to, usually a struct, by the
// rules of [Unmarshal]. It reads the message as it came, without a [Dictionary]
// in between, and may be called any number of times from any goroutine.
func (m *Message) Decode(v any, flags ...DecodeFlags) error {
	p, plan, err := target("Decode", v)
	if err != nil {
		return err
	}
	if len(flags) == 0 && m.readDirect(plan.direct, p) {
		return nil
	}
	body, err := m.contents("Decode")
	if err != nil {
		return err
	}
	return m.with("Decode", func(d *decoder) error {
		d.flags(flags)
		return plan.dec(d, body, p)
	})
}

func (d *decoder) flags(flags []DecodeFlags) {
	for _, f := range flags {
		d.strict = d.strict || f&DisallowUnknownKeys != 0
	}
}

// other encodes a value that is none of the closed set by the plan of its type.
func (e *encoder) other(v any) error {
	if q, to := pointeeOf(v); q != nil {
		return e.pointed(to.t, to.plan, q)
	}
	r := reflect.ValueOf(v)
	t := r.Type()
	if t.Kind() == reflect.Pointer {
		e.Null()
		return nil
	}
	p := e.last.of(t)
	if p.scratch == nil {
		c := reflect.New(t)
		c.Elem().Set(r)
		return p.enc(e, c.UnsafePointer())
	}
	// What an interface holds has no address to work on; a copy has.
	s := p.scratch.Get().(*scratch)
	s.v.Set(r)
	err := p.enc(e, s.p)
	s.v.SetZero()
	p.scratch.Put(s)
	return err
}
