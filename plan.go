package xpc

import (
	"encoding"
	"os"
	"reflect"
	"sync"
	"time"
	"unsafe"

	"github.com/go-xpc/xpc/internal/wire"
)

// plan is how values of one Go type are encoded and decoded. It works on the
// address of a value, so that no field is boxed on the way. Plans are made once
// per type, refer to each other (types may be recursive), and do not change once
// they are published.
type plan struct {
	t       reflect.Type
	enc     func(e *encoder, p unsafe.Pointer) error
	dec     func(d *decoder, v wire.Value, p unsafe.Pointer) error
	empty   func(p unsafe.Pointer) bool // for omitempty
	xpc     string                      // libxpc's name of the type, "" if it depends on the value
	fast    wire.Tag                    // of 8 bytes, or a string, which dec need not be called for
	null    bool                        // a null of its own kind: any, pointers, and what has an UnmarshalXPC
	direct  *direct                     // nil if not every field can be read alone
	scratch *sync.Pool                  // addressable copies of values in interfaces; nil if the address may be kept
}

var plans sync.Map // reflect.Type -> *plan

// lastPlan remembers the plan of one type, as most messages of one encoder are of
// one type.
type lastPlan struct{ p *plan }

func (l *lastPlan) of(t reflect.Type) *plan {
	if l.p == nil || l.p.t != t {
		l.p = planOf(t)
	}
	return l.p
}

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	b := builder{}
	p := b.plan(t)
	// Only a whole graph is published. Two goroutines may both make one; both work.
	for t, p := range b {
		plans.LoadOrStore(t, p)
	}
	return p
}

// builder holds the plans under way, for types that contain themselves.
type builder map[reflect.Type]*plan

func (b builder) plan(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	if p, ok := b[t]; ok {
		return p
	}
	p := &plan{t: t}
	b[t] = p
	b.fill(p)
	if p.empty == nil {
		p.empty = isEmpty(t)
	}
	if !keepsAddress(t) {
		p.scratch = &sync.Pool{New: func() any {
			v := reflect.New(t)
			return &scratch{v.Elem(), v.UnsafePointer()}
		}}
	}
	return p
}

type scratch struct {
	v reflect.Value
	p unsafe.Pointer
}

var (
	typeTime         = reflect.TypeFor[time.Time]()
	typeFile         = reflect.TypeFor[*os.File]()
	typeFD           = reflect.TypeFor[FD]()
	typeEndpoint     = reflect.TypeFor[*Endpoint]()
	typeSharedMemory = reflect.TypeFor[*SharedMemory]()
	typeMessage      = reflect.TypeFor[*Message]()
	typeReply        = reflect.TypeFor[*Reply]()
	typeConnection   = reflect.TypeFor[*Connection]()
	typeUnsupported  = reflect.TypeFor[Unsupported]()

	typeMarshaler       = reflect.TypeFor[Marshaler]()
	typeUnmarshaler     = reflect.TypeFor[Unmarshaler]()
	typeTextMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	typeTextUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// isUUID takes every [16]byte that is called UUID for one: those of the common
// packages are, and C and Swift peers expect a uuid.
func isUUID(t reflect.Type) bool {
	return t.Kind() == reflect.Array && t.Len() == 16 && t.Elem().Kind() == reflect.Uint8 && t.Name() == "UUID"
}

// isLeaf tells types that are one XPC value whatever they look like inside.
func isLeaf(t reflect.Type) bool {
	switch t {
	case typeTime, typeFile, typeFD, typeEndpoint, typeSharedMemory, typeUnsupported,
		typeMessage, typeReply, typeConnection:
		return true
	}
	return isUUID(t)
}

// methods tells whether t, or the pointer to it, has methods of its own for
// either direction.
func methods(t reflect.Type) (marshal, unmarshal, textMarshal, textUnmarshal bool) {
	if isLeaf(t) || t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return false, false, false, false
	}
	p := reflect.PointerTo(t)
	return p.Implements(typeMarshaler), p.Implements(typeUnmarshaler),
		p.Implements(typeTextMarshaler), p.Implements(typeTextUnmarshaler)
}

