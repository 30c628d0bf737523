package xpc

import (
	"strings"
	"sync"

	"github.com/go-xpc/xpc/driver"
)

// A Queue is a dispatch queue, on which handlers run. Connections that share a
// serial queue never run two handlers at once. A nil *Queue, wherever one is
// taken, is the default concurrent queue.
//
// A Queue may be used from any goroutine.
//
// C: https://developer.apple.com/documentation/dispatch/dispatch_queue
type Queue struct {
	label string

	mu     sync.Mutex // never held across a call
	d      driver.Queue
	uses   int // of d, which is released after the last of them
	closed bool
}

// NewQueue makes a serial queue: what runs on it never overlaps. The label
// appears in crash reports and may be empty. Close gives the queue back.
//
// C: dispatch_queue_create,
// https://developer.apple.com/documentation/dispatch/1453030-dispatch_queue_create
func (r *Runtime) NewQueue(label string) (*Queue, error) { return r.newQueue("NewQueue", label, false) }

// NewConcurrentQueue makes a queue whose blocks may overlap. The handler of one
// connection still never overlaps itself.
func (r *Runtime) NewConcurrentQueue(label string) (*Queue, error) {
	return r.newQueue("NewConcurrentQueue", label, true)
}

func (r *Runtime) newQueue(op, label string, concurrent bool) (*Queue, error) {
	if strings.IndexByte(label, 0) >= 0 {
		return nil, misuse(op, "label %q holds a NUL byte", label)
	}
	d, err := r.backend().NewQueue(label, concurrent)
	if err != nil {
		return nil, err
	}
	return WrapQueue(label, d), nil
}

// WrapQueue makes a Queue of a backend's own. Programs use [Runtime.NewQueue].
func WrapQueue(label string, d driver.Queue) *Queue { return &Queue{label: label, d: d} }

// Label is the label given at creation.
func (q *Queue) Label() string { return q.label }

// Async runs f on the queue, later. It is misuse after Close.
//
// C: dispatch_async, https://developer.apple.com/documentation/dispatch/1453057-dispatch_async
func (q *Queue) Async(f func()) error {
	if f == nil {
		return misuse("Async", "the function is nil")
	}
	return q.use(func(d driver.Queue) error {
		d.Async(func() { guarded("a function on a queue", f) })
		return nil
	})
}

// Close gives the queue back. Connections that use it keep it, and what was
// queued still runs. Closing again does nothing.
func (q *Queue) Close() error {
	q.mu.Lock()
	q.closed = true
	q.unlockAndRelease()
	return nil
}

func (q *Queue) unlockAndRelease() {
	d := q.d
	if !q.closed || q.uses > 0 {
		d = nil
	}
	if d != nil {
		q.d = nil
	}
	q.mu.Unlock()
	if d != nil {
		d.Release()
	}
}

// use calls f with the backend's queue, nil for a nil Queue. The queue is not
// released meanwhile.
func (q *Queue) use(f func(driver.Queue) error) error {
	if q == nil {
		return f(nil)
	}
	q.mu.Lock()
	if q.closed || q.d == nil {
		q.mu.Unlock()
		return misuse("Queue", "queue %q is closed", q.label)
	}
	q.uses++
	d := q.d
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		q.uses--
		q.unlockAndRelease()
	}()
	return f(d)
}
