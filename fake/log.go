package fake

import (
	"context"
	"fmt"
	"time"
)

// EventKind tells what an [Event] is about.
type EventKind string

const (
	Loaded      EventKind = "loaded"      // a job
	Unloaded    EventKind = "unloaded"    // a job
	Launched    EventKind = "launched"    // a job's process
	Throttled   EventKind = "throttled"   // a job, whose launch must wait
	Rebooted    EventKind = "rebooted"    // a domain
	Terminating EventKind = "terminating" // a process, by SIGTERM
	Exited      EventKind = "exited"      // a process, however it ended
	CheckedIn   EventKind = "checked in"  // a listener, for its name
	Connected   EventKind = "connected"   // a client, with its first message
	Accepted    EventKind = "accepted"    // a peer has been shown to its listener
	Interrupted EventKind = "interrupted" // a client has lost its peer
	Invalidated EventKind = "invalidated" // a connection has ended
	Faulted     EventKind = "fault"       // a fault has struck
	Misused     EventKind = "misuse"      // see StrictPeers

	// With [LogMessages].
	Sent      EventKind = "sent"      // a message
	Delivered EventKind = "delivered" // a message, to a handler
	Replied   EventKind = "replied"   // to a request
	Dropped   EventKind = "dropped"   // a request, unanswered
	Lost      EventKind = "lost"      // a message, before it was delivered
)

// Event is something that happened in a world, in the order of Seq.
type Event struct {
	Seq     int // from 1
	Time    time.Time
	Kind    EventKind
	Process *Process // nil for jobs
	Job     string   // its label, if the event is about one or its process
	Conn    int      // number of the connection, 0 if there is none
	Name    string   // of a service
	Detail  string
}

// String gives a line for people.
func (e Event) String() string {
	return fmt.Sprintf("%4d %s %s", e.Seq, e.Time.Format("15:04:05.000000"), e.line())
}

// LogMessages adds every message to the log, which costs time.
func LogMessages() Option { return func(o *options) { o.logMessages = true } }

// logSize bounds the log, so that worlds may live for long.
const logSize = 4096

type eventLog struct {
	ring []Event
	seq  int
	more chan struct{} // closed at the next event; nil if nobody waits

	start    time.Time // of the world
	messages int       // numbered, with LogMessages
}

// log records an event. The caller holds w.mu.
func (w *Launchd) log(e Event) {
	l := &w.events
	l.seq++
	e.Seq = l.seq
	e.Time = time.Now()
	if e.Process != nil && e.Process.job != nil {
		e.Job = e.Process.job.cfg.Label
	}
	if len(l.ring) < logSize {
		l.ring = append(l.ring, e)
	} else {
		l.ring[(e.Seq-1)%logSize] = e
	}
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
}

// note records an event of a connection. The caller holds w.mu.
func (c *conn) note(k EventKind, detail string) {
	c.w.log(Event{Kind: k, Process: c.proc, Conn: int(c.id), Name: c.serviceName(), Detail: detail})
}

func (c *conn) serviceName() string {
	switch {
	case c.name != "":
		return c.name
	case c.port != nil:
		return c.port.name
	case c.parent != nil:
		return c.parent.name
	}
	return ""
}

// Events is the log so far, oldest first. It keeps the last 4096.
func (w *Launchd) Events() []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events.after(0)
}

func (l *eventLog) after(seq int) []Event {
	first := max(seq, l.seq-len(l.ring))
	out := make([]Event, 0, l.seq-first)
	for n := first; n < l.seq; n++ {
		out = append(out, l.ring[n%logSize])
	}
	return out
}

// WaitFor gives the first event in the log, past or to come, that match accepts.
// The error is that of the context, with the end of the log in its text.
func (w *Launchd) WaitFor(ctx context.Context, match func(Event) bool) (Event, error) {
	seen := 0
	for {
		w.mu.Lock()
		news := w.events.after(seen)
		seen = w.events.seq
		if w.events.more == nil {
			w.events.more = make(chan struct{})
		}
		more := w.events.more
		w.mu.Unlock()
		for _, e := range news {
			if match(e) {
				return e, nil
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return Event{}, fmt.Errorf("fake: the event has not come: %w; the last ones:\n%s", ctx.Err(), w.tail(20))
		}
	}
}
