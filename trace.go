package xpc

import (
	"sync/atomic"
	"time"
)

// TraceKind is the kind of a [TraceEvent].
type TraceKind string

const (
	TraceSend    TraceKind = "send"    // a one-way message goes out
	TraceCall    TraceKind = "call"    // a request goes out
	TraceReply   TraceKind = "reply"   // its outcome: a reply, an error, or the end of its context
	TraceMessage TraceKind = "message" // a one-way message came in
	TraceRequest TraceKind = "request" // a request came in
	TraceAnswer  TraceKind = "answer"  // it was answered, or its handler took the reply over
	TraceEnd     TraceKind = "event"   // an error event: interrupted, invalid, ...
)

// TraceEvent is one step of a conversation, as seen by [WithTracer].
//
// Tracers are called on the goroutine that sends, or on the thread that
// delivers: they must be safe for concurrent use and must not block.
type TraceEvent struct {
	Kind    TraceKind
	Service string // name of the service, empty on peers
	PID     int    // of the other side, 0 while unknown

	// ID ties a TraceReply to its TraceCall, and a TraceAnswer to its
	// TraceRequest; it is unique in the program, 0 for what has no answer.
	ID uint64

	// Message is what was given to be sent, or the *[Message] that arrived,
	// valid during the call; nil if there is none.
	Message any

	Err     error         // why there is no reply, what was answered in its place, or the event
	Elapsed time.Duration // since the request, for TraceReply and TraceAnswer
}

var lastTraceID atomic.Uint64

func (s *settings) trace(c *Connection, e TraceEvent) {
	if s.tracer == nil {
		return
	}
	e.Service, e.PID = c.Name(), c.PID()
	s.tracer(e)
}

// traceID gives the next ID and the time, if somebody looks.
func (s *settings) traceID() (id uint64, start time.Time) {
	if s.tracer != nil {
		id, start = lastTraceID.Add(1), time.Now()
	}
	return id, start
}
