package xpctest

import (
	"runtime"
	"sync"

	"github.com/go-xpc/xpc"
)

var queues = []Case{
	{Row: 47, Name: "serial_queue_excludes", Says: "on a serial target queue a handler never overlaps other blocks of that queue, handlers of other connections included", run: func(e *env) {
		h := e.host(program{})
		q := e.queue()
		x, px := h.pairOn(q)
		y, py := h.pairOn(q)
		var m meter
		for _, z := range []*end{x, y} {
			e.NoError(z.c.SetEventHandler(func(ev xpc.Event) {
				m.enter()
				defer m.leave()
				runtime.Gosched()
				z.record(ev)
			}))
		}
		var all sync.WaitGroup
		all.Add(50)
		for i := 1; i <= 50; i++ {
			px.send(i)
			py.send(i)
			e.NoError(q.Async(func() {
				m.enter()
				defer all.Done()
				defer m.leave()
				runtime.Gosched()
			}))
		}
		x.wait(numbers(1, 50)...)
		y.wait(numbers(1, 50)...)
		all.Wait()
		e.EqualValues(1, m.most.Load())
		// And a block holds the handlers up.
		g := e.block(q)
		px.send(51)
		px.barrier()
		e.quiet()
		x.is(numbers(1, 50)...)
		g.open()
		x.wait(numbers(1, 51)...)
	}},
	{Row: 48, Name: "concurrent_queue_lets_others_run", Says: "on a concurrent target queue a handler may overlap other blocks and other connections' handlers, never itself", run: func(e *env) {
		h := e.host(program{})
		q := e.concurrent()
		g := e.gate()
		e.NoError(q.Async(g.pass))
		a, b := h.clientOn(q), h.clientOn(q)
		e.overlap(h, a, b)
		var m meter
		e.NoError(a.c.SetEventHandler(func(ev xpc.Event) {
			m.enter()
			defer m.leave()
			runtime.Gosched()
			a.record(ev)
		}))
		pa := h.peers.at(0)
		pa.sendRange(2, 100)
		a.wait(numbers(1, 100)...)
		e.EqualValues(1, m.most.Load())
		g.open()
	}},
	{Row: 49, Name: "set_target_queue_does_not_wait", Says: "setting the target queue returns at once and does not interrupt a running handler", run: func(e *env) {
		h := e.host(program{})
		q1, q2 := e.queue(), e.queue()
		x, p := h.pairOn(q1)
		in, g := e.gate(), e.gate()
		e.NoError(x.c.SetEventHandler(func(ev xpc.Event) {
			x.record(ev)
			in.open()
			g.pass()
			e.oops("set the queue inside the handler", x.c.SetTargetQueue(q1))
			x.mark("returned")
		}))
		p.send(1)
		in.wait("the handler")
		e.NoError(x.c.SetTargetQueue(q2))
		x.is("1")
		g.open()
		x.wait("1", "returned")
		p.send(2)
		x.wait("1", "returned", "2", "returned")
	}},
	{Row: 50, Name: "queue_change_is_a_barrier", Says: "after a change later invocations use the new queue, and the last on the old does not overlap the first on the new", run: func(e *env) {
		h := e.host(program{})
		q1, q2 := e.queue(), e.queue()
		x, p := h.pairOn(q1)
		in, g := e.gate(), e.gate()
		var m meter
		e.NoError(x.c.SetEventHandler(func(ev xpc.Event) {
			m.enter()
			defer m.leave()
			x.record(ev)
			in.open()
			g.pass()
		}))
		p.send(1)
		in.wait("the handler")
		e.NoError(x.c.SetTargetQueue(q2))
		p.send(2)
		p.barrier()
		e.quiet()
		x.is("1")
		held := e.block(q2)
		g.open()
		p.send(3)
		p.barrier()
		e.flush(q1)
		e.quiet()
		x.is("1")
		held.open()
		x.wait("1", "2", "3")
		e.EqualValues(1, m.most.Load())
	}},
	{Row: 51, Name: "queue_changed_under_load", Says: "the target queue may be changed while events are being processed", run: func(e *env) {
		h := e.host(program{})
		queues := []*xpc.Queue{e.queue(), e.concurrent(), nil, e.queue()}
		x, p := h.pair()
		var m meter
		e.NoError(x.c.SetEventHandler(func(ev xpc.Event) {
			m.enter()
			defer m.leave()
			runtime.Gosched()
			x.record(ev)
		}))
		for i := 1; i <= 200; i++ {
			p.send(i)
			e.NoError(x.c.SetTargetQueue(queues[i%len(queues)]))
		}
		x.wait(numbers(1, 200)...)
		e.EqualValues(1, m.most.Load())
	}},
	{Row: 52, Name: "queue_is_not_inherited", Says: "peers do not inherit the listener's queue, and endpoint connections start on the default queue", run: func(e *env) {
		q := e.queue()
		h := e.anonymous(program{queue: q})
		x, p := h.pair()
		g := e.block(q)
		x.send(1)
		p.wait("0", "1")
		p.send(2)
		x.wait("2")
		g.open()
	}},
}
