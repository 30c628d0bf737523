//go:build unix

package remote

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

// Options of [Serve].
type Options struct {
	Token string // says to the other side who this is
	PID   int
	// Hatch is a MachService of this process's own job through which the other
	// side fetches endpoints that it wants as its own.
	Hatch string
	// Exit is called when the other side asks for it.
	Exit func()
}

// Serve makes the calls that come over c on b, until ctx or the socket ends.
func Serve(ctx context.Context, c *net.UnixConn, b driver.Backend, o Options) error {
	p := &process{b: b, o: o, objects: map[uint64]any{}, l: newLink(c)}
	p.l.serve = p.serve
	defer context.AfterFunc(ctx, p.l.s.close)()
	ended := make(chan struct{})
	go func() { p.l.run(); close(ended) }()
	_, err := p.l.call(frame{Op: opHello, Text: o.Token, Num: int64(o.PID), Body: []byte(o.Hatch)})
	<-ended
	return err
}

// process is the end where the backend is.
type process struct {
	b driver.Backend
	o Options
	l *link

	mu      sync.Mutex
	last    uint64
	objects map[uint64]any
	hatch   driver.Conn
}

func (p *process) add(v any) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	p.objects[p.last] = v
	return p.last
}

func object[T any](p *process, id uint64) (v T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, _ = p.objects[id].(T)
	return v
}

func (p *process) remove(id uint64) any {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.objects[id]
	delete(p.objects, id)
	return v
}

// queue is nil for the default queue, whose number is 0.
func (p *process) queue(id uint64) driver.Queue { return object[driver.Queue](p, id) }

// payload gives what f carries. Its descriptors are closed after the call.
func (p *process) payload(f *frame) *driver.Payload {
	out := &driver.Payload{Body: f.Body}
	fds := f.fds
	for _, r := range f.Res {
		d := driver.Resource{Kind: r.Kind, Data: r.Data}
		switch r.Kind {
		case driver.ResourceFD:
			d.FD, fds = uintptr(fds[0]), fds[1:]
		case driver.ResourceEndpoint:
			d.Endpoint = object[driver.Endpoint](p, r.Obj)
		case driver.ResourceSharedMemory:
			d.Memory = object[driver.SharedMemory](p, r.Obj)
		}
		out.Resources = append(out.Resources, d)
	}
	return out
}

func fail(err error) frame { return frame{Err: failed(err)} }

func (p *process) serve(f *frame) (a frame) {
	defer closeFDs(f.fds)
	c := object[driver.Conn](p, f.Obj)
	m := object[driver.Message](p, f.Obj)
	switch f.Op {
	case opExit:
		go p.o.Exit()
	case opNewConn:
		spec := driver.Spec{Kind: driver.Kind(f.Num), Name: f.Text, Flags: f.Arg, Endpoint: object[driver.Endpoint](p, f.Obj)}
		var q driver.Queue
		if len(f.Res) > 0 {
			q = p.queue(f.Res[0].Obj)
		}
		c, err := p.b.NewConn(spec, q)
		if err != nil {
			return fail(err)
		}
		return p.conn(c)
	case opNewQueue:
		q, err := p.b.NewQueue(f.Text, f.Flag)
		if err != nil {
			return fail(err)
		}
		a.Obj = p.add(q)
	case opNewMemory:
		return p.memory(p.b.NewSharedMemory(int(f.Num)))
	case opBegin:
		return fail(p.b.TransactionBegin())
	case opEnd:
		return fail(p.b.TransactionEnd())
	case opMain:
		return fail(p.b.Main(func(c driver.Conn) { p.event(f.Arg, driver.Event{Peer: c}) }))

	case opSetHandler:
		c.SetHandler(func(ev driver.Event) { p.event(f.Arg, ev) })
	case opSetQueue:
		return fail(c.SetTargetQueue(p.queue(f.Arg)))
	case opActivate:
		c.Activate()
	case opSuspend:
		c.Suspend()
	case opResume:
		c.Resume()
	case opCancel:
		c.Cancel()
	case opSend:
		return fail(c.Send(p.payload(f)))
	case opBarrier:
		return fail(c.SendBarrier(func() { p.run(f.Arg) }))
	case opRequest:
		return fail(c.SendWithReply(p.payload(f), p.queue(uint64(f.Num)), func(ev driver.Event) { p.event(f.Arg, ev) }))
	case opRequestSync:
		ev, err := c.SendWithReplySync(p.payload(f))
		if err != nil {
			return fail(err)
		}
		return p.eventFrame(ev)
	case opCredentials:
		a.Cred = c.Credentials()
	case opEndpoint:
		e, err := c.Endpoint()
		if err != nil {
			return fail(err)
		}
		a.Obj = p.add(e)
	case opRequire:
		r := driver.Requirement{Kind: f.Req.Kind, Text: f.Req.Text, HasText: f.Req.HasText}
		if f.Req.Body != nil {
			r.Value = &driver.Payload{Body: f.Req.Body}
		}
		return fail(c.SetPeerRequirement(r))
	case opReason:
		a.Text, a.Flag = c.InvalidationReason()
	case opFinalizer:
		c.SetFinalizer(func() { p.run(f.Arg) })
	case opRelease:
		if r, ok := p.remove(f.Obj).(interface{ Release() }); ok {
			r.Release()
		}
	case opAsync:
		p.queue(f.Obj).Async(func() { p.run(f.Arg) })

	case opDupFD:
		fd, err := m.DupFD(int(f.Num))
		if err != nil {
			return fail(err)
		}
		return frame{Op: opDupFD, fds: []int{int(fd)}}
	case opData:
		b, err := m.Data(int(f.Num))
		return frame{Body: b, Err: failed(err)}
	case opMessageEndpoint:
		e, err := m.Endpoint(int(f.Num))
		if err != nil {
			return fail(err)
		}
		a.Obj = p.add(e)
	case opMessageMemory:
		return p.memory(m.SharedMemory(int(f.Num)))
	case opReply:
		return fail(m.Reply(p.payload(f)))
	case opDropReply:
		m.DropReply()

	case opEqual:
		a.Flag = object[driver.Endpoint](p, f.Obj).Equal(object[driver.Endpoint](p, f.Arg))
	case opMap:
		view, err := object[driver.SharedMemory](p, f.Obj).Map()
		if err != nil {
			return fail(err)
		}
		a.Obj, a.Body = p.add(view), view.Bytes()
	case opPoke:
		copy(object[driver.Mapping](p, f.Obj).Bytes()[f.Num:], f.Body)
	case opUnmap:
		return fail(p.remove(f.Obj).(driver.Mapping).Unmap())
	case opHatch:
		return fail(p.openHatch())
	default:
		return fail(fmt.Errorf("remote: operation %d is not known", f.Op))
	}
	return a
}

