package xpc

import (
	"reflect"
	"sync/atomic"
	"unsafe"
)

// A pointee is what pointers of one type point to.
type pointee struct {
	word    unsafe.Pointer // the pointer's type, as an interface has it
	pointer reflect.Type   // the same
	plan    *plan
}

// recent holds what was pointed to last, each where the type's address says. It takes
// a fraction of the time of asking reflect and the map of all plans.
var recent [64]atomic.Pointer[pointee]

// pointed is what v points to, nil if v is no pointer, or nil itself.
func pointed(v any) (unsafe.Pointer, *pointee) {
	in := (*struct{ t, p unsafe.Pointer })(unsafe.Pointer(&v)) // how an interface holds a pointer
	at := &recent[(uintptr(in.t)>>5^uintptr(in.t)>>11)%uintptr(len(recent))]
	if r := at.Load(); r != nil && r.word == in.t && in.p != nil {
		return in.p, r
	}
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return nil, nil
	}
	r := &pointee{in.t, p.Type(), planOf(p.Type().Elem())}
	at.Store(r)
	return p.UnsafePointer(), r
}

// target is what v, which is to be decoded to, points to.
func target(op string, v any) (unsafe.Pointer, *plan, error) {
	p, to := pointed(v)
	if p == nil {
		return nil, nil, misuse(op, "what to decode to is a %T, and must be a pointer that is not nil", v)
	}
	return p, to.plan, nil
}
