package xpc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-xpc/xpc/driver"
)

// The errors of this package, for errors.Is. The first four are libxpc's own
// error objects; an *[Error] that wraps one of them carries the details.
var (
	// ErrInterrupted is XPC_ERROR_CONNECTION_INTERRUPTED: the remote process
	// exited, crashed or closed its end. A connection to a named service stays
	// usable, and its next message launches the service again.
	ErrInterrupted = errors.New("xpc: connection interrupted")

	// ErrInvalid is XPC_ERROR_CONNECTION_INVALID: the connection was cancelled,
	// its name does not exist, or its other side is gone for good. It is the
	// last event of a connection.
	ErrInvalid = errors.New("xpc: connection invalid")

	// ErrTerminationImminent is XPC_ERROR_TERMINATION_IMMINENT: the service is
	// about to be ended. Only peers of a listener or of Main receive it.
	ErrTerminationImminent = errors.New("xpc: termination imminent")

	// ErrPeerRequirement is XPC_ERROR_PEER_CODE_SIGNING_REQUIREMENT: the remote
	// process does not meet what [Connection.SetPeerRequirement] asks for.
	ErrPeerRequirement = errors.New("xpc: peer does not meet the requirement")

	// ErrClosed comes from calls on a connection after [Connection.Close], and
	// from what belonged to a pretended process that has ended.
	ErrClosed = errors.New("xpc: use of closed connection")

	// ErrUnsupported comes from a runtime, or a system, that lacks the call.
	// It matches errors.ErrUnsupported.
	ErrUnsupported error = unsupportedError{}

	// ErrMisuse is matched by every *[MisuseError].
	ErrMisuse = errors.New("xpc: API misuse")

	// ErrReplied comes from a second reply to one message.
	ErrReplied = errors.New("xpc: the message has been replied to")

	// ErrNoReplyWanted comes from a reply to a message whose sender does not
	// wait for one.
	ErrNoReplyWanted = errors.New("xpc: the sender of the message wants no reply")

	// ErrBusy comes from a limit of this package: too many synchronous calls,
	// too many calls given up while their replies are still due, or a service
	// whose mailbox is full.
	ErrBusy = errors.New("xpc: too many calls waiting")
)

type unsupportedError struct{}

func (unsupportedError) Error() string        { return "xpc: not supported" }
func (unsupportedError) Is(target error) bool { return target == errors.ErrUnsupported }

// unsupported is ErrUnsupported with the call's name and what to do about it.
func unsupported(op, advice string) error {
	return fmt.Errorf("%w: %s: %s", ErrUnsupported, op, advice)
}

// Error is an error event of a connection, or the outcome of a request that
// will never be answered. It is one of the well-known error objects of libxpc,
// found with errors.Is, and the text says what to check.
//
// An *Error is an [Event]. It may be kept and read from any goroutine.
type Error struct {
	Op          string // the call that failed, "event" in an event handler
	Service     string // name of the service, if the connection has one
	Description string // libxpc's text (XPC_ERROR_KEY_DESCRIPTION)
	Reason      string // libxpc's reason of an invalidation, if it gives one
	Hint        string // the usual causes

	sentinel error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("xpc: ")
	b.WriteString(e.Op)
	if e.Service != "" {
		fmt.Fprintf(&b, " %q", e.Service)
	}
	b.WriteString(": ")
	if e.Description != "" {
		b.WriteString(e.Description)
	} else if e.sentinel != nil {
		b.WriteString(strings.TrimPrefix(e.sentinel.Error(), "xpc: "))
	}
	if e.Reason != "" {
		fmt.Fprintf(&b, " (%s)", e.Reason)
	}
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Unwrap gives the sentinel.
func (e *Error) Unwrap() error { return e.sentinel }

func (*Error) isEvent() {}

// MisuseError is a call that libxpc would end the process for, or leave
// undefined. Nothing has happened: the connection is as it was.
type MisuseError struct {
	Op   string // the call, "SendMessage"
	Rule string // the value and the rule that it breaks
}

func (e *MisuseError) Error() string { return "xpc: misuse: " + e.Op + ": " + e.Rule }

// Is matches [ErrMisuse].
func (e *MisuseError) Is(target error) bool { return target == ErrMisuse }

func misuse(op, format string, args ...any) error {
	return &MisuseError{Op: op, Rule: fmt.Sprintf(format, args...)}
}

// ValueError is a value that cannot be sent, or that does not fit where it is
// decoded to. Nothing has been sent.
type ValueError struct {
	Path string // "a.b[3]", empty for the outermost value
	Rule string
	Err  error // the program's own error behind it, of its MarshalXPC for instance; or ErrMisuse
}

// Unwrap gives Err.
func (e *ValueError) Unwrap() error { return e.Err }

func (e *ValueError) Error() string {
	if e.Path == "" {
		return "xpc: " + e.Rule
	}
	return "xpc: " + e.Path + ": " + e.Rule
}

var sentinels = map[driver.ErrorCode]error{
	driver.Interrupted:         ErrInterrupted,
	driver.Invalid:             ErrInvalid,
	driver.TerminationImminent: ErrTerminationImminent,
	driver.PeerRequirement:     ErrPeerRequirement,
}

// hint names the usual causes of an error on such a connection.
func (s *state) hint(code driver.ErrorCode) string {
	switch code {
	case driver.Interrupted:
		if s.kind == driver.KindMachService || s.kind == driver.KindBundled {
			return "the service exited, crashed or closed the connection; the next message launches it again"
		}
	case driver.PeerRequirement:
		return "the other process is not signed as the requirement asks"
	case driver.Invalid:
		return s.invalidHint()
	}
	return ""
}

func (s *state) invalidHint() string {
	if s.cancelled.Load() {
		return ""
	}
	switch {
	case s.kind == driver.KindMachService && s.flags&driver.FlagListener != 0:
		return "check that the name is in MachServices of this process's own launchd job, and that no other process listens on it"
	case s.kind == driver.KindMachService && s.flags&driver.FlagPrivileged != 0:
		return "check that the name is in MachServices of a job in /Library/LaunchDaemons (a LaunchAgent is not found with Privileged), that the job is bootstrapped, and that the sandbox allows the lookup"
	case s.kind == driver.KindMachService:
		return "check that the name is in MachServices of the job's property list, that the job is bootstrapped in this domain (launchctl print), and that the sandbox allows the lookup"
	case s.kind == driver.KindBundled:
		return "NewConnection reaches only the XPC services inside this application's own bundle; use NewMachService for the name of a launchd job"
	case s.kind == driver.KindFromEndpoint:
		return "the listener behind the endpoint is gone; ask its process for a new endpoint"
	}
	return ""
}
