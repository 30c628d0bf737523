package xpc

import (
	"math"
	"reflect"
	"sync"
	"time"
	"unsafe"

	"github.com/go-xpc/xpc/internal/wire"
)

// A fieldReader is a backend's message of which single fields can be read while
// nothing was made of the whole. keys holds, for each field, a tag, how many bytes
// all this takes, the key and its NUL. The result is the length of all strings, or
// less than 0 if a value is not of its tag's type; bytes in the fields are the
// message's own.
type fieldReader interface {
	readFields(keys []byte, to []fieldValue) int
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

// direct is how a struct is read by its keys, where no field needs more than a
// look at one value. Whatever is not as it should be is left to the plan, which
// has the words for it.
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

// maxDirect bounds what is read of a message beside its plan: 16 bytes a field.
const maxDirect = 256

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

// sharedText is up to how many bytes the strings of one message are made in one
// piece: a string that is kept keeps its neighbours, and so much at most.
const sharedText = 1 << 10

// store puts the values where they belong, false if one does not fit.
func (d *direct) store(values []fieldValue, texts int, p unsafe.Pointer) bool {
	var room []byte
	if 0 < texts && texts <= sharedText {
		room = make([]byte, 0, texts)
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
			start := len(room)
			if t := v.bytes(); len(t) <= cap(room)-start {
				room = room[:start+len(t)]
				copy(room[start:], t)
				*(*string)(q) = unsafe.String(unsafe.SliceData(room[start:]), len(t))
			} else {
				*(*string)(q) = string(t)
			}
		case storeBool:
			*(*bool)(q) = n != 0
		case storeData:
			*(*[]byte)(q) = append([]byte{}, v.bytes()...)
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

// reading is what readDirect needs: the plan that it used last, and room.
type reading struct {
	last   lastPlan
	values []fieldValue
}

var readings = sync.Pool{New: func() any { return new(reading) }}

// readDirect reads the message into what p points to, if it can be read so.
func (m *Message) readDirect(p reflect.Value) bool {
	r := readings.Get().(*reading)
	defer readings.Put(r)
	d := r.last.of(p.Type().Elem()).direct
	if d == nil {
		return false
	}
	if cap(r.values) < len(d.fields) {
		r.values = make([]fieldValue, len(d.fields))
	}
	values := r.values[:len(d.fields)]

	m.mu.Lock()
	defer m.mu.Unlock()
	from, ok := m.d.(fieldReader)
	if !ok || m.parsed || !m.alive() {
		return false
	}
	texts := from.readFields(d.keys, values)
	return texts >= 0 && d.store(values, texts, p.UnsafePointer())
}
