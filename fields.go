//go:build cgo && ((darwin && !ios) || xpcstandin)

package xpc

import (
	"math"
	"sync"
	"time"
	"unsafe"
)

// fieldValue is struct xb_field of bridge.h.
type fieldValue struct {
	value  uint64 // of fixed size, or where the bytes are
	length uint32
	found  uint32
}

func (v *fieldValue) bytes() []byte {
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&v.value)), v.length)
}

// copied copies them to the front of room, and gives the rest of it; to a place of
// their own if there is no room. It is never nil.
func (v *fieldValue) copied(room []byte) (b, rest []byte) {
	n := int(v.length)
	if room == nil || n > len(room) {
		return append([]byte{}, v.bytes()...), room
	}
	b = room[:n:n]
	copy(b, v.bytes())
	return b, room[n:]
}

// manyFields are values that have no room on the stack.
var manyFields = sync.Pool{New: func() any { return new([maxDirect]fieldValue) }}

// store puts the values where they belong, false if one does not fit. length is that
// of all strings and data together.
func (d *direct) store(values []fieldValue, length int, p unsafe.Pointer) bool {
	var room []byte
	if 0 < length && length <= sharedBytes {
		room = make([]byte, length)
	}
	values = values[:len(d.fields)]
	for i := range d.fields {
		v := &values[i]
		if v.found == 0 {
			continue
		}
		f := &d.fields[i]
		q := unsafe.Add(p, f.offset)
		n := v.value
		ok := true
		switch f.store {
		case store64:
			*(*uint64)(q) = n
		case storeString:
			var b []byte
			b, room = v.copied(room)
			*(*string)(q) = unsafe.String(unsafe.SliceData(b), len(b))
		case storeData:
			*(*[]byte)(q), room = v.copied(room)
		case storeBool:
			*(*bool)(q) = n != 0
		case storeTime:
			*(*time.Time)(q) = fromDateNanos(int64(n))
		case storeUUID:
			*(*[16]byte)(q) = **(**[16]byte)(unsafe.Pointer(&v.value))
		case storeInt8:
			ok = put[int8](q, int64(n))
		case storeInt16:
			ok = put[int16](q, int64(n))
		case storeInt32:
			ok = put[int32](q, int64(n))
		case storeUint8:
			ok = put[uint8](q, n)
		case storeUint16:
			ok = put[uint16](q, n)
		case storeUint32:
			ok = put[uint32](q, n)
		case storeFloat32:
			x := math.Float64frombits(n)
			if ok = math.IsInf(x, 0) || !math.IsInf(float64(float32(x)), 0); ok {
				*(*float32)(q) = float32(x)
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

// put stores an integer, if it fits.
func put[T, W signed | unsigned](q unsafe.Pointer, n W) bool {
	fits := W(T(n)) == n
	if fits {
		*(*T)(q) = T(n)
	}
	return fits
}
