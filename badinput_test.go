package xpc_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
)

func TestNamesAreChecked(t *testing.T) {
	rt := testRuntime(t)
	for _, name := range []string{"", "com.example\x00.echo"} {
		_, err := rt.NewMachService(name, nil, 0)
		assert.ErrorIs(t, err, xpc.ErrMisuse)
		_, err = rt.NewConnection(name, nil)
		assert.ErrorIs(t, err, xpc.ErrMisuse)
		assert.ErrorContains(t, err, "name")
	}
	_, err := rt.NewMachService("com.example", nil, 1<<40)
	assert.ErrorIs(t, err, xpc.ErrMisuse)
	_, err = rt.NewFromEndpoint(nil)
	assert.ErrorIs(t, err, xpc.ErrMisuse)
	_, err = rt.NewQueue("a\x00b")
	assert.ErrorIs(t, err, xpc.ErrMisuse)
}

func TestMessagesAreChecked(t *testing.T) {
	cycle := xpc.Dictionary{}
	cycle["self"] = xpc.Array{cycle}
	closedFile, err := os.Create(filepath.Join(t.TempDir(), "f"))
	require.NoError(t, err)
	require.NoError(t, closedFile.Close())
	deep := any(xpc.Dictionary{})
	for range 200 {
		deep = xpc.Dictionary{"d": deep}
	}

	cases := map[string]struct {
		msg   any
		misus bool
		path  string
		text  string
	}{
		"nil":                 {msg: nil, misus: true, text: "must be a dictionary"},
		"no dictionary":       {msg: xpc.Array{1}, misus: true, text: "must be a dictionary"},
		"number":              {msg: 3, misus: true, text: "must be a dictionary"},
		"nil message":         {msg: (*xpc.Message)(nil), misus: true, text: "nil"},
		"unsupported type":    {msg: xpc.Dictionary{"a": xpc.Dictionary{"b": xpc.Array{1, 2, 3, make(chan int)}}}, path: "a.b[3]", text: "chan int"},
		"string with NUL":     {msg: xpc.Dictionary{"s": "a\x00b"}, path: "s", text: "NUL"},
		"key with NUL":        {msg: xpc.Dictionary{"a\x00b": 1}, text: "NUL"},
		"cycle":               {msg: cycle, path: "self[0]", text: "contains itself"},
		"too deep":            {msg: deep, text: "nested deeper than 128"},
		"closed descriptor":   {msg: xpc.Dictionary{"f": closedFile}, path: "f", text: "cannot be sent"},
		"invalid descriptor":  {msg: xpc.Dictionary{"f": xpc.FD(1 << 20)}, path: "f", text: "cannot be sent"},
		"connection":          {msg: xpc.Dictionary{"c": new(xpc.Connection)}, path: "c", text: "Endpoint"},
		"time before 1677":    {msg: xpc.Dictionary{"t": time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)}, path: "t", text: "range of a date"},
		"received and unsent": {msg: xpc.Dictionary{"u": xpc.Unsupported{Type: "pointer"}}, path: "u", text: "pointer"},
	}
	s := newService(t, echo)
	c, _ := s.active(t)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			before := openFDs()
			_, syncErr := c.SendMessageWithReplySync(tc.msg)
			_, callErr := c.Call(t.Context(), tc.msg)
			for _, err := range []error{c.SendMessage(tc.msg), syncErr, callErr} {
				require.Error(t, err)
				assert.ErrorContains(t, err, tc.text)
				var v *xpc.ValueError
				if tc.misus {
					assert.ErrorIs(t, err, xpc.ErrMisuse)
				} else if assert.ErrorAs(t, err, &v) && tc.path != "" {
					assert.Equal(t, tc.path, v.Path)
				}
			}
			assert.Equal(t, before, openFDs(), "no descriptor is left open")
		})
	}
	m, err := c.Call(t.Context(), xpc.Dictionary{"still": "usable"})
	require.NoError(t, err)
	assert.Equal(t, "usable", m.GetString("still"))
	require.NoError(t, m.Release())
}

