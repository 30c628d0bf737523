//go:build cgo && xpcstandin

// Command soak runs the bridge for long on the C stand-in: round trips,
// connections closed in every state, handlers replaced under load, services
// that crash in the middle of a call, calls that are given up. After each the
// counters must be back at their start, and resident memory flat between the
// second and the last tenth.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/internal/native"
	"github.com/go-xpc/xpc/internal/standin"
)

var scale = flag.Float64("scale", 1, "part of the full length to run")

func main() {
	flag.Parse()
	standin.Set(standin.CrashUnwinds, true)
	runs := []struct {
		name string
		n    int
		prep func() (step func(from, to int), end func())
	}{
		{"request-reply round trips", 1_000_000, roundTrips},
		{"connections closed in every state", 10_000, closures},
		{"handler replacements under load", 100_000, replacements},
		{"services crashed in the middle of a call", 10_000, crashes},
		{"calls whose context ends before the reply", 100_000, givenUp},
	}
	failed := false
	for _, r := range runs {
		n := max(10, int(float64(r.n)*(*scale)))
		if err := soak(r.name, n, r.prep); err != nil {
			fmt.Printf("soak: %s: %v\n", r.name, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
	fmt.Println("soak: passed")
}

// soak runs n steps by tenths and looks at memory after each.
func soak(name string, n int, prep func() (func(from, to int), func())) error {
	before := settle(native.Counts{}, 0)
	step, end := prep()
	start := time.Now()
	var rss [10]int
	for tenth := range 10 {
		step(n*tenth/10, n*(tenth+1)/10)
		debug.FreeOSMemory()
		rss[tenth] = resident()
	}
	took := time.Since(start)
	end()
	after := settle(before, 30*time.Second)
	fmt.Printf("soak: %d %s in %.1f s; resident KiB after each tenth: %s; left in C: %+v\n",
		n, name, took.Seconds(), strings.Trim(fmt.Sprint(rss), "[]"), after)
	if after != before {
		return fmt.Errorf("the counters were %+v at the start", before)
	}
	// Room for the allocator's own moods, far below a leak of a few bytes per step.
	if slack := rss[1]/20 + 4096; rss[9] > rss[1]+slack {
		return fmt.Errorf("resident memory grew from %d to %d KiB", rss[1], rss[9])
	}
	return nil
}

// settle waits until the counters are want, or for the time, and returns them.
func settle(want native.Counts, patience time.Duration) native.Counts {
	for deadline := time.Now().Add(patience); ; runtime.GC() {
		standin.WaitIdle()
		if n := native.Count(); n == want || time.Now().After(deadline) {
			return n
		}
	}
}

func resident() int {
	b, err := os.ReadFile("/proc/self/statm")
	must(err)
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	must(err)
	return pages * os.Getpagesize() / 1024
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// echo serves one listener until it is closed.
type echo struct {
	listener *xpc.Connection
	endpoint *xpc.Endpoint
	park     chan struct{} // keep the requests for release, and tell of each

	mu     sync.Mutex
	parked []*xpc.Message
}

func newEcho(park chan struct{}) *echo {
	s := &echo{park: park}
	l, err := xpc.Native().NewAnonymousListener(nil)
	must(err)
	s.listener = l
	must(l.SetEventHandler(func(e xpc.Event) {
		if p, ok := e.(*xpc.Connection); ok {
			p.SetEventHandler(func(e xpc.Event) { s.serve(p, e) })
			p.Activate()
		}
	}))
	must(l.Activate())
	s.endpoint, err = l.Endpoint()
	must(err)
	return s
}

func (s *echo) serve(p *xpc.Connection, e xpc.Event) {
	m, ok := e.(*xpc.Message)
	switch {
	case !ok:
		p.Close()
	case s.park != nil:
		m.Retain()
		s.mu.Lock()
		s.parked = append(s.parked, m)
		s.mu.Unlock()
		s.park <- struct{}{}
	case m.WantsReply():
		m.Reply(xpc.Dictionary{"i": m.GetInt64("i")})
	}
}

// release answers what was parked.
func (s *echo) release() {
	s.mu.Lock()
	parked := s.parked
	s.parked = nil
	s.mu.Unlock()
	for _, m := range parked {
		m.Reply(xpc.Dictionary{})
		m.Release()
	}
}

func (s *echo) client(h func(xpc.Event)) *xpc.Connection {
	c, err := xpc.Native().NewFromEndpoint(s.endpoint)
	must(err)
	if h != nil {
		must(c.SetEventHandler(h))
	}
	return c
}

func end(conns ...*xpc.Connection) {
	for _, c := range conns {
		must(c.Close())
		<-c.Done()
	}
}

func ignore(xpc.Event) {}

func roundTrips() (func(from, to int), func()) {
	s := newEcho(nil)
	c := s.client(ignore)
	must(c.Activate())
	return func(from, to int) {
		for i := from; i < to; i++ {
			m, err := c.SendMessageWithReplySync(xpc.Dictionary{"i": i, "s": "text"})
			must(err)
			if m.GetInt64("i") != int64(i) {
				panic(fmt.Sprintf("reply %d to request %d", m.GetInt64("i"), i))
			}
			must(m.Release())
		}
	}, func() { end(c, s.listener) }
}

func closures() (func(from, to int), func()) {
	s := newEcho(nil)
	states := []func(c *xpc.Connection){
		func(c *xpc.Connection) {},
		func(c *xpc.Connection) { must(c.SetEventHandler(ignore)) },
		func(c *xpc.Connection) { must(c.Suspend()) },
		func(c *xpc.Connection) { must(c.SendMessage(xpc.Dictionary{})) },
		func(c *xpc.Connection) { must(c.Cancel()) },
		func(c *xpc.Connection) { activate(c) },
		func(c *xpc.Connection) { activate(c); exchange(c) },
		func(c *xpc.Connection) { activate(c); exchange(c); must(c.Suspend()); must(c.Suspend()) },
		func(c *xpc.Connection) { activate(c); must(c.Cancel()) },
		func(c *xpc.Connection) { activate(c); must(c.Cancel()); <-c.Done() },
	}
	return func(from, to int) {
		for i := from; i < to; i++ {
			c := s.client(nil)
			states[i%len(states)](c)
			end(c)
		}
	}, func() { end(s.listener) }
}

func activate(c *xpc.Connection) {
	must(c.SetEventHandler(ignore))
	must(c.Activate())
}

func exchange(c *xpc.Connection) {
	m, err := c.Call(context.Background(), xpc.Dictionary{})
	must(err)
	must(m.Release())
}

func replacements() (func(from, to int), func()) {
	s := newEcho(nil)
	var peer *xpc.Connection
	got := make(chan *xpc.Connection, 1)
	must(s.listener.SetEventHandler(func(e xpc.Event) {
		if p, ok := e.(*xpc.Connection); ok {
			activate(p)
			got <- p
		}
	}))
	c := s.client(ignore)
	must(c.Activate())
	must(c.SendMessage(xpc.Dictionary{}))
	peer = <-got
	stop := make(chan struct{})
	var load sync.WaitGroup
	load.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			sent := make(chan struct{})
			for range 32 {
				must(peer.SendMessage(xpc.Dictionary{}))
			}
			must(peer.SendBarrier(func() { close(sent) }))
			<-sent
		}
	})
	return func(from, to int) {
			for i := from; i < to; i++ {
				must(c.SetEventHandler(func(xpc.Event) { _ = i }))
			}
		}, func() {
			close(stop)
			load.Wait()
			end(c, peer, s.listener)
		}
}

func crashes() (func(from, to int), func()) {
	const name = "com.example.soak"
	start := native.Count()
	job := standin.Declare(name, false, []string{name}, nil, func(ctx context.Context, p *standin.Process) {
		l, err := p.Runtime().NewMachService(name, nil, xpc.MachServiceListener)
		must(err)
		must(l.SetEventHandler(func(e xpc.Event) {
			peer, ok := e.(*xpc.Connection)
			if !ok {
				l.Close()
				return
			}
			peer.SetEventHandler(func(e xpc.Event) {
				if _, ok := e.(*xpc.Message); ok {
					go p.Crash()
					return
				}
				peer.Close()
			})
			peer.Activate()
		}))
		must(l.Activate())
		<-ctx.Done()
	})
	c, err := xpc.Native().NewMachService(name, nil, 0)
	must(err)
	activate(c)
	return func(from, to int) {
			for i := from; i < to; i++ {
				_, err := c.Call(context.Background(), xpc.Dictionary{})
				if !errors.Is(err, xpc.ErrInterrupted) {
					panic(fmt.Sprintf("call %d: %v", i, err))
				}
			}
		}, func() {
			job.Forget()
			end(c)
			// The reset frees what is still held, under Go's feet.
			if settle(start, 30*time.Second) == start {
				standin.Reset()
			}
		}
}

func givenUp() (func(from, to int), func()) {
	arrived := make(chan struct{}, 1)
	s := newEcho(arrived)
	c := s.client(ignore)
	must(c.Activate())
	result := make(chan error, 1)
	return func(from, to int) {
			for i := from; i < to; i++ {
				ctx, cancel := context.WithCancel(context.Background())
				go func() {
					_, err := c.Call(ctx, xpc.Dictionary{})
					result <- err
				}()
				<-arrived
				cancel()
				if err := <-result; !errors.Is(err, context.Canceled) {
					panic(fmt.Sprintf("call %d: %v", i, err))
				}
				if i%256 == 0 {
					s.release()
					standin.WaitIdle()
				}
			}
		}, func() {
			s.release()
			standin.WaitIdle()
			end(c, s.listener)
		}
}
