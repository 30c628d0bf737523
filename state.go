package xpc

import (
	"sync"
	"sync/atomic"

	"github.com/go-xpc/xpc/driver"
)

// state is the part of a Connection that outlives it: the reference on the
// backend's connection, and what must be known to give it back by the rules.
// It never points to its Connection, so that the garbage collector can end one
// that was never activated.
type state struct {
	d driver.Conn

	// ctl is held across SetEventHandler and Suspend, so that they reach the
	// backend in the order of the checks before them. What may set events loose,
	// Activate, Resume and the teardown, is called without it.
	ctl       sync.Mutex
	activated bool
	suspends  int // held here only while inactive, so that row 19 is the same everywhere

	cancelled atomic.Bool // by our own Cancel or Close

	mu       sync.Mutex // never held across a call
	calls    int        // in flight; the reference is not given back under them
	closed   bool
	over     bool // the last event has been delivered
	released bool

	finalizer func(context any)
	context   any

	done chan struct{}
}

func newState(d driver.Conn) *state { return &state{d: d, done: make(chan struct{})} }

// begin counts a call in. It fails once the connection is closed.
func (s *state) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.calls++
	return nil
}

func (s *state) end() {
	s.mu.Lock()
	s.calls--
	s.releaseLocked()
	s.mu.Unlock()
}

// finish records that no event comes any more.
func (s *state) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	s.over = true
	if s.done != nil {
		close(s.done)
	}
	s.releaseLocked()
}

// releaseLocked gives the reference back when nothing can use it any more. It
// does so on another thread: the last event is delivered on one of the
// backend's own, which must not free what it runs on.
func (s *state) releaseLocked() {
	if s.closed && s.over && s.calls == 0 && !s.released {
		s.released = true
		go s.d.Release()
	}
}

// close makes every later call fail, and returns whether it was the first.
func (s *state) close() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.closed = true
	s.calls++ // for the teardown
	return true
}

// teardown cancels in any state. h receives the last event of a connection that
// was not yet activated. The caller has closed s.
func (s *state) teardown(h driver.Handler) {
	defer s.end()
	s.cancelled.Store(true)
	s.ctl.Lock()
	first := !s.activated
	s.activated = true
	suspends := s.suspends
	s.suspends = 0
	s.ctl.Unlock()

	if first {
		// Suspended, it neither sends nor delivers what has queued up, and
		// needs no rule about cancelling what is inactive.
		suspends = 1
		s.d.SetHandler(h)
		s.d.Suspend()
		s.d.Activate()
	}
	s.d.Cancel()
	for range suspends {
		s.d.Resume()
	}
}

// abandon ends a connection that nobody can reach any more. It may run outside
// the synctest bubble in which the channel was made, so it leaves that alone.
func (s *state) abandon() {
	if s.close() {
		s.mu.Lock()
		s.done = nil
		s.mu.Unlock()
		s.teardown(func(ev driver.Event) {
			if ev.Err == driver.Invalid || ev.Err == driver.Gone {
				s.finish()
				return
			}
			discard(ev)
		})
	}
}

// collected is called when the garbage collector has found the Connection
// unreachable: it was never activated, or its last event has come.
func (s *state) collected() {
	// The collector's goroutine serves everybody, and a backend may block it.
	go s.abandon()
}

// finalize runs the user's finalizer, when the backend has freed the connection.
func (s *state) finalize() {
	s.mu.Lock()
	f, ctx := s.finalizer, s.context
	s.finalizer, s.context = nil, nil
	s.mu.Unlock()
	if f != nil && ctx != nil {
		guarded("a finalizer", func() { f(ctx) })
	}
}
