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
	d     driver.Conn
	kind  driver.Kind
	flags uint64
	name  string

	// ctl is held across SetEventHandler and Suspend, so that they reach the
	// backend in the order of the checks before them. What may set events loose,
	// Activate, Resume and Cancel, is called without it.
	ctl      sync.Mutex
	phase    phase
	suspends int    // held back here until active, so that row 19 is the same everywhere
	latch    *latch // what a held connection's last event goes to

	cancelled atomic.Bool // by our own Cancel or Close
	queued    atomic.Bool // something was sent

	givenUp atomic.Int32 // calls whose context has ended and whose reply is due
	calls   inflight

	mu   sync.Mutex // never held across a call
	why  string     // the reason of the invalidation, once known
	dead bool

	finalizer func(context any)
	context   any

	done chan struct{}
}

type phase uint8

const (
	inactive phase = iota
	held           // cancelled before activation: see hold
	active
	torn // by Close or the garbage collector
)

func newState(spec driver.Spec, d driver.Conn) *state {
	s := &state{d: d, kind: spec.Kind, flags: spec.Flags, done: make(chan struct{})}
	s.name, _ = d.Name()
	return s
}

// begin counts a call in. It fails once the connection is closed.
func (s *state) begin() error {
	if !s.calls.begin() {
		return ErrClosed
	}
	return nil
}

func (s *state) end() {
	if s.calls.end() {
		// On another thread: the last event is delivered on one of the backend's
		// own, which must not free what it runs on.
		go s.d.Release()
	}
}

// finish records that no event comes any more; cut ends, before Done tells of it,
// what would let one through. The reference stays until both are over.
func (s *state) finish(cut func()) {
	if !s.calls.finish() {
		return
	}
	defer s.end()
	cut()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done != nil {
		close(s.done)
	}
}

// latch receives the events of a connection that was cancelled or torn down
// before the program activated it, and hands them on once there is a binding.
type latch struct {
	s  *state
	to atomic.Pointer[binding]
}

func (l *latch) deliver(ev driver.Event) {
	switch b := l.to.Load(); {
	case b != nil:
		b.deliver(ev)
	case ev.Err == driver.Invalid || ev.Err == driver.Gone:
		l.s.finish(func() {})
	default:
		discard(ev)
	}
}

// hold is called under ctl in phase inactive. What it returns is called after
// it and cancels: the backend's connection is then active, suspended once by
// us, and cancelled. So no rule is needed about cancelling or releasing what is
// inactive, and the last event waits for the one Resume that lets it out.
func (s *state) hold() (cancel func()) {
	s.latch = &latch{s: s}
	s.d.SetHandler(s.latch.deliver)
	s.d.Suspend()
	return func() {
		if s.queued.Load() {
			// A suspension may not hold back what waits to be sent (K-2), and
			// it must not reach anybody now.
			s.d.Cancel()
		}
		s.d.Activate()
		s.d.Cancel()
	}
}

// cancel cancels in any phase but torn, where it is false.
func (s *state) cancel() bool {
	s.cancelled.Store(true)
	cancel := s.d.Cancel
	s.ctl.Lock()
	switch s.phase {
	case inactive:
		s.phase = held
		cancel = s.hold()
	case torn:
		s.ctl.Unlock()
		return false
	}
	s.ctl.Unlock()
	cancel()
	return true
}

// teardown cancels and resumes in any phase. last makes, under ctl, what the
// last event of a connection goes to that the program did not activate; it may
// return nil. The caller has sealed s.calls.
func (s *state) teardown(last func() *binding) {
	defer s.end()
	s.cancelled.Store(true)
	s.ctl.Lock()
	was, cancel, resumes := s.phase, s.d.Cancel, s.suspends
	s.phase, s.suspends = torn, 0
	if was == inactive {
		cancel = s.hold()
	}
	if was != active {
		resumes = 1
		s.latch.to.Store(last())
	}
	s.ctl.Unlock()
	if was != held {
		cancel()
	}
	for range resumes {
		s.d.Resume()
	}
}

// abandon ends a connection that nobody can reach any more. It may run outside
// the synctest bubble in which the channel was made, so it leaves that alone.
func (s *state) abandon() {
	if s.calls.seal() {
		s.mu.Lock()
		s.done = nil
		s.mu.Unlock()
		s.teardown(func() *binding { return nil })
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

// noteReason keeps the reason of an invalidation. The backend's connection is
// held by the caller.
func (s *state) noteReason() {
	if why, ok := s.d.InvalidationReason(); ok {
		s.mu.Lock()
		s.why, s.dead = why, true
		s.mu.Unlock()
	}
}

func (s *state) reason() (string, bool) {
	if s.begin() == nil {
		s.noteReason()
		s.end()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why, s.dead
}

func (s *state) isListener() bool {
	return s.kind == driver.KindAnonymous || s.kind == driver.KindMachService && s.flags&driver.FlagListener != 0
}

func (s *state) newError(op string, ev driver.Event) *Error {
	e := &Error{Op: op, Service: s.name, Description: ev.Text, Hint: s.hint(ev.Err), sentinel: sentinels[ev.Err]}
	if ev.Err == driver.Invalid {
		e.Reason, _ = s.reason()
	}
	return e
}
