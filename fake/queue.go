package fake

import (
	"sync"

	"github.com/go-xpc/xpc/driver"
)

// A job runs once on a queue.
type job interface{ run(q *queue) }

type funcJob func()

func (f funcJob) run(*queue) { f() }

// queue stands for a dispatch queue. It has goroutines only while there is
// something to run: one at a time if it is serial, else one per job.
type queue struct {
	w          *Launchd
	label      string
	concurrent bool

	// Taken after w.mu, if both are; never held across a job.
	mu      sync.Mutex
	jobs    []job
	head    int
	running bool
}

var _ driver.Queue = (*queue)(nil)

func (q *queue) Async(f func()) { q.push(funcJob(f)) }

// Release does nothing: the garbage collector does it all.
func (q *queue) Release() {}

func (q *queue) push(j job) {
	if q.concurrent {
		q.w.enter()
		go q.one(j)
		return
	}
	q.mu.Lock()
	q.jobs = append(q.jobs, j)
	start := !q.running
	q.running = true
	q.mu.Unlock()
	if start {
		q.w.enter()
		go q.serve()
	}
}

func (q *queue) one(j job) {
	growStack(false)
	defer q.w.leave()
	j.run(q)
}

func (q *queue) serve() {
	growStack(false)
	defer q.w.leave()
	for {
		q.mu.Lock()
		if q.head == len(q.jobs) {
			q.jobs, q.head, q.running = q.jobs[:0], 0, false
			if cap(q.jobs) > 64 {
				q.jobs = nil
			}
			q.mu.Unlock()
			return
		}
		j := q.jobs[q.head]
		q.jobs[q.head] = nil
		q.head++
		if q.head >= 64 && q.head*2 >= len(q.jobs) {
			n := copy(q.jobs, q.jobs[q.head:])
			clear(q.jobs[n:])
			q.jobs, q.head = q.jobs[:n], 0
		}
		q.mu.Unlock()
		j.run(q)
	}
}

// contended tells a job that keeps the queue for long that others wait.
func (q *queue) contended() bool {
	if q.concurrent {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.head < len(q.jobs)
}
