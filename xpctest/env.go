package xpctest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-xpc/xpc"
	"github.com/stretchr/testify/require"
)

// env is what a case works with. Its assertions are for the test's own
// goroutine: handlers record, they do not judge.
type env struct {
	*require.Assertions
	*journal
	t     *testing.T
	h     Harness
	c     Case
	world World
	rt    *xpc.Runtime // the client's process
	ctx   context.Context
	stop  context.CancelFunc

	once   sync.Once
	mu     sync.Mutex
	ends   []*end
	queues []*xpc.Queue
	serial int
	// messages are those that were retained.
	messages []*xpc.Message
	// without are the capabilities for want of which parts were left out.
	without []Capability
}

func (e *env) cleanup() {
	// Whoever stands at a gate goes on.
	defer e.stop()
	e.mu.Lock()
	ends, queues, messages := e.ends, e.queues, e.messages
	e.mu.Unlock()
	e.stop()
	for _, m := range messages {
		m.Release() // what the case has released itself refuses it
	}
	for _, x := range ends {
		x.c.Close()
	}
	for _, q := range queues {
		q.Close()
	}
	last, stop := context.WithTimeout(context.Background(), e.c.patience())
	defer stop()
	for _, x := range ends {
		select {
		case <-x.c.Done():
		case <-last.Done():
			e.t.Errorf("%s was closed, and Done never was\n%s", x.what, stacks())
			return
		}
	}
}

// name makes a name that no other case has.
func (e *env) name(word string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.serial++
	return fmt.Sprintf("com.example.xpctest.row%d.%s%d", e.c.Row, word, e.serial)
}

// need stops a case that uses what it does not declare.
func (e *env) need(c Capability) {
	if !slices.Contains(e.c.Needs, c) {
		e.t.Fatalf("row %d uses the capability %q and does not declare it", e.c.Row, c)
	}
}

func (e *env) has(c Capability) bool { return e.h.Has(c) }

// can is for a part of a case that needs more than the rest. What is left out
// for want of it is reported.
func (e *env) can(all ...Capability) bool {
	for _, c := range all {
		if !e.has(c) {
			e.mu.Lock()
			e.without = append(e.without, c)
			e.mu.Unlock()
			return false
		}
	}
	return true
}

// settle waits until nothing is under way any more.
func (e *env) settle() {
	e.need(Quiet)
	e.world.(Quieter).Quiesce()
}

// quiet is settle where the harness can, to sharpen an argument that holds
// without it.
func (e *env) quiet() {
	if e.has(Quiet) && !e.c.Real {
		e.world.(Quieter).Quiesce()
	}
}

func (e *env) service(s ServiceSpec) Service {
	e.need(Jobs)
	return e.declare(s)
}

func (e *env) declare(s ServiceSpec) Service {
	defer e.closeFirst()
	return e.world.(Launcher).Service(s)
}

func (e *env) process(s ProcessSpec) Process {
	e.need(Processes)
	return e.spawn(s)
}

func (e *env) spawn(s ProcessSpec) Process {
	defer e.closeFirst()
	return e.world.(Spawner).Process(s)
}

// closeFirst makes the connections close before what the world has just made
// goes away.
func (e *env) closeFirst() { e.t.Cleanup(func() { e.once.Do(e.cleanup) }) }

// queue makes a serial queue in the client's process.
func (e *env) queue() *xpc.Queue { return e.queueIn(e.rt, false) }

func (e *env) concurrent() *xpc.Queue { return e.queueIn(e.rt, true) }

func (e *env) queueIn(rt *xpc.Runtime, concurrent bool) *xpc.Queue {
	make := rt.NewQueue
	if concurrent {
		make = rt.NewConcurrentQueue
	}
	q, err := make("xpctest")
	e.NoError(err)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queues = append(e.queues, q)
	return q
}

func (e *env) timeout(what string, seen any) {
	e.t.Helper()
	if !e.t.Failed() {
		e.t.Log(stacks())
	}
	e.t.Fatalf("waited in vain for %s; seen: %v", what, seen)
}

// oops reports a failure from any goroutine, as long as the case runs.
func (e *env) oops(what string, err error) {
	if err != nil && e.ctx.Err() == nil {
		e.t.Errorf("%s: %v", what, err)
	}
}

// retain keeps a message until the case releases it, or ends.
func (e *env) retain(m *xpc.Message) {
	e.oops("retain", m.Retain())
	e.mu.Lock()
	defer e.mu.Unlock()
	e.messages = append(e.messages, m)
}

// gate holds handlers until it is opened, or the case is over.
type gate struct {
	e    *env
	once sync.Once
	ch   chan struct{}
}

func (e *env) gate() *gate { return &gate{e: e, ch: make(chan struct{})} }

func (g *gate) open() { g.once.Do(func() { close(g.ch) }) }

