package xpc_test

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
)

func TestClientCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		w := serve(t, back)
		c := w.dial()
		assert.Zero(t, w.job.Launches(), "NewClient dials nothing")

		var d xpc.Dictionary
		require.NoError(t, c.Call(ctx, xpc.Dictionary{"n": int64(1), "s": "x"}, &d))
		assert.Equal(t, xpc.Dictionary{"n": int64(1), "s": "x"}, d)

		type pair struct {
			N int64  `xpc:"n"`
			S string `xpc:"s"`
		}
		var p pair
		require.NoError(t, c.Call(ctx, pair{2, "y"}, &p))
		assert.Equal(t, pair{2, "y"}, p)

		require.NoError(t, c.Call(ctx, xpc.Dictionary{}, nil))

		m, err := c.CallMessage(ctx, xpc.Dictionary{"n": int64(3)})
		require.NoError(t, err)
		assert.EqualValues(t, 3, m.GetInt64("n"))
		require.NoError(t, m.Release())
		assert.Equal(t, 1, w.job.Launches())
		assert.Equal(t, w.job.Process().PID(), c.Connection().PID())
	})
}

func TestClientCallRefusesBadArguments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		w := serve(t, back)
		c := w.dial()
		var d xpc.Dictionary
		for name, out := range map[string]any{"value": d, "nil pointer": (*xpc.Dictionary)(nil), "function": func() {}} {
			require.ErrorIs(t, c.Call(ctx, xpc.Dictionary{}, out), xpc.ErrMisuse, name)
		}
		for name, in := range map[string]any{"nil": nil, "number": 1, "array": xpc.Array{}} {
			require.ErrorIs(t, c.Call(ctx, in, &d), xpc.ErrMisuse, name)
			require.ErrorIs(t, c.Send(in), xpc.ErrMisuse, name)
		}
		var v *xpc.ValueError
		require.ErrorAs(t, c.Call(ctx, xpc.Dictionary{"a": xpc.Array{make(chan int)}}, nil), &v)
		assert.Equal(t, "a[0]", v.Path)
		require.ErrorAs(t, c.Send(xpc.Dictionary{"a": xpc.Dictionary{"b": "\x00"}}), &v)
		assert.Equal(t, "a.b", v.Path)
		assert.Zero(t, w.job.Launches(), "nothing was sent")
		require.NoError(t, c.Call(ctx, xpc.Dictionary{}, nil), "the client is as it was")
	})
}

