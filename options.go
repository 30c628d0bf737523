package xpc

import (
	"log/slog"
	"strings"
)

// An Option configures a [Client] or a [Listener]. One that makes no sense where
// it is given is [ErrMisuse].
type Option func(*settings)

// defaultMailbox is how many messages of one connection wait for its handler.
const defaultMailbox = 128

type settings struct {
	rt          *Runtime
	privileged  bool
	requirement PeerRequirement
	required    bool
	queue       *Queue
	tracer      func(TraceEvent)
	interrupted func(error)
	handler     Handler
	mailbox     int
	logger      *slog.Logger
}

// WithRuntime chooses where the connection lives: [Native], the default, or a
// pretended process of package fake.
func WithRuntime(r *Runtime) Option { return func(s *settings) { s.rt = r } }

// WithPrivileged makes a client accept the name only from the system domain,
// where LaunchDaemons live. A LaunchAgent cannot be reached with it. On a
// listener it has no effect.
//
// C: XPC_CONNECTION_MACH_SERVICE_PRIVILEGED,
// https://developer.apple.com/documentation/xpc/xpc_connection_mach_service_privileged
func WithPrivileged() Option { return func(s *settings) { s.privileged = true } }

// WithPeerRequirement sets what the other side must be signed as. A listener
// drops the messages of clients that fail it; calls of a client fail with
// [ErrPeerRequirement]. A requirement that cannot be set makes NewClient or
// NewListener fail. See [Connection.SetPeerRequirement].
func WithPeerRequirement(r PeerRequirement) Option {
	return func(s *settings) { s.requirement, s.required = r, true }
}

// WithTargetQueue chooses the queue on which events arrive, for a listener also
// those of its peers. Handlers do not run on it: they have goroutines.
func WithTargetQueue(q *Queue) Option { return func(s *settings) { s.queue = q } }

// WithTracer calls f at every step of the conversation, for a listener at those
// of its peers. See [TraceEvent] for the threads.
func WithTracer(f func(TraceEvent)) Option { return func(s *settings) { s.tracer = f } }

// OnInterrupted calls f when the service has exited, crashed or closed the
// connection. The client is usable: the next message launches the service
// again, and f may send it, to subscribe anew for instance. f runs on a
// goroutine, in order with the messages of [WithHandler]; err is an *[Error]
// that matches [ErrInterrupted]. Listeners have no use for it.
func OnInterrupted(f func(err error)) Option { return func(s *settings) { s.interrupted = f } }

// WithHandler serves the messages that a service sends to its client by itself,
// requests included, as a [Server] does with those of its clients. Without it
// such requests are refused with [CodeNoHandler] and one-way messages are
// dropped. For listeners there is the handler of a Server.
func WithHandler(h Handler) Option { return func(s *settings) { s.handler = h } }

// WithMailbox bounds the messages of one connection that wait for their
// handler; 128 is the default. A request beyond the bound is answered at once
// with [CodeBusy], a one-way message beyond it ends the connection: the reader is
// too slow, and messages must not be lost in silence.
func WithMailbox(n int) Option { return func(s *settings) { s.mailbox = n } }

// WithLogger chooses where panics of handlers, errors of handlers that nobody
// waits for, and connections ended by a full mailbox are reported; the default
// is slog.Default.
func WithLogger(l *slog.Logger) Option { return func(s *settings) { s.logger = l } }

func newSettings(op string, opts []Option) (*settings, error) {
	s := &settings{rt: native, mailbox: defaultMailbox}
	for _, o := range opts {
		if o == nil {
			return nil, misuse(op, "an option is nil")
		}
		o(s)
	}
	switch {
	case s.rt == nil:
		return nil, misuse(op, "WithRuntime: the runtime is nil")
	case s.required && s.requirement == nil:
		return nil, misuse(op, "WithPeerRequirement: the requirement is nil")
	case s.mailbox < 1:
		return nil, misuse(op, "WithMailbox: %d is below 1", s.mailbox)
	}
	if op == "NewListener" {
		var wrong []string
		if s.handler != nil {
			wrong = append(wrong, "WithHandler (give the handler to a Server)")
		}
		if s.interrupted != nil {
			wrong = append(wrong, "OnInterrupted (listeners and peers are never interrupted)")
		}
		if wrong != nil {
			return nil, misuse(op, "not for listeners: %s", strings.Join(wrong, ", "))
		}
	}
	return s, nil
}

// open gives a new connection its requirement and handler and activates it; on
// an error it closes the connection.
func (s *settings) open(c *Connection, h func(Event)) (err error) {
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	if s.requirement != nil {
		if err := c.SetPeerRequirement(s.requirement); err != nil {
			return err
		}
	}
	if err := c.SetEventHandler(h); err != nil {
		return err
	}
	return c.Activate()
}

func (s *settings) log() *slog.Logger {
	if s.logger != nil {
		return s.logger
	}
	return slog.Default()
}
