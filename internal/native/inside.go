package native

import "github.com/go-xpc/xpc/driver"

// The way between Go values and objects of C without a connection, for tests and
// measures on the stand-in, where package xpc sets these. Objects are retained,
// and given back with Release.
var (
	// Encode makes the object that a send of v would send; EncodeOnce gives it
	// back in the same call.
	Encode     func(v any) (object uintptr, err error)
	EncodeOnce func(v any) error
	// Build makes the object of any payload.
	Build func(p *driver.Payload) (object uintptr, err error)
	// Deliver calls f with what an object arrives as.
	Deliver func(object uintptr, f func(driver.Message))
	// Receiver gives a function that calls f with an object as a received
	// *xpc.Message, as a reply handler is called, until free: any number of times,
	// from C, as libxpc does.
	Receiver func(f func(message any)) (receive func(object uintptr, times int), free func())
	// RunMain is the backend's Main for a pretended process: on any thread, and
	// again for the next. It never returns.
	RunMain func(accept func(driver.Conn))
	// Release gives an object back.
	Release func(object uintptr)
)

// Receive calls f with one object as a received *xpc.Message.
func Receive(object uintptr, f func(message any)) {
	receive, free := Receiver(f)
	defer free()
	receive(object, 1)
}
