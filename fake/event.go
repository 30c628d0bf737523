package fake

import "github.com/go-xpc/xpc/driver"

type eventKind uint8

const (
	evMessage eventKind = iota + 1
	evPeer
	evError
	evBarrier
	evHandler // with SwapHandlersLate
)

// An event waits in the inbox of a connection, or in its queue of what is still
// to be sent. Messages embed theirs, so that queueing one allocates nothing.
type event struct {
	next *event
	kind eventKind
	msg  *message
	peer *conn
	code driver.ErrorCode
	lost *Process // evError, Interrupted: whom the connection lost
	f    func()   // evBarrier: called; evHandler: sets the handler
}

// eventList is a FIFO.
type eventList struct{ head, tail *event }

func (l *eventList) push(e *event) {
	if l.tail == nil {
		l.head = e
	} else {
		l.tail.next = e
	}
	l.tail = e
}

func (l *eventList) pop() *event {
	e := l.head
	l.head = e.next
	if l.head == nil {
		l.tail = nil
	}
	e.next = nil
	return e
}

func (l *eventList) empty() bool { return l.head == nil }

// filter keeps what keep accepts, in order.
func (l *eventList) filter(keep func(*event) bool) {
	old := *l
	*l = eventList{}
	for !old.empty() {
		if e := old.pop(); keep(e) {
			l.push(e)
		}
	}
}

// The descriptions that libxpc gives (row 191); that of the last is not known.
var texts = [...]string{
	driver.Interrupted:         "Connection interrupted",
	driver.Invalid:             "Connection invalid",
	driver.TerminationImminent: "Termination imminent",
	driver.PeerRequirement:     "Peer does not satisfy the code signing requirement",
	driver.Gone:                "Process gone",
}

func errorEvent(code driver.ErrorCode) driver.Event {
	return driver.Event{Err: code, Text: texts[code]}
}
