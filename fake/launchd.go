package fake

import (
	"sync"
	"sync/atomic"

	"github.com/go-xpc/xpc/driver"
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
	lastPID   int
	lastConn  uint32
	events    eventLog
	mains     int // that have not returned

	activity

	global *queue // the default concurrent queue

	descriptors atomic.Int64 // held by messages
}

type options struct {
	hangDropped       bool
	listenerTakesPeer bool
	interruptEndpoint bool
	logMessages       bool
	reportLeaks       bool
	dice              *dice
	evaluate          func(driver.Requirement, Identity) bool
}

// An Option decides something that libxpc leaves open.
type Option func(*options)

// HangDropped lets a request that the service drops unanswered wait for ever.
// Without it, its sender gets INTERRUPTED (row 92).
func HangDropped() Option { return func(o *options) { o.hangDropped = true } }

// ListenerCancelsPeers makes the cancellation of a listener cancel the peers
// that it delivered. Without it, those of a named listener live on (row 129).
func ListenerCancelsPeers() Option { return func(o *options) { o.listenerTakesPeer = true } }

// InterruptEndpoints gives a connection made from an endpoint INTERRUPTED
// before the INVALID that reports the end of the listening process. Without it,
// INVALID comes alone.
func InterruptEndpoints() Option { return func(o *options) { o.interruptEndpoint = true } }

// NewLaunchd makes a world without jobs and processes. [Launchd.Close] ends it.
func NewLaunchd(opts ...Option) *Launchd {
	w := &Launchd{
		domains:   map[Domain]map[string]*port{},
		processes: map[*Process]struct{}{},
		lastPID:   1000,
	}
	for _, o := range opts {
		o(&w.opt)
	}
	w.global = &queue{w: w, label: "default", concurrent: true}
	return w
}

// unlock gives mu back, then does what must not be done under it.
func (w *Launchd) unlock() {
	if w.trash == nil && w.ended == nil {
		w.mu.Unlock()
		return
	}
	trash, ended := w.trash, w.ended
	w.trash, w.ended = nil, nil
	w.mu.Unlock()
	w.closeResources(trash)
	for _, p := range ended {
		p.cancel()
	}
}