func (p *process) conn(c driver.Conn) (a frame) {
	a.Obj = p.add(c)
	a.Text, a.Flag = c.Name()
	return a
}

func (p *process) memory(m driver.SharedMemory, err error) frame {
	if err != nil {
		return fail(err)
	}
	return frame{Obj: p.add(m), Num: int64(m.Size())}
}

// event has a handler run on the other side, and waits for its end.
func (p *process) event(handler uint64, ev driver.Event) {
	f := p.eventFrame(ev)
	f.Op, f.Arg = opEvent, handler
	_, _ = p.l.call(f)
}

func (p *process) run(block uint64) { _, _ = p.l.call(frame{Op: opRun, Arg: block}) }

// What an event frame holds, in Num of the first resource.
const (
	evMessage driver.ResourceKind = iota + 1
	evPeer
	evError
)

func (p *process) eventFrame(ev driver.Event) (f frame) {
	kind := evError
	switch m := ev.Message; {
	case m != nil:
		kind = evMessage
		f = frame{Obj: p.add(m), Body: m.Body(), Num: int64(m.Resources()), Flag: m.WantsReply()}
	case ev.Peer != nil:
		kind = evPeer
		f = p.conn(ev.Peer)
	default:
		f = frame{Num: int64(ev.Err), Text: ev.Text}
	}
	f.Res = []resource{{Kind: kind}}
	return f
}

// openHatch listens where the other side can ask for an endpoint by its number,
// and get it by XPC.
func (p *process) openHatch() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hatch != nil {
		return nil
	}
	c, err := p.b.NewConn(driver.Spec{Kind: driver.KindMachService, Name: p.o.Hatch, Flags: driver.FlagListener}, nil)
	if err != nil {
		return err
	}
	p.hatch = c
	c.SetHandler(func(ev driver.Event) {
		peer := ev.Peer
		if peer == nil {
			return
		}
		peer.SetHandler(func(ev driver.Event) {
			switch {
			case ev.Message != nil:
				p.hand(ev.Message)
				ev.Message.Release()
			case ev.Err == driver.Invalid:
				go peer.Release()
			}
		})
		peer.Activate()
	})
	c.Activate()
	return nil
}

const key = "endpoint"

// asked is the body of a request for an endpoint.
func asked(id uint64) []byte {
	var e wire.Encoder
	mark := e.Begin(wire.Dictionary)
	e.Key(key)
	e.Uint64(id)
	e.End(mark, 1)
	return e.Buf
}

func (p *process) hand(m driver.Message) {
	v, err := wire.Parse(m.Body())
	if err != nil {
		return
	}
	id, err := v.Lookup(key)
	if err != nil || id.Tag() != wire.Uint64 || !m.WantsReply() {
		return
	}
	ep := object[driver.Endpoint](p, id.Uint64())
	if ep == nil {
		return
	}
	var e wire.Encoder
	mark := e.Begin(wire.Dictionary)
	e.Key(key)
	e.Endpoint(0)
	e.End(mark, 1)
	_ = m.Reply(&driver.Payload{Body: e.Buf, Resources: []driver.Resource{{Kind: driver.ResourceEndpoint, Endpoint: ep}}})
}
