package xpc

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

// A Runtime is where connections live: libxpc ([Native]) or a pretended process
// of package fake. It is the one value that switches a program between them.
//
// A Runtime may be used from any goroutine.
type Runtime struct {
	b driver.Backend

	limits atomic.Pointer[wire.Limits] // nil for the default

	syncCalls slots

	txMu         sync.Mutex // held across the call, so that ends never overtake begins
	transactions int
}

// maxSyncCalls bounds the threads that synchronous calls to a dead service can
// hold.
const maxSyncCalls = 128

// NewRuntime makes a Runtime of a backend. Programs use [Native] or package fake.
func NewRuntime(b driver.Backend) *Runtime {
	return &Runtime{b: b}
}

// Flags of [Runtime.NewMachService].
type Flags uint64

const (
	// MachServiceListener makes a connection that receives the peers of a name
	// which this process's own launchd job declares
	// (XPC_CONNECTION_MACH_SERVICE_LISTENER).
	MachServiceListener Flags = Flags(driver.FlagListener)

	// MachServicePrivileged accepts the name only from the system domain, where
	// LaunchDaemons live (XPC_CONNECTION_MACH_SERVICE_PRIVILEGED). It has no
	// effect together with MachServiceListener.
	MachServicePrivileged Flags = Flags(driver.FlagPrivileged)
)

// NewConnection makes an inactive connection to an XPC service inside this
// application's own bundle, named by its CFBundleIdentifier. For the name of a
// launchd job use [Runtime.NewMachService].
//
// The name is looked up once the connection is active, not here: an unknown one
// arrives as [ErrInvalid] in the handler. Handlers run on q, or on the default
// concurrent queue if q is nil. The connection belongs to the caller: see
// [Connection.Close]. An empty name, or one with a NUL byte, is [ErrMisuse].
//
// C: xpc_connection_create,
// https://developer.apple.com/documentation/xpc/1448785-xpc_connection_create
func (r *Runtime) NewConnection(name string, q *Queue) (*Connection, error) {
	return r.named("NewConnection", driver.Spec{Kind: driver.KindBundled, Name: name}, q)
}

// NewAnonymousListener makes an inactive listener that has no name. Its
// [Connection.Endpoint] travels in messages, and whoever receives it can connect.
//
// C: xpc_connection_create with NULL,
// https://developer.apple.com/documentation/xpc/1448785-xpc_connection_create
func (r *Runtime) NewAnonymousListener(q *Queue) (*Connection, error) {
	return r.connect(driver.Spec{Kind: driver.KindAnonymous}, q)
}

// NewMachService makes an inactive connection to a name that a launchd job
// declares in MachServices or, with the listener flag, the listener for such a
// name of this process's own job. Threading, ownership and errors are those of
// [Runtime.NewConnection]; unknown flags are [ErrMisuse].
//
// C: xpc_connection_create_mach_service,
// https://developer.apple.com/documentation/xpc/1448783-xpc_connection_create_mach_servi
func (r *Runtime) NewMachService(name string, q *Queue, f Flags) (*Connection, error) {
	if unknown := f &^ (MachServiceListener | MachServicePrivileged); unknown != 0 {
		return nil, misuse("NewMachService", "flags %#x are not known", uint64(unknown))
	}
	return r.named("NewMachService", driver.Spec{Kind: driver.KindMachService, Name: name, Flags: uint64(f)}, q)
}

// NewFromEndpoint makes an inactive connection to the listener behind an
// endpoint. Each call makes another connection, and another peer there.
//
// C: xpc_connection_create_from_endpoint,
// https://developer.apple.com/documentation/xpc/1448786-xpc_connection_create_from_endpo
func (r *Runtime) NewFromEndpoint(e *Endpoint) (*Connection, error) {
	if e == nil || e.d == nil {
		return nil, misuse("NewFromEndpoint", "the endpoint is nil")
	}
	c, err := r.connect(driver.Spec{Kind: driver.KindFromEndpoint, Endpoint: e.d}, nil)
	runtime.KeepAlive(e)
	return c, err
}

func (r *Runtime) named(op string, spec driver.Spec, q *Queue) (*Connection, error) {
	if spec.Name == "" {
		return nil, misuse(op, `name "" is empty`)
	}
	if strings.IndexByte(spec.Name, 0) >= 0 {
		return nil, misuse(op, "name %q holds a NUL byte", spec.Name)
	}
	return r.connect(spec, q)
}

// backend is what calls go to, also for a Runtime that NewRuntime did not make.
func (r *Runtime) backend() driver.Backend {
	if r == nil || r.b == nil {
		return noBackend{"this Runtime was made neither by Native nor by NewRuntime"}
	}
	return r.b
}

func (r *Runtime) connect(spec driver.Spec, q *Queue) (c *Connection, err error) {
	err = q.use(func(dq driver.Queue) error {
		d, err := r.backend().NewConn(spec, dq)
		if err == nil {
			c = newConnection(r, spec, d)
		}
		return err
	})
	return c, err
}

// Main runs a bundled XPC service: h receives its peers on the default queue,
// with the duties of a listener's handler. It never returns on macOS while the
// process lives, cannot be ended by a context, and must be called on the main
// thread: call runtime.LockOSThread in an init function, and Main from main.
// Elsewhere than on the main thread, or with a nil handler, it is [ErrMisuse].
// Jobs of launchd that declare MachServices use a listener instead.
//
// C: xpc_main, https://developer.apple.com/documentation/xpc/1505740-xpc_main
func (r *Runtime) Main(h func(peer *Connection)) error {
	if h == nil {
		return misuse("Main", "the handler is nil")
	}
	return r.backend().Main(func(d driver.Conn) {
		peer := newConnection(r, driver.Spec{Kind: driver.KindPeer}, d)
		guarded("the handler of Main", func() { h(peer) })
	})
}

// TransactionBegin keeps the process from being ended as idle until the
// matching [Runtime.TransactionEnd]. A received message does the same by itself
// until it is released, or replied to.
//
// C: xpc_transaction_begin,
// https://developer.apple.com/documentation/xpc/1505693-xpc_transaction_begin
func (r *Runtime) TransactionBegin() error {
	r.txMu.Lock()
	defer r.txMu.Unlock()
	if err := r.backend().TransactionBegin(); err != nil {
		return err
	}
	r.transactions++
	return nil
}

// TransactionEnd ends what [Runtime.TransactionBegin] began. Ending more than
// was begun is [ErrMisuse].
//
// C: xpc_transaction_end, https://developer.apple.com/documentation/xpc/1505713-xpc_transaction_end
func (r *Runtime) TransactionEnd() error {
	r.txMu.Lock()
	defer r.txMu.Unlock()
	if _, none := r.backend().(noBackend); r.transactions == 0 && !none {
		return misuse("TransactionEnd", "no transaction is open: ends must match begins")
	}
	if err := r.backend().TransactionEnd(); err != nil {
		return err
	}
	r.transactions--
	return nil
}
