package xpctest

import (
	"errors"

	"github.com/go-xpc/xpc"
)

var errorObjects = []Case{
	{Row: 187, Name: "errors_are_a_type_of_their_own", Says: "an error event is no message, neither in event handlers nor in reply handlers", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		events := newList[xpc.Event](e, "events")
		e.NoError(x.c.SetEventHandler(events.add))
		e.NoError(p.c.Cancel())
		e.IsType(&xpc.Error{}, events.at(0))
		e.NoError(x.c.Cancel())
		e.IsType(&xpc.Error{}, events.at(1))
		e.NoError(x.c.SendMessageWithReply(msg(1), nil, events.add))
		e.IsType(&xpc.Error{}, events.at(2))
	}},
	{Row: 189, Name: "errors_have_a_description", Says: "an error has a readable description", run: func(e *env) {
		for _, err := range e.errors() {
			e.NotEmpty(err.Description)
			e.Contains(err.Error(), err.Description)
		}
	}},
	{Row: 190, Name: "an_error_is_its_description", Says: "beyond its description an error object carries nothing: two of one kind have the same", run: func(e *env) {
		first, second := e.errors(), e.errors()
		e.Equal(first[0].Description, second[0].Description)
		e.Equal(first[1].Description, second[1].Description)
		e.NotEqual(first[0].Description, first[1].Description)
	}},
	{Row: 191, Name: "error_texts", Says: "the texts are \"Connection interrupted\" and \"Connection invalid\"", run: func(e *env) {
		errs := e.errors()
		e.Equal("Connection interrupted", errs[0].Description)
		e.Equal("Connection invalid", errs[1].Description)
		e.True(errors.Is(errs[0], xpc.ErrInterrupted))
		e.False(errors.Is(errs[0], xpc.ErrInvalid))
		e.True(errors.Is(errs[1], xpc.ErrInvalid))
		if !e.can(Jobs, Closures, Terminates) {
			return
		}
		h := e.host(program{})
		h.pair()
		h.svc.Terminate()
		h.peers.at(0).has(imminent)
		e.Equal("Termination imminent", h.peers.at(0).at(1).err.Description)
	}},
}

// errors are an interruption and an invalidation.
func (e *env) errors() []*xpc.Error {
	e.t.Helper()
	h := e.host(program{})
	x, p := h.pair()
	e.NoError(p.c.Cancel())
	x.wait(interrupted)
	e.NoError(x.c.Cancel())
	got := x.wait(interrupted, invalid)
	return []*xpc.Error{got[0].err, got[1].err}
}
