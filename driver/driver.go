// Package driver is the small interface between package xpc and what it runs
// on: Apple's libxpc, or the stand-in of package fake. Programs do not need it;
// they use xpc, and inject a *xpc.Runtime.
//
// Package xpc guards every call with its own state machine before it reaches a
// backend. A backend may therefore rely on what each method says about order,
// and need not check it again.
package driver

// Backend makes connections and queues for one process, real or pretended.
type Backend interface {
	// NewConn makes an inactive connection. A nil queue means the default
	// concurrent queue. An error means that no connection was made.
	NewConn(spec Spec, q Queue) (Conn, error)

	// NewQueue makes a dispatch queue of its own.
	NewQueue(label string, concurrent bool) (Queue, error)

	// NewSharedMemory makes a zeroed region of at least size bytes, rounded up
	// to whole pages, that can be placed in messages.
	NewSharedMemory(size int) (SharedMemory, error)

	// TransactionBegin and TransactionEnd count an explicit transaction.
	// Package xpc never ends more than it began.
	TransactionBegin() error
	TransactionEnd() error

	// Main hands the peers of a bundled service to accept, on the default
	// queue, for as long as the process lives. A backend where the process
	// can end without the whole program ending returns then.
	Main(accept func(peer Conn)) error
}

// Kind tells the ways to make a connection apart.
type Kind uint8

const (
	KindBundled      Kind = iota + 1 // xpc_connection_create with a name
	KindAnonymous                    // xpc_connection_create with NULL
	KindMachService                  // xpc_connection_create_mach_service
	KindFromEndpoint                 // xpc_connection_create_from_endpoint
	KindPeer                         // handed out by a listener
)

// Flags of xpc_connection_create_mach_service.
const (
	FlagListener   uint64 = 1 << 0
	FlagPrivileged uint64 = 1 << 1
)

// Spec says which connection to make.
type Spec struct {
	Kind     Kind
	Name     string   // KindBundled and KindMachService
	Flags    uint64   // KindMachService
	Endpoint Endpoint // KindFromEndpoint
}

// Conn is one connection. Its methods may be called from any goroutine.
// Package xpc calls none of them after Release, and calls in flight end before
// Release begins.
type Conn interface {
	// SetHandler sets what receives the events. It is called at least once
	// before Activate, and may be called again at any time: the new handler
	// serves the next invocation. Invocations never overlap. The backend
	// drops every reference to h once h can no longer be called.
	SetHandler(h Handler)

	// SetTargetQueue changes the target queue, as a barrier; nil is the default.
	// A queue of another backend is an error.
	SetTargetQueue(q Queue) error

	// Activate is called once at most.
	Activate()
	// Suspend and Resume are balanced. They are called on activated connections;
	// Suspend also directly before Activate, which Resume may then overtake.
	Suspend()
	Resume()
	// Cancel may be called in any state and any number of times.
	Cancel()

	// The sends copy what they need of p before they return: descriptors are
	// duplicated, bytes copied, references taken. An error means that the
	// message was not accepted.
	Send(p *Payload) error
	// SendBarrier calls f once, never from inside the call.
	SendBarrier(f func()) error
	// SendWithReply calls h once, on q (nil: the default concurrent queue),
	// with Message or Err set, never from inside the call.
	SendWithReply(p *Payload, q Queue, h Handler) error
	// SendWithReplySync blocks until the reply or an error is there.
	SendWithReplySync(p *Payload) (Event, error)

	// Name is the name given at creation, false if there is none.
	Name() (string, bool)
	Credentials() Credentials
	// Endpoint is called on listeners only.
	Endpoint() (Endpoint, error)
	// SetPeerRequirement is called once at most.
	SetPeerRequirement(r Requirement) error
	// InvalidationReason is false while the connection is valid, or where the
	// system has no such call.
	InvalidationReason() (string, bool)

	// SetFinalizer sets what is called once, on the target queue, when the
	// connection has been freed after Release.
	SetFinalizer(f func())

	// Release gives the reference back. The connection was activated, its
	// suspensions are balanced, and it is not called from a handler.
	Release()
}

// Handler receives one event. It is called on a thread or goroutine of the
// queue, and must return before the next event of the same connection comes.
type Handler func(Event)

