//go:build unix

package remote

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/driver"
)

// A Process is the other process, as seen from here. Its Backend makes the
// connections there.
type Process struct {
	Token string
	PID   int

	l     *link
	hatch string
	over  chan struct{}

	mu    sync.Mutex
	last  uint64
	here  map[uint64]callback
	conns map[*conn]struct{}
	dead  bool
}

// callback is what the other side may have run.
type callback struct {
	c     *conn          // whose event handler it is, if it is one
	h     driver.Handler // of events
	f     func()         // a block
	reply bool           // h runs once
}

// Dial waits for the hello of a [Serve] at the other end of c.
func Dial(c *net.UnixConn) (*Process, error) {
	p := &Process{l: newLink(c), over: make(chan struct{}), here: map[uint64]callback{}, conns: map[*conn]struct{}{}}
	hello := make(chan *frame, 1)
	p.l.serve = func(f *frame) frame { return p.serve(f, hello) }
	go func() {
		p.l.run()
		p.gone()
		close(p.over)
	}()
	select {
	case f := <-hello:
		p.Token, p.PID, p.hatch = f.Text, int(f.Num), string(f.Body)
		return p, nil
	case <-p.over:
		return nil, errGone
	}
}

// Done is closed when the process has ended, or let go of its socket.
func (p *Process) Done() <-chan struct{} { return p.over }

// Exit asks the process to end.
func (p *Process) Exit() { _, _ = p.l.call(frame{Op: opExit}) }

// Close lets go of the process, which ends then.
func (p *Process) Close() { p.l.s.close(); <-p.over }

// Wait returns when nothing runs any more on the process's behalf. It is called
// after Done.
func (p *Process) Wait() { p.l.running.Wait() }

func (p *Process) put(c callback) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	if !p.dead {
		p.here[p.last] = c
	}
	return p.last
}

// take gives a callback, for the last time if it runs once.
func (p *Process) take(id uint64) callback {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.here[id]
	if c.f != nil || c.reply {
		delete(p.here, id)
	}
	return c
}

func (p *Process) serve(f *frame, hello chan<- *frame) frame {
	defer closeFDs(f.fds)
	switch f.Op {
	case opHello:
		hello <- f
	case opRun:
		if c := p.take(f.Arg); c.f != nil {
			c.f()
		}
	case opEvent:
		c := p.take(f.Arg)
		switch ev := p.event(f); {
		case c.c != nil:
			c.c.deliver(c.h, ev)
		case c.h != nil:
			c.h(ev)
		}
	default:
		return frame{Err: failed(fmt.Errorf("remote: operation %d is not known", f.Op))}
	}
	return frame{}
}

// event reads an event frame.
func (p *Process) event(f *frame) driver.Event {
	switch f.Res[0].Kind {
	case evMessage:
		return driver.Event{Message: &message{p: p, id: f.Obj, body: f.Body, resources: int(f.Num), wants: f.Flag}}
	case evPeer:
		return driver.Event{Peer: p.newConn(f)}
	}
	return driver.Event{Err: driver.ErrorCode(f.Num), Text: f.Text}
}

// gone tells everybody that the process has ended.
func (p *Process) gone() {
	p.mu.Lock()
	p.dead = true
	here, conns := p.here, p.conns
	p.here, p.conns = nil, nil
	p.mu.Unlock()
	for _, c := range here {
		if c.reply {
			p.l.running.Add(1)
			go func() { defer p.l.running.Done(); c.h(driver.Event{Err: driver.Gone}) }()
		}
	}
	for c := range conns {
		c.bury()
	}
}

func (p *Process) call(f frame) *frame {
	a, _ := p.l.call(f)
	return a
}