func TestClientRemoteErrors(t *testing.T) {
	cases := []struct {
		name    string
		handler xpc.HandlerFunc
		want    xpc.RemoteError
	}{
		{"error", func(context.Context, *xpc.Message) (any, error) { return nil, errors.New("no luck") },
			xpc.RemoteError{Code: xpc.CodeFailed, Message: "no luck"}},
		{"own code", func(context.Context, *xpc.Message) (any, error) {
			return nil, &xpc.RemoteError{Code: xpc.CodeUnknownRoute, Message: `route "x"`}
		}, xpc.RemoteError{Code: xpc.CodeUnknownRoute, Message: `route "x"`}},
		{"undecodable", func(_ context.Context, m *xpc.Message) (any, error) {
			var in struct {
				N string `xpc:"n"`
			}
			return nil, m.Decode(&in)
		}, xpc.RemoteError{Code: xpc.CodeBadRequest}},
		{"panic", func(context.Context, *xpc.Message) (any, error) { panic("secret") },
			xpc.RemoteError{Code: xpc.CodePanic, Message: "the handler panicked"}},
		{"Goexit", func(context.Context, *xpc.Message) (any, error) { runtime.Goexit(); return nil, nil },
			xpc.RemoteError{Code: xpc.CodePanic, Message: "the handler ended its goroutine"}},
		{"reply that panics", func(context.Context, *xpc.Message) (any, error) {
			return xpc.Dictionary{"x": marshaler(func() (any, error) { panic("secret") })}, nil
		}, xpc.RemoteError{Code: xpc.CodePanic, Message: "the handler panicked"}},
		{"reply that panics when sent", func(_ context.Context, m *xpc.Message) (any, error) {
			return nil, m.Reply(xpc.Dictionary{"x": marshaler(func() (any, error) { panic("secret") })})
		}, xpc.RemoteError{Code: xpc.CodePanic, Message: "the handler panicked"}},
		{"reply that ends its goroutine", func(context.Context, *xpc.Message) (any, error) {
			return xpc.Dictionary{"x": marshaler(func() (any, error) { runtime.Goexit(); return nil, nil })}, nil
		}, xpc.RemoteError{Code: xpc.CodePanic, Message: "the handler ended its goroutine"}},
		{"bad reply", func(context.Context, *xpc.Message) (any, error) { return xpc.Dictionary{"c": make(chan int)}, nil },
			xpc.RemoteError{Code: xpc.CodeBadReply}},
		{"reply that is no dictionary", func(context.Context, *xpc.Message) (any, error) { return 1, nil },
			xpc.RemoteError{Code: xpc.CodeBadReply}},
		{"busy", func(context.Context, *xpc.Message) (any, error) { return nil, &xpc.RemoteError{Code: xpc.CodeBusy} },
			xpc.RemoteError{Code: xpc.CodeBusy}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := serve(t, func(ctx context.Context, m *xpc.Message) (any, error) {
					if m.GetBool("again") {
						return xpc.Dictionary{}, nil
					}
					return tc.handler(ctx, m)
				})
				c := w.dial()
				err := c.Call(context.Background(), xpc.Dictionary{"n": int64(1)}, nil)
				var remote *xpc.RemoteError
				require.ErrorAs(t, err, &remote)
				assert.Equal(t, tc.want.Code, remote.Code)
				if tc.want.Message != "" {
					assert.Equal(t, tc.want.Message, remote.Message)
				}
				assert.Equal(t, tc.want.Code == xpc.CodeBusy, errors.Is(err, xpc.ErrBusy))
				assert.NotContains(t, err.Error(), "secret")
				require.NoError(t, c.Call(context.Background(), xpc.Dictionary{"again": true}, nil), "the peer goes on")
				assert.Equal(t, 1, w.job.Launches())
			})
		})
	}
}

func TestClientSurvivesRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		var w *world
		w = serve(t, func(_ context.Context, m *xpc.Message) (any, error) {
			if m.GetBool("die") {
				w.job.Process().Crash()
			}
			return nil, nil
		})
		var c *xpc.Client
		interrupted := make(chan error, 1)
		c = w.dial(xpc.OnInterrupted(func(err error) {
			if e := c.Call(ctx, xpc.Dictionary{"subscribe": true}, nil); e != nil {
				err = e
			}
			interrupted <- err
		}))
		err := c.Call(ctx, xpc.Dictionary{"die": true}, nil)
		require.ErrorIs(t, err, xpc.ErrInterrupted)
		assert.Contains(t, err.Error(), "the next message launches it again")
		require.ErrorIs(t, <-interrupted, xpc.ErrInterrupted, "and the call from OnInterrupted worked")
		require.NoError(t, c.Call(ctx, xpc.Dictionary{}, nil))
		assert.Equal(t, 2, w.job.Launches())
	})
}

func TestClientUnknownName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		w := newWorld(t, nil)
		c, err := xpc.NewClient("com.example.nobody", xpc.WithRuntime(w.client))
		require.NoError(t, err)
		defer c.Close()
		for range 2 {
			err := c.Call(ctx, xpc.Dictionary{}, nil)
			require.ErrorIs(t, err, xpc.ErrInvalid)
			var e *xpc.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, "com.example.nobody", e.Service)
			assert.Contains(t, e.Hint, "MachServices")
		}
		<-c.Done()
		require.ErrorIs(t, c.Send(xpc.Dictionary{}), xpc.ErrInvalid, "not lost in silence")
		require.ErrorIs(t, c.Flush(ctx), xpc.ErrInvalid)
	})
}

func TestClientPrivileged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, back)
		err := w.dial(xpc.WithPrivileged()).Call(context.Background(), xpc.Dictionary{}, nil)
		require.ErrorIs(t, err, xpc.ErrInvalid)
		assert.Contains(t, err.Error(), "LaunchDaemons")
	})
}

func TestClientUnloaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		w := serve(t, back)
		c := w.dial()
		require.NoError(t, c.Call(ctx, xpc.Dictionary{}, nil))
		w.job.Unload()
		<-c.Done()
		require.ErrorIs(t, c.Call(ctx, xpc.Dictionary{}, nil), xpc.ErrInvalid)
		require.NoError(t, w.job.Load())
		require.ErrorIs(t, c.Call(ctx, xpc.Dictionary{}, nil), xpc.ErrInvalid, "for good")
		require.NoError(t, w.dial().Call(ctx, xpc.Dictionary{}, nil), "a new client works")
	})
}

func TestClientClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		w := serve(t, func(ctx context.Context, _ *xpc.Message) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		c := w.dial()
		errs := make(chan error)
		for range 3 {
			go func() { errs <- c.Call(ctx, xpc.Dictionary{}, nil) }()
		}
		synctest.Wait()
		require.NoError(t, c.Close())
		for range 3 {
			require.Equal(t, xpc.ErrClosed, <-errs)
		}
		<-c.Done()
		require.NoError(t, c.Close())
		require.ErrorIs(t, c.Call(ctx, xpc.Dictionary{}, nil), xpc.ErrClosed)
		require.ErrorIs(t, c.Send(xpc.Dictionary{}), xpc.ErrClosed)
		require.ErrorIs(t, c.Flush(ctx), xpc.ErrClosed)
	})
}

func TestClientCallContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		w := serve(t, func(_ context.Context, m *xpc.Message) (any, error) {
			if m.GetBool("wait") {
				<-hold
			}
			return nil, nil
		})
		c := w.dial()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		start := time.Now()
		require.Equal(t, context.DeadlineExceeded, c.Call(ctx, xpc.Dictionary{"wait": true}, nil))
		assert.Equal(t, time.Minute, time.Since(start))
		require.Equal(t, context.DeadlineExceeded, c.Call(ctx, xpc.Dictionary{}, nil), "ended before")

		ctx, cancel = context.WithCancel(context.Background())
		time.AfterFunc(time.Second, cancel)
		require.Equal(t, context.Canceled, c.Call(ctx, xpc.Dictionary{}, nil))
		close(hold)
		require.NoError(t, c.Call(context.Background(), xpc.Dictionary{}, nil), "the client stays usable")
	})
}

func TestClientSendAndFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		var got []int64
		w := serve(t, func(_ context.Context, m *xpc.Message) (any, error) {
			if m.WantsReply() {
				return xpc.Dictionary{"n": int64(len(got))}, nil
			}
			got = append(got, m.GetInt64("n"))
			return nil, nil
		})
		c := w.dial()
		for i := range 100 {
			require.NoError(t, c.Send(xpc.Dictionary{"n": i}))
		}
		require.NoError(t, c.Flush(ctx))
		var d xpc.Dictionary
		require.NoError(t, c.Call(ctx, xpc.Dictionary{}, &d))
		assert.EqualValues(t, 100, d["n"], "a request is handled after the messages before it")
		for i, n := range got {
			require.EqualValues(t, i, n)
		}

		ended, cancel := context.WithCancel(ctx)
		cancel()
		require.Equal(t, context.Canceled, c.Flush(ended))
		require.NoError(t, c.Connection().Suspend())
		require.NoError(t, c.Send(xpc.Dictionary{}))
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		require.Equal(t, context.DeadlineExceeded, c.Flush(short), "nothing goes out while suspended")
		require.NoError(t, c.Connection().Resume())
		require.NoError(t, c.Flush(ctx))
	})
}

