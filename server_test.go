package xpc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/fake"
)

// by hand starts the service's process without a main, so that the test itself
// is the service.
func byHand(t testing.TB) (*world, *fake.Process) {
	t.Helper()
	w := newWorld(t, nil)
	p, err := w.job.Launch()
	require.NoError(t, err)
	return w, p
}

func listen(t testing.TB, name string, p *fake.Process, opts ...xpc.Option) *xpc.Listener {
	t.Helper()
	l, err := xpc.NewListener(name, append([]xpc.Option{xpc.WithRuntime(p.Runtime()), quiet}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close(); <-l.Done() })
	return l
}

// start runs Serve, whose error comes through the channel.
func start(ctx context.Context, s *xpc.Server, l *xpc.Listener) <-chan error {
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	return served
}

// goCall calls on a goroutine.
func goCall(c *xpc.Client, in xpc.Dictionary) <-chan error {
	result := make(chan error, 1)
	go func() { result <- c.Call(context.Background(), in, nil) }()
	return result
}

func TestServerOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		hold := make(chan struct{})
		w := serve(t, func(_ context.Context, m *xpc.Message) (any, error) {
			who := m.GetString("who")
			if who == "slow" {
				<-hold
			}
			got = append(got, fmt.Sprint(who, m.GetInt64("n")))
			return nil, nil
		})
		slow, quick := w.dial(), w.dial()
		for n := range 3 {
			require.NoError(t, slow.Send(xpc.Dictionary{"who": "slow", "n": n}))
		}
		synctest.Wait()
		for n := range 3 {
			require.NoError(t, quick.Call(context.Background(), xpc.Dictionary{"who": "quick", "n": n}, nil))
		}
		close(hold)
		require.NoError(t, slow.Call(context.Background(), xpc.Dictionary{"n": 9}, nil))
		assert.Equal(t, []string{"quick0", "quick1", "quick2", "slow0", "slow1", "slow2", "9"}, got,
			"a slow peer holds up itself alone")
	})
}

func TestServerContextEndsWithTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := make(chan error, 1)
		w := serve(t, func(ctx context.Context, _ *xpc.Message) (any, error) {
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return nil, ctx.Err()
		})
		c := w.dial()
		goCall(c, xpc.Dictionary{})
		synctest.Wait()
		c.Close()
		require.ErrorIs(t, <-cause, xpc.ErrInvalid)

		goCall(w.dial(), xpc.Dictionary{})
		synctest.Wait()
		w.proc.Crash()
		require.ErrorIs(t, <-cause, xpc.ErrInvalid)
	})
}

// What arrived before the client went away is handled all the same.
func TestServerHandlesWhatArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		hold := make(chan struct{})
		w := serve(t, func(context.Context, *xpc.Message) (any, error) {
			<-hold
			n++
			return nil, nil
		})
		c := w.dial()
		for range 10 {
			require.NoError(t, c.Send(xpc.Dictionary{}))
		}
		require.NoError(t, c.Flush(context.Background()))
		synctest.Wait()
		w.proc.Exit()
		close(hold)
		synctest.Wait()
		assert.Equal(t, 10, n)
	})
}

func TestServerBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		s := &xpc.Server{Handler: xpc.HandlerFunc(func(context.Context, *xpc.Message) (any, error) {
			<-hold
			return nil, nil
		})}
		w := newWorld(t, program(s, quiet, xpc.WithMailbox(2)))
		c := w.dial()
		var waiting []<-chan error
		for range 3 { // one in the handler, two in the mailbox
			waiting = append(waiting, goCall(c, xpc.Dictionary{}))
			synctest.Wait()
		}
		err := c.Call(context.Background(), xpc.Dictionary{}, nil)
		require.ErrorIs(t, err, xpc.ErrBusy)
		assert.EqualValues(t, 1, s.Stats().Busy)
		other := goCall(w.dial(), xpc.Dictionary{})
		close(hold)
		require.NoError(t, <-other, "each peer has a mailbox of its own")
		for _, r := range waiting {
			require.NoError(t, <-r)
		}
		require.NoError(t, c.Call(context.Background(), xpc.Dictionary{}, nil))
		assert.Zero(t, s.Stats().Overflow)
	})
}

func TestServerOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &xpc.Server{Handler: xpc.HandlerFunc(func(ctx context.Context, m *xpc.Message) (any, error) {
			if m.GetBool("wait") {
				<-ctx.Done()
			}
			return nil, nil
		})}
		w := newWorld(t, program(s, xpc.WithLogger(slog.New(slog.NewTextHandler(&log, nil))), xpc.WithMailbox(2)))
		interrupted := make(chan error, 1)
		c := w.dial(xpc.OnInterrupted(func(err error) { interrupted <- err }))
		require.NoError(t, c.Send(xpc.Dictionary{"wait": true}))
		synctest.Wait()
		waiting := goCall(c, xpc.Dictionary{})
		synctest.Wait()
		for range 2 {
			require.NoError(t, c.Send(xpc.Dictionary{}))
		}
		require.ErrorIs(t, <-interrupted, xpc.ErrInterrupted)
		require.ErrorIs(t, <-waiting, xpc.ErrInterrupted)
		synctest.Wait()
		assert.Equal(t, xpc.Stats{Overflow: 1}, s.Stats())
		assert.Contains(t, log.String(), "mailbox full")
		require.NoError(t, c.Call(context.Background(), xpc.Dictionary{}, nil), "a new peer")
		assert.Equal(t, 1, w.job.Launches())
	})
}

func TestServerHandlerRepliesItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		later := make(chan *xpc.Reply, 1)
		var kept *xpc.Message
		w := serve(t, func(_ context.Context, m *xpc.Message) (any, error) {
			switch m.GetString("how") {
			case "itself":
				return nil, m.Reply(xpc.Dictionary{"by": "Reply"})
			case "later":
				r, err := m.CreateReply()
				if err != nil {
					return nil, err
				}
				kept = m
				later <- r
				return nil, m.Retain()
			case "forgotten":
				m.CreateReply()
			case "failed":
				m.CreateReply()
				return nil, errors.New("after all")
			}
			return nil, nil
		})
		ctx := context.Background()
		c := w.dial()
		var d xpc.Dictionary
		require.NoError(t, c.Call(ctx, xpc.Dictionary{"how": "itself"}, &d))
		assert.Equal(t, "Reply", d["by"])

		result := goCall(c, xpc.Dictionary{"how": "later"})
		r := <-later
		require.NoError(t, c.Call(ctx, xpc.Dictionary{}, nil), "the handler is free")
		r.Dictionary["done"] = true
		require.NoError(t, r.Send())
		require.NoError(t, kept.Release())
		require.NoError(t, <-result)

		require.ErrorIs(t, c.Call(ctx, xpc.Dictionary{"how": "forgotten"}, nil), xpc.ErrInterrupted)
		var remote *xpc.RemoteError
		require.ErrorAs(t, c.Call(ctx, xpc.Dictionary{"how": "failed"}, nil), &remote)
		assert.Equal(t, "after all", remote.Message)
	})
}

// The message is held while its handler runs: the process is not idle.
func TestServerHoldsTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		w := serve(t, func(context.Context, *xpc.Message) (any, error) {
			<-hold
			return nil, nil
		})
		c := w.dial()
		require.NoError(t, c.Send(xpc.Dictionary{}))
		require.NoError(t, c.Send(xpc.Dictionary{}))
		synctest.Wait()
		p := w.job.Process()
		require.Error(t, p.IdleExit())
		close(hold)
		require.NoError(t, c.Call(context.Background(), xpc.Dictionary{}, nil))
		synctest.Wait()
		require.NoError(t, p.IdleExit())
	})
}

func TestServerShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		w, p := byHand(t)
		hold := make(chan struct{})
		s := &xpc.Server{Handler: xpc.HandlerFunc(func(ctx context.Context, m *xpc.Message) (any, error) {
			select {
			case <-hold:
				return xpc.Dictionary{"finished": true}, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})}
		served := start(ctx, s, listen(t, serviceName, p))
		busy, idle := w.dial(), w.dial(xpc.OnInterrupted(func(error) {}))
		running, queued := goCall(busy, xpc.Dictionary{}), goCall(busy, xpc.Dictionary{})
		synctest.Wait()

		down := make(chan error, 1)
		go func() { down <- s.Shutdown(ctx) }()
		synctest.Wait()
		err := busy.Call(ctx, xpc.Dictionary{}, nil)
		require.ErrorIs(t, err, xpc.ErrServerClosed)
		assert.Contains(t, err.Error(), "shutting down")
		select {
		case err := <-down:
			t.Fatal("Shutdown did not wait for the handler: ", err)
		default:
		}
		close(hold)
		require.NoError(t, <-running)
		require.NoError(t, <-queued, "what had arrived is finished")
		require.NoError(t, <-down)
		require.Equal(t, xpc.ErrServerClosed, <-served)
		require.NoError(t, s.Shutdown(ctx))
		require.Equal(t, xpc.ErrServerClosed, s.Serve(ctx, listen(t, "", p)))
		_ = idle
	})
}

func TestServerShutdownRunsOutOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := byHand(t)
		stopped := make(chan error, 1)
		s := &xpc.Server{Handler: xpc.HandlerFunc(func(ctx context.Context, m *xpc.Message) (any, error) {
			<-ctx.Done()
			stopped <- context.Cause(ctx)
			return nil, ctx.Err()
		})}
		served := start(context.Background(), s, listen(t, serviceName, p))
		result := goCall(w.dial(), xpc.Dictionary{})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.Equal(t, context.DeadlineExceeded, s.Shutdown(ctx))
		require.Equal(t, xpc.ErrServerClosed, <-stopped)
		require.Equal(t, xpc.ErrServerClosed, <-served)
		err := <-result // closed at once, or answered just before
		require.True(t, errors.Is(err, xpc.ErrInterrupted) || errors.Is(err, xpc.ErrServerClosed), err)
	})
}

func TestServeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := byHand(t)
		s := &xpc.Server{Handler: xpc.HandlerFunc(func(ctx context.Context, m *xpc.Message) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})}
		ctx, cancel := context.WithCancel(context.Background())
		l := listen(t, serviceName, p)
		served := start(ctx, s, l)
		result := goCall(w.dial(), xpc.Dictionary{})
		synctest.Wait()
		cancel()
		require.Equal(t, context.Canceled, <-served)
		require.Error(t, <-result)
		<-l.Done()
	})
}

// A peer that a handler left suspended does not keep Serve from ending.
func TestServeEndsWithSuspendedPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := byHand(t)
		s := &xpc.Server{Handler: xpc.HandlerFunc(func(ctx context.Context, m *xpc.Message) (any, error) {
			return nil, errors.Join(m.Connection().Suspend(), m.Connection().Suspend())
		})}
		served := start(context.Background(), s, listen(t, serviceName, p))
		require.NoError(t, w.dial().Send(xpc.Dictionary{}))
		synctest.Wait()
		require.NoError(t, s.Shutdown(context.Background()))
		require.Equal(t, xpc.ErrServerClosed, <-served)
	})
}

func TestServeUndeclaredName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := byHand(t)
		l := listen(t, "com.example.other", p)
		err := (&xpc.Server{Handler: xpc.HandlerFunc(back)}).Serve(context.Background(), l)
		require.ErrorIs(t, err, xpc.ErrInvalid)
		assert.Contains(t, err.Error(), "MachServices")
		_, err = l.Accept(context.Background())
		require.ErrorIs(t, err, xpc.ErrInvalid, "again")
		require.ErrorIs(t, (&xpc.Server{}).Serve(context.Background(), l), xpc.ErrMisuse)
	})
}

func TestServeEndsWithItsProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := byHand(t)
		cause := make(chan error, 1)
		s := &xpc.Server{Handler: xpc.HandlerFunc(func(ctx context.Context, m *xpc.Message) (any, error) {
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return nil, nil
		})}
		served := start(context.Background(), s, listen(t, serviceName, p))
		result := goCall(w.dial(), xpc.Dictionary{})
		synctest.Wait()
		p.Crash()
		require.ErrorIs(t, <-result, xpc.ErrInterrupted)
		require.ErrorIs(t, <-cause, xpc.ErrClosed)
		require.ErrorIs(t, <-served, xpc.ErrClosed)
	})
}

// A peer told to end is closed once what it received was handled and answered.
func TestServerTerminationImminent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		w := serve(t, func(context.Context, *xpc.Message) (any, error) {
			<-hold
			return xpc.Dictionary{}, nil
		})
		c := w.dial()
		first, second := goCall(c, xpc.Dictionary{}), goCall(c, xpc.Dictionary{})
		synctest.Wait()
		p := w.job.Process()
		p.Terminate()
		synctest.Wait()
		close(hold)
		require.NoError(t, <-first)
		require.NoError(t, <-second)
		<-p.Done()
		require.NoError(t, c.Call(context.Background(), xpc.Dictionary{}, nil), "the next message launches it again")
		assert.Equal(t, 2, w.job.Launches())
	})
}

// Peers without work cost no goroutine.
func TestServerIdlePeersHaveNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, back)
		c := w.dial()
		require.NoError(t, c.Call(context.Background(), xpc.Dictionary{}, nil))
		synctest.Wait()
		before := runtime.NumGoroutine()
		for range 200 {
			require.NoError(t, w.dial().Call(context.Background(), xpc.Dictionary{}, nil))
		}
		synctest.Wait() // those that were about to end have
		assert.LessOrEqual(t, runtime.NumGoroutine(), before+20)
	})
}

func TestListenerAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		w, p := byHand(t)
		l := listen(t, serviceName, p)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := l.Accept(short)
		require.Equal(t, context.DeadlineExceeded, err)

		c := w.dial()
		result := goCall(c, xpc.Dictionary{"n": 1})
		peer, err := l.Accept(ctx)
		require.NoError(t, err)
		assert.Equal(t, w.proc.PID(), peer.Connection().PID())
		synctest.Wait()
		select {
		case err := <-result:
			t.Fatal("answered before it was served: ", err)
		default:
		}
		s := &xpc.Server{Handler: xpc.HandlerFunc(back)}
		served := make(chan error, 1)
		go func() { served <- s.ServePeer(ctx, peer) }()
		require.NoError(t, <-result)
		require.ErrorIs(t, s.ServePeer(ctx, peer), xpc.ErrMisuse)
		c.Close()
		require.NoError(t, <-served, "the client went away")

		c = w.dial()
		result = goCall(c, xpc.Dictionary{})
		peer, err = l.Accept(ctx)
		require.NoError(t, err)
		require.NoError(t, peer.Close())
		require.ErrorIs(t, <-result, xpc.ErrInterrupted, "refused")
		require.ErrorIs(t, s.ServePeer(ctx, peer), xpc.ErrClosed)
		require.ErrorIs(t, peer.Call(ctx, xpc.Dictionary{}, nil), xpc.ErrClosed)
	})
}

func TestServePeerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := byHand(t)
		l := listen(t, serviceName, p)
		accept := func() *xpc.Peer {
			goCall(w.dial(), xpc.Dictionary{})
			peer, err := l.Accept(context.Background())
			require.NoError(t, err)
			return peer
		}
		s := &xpc.Server{Handler: xpc.HandlerFunc(func(ctx context.Context, m *xpc.Message) (any, error) {
			<-ctx.Done()
			return nil, nil
		})}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.Equal(t, context.DeadlineExceeded, s.ServePeer(ctx, accept()))

		peer := accept()
		time.AfterFunc(time.Second, func() { peer.Close() })
		require.Equal(t, xpc.ErrClosed, s.ServePeer(context.Background(), peer))

		time.AfterFunc(time.Second, func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			s.Shutdown(ctx)
		})
		require.Equal(t, xpc.ErrServerClosed, s.ServePeer(context.Background(), accept()))
		require.Equal(t, xpc.ErrServerClosed, s.ServePeer(context.Background(), accept()))
	})
}

// No peer is forgotten when several wait for one and some give up.
func TestListenerAcceptConcurrent(t *testing.T) {
	w, p := byHand(t)
	l := listen(t, serviceName, p)
	const n = 50
	s := &xpc.Server{Handler: xpc.HandlerFunc(back)}
	var accepters, calls sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	for range 4 {
		accepters.Go(func() {
			for ctx.Err() == nil {
				short, cancel := context.WithTimeout(ctx, time.Millisecond)
				peer, err := l.Accept(short)
				cancel()
				if err == nil {
					accepters.Go(func() { s.ServePeer(ctx, peer) })
				}
			}
		})
	}
	for range n {
		calls.Go(func() { assert.NoError(t, w.dial().Call(ctx, xpc.Dictionary{}, nil)) })
	}
	calls.Wait()
	stop()
	accepters.Wait()
}

// Peers that Accept never took are closed with the listener.
func TestListenerClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := byHand(t)
		l := listen(t, serviceName, p)
		result := goCall(w.dial(), xpc.Dictionary{})
		synctest.Wait()
		require.NoError(t, l.Close())
		require.ErrorIs(t, <-result, xpc.ErrInterrupted)
		_, err := l.Accept(context.Background())
		require.Equal(t, xpc.ErrClosed, err)
		_, err = l.Endpoint()
		require.Equal(t, xpc.ErrClosed, err)
		require.NoError(t, l.Close())
		<-l.Done()
		require.Equal(t, xpc.ErrClosed, (&xpc.Server{Handler: xpc.HandlerFunc(back)}).Serve(context.Background(), l))
	})
}

func TestListenerCloseEndsServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := byHand(t)
		l := listen(t, serviceName, p)
		s := &xpc.Server{Handler: xpc.HandlerFunc(func(ctx context.Context, m *xpc.Message) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})}
		served := start(context.Background(), s, l)
		result := goCall(w.dial(), xpc.Dictionary{})
		synctest.Wait()
		l.Close()
		require.Equal(t, xpc.ErrClosed, <-served)
		require.Error(t, <-result)
	})
}

func TestAnonymousListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		_, p := byHand(t)
		l := listen(t, "", p)
		s := &xpc.Server{Handler: xpc.HandlerFunc(back)}
		served := start(ctx, s, l)
		e, err := l.Endpoint()
		require.NoError(t, err)
		c, err := xpc.NewEndpointClient(e, xpc.WithRuntime(p.Runtime()))
		require.NoError(t, err)
		defer func() { c.Close(); <-c.Done() }()
		require.NoError(t, c.Call(ctx, xpc.Dictionary{}, nil))
		require.NoError(t, s.Shutdown(ctx))
		require.Equal(t, xpc.ErrServerClosed, <-served)
		<-c.Done()
		err = c.Call(ctx, xpc.Dictionary{}, nil)
		require.ErrorIs(t, err, xpc.ErrInvalid)
		assert.Contains(t, err.Error(), "new endpoint")
	})
}