// do is call for what package xpc reports an error of. That the process is gone
// is none for calls that promise no delivery.
func (p *Process) do(f frame) error {
	_, err := p.l.call(f)
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

// ask is call for what gives something.
func (p *Process) ask(f frame) (*frame, error) {
	a, err := p.l.call(f)
	if errors.Is(err, errGone) {
		err = fmt.Errorf("%w: %w", xpc.ErrClosed, err)
	}
	return a, err
}

// Backend is the process's backend.
func (p *Process) Backend() driver.Backend { return backend{p} }

type backend struct{ p *Process }

func foreign(what string, v any) error {
	return fmt.Errorf("remote: %s (%T) of another runtime cannot be used in this process", what, v)
}

func (p *Process) queueID(q driver.Queue) (uint64, error) {
	switch q := q.(type) {
	case nil:
		return 0, nil
	case *queue:
		if q.p == p {
			return q.id, nil
		}
	}
	return 0, foreign("a queue", q)
}

func (b backend) NewConn(spec driver.Spec, q driver.Queue) (driver.Conn, error) {
	f := frame{Op: opNewConn, Num: int64(spec.Kind), Text: spec.Name, Arg: spec.Flags}
	if spec.Kind == driver.KindFromEndpoint {
		e, ok := spec.Endpoint.(*Endpoint)
		if !ok || e.p != b.p {
			return nil, foreign("an endpoint", spec.Endpoint)
		}
		f.Obj = e.id
	}
	id, err := b.p.queueID(q)
	if err != nil {
		return nil, err
	}
	f.Res = []resource{{Obj: id}}
	a, err := b.p.ask(f)
	if err != nil {
		return nil, err
	}
	return b.p.newConn(a), nil
}

func (b backend) NewQueue(label string, concurrent bool) (driver.Queue, error) {
	a, err := b.p.ask(frame{Op: opNewQueue, Text: label, Flag: concurrent})
	if err != nil {
		return nil, err
	}
	return &queue{b.p, a.Obj}, nil
}

func (b backend) NewSharedMemory(size int) (driver.SharedMemory, error) {
	return b.p.newMemory(b.p.ask(frame{Op: opNewMemory, Num: int64(size)}))
}

func (b backend) TransactionBegin() error { return b.p.do(frame{Op: opBegin}) }
func (b backend) TransactionEnd() error   { return b.p.do(frame{Op: opEnd}) }

func (b backend) Main(accept func(driver.Conn)) error {
	id := b.p.put(callback{h: func(ev driver.Event) { accept(ev.Peer) }})
	return b.p.do(frame{Op: opMain, Arg: id})
}

type queue struct {
	p  *Process
	id uint64
}

func (q *queue) Async(f func()) {
	q.p.call(frame{Op: opAsync, Obj: q.id, Arg: q.p.put(callback{f: f})})
}
func (q *queue) Release() { q.p.call(frame{Op: opRelease, Obj: q.id}) }

type conn struct {
	p     *Process
	id    uint64
	name  string
	named bool

	events sync.Mutex // held while the handler runs
	ended  bool       // nothing is delivered any more, guarded by events

	mu       sync.Mutex
	h        driver.Handler
	handlers []uint64 // all that were set
	active   bool
	cred     driver.Credentials
}

func (p *Process) newConn(f *frame) *conn {
	c := &conn{p: p, id: f.Obj, name: f.Text, named: f.Flag, cred: driver.NoCredentials}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.dead {
		p.conns[c] = struct{}{}
	}
	return c
}

func (c *conn) deliver(h driver.Handler, ev driver.Event) {
	c.events.Lock()
	defer c.events.Unlock()
	if !c.ended {
		h(ev)
	}
}

// bury delivers the end of the process, to whoever has activated the connection
// or does so later.
func (c *conn) bury() {
	c.mu.Lock()
	h, active := c.h, c.active
	c.mu.Unlock()
	if !active {
		return
	}
	c.p.l.running.Add(1)
	go func() {
		defer c.p.l.running.Done()
		c.events.Lock()
		defer c.events.Unlock()
		if !c.ended {
			c.ended = true
			h(driver.Event{Err: driver.Gone})
		}
	}()
}

func (c *conn) SetHandler(h driver.Handler) {
	id := c.p.put(callback{c: c, h: h})
	c.mu.Lock()
	c.h, c.handlers = h, append(c.handlers, id)
	c.mu.Unlock()
	c.p.call(frame{Op: opSetHandler, Obj: c.id, Arg: id})
}

func (c *conn) SetTargetQueue(q driver.Queue) error {
	id, err := c.p.queueID(q)
	if err != nil {
		return err
	}
	return c.p.do(frame{Op: opSetQueue, Obj: c.id, Arg: id})
}

func (c *conn) Activate() {
	c.mu.Lock()
	c.active = true
	c.mu.Unlock()
	c.p.mu.Lock()
	dead := c.p.dead
	c.p.mu.Unlock()
	if dead {
		c.bury()
		return
	}
	c.p.call(frame{Op: opActivate, Obj: c.id})
}

func (c *conn) Suspend() { c.p.call(frame{Op: opSuspend, Obj: c.id}) }
func (c *conn) Resume()  { c.p.call(frame{Op: opResume, Obj: c.id}) }
func (c *conn) Cancel()  { c.p.call(frame{Op: opCancel, Obj: c.id}) }

func (c *conn) Send(p *driver.Payload) error {
	f := frame{Op: opSend, Obj: c.id}
	if err := c.p.load(&f, p); err != nil {
		return err
	}
	return c.p.do(f)
}

func (c *conn) SendBarrier(f func()) error {
	return c.p.do(frame{Op: opBarrier, Obj: c.id, Arg: c.p.put(callback{f: f})})
}

func (c *conn) SendWithReply(p *driver.Payload, q driver.Queue, h driver.Handler) error {
	f := frame{Op: opRequest, Obj: c.id}
	if err := c.p.load(&f, p); err != nil {
		return err
	}
	id, err := c.p.queueID(q)
	if err != nil {
		return err
	}
	f.Num, f.Arg = int64(id), c.p.put(callback{h: h, reply: true})
	_, err = c.p.ask(f)
	if err != nil {
		c.p.take(f.Arg)
	}
	return err
}

func (c *conn) SendWithReplySync(p *driver.Payload) (driver.Event, error) {
	f := frame{Op: opRequestSync, Obj: c.id}
	if err := c.p.load(&f, p); err != nil {
		return driver.Event{}, err
	}
	a, err := c.p.l.call(f)
	switch {
	case errors.Is(err, errGone):
		return driver.Event{Err: driver.Gone}, nil
	case err != nil:
		return driver.Event{}, err
	}
	return c.p.event(a), nil
}

func (c *conn) Name() (string, bool) { return c.name, c.named }

func (c *conn) Credentials() driver.Credentials {
	a, err := c.p.l.call(frame{Op: opCredentials, Obj: c.id})
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.cred = a.Cred
	}
	return c.cred
}