// A service sends messages and requests to its client by itself.
func TestClientHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		w := serve(t, func(ctx context.Context, m *xpc.Message) (any, error) {
			p, ok := xpc.PeerFromContext(ctx)
			if !ok {
				return nil, errors.New("no peer")
			}
			for i := range 3 {
				if err := p.Send(xpc.Dictionary{"n": i}); err != nil {
					return nil, err
				}
			}
			if err := p.Flush(ctx); err != nil {
				return nil, err
			}
			var out xpc.Dictionary
			if err := p.Call(ctx, xpc.Dictionary{"question": true}, &out); err != nil {
				return nil, err
			}
			return out, nil
		})
		var got []int64
		c := w.dial(xpc.WithHandler(xpc.HandlerFunc(func(ctx context.Context, m *xpc.Message) (any, error) {
			if m.WantsReply() {
				return xpc.Dictionary{"answer": int64(42)}, nil
			}
			got = append(got, m.GetInt64("n"))
			return nil, nil
		})))
		var d xpc.Dictionary
		require.NoError(t, c.Call(ctx, xpc.Dictionary{}, &d))
		assert.EqualValues(t, 42, d["answer"])
		assert.Equal(t, []int64{0, 1, 2}, got)

		err := w.dial().Call(ctx, xpc.Dictionary{}, nil)
		var remote *xpc.RemoteError
		require.ErrorAs(t, err, &remote)
		assert.Equal(t, xpc.CodeNoHandler, remote.Code, "refused, and the error passes through the service's handler")
	})
}

func TestClientHandlerEndsWithTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, func(ctx context.Context, m *xpc.Message) (any, error) {
			p, _ := xpc.PeerFromContext(ctx)
			return nil, p.Send(xpc.Dictionary{})
		})
		cause := make(chan error, 1)
		c := w.dial(xpc.WithHandler(xpc.HandlerFunc(func(ctx context.Context, m *xpc.Message) (any, error) {
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return nil, nil
		})))
		require.NoError(t, c.Call(context.Background(), xpc.Dictionary{}, nil))
		synctest.Wait()
		w.job.Process().Crash()
		require.ErrorIs(t, <-cause, xpc.ErrInterrupted)
		require.NoError(t, c.Call(context.Background(), xpc.Dictionary{}, nil))
		synctest.Wait()
		w.proc.Crash() // the client's own process
		require.ErrorIs(t, <-cause, xpc.ErrClosed)
	})
}

// A client that does not read is ended, and says why.
func TestClientOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, func(ctx context.Context, m *xpc.Message) (any, error) {
			p, _ := xpc.PeerFromContext(ctx)
			for range 5 {
				p.Send(xpc.Dictionary{})
			}
			return nil, nil
		})
		c := w.dial(xpc.WithMailbox(3), xpc.WithHandler(xpc.HandlerFunc(func(ctx context.Context, m *xpc.Message) (any, error) {
			<-ctx.Done()
			return nil, nil
		})))
		require.NoError(t, c.Send(xpc.Dictionary{}))
		<-c.Done()
		err := c.Call(context.Background(), xpc.Dictionary{}, nil)
		require.ErrorIs(t, err, xpc.ErrBusy)
		assert.Contains(t, err.Error(), "3 others waiting")
		require.ErrorIs(t, c.Send(xpc.Dictionary{}), xpc.ErrBusy)
		assert.EqualValues(t, 1, c.Stats().Overflow)
	})
}

func TestClientPassesFiles(t *testing.T) {
	ctx := context.Background()
	w := serve(t, func(_ context.Context, m *xpc.Message) (any, error) {
		f := m.GetFile("file")
		defer f.Close()
		_, err := f.WriteString("written by the service")
		return nil, err
	})
	r, wr, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	require.NoError(t, w.dial().Call(ctx, xpc.Dictionary{"file": wr}, nil))
	require.NoError(t, wr.Close())
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "written by the service", string(text))
}

func TestClientPeerRequirement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, back)
		c := w.dial(xpc.WithPeerRequirement(xpc.PlatformIdentity{}))
		require.ErrorIs(t, c.Call(context.Background(), xpc.Dictionary{}, nil), xpc.ErrPeerRequirement)
		_, err := xpc.NewClient(serviceName, xpc.WithRuntime(w.client), xpc.WithPeerRequirement(xpc.EntitlementExists("")))
		require.ErrorIs(t, err, xpc.ErrMisuse, "fails closed")
	})
}