func (g *gate) isOpen() bool {
	select {
	case <-g.ch:
		return true
	default:
		return false
	}
}

func (g *gate) pass() {
	select {
	case <-g.ch:
	case <-g.e.ctx.Done():
	}
}

// wait is pass for the test's goroutine.
func (g *gate) wait(what string) {
	g.e.t.Helper()
	select {
	case <-g.ch:
	case <-g.e.ctx.Done():
		g.e.timeout(what, "nothing")
	}
}

// block occupies a serial queue until the gate is opened.
func (e *env) block(q *xpc.Queue) *gate {
	g, in := e.gate(), e.gate()
	e.NoError(q.Async(func() {
		in.open()
		g.pass()
	}))
	in.wait("the block on the queue")
	return g
}

// flush waits until a serial queue has run what it held.
func (e *env) flush(q *xpc.Queue) {
	g := e.gate()
	e.NoError(q.Async(g.open))
	g.wait("the queue to come round")
}

// meter tells how many were inside at once.
type meter struct{ in, most atomic.Int32 }

func (m *meter) enter() {
	n := m.in.Add(1)
	for {
		old := m.most.Load()
		if n <= old || m.most.CompareAndSwap(old, n) {
			return
		}
	}
}

func (m *meter) leave() { m.in.Add(-1) }

// list grows in handlers and is read by the test.
type list[T any] struct {
	e    *env
	what string

	mu    sync.Mutex
	items []T
	more  chan struct{}
}

func newList[T any](e *env, what string) *list[T] {
	return &list[T]{e: e, what: what, more: make(chan struct{})}
}

func (l *list[T]) add(v T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items = append(l.items, v)
	close(l.more)
	l.more = make(chan struct{})
}

func (l *list[T]) all() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.items)
}

func (l *list[T]) len() int { return len(l.all()) }

// until waits for the list to satisfy ok.
func (l *list[T]) until(what string, ok func([]T) bool) []T {
	l.e.t.Helper()
	for {
		l.mu.Lock()
		items, more := slices.Clone(l.items), l.more
		l.mu.Unlock()
		if ok(items) {
			return items
		}
		select {
		case <-more:
		case <-l.e.ctx.Done():
			l.e.timeout(what+" at "+l.what, items)
		}
	}
}

// at waits for the item with that index.
func (l *list[T]) at(i int) T {
	l.e.t.Helper()
	return l.until(fmt.Sprintf("item %d", i), func(items []T) bool { return len(items) > i })[i]
}

// What recorders call the error events.
const (
	interrupted = "INTERRUPTED"
	invalid     = "INVALID"
	imminent    = "TERMINATION_IMMINENT"
	requirement = "REQUIREMENT"
	newPeer     = "peer"
)

func errorName(err error) string {
	switch {
	case err == nil:
		return "nil"
	case errors.Is(err, xpc.ErrInterrupted):
		return interrupted
	case errors.Is(err, xpc.ErrInvalid):
		return invalid
	case errors.Is(err, xpc.ErrTerminationImminent):
		return imminent
	case errors.Is(err, xpc.ErrPeerRequirement):
		return requirement
	}
	return err.Error()
}

// seen is one recorded event.
type seen struct {
	name  string // the number of a message, or what kind of event it was
	body  xpc.Dictionary
	wants bool
	err   *xpc.Error
}

func (s seen) String() string { return s.name }

// recorder is an event handler that writes down what it receives.
type recorder struct{ *list[seen] }

func (e *env) recorder(what string) *recorder { return &recorder{newList[seen](e, what)} }

func (r *recorder) record(ev xpc.Event) seen {
	var s seen
	switch ev := ev.(type) {
	case *xpc.Message:
		s = seen{name: "message", wants: ev.WantsReply()}
		var err error
		s.body, err = ev.Dictionary()
		r.e.oops("decoding a message at "+r.what, err)
		xpc.CloseFiles(s.body) // cases take their own
		if n, ok := xpc.Get[int64](s.body, "n"); ok {
			s.name = fmt.Sprint(n)
		}
	case *xpc.Connection:
		s.name = newPeer
	case *xpc.Error:
		s.name, s.err = errorName(ev), ev
	default:
		s.name = fmt.Sprintf("%T", ev)
	}
	r.put(s)
	return s
}

func (r *recorder) put(s seen) {
	r.e.notef("%s: %s", r.what, s)
	r.add(s)
}

func (r *recorder) mark(name string) { r.put(seen{name: name}) }

func (r *recorder) handle(ev xpc.Event) { r.record(ev) }

func (r *recorder) names() []string {
	out := []string{}
	for _, s := range r.all() {
		out = append(out, s.name)
	}
	return out
}

