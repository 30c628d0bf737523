package container_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/examples/container"
	"github.com/go-xpc/xpc/examples/container/internal/daemon"
	"github.com/go-xpc/xpc/fake"
	"github.com/go-xpc/xpc/fake/faulttest"
)

// answered takes the daemon's own errors for answers.
func answered(err error) error {
	var e *container.Error
	if errors.As(err, &e) {
		return nil
	}
	return err
}

func TestEveryFault(t *testing.T) {
	before := openFiles()
	report := faulttest.Search(t, faulttest.Scenario{
		Start: func(w *fake.Launchd) (*fake.Job, error) {
			d := daemon.New(daemon.Container{ID: "web", Status: "running", Log: "one\n", BootLog: "booted\n"})
			return d.Load(w, "testdata/com.apple.container.apiserver.plist")
		},
		Connect: func(p *fake.Process) (faulttest.Client, error) {
			c, err := container.New(xpc.WithRuntime(p.Runtime()), xpc.WithPeerRequirement(xpc.CodeSigningRequirement(`identifier ""`)))
			if err != nil {
				return faulttest.Client{}, err
			}
			return faulttest.Client{Close: c.Close, Done: c.Done(), Calls: map[string]func(context.Context) error{
				"ping": func(ctx context.Context) error { _, err := c.Ping(ctx); return err },
				"list": func(ctx context.Context) error { _, err := c.List(ctx); return err },
				"logs": func(ctx context.Context) error { return readLogs(ctx, c) },
				"kill": func(ctx context.Context) error { return answered(c.Kill(ctx, "web", "TERM")) },
			}}, nil
		},
		May: func(f fake.Fault, err error) bool {
			return f.Do == fake.CutDescriptors && strings.Contains(err.Error(), "descriptor")
		},
	})
	require.Len(t, report, len(fake.Faults()))
	assert.Equal(t, []string{"cut the descriptors before the delivery", "fail the requirement before the delivery"}, report.Missed(),
		"requests carry no descriptors, and the daemon requires nothing")
	assert.Equal(t, before, openFiles(), "open files")
}

func readLogs(ctx context.Context, c *container.Client) error {
	l, err := c.Logs(ctx, "web")
	if err != nil {
		return err
	}
	defer l.Close()
	for f, want := range map[*os.File]string{l.Output: "one\n", l.Boot: "booted\n"} {
		got, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		if string(got) != want {
			return errors.New("another log came")
		}
	}
	return nil
}

// openFiles counts the descriptors of this process, where the system tells.
func openFiles() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}
