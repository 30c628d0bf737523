package xpc

import (
	"context"
	"errors"
	"fmt"
)

// ErrorKey is the key under which a [Server] answers with an error: a dictionary
// with the strings "code" and "message". [Client.Call] turns such a reply into a
// *[RemoteError]; a peer in another language can read and write the form as it is.
const ErrorKey = "xpc.error"

// Codes of a [RemoteError]. Handlers may use their own beside them.
const (
	CodeFailed       = "failed"        // the handler returned an error
	CodeBadRequest   = "bad-request"   // the handler could not decode the request
	CodeUnknownRoute = "unknown-route" // for handlers that know routes: no such route
	CodeBadReply     = "bad-reply"     // the handler's reply cannot be sent
	CodePanic        = "panic"         // the handler panicked, or ended its goroutine
	CodeNoHandler    = "no-handler"    // the client has no WithHandler
	CodeBusy         = "busy"          // the mailbox is full; matches ErrBusy
	CodeShutdown     = "shutdown"      // the server is shutting down; matches ErrServerClosed
)

// RemoteError is a request that arrived and was answered with an error. Handlers
// return one to choose its code; any other error becomes [CodeFailed] with its
// text, a *[ValueError] [CodeBadRequest]. With [CodeBusy] it matches [ErrBusy],
// with [CodeShutdown] [ErrServerClosed].
type RemoteError struct {
	Code    string
	Message string
}

func (e *RemoteError) Error() string {
	if e.Message == "" {
		return "xpc: the other side answered: " + e.Code
	}
	return "xpc: the other side answered: " + e.Code + ": " + e.Message
}

// Is matches [ErrBusy] and [ErrServerClosed] by the code.
func (e *RemoteError) Is(target error) bool {
	return e.Code == CodeBusy && target == ErrBusy || e.Code == CodeShutdown && target == ErrServerClosed
}

func (e *RemoteError) dictionary() Dictionary {
	return Dictionary{ErrorKey: Dictionary{"code": e.Code, "message": e.Message}}
}

// remoteError reads the error form of a reply, nil if it is none.
func remoteError(m *Message) error {
	d, ok := Get[Dictionary](m, ErrorKey)
	if !ok {
		return nil
	}
	return &RemoteError{Code: d.GetString("code"), Message: d.GetString("message")}
}

// answerTo gives the form in which a handler's error is answered.
func answerTo(ctx context.Context, err error) *RemoteError {
	var remote *RemoteError
	var value *ValueError
	switch {
	case errors.As(err, &remote):
		return remote
	case errors.As(err, &value):
		return &RemoteError{CodeBadRequest, err.Error()}
	case errors.Is(err, context.Canceled) && errors.Is(context.Cause(ctx), ErrServerClosed):
		return &RemoteError{CodeShutdown, "the server is shutting down"}
	}
	return &RemoteError{CodeFailed, err.Error()}
}

func busyError(waiting int) *RemoteError {
	return &RemoteError{CodeBusy, fmt.Sprintf("%d messages of this connection are waiting", waiting)}
}
