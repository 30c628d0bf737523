package fake

import "github.com/go-xpc/xpc/driver"

// conn is one connection. All its fields are guarded by Launchd.mu.
type conn struct {
	w     *Launchd
	proc  *Process // nil for a peer that no process has received yet
	id    uint32
	kind  driver.Kind
	name  string
	flags uint64
	main  bool // the listener behind Backend.Main

	handler   driver.Handler
	queue     *queue
	finalizer func()

	active   bool
	started  bool // looked up or checked in
	suspends int
	released bool
	freed    bool
	invalid  bool // nothing is sent or received any more
	dead     bool // the last event is out
	gone     bool // the process has ended
	reason   string

	// A peer's events wait until the listener's handler has returned.
	announced bool // to the listener's handler
	accepted  bool // that handler has returned
	rejected  bool // the listener's requirement failed: it stays a black hole
	terminal  bool // TERMINATION_IMMINENT is out: no more messages
	stalled   bool // a fault holds up what has arrived
	losing    int  // deaths of the other side not reported yet, with LoseAfterDeath

	port      *port // a client's destination, a named listener's name
	anonymous *port // of a listener: what its endpoints refer to
	remote    *conn // the other end, nil while there is none
	parent    *conn // a peer's listener

	inbox   eventList
	out     eventList // messages and barriers that could not leave at once
	barrier bool      // one is running
	later   []func()  // what the running handler or the suspension holds back

	scheduled bool // a job of this connection is on a queue
	running   bool // that job is inside the event handler or a barrier

	firstRequest, lastRequest *request

	cred    driver.Credentials
	credOf  *Process
	require *requirement

	prev, next *conn // in proc.conns
}

var _ driver.Conn = (*conn)(nil)

func (c *conn) isListener() bool {
	return c.kind == driver.KindAnonymous || c.kind == driver.KindMachService && c.flags&driver.FlagListener != 0 || c.main
}

func (c *conn) SetHandler(h driver.Handler) {
	c.w.mu.Lock()
	defer c.w.unlock()
	if c.dead {
		return
	}
	if c.w.opt.swapLate && c.active && !c.inbox.empty() {
		c.inbox.push(&event{kind: evHandler, f: func() { c.handler = h }})
	} else {
		c.handler = h
	}
	c.kick()
}

func (c *conn) SetTargetQueue(q driver.Queue) error {
	tq, err := c.w.queueOf(q)
	if err != nil {
		return err
	}
	c.w.mu.Lock()
	defer c.w.unlock()
	c.queue = tq
	return nil
}

func (c *conn) Activate() {
	c.w.mu.Lock()
	defer c.w.unlock()
	c.active = true
	c.wake()
}

func (c *conn) Suspend() {
	c.w.mu.Lock()
	defer c.w.unlock()
	c.suspends++
}

func (c *conn) Resume() {
	c.w.mu.Lock()
	defer c.w.unlock()
	if c.suspends > 0 {
		c.suspends--
	}
	c.wake()
}

func (c *conn) live() bool { return c.active && c.suspends == 0 }

// wake takes up what had to wait for an activation or a resume.
func (c *conn) wake() {
	if !c.live() || c.gone {
		return
	}
	if !c.started {
		c.started = true
		if !c.invalid {
			c.start()
		}
	}
	c.flush()
	c.catchUp()
	c.kick()
}

// holdsBack tells whether replies, in and out, must wait: by default never.
func (c *conn) holdsBack() bool {
	o := &c.w.opt
	return !c.gone && (o.handlerIsBarrier && c.running || o.suspendedReplies && c.suspends > 0)
}

// catchUp does what was held back.
func (c *conn) catchUp() {
	for len(c.later) > 0 && !c.holdsBack() {
		f := c.later[0]
		c.later = c.later[1:]
		f()
	}
}

func (c *conn) Name() (string, bool) { return c.name, c.name != "" && !c.main }

func (c *conn) Credentials() driver.Credentials {
	c.w.mu.Lock()
	defer c.w.unlock()
	return c.cred
}

// heard records that something came back from p.
func (c *conn) heard(p *Process) {
	if c.credOf != p {
		c.credOf = p
		c.cred = p.credentials()
	}
}

func (c *conn) InvalidationReason() (string, bool) {
	c.w.mu.Lock()
	defer c.w.unlock()
	return c.reason, c.invalid
}

func (c *conn) SetFinalizer(f func()) {
	c.w.mu.Lock()
	defer c.w.unlock()
	c.finalizer = f
}

func (c *conn) Release() {
	c.w.mu.Lock()
	defer c.w.unlock()
	c.released = true
	if !c.invalid && !c.gone {
		// Not cancelled before: macOS invalidates in silence (row 131).
		c.cancel("the last reference was released")
		c.inbox = eventList{}
		c.dead = true
	}
	c.free()
}

// free ends a connection that nobody refers to and that has nothing left to do.
func (c *conn) free() {
	if !c.released || c.freed || c.scheduled || !(c.dead || c.gone) || c.ready() {
		return
	}
	c.freed = true
	c.handler = nil
	c.dead = true
	c.proc.unlink(c)
	if f := c.finalizer; f != nil {
		c.finalizer = nil
		if c.w.opt.finalizeInRelease {
			c.w.after = append(c.w.after, f)
			return
		}
		c.queue.push(funcJob(f))
	}
}