// wait waits for exactly these, in this order.
func (r *recorder) wait(want ...string) []seen {
	r.e.t.Helper()
	got := r.until(fmt.Sprint(want), func(s []seen) bool { return len(s) >= len(want) })
	r.e.Equal(want, r.names(), r.what)
	return got
}

// is asserts what has come so far.
func (r *recorder) is(want ...string) {
	r.e.t.Helper()
	if want == nil {
		want = []string{}
	}
	r.e.Equal(want, r.names(), r.what)
}

// has waits until the event is among those that came.
func (r *recorder) has(name string) {
	r.e.t.Helper()
	r.until(name, func(s []seen) bool {
		return slices.ContainsFunc(s, func(x seen) bool { return x.name == name })
	})
}

func (r *recorder) count(name string) (n int) {
	for _, x := range r.names() {
		if x == name {
			n++
		}
	}
	return n
}

// numbers are the names of messages from to to.
func numbers(from, to int) []string {
	out := []string{}
	for ; from <= to; from++ {
		out = append(out, fmt.Sprint(from))
	}
	return out
}

// end is one end of a connection with a recorder as its handler.
type end struct {
	*recorder
	c    *xpc.Connection
	host *host // of peers and clients made by a host
}

// end wraps a connection; its handler is set, and it is inactive.
func (e *env) end(what string, c *xpc.Connection, err error) *end {
	e.t.Helper()
	e.NoError(err, what)
	x := e.adopt(what, c)
	e.NoError(c.SetEventHandler(x.handle))
	return x
}

func (e *env) adopt(what string, c *xpc.Connection) *end {
	e.mu.Lock()
	defer e.mu.Unlock()
	x := &end{recorder: e.recorder(fmt.Sprintf("%s#%d", what, len(e.ends))), c: c}
	e.ends = append(e.ends, x)
	return x
}

func (x *end) activate() *end {
	x.e.t.Helper()
	x.e.NoError(x.c.Activate())
	return x
}

func msg(n int) xpc.Dictionary { return xpc.Dictionary{"n": int64(n)} }

func (x *end) send(ns ...int) {
	x.e.t.Helper()
	for _, n := range ns {
		x.e.NoError(x.c.SendMessage(msg(n)))
	}
}

// sendRange sends messages from to to.
func (x *end) sendRange(from, to int) {
	for ; from <= to; from++ {
		x.send(from)
	}
}

// say is send for handlers.
func (x *end) say(ns ...int) {
	for _, n := range ns {
		x.e.oops("send from a handler", x.c.SendMessage(msg(n)))
	}
}

func (x *end) body(b xpc.Dictionary) {
	x.e.t.Helper()
	x.e.NoError(x.c.SendMessage(b))
}

// request sends a request; its outcome is recorded.
func (x *end) request(n int, op string) *recorder { return x.requestOn(n, op, nil) }

func (x *end) requestOn(n int, op string, q *xpc.Queue) *recorder {
	x.e.t.Helper()
	r := x.e.recorder(fmt.Sprintf("reply to %d", n))
	x.e.NoError(x.c.SendMessageWithReply(ask(n, op), q, r.handle))
	return r
}

// What a host does with a request.
const (
	echo = "echo" // answer it with its own body
	hold = "hold" // keep it for the test
	drop = "drop" // release it unanswered
)

func ask(n int, op string) xpc.Dictionary { return xpc.Dictionary{"n": int64(n), "op": op} }

// call makes a round trip and fails if there is none.
func (x *end) call(n int) xpc.Dictionary {
	x.e.t.Helper()
	return x.ask(ask(n, echo))
}

func (x *end) ask(b xpc.Dictionary) xpc.Dictionary {
	x.e.t.Helper()
	m, err := x.c.Call(x.e.ctx, b)
	x.e.NoError(err)
	defer m.Release()
	d, err := m.Dictionary()
	x.e.NoError(err)
	return d
}

// barrier waits for a barrier.
func (x *end) barrier() {
	x.e.t.Helper()
	g := x.e.gate()
	x.e.NoError(x.c.SendBarrier(g.open))
	g.wait("the barrier of " + x.what)
}

// later runs f on a goroutine; its error is recorded by name.
func (e *env) later(what string, f func() error) *recorder {
	r := e.recorder(what)
	go func() { r.mark(errorName(f())) }()
	return r
}

// sync makes a synchronous request on a goroutine.
func (x *end) sync(n int, op string) *recorder {
	r := x.e.recorder("synchronous request")
	go func() {
		m, err := x.c.SendMessageWithReplySync(ask(n, op))
		switch {
		case err != nil && m != nil:
			r.mark("both")
		case err != nil:
			r.mark(errorName(err))
		case m == nil:
			r.mark("neither")
		default:
			r.handle(m)
			m.Release()
		}
	}()
	return r
}

func (e *env) misuse(err error) {
	e.t.Helper()
	e.ErrorIs(err, xpc.ErrMisuse)
}
