package xpctest

import (
	"errors"

	"github.com/go-xpc/xpc"
)

var synchronous = []Case{
	{Row: 106, Name: "blocks_until_the_reply", Says: "a synchronous request blocks until the outcome is there and returns it; the reply belongs to the caller", run: func(e *env) {
		h := e.host(program{})
		x, _ := h.pair()
		r := x.sync(1, hold)
		h.held.at(0)
		e.quiet()
		r.is()
		h.reply(0, 2)
		r.wait("2")
		m, err := x.c.SendMessageWithReplySync(ask(3, echo))
		e.NoError(err)
		x.call(4)
		e.EqualValues(3, m.GetInt64("n"), "the reply outlives later events")
		e.NoError(m.Release())
		e.misuse(m.Release())
		x.is()
	}},
	{Row: 107, Name: "reply_or_error", Says: "a synchronous request returns a reply or an error, never neither", run: func(e *env) {
		h := e.host(program{})
		x, _ := h.pair()
		x.sync(1, echo).wait("1")
		e.NoError(x.c.Cancel())
		x.sync(2, echo).wait(invalid)
		_, p := h.pair()
		e.NoError(p.c.Cancel())
		p.sync(3, echo).wait(invalid)
		y := h.connect()
		y.sync(4, echo).wait("4")
	}},
	{Row: 108, Name: "remote_exit_interrupts", Says: "when the remote side ends before the reply, a synchronous request returns INTERRUPTED", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		r := x.sync(1, hold)
		h.held.at(0)
		e.NoError(p.c.Cancel())
		r.wait(interrupted)
		x.wait(interrupted)
		if !e.can(Jobs, Closures, Crashes) {
			return
		}
		y, _ := h.pair()
		r = y.sync(1, hold)
		h.held.at(1)
		h.svc.Crash()
		r.wait(interrupted)
		y.wait(interrupted)
		y.sync(2, echo).wait("2")
	}},
	{Row: 109, Name: "dead_connection_does_not_block", Says: "on a cancelled or invalid connection a synchronous request returns INVALID without blocking", run: func(e *env) {
		h := e.host(program{})
		x, _ := h.pair()
		e.NoError(x.c.Cancel())
		_, err := x.c.SendMessageWithReplySync(ask(1, echo))
		e.ErrorIs(err, xpc.ErrInvalid)
		x.wait(invalid)
		_, err = x.c.SendMessageWithReplySync(ask(2, echo))
		e.ErrorIs(err, xpc.ErrInvalid)
		var detail *xpc.Error
		e.True(errors.As(err, &detail))
		y, _ := h.pair()
		e.NoError(y.c.Suspend())
		e.NoError(y.c.Cancel())
		_, err = y.c.SendMessageWithReplySync(ask(3, echo))
		e.ErrorIs(err, xpc.ErrInvalid)
		e.NoError(y.c.Resume())
	}},
	{Row: 110, Name: "cancel_releases_the_caller", Says: "a cancel from elsewhere releases the blocked callers of synchronous requests with INVALID", run: func(e *env) {
		h := e.host(program{})
		x, _ := h.pair()
		var rs []*recorder
		for i := range 5 {
			rs = append(rs, x.sync(i, hold))
		}
		h.held.at(4)
		e.NoError(x.c.Cancel())
		for _, r := range rs {
			r.wait(invalid)
		}
		x.wait(invalid)
		if !e.can(Jobs, Closures, Processes) {
			return
		}
		// So does the end of its own process. Which error that is no row says: only
		// where a process is pretended is anybody left to see it.
		for i, end := range []func(Process){Process.Exit, Process.Crash} {
			p := e.spawn(ProcessSpec{})
			x := h.clientIn(p.Runtime(), nil).activate()
			errs := newList[error](e, "errors")
			go func() {
				_, err := x.c.SendMessageWithReplySync(ask(i, hold))
				errs.add(err)
			}()
			h.held.at(5 + i)
			end(p)
			for _, err := range []error{errs.at(0), second(x.c.SendMessageWithReplySync(ask(i, echo)))} {
				e.True(errors.Is(err, xpc.ErrClosed) || errors.Is(err, xpc.ErrInvalid), "%v", err)
			}
		}
	}},
	{Row: 111, Name: "no_timeout", Says: "a synchronous request waits for as long as the service lives and does not answer", Needs: []Capability{Quiet}, run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		r := x.sync(1, hold)
		h.held.at(0)
		x.call(2)
		p.send(3)
		x.wait("3")
		e.settle()
		r.is()
		h.reply(0, 4)
		r.wait("4")
	}},
	{Row: 112, Name: "not_in_the_own_handler", Says: "a synchronous request in the event handler of its own connection is misuse", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		errs := newList[error](e, "errors")
		e.NoError(x.c.SetEventHandler(func(ev xpc.Event) {
			if _, ok := ev.(*xpc.Message); ok {
				_, err := x.c.SendMessageWithReplySync(ask(1, echo))
				errs.add(err)
			}
			x.record(ev)
		}))
		p.send(1)
		e.misuse(errs.at(0))
		x.wait("1")
		x.call(2)
	}},
	{Row: 113, Name: "from_the_target_queue", Says: "a synchronous request from a block on the target queue returns a reply, is refused, or is released by a cancel", run: func(e *env) {
		h := e.host(program{})
		q := e.queue()
		x, _ := h.pairOn(q)
		r := e.recorder("outcome")
		e.NoError(q.Async(func() {
			m, err := x.c.SendMessageWithReplySync(ask(1, echo))
			if err == nil {
				r.handle(m)
				m.Release()
				return
			}
			if errors.Is(err, xpc.ErrMisuse) {
				r.mark("misuse")
				return
			}
			r.mark(errorName(err))
		}))
		h.peers.at(0).until("the request or its refusal", func(s []seen) bool { return len(s) > 1 || r.len() > 0 })
		e.quiet()
		if e.has(Quiet) && r.len() == 0 {
			e.NoError(x.c.Cancel())
		}
		got := r.at(0)
		e.Contains([]string{"1", "misuse", invalid}, got.name)
	}},
	{Row: 114, Name: "waits_for_the_activation", Says: "a synchronous request on an inactive connection waits until somebody activates it", Needs: []Capability{SyncWaits}, run: func(e *env) {
		h := e.host(program{})
		x := h.client()
		r := x.sync(1, echo)
		h.connect().call(2)
		e.quiet()
		r.is()
		x.activate()
		r.wait("1")
	}},
}

func second[T any](_ T, err error) error { return err }
