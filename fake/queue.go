package fake

import (
	"runtime"
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
	mu        sync.Mutex
	jobs      jobs
	running   bool // serial: serve is
	lingering int  // concurrent: workers that look for another job
}

var _ driver.Queue = (*queue)(nil)

func (q *queue) Async(f func()) { q.push(funcJob(f)) }

// Release does nothing: the garbage collector does it all.
func (q *queue) Release() {}

func (q *queue) push(j job) {
	if q.concurrent && q.w.opt.dice != nil {
		q.pushShuffled(j)
		return
	}
	q.mu.Lock()
	start := !q.running
	if q.concurrent {
		start = q.jobs.len() == q.lingering
	}
	if start && q.concurrent {
		q.mu.Unlock()
		q.w.enter()
		go q.work(j)
		return
	}
	q.running = true
	q.jobs.push(j)
	q.mu.Unlock()
	if start {
		q.w.enter()
		go q.serve()
	}
}

// work runs one job of a concurrent queue, and what comes directly after it.
func (q *queue) work(j job) {
	growStack(false)
	defer q.w.leave()
	for j != nil {
		j.run(q)
		j = q.another()
	}
}

// another yields before its worker ends: who was just answered often asks again
// at once, and that is cheaper than a new goroutine. As many jobs are handed
// over as workers linger, so that none waits for another.
func (q *queue) another() job {
	const yields = 2
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lingering++
	defer func() { q.lingering-- }()
	for range yields {
		q.mu.Unlock()
		runtime.Gosched()
		q.mu.Lock()
		if q.jobs.len() > 0 {
			return q.jobs.pop()
		}
	}
	return nil
}

// serve runs the jobs of a serial queue.
func (q *queue) serve() {
	growStack(false)
	defer q.w.leave()
	for {
		q.mu.Lock()
		if q.jobs.len() == 0 {
			q.running = false
			q.mu.Unlock()
			return
		}
		j := q.take()
		q.mu.Unlock()
		j.run(q)
	}
}

func (q *queue) take() job {
	if d := q.w.opt.dice; d != nil {
		return q.jobs.shuffled(d, true)
	}
	return q.jobs.pop()
}

// contended tells a job that keeps the queue for long that others wait.
func (q *queue) contended() bool {
	if q.concurrent {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.jobs.len() > 0
}

// jobs is a FIFO that keeps its memory while it is small.
type jobs struct {
	list []job
	head int
}

func (l *jobs) len() int { return len(l.list) - l.head }

func (l *jobs) push(j job) {
	if l.head >= 64 && l.head*2 >= len(l.list) {
		n := copy(l.list, l.list[l.head:])
		clear(l.list[n:])
		l.list, l.head = l.list[:n], 0
	}
	l.list = append(l.list, j)
}

func (l *jobs) pop() job {
	j := l.list[l.head]
	l.list[l.head] = nil
	l.head++
	if l.head == len(l.list) {
		l.head = 0
		if l.list = l.list[:0]; cap(l.list) > 1024 {
			l.list = nil
		}
	}
	return j
}
