package fake

import (
	"sync"
	"sync/atomic"
)

// activity counts the goroutines of queues, so that somebody can wait for them.
type activity struct {
	busy    atomic.Int64
	waiting atomic.Int64 // in Settle and Close

	restMu sync.Mutex
	rest   chan struct{} // closed at the next rest; nil if nobody waits
}

func (a *activity) enter() { a.busy.Add(1) }

func (a *activity) leave() {
	if a.busy.Add(-1) == 0 && a.waiting.Load() > 0 {
		a.rested()
	}
}

// rested wakes those who wait, to look again.
func (a *activity) rested() {
	a.restMu.Lock()
	defer a.restMu.Unlock()
	if a.rest != nil {
		close(a.rest)
		a.rest = nil
	}
}

// await waits until done, or until limit fires; it looks each time that
// everything has come to rest, or a main has returned.
func (a *activity) await(done func() bool, limit <-chan struct{}) bool {
	a.waiting.Add(1)
	defer a.waiting.Add(-1)
	for {
		a.restMu.Lock()
		if a.rest == nil {
			a.rest = make(chan struct{})
		}
		rest := a.rest
		a.restMu.Unlock()
		if done() {
			return true
		}
		select {
		case <-rest:
		case <-limit:
			return done()
		}
	}
}

// Settle waits until every queue of the world has come to rest: all that can be
// delivered has been, and no handler runs. What goroutines of the program will
// still do it cannot know. It must not be called from a handler.
func (w *Launchd) Settle() {
	w.await(func() bool { return w.busy.Load() == 0 }, nil)
}
