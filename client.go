package xpc

import (
	"context"
	"reflect"
)

// A Client talks to one service, for as long as the program wants: it survives
// restarts of the service. All its methods may be called from any goroutine.
//
// When the service exits or crashes, the calls under way fail with
// [ErrInterrupted], [OnInterrupted] is told, and the next message launches the
// service again. No request is ever sent twice: whether one that was
// interrupted has had its effect only the caller can know.
//
// When the name does not exist or its job is unloaded, calls fail with an
// *[Error] that matches [ErrInvalid] and says what to check, from then on for
// good: loading the job again needs a new Client.
type Client struct{ l *link }

// NewClient makes a client of a name in the MachServices of a launchd job. It
// dials nothing: the first message connects, and launches the service if it
// does not run. A name that nobody serves makes calls fail, not NewClient. The
// client belongs to the caller, who ends it with Close.
//
// Errors: [ErrMisuse] for an empty name, one with a NUL byte, or an option that
// does not fit; [ErrUnsupported] where there is no libxpc and no [WithRuntime],
// or where a peer requirement cannot be set.
//
// C: xpc_connection_create_mach_service,
// https://developer.apple.com/documentation/xpc/1448783-xpc_connection_create_mach_servi
func NewClient(name string, opts ...Option) (*Client, error) {
	s, err := newSettings("NewClient", opts)
	if err != nil {
		return nil, err
	}
	var f Flags
	if s.privileged {
		f = MachServicePrivileged
	}
	conn, err := s.rt.NewMachService(name, s.queue, f)
	if err != nil {
		return nil, err
	}
	return newClient(conn, s)
}

// NewEndpointClient makes a client of the listener behind an endpoint. Unlike a
// named service it is never launched again: when its process ends, calls fail
// with [ErrInvalid] for good. Threading, ownership and errors are those of
// [NewClient]; a nil endpoint and [WithPrivileged] are [ErrMisuse].
//
// C: xpc_connection_create_from_endpoint,
// https://developer.apple.com/documentation/xpc/1448786-xpc_connection_create_from_endpo
func NewEndpointClient(e *Endpoint, opts ...Option) (*Client, error) {
	const op = "NewEndpointClient"
	s, err := newSettings(op, opts)
	if err != nil {
		return nil, err
	}
	if s.privileged {
		return nil, misuse(op, "WithPrivileged is about names, and an endpoint has none")
	}
	conn, err := s.rt.NewFromEndpoint(e)
	if err != nil {
		return nil, err
	}
	if s.queue != nil {
		if err := conn.SetTargetQueue(s.queue); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return newClient(conn, s)
}

func newClient(conn *Connection, s *settings) (*Client, error) {
	l := newLink(conn, s)
	l.begin(context.Background())
	if err := s.open(conn, l.event); err != nil {
		l.cancel(err)
		return nil, err
	}
	if s.handler != nil {
		go l.watch()
	}
	return &Client{l}, nil
}

// Call sends a request and waits for its reply, or until ctx ends. It blocks
// only the goroutine. in is a [Dictionary] or a struct (see [Marshal]). out
// receives the reply: a pointer to a struct, a *Dictionary, or nil to ignore the
// contents. Files in out belong to the caller.
//
// A context that ends leaves the client usable; the late reply is dropped with
// its descriptors. The service is not told.
//
// Errors: a *[RemoteError] if the service answered with one; an *[Error] that
// matches [ErrInterrupted], [ErrInvalid] or [ErrPeerRequirement] if there will be
// no reply; the context's own error; a *[ValueError] for what cannot be sent or
// decoded; [ErrMisuse] for an in that is no dictionary or an out that is no
// pointer; [ErrBusy] when 1024 calls were given up whose replies are still due;
// [ErrClosed] after Close, also for calls under way.
//
// C: xpc_connection_send_message_with_reply,
// https://developer.apple.com/documentation/xpc/1448794-xpc_connection_send_message_with
func (c *Client) Call(ctx context.Context, in, out any) error { return c.l.call(ctx, in, out) }

// CallMessage is Call with the reply as it came, to be read with [Get], the
// typed getters or Decode. It belongs to the caller, who may Release it early.
// The errors are those of Call; an error form becomes a *[RemoteError] here too.
func (c *Client) CallMessage(ctx context.Context, in any) (*Message, error) {
	return c.l.callMessage(ctx, in)
}

// Send sends a one-way message and does not wait. Messages arrive in the order
// of the calls, but nothing tells whether they do: one that is under way when
// the service dies is lost. A Call instead, or after it, tells.
//
// Errors: a *[ValueError] or [ErrMisuse] for what cannot be sent; an *[Error]
// that matches [ErrInvalid] once the connection is known to be invalid;
// [ErrClosed] after Close.
//
// C: xpc_connection_send_message,
// https://developer.apple.com/documentation/xpc/1448791-xpc_connection_send_message
func (c *Client) Send(in any) error { return c.l.send(in) }

// Flush waits until the messages sent before have been handed to the system, so
// that the process may exit without losing them. That the service has received
// anything only a reply can tell. Errors are the context's, and those of Send.
//
// C: xpc_connection_send_barrier,
// https://developer.apple.com/documentation/xpc/1448784-xpc_connection_send_barrier
func (c *Client) Flush(ctx context.Context) error { return c.l.flush(ctx) }

// Close ends the client and returns at once; messages not yet sent are dropped
// (see Flush). Calls under way and later ones fail with [ErrClosed], and the
// context of a handler ends. Closing again does nothing.
func (c *Client) Close() error {
	c.l.close(ErrClosed)
	return nil
}

// Done is closed when the client has ended, by Close or because its connection
// became invalid.
func (c *Client) Done() <-chan struct{} { return c.l.conn.Done() }

// Stats counts what the mailbox of [WithHandler] refused.
func (c *Client) Stats() Stats { return c.l.count.stats() }

// Connection is level 1 of the client: credentials of the service, Suspend and
// Resume, the invalidation reason. Its event handler belongs to the client.
func (c *Client) Connection() *Connection { return c.l.conn }

// checkOut refuses what a reply cannot be decoded into, before anything is sent.
func checkOut(out any) error {
	if out == nil {
		return nil
	}
	if v := reflect.ValueOf(out); v.Kind() != reflect.Pointer || v.IsNil() {
		return misuse("Call", "out is a %T, and must be nil or a pointer to a struct or to a Dictionary", out)
	}
	return nil
}
