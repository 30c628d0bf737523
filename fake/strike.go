package fake

import (
	"fmt"
	"os"

	"github.com/go-xpc/xpc/driver"
)

// A site is where a point is passed.
type site struct {
	point  Point
	job    *Job     // before a launch
	proc   *Process // nil before a launch
	conn   *conn    // nil before a launch
	msg    *message // what is delivered, or the reply
	peer   *conn    // who receives the reply
	resume func()   // takes up the step after a hold
}

// An outcome tells the caller of strike what became of its step.
type outcome uint8

const (
	passed  outcome = iota // go on
	acted                  // something was done: look again
	stopped                // the step is held, and resumed later
	dropped                // the message is lost
	failed                 // the requirement is not met
)

// strike lets the first fault that fits happen. The caller holds w.mu, and goes
// on by the outcome.
func (w *Launchd) strike(s site) outcome {
	for _, i := range w.faults {
		if i.hits == i.f.Times || !i.fits(&s) {
			continue
		}
		if i.seen++; i.seen < i.f.Nth {
			continue
		}
		if i.rng != nil && i.rng.Float64() >= i.f.Probability {
			continue
		}
		if i.hits++; i.hits == 1 {
			close(i.struck)
		}
		e := Event{Kind: Faulted, Process: s.proc, Name: s.name(), Detail: i.f.String()}
		if s.job != nil {
			e.Job = s.job.cfg.Label
		}
		if s.conn != nil {
			e.Conn = int(s.conn.id)
		}
		w.log(e)
		return i.do(&s)
	}
	return passed
}

// fits tells whether the fault is meant for this site, and can be done there.
func (i *Injection) fits(s *site) bool {
	f := &i.f
	switch {
	case f.Point != s.point,
		f.Name != "" && !s.named(f.Name),
		f.Process != nil && f.Process != s.proc,
		f.Conn != 0 && (s.conn == nil || f.Conn != int(s.conn.id)),
		s.msg != nil && f.AtClient != (s.conn.kind != driver.KindPeer):
		return false
	}
	switch f.Do {
	case Unload:
		j := s.theJob()
		return j != nil && j.loaded && !j.isBundled()
	case CancelPeer:
		return !s.conn.invalid
	case CancelListener:
		l := s.conn.parent
		return l != nil && !l.invalid && !l.dead
	case CrashOther:
		return s.other() != nil
	case CutDescriptors:
		return s.msg.descriptors() > 0
	case FailRequirement:
		return s.requirement() != nil
	}
	return true
}

// do is the fault itself.
func (i *Injection) do(s *site) outcome {
	switch i.f.Do {
	case Crash:
		if s.proc != nil {
			s.proc.die(errCrashed)
		}
	case Exit:
		s.proc.die(nil)
	case Terminate:
		s.proc.terminate()
	case Unload:
		s.theJob().unload()
	case CancelPeer:
		s.conn.cancel("cancelled by a fault")
	case CancelListener:
		s.conn.parent.cancel("cancelled by a fault")
	case CrashOther:
		s.other().die(errCrashed)
	case Hold:
		i.hold(s.resume)
		return stopped
	case Drop:
		return dropped
	case CutDescriptors:
		s.msg.cut()
	case FailRequirement:
		return failed
	}
	return acted
}

func (s *site) theJob() *Job {
	if s.proc != nil {
		return s.proc.job
	}
	return s.job
}

// name is the service's.
func (s *site) name() string {
	if s.conn != nil {
		return s.conn.serviceName()
	}
	return ""
}

func (s *site) named(name string) bool {
	if s.conn != nil {
		return s.conn.serviceName() == name
	}
	_, ok := s.job.ports[name]
	return ok
}

// other is the process at the other end, if it lives.
func (s *site) other() *Process {
	c := s.peer
	if c == nil {
		c = s.conn.remote
	}
	if c == nil || c.proc == nil || c.proc.dead || c.proc == s.proc {
		return nil
	}
	return c.proc
}

// requirement is what the receiver demands of the sender.
func (s *site) requirement() *requirement {
	if s.peer != nil {
		return s.peer.require
	}
	if r := s.conn.require; r != nil || s.conn.parent == nil {
		return r
	}
	return s.conn.parent.require
}

func (m *message) descriptors() (n int) {
	for i := range m.res {
		if m.res[i].kind == driver.ResourceFD && !m.res[i].cut {
			n++
		}
	}
	return n
}

// cut closes the descriptors of a message. The caller holds w.mu.
func (m *message) cut() {
	for i := range m.res {
		if r := &m.res[i]; r.kind == driver.ResourceFD && !r.cut {
			m.w.trash = append(m.w.trash, *r)
			r.cut = true
		}
	}
}

// errCut is what taking such a descriptor out gives.
var errCut = fmt.Errorf("fake: the descriptor was cut by a fault: %w", os.ErrClosed)