// A server may serve several listeners.
func TestServerOfTwoListeners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		w, p := byHand(t)
		s := &xpc.Server{Handler: xpc.HandlerFunc(back)}
		anonymous := listen(t, "", p)
		one, two := start(ctx, s, listen(t, serviceName, p)), start(ctx, s, anonymous)
		require.NoError(t, w.dial().Call(ctx, xpc.Dictionary{}, nil))
		e, err := anonymous.Endpoint()
		require.NoError(t, err)
		c, err := xpc.NewEndpointClient(e, xpc.WithRuntime(w.client))
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.Call(ctx, xpc.Dictionary{}, nil))
		require.NoError(t, s.Shutdown(ctx))
		require.Equal(t, xpc.ErrServerClosed, <-one)
		require.Equal(t, xpc.ErrServerClosed, <-two)
	})
}

func TestServerPeerRequirement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		w, p := byHand(t)
		s := &xpc.Server{Handler: xpc.HandlerFunc(back)}
		start(ctx, s, listen(t, serviceName, p, xpc.WithPeerRequirement(xpc.EntitlementExists("com.example.may"))))
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		require.Error(t, w.dial().Call(short, xpc.Dictionary{}, nil), "dropped")

		signed, err := w.NewProcess(fake.ProcessConfig{Identity: fake.Identity{Entitlements: map[string]any{"com.example.may": true}}})
		require.NoError(t, err)
		c, err := xpc.NewClient(serviceName, xpc.WithRuntime(signed.Runtime()))
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.Call(ctx, xpc.Dictionary{}, nil))
		require.NoError(t, s.Shutdown(ctx))
	})
}

func TestServerTracer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var steps []string
		w := serve(t, func(_ context.Context, m *xpc.Message) (any, error) {
			if m.WantsReply() {
				return nil, errors.New("no")
			}
			return nil, nil
		}, xpc.WithTracer(func(e xpc.TraceEvent) {
			steps = append(steps, fmt.Sprint(e.Kind, e.Err))
		}))
		c := w.dial()
		require.NoError(t, c.Send(xpc.Dictionary{}))
		require.Error(t, c.Call(context.Background(), xpc.Dictionary{}, nil))
		synctest.Wait()
		assert.Equal(t, []string{"message<nil>", "request<nil>", "answerxpc: the other side answered: failed: no"}, steps)
	})
}

// What nobody waits for is logged: errors of one-way messages, messages that come
// too late, and panics of OnInterrupted.
func TestServerLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logged := xpc.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))
		w, p := byHand(t)
		hold := make(chan struct{})
		s := &xpc.Server{Handler: xpc.HandlerFunc(func(_ context.Context, m *xpc.Message) (any, error) {
			<-hold
			return nil, errors.New("no luck")
		})}
		served := start(context.Background(), s, listen(t, serviceName, p, logged))
		c := w.dial(logged, xpc.OnInterrupted(func(error) { panic("oops") }))
		require.NoError(t, c.Send(xpc.Dictionary{}))
		synctest.Wait()
		down := make(chan error, 1)
		go func() { down <- s.Shutdown(context.Background()) }()
		synctest.Wait()
		require.NoError(t, c.Send(xpc.Dictionary{}))
		synctest.Wait()
		assert.Contains(t, log.String(), "one-way message dropped")
		close(hold)
		require.NoError(t, <-down)
		require.Equal(t, xpc.ErrServerClosed, <-served)
		synctest.Wait()
		assert.Contains(t, log.String(), "no luck")
		assert.Contains(t, log.String(), "oops")
	})
}

func TestListenerBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w, p := byHand(t)
		l := listen(t, serviceName, p, xpc.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		for range 1024 {
			require.NoError(t, w.dial().Send(xpc.Dictionary{}))
		}
		synctest.Wait()
		require.ErrorIs(t, w.dial().Call(context.Background(), xpc.Dictionary{}, nil), xpc.ErrInterrupted)
		synctest.Wait()
		assert.Contains(t, log.String(), "client refused")
		peer, err := l.Accept(context.Background())
		require.NoError(t, err)
		require.NoError(t, peer.Close())
	})
}

