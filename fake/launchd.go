package fake

import (
	"sync"
	"sync/atomic"
	"time"
)

// Launchd is a world of its own: launchd with its jobs, and the pretended
// processes that talk to each other through it. Worlds know nothing of one
// another, so that parallel tests each have theirs.
//
// A Launchd and everything in it may be used from any goroutine. It runs in a
// testing/synctest bubble: it never sleeps nor polls, and keeps no goroutine
// that has nothing to do.
type Launchd struct {
	opt options

	// mu guards the whole world but the queues. It is held for short, and never
	// while a function of the user runs: those run on queues and goroutines.
	mu        sync.Mutex
	closed    bool
	domains   map[Domain]map[string]*port
	jobs      []*Job
	processes map[*Process]struct{}
	waiters   []chan struct{} // for synchronous sends, free
	trash     []resource      // descriptors to close once mu is free
	ended     []*Process      // whose contexts end once mu is free
	after     []func()        // called once mu is free
	faults    []*Injection
	injected  int // faults so far
	misuses   []error
	findings  []string
	paths     map[string]bool // that exist
	accounts  map[string]int  // made up for UserName
	lastPID   int
	lastConn  uint32
	events    eventLog
	mains     int  // that have not returned
	tidying   bool // Close waits for what would be a leak

	activity

	global *queue // the default concurrent queue

	descriptors atomic.Int64 // held by messages
}

// NewLaunchd makes a world without jobs and processes. [Launchd.Close] ends it.
func NewLaunchd(opts ...Option) *Launchd {
	w := &Launchd{
		domains:   map[Domain]map[string]*port{},
		processes: map[*Process]struct{}{},
		paths:     map[string]bool{},
		accounts:  map[string]int{},
		lastPID:   1000,
	}
	w.events.start = time.Now()
	for _, o := range opts {
		o(&w.opt)
	}
	w.global = &queue{w: w, label: "default", concurrent: true}
	return w
}

// unlock gives mu back, then does what must not be done under it.
func (w *Launchd) unlock() {
	if w.trash == nil && w.ended == nil && w.after == nil && !w.tidying {
		w.mu.Unlock()
		return
	}
	tidying := w.tidying
	trash, ended, after := w.trash, w.ended, w.after
	w.trash, w.ended, w.after = nil, nil, nil
	w.mu.Unlock()
	w.closeResources(trash)
	for _, p := range ended {
		p.cancel()
	}
	for _, f := range after {
		f()
	}
	if tidying {
		w.rested()
	}
}
