package fake

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-xpc/xpc/driver"
)

var (
	errCrashed    = errors.New("crashed")
	errKilled     = errors.New("killed")
	errTerminated = errors.New("terminated")
	// A job whose process could not even be started.
	errNotLaunched = errors.New("not launched")
)

// Crash ends the process at once, as a signal would. None of its handlers runs
// any more; those under way, and its main, end when they see its context end.
// What they wait for then, a synchronous request or a call, and all that they try
// later ends with xpc.ErrClosed, never with an error of libxpc's that a program
// acts upon: of a real process nobody is left to see it, but here a goroutine
// must return to end. The other sides learn of it.
func (p *Process) Crash() { p.end(errCrashed) }

// Exit ends the process as exit(0) would. To its other sides it is the same as
// a crash.
func (p *Process) Exit() { p.end(nil) }

func (p *Process) end(why error) {
	p.w.mu.Lock()
	defer p.w.unlock()
	p.die(why)
}

// IdleExit ends the process as launchd does when it wants memory back: only if
// it opted in to that (EnableTransactions or EnablePressuredExit in its job,
// all bundled services) and has no open transaction. Otherwise the error says
// what keeps it.
func (p *Process) IdleExit() error {
	p.w.mu.Lock()
	defer p.w.unlock()
	switch {
	case p.dead:
		return p.goneError()
	case !p.optedIn():
		return fmt.Errorf("fake: process %s is not ended when idle: its job has neither EnableTransactions nor EnablePressuredExit (row 201)", p)
	case p.transactions() > 0:
		return fmt.Errorf("fake: process %s is not idle: %d explicit transactions, and %d messages neither released nor replied to, are open", p, p.explicit, p.automatic)
	}
	p.die(nil)
	return nil
}

// Terminate sends SIGTERM: the active peers of the process receive
// TERMINATION_IMMINENT, and [Process.Terminating] is closed. A process that
// opted in to transactions ends as soon as it has none; any other has until the
// job's ExitTimeOut to end itself, and is killed then.
func (p *Process) Terminate() {
	p.w.mu.Lock()
	defer p.w.unlock()
	p.terminate()
}

// defaultExitTimeOut is launchd's.
const defaultExitTimeOut = 20 * time.Second

func (p *Process) terminate() {
	if p.dead || p.terminating {
		return
	}
	p.terminating = true
	p.w.log(Event{Kind: Terminating, Process: p})
	close(p.term)
	for c := p.conns; c != nil; c = c.next {
		if c.kind == driver.KindPeer && c.active && !c.invalid {
			c.terminal = true
			c.inbox.push(&event{kind: evError, code: driver.TerminationImminent})
			c.kick()
		}
	}
	if p.transactionEnded(); p.dead {
		return
	}
	limit := defaultExitTimeOut
	if p.job != nil && p.job.cfg.ExitTimeOut > 0 {
		limit = p.job.cfg.ExitTimeOut
	}
	p.kill = time.AfterFunc(limit, func() { p.end(errKilled) })
}

// die ends the process. The caller holds w.mu.
func (p *Process) die(why error) {
	if p.dead {
		return
	}
	w := p.w
	p.dead = true
	p.exit = why
	w.log(Event{Kind: Exited, Process: p, Detail: p.status()})
	if p.kill != nil {
		p.kill.Stop()
	}
	delete(w.processes, p)
	w.ended = append(w.ended, p)

	// Ports first, so that who is cut off below knows that it is for good.
	var clients []*conn
	for c := p.conns; c != nil; c = c.next {
		if e := c.anonymous; e != nil {
			e.dead = true
			e.listener = nil
			clients = append(clients, e.byAge()...)
			e.clients = nil
		}
		if c.isListener() && c.port != nil && c.port.listener == c {
			c.port.listener = nil
		}
	}
	for c := p.conns; c != nil; c = c.next {
		c.end()
	}
	for _, c := range clients {
		c.invalidate("the listener behind the endpoint is gone")
	}
	for p.withResources != nil {
		p.drop(p.withResources)
	}
	if p.job != nil {
		p.job.exited(p)
	}
}

// byAge gives the clients of an anonymous port in the order of their creation.
func (e *port) byAge() []*conn {
	out := make([]*conn, 0, len(e.clients))
	for c := range e.clients {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *conn) int { return int(a.id) - int(b.id) })
	return out
}

// end takes a connection away with its process. Package xpc learns of it by
// Gone, the other side by INTERRUPTED or INVALID.
func (c *conn) end() {
	c.gone = true
	if !c.invalid {
		c.invalid = true
		c.reason = c.proc.goneError().Error()
	}
	c.finishRequests(driver.Gone)
	c.catchUp()
	for _, l := range []*eventList{&c.inbox, &c.out} {
		for !l.empty() {
			switch e := l.pop(); e.kind {
			case evMessage:
				e.msg.discard()
			case evHandler:
				e.f()
			}
		}
	}
	if c.kind == driver.KindFromEndpoint {
		delete(c.port.clients, c)
	}
	c.sever(true)
	c.kick()
}
