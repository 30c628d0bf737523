package xpc

import (
	"math"
	"reflect"
	"time"
	"unsafe"

	"github.com/go-xpc/xpc/internal/wire"
)

// A directReader is a backend's message of which single fields can be read while
// nothing was made of the whole: into what p points to, false if they do not fit.
type directReader interface {
	readDirect(d *direct, p unsafe.Pointer) bool
}

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

// direct is how a struct is read by its keys, where no field needs more than a
// look at one value. Whatever is not as it should be is left to the plan, which
// has the words for it. keys holds, for each field, a tag, how many bytes all this
// takes, the key and its NUL.
type direct struct {
	keys   []byte
	fields []directField
}

type directField struct {
	offset uintptr
	store  storeKind
}

// storeKind is what a field's memory looks like.
type storeKind uint8

const (
	storeNothing storeKind = iota
	storeBool
	storeInt8
	storeInt16
	storeInt32
	storeUint8
	storeUint16
	storeUint32
	store64
	storeFloat32
	storeString
	storeData
	storeTime
	storeUUID
)

// maxDirect bounds what is read of a message beside its plan, 16 bytes a field.
// The values of a few fields have room on the stack.
const (
	maxDirect = 256
	fewFields = 32
)

func directOf(fields []field) *direct {
	if len(fields) == 0 || len(fields) > maxDirect {
		return nil
	}
	d := &direct{}
	for i := range fields {
		f := &fields[i]
		tag, store := directKind(f.plan)
		n := len(f.name) + 3
		if store == storeNothing || f.via != nil || n > math.MaxUint8 {
			return nil
		}
		d.keys = append(append(append(d.keys, byte(tag), byte(n)), f.name...), 0)
		d.fields = append(d.fields, directField{f.offset, store})
	}
	return d
}

func directKind(p *plan) (wire.Tag, storeKind) {
	switch t := p.t; {
	case t == typeTime:
		return wire.Date, storeTime
	case isUUID(t):
		return wire.UUID, storeUUID
	case isLeaf(t):
		return 0, storeNothing
	default:
		if _, um, _, tum := methods(t); um || tum {
			return 0, storeNothing
		}
		return directByKind(t)
	}
}

func directByKind(t reflect.Type) (wire.Tag, storeKind) {
	bySize := map[uintptr]storeKind{1: storeInt8, 2: storeInt16, 4: storeInt32, 8: store64}
	unsigned := map[uintptr]storeKind{1: storeUint8, 2: storeUint16, 4: storeUint32, 8: store64}
	switch t.Kind() {
	case reflect.Bool:
		return wire.True, storeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return wire.Int64, bySize[t.Size()]
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return wire.Uint64, unsigned[t.Size()]
	case reflect.Float32:
		return wire.Double, storeFloat32
	case reflect.Float64:
		return wire.Double, store64
	case reflect.String:
		return wire.String, storeString
	case reflect.Slice:
		if isByte(t.Elem()) {
			return wire.Data, storeData
		}
	}
	return 0, storeNothing
}

// sharedBytes is up to how many bytes the strings and data of one message are made
// in one piece: what is kept of them keeps its neighbours, and so much at most.
const sharedBytes = 1 << 10

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

// readDirect reads the message into what p points to, if it can be read so.
func (m *Message) readDirect(p reflect.Value) bool {
	d := planOf(p.Type().Elem()).direct
	if d == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	from, ok := m.d.(directReader)
	return ok && !m.parsed && m.alive() && from.readDirect(d, p.UnsafePointer())
}
