package xpc

import (
	"math"
	"os"
	"reflect"
	"time"
	"unsafe"

	"github.com/go-xpc/xpc/internal/wire"
)

// A Getter is a dictionary to read from: a [Dictionary], a *[Message] or a
// *[Reply].
type Getter interface {
	root() node
}

func (d Dictionary) root() node { return node{v: d} }

// root of a message that cannot be read has nothing in it.
func (m *Message) root() node {
	if m == nil {
		return node{}
	}
	body, err := m.contents("Get")
	if err != nil {
		return node{}
	}
	return node{m: m, w: body}
}

// node is one value of a message, in its flat form, or a Go value.
type node struct {
	m *Message
	w wire.Value
	v any
}

// entry finds a key without reading what else is there.
func (n node) entry(key string) (node, bool) {
	if n.m != nil {
		if n.w.Tag() != wire.Dictionary {
			return node{}, false
		}
		w, err := n.w.Lookup(key)
		return node{m: n.m, w: w}, err == nil && !w.IsZero()
	}
	d, ok := value[Dictionary](n.v)
	v, found := d[key]
	return node{v: v}, ok && found
}

// element is entry for arrays.
func (n node) element(i int) (node, bool) {
	if n.m != nil {
		if n.w.Tag() != wire.Array {
			return node{}, false
		}
		w, err := n.w.Index(i)
		return node{m: n.m, w: w}, err == nil && !w.IsZero()
	}
	a, ok := value[Array](n.v)
	if !ok || i < 0 || i >= len(a) {
		return node{}, false
	}
	return node{v: a[i]}, true
}

// Get reads a key as a T. It is false if the key is missing or its value has
// another XPC type: int64, uint64 and double are not converted into each other,
// and neither are date and int64 (row 256). T is any type that [Unmarshal]
// decodes to, but an int takes only an int64 here, and a uint only a uint64, and
// no more than fits. In a Dictionary made by a program a value counts by its XPC
// type as well: Get[int64] finds an int32.
//
// Only this value is decoded. A file or an [FD] read from a message belongs to the
// caller, anew at each call; nothing is taken out of the message when the answer
// is false. From a Dictionary it is the one in it.
//
// C: xpc_dictionary_get_value and its relatives,
// https://developer.apple.com/documentation/xpc/1505628-xpc_dictionary_get_value
func Get[T any](d Getter, key string) (T, bool) {
	if m, ok := d.(*Message); ok && m != nil {
		if v, found, ok := alone[T](m, key); ok {
			return v, found
		}
	}
	if d != nil {
		if n, ok := d.root().entry(key); ok {
			return as[T](n)
		}
	}
	var zero T
	return zero, false
}

// alone reads one key of a message while nothing was made of the whole. It is not ok
// where that takes more than a look.
func alone[T any](m *Message, key string) (out T, found, ok bool) {
	var v single
	switch p := any(&out).(type) {
	case *bool:
		v, ok = m.readSingle(wire.True, key)
		*p = v.number != 0
	case *int64:
		v, ok = m.readSingle(wire.Int64, key)
		*p = int64(v.number)
	case *uint64:
		v, ok = m.readSingle(wire.Uint64, key)
		*p = v.number
	case *float64:
		v, ok = m.readSingle(wire.Double, key)
		*p = math.Float64frombits(v.number)
	case *string:
		v, ok = m.readSingle(wire.String, key)
		*p = unsafe.String(unsafe.SliceData(v.bytes), len(v.bytes))
	case *[]byte:
		v, ok = m.readSingle(wire.Data, key)
		*p = v.bytes
	case *UUID:
		v, ok = m.readSingle(wire.UUID, key)
		*p = v.uuid
	case *time.Time:
		if v, ok = m.readSingle(wire.Date, key); v.found {
			*p = fromDateNanos(int64(v.number))
		}
	}
	if !v.found {
		out = *new(T) // a getter of libxpc gives a number that is not 0, too
	}
	return out, v.found, ok
}

