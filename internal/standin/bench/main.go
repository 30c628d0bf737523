//go:build cgo && xpcstandin

// Command bench measures what the binding adds to a client and a service in
// plain C: each figure is a pair taken in turn in one run, on the build of the
// stand-in without its bookkeeping.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"sort"
	"sync"
	"time"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/internal/standin"
)

const pairs = 31 // ratios per figure: one takes a tenth of a second, and what else runs shows in it

// A figure compares two ways to do n operations.
type figure struct {
	name   string
	n      int
	target float64 // 0: none is set
	native func(n int)
	c      func(n int)
}

func main() {
	pattern := flag.String("only", "", "regular expression of the figures to take; codec16 is the one of 16 fields")
	flag.Parse()
	only := regexp.MustCompile(*pattern)
	g, err := newGoPair()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	c := standin.NewCPair()
	figures := []figure{
		{"rtt_null_sync_vs_c", 4000, 1.25, g.sync(0), func(n int) { c.Sync(n, 0) }},
		{"rtt_1k_sync_vs_c", 4000, 0, g.sync(1 << 10), func(n int) { c.Sync(n, 1<<10) }},
		{"rtt_64k_sync_vs_c", 1000, 0, g.sync(64 << 10), func(n int) { c.Sync(n, 64<<10) }},
		{"rtt_null_call_vs_c_sync", 4000, 0, g.call(0), func(n int) { c.Sync(n, 0) }},
		{"rtt_1k_call_vs_c_sync", 4000, 0, g.call(1 << 10), func(n int) { c.Sync(n, 1<<10) }},
		{"rtt_64k_call_vs_c_sync", 1000, 0, g.call(64 << 10), func(n int) { c.Sync(n, 64<<10) }},
		{"rtt_null_64inflight_vs_c", 20000, 0, g.async(0, 64), func(n int) { c.Async(n, 0, 64) }},
		{"rtt_1k_64inflight_vs_c", 20000, 0, g.async(1<<10, 64), func(n int) { c.Async(n, 1<<10, 64) }},
		{"rtt_64k_64inflight_vs_c", 2000, 0, g.async(64<<10, 64), func(n int) { c.Async(n, 64<<10, 64) }},
		{"data1m_vs_c", 40, 0, g.data(1 << 20), func(n int) { c.Sync(n, 1<<20) }},
		{"data64m_vs_c", 1, 1.5, g.data(64 << 20), func(n int) { c.Sync(n, 64<<20) }},
		{"send_null_vs_c", 40000, 1.25, g.send(0), func(n int) { c.Send(n, 0) }},
	}
	short := 0
	for _, f := range figures {
		if only.MatchString(f.name) && !f.run() {
			short++
		}
	}
	for _, f := range codecs {
		if only.MatchString("codec"+f.name) && !f.run() {
			short++
		}
	}
	g.close()
	c.Stop()
	if short > 0 {
		fmt.Printf("%d figures short of their target\n", short)
	}
}

// run takes the pairs and prints the ratio, and the absolute times beside it.
func (f figure) run() bool {
	f.native(f.n) // warms up
	f.c(f.n)
	var ratios, goTimes, cTimes []float64
	for i := range pairs {
		var g, c float64
		if i%2 == 0 {
			g, c = timed(f.native, f.n), timed(f.c, f.n)
		} else {
			c, g = timed(f.c, f.n), timed(f.native, f.n)
		}
		ratios, goTimes, cTimes = append(ratios, g/c), append(goTimes, g), append(cTimes, c)
	}
	sort.Float64s(ratios)
	ok := printRatio(f.name, ratios, f.target)
	fmt.Printf("      go %.2f us, c %.2f us per operation (medians of %d)\n",
		median(goTimes), median(cTimes), pairs)
	return ok
}

// timed gives microseconds per operation.
func timed(f func(int), n int) float64 {
	start := time.Now()
	f(n)
	return float64(time.Since(start).Nanoseconds()) / 1e3 / float64(n)
}

// goPair is the same client and service through the binding.
type goPair struct {
	listener, client *xpc.Connection
}

func newGoPair() (*goPair, error) {
	rt := xpc.Native()
	l, err := rt.NewAnonymousListener(nil)
	if err != nil {
		return nil, err
	}
	l.SetEventHandler(func(e xpc.Event) {
		if p, ok := e.(*xpc.Connection); ok {
			p.SetEventHandler(func(e xpc.Event) { answer(p, e) })
			p.Activate()
		}
	})
	l.Activate()
	e, err := l.Endpoint()
	if err != nil {
		return nil, err
	}
	c, err := rt.NewFromEndpoint(e)
	if err != nil {
		return nil, err
	}
	c.SetEventHandler(func(xpc.Event) {})
	return &goPair{l, c}, c.Activate()
}

func answer(p *xpc.Connection, e xpc.Event) {
	m, ok := e.(*xpc.Message)
	if !ok {
		p.Close()
		return
	}
	if !m.WantsReply() {
		return
	}
	reply := xpc.Dictionary{}
	if d := m.GetData("d"); d != nil {
		reply["d"] = d
	}
	m.Reply(reply)
}

func (g *goPair) close() {
	g.client.Close()
	g.listener.Close()
	<-g.client.Done()
	<-g.listener.Done()
}

// message gives the message of a figure, made when that is first taken: 64 MiB that
// lie there from the start would let Go's heap grow to twice that between
// collections, and all figures run in memory that no cache holds.
func message(size int) func() xpc.Dictionary {
	return sync.OnceValue(func() xpc.Dictionary {
		if size == 0 {
			return xpc.Dictionary{}
		}
		return xpc.Dictionary{"d": make([]byte, size)}
	})
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (g *goPair) sync(size int) func(int) {
	of := message(size)
	return func(n int) {
		d := of()
		for range n {
			m, err := g.client.SendMessageWithReplySync(d)
			must(err)
			m.Release()
		}
	}
}

// data reads what comes back, as the service does.
func (g *goPair) data(size int) func(int) {
	of := message(size)
	return func(n int) {
		d := of()
		for range n {
			m, err := g.client.SendMessageWithReplySync(d)
			must(err)
			if len(m.GetData("d")) != size {
				panic("lost data")
			}
			m.Release()
		}
	}
}

func (g *goPair) call(size int) func(int) {
	of, ctx := message(size), context.Background()
	return func(n int) {
		d := of()
		for range n {
			m, err := g.client.Call(ctx, d)
			must(err)
			m.Release()
		}
	}
}

func (g *goPair) async(size, window int) func(int) {
	of := message(size)
	return func(n int) {
		d := of()
		free := make(chan struct{}, window)
		for range n {
			free <- struct{}{}
			must(g.client.SendMessageWithReply(d, nil, func(xpc.Event) { <-free }))
		}
		for range window {
			free <- struct{}{}
		}
	}
}

func (g *goPair) send(size int) func(int) {
	of := message(size)
	return func(n int) {
		d := of()
		for range n {
			must(g.client.SendMessage(d))
		}
		var sent sync.WaitGroup
		sent.Add(1)
		must(g.client.SendBarrier(sent.Done))
		sent.Wait()
	}
}
