package xpc

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/go-xpc/xpc/driver"
)

// maxGivenUp bounds, per connection, the calls whose context ended while their
// reply is still due: each leaves a small stub until the reply comes.
const maxGivenUp = 1024

// waiter joins a reply to the goroutine that waits for it. Reply and context
// decide by one exchange which of them came first.
type waiter struct {
	decided atomic.Bool
	event   chan driver.Event
	givenUp *atomic.Int32
}

func (w *waiter) deliver(ev driver.Event) {
	if w.decided.CompareAndSwap(false, true) {
		w.event <- ev
		return
	}
	w.givenUp.Add(-1)
	discard(ev)
}

// Call sends a request and waits for its outcome or for the context, whichever
// comes first. It blocks only the goroutine. The reply belongs to the caller,
// who may Release it early; one that arrives after the context ended is
// released with its descriptors. The connection stays usable.
//
// Inside a handler or a barrier of the same connection nothing may be sent or
// received until that has returned (row 44): call from another goroutine there.
//
// Errors: those of [Connection.SendMessage]; an *[Error] when there will be no
// reply; the context's error; [ErrBusy] when 1024 calls of this connection were
// given up and their replies are still due.
//
// C: xpc_connection_send_message_with_reply,
// https://developer.apple.com/documentation/xpc/1448794-xpc_connection_send_message_with
func (c *Connection) Call(ctx context.Context, msg any) (*Message, error) {
	const op = "Call"
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c == nil || c.s == nil {
		return nil, misuse(op, "the connection was not made by a Runtime")
	}
	if c.s.givenUp.Load() >= maxGivenUp {
		return nil, ErrBusy
	}
	w := &waiter{event: make(chan driver.Event, 1), givenUp: &c.s.givenUp}
	if err := c.request(op, msg, nil, w.deliver); err != nil {
		return nil, err
	}
	select {
	case ev := <-w.event:
		return c.outcome(op, ev)
	case <-ctx.Done():
		w.givenUp.Add(1)
		if w.decided.CompareAndSwap(false, true) {
			return nil, ctx.Err()
		}
		w.givenUp.Add(-1)
		return c.outcome(op, <-w.event)
	}
}

// outcome turns the event that ends a request into a reply of the caller's own
// or an error.
func (c *Connection) outcome(op string, ev driver.Event) (*Message, error) {
	switch {
	case ev.Message != nil:
		return newOwnedMessage(ev.Message, c.rt.wireLimits()), nil
	case ev.Err == driver.Gone:
		return nil, fmt.Errorf("%w: the process of the connection has ended", ErrClosed)
	}
	return nil, c.s.newError(op, ev)
}
