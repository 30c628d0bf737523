package xpc

import (
	"math"
	"reflect"
	"unsafe"

	"github.com/go-xpc/xpc/internal/wire"
)

// A directReader is a backend's message of which single fields can be read while
// nothing was made of the whole: into what p points to, false if they do not fit.
type directReader interface {
	readDirect(d *direct, p unsafe.Pointer) bool
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
