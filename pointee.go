package xpc

import (
	"reflect"
	"sync/atomic"
	"unsafe"
)

// A pointee is what pointers of one type point to.
type pointee struct {
	word unsafe.Pointer // what an interface holds for the pointer's type
	t    reflect.Type   // the pointer's type
	plan *plan
}

// recentPointees holds what was pointed to last, each where the type's address says.
// It takes a fraction of the time of asking reflect and the map of all plans.
var recentPointees [64]atomic.Pointer[pointee]

// pointeeOf is what v points to, nil if v is no pointer, or nil itself.
func pointeeOf(v any) (unsafe.Pointer, *pointee) {
	in := (*struct{ word, p unsafe.Pointer })(unsafe.Pointer(&v)) // how an interface holds most pointers
	at := &recentPointees[(uintptr(in.word)>>5^uintptr(in.word)>>11)%uintptr(len(recentPointees))]
	if r := at.Load(); r != nil && r.word == in.word && in.p != nil {
		return in.p, r
	}
	v0 := reflect.ValueOf(v)
	if v0.Kind() != reflect.Pointer || v0.IsNil() {
		return nil, nil
	}
	p := v0.UnsafePointer()
	r := &pointee{in.word, v0.Type(), planOf(v0.Type().Elem())}
	// A pointer to a type that lives in C only (runtime/cgo.Incomplete) is boxed, and is
	// not to be remembered.
	if p == in.p {
		at.Store(r)
	}
	return p, r
}

// target is what v, which is to be decoded to, points to.
func target(op string, v any) (unsafe.Pointer, *plan, error) {
	p, to := pointeeOf(v)
	if p == nil {
		return nil, nil, misuse(op, "what to decode to is a %T, and must be a pointer that is not nil", v)
	}
	return p, to.plan, nil
}
