package wire

import (
	"bytes"
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

// size is the length of the value at the start of buf, tag included.
func size(buf []byte) (int, error) {
	if len(buf) == 0 {
		return 0, truncated()
	}
	n := 0
	switch Tag(buf[0]) {
	case Null, False, True:
		n = 1
	case Int64, Uint64, Double, Date:
		n = 9
	case UUID:
		n = 17
	case FD, SharedMemory, Endpoint:
		n = 5
	case BigData:
		n = 13
	case Data:
		if len(buf) < 5 {
			return 0, truncated()
		}
		n = 5 + int(le.Uint32(buf[1:]))
	case String, Error:
		_, m, err := text(buf[1:])
		return 1 + m, err
	case Unsupported:
		_, a, err := text(buf[1:])
		if err != nil {
			return 0, err
		}
		_, b, err := text(buf[1+a:])
		return 1 + a + b, err
	case Array, Dictionary:
		if len(buf) < 9 {
			return 0, truncated()
		}
		n = 9 + int(le.Uint32(buf[1:]))
	default:
		return 0, &FormatError{Rule: "unknown " + Tag(buf[0]).String()}
	}
	if n < 0 || n > len(buf) {
		return 0, truncated()
	}
	return n, nil
}

// text reads a counted, NUL-terminated text and the bytes that it takes.
func text(buf []byte) ([]byte, int, error) {
	if len(buf) < 5 {
		return nil, 0, truncated()
	}
	n := int(le.Uint32(buf))
	if n < 0 || n > len(buf)-5 {
		return nil, 0, truncated()
	}
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
func (v Value) Resource() int     { return int(le.Uint32(v.raw[1:])) }
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

// Count is the number of elements of an array or dictionary, as claimed.
// Never allocate by it without a look at MaxCount.
func (v Value) Count() int { return int(le.Uint32(v.raw[5:])) }

// MaxCount is the most elements that fit: a safe size to allocate.
func (v Value) MaxCount() int {
	least := 1
	if v.Tag() == Dictionary {
		least = 6
	}
	return min(v.Count(), (len(v.raw)-9)/least)
}

// Elements iterates over an array or a dictionary.
func (v Value) Elements() Iter {
	return Iter{rest: v.raw[9:], left: v.Count(), keys: v.Tag() == Dictionary}
}

// Lookup finds a key of a dictionary; the zero Value if it is not there.
func (v Value) Lookup(key string) (Value, error) {
	it := v.Elements()
	for {
		k, e, ok := it.Next()
		if !ok {
			return Value{}, it.Err()
		}
		if string(k) == key {
			return e, nil
		}
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
	if it.keys {
		k, n, err := text(it.rest)
		if err != nil {
			it.err = err
			return nil, Value{}, false
		}
		key, it.rest = k, it.rest[n:]
	}
	n, err := size(it.rest)
	if err != nil {
		it.err = err
		return nil, Value{}, false
	}
	v = Value{it.rest[:n:n]}
	it.rest = it.rest[n:]
	it.left--
	return key, v, true
}

// Err is what ended the walk early.
func (it *Iter) Err() error { return it.err }

// Validate checks a whole buffer: form, depth, size, and that resources are
// used once each, in order.
func Validate(buf []byte, resources int, lim Limits) error {
	if len(buf) > lim.Size {
		return &FormatError{Rule: "larger than the limit"}
	}
	v, err := Parse(buf)
	if err != nil {
		return err
	}
	next := 0
	if err := validate(v, &next, resources, lim.Depth); err != nil {
		return err
	}
	if next != resources {
		return &FormatError{Rule: "resource that no value refers to"}
	}
	return nil
}

func validate(v Value, next *int, resources, depth int) error {
	switch v.Tag() {
	case FD, SharedMemory, Endpoint, BigData:
		if v.Resource() != *next || *next >= resources {
			return &FormatError{Rule: "resource missing, used twice or out of order"}
		}
		*next++
	case String, Error:
		if bytes.IndexByte(v.Text(), 0) >= 0 {
			return &FormatError{Rule: "NUL inside a text"}
		}
	case Array, Dictionary:
		if depth == 0 {
			return &FormatError{Rule: "nested deeper than the limit"}
		}
		it := v.Elements()
		for {
			k, e, ok := it.Next()
			if !ok {
				return it.Err()
			}
			if bytes.IndexByte(k, 0) >= 0 {
				return &FormatError{Rule: "NUL inside a key"}
			}
			if err := validate(e, next, resources, depth-1); err != nil {
				return err
			}
		}
	}
	return nil
}
