package xpc

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Stats counts what a bounded mailbox refused.
type Stats struct {
	Busy     uint64 // requests answered with CodeBusy
	Overflow uint64 // connections ended by a one-way message beyond the bound
}

type counters struct{ busy, overflow atomic.Uint64 }

func (c *counters) stats() Stats { return Stats{c.busy.Load(), c.overflow.Load()} }

// link is level 2 of one connection, client or peer: what it sends, and the
// mailbox of what it received. The mailbox has a goroutine only while there is
// something to handle.
type link struct {
	conn    *Connection
	set     *settings
	count   *counters
	handler Handler                               // nil refuses everything
	base    context.Context                       // of the handlers' contexts
	values  func(context.Context) context.Context // what handlers find in it
	onEnd   func()                                // called once, with mu held, before finished is closed

	mu      sync.Mutex
	ctx     context.Context
	cancel  context.CancelCauseFunc
	queue   []task
	head    int   // of queue
	waiting int   // messages in queue
	working bool  // the goroutine exists
	closing bool  // no message is accepted any more
	last    bool  // the final task is queued
	over    bool  // the connection has ended
	err     error // why calls fail from now on
	local   bool  // err is our own doing

	finished chan struct{} // closed when over, and the goroutine has ended
}

// task is a message to handle or a function to call, in order.
type task struct {
	ctx   context.Context
	m     *Message
	f     func()
	final bool // f ends the connection
	id    uint64
	start time.Time
}

func newLink(c *Connection, s *settings) *link {
	return &link{conn: c, set: s, count: &counters{}, handler: s.handler, finished: make(chan struct{})}
}

// begin makes the context of the handlers. It comes before the first event.
func (l *link) begin(base context.Context) {
	l.base = base
	l.ctx, l.cancel = l.newContext()
}

func (l *link) newContext() (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(l.base)
	if l.values != nil {
		ctx = l.values(ctx)
	}
	return ctx, cancel
}

// event is the event handler of the connection: it never blocks.
func (l *link) event(ev Event) {
	switch ev := ev.(type) {
	case *Message:
		l.message(ev)
	case *Error:
		l.set.trace(l.conn, TraceEvent{Kind: TraceEnd, Err: ev})
		switch {
		case errors.Is(ev, ErrInterrupted):
			l.interrupted(ev)
		case errors.Is(ev, ErrInvalid):
			l.ended(ev)
		case errors.Is(ev, ErrTerminationImminent):
			l.finish(ev)
		}
	}
}

func (l *link) message(m *Message) {
	t := task{m: m}
	kind, wants := TraceMessage, m.WantsReply()
	if wants {
		kind = TraceRequest
		t.id, t.start = l.set.traceID()
	}
	l.set.trace(l.conn, TraceEvent{Kind: kind, ID: t.id, Message: m})

	l.mu.Lock()
	t.ctx = l.ctx
	var refusal *RemoteError
	overflow := false
	switch {
	case l.handler == nil:
		refusal = &RemoteError{CodeNoHandler, "this client takes no requests"}
	case l.closing:
		refusal = &RemoteError{CodeShutdown, "the server is shutting down"}
	case l.waiting < l.set.mailbox:
		if m.Retain() == nil {
			l.waiting++
			l.put(t)
		}
	case wants:
		refusal = busyError(l.waiting)
		l.count.busy.Add(1)
	default:
		overflow = true
	}
	l.mu.Unlock()

	switch {
	case overflow:
		l.overflow()
	case refusal != nil && wants:
		l.reply(t, refusal.dictionary(), refusal)
	case refusal != nil && l.handler != nil:
		l.set.log().Warn("xpc: one-way message dropped", "service", l.conn.Name(), "pid", l.conn.PID(), "why", refusal.Message)
	}
}

// overflow ends a connection whose reader is too slow.
func (l *link) overflow() {
	l.count.overflow.Add(1)
	err := fmt.Errorf("%w: a one-way message found %d others waiting for the handler, and the connection was closed", ErrBusy, l.set.mailbox)
	l.set.log().Error("xpc: mailbox full, connection closed", "service", l.conn.Name(), "pid", l.conn.PID(), "waiting", l.set.mailbox)
	l.close(err)
}

