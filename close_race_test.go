package xpc_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
)

// A Suspend that is under way when Close begins must neither keep the last event
// back nor be left over when the reference is given back (row 208).
func TestCloseAgainstSuspendAndResume(t *testing.T) {
	s := newService(t, echo)
	for range 200 {
		c, _ := s.active(t)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for c.Suspend() == nil {
					if err := c.Resume(); err != nil {
						assert.ErrorIs(t, err, xpc.ErrClosed)
						return
					}
				}
			})
		}
		require.NoError(t, c.Close())
		done(t, c)
		wg.Wait()
	}
}

func TestCloseAgainstActivate(t *testing.T) {
	s := newService(t, echo)
	for range 200 {
		c := s.client(t)
		require.NoError(t, c.SetEventHandler(func(xpc.Event) {}))
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for _, call := range []func() error{c.Activate, c.Cancel, c.Resume} {
					if err := call(); err != nil && !errors.Is(err, xpc.ErrMisuse) {
						assert.ErrorIs(t, err, xpc.ErrClosed)
					}
				}
			})
		}
		require.NoError(t, c.Close())
		done(t, c)
		wg.Wait()
	}
}

// Cancel before activation holds the last event for whoever activates.
func TestCancelBeforeActivation(t *testing.T) {
	s := newService(t, echo)
	c, r := s.client(t), newEvents()
	require.NoError(t, c.SetEventHandler(r.handle))
	require.NoError(t, c.SendMessage(xpc.Dictionary{"never": "sent"}))
	require.NoError(t, c.Cancel())
	require.NoError(t, c.Suspend())
	require.NoError(t, c.Resume())
	_, err := c.Call(t.Context(), xpc.Dictionary{})
	require.ErrorIs(t, err, xpc.ErrInvalid)
	assert.Empty(t, r.all, "nothing is delivered before activation")
	require.NoError(t, c.Activate())
	done(t, c)
	require.Len(t, r.wait(t, 1), 1)
	select {
	case p := <-s.peers:
		t.Errorf("a message left the cancelled connection: peer %v", p)
	default:
	}
}

// The service refuses its peer by Cancel alone, and keeps nothing of it.
func TestRefusedPeerIsCollected(t *testing.T) {
	freed := make(chan any, 1)
	rt := testRuntime(t)
	l, err := rt.NewAnonymousListener(nil)
	require.NoError(t, err)
	require.NoError(t, l.SetEventHandler(func(e xpc.Event) {
		if p, ok := e.(*xpc.Connection); ok {
			p.SetContext("dropped")
			p.SetFinalizer(func(v any) { freed <- v })
			p.Cancel()
		}
	}))
	require.NoError(t, l.Activate())
	e, err := l.Endpoint()
	require.NoError(t, err)
	c, err := rt.NewFromEndpoint(e)
	require.NoError(t, err)
	r := newEvents()
	require.NoError(t, c.SetEventHandler(r.handle))
	require.NoError(t, c.Activate())
	require.NoError(t, c.SendMessage(xpc.Dictionary{}))
	r.wait(t, 1)
	collect(t, freed)
	for _, c := range []*xpc.Connection{c, l} {
		require.NoError(t, c.Close())
		done(t, c)
	}
}

func TestRequestInABarrierOfTheSameConnection(t *testing.T) {
	s := newService(t, echo)
	c, _ := s.active(t)
	result := make(chan error, 1)
	require.NoError(t, c.SendBarrier(func() {
		_, err := c.SendMessageWithReplySync(xpc.Dictionary{})
		result <- err
	}))
	require.ErrorIs(t, <-result, xpc.ErrMisuse)
}

// Values that no call of this package has made are refused, and nothing crashes.
func TestZeroValues(t *testing.T) {
	s := newService(t, echo)
	c, _ := s.active(t)
	misuse := func(err error) {
		t.Helper()
		assert.ErrorIs(t, err, xpc.ErrMisuse)
	}
	misuse(c.SendMessage(&xpc.Reply{}))
	misuse((&xpc.Reply{}).Send())
	misuse((&xpc.Message{}).Retain())
	assert.False(t, (&xpc.Endpoint{}).Equal(&xpc.Endpoint{}))
	_ = (&xpc.Error{}).Error()

	for _, zero := range []*xpc.Connection{nil, {}} {
		misuse(zero.SetEventHandler(func(xpc.Event) {}))
		misuse(zero.Activate())
		misuse(zero.SendMessage(xpc.Dictionary{}))
		misuse(zero.SendMessageWithReply(xpc.Dictionary{}, nil, func(xpc.Event) {}))
		_, err := zero.SendMessageWithReplySync(xpc.Dictionary{})
		misuse(err)
		_, err = zero.Call(t.Context(), xpc.Dictionary{})
		misuse(err)
		misuse(zero.Close())
		assert.Nil(t, zero.Done())
		assert.Nil(t, zero.Context())
		assert.Empty(t, zero.Name())
		zero.InvalidationReason()
	}
	var rt xpc.Runtime
	_, err := rt.NewMachService("a", nil, 0)
	assert.ErrorIs(t, err, xpc.ErrUnsupported)
	_, err = rt.NewQueue("")
	assert.ErrorIs(t, err, xpc.ErrUnsupported)
	misuse((&xpc.Queue{}).Async(func() {}))
	for _, v := range []any{xpc.Endpoint{}, &xpc.Endpoint{}, xpc.SharedMemory{}, &xpc.SharedMemory{}, &xpc.Queue{}, &xpc.Runtime{}} {
		assert.Error(t, c.SendMessage(xpc.Dictionary{"v": v}), "%T", v)
	}
}

// What a thread was inside of is forgotten when it has left: the threads of the
// handlers and barriers serve the calls of the next turn.
func TestRequestAfterHandlersOnTheSameThreads(t *testing.T) {
	s := newService(t, echo)
	c, r := s.client(t), newEvents()
	q, err := s.rt.NewConcurrentQueue("calls")
	require.NoError(t, err)
	defer q.Close()
	require.NoError(t, c.SetEventHandler(r.handle))
	require.NoError(t, c.Activate())
	require.NoError(t, c.SendMessage(xpc.Dictionary{}))
	p := <-s.peers
	s.peers <- p
	for i := range 50 {
		require.NoError(t, p.SendMessage(xpc.Dictionary{}))
		r.wait(t, i+1)
		ran, result := make(chan struct{}), make(chan error, 1)
		require.NoError(t, c.SendBarrier(func() { close(ran) }))
		closed(t, ran, "the barrier")
		require.NoError(t, q.Async(func() {
			m, err := c.SendMessageWithReplySync(xpc.Dictionary{})
			if err == nil {
				m.Release()
			}
			result <- err
		}))
		require.NoError(t, <-result)
	}
}

// However Activate and a requirement that fails meet, nothing stays open.
func TestRefusedRequirementAgainstActivate(t *testing.T) {
	s := newService(t, echo)
	for range 200 {
		c, r := s.client(t), newEvents()
		require.NoError(t, c.SetEventHandler(r.handle))
		var wg sync.WaitGroup
		var activated error
		wg.Go(func() { activated = c.Activate() })
		wg.Go(func() { assert.Error(t, c.SetPeerRequirement(xpc.CodeSigningRequirement(""))) })
		wg.Wait()
		if activated == nil {
			done(t, c)
		}
		assert.ErrorIs(t, c.SendMessage(xpc.Dictionary{}), xpc.ErrMisuse)
	}
}
