package xpctest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/xpctest"
)

// A probe asks a backend what no source tells, and prints what it saw. None can
// fail: each runs in a process of its own, which may end in whatever way.
type probe struct {
	question string // of the list of open questions
	asks     string
	run      func(p *prober)
}

const probeVariable = "XPC_TEST_PROBE"

// TestProbe runs the probes and prints their findings. make probe does on a Mac
// what every test run does on the fake.
func TestProbe(t *testing.T) {
	if os.Getenv("XS_SEED") != "" {
		t.Skip("once is enough, and a seeded run is one of many")
	}
	for _, p := range probes() {
		t.Run(p.question+"_"+strings.ReplaceAll(p.asks, " ", "_"), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestProbeHelper$")
			cmd.Env = append(os.Environ(), probeVariable+"="+p.question+" "+p.asks)
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			err := cmd.Run()
			if ctx.Err() != nil {
				err = errors.New("it had not ended after a minute")
			}
			how := "the process ended in the regular way"
			if err != nil {
				// A dying Go program prints every goroutine: the start tells why.
				how = fmt.Sprintf("THE PROCESS DID NOT END IN THE REGULAR WAY: %v\n%.2000s", err, errs.Bytes())
			}
			t.Logf("%s, %s, on %s:\n%s%s", p.question, p.asks, probeBackend, out.Bytes(), how)
			if probesMustEnd {
				assert.NoError(t, err)
				assert.NotEmpty(t, out.String())
			}
		})
	}
}

func TestProbeHelper(t *testing.T) {
	name := os.Getenv(probeVariable)
	if name == "" {
		t.Skip("the helper of TestProbe, not a test")
	}
	for _, p := range probes() {
		if p.question+" "+p.asks == name {
			p.run(&prober{rt: probeRuntime(t), begin: time.Now()})
			os.Exit(0)
		}
	}
	t.Fatalf("there is no probe %q", name)
}

func probes() []probe { return append(everywhere, probesHere...) }

// prober is what a probe works with.
type prober struct {
	rt    *xpc.Runtime
	begin time.Time
	mu    sync.Mutex
}

func (p *prober) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Printf("%5d ms  %s\n", time.Since(p.begin).Milliseconds(), fmt.Sprintf(format, args...))
}

func (p *prober) must(err error) {
	if err != nil {
		p.say("failed: %v", err)
		os.Exit(1)
	}
}

// settle gives time for what may come.
func (p *prober) settle() { time.Sleep(probePatience) }

func (p *prober) event(who string, ev xpc.Event) {
	switch ev := ev.(type) {
	case *xpc.Message:
		wants := ""
		if ev.WantsReply() {
			wants = ", wants a reply"
		}
		p.say("%s: message %d%s", who, ev.GetInt64("n"), wants)
	case *xpc.Connection:
		p.say("%s: a peer", who)
	case *xpc.Error:
		p.say("%s: %v [%s; reason %q]", who, ev.Unwrap(), ev.Description, ev.Reason)
	}
}

func (p *prober) handler(who string) func(xpc.Event) {
	return func(ev xpc.Event) { p.event(who, ev) }
}

func (p *prober) open(who string, c *xpc.Connection, err error) *xpc.Connection {
	p.must(err)
	p.must(c.SetEventHandler(p.handler(who)))
	return c
}

// pair is a client of an anonymous listener, its peer, and the listener. on
// handles the messages of the peers; nil answers requests with themselves.
func (p *prober) pair(on func(peer *xpc.Connection, m *xpc.Message)) (client, peer, listener *xpc.Connection) {
	if on == nil {
		on = func(_ *xpc.Connection, m *xpc.Message) {
			if m.WantsReply() {
				p.must(m.Reply(xpc.Dictionary{"n": m.GetInt64("n")}))
			}
		}
	}
	peers := make(chan *xpc.Connection, 100)
	l, err := p.rt.NewAnonymousListener(nil)
	p.must(err)
	p.must(l.SetEventHandler(func(ev xpc.Event) {
		p.event("listener", ev)
		if c, ok := ev.(*xpc.Connection); ok {
			p.must(c.SetEventHandler(func(ev xpc.Event) {
				p.event("peer", ev)
				if m, ok := ev.(*xpc.Message); ok {
					on(c, m)
				}
			}))
			p.must(c.Activate())
			peers <- c
		}
	}))
	p.must(l.Activate())
	e, err := l.Endpoint()
	p.must(err)
	d, err := p.rt.NewFromEndpoint(e)
	c := p.open("client", d, err)
	p.must(c.Activate())
	p.must(c.SendMessage(number(0)))
	return c, <-peers, l
}

