package fake

import "github.com/go-xpc/xpc/driver"

// request waits for one reply. It is embedded in its message, and guarded by
// Launchd.mu; ev and h belong to the outcome's goroutine once it is done.
type request struct {
	c          *conn // the sender
	q          *queue
	h          driver.Handler
	wait       chan struct{} // of a synchronous send, instead of q and h
	ev         driver.Event
	done       bool
	underWay   bool // the reply has left its process
	prev, next *request
}

// await makes r one of the requests that wait on c. The caller holds w.mu.
func (c *conn) await(r *request) {
	r.c = c
	r.prev = c.lastRequest
	if r.prev != nil {
		r.prev.next = r
	} else {
		c.firstRequest = r
	}
	c.lastRequest = r
}

// finish settles a request, if nothing else has. The caller holds w.mu.
func (r *request) finish(ev driver.Event) {
	if r.done {
		return
	}
	r.done = true
	c := r.c
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		c.firstRequest = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	} else {
		c.lastRequest = r.prev
	}
	r.prev, r.next = nil, nil
	r.ev = ev
	if c.holdsBack() {
		c.later = append(c.later, r.settle)
		return
	}
	r.settle()
}

// settle tells who waits.
func (r *request) settle() {
	if r.wait != nil {
		r.wait <- struct{}{}
		return
	}
	r.q.push(r)
}

// outcome is what the request came to. The caller holds w.mu.
func (r *request) outcome() driver.Event {
	if r.ev.Err == driver.Interrupted && r.c.invalid && r.c.w.opt.cancelWins {
		return errorEvent(driver.Invalid)
	}
	return r.ev
}

// finishRequests settles all that wait on c, oldest first. An interruption
// leaves those whose reply has left in time.
func (c *conn) finishRequests(code driver.ErrorCode) {
	for r := c.firstRequest; r != nil; {
		next := r.next
		if !r.underWay || code != driver.Interrupted {
			r.finish(errorEvent(code))
		}
		r = next
	}
}

// run calls the reply handler.
func (r *request) run(*queue) {
	w := r.c.w
	w.mu.Lock()
	ev, h := r.outcome(), r.h
	r.ev, r.h = driver.Event{}, nil
	if r.c.proc.dead && ev.Err != driver.Gone {
		if m, ok := ev.Message.(*message); ok && m.held {
			m.owner.drop(m)
		}
		ev = errorEvent(driver.Gone)
	}
	w.unlock()
	h(ev)
}