func (c *conn) Endpoint() (driver.Endpoint, error) {
	a, err := c.p.ask(frame{Op: opEndpoint, Obj: c.id})
	if err != nil {
		return nil, err
	}
	return &Endpoint{c.p, a.Obj}, nil
}

func (c *conn) SetPeerRequirement(r driver.Requirement) error {
	q := &requirement{Kind: r.Kind, Text: r.Text, HasText: r.HasText}
	if r.Value != nil {
		if len(r.Value.Resources) > 0 {
			return errors.New("remote: a requirement with resources cannot be passed on")
		}
		q.Body = r.Value.Body
	}
	_, err := c.p.ask(frame{Op: opRequire, Obj: c.id, Req: q})
	return err
}

func (c *conn) InvalidationReason() (string, bool) {
	a := c.p.call(frame{Op: opReason, Obj: c.id})
	return a.Text, a.Flag
}

func (c *conn) SetFinalizer(f func()) {
	c.p.call(frame{Op: opFinalizer, Obj: c.id, Arg: c.p.put(callback{f: f})})
}

func (c *conn) Release() {
	c.p.call(frame{Op: opRelease, Obj: c.id})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	delete(c.p.conns, c)
	for _, id := range c.handlers {
		delete(c.p.here, id)
	}
}

// load puts a payload into a frame.
func (p *Process) load(f *frame, out *driver.Payload) error {
	f.Body = out.Body
	for _, r := range out.Resources {
		to := resource{Kind: r.Kind, Data: r.Data}
		switch r.Kind {
		case driver.ResourceFD:
			f.fds = append(f.fds, int(r.FD))
		case driver.ResourceEndpoint:
			e, ok := r.Endpoint.(*Endpoint)
			if !ok || e.p != p {
				return foreign("an endpoint", r.Endpoint)
			}
			to.Obj = e.id
		case driver.ResourceSharedMemory:
			m, ok := r.Memory.(*memory)
			if !ok || m.p != p {
				return foreign("shared memory", r.Memory)
			}
			to.Obj = m.id
		}
		f.Res = append(f.Res, to)
	}
	return nil
}

type message struct {
	p         *Process
	id        uint64
	body      []byte
	resources int
	wants     bool
}

func (m *message) Body() []byte     { return m.body }
func (m *message) Resources() int   { return m.resources }
func (m *message) WantsReply() bool { return m.wants }

