package container_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/examples/container"
	"github.com/go-xpc/xpc/examples/container/internal/daemon"
	"github.com/go-xpc/xpc/fake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is the daemon's job and a client of it. container.go is the very file
// that 'make cross' compiles for darwin: the Runtime given here is all that
// tells this client from one of the real daemon.
type world struct {
	*fake.Launchd
	job *fake.Job
	*container.Client
}

func newWorld(t *testing.T, before func(p *fake.Process, route string), opts ...xpc.Option) *world {
	t.Helper()
	d := daemon.New(
		daemon.Container{ID: "web", Image: "docker.io/library/nginx:1.29", Status: "running", Log: "one\ntwo\n", BootLog: "booted\n"},
		daemon.Container{ID: "job", Image: "docker.io/library/alpine:3.22", Status: "stopped"},
	)
	d.Before = before
	w := &world{Launchd: fake.NewLaunchd()}
	t.Cleanup(func() { require.NoError(t, w.Launchd.Close()) })
	var err error
	w.job, err = d.Load(w.Launchd, "testdata/com.apple.container.apiserver.plist")
	require.NoError(t, err)
	p, err := w.NewProcess(fake.ProcessConfig{})
	require.NoError(t, err)
	w.Client, err = container.New(append(opts, xpc.WithRuntime(p.Runtime()))...)
	require.NoError(t, err)
	t.Cleanup(func() { w.Client.Close(); <-w.Client.Done() })
	return w
}

func TestPropertyList(t *testing.T) {
	w := newWorld(t, nil)
	assert.Equal(t, container.Service, w.job.Label())
	assert.Equal(t, 1, w.job.Launches(), "RunAtLoad")
	assert.Equal(t, []string{"/usr/local/bin/container-apiserver", "start"}, w.job.Process().Arguments())
}

func TestPing(t *testing.T) {
	w := newWorld(t, nil)
	h, err := w.Ping(t.Context())
	require.NoError(t, err)
	assert.Equal(t, container.Health{
		AppRoot:     "file:///Users/dev/Library/Application Support/com.apple.container/",
		InstallRoot: "file:///usr/local/",
		Version:     "container-apiserver version 1.0.0 (build: release, commit: 1f2e3d4)",
		Commit:      "1f2e3d4", Build: "release", AppName: "container-apiserver",
	}, h)
	assert.Equal(t, w.job.Process().PID(), w.PID())
}

func TestList(t *testing.T) {
	w := newWorld(t, nil)
	all, err := w.List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []container.Container{
		{ID: "web", Image: "docker.io/library/nginx:1.29", OS: "linux", Architecture: "arm64", Status: "running"},
		{ID: "job", Image: "docker.io/library/alpine:3.22", OS: "linux", Architecture: "arm64", Status: "stopped"},
	}, all)
}

func TestLogs(t *testing.T) {
	w := newWorld(t, nil)
	for range 2 { // the daemon opens them anew each time
		l, err := w.Logs(t.Context(), "web")
		require.NoError(t, err)
		output, err := io.ReadAll(l.Output)
		require.NoError(t, err)
		boot, err := io.ReadAll(l.Boot)
		require.NoError(t, err)
		require.NoError(t, l.Close())
		assert.Equal(t, "one\ntwo\n", string(output))
		assert.Equal(t, "booted\n", string(boot))
	}
}

func TestKill(t *testing.T) {
	w := newWorld(t, nil)
	require.NoError(t, w.Kill(t.Context(), "web", "TERM"))
	all, err := w.List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "stopped", all[0].Status)
}

func TestDaemonErrors(t *testing.T) {
	w := newWorld(t, nil)
	_, err := w.Logs(t.Context(), "nothing")
	for code, err := range map[string]error{
		"notFound":        err,
		"invalidState":    w.Kill(t.Context(), "job", "KILL"),
		"invalidArgument": w.Kill(t.Context(), "web", ""),
	} {
		var e *container.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, code, e.Code)
		assert.NotEmpty(t, e.Message)
	}
}

func TestDaemonDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		died := false
		interrupted := make(chan error, 1)
		w := newWorld(t, func(p *fake.Process, route string) {
			if route == "containerKill" && !died {
				died = true
				p.Crash()
			}
		}, xpc.OnInterrupted(func(err error) { interrupted <- err }))
		err := w.Kill(t.Context(), "web", "TERM")
		require.ErrorIs(t, err, xpc.ErrInterrupted)
		assert.Contains(t, err.Error(), "the next message launches it again")
		require.ErrorIs(t, <-interrupted, xpc.ErrInterrupted)
		require.NoError(t, w.Kill(t.Context(), "web", "TERM"))
		assert.Equal(t, 2, w.job.Launches())
	})
}

func TestDaemonHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		w := newWorld(t, func(*fake.Process, string) { <-hold })
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := w.Ping(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		close(hold)
		_, err = w.Ping(t.Context())
		require.NoError(t, err)
	})
}

func TestDaemonNotLoaded(t *testing.T) {
	w := newWorld(t, nil)
	w.job.Unload()
	_, err := w.Ping(t.Context())
	require.ErrorIs(t, err, xpc.ErrInvalid)
	assert.Contains(t, err.Error(), "bootstrapped")
	require.NoError(t, w.job.Load())
}

// What is no answer of the daemon's is told, and its descriptors are closed.
func TestStrangeReplies(t *testing.T) {
	w := fake.NewLaunchd()
	defer func() { require.NoError(t, w.Close()) }()
	var reply xpc.Dictionary
	_, err := w.Load(fake.JobConfig{
		Label: container.Service, MachServices: []string{container.Service}, Domain: fake.User,
		Main: func(ctx context.Context, p *fake.Process) error {
			l, err := xpc.NewListener(container.Service, xpc.WithRuntime(p.Runtime()))
			if err != nil {
				return err
			}
			s := &xpc.Server{Handler: xpc.HandlerFunc(func(context.Context, *xpc.Message) (any, error) { return reply, nil })}
			s.Serve(ctx, l)
			return nil
		},
	})
	require.NoError(t, err)
	p, err := w.NewProcess(fake.ProcessConfig{})
	require.NoError(t, err)
	c, err := container.New(xpc.WithRuntime(p.Runtime()))
	require.NoError(t, err)
	defer func() { c.Close(); <-c.Done() }()

	reply = xpc.Dictionary{"apiServerVersion": int64(1)}
	_, err = c.Ping(t.Context())
	var v *xpc.ValueError
	require.ErrorAs(t, err, &v)
	assert.Equal(t, "apiServerVersion", v.Path)

	reply = xpc.Dictionary{"containers": []byte("{")}
	_, err = c.List(t.Context())
	require.Error(t, err)
	reply = xpc.Dictionary{}
	all, err := c.List(t.Context())
	require.NoError(t, err)
	assert.Empty(t, all)

	reply = xpc.Dictionary{"logs": xpc.Array{"one", int64(2)}}
	_, err = c.Logs(t.Context(), "web")
	require.ErrorContains(t, err, "two descriptors")

	reply = xpc.Dictionary{"com.apple.container.xpc.error": []byte("oops")}
	_, err = c.Ping(t.Context())
	require.ErrorContains(t, err, "oops")
}
