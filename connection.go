package xpc

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/go-xpc/xpc/driver"
)

// A Connection is one end of a conversation with another process, or a listener
// that hands such ends out. It starts inactive: set a handler, then activate it.
//
// # Threading
//
// All methods may be called from any goroutine, also from handlers. Handlers
// run on the target queue; those of one connection never overlap.
//
// # Ownership
//
// An activated Connection is held by its runtime until its last event,
// [ErrInvalid], also if the program keeps no reference. It ends by Close, by
// Cancel, or by the other side. One that was never activated may simply be
// dropped.
//
// # Errors
//
// After Close every method gives [ErrClosed]. What libxpc would end the process
// for gives [ErrMisuse], and nothing has happened. Neither tells anything about
// delivery: errors of that kind are events, or outcomes of requests.
type Connection struct {
	rt *Runtime
	s  *state

	// guarded by s.ctl
	handler  func(Event) // until activation, so that no backend holds what it captures
	bound    *binding    // what the backend holds since
	required bool

	refused atomic.Pointer[refusal]

	last sync.Mutex
	cred driver.Credentials // as of Close
}

// refusal is a requirement that could not be set: from then on nothing leaves.
type refusal struct{ err error }

func (*Connection) isEvent() {}

func newConnection(rt *Runtime, spec driver.Spec, d driver.Conn) *Connection {
	c := &Connection{rt: rt, s: newState(spec, d), cred: driver.NoCredentials}
	runtime.AddCleanup(c, (*state).collected, c.s)
	return c
}

// SetEventHandler sets what receives the events: *[Message] and *[Error] on
// clients and peers, *[Connection] and *[Error] on listeners. It must be called
// before Activate, and may be called again at any time: the new handler serves
// the next invocation, and never interrupts one under way. h is called on the
// target queue, never twice at once, and must not block for long there. A panic
// in h ends the process as anywhere in Go, and so does runtime.Goexit.
//
// A nil h is [ErrMisuse]; after Close the error is [ErrClosed].
//
// C: xpc_connection_set_event_handler,
// https://developer.apple.com/documentation/xpc/1448805-xpc_connection_set_event_handler
func (c *Connection) SetEventHandler(h func(Event)) error {
	if h == nil {
		return misuse("SetEventHandler", "the handler is nil")
	}
	return c.call(func() error {
		c.s.ctl.Lock()
		defer c.s.ctl.Unlock()
		switch c.s.phase {
		case torn:
			return ErrClosed
		case active:
			if b := c.install(h); b != nil {
				c.s.d.SetHandler(b.deliver)
			}
		default:
			c.handler = h
		}
		return nil
	})
}

// install makes the binding of a handler, nil if it will never be called. The
// caller holds s.ctl.
func (c *Connection) install(h func(Event)) *binding {
	b := c.bind(h)
	c.handler = nil
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.calls.isOver() {
		return nil
	}
	c.bound = b
	return b
}

// ended runs after the handler has seen the last event.
func (c *Connection) ended(b *binding) {
	b.cut()
	c.s.finish(func() {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		if c.bound != nil {
			c.bound.cut()
		}
	})
}

// SetTargetQueue changes the queue on which the handler runs; nil is the
// default. The change is made later, as a barrier: it never interrupts a
// handler. It is best made before Activate. A closed queue is [ErrMisuse].
//
// C: xpc_connection_set_target_queue,
// https://developer.apple.com/documentation/xpc/1448777-xpc_connection_set_target_queue
func (c *Connection) SetTargetQueue(q *Queue) error {
	return c.call(func() error {
		return q.use(func(d driver.Queue) error {
			return c.s.d.SetTargetQueue(d)
		})
	})
}

// Activate lets a connection send and deliver. Activating an active connection
// does nothing. Without a handler it is [ErrMisuse]; after a requirement that
// could not be set it returns that requirement's error.
//
// C: xpc_connection_activate,
// https://developer.apple.com/documentation/xpc/2177237-xpc_connection_activate
func (c *Connection) Activate() error {
	return c.call(func() error { return c.activate("Activate") })
}

func (c *Connection) activate(op string) error {
	s := c.s
	s.ctl.Lock()
	was := s.phase
	if err := c.mayActivate(op); err != nil || was == active {
		s.ctl.Unlock()
		return err
	}
	b := c.install(c.handler)
	if was == held {
		s.latch.to.Store(b)
	} else {
		s.d.SetHandler(b.deliver)
	}
	s.phase = active
	for range s.suspends {
		s.d.Suspend()
	}
	s.ctl.Unlock()
	if was == held {
		s.d.Resume()
	} else {
		s.d.Activate()
	}
	return nil
}