// put adds a task and sees to a goroutine. The caller holds mu.
func (l *link) put(t task) {
	if len(l.queue) == cap(l.queue) && l.head > len(l.queue)/2 {
		n := copy(l.queue, l.queue[l.head:])
		clear(l.queue[n:])
		l.queue, l.head = l.queue[:n], 0
	}
	l.queue = append(l.queue, t)
	if !l.working {
		l.working = true
		go l.work()
	}
}

// work runs the tasks until there are none.
func (l *link) work() {
	done := false
	defer func() {
		if !done { // a handler called runtime.Goexit
			go l.work()
		}
	}()
	for {
		t, ok := l.next()
		if !ok {
			break
		}
		l.do(t)
	}
	done = true
}

func (l *link) next() (t task, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head == len(l.queue) {
		l.queue, l.head = l.queue[:0], 0
		l.working = false
		l.settle()
		return t, false
	}
	t = l.queue[l.head]
	l.queue[l.head] = task{}
	l.head++
	if t.m != nil {
		l.waiting--
	}
	return t, true
}

// settle closes finished once nothing is left. The caller holds mu.
func (l *link) settle() {
	if !l.over || l.working {
		return
	}
	select {
	case <-l.finished:
	default:
		if l.onEnd != nil {
			l.onEnd()
		}
		close(l.finished)
	}
}

func (l *link) do(t task) {
	if t.f != nil {
		defer func() {
			if r := recover(); r != nil {
				l.panicked("OnInterrupted", r)
			}
		}()
		t.f()
		return
	}
	defer t.m.Release()
	l.serve(t)
}

// serve calls the handler and sends its answer. Whatever the handler does, and the
// methods of what it returns, the request is answered.
func (l *link) serve(t task) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if r := recover(); r != nil {
			l.panicked("a handler", r)
			l.answer(t, nil, &RemoteError{CodePanic, "the handler panicked"})
			return
		}
		l.set.log().Error("xpc: a handler called runtime.Goexit", "service", l.conn.Name())
		l.answer(t, nil, &RemoteError{CodePanic, "the handler ended its goroutine"})
	}()
	reply, err := l.handler.ServeXPC(t.ctx, t.m)
	l.answer(t, reply, err)
	returned = true
}

func (l *link) panicked(what string, r any) {
	l.set.log().Error("xpc: "+what+" panicked", "service", l.conn.Name(), "panic", r, "stack", string(debug.Stack()))
}

func (l *link) answer(t task, reply any, err error) {
	if !t.m.WantsReply() {
		if err != nil {
			l.set.log().Warn("xpc: handler failed, and nobody waits for its answer",
				"service", l.conn.Name(), "pid", l.conn.PID(), "error", err)
		}
		if t.id != 0 {
			l.traceAnswer(t, nil, err) // the handler replied by itself
		}
		return
	}
	if err != nil {
		remote := answerTo(t.ctx, err)
		l.reply(t, remote.dictionary(), remote)
		return
	}
	if reply == nil {
		if _, err := t.m.CreateReply(); err != nil {
			l.traceAnswer(t, nil, nil) // the handler has taken the reply over
			return
		}
		reply = Dictionary{}
	}
	l.reply(t, reply, nil)
}

// reply answers a request that is still due.
func (l *link) reply(t task, v any, failure error) {
	err := t.m.Reply(v)
	if err != nil && !errors.Is(err, ErrReplied) && !errors.Is(err, ErrClosed) {
		l.set.log().Error("xpc: a reply cannot be sent", "service", l.conn.Name(), "error", err)
		remote := &RemoteError{CodeBadReply, err.Error()}
		failure, v = remote, remote.dictionary()
		t.m.Reply(v)
	}
	l.traceAnswer(t, v, failure)
}

func (l *link) traceAnswer(t task, v any, err error) {
	if l.set.tracer != nil {
		l.set.trace(l.conn, TraceEvent{Kind: TraceAnswer, ID: t.id, Message: v, Err: err, Elapsed: time.Since(t.start)})
	}
}

