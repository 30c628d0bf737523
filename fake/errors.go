package fake

import (
	"errors"
	"fmt"

	"github.com/go-xpc/xpc"
)

var errWorldClosed = errors.New("fake: the Launchd is closed")

// misuse names a call that libxpc leaves undefined or ends the process for.
func misuse(op, format string, args ...any) error {
	return &xpc.MisuseError{Op: op, Rule: fmt.Sprintf(format, args...)}
}

// goneError is what the calls of a process that has ended give.
func (p *Process) goneError() error {
	return fmt.Errorf("%w: process %s has %s", xpc.ErrClosed, p, p.status())
}

func (p *Process) status() string {
	if p.exit != nil {
		return "ended: " + p.exit.Error()
	}
	return "exited"
}
