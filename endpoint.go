package xpc

import (
	"runtime"

	"github.com/go-xpc/xpc/driver"
)

// An Endpoint refers to a listener, usually an anonymous one. It is a value that
// can be sent in messages, and [Runtime.NewFromEndpoint] connects to it. It may
// be used from any goroutine and needs no release.
//
// C: https://developer.apple.com/documentation/xpc/xpc_endpoint_t
type Endpoint struct{ d driver.Endpoint }

func newEndpoint(d driver.Endpoint) *Endpoint {
	e := &Endpoint{d: d}
	runtime.AddCleanup(e, func(d driver.Endpoint) { d.Release() }, d)
	return e
}

// Equal tells whether both refer to the same listener, as far as the runtime
// can tell (row 164).
func (e *Endpoint) Equal(o *Endpoint) bool {
	if e == nil || o == nil {
		return e == o
	}
	defer runtime.KeepAlive(o)
	defer runtime.KeepAlive(e)
	return e == o || e.d != nil && o.d != nil && e.d.Equal(o.d)
}
