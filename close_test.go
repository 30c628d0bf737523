package xpc_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
)

func TestCloseInAnyState(t *testing.T) {
	must := func(t *testing.T, errs ...error) {
		for _, err := range errs {
			require.NoError(t, err)
		}
	}
	states := map[string]func(t *testing.T, c *xpc.Connection, h func(xpc.Event)){
		"inactive without handler": func(*testing.T, *xpc.Connection, func(xpc.Event)) {},
		"inactive":                 func(t *testing.T, c *xpc.Connection, h func(xpc.Event)) { must(t, c.SetEventHandler(h)) },
		"inactive and suspended": func(t *testing.T, c *xpc.Connection, h func(xpc.Event)) {
			must(t, c.SetEventHandler(h), c.Suspend(), c.Suspend())
		},
		"inactive and cancelled": func(t *testing.T, c *xpc.Connection, h func(xpc.Event)) {
			must(t, c.SetEventHandler(h), c.Cancel())
		},
		"inactive with a message": func(t *testing.T, c *xpc.Connection, h func(xpc.Event)) {
			must(t, c.SetEventHandler(h), c.SendMessage(xpc.Dictionary{"k": "v"}))
		},
		"active": func(t *testing.T, c *xpc.Connection, h func(xpc.Event)) {
			must(t, c.SetEventHandler(h), c.Activate())
		},
		"active with a peer": func(t *testing.T, c *xpc.Connection, h func(xpc.Event)) {
			must(t, c.SetEventHandler(h), c.Activate())
			m, err := c.Call(t.Context(), xpc.Dictionary{})
			must(t, err, m.Release())
		},
		"suspended twice": func(t *testing.T, c *xpc.Connection, h func(xpc.Event)) {
			must(t, c.SetEventHandler(h), c.Activate(), c.Suspend(), c.Suspend())
		},
		"cancelled": func(t *testing.T, c *xpc.Connection, h func(xpc.Event)) {
			must(t, c.SetEventHandler(h), c.Activate(), c.Cancel())
		},
		"invalid": func(t *testing.T, c *xpc.Connection, h func(xpc.Event)) {
			must(t, c.SetEventHandler(h), c.Activate(), c.Cancel())
			done(t, c)
		},
		"invalid and suspended": func(t *testing.T, c *xpc.Connection, h func(xpc.Event)) {
			must(t, c.SetEventHandler(h), c.Activate(), c.Cancel())
			done(t, c)
			must(t, c.Suspend())
		},
	}
	for name, prepare := range states {
		t.Run(name, func(t *testing.T) {
			s := newService(t, echo)
			c, r := s.client(t), newEvents()
			freed := make(chan any, 1)
			require.NoError(t, c.SetContext("context"))
			require.NoError(t, c.SetFinalizer(func(v any) { freed <- v }))
			prepare(t, c, r.handle)

			require.NoError(t, c.Close())
			done(t, c)
			assert.Equal(t, "context", <-freed, "the finalizer runs when the connection is freed")
			if name != "inactive without handler" {
				all := r.wait(t, 1)
				require.Len(t, all, 1, "one last event and nothing else")
				assert.ErrorIs(t, all[0].(*xpc.Error), xpc.ErrInvalid)
			}

			require.NoError(t, c.Close(), "closing again does nothing")
			assert.ErrorIs(t, c.SendMessage(xpc.Dictionary{}), xpc.ErrClosed)
			assert.ErrorIs(t, c.Activate(), xpc.ErrClosed)
			assert.ErrorIs(t, c.Suspend(), xpc.ErrClosed)
			assert.ErrorIs(t, c.Resume(), xpc.ErrClosed)
			assert.ErrorIs(t, c.Cancel(), xpc.ErrClosed)
			assert.ErrorIs(t, c.SetEventHandler(r.handle), xpc.ErrClosed)
			_, err := c.Call(t.Context(), xpc.Dictionary{})
			assert.ErrorIs(t, err, xpc.ErrClosed)
			_, err = c.SendMessageWithReplySync(xpc.Dictionary{})
			assert.ErrorIs(t, err, xpc.ErrClosed)
			c.PID()
			c.InvalidationReason()
		})
	}
}

func TestCloseInsideOwnHandler(t *testing.T) {
	s := newService(t, func(p *xpc.Connection, e xpc.Event) {
		if _, ok := e.(*xpc.Message); ok {
			p.Close()
		}
	})
	c, r := s.active(t)
	_, err := c.Call(t.Context(), xpc.Dictionary{})
	require.Error(t, err)
	r.wait(t, 1)
	p := <-s.peers
	done(t, p)
}

func TestCloseInsideAnotherHandlerOfTheSameSerialQueue(t *testing.T) {
	s := newService(t, echo)
	q, err := s.rt.NewQueue("shared")
	require.NoError(t, err)
	defer q.Close()
	other, r := s.client(t), newEvents()
	require.NoError(t, other.SetTargetQueue(q))
	require.NoError(t, other.SetEventHandler(r.handle))
	require.NoError(t, other.Activate())

	c := s.client(t)
	require.NoError(t, c.SetTargetQueue(q))
	require.NoError(t, c.SetEventHandler(func(xpc.Event) { other.Close() }))
	require.NoError(t, c.Activate())
	require.NoError(t, c.Cancel())
	done(t, c)
	done(t, other)
	require.Len(t, r.wait(t, 1), 1)
}

func TestCloseDuringConcurrentSends(t *testing.T) {
	s := newService(t, echo)
	c, _ := s.active(t)
	var started, wg sync.WaitGroup
	for i := range 100 {
		started.Add(1)
		wg.Add(1)
		go func() {
			defer wg.Done()
			err := c.SendMessage(xpc.Dictionary{"i": i})
			started.Done()
			for err == nil {
				if i%2 == 0 {
					err = c.SendMessage(xpc.Dictionary{"i": i})
				} else {
					var m *xpc.Message
					if m, err = c.Call(t.Context(), xpc.Dictionary{"i": i}); err == nil {
						m.Release()
					}
				}
			}
			var gone *xpc.Error
			if !assert.True(t, assert.ObjectsAreEqual(xpc.ErrClosed, err) || assert.ErrorAs(t, err, &gone)) {
				t.Log(err)
			}
		}()
	}
	started.Wait()
	require.NoError(t, c.Close())
	done(t, c)
	wg.Wait()
}

func TestCloseEndsABlockedSynchronousCall(t *testing.T) {
	received := make(chan struct{})
	release := make(chan *xpc.Message, 1)
	s := newService(t, func(_ *xpc.Connection, e xpc.Event) {
		if m, ok := e.(*xpc.Message); ok {
			m.Retain()
			release <- m
			close(received)
		}
	})
	c, _ := s.active(t)
	result := make(chan error, 1)
	go func() {
		_, err := c.SendMessageWithReplySync(xpc.Dictionary{})
		result <- err
	}()
	closed(t, received, "the service's handler")
	require.NoError(t, c.Close())
	require.ErrorIs(t, <-result, xpc.ErrInvalid)
	done(t, c)
	(<-release).Release()
}
