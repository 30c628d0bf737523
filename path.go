package xpc

import (
	"errors"
	"strconv"
)

// caused makes a ValueError of an error of the program's own, from its MarshalXPC,
// UnmarshalText and the like. One that is a ValueError already stays as it is.
func caused(err error, what string) error {
	var v *ValueError
	if errors.As(err, &v) {
		return err
	}
	return &ValueError{Rule: what + ": " + err.Error(), Err: err}
}

// within prefixes the path of a ValueError with one more step.
func within(err error, step string) error {
	e, ok := err.(*ValueError)
	if !ok {
		return err
	}
	below := *e
	below.Path = step
	if e.Path != "" && e.Path[0] != '[' {
		below.Path += "."
	}
	below.Path += e.Path
	return &below
}

func withinIndex(err error, i int) error { return within(err, "["+strconv.Itoa(i)+"]") }