// interrupted ends the handlers that served the process that is gone.
func (l *link) interrupted(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	l.cancel(err)
	l.ctx, l.cancel = l.newContext()
	if f := l.set.interrupted; f != nil && !l.closing {
		l.put(task{f: func() { f(err) }})
	}
}

// ended records the end of the connection.
func (l *link) ended(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing, l.over = true, true
	if l.err == nil {
		l.err = err
	}
	l.cancel(l.err)
	l.settle()
}

// close ends the connection at once. What waits for the handler is dropped.
func (l *link) close(err error) {
	l.mu.Lock()
	l.closing = true
	if !l.local || err == ErrClosed {
		l.err, l.local = err, true
	}
	var dropped []*Message
	var keep []task
	for _, t := range l.queue[l.head:] {
		switch {
		case t.final:
			keep = append(keep, t)
		case t.m != nil:
			dropped = append(dropped, t.m)
		}
	}
	l.queue, l.head, l.waiting = keep, 0, 0
	cancel := l.cancel
	l.mu.Unlock()
	if cancel != nil {
		cancel(err)
	}
	l.conn.Close()
	for _, m := range dropped {
		m.Release()
	}
}

// finish ends the connection when what has arrived was handled and the answers
// are out.
func (l *link) finish(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing = true
	if l.last || l.over {
		return
	}
	l.last = true
	l.put(task{final: true, f: func() {
		// What a handler left suspended would hold the answers back.
		for l.conn.Resume() == nil {
		}
		out := make(chan struct{})
		if l.conn.SendBarrier(func() { close(out) }) == nil {
			select {
			case <-out:
			case <-l.conn.Done():
			}
		}
		l.close(err)
		<-l.conn.Done()
		l.ended(err)
	}})
}

// watch ends the handlers with a pretended process, which ends without an event.
func (l *link) watch() {
	<-l.conn.Done()
	l.ended(ErrClosed)
}

// failure is why nothing can be sent any more.
func (l *link) failure() error {
	l.mu.Lock()
	err := l.err
	l.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case <-l.conn.Done():
		return ErrClosed
	default:
		return nil
	}
}

// explain puts our own doing in place of the error that it caused.
func (l *link) explain(err error) error {
	if err == nil || !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrClosed) {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.local {
		return l.err
	}
	return err
}

func (l *link) send(in any) error {
	if err := l.failure(); err != nil {
		return err
	}
	l.set.trace(l.conn, TraceEvent{Kind: TraceSend, Message: in})
	return l.explain(l.conn.SendMessage(in))
}

func (l *link) flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.failure(); err != nil {
		return err
	}
	out := make(chan struct{})
	if err := l.conn.SendBarrier(func() { close(out) }); err != nil {
		return l.explain(err)
	}
	select {
	case <-out:
	case <-ctx.Done():
		return ctx.Err()
	case <-l.conn.Done():
	}
	return l.failure()
}

func (l *link) callMessage(ctx context.Context, in any) (*Message, error) {
	id, start := l.set.traceID()
	l.set.trace(l.conn, TraceEvent{Kind: TraceCall, ID: id, Message: in})
	m, err := l.conn.Call(ctx, in)
	if err == nil {
		err = remoteError(m)
	}
	if l.set.tracer != nil {
		e := TraceEvent{Kind: TraceReply, ID: id, Err: err, Elapsed: time.Since(start)}
		if m != nil {
			e.Message = m
		}
		l.set.trace(l.conn, e)
	}
	if err != nil {
		if m != nil {
			m.Release()
		}
		return nil, l.explain(err)
	}
	return m, nil
}

func (l *link) call(ctx context.Context, in, out any) error {
	if err := checkOut(out); err != nil {
		return err
	}
	m, err := l.callMessage(ctx, in)
	if err != nil {
		return err
	}
	defer m.Release()
	switch out := out.(type) {
	case nil:
		return nil
	case *Dictionary:
		d, err := m.Dictionary()
		if err == nil {
			*out = d
		}
		return err
	}
	return m.Decode(out)
}