// Lookup follows a path of keys (string) and indexes (int) into a dictionary, as
// in Lookup(d, "a", "b", 3), and gives the value there as [Message.Dictionary]
// would. It is false if there is none. In a message nothing else is decoded. A
// file in it belongs to the caller.
func Lookup(d Getter, path ...any) (any, bool) { return LookupAs[any](d, path...) }

// LookupAs is [Lookup] for a value of one type, with the rules of [Get].
func LookupAs[T any](d Getter, path ...any) (T, bool) {
	var zero T
	if d == nil {
		return zero, false
	}
	n := d.root()
	for _, step := range path {
		ok := false
		switch s := step.(type) {
		case string:
			n, ok = n.entry(s)
		case int:
			n, ok = n.element(s)
		}
		if !ok {
			return zero, false
		}
	}
	return as[T](n)
}

// as gives the value as a T, if it has T's XPC type.
func as[T any](n node) (T, bool) {
	if n.m == nil {
		return value[T](n.v)
	}
	var out T
	ok := true
	tag := n.w.Tag()
	switch p := any(&out).(type) {
	case *bool:
		*p, ok = tag == wire.True, tag == wire.True || tag == wire.False
	case *int64:
		if ok = tag == wire.Int64; ok {
			*p = n.w.Int64()
		}
	case *uint64:
		if ok = tag == wire.Uint64; ok {
			*p = n.w.Uint64()
		}
	case *float64:
		if ok = tag == wire.Double; ok {
			*p = n.w.Double()
		}
	case *string:
		if ok = tag == wire.String; ok {
			*p = string(n.w.Text())
		}
	case *UUID:
		if ok = tag == wire.UUID; ok {
			*p = n.w.UUID()
		}
	case *time.Time:
		if ok = tag == wire.Date; ok {
			*p = fromDateNanos(n.w.Int64())
		}
	default:
		return decoded[T](n)
	}
	return out, ok
}

// decoded is as for the types that take more than a look.
func decoded[T any](n node) (T, bool) {
	out := new(T)
	err := n.m.with("Get", func(d *decoder) error { return exactly(d, n.w, out) })
	return *out, err == nil
}

// exactly decodes a value that has T's XPC type. null is of no type but its own,
// which any and pointers to values can hold; nil of the others says that nothing
// was found.
func exactly[T any](d *decoder, w wire.Value, out *T) error {
	d.exact = true
	p := planFor[T]()
	if w.Tag() == wire.Null && !p.null {
		return mismatch(reflect.TypeFor[T]().String(), w)
	}
	return p.dec(d, w, unsafe.Pointer(out))
}

// value is as for a Go value.
func value[T any](v any) (T, bool) {
	if t, ok := v.(T); ok && !isInterface[T]() {
		return t, true
	}
	if c, ok := closed(v); ok {
		if t, ok := c.(T); ok {
			return t, true
		}
	}
	out := new(T)
	err := local(v, func(d *decoder, w wire.Value) error { return exactly(d, w, out) })
	return *out, err == nil
}

// planFor is the plan of T.
func planFor[T any]() *plan { return planOf(reflect.TypeFor[T]()) }

func isInterface[T any]() bool { return reflect.TypeFor[T]().Kind() == reflect.Interface }

var _, _ Getter = Dictionary(nil), (*Message)(nil)

// CloseFiles closes every *os.File in a decoded value. It is a convenience for
// the receiver of a [Dictionary], to whom they belong.
func CloseFiles(v any) {
	files(v, func(f *os.File) { f.Close() })
}

// files finds what is an open file in a decoded value.
func files(v any, f func(*os.File)) {
	switch v := v.(type) {
	case *os.File:
		if v != nil {
			f(v)
		}
	case Dictionary:
		for _, e := range v {
			files(e, f)
		}
	case Array:
		for _, e := range v {
			files(e, f)
		}
	}
}
