//go:build darwin && cgo

// Package macqueue lets connections deliver on a dispatch queue of macdriver, so
// that a Cocoa program receives its events on the main queue, between those of
// its user interface. It is the only package that links macdriver's frameworks.
package macqueue

import (
	"unsafe"

	"github.com/progrium/macdriver/dispatch"

	"github.com/go-xpc/xpc"
)

// New makes an [xpc.Queue] of a queue of macdriver, which is retained until
// Close. It may be called on any thread. A nil queue is [xpc.ErrMisuse].
//
// C: dispatch_retain, https://developer.apple.com/documentation/dispatch/1496306-dispatch_retain
func New(label string, q dispatch.Queue) (*xpc.Queue, error) {
	return xpc.RawQueue(label, unsafe.Pointer(q))
}

// Main makes an [xpc.Queue] of the main queue. Handlers run on the main thread,
// as long as the program's event loop does.
//
// C: dispatch_get_main_queue,
// https://developer.apple.com/documentation/dispatch/1452921-dispatch_get_main_queue
func Main() (*xpc.Queue, error) {
	return New("com.apple.main-thread", dispatch.MainQueue())
}