// Event is what a handler receives: exactly one of Message, Peer and Err is set.
type Event struct {
	Message Message
	Peer    Conn
	Err     ErrorCode
	Text    string // with Err: the description that the system gives
}

// ErrorCode names an error event.
type ErrorCode uint8

const (
	Interrupted         ErrorCode = iota + 1 // XPC_ERROR_CONNECTION_INTERRUPTED
	Invalid                                  // XPC_ERROR_CONNECTION_INVALID
	TerminationImminent                      // XPC_ERROR_TERMINATION_IMMINENT
	PeerRequirement                          // XPC_ERROR_PEER_CODE_SIGNING_REQUIREMENT

	// Gone says that the process which owned the connection has ended while
	// the program goes on, which only pretended processes can. No handler of
	// the user runs any more; package xpc cleans up.
	Gone
)

// Message is a received dictionary. Its methods may be called from any
// goroutine until Release.
type Message interface {
	// Body is the flat form (package wire), and Resources is how many resources it
	// refers to. They are asked for before Release, and must not call back into
	// package xpc. The body is never changed, and valid after Release, too, but
	// for the resources.
	Body() []byte
	Resources() int
	// DupFD gives a new descriptor that the caller closes.
	DupFD(i int) (uintptr, error)
	// Data is a view of large data, valid until Release.
	Data(i int) ([]byte, error)
	// Endpoint and SharedMemory give a new reference that the caller releases.
	Endpoint(i int) (Endpoint, error)
	SharedMemory(i int) (SharedMemory, error)

	// WantsReply tells whether the sender waits for a reply to this message.
	WantsReply() bool
	// Reply sends the reply. It is called once at most, and only where
	// WantsReply is true.
	Reply(p *Payload) error
	// DropReply gives up the reply that is owed, if it was not sent.
	DropReply()

	// Release gives the message back, and drops a reply that is still owed.
	// It is called once, from inside the handler or later.
	Release()
}

// Payload is an outgoing dictionary. It belongs to the caller: backends only read it.
type Payload struct {
	Body      []byte // flat form, package wire
	Resources []Resource
}

// ResourceKind tells what a Resource holds.
type ResourceKind uint8

const (
	ResourceFD ResourceKind = iota + 1
	ResourceEndpoint
	ResourceSharedMemory
	ResourceData
)

// Resource is what a flat form cannot hold by value.
type Resource struct {
	Kind     ResourceKind
	FD       uintptr
	Endpoint Endpoint
	Memory   SharedMemory
	Data     []byte
}

// Queue is a dispatch queue.
type Queue interface {
	// Async runs f on the queue, later.
	Async(f func())
	// Release gives the reference back; what was queued still runs.
	Release()
}

// Endpoint is a reference to a listener that can travel in messages.
type Endpoint interface {
	Equal(Endpoint) bool
	Release()
}

// SharedMemory is a region of memory that can travel in messages.
type SharedMemory interface {
	// Size is the length in bytes, a multiple of the page size; 0 if it is
	// known only once mapped.
	Size() int
	// Map maps the region anew.
	Map() (Mapping, error)
	Release()
}

// Mapping is one mapping of a SharedMemory.
type Mapping interface {
	Bytes() []byte
	Unmap() error
}

// Credentials of the remote process; see xpc.Connection.
type Credentials struct {
	PID, EUID, EGID, ASID int
}

// NoCredentials is what libxpc reports before anything came back.
var NoCredentials = Credentials{PID: 0, EUID: -1, EGID: -1, ASID: -1}

// RequirementKind tells the peer requirements apart.
type RequirementKind uint8

const (
	RequireCodeSigning RequirementKind = iota + 1
	RequireEntitlementExists
	RequireEntitlementMatches
	RequireTeamIdentity
	RequirePlatformIdentity
	RequireLightweightCode
)

// Requirement is one of the six peer requirements.
type Requirement struct {
	Kind RequirementKind
	// Text is the requirement, the entitlement's name, or the signing
	// identifier; the last may be absent, which is not the same as empty.
	Text    string
	HasText bool
	// Value is the flat form of the value to match (bool, string or int64),
	// or of the lightweight code requirement (a dictionary).
	Value *Payload
}
