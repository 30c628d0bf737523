package fake

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

// seedFile is a file to pass; it is closed with the test.
func seedFile(t *testing.T) *os.File {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// end is a connection that checks the promises about its own events.
type end struct {
	conn     driver.Conn
	active   bool
	suspends int
	inside   atomic.Bool
	over     atomic.Bool
	broken   *atomic.Pointer[string]
}

func (e *end) handle(keep func(driver.Message)) driver.Handler {
	return func(ev driver.Event) {
		if !e.inside.CompareAndSwap(false, true) {
			e.fail("a handler overlaps itself")
		}
		if e.over.Load() {
			e.fail("an event came after the last: " + text(ev))
		}
		if ev.Err == driver.Invalid || ev.Err == driver.Gone {
			e.over.Store(true)
		}
		if ev.Message != nil {
			keep(ev.Message)
		}
		e.inside.Store(false)
	}
}

func (e *end) fail(s string) { e.broken.CompareAndSwap(nil, &s) }

// Whatever happens: every request has one outcome, no connection has an event
// after its last, nothing hangs, and no descriptor stays open.
func TestChaos(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 15
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { chaos(t, seed+1) })
		})
	}
}

func chaos(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	opts := []Option{Shuffle(seed)}
	for _, o := range []Option{ListenerCancelsPeers(), InterruptEndpoints()} {
		if rng.IntN(2) == 0 {
			opts = append(opts, o)
		}
	}
	w := NewLaunchd(opts...)
	var broken atomic.Pointer[string]
	var asked, answered, barriers atomic.Int64
	keep := func(m driver.Message) {
		switch rand.IntN(4) {
		case 0:
			if m.WantsReply() {
				_ = m.Reply(body("reply"))
			}
			m.Release()
		case 1:
			m.DropReply()
		case 2:
			go func() {
				time.Sleep(time.Duration(rand.IntN(1000)))
				m.Release()
			}()
		default:
			m.Release()
		}
	}
	accept := func(ev driver.Event) {
		if ev.Peer == nil {
			return
		}
		e := &end{broken: &broken}
		switch rand.IntN(8) {
		case 0:
			ev.Peer.Cancel()
		case 1:
		default:
			ev.Peer.SetHandler(e.handle(keep))
			ev.Peer.Activate()
			_ = ev.Peer.Send(body("welcome"))
		}
	}
	var endpoint driver.Endpoint
	var jobs []*Job
	for i := range 3 {
		name := fmt.Sprint("service.", i)
		j, err := w.Load(JobConfig{Label: name, MachServices: []string{name}, EnableTransactions: i == 0, Main: func(ctx context.Context, p *Process) error {
			l, err := backend{p}.NewConn(driver.Spec{Kind: driver.KindMachService, Name: name, Flags: driver.FlagListener}, nil)
			if err != nil {
				return err
			}
			l.SetHandler(accept)
			l.Activate()
			select {
			case <-ctx.Done():
			case <-p.Terminating():
			}
			return nil
		}})
		require.NoError(t, err)
		jobs = append(jobs, j)
	}
	newProcess := func() backend {
		p, err := w.NewProcess(ProcessConfig{})
		require.NoError(t, err)
		return backend{p}
	}
	procs := []backend{newProcess(), newProcess(), newProcess()}
	queues := []driver.Queue{nil}
	for _, concurrent := range []bool{false, true} {
		q, _ := procs[0].NewQueue("q", concurrent)
		queues = append(queues, q)
	}
	var ends []*end
	file := seedFile(t)
	dup := func() *driver.Payload { return withFD("x", file) }
	for range 400 {
		b := procs[rng.IntN(len(procs))]
		var e *end
		if len(ends) > 0 {
			e = ends[rng.IntN(len(ends))]
		}
		switch op := rng.IntN(30); {
		case op < 4 || e == nil:
			spec := mach(fmt.Sprint("service.", rng.IntN(4)))
			if endpoint != nil && rng.IntN(3) == 0 {
				spec = driver.Spec{Kind: driver.KindFromEndpoint, Endpoint: endpoint}
			}
			c, err := b.NewConn(spec, queues[rng.IntN(len(queues))])
			if err != nil {
				continue
			}
			e = &end{conn: c, broken: &broken}
			c.SetHandler(e.handle(keep))
			ends = append(ends, e)
			if rng.IntN(4) > 0 {
				e.active = true
				c.Activate()
			}
		case op < 8:
			_ = e.conn.Send(dup())
		case op < 14:
			once := new(atomic.Bool)
			if err := e.conn.SendWithReply(dup(), queues[rng.IntN(len(queues))], func(ev driver.Event) {
				if once.Swap(true) {
					e.fail("two outcomes of one request")
				}
				answered.Add(1)
				if ev.Message != nil {
					ev.Message.Release()
				}
			}); err == nil {
				asked.Add(1)
			}
		case op < 16:
			_ = e.conn.SendBarrier(func() { barriers.Add(1) })
		case op < 17:
			e.conn.Cancel()
		case op < 19:
			if e.active {
				e.suspends++
				e.conn.Suspend()
			}
		case op < 22:
			if e.suspends > 0 {
				e.suspends--
				e.conn.Resume()
			}
		case op < 23:
			_ = e.conn.SetTargetQueue(queues[rng.IntN(len(queues))])
		case op < 24:
			if !e.active {
				e.active = true
				e.conn.Activate()
			}
		case op < 26:
			if p := jobs[rng.IntN(len(jobs))].Process(); p != nil {
				[]func(){p.Crash, p.Exit, p.Terminate, func() { _ = p.IdleExit() }}[rng.IntN(4)]()
			}
		case op < 27:
			if j := jobs[rng.IntN(len(jobs))]; j.Load() != nil && rng.IntN(2) == 0 {
				j.Unload()
			}
		case op < 28:
			i := rng.IntN(len(procs))
			if rng.IntN(3) == 0 {
				procs[i].p.Crash()
				procs[i] = newProcess()
			}
			l, err := procs[i].NewConn(driver.Spec{Kind: driver.KindAnonymous}, nil)
			require.NoError(t, err)
			l.SetHandler(accept)
			l.Activate()
			endpoint, _ = l.Endpoint()
			if rng.IntN(3) == 0 {
				l.Cancel()
			}
		case op < 29:
			w.Settle()
		default:
			time.Sleep(time.Duration(rng.IntN(1000)))
		}
	}
	// Every connection that is ended by the rules has its last event.
	for _, e := range ends {
		if !e.active {
			e.conn.Activate()
		}
		for range e.suspends {
			e.conn.Resume()
		}
		e.conn.Cancel()
	}
	synctest.Wait()
	for i, e := range ends {
		require.True(t, e.over.Load(), "connection %d", i)
	}
	require.Equal(t, asked.Load(), answered.Load())
	require.NoError(t, w.Close())
	time.Sleep(time.Hour)
	if s := broken.Load(); s != nil {
		t.Fatal(*s)
	}
	require.Zero(t, w.descriptors.Load())
	t.Log(asked.Load(), answered.Load(), barriers.Load(), w.events.seq)
}
