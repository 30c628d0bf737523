package wire

import (
	"encoding/binary"
	"math"
)

// Value is one encoded value: the bytes from its tag to its end. The zero Value
// stands for a missing one. What Next has returned is complete; the contents of
// containers are checked as they are read.
type Value struct {
	raw []byte
}

var le = binary.LittleEndian

// The fewest bytes that an element of a container takes: a count beyond what
// fits is refused before anything is allocated by it.
const (
	leastElement = 1 // null
	leastEntry   = 6 // an empty key with length and NUL, and null
)

// Parse reads the value that fills buf exactly.
func Parse(buf []byte) (Value, error) {
	n, err := size(buf)
	if err != nil {
		return Value{}, err
	}
	if n != len(buf) {
		return Value{}, &FormatError{Rule: "bytes after the end of the value"}
	}
	return Value{buf}, nil
}

func truncated() error { return &FormatError{Rule: "truncated"} }

// fixed holds the lengths of the values whose tag tells it.
var fixed = [...]uint8{
	Null: 1, False: 1, True: 1, Int64: 9, Uint64: 9, Double: 9, Date: 9,
	UUID: 17, FD: 5, SharedMemory: 5, Endpoint: 5, BigData: 13, Unsupported: 0,
}

// size is the length of the value at the start of buf, tag included, and never
// more than len(buf). Lengths are compared as uint64: an int has 32 bits on
// some systems, and a length from outside would wrap.
func size(buf []byte) (int, error) {
	if len(buf) == 0 {
		return 0, truncated()
	}
	t := Tag(buf[0])
	if int(t) < len(fixed) && fixed[t] != 0 {
		if n := int(fixed[t]); n <= len(buf) {
			return n, nil
		}
		return 0, truncated()
	}
	switch t {
	case Data:
		return counted(buf, 5)
	case String, Error:
		_, n, err := text(buf[1:])
		return 1 + n, err
	case Unsupported:
		_, a, err := text(buf[1:])
		if err != nil {
			return 0, err
		}
		_, b, err := text(buf[1+a:])
		return 1 + a + b, err
	case Array:
		return container(buf, leastElement)
	case Dictionary:
		return container(buf, leastEntry)
	}
	return 0, &FormatError{Rule: "unknown " + t.String()}
}

// counted is the length of a value whose u32 after the tag counts the bytes
// after the head.
func counted(buf []byte, head int) (int, error) {
	if len(buf) < head {
		return 0, truncated()
	}
	n := uint64(le.Uint32(buf[1:]))
	if n > uint64(len(buf)-head) {
		return 0, truncated()
	}
	return head + int(n), nil
}

func container(buf []byte, least uint64) (int, error) {
	n, err := counted(buf, 9)
	if err == nil && uint64(le.Uint32(buf[5:]))*least > uint64(n-9) {
		err = &FormatError{Rule: "more elements than bytes for them"}
	}
	return n, err
}

// text reads a counted, NUL-terminated text and the bytes that it takes.
func text(buf []byte) ([]byte, int, error) {
	if len(buf) < 5 {
		return nil, 0, truncated()
	}
	u := uint64(le.Uint32(buf))
	if u > uint64(len(buf)-5) {
		return nil, 0, truncated()
	}
	n := int(u)
	if buf[4+n] != 0 {
		return nil, 0, &FormatError{Rule: "text without its NUL"}
	}
	return buf[4 : 4+n : 4+n], n + 5, nil
}

// IsZero tells whether there is no value.
func (v Value) IsZero() bool { return len(v.raw) == 0 }

// Tag is the value's type, 0 for the zero Value.
func (v Value) Tag() Tag {
	if len(v.raw) == 0 {
		return 0
	}
	return Tag(v.raw[0])
}

// Raw is the encoded form.
func (v Value) Raw() []byte { return v.raw }

// The accessors below are called after a look at Tag.

func (v Value) Uint64() uint64    { return le.Uint64(v.raw[1:]) }
func (v Value) Int64() int64      { return int64(v.Uint64()) }
func (v Value) Double() float64   { return math.Float64frombits(v.Uint64()) }
func (v Value) UUID() [16]byte    { return [16]byte(v.raw[1:17]) }
func (v Value) Data() []byte      { return v.raw[5:len(v.raw):len(v.raw)] }
func (v Value) Text() []byte      { return v.raw[5 : len(v.raw)-1 : len(v.raw)-1] }
func (v Value) Resource() uint32  { return le.Uint32(v.raw[1:]) }
func (v Value) BigLength() uint64 { return le.Uint64(v.raw[5:]) }

