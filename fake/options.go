package fake

import "github.com/go-xpc/xpc/driver"

type options struct {
	hangDropped       bool
	listenerTakesPeer bool
	interruptEndpoint bool
	logMessages       bool
	reportLeaks       bool
	dice              *dice
	faultSeed         uint64
	evaluate          func(driver.Requirement, Identity) bool

	lookUpOnSend      bool
	swapLate          bool
	keepHandlers      bool
	handlerIsBarrier  bool
	cancelWins        bool
	cancelDiscards    bool
	loseAfterDeath    bool
	unloadLate        bool
	peersEarly        bool
	inactiveEndpoints bool
	endpointsDiffer   bool
	keepCredentials   bool
	finalizeInRelease bool
	suspendedSends    bool
	suspendedReplies  bool
	strict            bool
	strictPeers       bool
}

// An Option decides something that libxpc leaves open, or adds something to a
// world. Row numbers and K-numbers in the comments are those of the table of
// behaviour that package xpctest checks; what an option changes, no program may
// rely on. A program that works under all of them relies on nothing open.
type Option func(*options)

// OpenQuestions are the options that answer what libxpc leaves open in another
// way than by default, by name. A test that goes through them shows that a
// program depends on none.
func OpenQuestions() map[string]Option {
	return map[string]Option{
		"HangDropped":              HangDropped(),
		"ListenerCancelsPeers":     ListenerCancelsPeers(),
		"InterruptEndpoints":       InterruptEndpoints(),
		"LookUpOnSend":             LookUpOnSend(),
		"SwapHandlersLate":         SwapHandlersLate(),
		"KeepHandlers":             KeepHandlers(),
		"HandlerIsBarrier":         HandlerIsBarrier(),
		"CancelWins":               CancelWins(),
		"CancelDiscardsSent":       CancelDiscardsSent(),
		"LoseAfterDeath":           LoseAfterDeath(),
		"UnloadInvalidatesLate":    UnloadInvalidatesLate(),
		"PeersStartEarly":          PeersStartEarly(),
		"InactiveEndpointsInvalid": InactiveEndpointsInvalid(),
		"EndpointsDiffer":          EndpointsDiffer(),
		"KeepCredentials":          KeepCredentials(),
		"FinalizeInRelease":        FinalizeInRelease(),
		"SuspendedSends":           SuspendedSends(),
		"SuspendedReplies":         SuspendedReplies(),
		"Strict":                   Strict(),
	}
}

// HangDropped lets a request that the service drops unanswered wait for ever.
// Without it, its sender gets INTERRUPTED (row 92).
func HangDropped() Option { return func(o *options) { o.hangDropped = true } }

// ListenerCancelsPeers makes the cancellation of a listener cancel the peers
// that it delivered. Without it, those of a named listener live on (row 129).
func ListenerCancelsPeers() Option { return func(o *options) { o.listenerTakesPeer = true } }

// InterruptEndpoints gives a connection made from an endpoint INTERRUPTED
// before the INVALID that reports the end of the listening process. Without it,
// INVALID comes alone (K-9).
func InterruptEndpoints() Option { return func(o *options) { o.interruptEndpoint = true } }

// LookUpOnSend tells a client of an unknown name of it with its first message.
// Without it, INVALID comes after the activation (row 22).
func LookUpOnSend() Option { return func(o *options) { o.lookUpOnSend = true } }

// SwapHandlersLate lets a new event handler take effect behind the events that
// have arrived before. Without it, it serves the next one (row 41, K-19).
func SwapHandlersLate() Option { return func(o *options) { o.swapLate = true } }

// KeepHandlers keeps what an event handler holds until its connection is
// released. Without it, it is dropped after the last event (row 43).
func KeepHandlers() Option { return func(o *options) { o.keepHandlers = true } }

// HandlerIsBarrier holds up what a connection sends and the replies that it gets
// while its own event handler runs, as the headers say: a handler that waits for
// a reply on its own connection then waits for ever. Without it, both go through,
// as the manual pages say (row 44, K-3).
func HandlerIsBarrier() Option { return func(o *options) { o.handlerIsBarrier = true } }

// CancelWins gives INVALID to requests that were interrupted if their connection
// is cancelled before their handler runs. Without it, they get INTERRUPTED
// (row 91).
func CancelWins() Option { return func(o *options) { o.cancelWins = true } }

// CancelDiscardsSent makes a cancellation discard what was sent and has not been
// delivered. Without it, only what could not be sent yet is lost (row 118).
func CancelDiscardsSent() Option { return func(o *options) { o.cancelDiscards = true } }

// LoseAfterDeath loses what a client sends between the end of its service and
// the INTERRUPTED that reports it; requests are interrupted. Without it, it goes
// to the next instance (row 136).
func LoseAfterDeath() Option { return func(o *options) { o.loseAfterDeath = true } }

// UnloadInvalidatesLate gives the clients of an unloaded job INTERRUPTED alone,
// and INVALID with their next message. Without it, INVALID follows at once
// (row 139, K-10).
func UnloadInvalidatesLate() Option { return func(o *options) { o.unloadLate = true } }

// PeersStartEarly delivers the events of an activated peer also while the
// listener's handler that announced it still runs. Without it, they wait until
// it has returned (row 152).
func PeersStartEarly() Option { return func(o *options) { o.peersEarly = true } }

// InactiveEndpointsInvalid gives INVALID to a connection made from the endpoint
// of a listener that is not active yet. Without it, its peer appears once the
// listener is activated (row 162).
func InactiveEndpointsInvalid() Option { return func(o *options) { o.inactiveEndpoints = true } }

// EndpointsDiffer makes any two endpoint objects unequal. Without it, those of
// one listener are equal (row 164).
func EndpointsDiffer() Option { return func(o *options) { o.endpointsDiffer = true } }

// KeepCredentials lets an interrupted client report the credentials of the lost
// process until it hears from the next. Without it, it reports none (row 173).
func KeepCredentials() Option { return func(o *options) { o.keepCredentials = true } }

// FinalizeInRelease calls finalizers inside the call that frees the connection.
// Without it, they run on the target queue (row 178).
func FinalizeInRelease() Option { return func(o *options) { o.finalizeInRelease = true } }

// SuspendedSends lets a suspended connection send. Without it, what it sends
// waits, as the headers say (row 27, K-2).
func SuspendedSends() Option { return func(o *options) { o.suspendedSends = true } }

// SuspendedReplies holds up the replies to the requests of a suspended
// connection. Without it, only its event handler waits (row 32).
func SuspendedReplies() Option { return func(o *options) { o.suspendedReplies = true } }

// Strict refuses, as misuse, a synchronous request on an inactive connection.
// Without it, the request waits until somebody activates it, perhaps for ever
// (row 114).
func Strict() Option { return func(o *options) { o.strict = true } }

// StrictPeers lets [Launchd.Close] report every peer that was neither activated
// nor cancelled when its listener's handler returned. Without it, only those that
// never are, with [ReportLeaks] (row 153). It is for programs that do all of it in
// the handler: xpc.Listener activates its peers later, as it may (row 151).
func StrictPeers() Option { return func(o *options) { o.strictPeers = true } }