func (m *message) DupFD(i int) (uintptr, error) {
	a, err := m.p.ask(frame{Op: opDupFD, Obj: m.id, Num: int64(i)})
	if err != nil {
		return 0, err
	}
	return uintptr(a.fds[0]), nil
}

func (m *message) Data(i int) ([]byte, error) {
	a, err := m.p.ask(frame{Op: opData, Obj: m.id, Num: int64(i)})
	return a.Body, err
}

func (m *message) Endpoint(i int) (driver.Endpoint, error) {
	a, err := m.p.ask(frame{Op: opMessageEndpoint, Obj: m.id, Num: int64(i)})
	if err != nil {
		return nil, err
	}
	return &Endpoint{m.p, a.Obj}, nil
}

func (m *message) SharedMemory(i int) (driver.SharedMemory, error) {
	return m.p.newMemory(m.p.ask(frame{Op: opMessageMemory, Obj: m.id, Num: int64(i)}))
}

func (m *message) Reply(p *driver.Payload) error {
	f := frame{Op: opReply, Obj: m.id}
	if err := m.p.load(&f, p); err != nil {
		return err
	}
	return m.p.do(f)
}

func (m *message) DropReply() { m.p.call(frame{Op: opDropReply, Obj: m.id}) }
func (m *message) Release()   { m.p.call(frame{Op: opRelease, Obj: m.id}) }

// Endpoint is an endpoint in the other process.
type Endpoint struct {
	p  *Process
	id uint64
}

func (e *Endpoint) Release() { e.p.call(frame{Op: opRelease, Obj: e.id}) }

func (e *Endpoint) Equal(x driver.Endpoint) bool {
	o, ok := x.(*Endpoint)
	return ok && o.p == e.p && e.p.call(frame{Op: opEqual, Obj: e.id, Arg: o.id}).Flag
}

// Fetch brings the endpoint over to b, by XPC.
func (e *Endpoint) Fetch(b driver.Backend) (driver.Endpoint, error) {
	if e.p.hatch == "" {
		return nil, foreign("an endpoint", e)
	}
	if _, err := e.p.ask(frame{Op: opHatch}); err != nil {
		return nil, err
	}
	c, err := b.NewConn(driver.Spec{Kind: driver.KindMachService, Name: e.p.hatch}, nil)
	if err != nil {
		return nil, err
	}
	over := make(chan struct{})
	c.SetHandler(func(ev driver.Event) {
		switch {
		case ev.Message != nil:
			ev.Message.Release()
		case ev.Err == driver.Invalid || ev.Err == driver.Gone:
			close(over)
		}
	})
	c.Activate()
	defer func() { c.Cancel(); <-over; c.Release() }()
	ev, err := c.SendWithReplySync(&driver.Payload{Body: asked(e.id)})
	if err != nil {
		return nil, err
	}
	if ev.Message == nil {
		return nil, fmt.Errorf("remote: the endpoint was not handed over: error %d, %s", ev.Err, ev.Text)
	}
	defer ev.Message.Release()
	return ev.Message.Endpoint(0)
}

type memory struct {
	p    *Process
	id   uint64
	size int
}

func (p *Process) newMemory(a *frame, err error) (driver.SharedMemory, error) {
	if err != nil {
		return nil, err
	}
	return &memory{p, a.Obj, int(a.Num)}, nil
}

func (m *memory) Size() int { return m.size }
func (m *memory) Release()  { m.p.call(frame{Op: opRelease, Obj: m.id}) }

func (m *memory) Map() (driver.Mapping, error) {
	a, err := m.p.ask(frame{Op: opMap, Obj: m.id})
	if err != nil {
		return nil, err
	}
	return &mapping{m.p, a.Obj, a.Body, bytes.Clone(a.Body)}, nil
}

// mapping is a copy; what was changed is written back when it is unmapped.
type mapping struct {
	p           *Process
	id          uint64
	now, before []byte
}

func (v *mapping) Bytes() []byte { return v.now }

func (v *mapping) Unmap() error {
	for i := 0; i < len(v.now); i++ {
		if v.now[i] == v.before[i] {
			continue
		}
		start := i
		for i < len(v.now) && v.now[i] != v.before[i] {
			i++
		}
		v.p.call(frame{Op: opPoke, Obj: v.id, Num: int64(start), Body: v.now[start:i]})
	}
	_, err := v.p.ask(frame{Op: opUnmap, Obj: v.id})
	return err
}
