package xpc

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

// A Message is a received dictionary: an [Event] of a client or a peer, or the
// reply to a request. Its values are read on demand, with Decode, Dictionary,
// [Get] or the typed getters, in any order and from any goroutine.
//
// # Ownership
//
// What a handler receives is valid while the handler runs. Retain keeps it
// until Release; while it is kept its transaction stays open, and the process is
// not ended as idle. What Call and SendMessageWithReplySync return belongs to
// the caller: Release gives it back early, otherwise the garbage collector does.
// With a message go its descriptors that nobody took and the reply that nobody
// sent.
//
// Reading a released message is [ErrMisuse], or the default value from the
// getters that return no error.
type Message struct {
	conn   *Connection // nil for a reply
	limits wire.Limits // those at the time

	mu        sync.Mutex
	parsed    bool // body, bad and resources are set
	resources bool
	handler   bool // the handler's own reference
	replying  replyState
	singles   uint8       // getters that read a field alone
	user      int32       // references of Retain, or of the caller of Call
	uses      int32       // accesses under way
	flat      atomic.Bool // parsed, and nothing is wrong with the body
	body      wire.Value
	bad       error          // what is wrong with the body
	d         driver.Message // nil once given back, or if nothing is left to give back
	cleanup   runtime.Cleanup
}

type replyState uint8

const (
	replyUnwanted replyState = iota
	replyDue
	replyCreated
	replySent
)

func (*Message) isEvent() {}

// newMessage wraps what a handler is called with.
func newMessage(c *Connection, d driver.Message, l wire.Limits) *Message {
	m := roomIn(d)
	m.conn, m.d, m.limits, m.handler = c, d, l, true
	if d.WantsReply() {
		m.replying = replyDue
	}
	return m
}

// roomIn is a Message in the memory of the backend's, if that has room for it.
func roomIn(d driver.Message) *Message {
	if r, ok := d.(interface{ room() *Message }); ok {
		return r.room()
	}
	return new(Message)
}

// newOwnedMessage wraps a reply for the caller of a request.
func newOwnedMessage(d driver.Message, l wire.Limits) *Message {
	if d.Resources() == 0 {
		// Plain values live in Go memory: nothing of the backend is needed.
		m := roomIn(d)
		m.user, m.limits, m.d = 1, l, d
		m.parse()
		m.d = nil
		d.Release()
		return m
	}
	// What has a cleanup cannot lie within what the cleanup releases.
	m := &Message{user: 1, limits: l, d: d}
	m.parse()
	m.cleanup = runtime.AddCleanup(m, func(d driver.Message) { go d.Release() }, d)
	return m
}

// parse reads the body when it is first asked for: what no handler looks at need
// not be made.
func (m *Message) parse() {
	m.parsed = true
	m.body, m.bad = parseBody(m.d.Body(), m.limits)
	m.resources = m.d.Resources() > 0
	m.flat.Store(m.bad == nil)
}

func parseBody(b []byte, l wire.Limits) (wire.Value, error) {
	if len(b) > l.Size {
		return wire.Value{}, tooLarge(l.Size)
	}
	v, err := wire.Parse(b)
	if err == nil && v.Tag() == wire.Error {
		return wire.Value{}, fail("a message was received that cannot be read: %s", v.Text())
	}
	if err == nil && v.Tag() != wire.Dictionary {
		err = &wire.FormatError{Rule: "the outermost value is no dictionary"}
	}
	return v, err
}

func (m *Message) alive() bool { return m.handler || m.user > 0 }

// drop gives back the handler's reference when the handler has returned.
func (m *Message) drop() {
	m.mu.Lock()
	m.handler = false
	m.unlockAndRelease()
}

// unlockAndRelease gives the backend's message back if nobody needs it.
func (m *Message) unlockAndRelease() {
	d := m.d
	if m.alive() || m.uses > 0 {
		d = nil
	}
	if d != nil {
		m.d = nil
		m.cleanup.Stop()
	}
	m.mu.Unlock()
	if d != nil {
		d.Release()
	}
}

// Retain keeps a message beyond its handler, until Release. It must be called
// while the message is valid; later it is [ErrMisuse].
//
// C: xpc_retain, https://developer.apple.com/documentation/xpc/1505851-xpc_retain
func (m *Message) Retain() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.alive() {
		return misuse("Retain", "the message was released: retain it before its handler returns")
	}
	m.user++
	return nil
}

// Release undoes a Retain, or gives back a reply of Call or
// SendMessageWithReplySync. Once too often is [ErrMisuse].
//
// C: xpc_release, https://developer.apple.com/documentation/xpc/1505956-xpc_release
func (m *Message) Release() error {
	m.mu.Lock()
	if m.user == 0 {
		m.mu.Unlock()
		return misuse("Release", "the message was not retained, or was released before")
	}
	m.user--
	m.unlockAndRelease()
	return nil
}