// openFDs counts the descriptors of this process, where that is known.
func openFDs() int {
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		if list, err := os.ReadDir(dir); err == nil {
			return len(list)
		}
	}
	return 0
}

func TestCallsAreChecked(t *testing.T) {
	s := newService(t, echo)
	c := s.client(t)
	misuse := func(err error, text string) {
		t.Helper()
		assert.ErrorIs(t, err, xpc.ErrMisuse)
		assert.ErrorContains(t, err, text)
	}
	misuse(c.SetEventHandler(nil), "handler is nil")
	misuse(c.Activate(), "no event handler")
	misuse(c.Resume(), "no event handler")
	misuse(c.SendBarrier(nil), "function is nil")
	misuse(c.SendMessageWithReply(xpc.Dictionary{}, nil, nil), "handler is nil")
	_, err := c.Endpoint()
	misuse(err, "only a listener has an endpoint")

	require.NoError(t, c.SetEventHandler(func(xpc.Event) {}))
	require.NoError(t, c.Activate())
	misuse(c.Resume(), "over-resume")
	require.NoError(t, c.Suspend())
	require.NoError(t, c.Resume())
	misuse(c.Resume(), "over-resume")
	misuse(c.SetPeerRequirement(nil), "requirement is nil")

	misuse(s.listener.SendMessage(xpc.Dictionary{}), "a listener sends no messages")
	misuse(s.listener.SendBarrier(func() {}), "a listener sends no messages")
	_, err = s.listener.Call(t.Context(), xpc.Dictionary{})
	misuse(err, "a listener sends no messages")

	q, err := s.rt.NewQueue("closed")
	require.NoError(t, err)
	require.NoError(t, q.Close())
	misuse(q.Async(func() {}), "is closed")
	misuse(c.SetTargetQueue(q), "is closed")
	misuse(c.SendMessageWithReply(xpc.Dictionary{}, q, func(xpc.Event) {}), "is closed")

	misuse(s.rt.TransactionEnd(), "no transaction is open")
	misuse(s.rt.Main(nil), "handler is nil")
	_, err = s.rt.NewSharedMemory(0)
	misuse(err, "not positive")

	m, err := c.Call(t.Context(), xpc.Dictionary{"a": 1})
	require.NoError(t, err)
	require.NoError(t, m.Release())
}

func TestMessageLifetime(t *testing.T) {
	type result struct {
		kept       *xpc.Message
		first      error
		second     error
		oneWay     error
		overRelase error
	}
	results := make(chan result, 2)
	s := newService(t, func(_ *xpc.Connection, e xpc.Event) {
		m, ok := e.(*xpc.Message)
		if !ok {
			return
		}
		r := result{kept: m, overRelase: m.Release()}
		if m.WantsReply() {
			r.first = m.Reply(xpc.Dictionary{"bad": make(chan int)})
			m.Reply(xpc.Dictionary{"n": 1})
			r.second = m.Reply(xpc.Dictionary{"n": 2})
		} else {
			r.oneWay = m.Reply(xpc.Dictionary{})
		}
		results <- r
	})
	c, _ := s.active(t)
	reply, err := c.Call(t.Context(), xpc.Dictionary{"k": "v"})
	require.NoError(t, err)
	assert.Equal(t, int64(1), reply.GetInt64("n"), "a reply that failed to encode can be tried again")
	r := <-results
	assert.ErrorIs(t, r.overRelase, xpc.ErrMisuse)
	var bad *xpc.ValueError
	assert.ErrorAs(t, r.first, &bad)
	assert.ErrorIs(t, r.second, xpc.ErrReplied)

	// The handler has returned, since it sent to the channel last; its end is
	// only certain once a later message was handled.
	require.NoError(t, c.SendMessage(xpc.Dictionary{}))
	assert.ErrorIs(t, (<-results).oneWay, xpc.ErrNoReplyWanted)
	assert.ErrorIs(t, r.kept.Retain(), xpc.ErrMisuse)
	_, err = r.kept.Dictionary()
	assert.ErrorIs(t, err, xpc.ErrMisuse)
	assert.ErrorIs(t, r.kept.Reply(xpc.Dictionary{}), xpc.ErrMisuse)
	assert.Empty(t, r.kept.GetString("k"))

	assert.ErrorIs(t, reply.Reply(xpc.Dictionary{}), xpc.ErrNoReplyWanted)
	require.NoError(t, reply.Release())
	assert.ErrorIs(t, reply.Release(), xpc.ErrMisuse)
	_, err = reply.Dictionary()
	assert.ErrorIs(t, err, xpc.ErrMisuse)
}