// keepsAddress tells whether an address inside a value of type t may be kept by
// what encodes it: by a method, or by a payload that refers to large data.
func keepsAddress(t reflect.Type) bool {
	if m, _, tm, _ := methods(t); m || tm {
		return true
	}
	if isLeaf(t) {
		return false
	}
	switch t.Kind() {
	case reflect.Array:
		return t.Size() >= wire.BigDataSize || keepsAddress(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if keepsAddress(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

func (b builder) fill(p *plan) {
	t := p.t
	if b.leaf(p) {
		return
	}
	m, um, tm, tum := methods(t)
	if !(m && um) {
		b.kind(p)
	}
	if m || um || tm || tum {
		p.fast, p.direct = 0, nil
	}
	// Text comes before the kind, and our own pair before text.
	if tm {
		p.enc, p.xpc = encText(t), "string"
	}
	if tum {
		p.dec = decText(t)
	}
	if m {
		p.enc, p.xpc = encMarshaler(t), ""
	}
	if um {
		p.dec, p.null = decUnmarshaler(t), true
	}
}

func (b builder) leaf(p *plan) bool {
	switch t := p.t; {
	case t == typeTime:
		p.enc, p.dec, p.xpc = encTime, decTime, "date"
	case isUUID(t):
		p.enc, p.dec, p.xpc = encUUID, decUUID, "uuid"
	case t == typeFile:
		p.enc, p.dec = encFile, decFile
	case t == typeFD:
		p.enc, p.dec, p.xpc = encFD, decFD, "fd"
	case t == typeEndpoint:
		p.enc, p.dec = encEndpoint, decEndpoint
	case t == typeSharedMemory:
		p.enc, p.dec = encSharedMemory, decSharedMemory
	case t == typeUnsupported:
		p.enc, p.dec = encUnsupported, decUnsupported
	case t == typeMessage, t == typeReply, t == typeConnection:
		p.enc = func(e *encoder, p unsafe.Pointer) error {
			return e.value(reflect.NewAt(t, p).Elem().Interface())
		}
		p.dec = decNothing(t)
	default:
		return false
	}
	return true
}

func (b builder) kind(p *plan) {
	t := p.t
	if is, tag := shapeOf(t); is == shape64 || is == shapeString {
		p.fast = tag
	}
	switch t.Kind() {
	case reflect.Bool:
		p.enc, p.dec, p.xpc = encBool, decBool, "bool"
	case reflect.Int:
		p.enc, p.dec, p.xpc = encInt[int], decInt[int], "int64"
	case reflect.Int8:
		p.enc, p.dec, p.xpc = encInt[int8], decInt[int8], "int64"
	case reflect.Int16:
		p.enc, p.dec, p.xpc = encInt[int16], decInt[int16], "int64"
	case reflect.Int32:
		p.enc, p.dec, p.xpc = encInt[int32], decInt[int32], "int64"
	case reflect.Int64:
		p.enc, p.dec, p.xpc = encInt[int64], decInt[int64], "int64"
	case reflect.Uint:
		p.enc, p.dec, p.xpc = encUint[uint], decUint[uint], "uint64"
	case reflect.Uint8:
		p.enc, p.dec, p.xpc = encUint[uint8], decUint[uint8], "uint64"
	case reflect.Uint16:
		p.enc, p.dec, p.xpc = encUint[uint16], decUint[uint16], "uint64"
	case reflect.Uint32:
		p.enc, p.dec, p.xpc = encUint[uint32], decUint[uint32], "uint64"
	case reflect.Uint64:
		p.enc, p.dec, p.xpc = encUint[uint64], decUint[uint64], "uint64"
	case reflect.Float32:
		p.enc, p.dec, p.xpc = encFloat32, decFloat32, "double"
	case reflect.Float64:
		p.enc, p.dec, p.xpc = encFloat64, decFloat64, "double"
	case reflect.String:
		p.enc, p.dec, p.xpc = encString, decString, "string"
	case reflect.Slice:
		b.slice(p)
	case reflect.Array:
		b.array(p)
	case reflect.Map:
		b.mapping(p)
	case reflect.Pointer:
		b.pointer(p)
	case reflect.Struct:
		b.structure(p)
	case reflect.Interface:
		b.iface(p)
	default:
		p.enc = func(*encoder, unsafe.Pointer) error { return fail("unsupported Go type %s", t) }
		p.dec = decNothing(t)
	}
}

// isEmpty is what omitempty asks: the zero value, by the type's own IsZero if it
// has one, or nothing inside.
func isEmpty(t reflect.Type) func(unsafe.Pointer) bool {
	type zeroer interface{ IsZero() bool }
	if reflect.PointerTo(t).Implements(reflect.TypeFor[zeroer]()) && t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
		return func(p unsafe.Pointer) bool { return reflect.NewAt(t, p).Interface().(zeroer).IsZero() }
	}
	switch t.Kind() {
	case reflect.Bool, reflect.Int8, reflect.Uint8:
		return func(p unsafe.Pointer) bool { return *(*uint8)(p) == 0 }
	case reflect.Int16, reflect.Uint16:
		return func(p unsafe.Pointer) bool { return *(*uint16)(p) == 0 }
	case reflect.Int32, reflect.Uint32:
		return func(p unsafe.Pointer) bool { return *(*uint32)(p) == 0 }
	case reflect.Int64, reflect.Uint64:
		return func(p unsafe.Pointer) bool { return *(*uint64)(p) == 0 }
	case reflect.Int, reflect.Uint, reflect.Uintptr:
		return func(p unsafe.Pointer) bool { return *(*uint)(p) == 0 }
	case reflect.Pointer:
		return func(p unsafe.Pointer) bool { return *(*unsafe.Pointer)(p) == nil }
	case reflect.String:
		return func(p unsafe.Pointer) bool { return *(*string)(p) == "" }
	case reflect.Slice:
		return func(p unsafe.Pointer) bool { return len(*(*[]struct{})(p)) == 0 }
	case reflect.Map:
		return func(p unsafe.Pointer) bool { return reflect.NewAt(t, p).Elem().Len() == 0 }
	}
	return func(p unsafe.Pointer) bool { return reflect.NewAt(t, p).Elem().IsZero() }
}
