package xpc

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// maxBacklog bounds the peers that wait for Accept.
const maxBacklog = 1024

// A Listener receives the clients of a service. A [Server] serves it; programs
// that choose among their peers first call Accept themselves. All its methods
// may be called from any goroutine.
type Listener struct {
	conn *Connection
	set  *settings

	mu      sync.Mutex
	backlog []*Peer
	err     error
	ready   chan struct{} // a token if there is something for Accept
}

// NewListener makes the listener for a name that this process's own launchd job
// declares in its MachServices, or with name "" an anonymous one, which is
// reached through its Endpoint. Peers arrive from now on and wait for Accept:
// what they send waits with them. The listener belongs to the caller, who ends
// it with Close, or lets Serve do it.
//
// Errors: [ErrMisuse] for a name with a NUL byte or an option that does not fit;
// [ErrUnsupported] where there is no libxpc and no [WithRuntime], or where a peer
// requirement cannot be set. That the name is not declared tells Accept.
//
// C: xpc_connection_create_mach_service with XPC_CONNECTION_MACH_SERVICE_LISTENER,
// https://developer.apple.com/documentation/xpc/1448783-xpc_connection_create_mach_servi,
// or xpc_connection_create with NULL,
// https://developer.apple.com/documentation/xpc/1448785-xpc_connection_create
func NewListener(name string, opts ...Option) (*Listener, error) {
	s, err := newSettings("NewListener", opts)
	if err != nil {
		return nil, err
	}
	var conn *Connection
	if name == "" {
		conn, err = s.rt.NewAnonymousListener(s.queue)
	} else {
		conn, err = s.rt.NewMachService(name, s.queue, MachServiceListener)
	}
	if err != nil {
		return nil, err
	}
	l := &Listener{conn: conn, set: s, ready: make(chan struct{}, 1)}
	if err := s.open(conn, l.event); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Listener) event(ev Event) {
	switch ev := ev.(type) {
	case *Connection:
		l.add(ev)
	case *Error:
		l.set.trace(l.conn, TraceEvent{Kind: TraceEnd, Err: ev})
		if errors.Is(ev, ErrInvalid) {
			l.fail(ev)
		}
	}
}

func (l *Listener) add(c *Connection) {
	p := &Peer{l: newLink(c, l.set)}
	if l.set.queue != nil {
		c.SetTargetQueue(l.set.queue)
	}
	l.mu.Lock()
	full := l.err != nil || len(l.backlog) >= maxBacklog
	if !full {
		l.backlog = append(l.backlog, p)
		l.signal()
	}
	l.mu.Unlock()
	if full {
		l.set.log().Warn("xpc: client refused, too many wait for Accept or the listener has ended", "service", l.conn.Name(), "pid", c.PID())
		c.Close()
	}
}

// signal wakes one Accept. The caller holds mu.
func (l *Listener) signal() {
	select {
	case l.ready <- struct{}{}:
	default:
	}
}

// fail ends Accept, and the peers that it did not take.
func (l *Listener) fail(err error) {
	l.mu.Lock()
	if l.err == nil {
		l.err = err
	}
	left := l.backlog
	l.backlog = nil
	l.signal()
	l.mu.Unlock()
	for _, p := range left {
		p.Close()
	}
}

// Accept waits for the next client, or until ctx ends. The peer is inactive and
// belongs to the caller: [Server.ServePeer] serves it, Close refuses it. While
// 1024 peers wait, further ones are refused; they see [ErrInterrupted].
//
// Errors: the context's own; [ErrClosed] after Close; an *[Error] that matches
// [ErrInvalid] when the listener became invalid, usually because the process's
// own job does not declare the name.
func (l *Listener) Accept(ctx context.Context) (*Peer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for {
		if p, err := l.take(); p != nil || err != nil {
			return p, err
		}
		select {
		case <-l.ready: // the token is ours: look before anything else
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-l.conn.Done():
			l.fail(ErrClosed) // a pretended process that ended; otherwise known already
		}
	}
}

// take gives the next peer, or nil.
func (l *Listener) take() (*Peer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		l.signal() // for the others that wait
		return nil, l.err
	}
	if len(l.backlog) == 0 {
		return nil, nil
	}
	p := l.backlog[0]
	l.backlog[0] = nil
	l.backlog = l.backlog[1:]
	if len(l.backlog) > 0 {
		l.signal()
	}
	return p, nil
}

// Endpoint makes an endpoint of the listener, to be sent in a message: whoever
// receives it can connect, with [NewEndpointClient]. After Close it is
// [ErrClosed].
//
// C: xpc_endpoint_create,
// https://developer.apple.com/documentation/xpc/1505651-xpc_endpoint_create
func (l *Listener) Endpoint() (*Endpoint, error) { return l.conn.Endpoint() }

// Close ends the listener and returns at once. Peers that Accept has not taken
// are closed, Accept fails with [ErrClosed], and a Serve of it ends. Clients of
// an anonymous listener see [ErrInvalid]. Closing again does nothing.
func (l *Listener) Close() error {
	l.fail(ErrClosed)
	return l.conn.Close()
}

// Done is closed when the listener has ended, by Close or because it became
// invalid.
func (l *Listener) Done() <-chan struct{} { return l.conn.Done() }

// A Peer is one client of a [Listener]. It waits inactive until
// [Server.ServePeer] serves it; what is sent to it before waits too, and a Call
// waits with it. All its methods may be called from any goroutine, from its own
// handler too: a service may send requests to its clients.
type Peer struct {
	l      *link
	served atomic.Bool
}

// Call sends a request to the client, like [Client.Call]. When the client goes
// away it fails with [ErrInvalid]. A client that calls the service back while it
// handles the request waits for the mailbox: calls in both directions at once
// need contexts that end.
func (p *Peer) Call(ctx context.Context, in, out any) error { return p.l.call(ctx, in, out) }

// CallMessage is Call with the reply as it came, like [Client.CallMessage].
func (p *Peer) CallMessage(ctx context.Context, in any) (*Message, error) {
	return p.l.callMessage(ctx, in)
}

// Send sends a one-way message to the client, like [Client.Send].
func (p *Peer) Send(in any) error { return p.l.send(in) }

// Flush waits until the messages sent before have been handed to the system,
// like [Client.Flush].
func (p *Peer) Flush(ctx context.Context) error { return p.l.flush(ctx) }

// Close ends the peer and returns at once; the context of its handler ends. A
// named client sees [ErrInterrupted], and its next message makes a new peer.
// Closing again does nothing.
func (p *Peer) Close() error {
	p.l.close(ErrClosed)
	return nil
}

// Done is closed when the peer has ended, by Close or because the client went
// away.
func (p *Peer) Done() <-chan struct{} { return p.l.conn.Done() }

// Connection is level 1 of the peer: PID, EUID and the other credentials, known
// from the start. Its event handler belongs to the server.
func (p *Peer) Connection() *Connection { return p.l.conn }

type peerKey struct{}

// PeerFromContext is the peer whose message a handler of a [Server] serves, by
// the handler's context; false elsewhere.
func PeerFromContext(ctx context.Context) (*Peer, bool) {
	p, ok := ctx.Value(peerKey{}).(*Peer)
	return p, ok
}
