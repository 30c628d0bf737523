package xpc_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
)

const watchdog = 20 * time.Second

// events records what a handler receives.
type events struct {
	mu   sync.Mutex
	all  []xpc.Event
	more chan struct{}
}

func newEvents() *events { return &events{more: make(chan struct{}, 1)} }

func (r *events) handle(e xpc.Event) {
	r.mu.Lock()
	r.all = append(r.all, e)
	r.mu.Unlock()
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// wait returns the events once there are n.
func (r *events) wait(t testing.TB, n int) []xpc.Event {
	t.Helper()
	timeout := time.After(watchdog)
	for {
		r.mu.Lock()
		all := append([]xpc.Event(nil), r.all...)
		r.mu.Unlock()
		if len(all) >= n {
			return all
		}
		select {
		case <-r.more:
		case <-timeout:
			require.FailNowf(t, "watchdog", "waited for %d events, got %v", n, all)
		}
	}
}

func done(t testing.TB, c *xpc.Connection) {
	t.Helper()
	closed(t, c.Done(), "Done")
}

func closed(t testing.TB, ch <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(watchdog):
		require.FailNow(t, "watchdog: "+what+" was not closed")
	}
}

// service is an anonymous listener whose peers run serve.
type service struct {
	rt       *xpc.Runtime
	listener *xpc.Connection
	endpoint *xpc.Endpoint
	peers    chan *xpc.Connection
}

func newService(t testing.TB, serve func(peer *xpc.Connection, e xpc.Event)) *service {
	t.Helper()
	s := &service{rt: testRuntime(t), peers: make(chan *xpc.Connection, 1024)}
	l, err := s.rt.NewAnonymousListener(nil)
	require.NoError(t, err)
	s.listener = l
	require.NoError(t, l.SetEventHandler(func(e xpc.Event) {
		peer, ok := e.(*xpc.Connection)
		if !ok {
			return
		}
		peer.SetEventHandler(func(e xpc.Event) { serve(peer, e) })
		peer.Activate()
		s.peers <- peer
	}))
	require.NoError(t, l.Activate())
	s.endpoint, err = l.Endpoint()
	require.NoError(t, err)
	t.Cleanup(func() {
		l.Close()
		done(t, l)
		s.endpoint = nil // t keeps s reachable for longer than the count of objects is awaited
		close(s.peers)
		for p := range s.peers {
			p.Close()
			done(t, p)
		}
	})
	return s
}

// client makes an inactive client without a handler; it is closed with the test.
func (s *service) client(t testing.TB) *xpc.Connection {
	t.Helper()
	c, err := s.rt.NewFromEndpoint(s.endpoint)
	require.NoError(t, err)
	t.Cleanup(func() {
		c.Close()
		done(t, c)
	})
	return c
}

// active makes an active client that records its events.
func (s *service) active(t testing.TB) (*xpc.Connection, *events) {
	t.Helper()
	c, r := s.client(t), newEvents()
	require.NoError(t, c.SetEventHandler(r.handle))
	require.NoError(t, c.Activate())
	return c, r
}

// echo replies with what it received.
func echo(_ *xpc.Connection, e xpc.Event) {
	m, ok := e.(*xpc.Message)
	if !ok || !m.WantsReply() {
		return
	}
	d, err := m.Dictionary()
	if err != nil {
		d = xpc.Dictionary{"failed": err.Error()}
	}
	m.Reply(d)
	xpc.CloseFiles(d)
}
