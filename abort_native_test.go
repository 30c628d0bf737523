//go:build cgo && (darwin || xpcstandin)

package xpc_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
)

// Main looks at its thread: tests must not run on the main one by chance.
func init() { runtime.LockOSThread() }

// abortService lets a case say what happens to its first message.
type abortService struct {
	*service
	do chan func(*xpc.Message)
}

func (s *abortService) on(f func(*xpc.Message)) { s.do <- f }

func newAbortService(t *testing.T) *abortService {
	do := make(chan func(*xpc.Message), 1)
	return &abortService{do: do, service: newService(t, func(p *xpc.Connection, e xpc.Event) {
		m, ok := e.(*xpc.Message)
		if !ok {
			return
		}
		select {
		case f := <-do:
			f(m)
		default:
			echo(p, m)
		}
	})}
}

// aborts are the rows whose misuse ends a process of C, all of the index. try
// attempts the same through the Go API and returns its answer; where nothing in
// that API leads there, instead says why.
var aborts = []struct {
	row     int
	what    string
	try     func(t *testing.T, s *abortService) error
	instead string
}{
	{15, "activation without a handler", func(t *testing.T, s *abortService) error { return s.client(t).Activate() }, ""},
	{15, "a nil handler", func(t *testing.T, s *abortService) error { return s.client(t).SetEventHandler(nil) }, ""},
	{29, "over-resume", func(t *testing.T, s *abortService) error {
		c, _ := s.active(t)
		return c.Resume()
	}, ""},
	{54, "a message that is no dictionary", func(t *testing.T, s *abortService) error {
		c, _ := s.active(t)
		return c.SendMessage("text")
	}, ""},
	{63, "sending on a listener", func(_ *testing.T, s *abortService) error { return s.listener.SendMessage(xpc.Dictionary{}) }, ""},
	{64, "a connection in a message", func(t *testing.T, s *abortService) error {
		c, _ := s.active(t)
		return c.SendMessage(xpc.Dictionary{"c": c})
	}, ""},
	{65, "a reply on another connection", func(t *testing.T, s *abortService) error {
		c, _ := s.active(t)
		other := s.client(t)
		got := make(chan error, 1)
		s.on(func(m *xpc.Message) {
			r, err := m.CreateReply()
			if err == nil {
				err = other.SendMessage(r)
			}
			got <- err
		})
		require.NoError(t, c.SendMessageWithReply(xpc.Dictionary{}, nil, func(xpc.Event) {}))
		return <-got
	}, ""},
	{112, "a synchronous send in the own handler", func(t *testing.T, s *abortService) error {
		c, _ := s.active(t)
		got := make(chan error, 1)
		s.on(func(m *xpc.Message) {
			_, err := m.Connection().SendMessageWithReplySync(xpc.Dictionary{})
			got <- err
		})
		require.NoError(t, c.SendMessage(xpc.Dictionary{}))
		return <-got
	}, ""},
	{114, "a synchronous send on an inactive connection", nil, "it waits for the activation, as documented"},
	{153, "a peer left alone", nil, "a received peer is retained until it is closed or collected"},
	{155, "an endpoint of a peer", func(t *testing.T, s *abortService) error {
		c, _ := s.active(t)
		got := make(chan error, 1)
		s.on(func(m *xpc.Message) {
			_, err := m.Connection().Endpoint()
			got <- err
		})
		require.NoError(t, c.SendMessage(xpc.Dictionary{}))
		return <-got
	}, ""},
	{163, "an endpoint of a client", func(t *testing.T, s *abortService) error {
		_, err := s.client(t).Endpoint()
		return err
	}, ""},
	{180, "a second requirement", func(t *testing.T, s *abortService) error {
		c := s.client(t)
		_ = c.SetPeerRequirement(xpc.CodeSigningRequirement(`anchor apple`)) // where there is the call
		return c.SetPeerRequirement(xpc.CodeSigningRequirement(`anchor apple`))
	}, ""},
	{195, "Main where it must not be called", func(_ *testing.T, s *abortService) error { return s.rt.Main(func(*xpc.Connection) {}) }, ""},
	{202, "a transaction ended that was not begun", func(_ *testing.T, s *abortService) error { return s.rt.TransactionEnd() }, ""},
	{207, "release of an inactive connection", nil, "Close and the collector activate and cancel before they release"},
	{208, "release of a suspended connection", nil, "Close and the collector resume before they release"},
	{209, "a wrong object as a connection", nil, "the types are checked by the compiler"},
	{212, "a dictionary changed while iterated", nil, "no dictionary of C is ever iterated by the program"},
	{213, "an index outside an array", nil, "no array of C is ever indexed by the program"},
	{214, "shared memory that is not from mmap", nil, "NewSharedMemory maps the memory itself"},
	{215, "a message released too often", func(t *testing.T, s *abortService) error {
		c, _ := s.active(t)
		m, err := c.Call(t.Context(), xpc.Dictionary{})
		require.NoError(t, err)
		require.NoError(t, m.Release())
		return m.Release()
	}, ""},
	{295, "a container in itself", func(t *testing.T, s *abortService) error {
		c, _ := s.active(t)
		d := xpc.Dictionary{}
		d["d"] = d
		return c.SendMessage(d)
	}, ""},
}

// TestAborts: what would end the process in C is an error in Go. The second half
// is the stand-in's own test of that row, which must die: so it is the check in
// Go that saves us. Rows 219 to 236 are about sessions, which are not offered.
func TestAborts(t *testing.T) {
	program := os.Getenv("XPC_STANDIN_TEST") // of testdata/libxpc, set by build/bridge.sh
	for _, a := range aborts {
		t.Run(fmt.Sprintf("row_%d/%s", a.row, a.what), func(t *testing.T) {
			if a.try == nil {
				t.Logf("not reachable: %s", a.instead)
			} else {
				assert.ErrorIs(t, a.try(t, newAbortService(t)), xpc.ErrMisuse)
			}
			if program == "" {
				return
			}
			out, err := exec.Command(program, fmt.Sprintf("row_%d_", a.row)).CombinedOutput()
			assert.NoError(t, err, "%s", out)
			assert.Contains(t, string(out), fmt.Sprintf("ok row_%d_", a.row))
		})
	}
}
