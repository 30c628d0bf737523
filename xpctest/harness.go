// Package xpctest is the conformance suite of package xpc: one case for each
// rule of libxpc's observable behaviour, run against any backend.
//
// A backend brings a [Harness] and calls [Run] from a test. What the harness
// cannot do it says by [Harness.Has]; the cases that need it are then reported
// as not reproducible here, by capability.
package xpctest

import (
	"context"
	"testing"

	"github.com/go-xpc/xpc"
)

// A Harness puts the suite onto a backend.
type Harness interface {
	// Name names the backend in reports.
	Name() string
	// Has tells what the worlds of this harness can do.
	Has(Capability) bool
	// New makes a fresh world for one case. It ends with t.Cleanup.
	New(t testing.TB) World
}

// A World is where one case happens: a client process, and what the
// capabilities add. Each capability names the interface that a World must then
// implement, too.
type World interface {
	// Client is the process in which the case itself runs.
	Client() *xpc.Runtime
	// PID is the process id of Client.
	PID() int
	// Log tells what happened, for a case that failed.
	Log() string
}

// A Runner is a Harness that runs each case in surroundings of its own, such as
// a bubble of testing/synctest. Cases with Case.Real set must run outside one:
// they depend on the garbage collector or on real files.
type Runner interface {
	RunCase(t *testing.T, c Case, f func(t *testing.T))
}

// Serial is a Harness whose worlds cannot exist side by side: its cases run one
// after the other.
type Serial interface{ Serial() }

// Capability is something that not every harness can do.
type Capability string

const (
	// Jobs: the World is a Launcher, and clients launch its services on demand.
	Jobs Capability = "launchd jobs"
	// Closures: ServiceSpec.Main runs inside the test program.
	Closures Capability = "service code inside the test program"
	// Exits: Service.Exit ends an instance in the regular way.
	Exits Capability = "exit of a service"
	// Crashes: Service.Crash ends an instance without warning.
	Crashes Capability = "crash of a service"
	// Unloads: Service.Unload and Load take a job away and bring it back.
	Unloads Capability = "unloading of a job"
	// Terminates: Service.Terminate tells an instance to exit.
	Terminates Capability = "SIGTERM to a service"
	// IdleExits: Service.IdleExit ends an instance that has nothing to do.
	IdleExits Capability = "idle exit"
	// SystemDomain: services may live in the System domain.
	SystemDomain Capability = "system domain"
	// Bundles: services and processes may belong to an application bundle.
	Bundles Capability = "bundled services"
	// Processes: the World is a Spawner of further client processes.
	Processes Capability = "second client process"
	// Identities: processes and services may pretend a code identity.
	Identities Capability = "pretended code identity"
	// Quiet: the World is a Quieter.
	Quiet Capability = "waiting for quiescence"
	// SyncWaits: a synchronous request on an inactive connection waits, where a
	// strict stand-in ends the process.
	SyncWaits Capability = "synchronous requests that wait for the activation"
	// Reasons: Connection.InvalidationReason is available.
	Reasons Capability = "invalidation reasons"
	// Memory: Runtime.NewSharedMemory works.
	Memory Capability = "shared memory"
	// Descriptors: open files can be sent.
	Descriptors Capability = "file descriptors"
)

// Launcher is a World with Jobs.
type Launcher interface {
	// Service declares and loads a job. Nothing runs until somebody sends to it.
	Service(ServiceSpec) Service
}

// Spawner is a World with Processes.
type Spawner interface {
	// Process starts another client process.
	Process(ProcessSpec) Process
}

// Quieter is a World with Quiet.
type Quieter interface {
	// Quiesce returns when no event is under way and no handler can go on:
	// what has not happened by now needs a further cause.
	Quiesce()
}

// Domain is a namespace of launchd.
type Domain int

const (
	User   Domain = iota // LaunchAgents of the client's user
	System               // LaunchDaemons
)

// Identity is a pretended code signature.
type Identity struct {
	SigningID    string
	TeamID       string
	Platform     bool
	Entitlements map[string]any
}

// ServiceSpec says what job to declare.
type ServiceSpec struct {
	// Names are the MachServices or, with Bundle, the one CFBundleIdentifier.
	Names  []string
	Domain Domain
	// Bundle is the application that contains the service, empty for a
	// launchd job of its own.
	Bundle string
	// Idle opts in to being ended when no transaction is open.
	Idle     bool
	Identity Identity
	// Main is the program. It returns when ctx ends, which is when its process
	// does; returning earlier is a regular exit.
	Main func(ctx context.Context, rt *xpc.Runtime)
}

// A Service is a declared job.
type Service interface {
	// Launches counts the instances so far.
	Launches() int
	// PID is that of the running instance, 0 if there is none.
	PID() int
	Exit()
	Crash()
	Unload()
	Load()
	// Terminate tells the instance to exit (SIGTERM).
	Terminate()
	// IdleExit ends the instance if it may be ended, which an open transaction
	// forbids, and tells whether it did.
	IdleExit() bool
}

// ProcessSpec says what client process to start.
type ProcessSpec struct {
	Domain   Domain
	Bundle   string
	Identity Identity
}

// A Process is a further client process.
type Process interface {
	Runtime() *xpc.Runtime
	PID() int
	Exit()
	Crash()
}

// InProcess is the smallest harness: client and service are one process, joined
// by an anonymous listener. It needs nothing but a runtime.
func InProcess(name string, rt func(t testing.TB) (*xpc.Runtime, int), has ...Capability) Harness {
	return inProcess{name, rt, has}
}

type inProcess struct {
	name string
	rt   func(t testing.TB) (*xpc.Runtime, int)
	has  []Capability
}

func (h inProcess) Name() string { return h.name }

func (h inProcess) Has(c Capability) bool {
	for _, x := range h.has {
		if x == c {
			return true
		}
	}
	return false
}

func (h inProcess) New(t testing.TB) World {
	rt, pid := h.rt(t)
	return oneProcess{rt, pid}
}

type oneProcess struct {
	rt  *xpc.Runtime
	pid int
}

func (w oneProcess) Client() *xpc.Runtime { return w.rt }
func (w oneProcess) PID() int             { return w.pid }
func (w oneProcess) Log() string          { return "" }