// TypeName and Description of an unsupported value.
func (v Value) TypeName() []byte {
	t, _, _ := text(v.raw[1:])
	return t
}

func (v Value) Description() []byte {
	_, n, _ := text(v.raw[1:])
	t, _, _ := text(v.raw[1+n:])
	return t
}

// Count is the number of elements of an array or dictionary, as claimed; there
// are bytes enough for so many.
func (v Value) Count() int { return int(le.Uint32(v.raw[5:])) }

// Elements iterates over an array or a dictionary.
func (v Value) Elements() Iter {
	return Iter{rest: v.raw[9:], left: v.Count(), keys: v.Tag() == Dictionary}
}

// Lookup finds a key of a dictionary; the zero Value if it is not there.
func (v Value) Lookup(key string) (Value, error) {
	rest := v.raw[9:]
	for range v.Count() {
		// As Iter.Next does, but a look at the length passes over most keys.
		if len(rest) < 5 {
			return Value{}, truncated()
		}
		n := uint64(le.Uint32(rest))
		if n > uint64(len(rest)-5) {
			return Value{}, truncated()
		}
		k, e := rest[4:4+n], rest[5+n:]
		m, err := size(e)
		if err != nil {
			return Value{}, err
		}
		if len(k) == len(key) && string(k) == key {
			return Value{e[:m:m]}, nil
		}
		rest = e[m:]
	}
	return Value{}, nil
}

// Index finds an element of an array; the zero Value if there are not so many.
func (v Value) Index(i int) (Value, error) {
	if i < 0 || i >= v.Count() {
		return Value{}, nil
	}
	it := v.Elements()
	for {
		_, e, ok := it.Next()
		if !ok {
			return Value{}, it.Err()
		}
		if i == 0 {
			return e, nil
		}
		i--
	}
}

// Iter walks over the elements of a container.
type Iter struct {
	rest []byte
	left int
	keys bool
	err  error
}

// Next gives the next element, with its key in a dictionary. It is false at
// the end and at an error.
func (it *Iter) Next() (key []byte, v Value, ok bool) {
	if it.left == 0 || it.err != nil {
		if it.err == nil && len(it.rest) != 0 {
			it.err = &FormatError{Rule: "bytes after the last element"}
		}
		return nil, Value{}, false
	}
	e := it.rest
	if it.keys {
		k, n, err := text(e)
		if err != nil {
			it.err = err
			return nil, Value{}, false
		}
		key, e = k, e[n:]
	}
	v, ok = it.value(e)
	return key, v, ok
}

// NextFixed is NextIs for a value of 8 bytes; the encoded form has its tag as well.
func (it *Iter) NextFixed(entry string) (v uint64, ok bool) {
	n := len(entry)
	if it.left == 0 || it.err != nil || len(it.rest) < n+8 || string(it.rest[:n]) != entry {
		return 0, false
	}
	v = le.Uint64(it.rest[n:])
	it.rest = it.rest[n+8:]
	it.left--
	return v, true
}

// NextText is NextFixed for a string.
func (it *Iter) NextText(entry string) (t []byte, ok bool) {
	n := len(entry)
	if it.left == 0 || it.err != nil || len(it.rest) < n || string(it.rest[:n]) != entry {
		return nil, false
	}
	t, m, err := text(it.rest[n:])
	if err != nil {
		return nil, false // NextIs says it again
	}
	it.rest = it.rest[n+m:]
	it.left--
	return t, true
}

// NextIs is Next if the next entry has the key of this encoded form, see AppendKey.
func (it *Iter) NextIs(key string) (v Value, ok bool) {
	if it.left == 0 || it.err != nil || len(it.rest) < len(key) || string(it.rest[:len(key)]) != key {
		return Value{}, false
	}
	return it.value(it.rest[len(key):])
}

// value takes the value at the start of e, which is what is left but for a key.
func (it *Iter) value(e []byte) (Value, bool) {
	n := 0
	if len(e) > 0 && int(e[0]) < len(fixed) { // most values, without a call
		n = int(fixed[e[0]])
	}
	if n == 0 || n > len(e) {
		if n, it.err = size(e); it.err != nil {
			return Value{}, false
		}
	}
	it.rest = e[n:]
	it.left--
	return Value{e[:n:n]}, true
}

// Err is what ended the walk early.
func (it *Iter) Err() error { return it.err }
