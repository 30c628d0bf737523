package xpc

import "sync/atomic"

// inflight counts the calls on a backend's connection, and says when its
// reference can go: after Close, the last event and the last call that Close found
// under way. One number holds all three, as every call passes here.
type inflight struct{ n atomic.Int64 }

const (
	sealed int64 = 1 << 62 // no call begins any more
	over   int64 = 1 << 61 // the last event has been delivered
)

// enter counts a call in that sets a flag, unless there is one that keeps it out.
func (f *inflight) enter(sets, unless int64) bool {
	for {
		n := f.n.Load()
		if n&unless != 0 {
			return false
		}
		if f.n.CompareAndSwap(n, n+sets+1) {
			return true
		}
	}
}

// begin counts a call in, false once sealed.
func (f *inflight) begin() bool { return f.enter(0, sealed) }

// end counts a call out. It is true for the one that nothing comes after.
func (f *inflight) end() (spent bool) { return f.n.Add(-1) == sealed|over }

// seal lets no call begin any more, and counts the one in that seals: true once.
func (f *inflight) seal() bool { return f.enter(sealed, sealed) }

// finish records the last event, and counts the one in that does: true once.
func (f *inflight) finish() bool { return f.enter(over, over) }

func (f *inflight) isOver() bool { return f.n.Load()&over != 0 }

// slots bounds how many of something there are at once.
type slots struct{ taken atomic.Int32 }

func (s *slots) take(most int32) bool {
	for {
		n := s.taken.Load()
		if n >= most {
			return false
		}
		if s.taken.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (s *slots) free() { s.taken.Add(-1) }
