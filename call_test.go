package xpc_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
)

// parked is a service that keeps its requests.
func parked(t *testing.T) (*service, chan *xpc.Message) {
	kept := make(chan *xpc.Message, 4096)
	s := newService(t, func(_ *xpc.Connection, e xpc.Event) {
		if m, ok := e.(*xpc.Message); ok {
			m.Retain()
			kept <- m
		}
	})
	return s, kept
}

func TestCallEndsWithItsContext(t *testing.T) {
	s, kept := parked(t)
	c, _ := s.active(t)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := c.Call(ctx, xpc.Dictionary{})
		result <- err
	}()
	m := <-kept
	cancel()
	require.Equal(t, context.Canceled, <-result)
	_, err := c.Call(ctx, xpc.Dictionary{})
	require.Equal(t, context.Canceled, err, "and nothing was sent")

	// The late reply is released with the descriptor in it.
	f, err := os.Create(filepath.Join(t.TempDir(), "late"))
	require.NoError(t, err)
	before := openFDs()
	require.NoError(t, m.Reply(xpc.Dictionary{"f": f}))
	require.NoError(t, m.Release())
	go func() {
		next := <-kept
		next.Reply(xpc.Dictionary{"next": true})
		next.Release()
	}()
	reply, err := c.Call(t.Context(), xpc.Dictionary{})
	require.NoError(t, err)
	require.NoError(t, reply.Release())
	assert.Eventually(t, func() bool { return openFDs() == before }, watchdog, time.Millisecond)
	require.NoError(t, f.Close())
}

func TestCallDeadline(t *testing.T) {
	s, kept := parked(t)
	c, _ := s.active(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := c.Call(ctx, xpc.Dictionary{})
	require.Equal(t, context.DeadlineExceeded, err)
	select {
	case m := <-kept:
		m.Release()
	case <-time.After(watchdog):
		t.Fatal("the request was sent before the deadline and must arrive")
	}
}

func TestCallsGivenUpAreBounded(t *testing.T) {
	s, kept := parked(t)
	c, _ := s.active(t)
	for range 1024 {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { c.Call(ctx, xpc.Dictionary{}) })
		m := <-kept
		cancel()
		wg.Wait()
		defer m.Release()
	}
	_, err := c.Call(t.Context(), xpc.Dictionary{})
	require.ErrorIs(t, err, xpc.ErrBusy)
}

func TestSynchronousCallsAreBounded(t *testing.T) {
	s, kept := parked(t)
	c, _ := s.active(t)
	var wg sync.WaitGroup
	for range 128 {
		wg.Go(func() { c.SendMessageWithReplySync(xpc.Dictionary{}) })
	}
	var all []*xpc.Message
	for range 128 {
		all = append(all, <-kept)
	}
	_, err := c.SendMessageWithReplySync(xpc.Dictionary{})
	require.ErrorIs(t, err, xpc.ErrBusy)
	for _, m := range all {
		assert.NoError(t, m.Reply(xpc.Dictionary{}))
		assert.NoError(t, m.Release())
	}
	wg.Wait()
}

func TestReplyRacingItsContextIsNeverLost(t *testing.T) {
	s := newService(t, echo)
	c, _ := s.active(t)
	for i := range 500 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		m, err := c.Call(ctx, xpc.Dictionary{"i": i})
		if err != nil {
			require.Equal(t, context.Canceled, err)
			continue
		}
		require.Equal(t, int64(i), m.GetInt64("i"))
		require.NoError(t, m.Release())
	}
}

func TestUntakenDescriptorsAreClosed(t *testing.T) {
	s := newService(t, func(_ *xpc.Connection, e xpc.Event) {
		if m, ok := e.(*xpc.Message); ok && m.WantsReply() {
			f := m.GetFile("b")
			m.Reply(xpc.Dictionary{"name": f.Name(), "f": f})
			f.Close()
		}
	})
	c, _ := s.active(t)
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	require.NoError(t, err)
	defer f.Close()
	before := openFDs()
	for range 50 {
		m, err := c.Call(t.Context(), xpc.Dictionary{"a": f, "b": f, "c": xpc.Array{f, xpc.FD(f.Fd())}})
		require.NoError(t, err)
		g := m.GetFile("f")
		require.NotNil(t, g)
		_, err = g.WriteString("x")
		require.NoError(t, err)
		require.NoError(t, g.Close())
		require.NoError(t, m.Release())
	}
	assert.Eventually(t, func() bool { return openFDs() == before }, watchdog, time.Millisecond,
		"%d descriptors, at the start %d", openFDs(), before)
	info, err := f.Stat()
	require.NoError(t, err)
	assert.Equal(t, int64(50), info.Size(), "received descriptors share the sender's file")
}

func TestNeverActivatedConnectionIsCollected(t *testing.T) {
	s := newService(t, echo)
	freed := make(chan any, 1)
	func() {
		c, err := s.rt.NewFromEndpoint(s.endpoint)
		require.NoError(t, err)
		require.NoError(t, c.SetContext("dropped"))
		require.NoError(t, c.SetFinalizer(func(v any) { freed <- v }))
		// A handler that refers to its connection must not keep it.
		require.NoError(t, c.SetEventHandler(func(xpc.Event) { c.Cancel() }))
		require.NoError(t, c.Suspend())
	}()
	collect(t, freed)
}

func TestInvalidConnectionIsCollected(t *testing.T) {
	s := newService(t, echo)
	freed := make(chan any, 1)
	func() {
		c, err := s.rt.NewFromEndpoint(s.endpoint)
		require.NoError(t, err)
		require.NoError(t, c.SetContext("dropped"))
		require.NoError(t, c.SetFinalizer(func(v any) { freed <- v }))
		require.NoError(t, c.SetEventHandler(func(xpc.Event) { c.Name() }))
		require.NoError(t, c.Activate())
		require.NoError(t, c.Cancel())
		done(t, c)
		require.NoError(t, c.Suspend())
	}()
	collect(t, freed)
}

func collect(t *testing.T, freed chan any) {
	t.Helper()
	for deadline := time.Now().Add(watchdog); ; runtime.GC() {
		select {
		case v := <-freed:
			require.Equal(t, "dropped", v)
			return
		default:
			require.True(t, time.Now().Before(deadline), "watchdog: not collected")
			runtime.Gosched()
		}
	}
}

func TestActivatedConnectionIsNotCollected(t *testing.T) {
	served := make(chan struct{}, 100)
	s := newService(t, func(_ *xpc.Connection, e xpc.Event) { served <- struct{}{} })
	c, _ := s.active(t)
	p := func() *xpc.Connection {
		require.NoError(t, c.SendMessage(xpc.Dictionary{}))
		<-served
		return <-s.peers
	}()
	s.peers <- p // for the clean-up; p itself is not used below
	for range 10 {
		runtime.GC()
		require.NoError(t, c.SendMessage(xpc.Dictionary{}))
		closed(t, func() chan struct{} {
			ch := make(chan struct{})
			go func() { <-served; close(ch) }()
			return ch
		}(), "a served message")
	}
}