func TestReplyOnAnotherConnectionIsRefused(t *testing.T) {
	var other *xpc.Connection
	wrong := make(chan error, 2)
	s := newService(t, func(p *xpc.Connection, e xpc.Event) {
		m, ok := e.(*xpc.Message)
		if !ok {
			return
		}
		wrong <- other.SendMessage(m)
		r, err := m.CreateReply()
		if err != nil {
			wrong <- err
			return
		}
		wrong <- other.SendMessage(r)
		r.Dictionary["n"] = 7
		p.SendMessage(r)
	})
	other, _ = s.active(t)
	c, _ := s.active(t)
	m, err := c.Call(t.Context(), xpc.Dictionary{})
	require.NoError(t, err)
	assert.Equal(t, int64(7), m.GetInt64("n"))
	assert.ErrorIs(t, <-wrong, xpc.ErrMisuse)
	assert.ErrorIs(t, <-wrong, xpc.ErrMisuse)
	require.NoError(t, m.Release())
}

func TestSecondRequirementIsRefused(t *testing.T) {
	s := newService(t, echo)
	c := s.client(t)
	first := c.SetPeerRequirement(xpc.CodeSigningRequirement(`anchor apple`))
	if errors.Is(first, xpc.ErrUnsupported) {
		t.Log("this system has no requirements; the first one fails closed")
	}
	assert.ErrorIs(t, c.SetPeerRequirement(xpc.EntitlementExists("e")), xpc.ErrMisuse)
}

func TestRequirementFailsClosed(t *testing.T) {
	s := newService(t, echo)
	c := s.client(t)
	err := c.SetPeerRequirement(xpc.EntitlementMatches{Entitlement: "e", Value: 1.5})
	require.ErrorIs(t, err, xpc.ErrMisuse)
	require.NoError(t, c.SetEventHandler(func(xpc.Event) {}))
	assert.Equal(t, err, c.Activate())
	assert.Equal(t, err, c.Resume())

	active, r := s.active(t)
	require.Error(t, active.SetPeerRequirement(xpc.CodeSigningRequirement("")))
	assert.ErrorIs(t, r.wait(t, 1)[0].(*xpc.Error), xpc.ErrInvalid)
}

// A system without the call, which macOS 12 is for the second: what was asked for
// is refused, and the connection stays shut.
func TestRequirementWithoutTheCall(t *testing.T) {
	s := newService(t, echo)
	for _, r := range []xpc.PeerRequirement{
		xpc.CodeSigningRequirement(`anchor apple`), xpc.EntitlementExists("e"), xpc.EntitlementMatches{Entitlement: "e", Value: true},
		xpc.TeamIdentity{SigningID: "t"}, xpc.PlatformIdentity{SigningID: "p"},
	} {
		c := s.client(t)
		require.NoError(t, c.SetEventHandler(func(xpc.Event) {}))
		err := c.SetPeerRequirement(r)
		if err == nil {
			continue // this system has it
		}
		assert.Equal(t, err, c.Activate(), "%T", r)
		if requirementsAreTheSystems {
			require.ErrorIs(t, err, xpc.ErrUnsupported, "%T", r)
		}
		t.Logf("%T: %v", r, err)
	}
}
