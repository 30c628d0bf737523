package xpc

import (
	"errors"
	"strconv"
)

// causedError is a [ValueError] with an error of the program's own below it,
// from its MarshalXPC, UnmarshalText and the like. errors.Is and errors.As find
// both.
type causedError struct {
	*ValueError
	cause error
}

func (e *causedError) Unwrap() []error { return []error{e.ValueError, e.cause} }

// caused gives err a path, if it has none.
func caused(err error, what string) error {
	var v *ValueError
	if errors.As(err, &v) {
		return err
	}
	return &causedError{&ValueError{Rule: what + ": " + err.Error()}, err}
}

// within prefixes the path of a ValueError with one more step.
func within(err error, step string) error {
	switch e := err.(type) {
	case *ValueError:
		return e.below(step)
	case *causedError:
		return &causedError{e.ValueError.below(step), e.cause}
	}
	return err
}

func withinIndex(err error, i int) error { return within(err, "["+strconv.Itoa(i)+"]") }

func (e *ValueError) below(step string) *ValueError {
	path := step
	if e.Path != "" && e.Path[0] != '[' {
		path += "."
	}
	return &ValueError{Path: path + e.Path, Rule: e.Rule}
}