// Events of a listener and its peers share the queue that was asked for.
func TestListenerTargetQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := byHand(t)
		q, err := p.Runtime().NewQueue("events")
		require.NoError(t, err)
		defer q.Close()
		l := listen(t, "", p, xpc.WithTargetQueue(q))
		s := &xpc.Server{Handler: xpc.HandlerFunc(back)}
		served := start(context.Background(), s, l)
		e, err := l.Endpoint()
		require.NoError(t, err)
		cq, err := w.client.NewQueue("client")
		require.NoError(t, err)
		defer cq.Close()
		c, err := xpc.NewEndpointClient(e, xpc.WithRuntime(w.client), xpc.WithTargetQueue(cq))
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.Call(context.Background(), xpc.Dictionary{}, nil))

		free := make(chan struct{})
		require.NoError(t, q.Async(func() { <-free }))
		synctest.Wait()
		result := make(chan error, 1)
		go func() { result <- c.Call(context.Background(), xpc.Dictionary{}, nil) }()
		synctest.Wait()
		select {
		case err := <-result:
			t.Fatal("answered while the queue was held: ", err)
		default:
		}
		close(free)
		require.NoError(t, <-result)
		require.NoError(t, s.Shutdown(context.Background()))
		require.Equal(t, xpc.ErrServerClosed, <-served)
	})
}

// The other tests of level 2 are on the fake. This one is on whatever runtime
// there is: libxpc on a Mac, its stand-in under make bridge.
func TestLevel2OnThisRuntime(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	defer cancel()
	rt := xpc.WithRuntime(testRuntime(t))
	l, err := xpc.NewListener("", rt, quiet, xpc.WithMailbox(1000))
	require.NoError(t, err)
	e, err := l.Endpoint()
	require.NoError(t, err)
	sent := 0
	s := &xpc.Server{Handler: xpc.HandlerFunc(func(ctx context.Context, m *xpc.Message) (any, error) {
		p, ok := xpc.PeerFromContext(ctx)
		switch {
		case !ok:
			return nil, errors.New("no peer")
		case !m.WantsReply():
			sent++
			return nil, nil
		case m.GetBool("fail"):
			return nil, errors.New("as asked")
		case m.GetBool("hang"):
			<-ctx.Done()
			return nil, ctx.Err()
		}
		var answer xpc.Dictionary
		if err := p.Call(ctx, xpc.Dictionary{"sent": sent}, &answer); err != nil {
			return nil, err
		}
		return answer, nil
	})}
	served := start(ctx, s, l)

	c, err := xpc.NewEndpointClient(e, rt, quiet, xpc.WithHandler(xpc.HandlerFunc(back)))
	require.NoError(t, err)
	for range 100 {
		require.NoError(t, c.Send(xpc.Dictionary{}))
	}
	require.NoError(t, c.Flush(ctx))
	var d xpc.Dictionary
	require.NoError(t, c.Call(ctx, xpc.Dictionary{}, &d))
	assert.EqualValues(t, 100, d["sent"])
	var remote *xpc.RemoteError
	require.ErrorAs(t, c.Call(ctx, xpc.Dictionary{"fail": true}, nil), &remote)
	assert.Equal(t, "as asked", remote.Message)

	hung, err := xpc.NewEndpointClient(e, rt, quiet)
	require.NoError(t, err)
	short, stop := context.WithTimeout(ctx, 50*time.Millisecond)
	defer stop()
	require.Equal(t, context.DeadlineExceeded, hung.Call(short, xpc.Dictionary{"hang": true}, nil))
	require.NoError(t, hung.Close(), "the handler's context ends")
	closed(t, hung.Done(), "Done of the hung client")

	require.NoError(t, s.Shutdown(ctx))
	require.Equal(t, xpc.ErrServerClosed, <-served)
	closed(t, c.Done(), "Done of the client: its listener is gone")
	require.ErrorIs(t, c.Call(ctx, xpc.Dictionary{}, nil), xpc.ErrInvalid)
	require.NoError(t, c.Close())
}