// use calls f with the backend's message, which is not given back meanwhile.
func (m *Message) use(op string, f func(d driver.Message) error) error {
	d, err := m.pin(op)
	if err != nil {
		return err
	}
	defer m.unpin()
	return f(d)
}

func (m *Message) pin(op string) (driver.Message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pinLocked(op)
}

func (m *Message) pinLocked(op string) (driver.Message, error) {
	if !m.alive() {
		return nil, misuse(op, "use of a message after its release")
	}
	m.uses++
	return m.d, nil
}

func (m *Message) unpin() {
	m.mu.Lock()
	m.unlockAndUnpin()
}

func (m *Message) unlockAndUnpin() {
	m.uses--
	m.unlockAndRelease()
}

// contents gives the dictionary, if it can be read.
func (m *Message) contents(op string) (wire.Value, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.alive() {
		return wire.Value{}, misuse(op, "use of a message after its release")
	}
	if !m.parsed {
		m.parse()
	}
	return m.body, m.bad
}

// Connection is the connection over which the message came, and to which its
// reply goes; nil for a message that is itself a reply.
//
// C: xpc_dictionary_get_remote_connection,
// https://developer.apple.com/documentation/xpc/1505696-xpc_dictionary_get_remote_connec
func (m *Message) Connection() *Connection { return m.conn }

// WantsReply tells whether the sender waits for a reply that was not sent yet.
func (m *Message) WantsReply() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.replying == replyDue || m.replying == replyCreated
}

// A Reply is the answer to one request, to be filled and sent. It lives as long
// as its Message, and is used by one goroutine at a time.
type Reply struct {
	Dictionary
	m *Message
}

// CreateReply makes the empty reply to a request, once: it is [ErrNoReplyWanted]
// for a message whose sender does not wait, and for replies, [ErrReplied] the
// second time, [ErrMisuse] after release. Send it with Send, or with SendMessage
// on its Connection. Reply does all of it in one step.
//
// C: xpc_dictionary_create_reply,
// https://developer.apple.com/documentation/xpc/1505856-xpc_dictionary_create_reply
func (m *Message) CreateReply() (*Reply, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.alive() {
		return nil, misuse("CreateReply", "use of a message after its release")
	}
	switch m.replying {
	case replyUnwanted:
		return nil, ErrNoReplyWanted
	case replyDue:
		m.replying = replyCreated
		return &Reply{Dictionary: Dictionary{}, m: m}, nil
	}
	return nil, ErrReplied
}

// Connection is the connection that the reply goes to.
func (r *Reply) Connection() *Connection {
	if r == nil || r.m == nil {
		return nil
	}
	return r.m.conn
}

// Send sends the reply. See [Message.Reply].
func (r *Reply) Send() error { return r.Connection().SendMessage(r) }

// Reply answers a request with a [Dictionary] or a struct, from any goroutine,
// as long as the message is held. Replying to a client that has gone is ignored
// in silence. After an error other than [ErrReplied] the reply is still due.
//
// Errors: a *[ValueError], [ErrNoReplyWanted], [ErrReplied], [ErrMisuse] after
// release, [ErrClosed] after Close of the connection.
func (m *Message) Reply(v any) error {
	if m.conn == nil {
		return ErrNoReplyWanted
	}
	if err := m.conn.begin(); err != nil {
		return err
	}
	defer m.conn.s.end()
	return m.reply(v)
}

func (c *Connection) sendReply(r *Reply) error {
	if r.m == nil {
		return misuse("SendMessage", "the reply was not made by CreateReply")
	}
	if r.m.conn != c {
		return misuse("SendMessage", "a reply can be sent only on the connection of its request (row 65)")
	}
	return r.m.reply(r.Dictionary)
}

func (m *Message) reply(v any) (err error) {
	d, before, err := m.startReply()
	if err != nil {
		return err
	}
	sent := false
	defer func() {
		m.mu.Lock()
		if !sent {
			m.replying = before // it is still due
		}
		m.unlockAndUnpin()
	}()
	err = encoded("Reply", v, m.conn.rt.wireLimits(), d.Reply)
	sent = err == nil
	return err
}

// startReply pins the message and takes the reply as sent, so that nobody else
// sends it meanwhile.
func (m *Message) startReply() (d driver.Message, before replyState, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before = m.replying
	if m.alive() {
		switch before {
		case replyUnwanted:
			return nil, before, ErrNoReplyWanted
		case replySent:
			return nil, before, ErrReplied
		}
		m.replying = replySent
	}
	d, err = m.pinLocked("Reply")
	return d, before, err
}