// mayActivate is called under s.ctl.
func (c *Connection) mayActivate(op string) error {
	r := c.refused.Load()
	switch {
	case c.s.phase == torn:
		return ErrClosed
	case c.s.phase == active:
		return nil
	case r != nil:
		return r.err
	case c.handler == nil:
		return misuse(op, "the connection has no event handler: set one before it is activated (row 15)")
	}
	return nil
}

// Suspend stops the delivery of events and the sending of messages until a
// matching Resume. It does not interrupt a handler under way. Replies to
// requests already sent still come.
//
// C: xpc_connection_suspend,
// https://developer.apple.com/documentation/xpc/1448787-xpc_connection_suspend
func (c *Connection) Suspend() error {
	return c.call(func() error {
		c.s.ctl.Lock()
		defer c.s.ctl.Unlock()
		if c.s.phase == torn {
			return ErrClosed
		}
		c.s.suspends++
		if c.s.phase == active {
			c.s.d.Suspend()
		}
		return nil
	})
}

// Resume undoes one Suspend. On an inactive connection that is not suspended it
// activates, with Activate's errors. Without a matching Suspend on an active
// one it is [ErrMisuse].
//
// C: xpc_connection_resume,
// https://developer.apple.com/documentation/xpc/1448808-xpc_connection_resume
func (c *Connection) Resume() error {
	return c.call(func() error {
		if done, err := c.resume(); done {
			return err
		}
		return c.activate("Resume")
	})
}

// resume is false where a Resume means an Activate. The backend resumes without
// the lock: its count is never below ours, and what it lets loose may call back.
func (c *Connection) resume() (bool, error) {
	s := c.s
	s.ctl.Lock()
	phase, suspended := s.phase, s.suspends > 0
	if suspended {
		s.suspends--
	}
	s.ctl.Unlock()
	switch {
	case suspended && phase == active:
		s.d.Resume()
	case suspended:
	case phase == active:
		return true, misuse("Resume", "over-resume: the connection is active and not suspended (row 29)")
	default:
		return false, nil
	}
	return true, nil
}

// Cancel ends the connection. It returns at once and interrupts nothing: the
// handler receives [ErrInvalid] as its last event, waiting requests fail with
// it, and messages not yet sent are dropped. On an inactive or suspended
// connection the last event comes once it is activated and resumed; Close sees
// to that. Cancelling again does nothing.
//
// C: xpc_connection_cancel,
// https://developer.apple.com/documentation/xpc/1448801-xpc_connection_cancel
func (c *Connection) Cancel() error {
	return c.call(func() error {
		if !c.s.cancel() {
			return ErrClosed
		}
		return nil
	})
}

// Close ends the connection in whatever state it is and gives back what it
// holds. It returns at once, also from handlers: a handler that was set receives
// [ErrInvalid] as its last event, then Done is closed. Calls under way end by
// libxpc's rules, later ones give [ErrClosed]. Closing again does nothing.
func (c *Connection) Close() error {
	if c == nil || c.s == nil {
		return misuse("Close", "the connection was not made by a Runtime")
	}
	if !c.s.calls.seal() {
		return nil
	}
	cred := c.s.d.Credentials()
	c.last.Lock()
	c.cred = cred
	c.last.Unlock()

	c.s.teardown(func() *binding {
		h := c.handler
		if h == nil {
			h = func(Event) {}
		}
		return c.install(h)
	})
	return nil
}

