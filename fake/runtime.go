package fake

import "github.com/go-xpc/xpc"

// Runtime is the process's view of launchd and libxpc, for programs that take a
// Runtime. All calls return the same one. When the process has ended, its
// connections are closed without a further event, and new ones are refused with
// xpc.ErrClosed.
func (p *Process) Runtime() *xpc.Runtime {
	p.once.Do(func() { p.runtime = xpc.NewRuntime(backend{p}) })
	return p.runtime
}
