package xpc

import (
	"context"
	"errors"
	"sync"
)

// ErrServerClosed comes from Serve and ServePeer after [Server.Shutdown], and is
// matched by the answer to requests that arrive during it.
var ErrServerClosed = errors.New("xpc: server closed")

// A Handler serves the messages of a [Server], or those that a service sends to
// its client ([WithHandler]).
type Handler interface {
	// ServeXPC handles one message. It runs on a goroutine; those of one
	// connection run one after the other, in the order in which the messages
	// were sent, those of different connections side by side. It may block, and
	// may call back over its own connection.
	//
	// The message is valid until ServeXPC returns, or longer with Retain, and
	// keeps the process from being ended as idle. ctx ends when the other side
	// goes away (then context.Cause gives an *[Error]) or when the server must
	// stop; work that has to outlive its client uses context.WithoutCancel.
	//
	// A request is always answered: with reply, a [Dictionary] or a struct, nil
	// being the empty dictionary; or with err, in the form of [RemoteError]. A
	// handler may also answer with [Message.Reply] itself, for instance to close
	// the files that it sent, and return nil. One that has called CreateReply
	// and Retain owns the answer, and sends it when it likes. To a one-way
	// message reply is ignored and err is logged. A panic is logged, and
	// answered with [CodePanic].
	ServeXPC(ctx context.Context, m *Message) (reply any, err error)
}

// HandlerFunc is a function as a [Handler].
type HandlerFunc func(ctx context.Context, m *Message) (reply any, err error)

// ServeXPC calls f.
func (f HandlerFunc) ServeXPC(ctx context.Context, m *Message) (any, error) { return f(ctx, m) }

// A Server serves the peers of listeners with one Handler. The zero value with a
// Handler is ready; it must not be copied. Its methods may be called from any
// goroutine.
//
// Each peer has a mailbox ([WithMailbox] of its listener): the program is never
// made to hold more than that for a client that sends faster than the handler
// works. A peer that was told to end ([ErrTerminationImminent]) is closed once
// what it received was handled.
type Server struct {
	Handler Handler

	mu    sync.Mutex
	down  bool
	runs  map[*run]struct{}
	count counters
}

// run is one Serve or ServePeer.
type run struct {
	ctx    context.Context // of the handlers
	cancel context.CancelCauseFunc
	stop   context.CancelFunc // ends accepting
	done   chan struct{}

	mu    sync.Mutex
	links map[*link]struct{}
}

// begin registers a run. Accepting ends with the context that it returns.
func (s *Server) begin(ctx context.Context, op string) (*run, context.Context, error) {
	if s.Handler == nil {
		return nil, nil, misuse(op, "the server has no Handler")
	}
	r := &run{done: make(chan struct{}), links: map[*link]struct{}{}}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	accept, stop := context.WithCancel(ctx)
	r.stop = stop

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		stop()
		r.cancel(nil)
		return nil, nil, ErrServerClosed
	}
	if s.runs == nil {
		s.runs = map[*run]struct{}{}
	}
	s.runs[r] = struct{}{}
	return r, accept, nil
}

// end waits for everything that the run has started, and gives the error that
// its Serve returns.
func (s *Server) end(ctx context.Context, r *run, err error) error {
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	switch {
	case down:
		err = ErrServerClosed
	case ctx.Err() != nil:
		err = ctx.Err()
		r.cancel(ErrServerClosed)
	default:
		r.cancel(err)
	}
	for _, l := range r.all() {
		l.finish(ErrServerClosed)
	}
	for _, l := range r.all() {
		<-l.finished
	}
	r.stop()
	r.cancel(ErrServerClosed)
	s.mu.Lock()
	delete(s.runs, r)
	s.mu.Unlock()
	close(r.done)
	return err
}

func (r *run) all() []*link {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*link
	for l := range r.links {
		all = append(all, l)
	}
	return all
}

func (r *run) remove(l *link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.links, l)
}

// start serves a peer. Its link leaves the run when it has ended.
func (s *Server) start(r *run, p *Peer) error {
	if p.served.Swap(true) {
		return misuse("ServePeer", "the peer is served already")
	}
	l := p.l
	l.handler, l.count = s.Handler, &s.count
	l.values = func(ctx context.Context) context.Context { return context.WithValue(ctx, peerKey{}, p) }
	l.onEnd = func() { r.remove(l) }
	r.mu.Lock()
	r.links[l] = struct{}{}
	r.mu.Unlock()
	l.mu.Lock()
	l.begin(r.ctx)
	l.mu.Unlock()

	err := l.conn.SetEventHandler(l.event)
	if err == nil {
		err = l.conn.Activate()
	}
	if err != nil { // closed since Accept
		l.ended(err)
	}
	return err
}

// Serve accepts the peers of l and serves them, until ctx ends, Shutdown is
// called or the listener ends. It closes l. When it returns nothing of it is
// left: no peer, no handler, no goroutine. Running handlers are waited for; but
// for Shutdown their contexts have ended.
//
// The error is never nil: [ErrServerClosed] after Shutdown, the context's own,
// an *[Error] that matches [ErrInvalid] when the listener became invalid,
// [ErrClosed] when it was closed, [ErrMisuse] without a Handler.
func (s *Server) Serve(ctx context.Context, l *Listener) error {
	r, accept, err := s.begin(ctx, "Serve")
	if err != nil {
		l.Close()
		return err
	}
	for {
		var p *Peer
		if p, err = l.Accept(accept); err != nil {
			break
		}
		s.start(r, p)
	}
	l.Close()
	return s.end(ctx, r, err)
}

// ServePeer serves one peer of [Listener.Accept] until it has ended: because the
// client went away, which is nil, or by ctx, Close of the peer or Shutdown, with
// the errors of Serve. A peer is served once, a second time is [ErrMisuse].
func (s *Server) ServePeer(ctx context.Context, p *Peer) error {
	r, stop, err := s.begin(ctx, "ServePeer")
	if err != nil {
		p.Close()
		return err
	}
	if err = s.start(r, p); err == nil {
		select {
		case <-p.Done():
			if err = p.l.failure(); errors.Is(err, ErrInvalid) {
				err = nil
			}
		case <-stop.Done():
			err = stop.Err()
		}
	}
	return s.end(ctx, r, err)
}

// Shutdown ends the server gracefully: it stops accepting, answers new requests
// with [CodeShutdown], lets the handlers finish what has arrived, and closes the
// peers when the answers are out. If ctx ends first, the handlers' contexts end,
// the peers are closed at once, and the error is that of ctx. The server cannot
// be used again. A handler that calls it waits for itself until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.down = true
	runs := make([]*run, 0, len(s.runs))
	for r := range s.runs {
		runs = append(runs, r)
	}
	s.mu.Unlock()
	for _, r := range runs {
		r.stop()
	}
	for _, r := range runs {
		select {
		case <-r.done:
		case <-ctx.Done():
			for _, r := range runs {
				r.cancel(ErrServerClosed)
				for _, l := range r.all() {
					l.close(ErrServerClosed)
				}
			}
			return ctx.Err()
		}
	}
	return nil
}

// Stats counts what the mailboxes refused, of all peers together.
func (s *Server) Stats() Stats { return s.count.stats() }