func TestClientTracer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		var mu sync.Mutex
		var steps []xpc.TraceEvent
		tracer := xpc.WithTracer(func(e xpc.TraceEvent) {
			mu.Lock()
			defer mu.Unlock()
			steps = append(steps, e)
		})
		w := serve(t, func(_ context.Context, m *xpc.Message) (any, error) {
			time.Sleep(time.Second)
			return nil, nil
		})
		c := w.dial(tracer)
		require.NoError(t, c.Send(xpc.Dictionary{}))
		require.NoError(t, c.Call(ctx, xpc.Dictionary{}, nil))
		w.job.Process().Crash()
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		var kinds []string
		for _, s := range steps {
			kinds = append(kinds, string(s.Kind))
			assert.Equal(t, serviceName, s.Service)
		}
		require.Equal(t, "send call reply event", strings.Join(kinds, " "))
		assert.NotZero(t, steps[1].ID)
		assert.Equal(t, steps[1].ID, steps[2].ID)
		assert.Equal(t, 2*time.Second, steps[2].Elapsed)
		require.ErrorIs(t, steps[3].Err, xpc.ErrInterrupted)
	})
}

func TestOptionsThatDoNotFit(t *testing.T) {
	w := newWorld(t, nil)
	rt := xpc.WithRuntime(w.client)
	q, err := w.client.NewQueue("")
	require.NoError(t, err)
	require.NoError(t, q.Close())
	h := xpc.HandlerFunc(back)
	for name, opts := range map[string][]xpc.Option{
		"nil":          {rt, nil},
		"no runtime":   {xpc.WithRuntime(nil)},
		"requirement":  {rt, xpc.WithPeerRequirement(nil)},
		"mailbox":      {rt, xpc.WithMailbox(0)},
		"closed queue": {rt, xpc.WithTargetQueue(q)},
	} {
		_, err := xpc.NewClient(serviceName, opts...)
		require.ErrorIs(t, err, xpc.ErrMisuse, name)
		_, err = xpc.NewListener("", opts...)
		require.ErrorIs(t, err, xpc.ErrMisuse, name)
	}
	_, err = xpc.NewListener("", rt, xpc.WithHandler(h))
	require.ErrorIs(t, err, xpc.ErrMisuse)
	_, err = xpc.NewListener("", rt, xpc.OnInterrupted(func(error) {}))
	require.ErrorIs(t, err, xpc.ErrMisuse)
	for _, name := range []string{"", "a\x00b"} {
		_, err = xpc.NewClient(name, rt)
		require.ErrorIs(t, err, xpc.ErrMisuse)
	}
	_, err = xpc.NewListener("a\x00b", rt)
	require.ErrorIs(t, err, xpc.ErrMisuse)
	_, err = xpc.NewEndpointClient(nil, rt)
	require.ErrorIs(t, err, xpc.ErrMisuse)

	l, err := xpc.NewListener("", rt)
	require.NoError(t, err)
	defer l.Close()
	e, err := l.Endpoint()
	require.NoError(t, err)
	_, err = xpc.NewEndpointClient(e, rt, xpc.WithPrivileged())
	require.ErrorIs(t, err, xpc.ErrMisuse)
}

func TestClientTargetQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, back)
		q, err := w.client.NewQueue("events")
		require.NoError(t, err)
		defer q.Close()
		c := w.dial(xpc.WithTargetQueue(q))
		require.NoError(t, c.Call(context.Background(), xpc.Dictionary{}, nil))
	})
}

// Many goroutines share a client; the service crashes again and again.
func TestClientConcurrent(t *testing.T) {
	w := newWorld(t, program(&xpc.Server{Handler: xpc.HandlerFunc(back)}, quiet))
	c := w.dial()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 100 {
				var d xpc.Dictionary
				err := c.Call(context.Background(), xpc.Dictionary{"n": n}, &d)
				switch {
				case errors.Is(err, xpc.ErrInterrupted):
				case assert.NoError(t, err):
					assert.EqualValues(t, n, d["n"])
				}
				if i == 0 && n%25 == 24 {
					if p := w.job.Process(); p != nil {
						p.Crash()
					}
				}
			}
		})
	}
	wg.Wait()
	assert.Greater(t, w.job.Launches(), 1)
}