func number(n int) xpc.Dictionary { return xpc.Dictionary{"n": int64(n)} }

func keep(_ *xpc.Connection, m *xpc.Message) {
	if m.WantsReply() {
		m.Retain()
	}
}

var everywhere = []probe{
	{"Q1", "unknown name", func(p *prober) {
		for _, kind := range []string{"of a launchd job", "of a bundled service"} {
			for _, what := range []string{"nothing", "a message", "a request"} {
				p.say("a name %s that nobody has, %s is sent", kind, what)
				name := fmt.Sprintf("com.example.xpctest.nobody.%d", time.Now().UnixNano())
				open := func() (*xpc.Connection, error) { return p.rt.NewMachService(name, nil, 0) }
				if kind == "of a bundled service" {
					open = func() (*xpc.Connection, error) { return p.rt.NewConnection(name, nil) }
				}
				d, err := open()
				c := p.open("client", d, err)
				p.must(c.Activate())
				p.say("Activate has returned")
				switch what {
				case "a message":
					p.must(c.SendMessage(number(1)))
				case "a request":
					p.must(c.SendMessageWithReply(number(1), nil, p.handler("reply handler")))
				}
				p.settle()
			}
		}
	}},
	{"Q3", "peer and listener of an endpoint client cancelled", func(p *prober) {
		p.say("the peer is cancelled, a request is waiting")
		c, peer, _ := p.pair(keep)
		p.must(c.SendMessageWithReply(number(1), nil, p.handler("reply handler")))
		p.settle()
		p.must(peer.Cancel())
		p.settle()
		p.say("the client sends again")
		p.must(c.SendMessage(number(2)))
		p.settle()
		p.say("the listener is cancelled, a request is waiting")
		c, _, l := p.pair(keep)
		p.must(c.SendMessageWithReply(number(1), nil, p.handler("reply handler")))
		p.settle()
		p.must(l.Cancel())
		p.settle()
		p.say("the client sends again")
		p.must(c.SendMessage(number(2)))
		p.settle()
	}},
	{"Q4", "sends while suspended", func(p *prober) {
		c, _, _ := p.pair(nil)
		p.settle()
		p.must(c.Suspend())
		p.say("suspended; message 1 and request 2 are sent")
		p.must(c.SendMessage(number(1)))
		p.must(c.SendMessageWithReply(number(2), nil, p.handler("reply handler")))
		p.settle()
		p.say("resume")
		p.must(c.Resume())
		p.settle()
	}},
	{"Q5", "replies while suspended and while the handler runs", func(p *prober) {
		kept := make(chan *xpc.Message, 1)
		c, peer, _ := p.pair(func(_ *xpc.Connection, m *xpc.Message) {
			if m.WantsReply() {
				p.must(m.Retain())
				kept <- m
			}
		})
		p.must(c.SendMessageWithReply(number(1), nil, p.handler("reply handler")))
		m := <-kept
		p.must(c.Suspend())
		p.say("suspended; the peer replies")
		p.must(m.Reply(number(1)))
		p.must(m.Release())
		p.settle()
		p.say("resume")
		p.must(c.Resume())
		p.settle()

		// The handler waits for a reply handler: to a request from before it,
		// and to one that it sends itself.
		for _, inside := range []bool{false, true} {
			p.say("a handler that waits for a reply; the request is sent from inside: %t", inside)
			replied, over := make(chan struct{}), make(chan struct{})
			request := func() {
				p.must(c.SendMessageWithReply(number(2), nil, func(ev xpc.Event) {
					p.event("reply handler", ev)
					close(replied)
				}))
			}
			running := make(chan struct{})
			p.must(c.SetEventHandler(func(ev xpc.Event) {
				defer close(over)
				p.event("client", ev)
				close(running)
				if inside {
					request()
				}
				select {
				case <-replied:
					p.say("the reply handler ran while the handler waited")
				case <-time.After(2 * probePatience):
					p.say("the reply handler did not run while the handler waited")
				}
			}))
			if !inside {
				request()
			}
			var m *xpc.Message
			if !inside {
				m = <-kept
			}
			p.must(peer.SendMessage(number(9)))
			<-running
			if inside {
				m = <-kept
			}
			p.must(m.Reply(number(2)))
			p.must(m.Release())
			<-over
			<-replied
			p.must(c.SetEventHandler(p.handler("client")))
		}
	}},
	{"Q6", "no reply queue", func(p *prober) {
		q, err := p.rt.NewQueue("target")
		p.must(err)
		c, _, _ := p.pair(nil)
		p.must(c.SetTargetQueue(q))
		p.settle()
		gate := make(chan struct{})
		p.must(q.Async(func() { <-gate }))
		p.say("the target queue is blocked; two requests without a reply queue")
		var mu sync.Mutex
		in, most := 0, 0
		for i := range 2 {
			p.must(c.SendMessageWithReply(number(i+1), nil, func(ev xpc.Event) {
				p.event("reply handler", ev)
				mu.Lock()
				in++
				most = max(most, in)
				mu.Unlock()
				time.Sleep(probePatience / 2)
				mu.Lock()
				in--
				mu.Unlock()
			}))
		}
		p.settle()
		p.settle()
		mu.Lock()
		p.say("the target queue is free again; at most %d reply handlers ran at once", most)
		mu.Unlock()
		close(gate)
		p.settle()
	}},
	{"Q7", "dropped request", func(p *prober) {
		c, _, _ := p.pair(func(*xpc.Connection, *xpc.Message) {})
		p.must(c.SendMessageWithReply(number(1), nil, p.handler("reply handler")))
		ctx, cancel := context.WithTimeout(context.Background(), 3*probePatience)
		defer cancel()
		_, err := c.Call(ctx, number(2))
		p.say("Call: %v", err)
		p.settle()
		p.say("the client sends again")
		p.must(c.SendMessage(number(3)))
		p.settle()
	}},
	{"Q8", "reply sent twice", func(p *prober) {
		c, _, _ := p.pair(func(_ *xpc.Connection, m *xpc.Message) {
			if m.WantsReply() {
				p.say("first Reply: %v", m.Reply(number(1)))
				p.say("second Reply: %v", m.Reply(number(2)))
			}
		})
		p.must(c.SendMessageWithReply(number(1), nil, p.handler("reply handler")))
		p.settle()
	}},
	{"Q12", "barriers", func(p *prober) {
		barrier := func(c *xpc.Connection, name string) {
			p.must(c.SendBarrier(func() { p.say("barrier %s runs", name) }))
			p.say("barrier %s was sent", name)
		}
		c, peer, l := p.pair(nil)
		e, err := l.Endpoint()
		p.must(err)
		d, err := p.rt.NewFromEndpoint(e)
		x := p.open("second client", d, err)
		barrier(x, "while inactive")
		p.settle()
		p.say("activate")
		p.must(x.Activate())
		p.settle()
		p.must(c.Suspend())
		p.must(c.SendMessage(number(1)))
		barrier(c, "while suspended")
		p.settle()
		p.say("resume")
		p.must(c.Resume())
		p.settle()
		p.must(c.SetEventHandler(func(ev xpc.Event) {
			p.event("client", ev)
			if _, ok := ev.(*xpc.Message); ok {
				barrier(c, "inside the handler")
				time.Sleep(probePatience)
				p.say("the handler returns")
			}
		}))
		p.must(peer.SendMessage(number(2)))
		p.settle()
		p.settle()
		barrier(c, "before the cancel")
		p.must(c.Cancel())
		barrier(c, "after the cancel")
		p.settle()
		barrier(c, "after INVALID")
		p.settle()
	}},
	{"Q13", "handler swapped with events waiting", func(p *prober) {
		c, peer, _ := p.pair(nil)
		p.must(c.SetEventHandler(p.handler("first handler")))
		p.must(c.Suspend())
		for i := range 5 {
			p.must(peer.SendMessage(number(i + 1)))
		}
		p.settle()
		p.must(c.SetEventHandler(p.handler("second handler")))
		p.say("swapped; resume")
		p.must(c.Resume())
		p.settle()
		p.must(peer.SendMessage(number(6)))
		p.settle()
	}},
	{"Q15", "finalizer without a context", func(p *prober) {
		q, err := p.rt.NewQueue("target")
		p.must(err)
		for _, v := range []any{"a context", nil} {
			c, err := p.rt.NewAnonymousListener(q)
			c = p.open("listener", c, err)
			p.must(c.SetContext(v))
			p.must(c.SetFinalizer(func(v any) { p.say("the finalizer is called with %v", v) }))
			p.must(c.Activate())
			p.must(c.Close())
			p.say("closed, with %v", v)
			p.settle()
		}
	}},
	{"Q16", "equality and hash of what compares badly", func(p *prober) {
		for _, x := range []struct {
			what string
			a, b any
		}{{"NaN and NaN", math.NaN(), math.NaN()}, {"0.0 and -0.0", 0.0, math.Copysign(0, -1)}} {
			p.say("%s, by package xpc: equal %t, hashes equal %t", x.what, xpc.Equal(x.a, x.b), xpc.Hash(x.a) == xpc.Hash(x.b))
		}
		m, err := p.rt.NewSharedMemory(1)
		if err != nil {
			p.say("no shared memory: %v", err)
			return
		}
		p.say("shared memory and itself, by package xpc: equal %t", xpc.Equal(m, m))
		got := make(chan xpc.Dictionary, 2)
		c, _, _ := p.pair(func(_ *xpc.Connection, msg *xpc.Message) {
			if d, err := msg.Dictionary(); err == nil && d["m"] != nil {
				got <- d
			}
		})
		p.must(c.SendMessage(xpc.Dictionary{"m": m}))
		p.must(c.SendMessage(xpc.Dictionary{"m": m}))
		a, b := <-got, <-got
		p.say("the same region received twice, by package xpc: equal %t", xpc.Equal(a["m"], b["m"]))
	}},
	{"Q22", "invalid UTF-8 and empty keys", func(p *prober) {
		c, _, _ := p.pair(func(_ *xpc.Connection, m *xpc.Message) {
			if m.WantsReply() {
				d, err := m.Dictionary()
				p.must(err)
				p.must(m.Reply(d))
			}
		})
		for _, d := range []xpc.Dictionary{
			{"text": "broken \xff\xfe\x80", "n": int64(1)}, {"": int64(7), "n": int64(2)},
			{"": "", "n": int64(3)}, {"key \xff\xfe": int64(8), "n": int64(4)},
		} {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			m, err := c.Call(ctx, d)
			cancel()
			if err != nil {
				p.say("%q: %v", fmt.Sprint(d), err)
				continue
			}
			back, err := m.Dictionary()
			p.must(err)
			p.say("%q came back as %q, equal %t", fmt.Sprint(d), fmt.Sprint(back), xpc.Equal(d, back))
		}
	}},
}

