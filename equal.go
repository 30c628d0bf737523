package xpc

import (
	"bytes"
	"hash/maphash"
	"math"
	"os"
	"reflect"
	"time"
)

// Equal tells whether two values are the same to libxpc. What is sent alike is
// equal, whatever its Go type: an int and an int64, a struct and the [Dictionary]
// that [Marshal] makes of it. Values of different XPC types never are: int64 1 is
// not uint64 1 (row 247). Arrays compare by index, dictionaries by key, whatever
// their order (row 248).
//
// Doubles are equal if their bits are: a NaN is equal to the same NaN, and 0 is
// not -0 (row 259 is open: libxpc does not say). Dates compare as nanoseconds.
// An *os.File is equal only to itself, not to a duplicate, and so is what
// contains one (row 270); an [FD] is equal to the same number. Endpoints compare
// as [Endpoint.Equal] does, shared memory and connections by identity. What cannot
// be sent is equal to nothing, and so is what is nested deeper than a message can
// be. A *[Message] compares as its dictionary; after its release it is equal to
// nothing.
//
// C: xpc_equal, https://developer.apple.com/documentation/xpc/1505862-xpc_equal
func Equal(a, b any) bool {
	a, doneA, okA := opened(a)
	defer doneA()
	b, doneB, okB := opened(b)
	defer doneB()
	return okA && okB && equal(a, b, localLimits.Depth)
}

// opened gives a message as its dictionary, and what closes its files.
func opened(v any) (_ any, done func(), ok bool) {
	m, isMessage := v.(*Message)
	if !isMessage || m == nil {
		return v, func() {}, true
	}
	d, err := m.Dictionary()
	return d, func() { CloseFiles(d) }, err == nil
}

func equal(a, b any, depth int) bool {
	if c, ok := a.(*Connection); ok {
		o, ok := b.(*Connection)
		return ok && c == o
	}
	a, okA := look(a)
	b, okB := look(b)
	if !okA || !okB || reflect.TypeOf(a) != reflect.TypeOf(b) {
		return false
	}
	switch a := a.(type) {
	case float64:
		return math.Float64bits(a) == math.Float64bits(b.(float64))
	case []byte:
		return bytes.Equal(a, b.([]byte))
	case time.Time:
		x, okX := dateNanos(a)
		y, okY := dateNanos(b.(time.Time))
		return okX && okY && x == y
	case *Endpoint:
		return a.Equal(b.(*Endpoint))
	case Dictionary:
		return depth > 0 && equalDictionaries(a, b.(Dictionary), depth-1)
	case Array:
		return depth > 0 && equalArrays(a, b.(Array), depth-1)
	}
	return a == b // nil, bool, integers, strings, UUID, FD, Unsupported, and pointers
}

func equalDictionaries(a, b Dictionary, depth int) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		w, ok := b[k]
		if !ok || !equal(v, w, depth) {
			return false
		}
	}
	return true
}

func equalArrays(a, b Array, depth int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equal(a[i], b[i], depth) {
			return false
		}
	}
	return true
}

// seed makes hashes differ from one process to the next, so that nobody can
// choose values that collide.
var seed = maphash.MakeSeed()

// Hash gives equal numbers for values that are [Equal], in this process.
//
// C: xpc_hash, https://developer.apple.com/documentation/xpc/1505816-xpc_hash
func Hash(v any) uint64 {
	v, done, ok := opened(v)
	defer done()
	if !ok {
		return 0
	}
	return hash(v, localLimits.Depth)
}

func hash(v any, depth int) uint64 {
	if c, ok := v.(*Connection); ok {
		return maphash.Comparable(seed, c)
	}
	v, ok := look(v)
	if !ok {
		return 0
	}
	switch v := v.(type) {
	case nil:
		return maphash.String(seed, "null")
	case bool:
		return maphash.Comparable(seed, v)
	case int64:
		return maphash.Comparable(seed, hashed{"int64", uint64(v)})
	case uint64:
		return maphash.Comparable(seed, hashed{"uint64", v})
	case float64:
		return maphash.Comparable(seed, hashed{"double", math.Float64bits(v)})
	case time.Time:
		ns, _ := dateNanos(v)
		return maphash.Comparable(seed, hashed{"date", uint64(ns)})
	case string:
		return maphash.Comparable(seed, v)
	case []byte:
		return maphash.Bytes(seed, v)
	case UUID:
		return maphash.Comparable(seed, v)
	case FD:
		return maphash.Comparable(seed, v)
	case *os.File:
		return maphash.Comparable(seed, v)
	case *SharedMemory:
		return maphash.Comparable(seed, v)
	case *Endpoint:
		return maphash.String(seed, "endpoint") // only the runtime knows which are equal
	case Unsupported:
		return maphash.Comparable(seed, v)
	case Dictionary:
		if depth == 0 {
			return 0
		}
		var sum uint64 // of entries in no order
		for k, e := range v {
			sum += maphash.Comparable(seed, hashed{k, hash(e, depth-1)})
		}
		return maphash.Comparable(seed, hashed{"dictionary", sum})
	case Array:
		if depth == 0 {
			return 0
		}
		h := uint64(len(v))
		for _, e := range v {
			h = maphash.Comparable(seed, hashed{"element", h ^ hash(e, depth-1)})
		}
		return maphash.Comparable(seed, hashed{"array", h})
	}
	return 0
}

// hashed is a number with what it counts.
type hashed struct {
	of string
	n  uint64
}