// Done is closed when the handler has returned from the last event,
// [ErrInvalid], or when a pretended process has ended. For one that was dropped
// without having been activated it never is.
func (c *Connection) Done() <-chan struct{} {
	if c == nil || c.s == nil {
		return nil
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.s.done
}

// SendMessage sends a message and does not wait. msg is a [Dictionary] or a
// struct (see [Marshal]), a *[Reply], or a received *[Message] to pass on; its
// contents are copied before the call returns. Messages of one connection are
// delivered in the order of the calls; before activation and while suspended
// they wait. On a cancelled or invalid connection they are dropped in silence,
// and no error ever tells about delivery.
//
// Errors: a *[ValueError] with the path of what cannot be sent, [ErrMisuse] for
// what is no dictionary, for listeners and for replies on another connection,
// [ErrReplied], [ErrClosed].
//
// C: xpc_connection_send_message,
// https://developer.apple.com/documentation/xpc/1448791-xpc_connection_send_message
func (c *Connection) SendMessage(msg any) error {
	if r, ok := msg.(*Reply); ok && r != nil {
		return c.call(func() error { return c.sendReply(r) })
	}
	return c.send("SendMessage", msg, func(p *driver.Payload) error { return c.s.d.Send(p) })
}

// SendBarrier calls f once every message sent before has been handed to the
// system. f runs on the target queue; no message is sent meanwhile. On a
// cancelled connection it runs at once, which the header leaves libxpc free to do
// inside this call: hold no lock that f takes. That the other side
// has received anything only a reply can tell.
//
// C: xpc_connection_send_barrier,
// https://developer.apple.com/documentation/xpc/1448784-xpc_connection_send_barrier
func (c *Connection) SendBarrier(f func()) error {
	if f == nil {
		return misuse("SendBarrier", "the function is nil")
	}
	return c.call(func() error {
		if err := c.maySend("SendBarrier"); err != nil {
			return err
		}
		return c.s.d.SendBarrier(func() { guarded("a barrier", f) })
	})
}

// SendMessageWithReply sends a request and does not wait. h is called once,
// with a *[Message] or an *[Error], on q or, if q is nil, on the default
// concurrent queue: in no order with other replies or with the event handler,
// unless they share a serial queue, and also while the connection is suspended.
// The errors are those of SendMessage, and [ErrMisuse] for a nil h; when the
// call returns an error, h is not called.
//
// C: xpc_connection_send_message_with_reply,
// https://developer.apple.com/documentation/xpc/1448794-xpc_connection_send_message_with
func (c *Connection) SendMessageWithReply(msg any, q *Queue, h func(Event)) error {
	if h == nil {
		return misuse("SendMessageWithReply", "the reply handler is nil")
	}
	if c == nil || c.s == nil {
		return misuse("SendMessageWithReply", "the connection was not made by a Runtime")
	}
	return c.request("SendMessageWithReply", msg, q, replyHandler(c.rt, c.s, "SendMessageWithReply", h))
}

func (c *Connection) request(op string, msg any, q *Queue, h driver.Handler) error {
	return c.send(op, msg, func(p *driver.Payload) error {
		return q.use(func(d driver.Queue) error { return c.s.d.SendWithReply(p, d, h) })
	})
}

// SendMessageWithReplySync sends a request and blocks its thread until there is
// an outcome. No context can end it: if the service lives and never answers, or
// the connection is never activated, it never returns. Use [Connection.Call].
// The reply belongs to the caller, who may Release it early.
//
// Errors: those of SendMessage; an *[Error] when there will be no reply;
// [ErrMisuse] from a handler of the same connection; [ErrBusy] when 128
// such calls are under way.
//
// C: xpc_connection_send_message_with_reply_sync,
// https://developer.apple.com/documentation/xpc/1448788-xpc_connection_send_message_with
func (c *Connection) SendMessageWithReplySync(msg any) (reply *Message, err error) {
	const op = "SendMessageWithReplySync"
	if c == nil || c.s == nil {
		return nil, misuse(op, "the connection was not made by a Runtime")
	}
	if !c.rt.syncCalls.take(maxSyncCalls) {
		return nil, ErrBusy
	}
	defer c.rt.syncCalls.free()
	err = c.send(op, msg, func(p *driver.Payload) error {
		ev, err := c.s.d.SendWithReplySync(p)
		if err == nil {
			reply, err = c.outcome(op, ev)
		}
		return err
	})
	return reply, err
}

// send encodes msg and hands it to f.
func (c *Connection) send(op string, msg any, f func(*driver.Payload) error) error {
	if err := c.begin(); err != nil {
		return err
	}
	defer c.s.end()
	if err := c.maySend(op); err != nil {
		return err
	}
	if m, ok := msg.(*Message); ok && m != nil && m.WantsReply() && m.conn != c {
		return misuse(op, "a message that expects a reply can be sent only on its own connection (row 65)")
	}
	return encoded(op, msg, c.rt.wireLimits(), f)
}

func (c *Connection) maySend(op string) error {
	if c.s.isListener() {
		return misuse(op, "a listener sends no messages (row 63)")
	}
	if r := c.refused.Load(); r != nil {
		return r.err
	}
	if !c.s.queued.Load() {
		c.s.queued.Store(true)
	}
	return nil
}

// begin counts a call in, which ends with c.s.end.
func (c *Connection) begin() error {
	if c == nil || c.s == nil {
		return misuse("Connection", "the connection was not made by a Runtime")
	}
	return c.s.begin()
}

// call counts f as a call in flight.
func (c *Connection) call(f func() error) error {
	if err := c.begin(); err != nil {
		return err
	}
	defer c.s.end()
	return f()
}

// Runtime is where the connection lives, for a handler that connects to an
// endpoint it has received.
func (c *Connection) Runtime() *Runtime { return c.rt }

// Name is the name given at creation; it is empty for peers, anonymous
// listeners and connections made from endpoints. It stays after Close.
//
// C: xpc_connection_get_name,
// https://developer.apple.com/documentation/xpc/1448790-xpc_connection_get_name
func (c *Connection) Name() string {
	if c == nil || c.s == nil {
		return ""
	}
	return c.s.name
}

// PID is the process id of the other side: 0 until something came back from it,
// on a peer known at once. It can be reused by another process; check peers with
// [Connection.SetPeerRequirement]. After Close it is what it was.
//
// C: xpc_connection_get_pid,
// https://developer.apple.com/documentation/xpc/1448798-xpc_connection_get_pid
func (c *Connection) PID() int { return c.credentials().PID }

// EUID is the effective user id of the other side, -1 until known; see PID.
//
// C: xpc_connection_get_euid,
// https://developer.apple.com/documentation/xpc/1448793-xpc_connection_get_euid
func (c *Connection) EUID() int { return c.credentials().EUID }

// EGID is the effective group id of the other side, -1 until known; see PID.
//
// C: xpc_connection_get_egid,
// https://developer.apple.com/documentation/xpc/1448780-xpc_connection_get_egid
func (c *Connection) EGID() int { return c.credentials().EGID }

// ASID is the audit session of the other side, -1 (AU_ASSIGN_ASID) until
// known; see PID.
//
// C: xpc_connection_get_asid,
// https://developer.apple.com/documentation/xpc/1448779-xpc_connection_get_asid
func (c *Connection) ASID() int { return c.credentials().ASID }

func (c *Connection) credentials() (cred driver.Credentials) {
	err := c.call(func() error {
		cred = c.s.d.Credentials()
		return nil
	})
	if err != nil {
		c.last.Lock()
		defer c.last.Unlock()
		return c.cred
	}
	return cred
}

// SetContext ties a value to the connection; nil removes it. Replacing it does
// not call the finalizer. A value that refers to the connection itself keeps one
// that is never activated from being collected.
//
// C: xpc_connection_set_context,
// https://developer.apple.com/documentation/xpc/1448799-xpc_connection_set_context
func (c *Connection) SetContext(v any) error {
	return c.call(func() error {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		c.s.context = v
		return nil
	})
}

// Context is the value last set, nil if there is none.
//
// C: xpc_connection_get_context,
// https://developer.apple.com/documentation/xpc/1448803-xpc_connection_get_context
func (c *Connection) Context() any {
	if c == nil || c.s == nil {
		return nil
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.s.context
}

// SetFinalizer sets what is called once with the current context, if there is
// one, on the target queue, when the connection is freed: after Close and the
// last event, or after the garbage collector found it unused. It must not use
// the connection; a function that refers to it keeps one that is never activated
// from being collected. Cancel alone does not call it; nil removes it.
//
// C: xpc_connection_set_finalizer_f,
// https://developer.apple.com/documentation/xpc/1448781-xpc_connection_set_finalizer_f
func (c *Connection) SetFinalizer(f func(context any)) error {
	return c.call(func() error {
		c.s.mu.Lock()
		c.s.finalizer = f
		c.s.mu.Unlock()
		c.s.d.SetFinalizer(c.s.finalize)
		return nil
	})
}

// Endpoint makes an endpoint of a listener, which can be sent in messages. It
// belongs to the caller. On a client or a peer it is [ErrMisuse].
//
// C: xpc_endpoint_create,
// https://developer.apple.com/documentation/xpc/1505651-xpc_endpoint_create
func (c *Connection) Endpoint() (e *Endpoint, err error) {
	err = c.call(func() error {
		if !c.s.isListener() {
			return misuse("Endpoint", "only a listener has an endpoint, and this connection is %s (rows 155 and 163)", c.what())
		}
		d, err := c.s.d.Endpoint()
		if err == nil {
			e = newEndpoint(d)
		}
		return err
	})
	return e, err
}

func (c *Connection) what() string {
	switch {
	case c.s.kind == driver.KindPeer:
		return "a peer of a listener"
	case c.s.kind == driver.KindFromEndpoint:
		return "a client made from an endpoint"
	case c.s.isListener():
		return "a listener"
	}
	return "a client of " + c.s.name
}

// InvalidationReason is libxpc's text for why the connection became invalid; ok
// is false while it is valid, and where the system has no such call (before
// macOS 12). Nothing should depend on its form.
//
// C: xpc_connection_copy_invalidation_reason,
// https://developer.apple.com/documentation/xpc/3747488-xpc_connection_copy_invalidation
func (c *Connection) InvalidationReason() (reason string, ok bool) {
	if c == nil || c.s == nil {
		return "", false
	}
	return c.s.reason()
}