// sigterm is Q23: what SIGTERM does to a job's process, with a request open and
// without, by a harness with jobs. It runs inside the test program.
func sigterm(t *testing.T, h xpctest.Harness, patience time.Duration) {
	for _, open := range []bool{false, true} {
		t.Run(fmt.Sprintf("a request is open: %t", open), func(t *testing.T) {
			var mu sync.Mutex
			begin := time.Now()
			say := func(format string, args ...any) {
				mu.Lock()
				defer mu.Unlock()
				t.Logf("%5d ms  %s", time.Since(begin).Milliseconds(), fmt.Sprintf(format, args...))
			}
			w := h.New(t)
			const name = "com.example.xpctest.sigterm"
			held := make(chan *xpc.Message, 1)
			svc := w.(xpctest.Launcher).Service(xpctest.ServiceSpec{Names: []string{name}, Idle: true,
				Main: func(ctx context.Context, rt *xpc.Runtime) {
					l, err := rt.NewMachService(name, nil, xpc.MachServiceListener)
					if err != nil {
						say("listener: %v", err)
						return
					}
					_ = l.SetEventHandler(func(ev xpc.Event) {
						c, ok := ev.(*xpc.Connection)
						if !ok {
							say("listener: %v", ev)
							return
						}
						_ = c.SetEventHandler(func(ev xpc.Event) {
							m, ok := ev.(*xpc.Message)
							switch {
							case !ok:
								say("peer: %v", ev)
							case m.GetBool("keep"):
								_ = m.Retain()
								held <- m
							default:
								_ = m.Reply(xpc.Dictionary{})
							}
						})
						_ = c.Activate()
					})
					_ = l.Activate()
					<-ctx.Done()
				}})
			c, err := w.Client().NewMachService(name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close(); <-c.Done() })
			_ = c.SetEventHandler(func(ev xpc.Event) { say("client: %v", ev) })
			_ = c.Activate()
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if _, err := c.Call(ctx, xpc.Dictionary{}); err != nil {
				t.Fatal(err)
			}
			if open {
				_ = c.SendMessageWithReply(xpc.Dictionary{"keep": true}, nil, func(ev xpc.Event) { say("reply handler: %v", ev) })
				m := <-held
				defer func() { _ = m.Release() }()
			}
			say("SIGTERM")
			svc.Terminate()
			for end := time.Now().Add(patience); time.Now().Before(end) && svc.PID() != 0; {
				time.Sleep(time.Millisecond)
			}
			if svc.PID() == 0 {
				say("the process has ended")
				return
			}
			say("the process is still there")
			if open {
				return
			}
			_, err = c.Call(ctx, xpc.Dictionary{})
			say("a further request: %v", err)
		})
	}
}
