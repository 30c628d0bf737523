//go:build cgo && ((darwin && !ios) || xpcstandin)

package xpc

import (
	"math"
	"sync"
	"time"
	"unsafe"

	"github.com/go-xpc/xpc/internal/wire"
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

func (v *fieldValue) uuid() [16]byte { return **(**[16]byte)(unsafe.Pointer(&v.value)) }

// copied copies the bytes to the front of room, and gives the rest of it; to a place of
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

// A reading has room for the values of a message, and for its strings and data.
type reading struct {
	values [maxDirect]fieldValue
	text   []byte
}

var readings = sync.Pool{New: func() any { return new(reading) }}

// room is for strings and data of n bytes, nil if each has to be on its own. It
// begins where a type of 8 bytes may, and with it data that no string is before.
func (r *reading) room(n int) []byte {
	switch {
	case n == 0 || n > sharedBytes:
		return nil
	case n > pieceBytes/4:
		return make([]byte, n)
	case n > len(r.text):
		r.text = make([]byte, pieceBytes)
	}
	room := r.text[:n:n]
	r.text = r.text[(n+7)&^7:]
	return room
}

func (m *nativeMessage) readDirect(d *direct, p unsafe.Pointer) bool {
	if m.empty {
		return true // nothing is found
	}
	r := readings.Get().(*reading)
	length := m.readFields(&d.keys[0], &r.values[0])
	ok := length >= 0 && d.store(r, length, p)
	readings.Put(r)
	return ok
}

func (m *nativeMessage) readSingle(keys *singleKey) (v single, ok bool) {
	if m.empty {
		return v, true
	}
	var f fieldValue
	if m.object == 0 || m.readFields(&keys[0], &f) < 0 {
		return v, false
	}
	v.found, v.number = f.found != 0, f.value
	switch tag := wire.Tag(keys[0]); {
	case !v.found:
	case tag == wire.String || tag == wire.Data:
		v.bytes = append([]byte{}, f.bytes()...)
	case tag == wire.UUID:
		v.uuid = f.uuid()
	}
	return v, true
}

// store puts the values where they belong, false if one does not fit. length is that
// of all strings and data together.
func (d *direct) store(r *reading, length int, p unsafe.Pointer) bool {
	values := r.values[:]
	if !storeFixed(d.fixed, values, p) {
		return false
	}
	values = values[len(d.fixed):]
	storeWords(d.words, values, p)
	values = values[len(d.words):]
	room := r.room(length)
	for i := range d.others {
		v, f := &values[i], &d.others[i]
		if v.found == 0 {
			continue
		}
		q := unsafe.Add(p, f.offset)
		switch f.shape {
		case shapeString:
			var b []byte
			b, room = v.copied(room)
			*(*string)(q) = unsafe.String(unsafe.SliceData(b), len(b))
		case shapeData:
			*(*[]byte)(q), room = v.copied(room)
		case shapeTime:
			*(*time.Time)(q) = fromDateNanos(int64(v.value))
		}
	}
	return true
}

func storeWords(to []uintptr, values []fieldValue, p unsafe.Pointer) {
	values = values[:len(to)]
	for i, offset := range to {
		if v := &values[i]; v.found != 0 {
			*(*uint64)(unsafe.Add(p, offset)) = v.value
		}
	}
}

// storeFixed calls nothing, so that all it needs stays in registers.
func storeFixed(fields []directField, values []fieldValue, p unsafe.Pointer) bool {
	values = values[:len(fields)]
	for i := range fields {
		v, f := &values[i], &fields[i]
		if v.found == 0 {
			continue
		}
		q := unsafe.Add(p, f.offset)
		n := v.value
		ok := true
		switch f.shape {
		case shapeBool:
			*(*bool)(q) = n != 0
		case shapeUUID:
			*(*[16]byte)(q) = v.uuid()
		case shapeInt8:
			ok = put[int8](q, int64(n))
		case shapeInt16:
			ok = put[int16](q, int64(n))
		case shapeInt32:
			ok = put[int32](q, int64(n))
		case shapeUint8:
			ok = put[uint8](q, n)
		case shapeUint16:
			ok = put[uint16](q, n)
		case shapeUint32:
			ok = put[uint32](q, n)
		case shapeFloat32:
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
