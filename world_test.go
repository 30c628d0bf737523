package xpc_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/fake"
)

const serviceName = "com.example.service"

// world is a launchd with one job, whose process serves serviceName.
type world struct {
	*fake.Launchd
	t      testing.TB
	job    *fake.Job
	client *xpc.Runtime
	proc   *fake.Process // of the client
}

// program is the service's main: it listens and serves until its process ends.
func program(s *xpc.Server, opts ...xpc.Option) fake.Main {
	return func(ctx context.Context, p *fake.Process) error {
		l, err := xpc.NewListener(serviceName, append([]xpc.Option{xpc.WithRuntime(p.Runtime())}, opts...)...)
		if err != nil {
			return err
		}
		if err := s.Serve(ctx, l); !errors.Is(err, xpc.ErrServerClosed) && !errors.Is(err, context.Canceled) && !errors.Is(err, xpc.ErrClosed) {
			return err
		}
		return nil
	}
}

func newWorld(t testing.TB, main fake.Main) *world {
	t.Helper()
	w := &world{Launchd: fake.NewLaunchd(), t: t}
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	var err error
	w.job, err = w.Load(fake.JobConfig{
		Label: serviceName, MachServices: []string{serviceName}, Domain: fake.User, Main: main,
		EnableTransactions: true,
	})
	require.NoError(t, err)
	w.proc, err = w.NewProcess(fake.ProcessConfig{})
	require.NoError(t, err)
	w.client = w.proc.Runtime()
	return w
}

func serve(t testing.TB, h xpc.HandlerFunc, opts ...xpc.Option) *world {
	t.Helper()
	return newWorld(t, program(&xpc.Server{Handler: h}, append([]xpc.Option{quiet}, opts...)...))
}

// dial makes a client that is closed with the test.
func (w *world) dial(opts ...xpc.Option) *xpc.Client {
	w.t.Helper()
	c, err := xpc.NewClient(serviceName, append([]xpc.Option{xpc.WithRuntime(w.client), quiet}, opts...)...)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { c.Close(); <-c.Done() })
	return c
}

var quiet = xpc.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))

// back answers with what it received.
func back(_ context.Context, m *xpc.Message) (any, error) { return m.Dictionary() }
