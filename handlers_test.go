package xpc_test

import (
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
)

// These handlers end the process, so each runs in a child.
func TestHandlerThatDoesNotReturnEndsTheProcess(t *testing.T) {
	ends := map[string]struct {
		do   func()
		text string
	}{
		"panic":  {func() { panic("deliberate") }, "panic: deliberate"},
		"goexit": {runtime.Goexit, "called runtime.Goexit"},
	}
	places := map[string]func(t *testing.T, c *xpc.Connection, q *xpc.Queue, do func()){
		"event handler": func(t *testing.T, c *xpc.Connection, _ *xpc.Queue, do func()) {
			c.SetEventHandler(func(xpc.Event) { do() })
			c.Cancel()
		},
		"reply handler": func(t *testing.T, c *xpc.Connection, _ *xpc.Queue, do func()) {
			c.SendMessageWithReply(xpc.Dictionary{}, nil, func(xpc.Event) { do() })
		},
		"barrier": func(t *testing.T, c *xpc.Connection, _ *xpc.Queue, do func()) { c.SendBarrier(do) },
		"queue":   func(t *testing.T, _ *xpc.Connection, q *xpc.Queue, do func()) { q.Async(do) },
		"finalizer": func(t *testing.T, c *xpc.Connection, _ *xpc.Queue, do func()) {
			c.SetContext(1)
			c.SetFinalizer(func(any) { do() })
			c.Close()
		},
	}
	const child = "XPC_TEST_CHILD"
	for place, run := range places {
		for end, e := range ends {
			name := place + "/" + end
			t.Run(name, func(t *testing.T) {
				if os.Getenv(child) == t.Name() {
					s := newService(t, echo)
					c, _ := s.active(t)
					q, err := s.rt.NewQueue("")
					require.NoError(t, err)
					run(t, c, q, e.do)
					select {}
				}
				if os.Getenv(child) != "" {
					return
				}
				t.Parallel()
				exe, err := os.Executable()
				require.NoError(t, err)
				cmd := exec.Command(exe, "-test.run=^"+t.Name()+"$", "-test.timeout=20s")
				cmd.Env = append(os.Environ(), child+"="+t.Name())
				out, err := cmd.CombinedOutput()
				var exit *exec.ExitError
				require.ErrorAs(t, err, &exit, "%s", out)
				assert.Contains(t, string(out), e.text)
				assert.NotContains(t, string(out), "panic: test timed out")
			})
		}
	}
}

func TestHandlerCanBeReplacedAtAnyTime(t *testing.T) {
	s := newService(t, echo)
	c, first := s.active(t)
	second := newEvents()
	require.NoError(t, c.SetEventHandler(second.handle))
	require.NoError(t, c.Cancel())
	done(t, c)
	assert.Empty(t, first.all)
	require.Len(t, second.wait(t, 1), 1)
	require.NoError(t, c.SetEventHandler(first.handle), "it will never be called")
}
