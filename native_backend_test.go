//go:build cgo && xpcstandin

package xpc_test

import (
	"context"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/native"
	"github.com/go-xpc/xpc/internal/standin"
	"github.com/go-xpc/xpc/internal/wire"
)

// backendPair is a client and its peer, on the backend without package xpc.
type backendPair struct {
	client driver.Conn
	events chan driver.Event // of the client
	served chan driver.Event // of the peer
}

func newBackendPair(t *testing.T) *backendPair {
	b := &backendPair{events: make(chan driver.Event, 10), served: make(chan driver.Event, 10)}
	listener, err := native.Backend.NewConn(driver.Spec{Kind: driver.KindAnonymous}, nil)
	require.NoError(t, err)
	ended := make(chan struct{}, 3)
	last := func(c driver.Conn, to chan driver.Event) driver.Handler {
		return func(ev driver.Event) {
			if ev.Err == driver.Invalid {
				go func() { c.Release(); ended <- struct{}{} }()
			} else if to != nil {
				to <- ev
			}
		}
	}
	listener.SetHandler(func(ev driver.Event) {
		if ev.Peer != nil {
			ev.Peer.SetHandler(last(ev.Peer, b.served))
			ev.Peer.Activate()
			return
		}
		last(listener, nil)(ev)
	})
	listener.Activate()
	e, err := listener.Endpoint()
	require.NoError(t, err)
	b.client, err = native.Backend.NewConn(driver.Spec{Kind: driver.KindFromEndpoint, Endpoint: e}, nil)
	require.NoError(t, err)
	e.Release()
	b.client.SetHandler(last(b.client, b.events))
	b.client.Activate()
	// So that there is a peer to end.
	require.NoError(t, b.client.Send(emptyPayload()))
	(<-b.served).Message.Release()
	t.Cleanup(func() {
		b.client.Cancel()
		listener.Cancel()
		for range 3 {
			<-ended
		}
	})
	return b
}

func emptyPayload() *driver.Payload { return &driver.Payload{Body: wire.Empty()} }

// What cannot be built is not sent, on any path, and nothing is left of it.
func TestPayloadsThatCannotBeBuilt(t *testing.T) {
	b := newBackendPair(t)
	bad := map[string]*driver.Payload{
		"truncated":          {Body: wire.Empty()[:5]},
		"a closed fd":        {Body: fdBody(), Resources: []driver.Resource{{Kind: driver.ResourceFD, FD: 1 << 20}}},
		"a resource missing": {Body: fdBody()},
		"a foreign endpoint": {Body: fdBody(), Resources: []driver.Resource{{Kind: driver.ResourceEndpoint, Endpoint: foreignEndpoint{}}}},
		"foreign memory":     {Body: fdBody(), Resources: []driver.Resource{{Kind: driver.ResourceSharedMemory, Memory: foreignMemory{}}}},
	}
	for name, p := range bad {
		t.Run(name, func(t *testing.T) {
			objects := standin.Objects()
			counts := native.Count()
			assert.Error(t, b.client.Send(p))
			assert.Error(t, b.client.SendWithReply(p, nil, func(driver.Event) { t.Error("the handler of what was not sent is called") }))
			_, err := b.client.SendWithReplySync(p)
			assert.Error(t, err)

			// A reply that cannot be built is still due.
			replied := make(chan driver.Event, 1)
			require.NoError(t, b.client.SendWithReply(emptyPayload(), nil, func(ev driver.Event) { replied <- ev }))
			m := (<-b.served).Message
			require.True(t, m.WantsReply())
			assert.Error(t, m.Reply(p))
			assert.Error(t, m.Reply(&driver.Payload{Body: []byte{byte(wire.Null)}}), "no dictionary")
			require.NoError(t, m.Reply(emptyPayload()))
			m.Release()
			(<-replied).Message.Release()
			require.Eventually(t, func() bool {
				return standin.Objects() <= objects && !native.Count().Exceeds(counts)
			}, patience, time.Millisecond, "%d objects before, %d after; %+v, %+v", objects, standin.Objects(), counts, native.Count())
		})
	}
	assert.Empty(t, b.served, "nothing of it was sent")
	assert.Empty(t, b.events)
}

// fdBody is a dictionary with one descriptor in it.
func fdBody() []byte {
	var e wire.Encoder
	mark := e.Begin(wire.Dictionary)
	e.Key("fd")
	e.FD(0)
	e.End(mark, 1)
	return e.Buf
}

type foreignEndpoint struct{ driver.Endpoint }
type foreignMemory struct{ driver.SharedMemory }
type foreignQueue struct{ driver.Queue }

// Values of another runtime are refused, and nothing is made or left.
func TestForeignValues(t *testing.T) {
	b := newBackendPair(t)
	objects, counts := standin.Objects(), native.Count()
	_, err := native.Backend.NewConn(driver.Spec{Kind: driver.KindFromEndpoint, Endpoint: foreignEndpoint{}}, nil)
	assert.ErrorContains(t, err, "another runtime")
	_, err = native.Backend.NewConn(driver.Spec{Kind: driver.KindAnonymous}, foreignQueue{})
	assert.ErrorContains(t, err, "another runtime")
	assert.ErrorContains(t, b.client.SetTargetQueue(foreignQueue{}), "another runtime")
	assert.ErrorContains(t, b.client.SendWithReply(emptyPayload(), foreignQueue{}, func(driver.Event) {}), "another runtime")
	assert.LessOrEqual(t, standin.Objects(), objects)
	assert.False(t, native.Count().Exceeds(counts))

	l, err := xpc.Native().NewAnonymousListener(nil)
	require.NoError(t, err)
	defer l.Close()
	l.SetEventHandler(func(xpc.Event) {})
	l.Activate()
	e, err := l.Endpoint()
	require.NoError(t, err)
	same, err := l.Endpoint()
	require.NoError(t, err)
	assert.True(t, e.Equal(same))
}

// The value of a requirement is given back, whatever becomes of the requirement,
// and one that cannot be built is not set.
func TestRequirementValues(t *testing.T) {
	if !standin.HasCall("xpc_connection_set_peer_entitlement_matches_value_requirement") {
		t.Skip("this libxpc has only the oldest")
	}
	c, err := native.Backend.NewConn(driver.Spec{Kind: driver.KindMachService, Name: "com.example.none"}, nil)
	require.NoError(t, err)
	invalid := make(chan struct{})
	c.SetHandler(func(ev driver.Event) {
		if ev.Err == driver.Invalid {
			close(invalid)
		}
	})
	defer func() {
		c.Activate() // nobody has the name
		<-invalid
		c.Release()
	}()
	var text wire.Encoder
	text.String("value")
	objects := standin.Objects()
	bad := driver.Requirement{Kind: 3, HasText: true, Text: "e", Value: &driver.Payload{Body: []byte{0xff}}}
	assert.Error(t, c.SetPeerRequirement(bad))
	bad.Value = &driver.Payload{Body: wire.Empty()[:5]}
	assert.Error(t, c.SetPeerRequirement(bad))
	assert.LessOrEqual(t, standin.Objects(), objects)
	require.NoError(t, c.SetPeerRequirement(driver.Requirement{Kind: 3, HasText: true, Text: "e", Value: &driver.Payload{Body: text.Buf}}))
	assert.LessOrEqual(t, standin.Objects(), objects, "the stand-in keeps a copy of the value, and we nothing")
}

// Whatever is sent, nothing of it is left once it has been received.
func TestNothingIsLeftOfMessages(t *testing.T) {
	b := newBackendPair(t)
	plain := xpc.Dictionary{"key": "value"}
	payload := func(d xpc.Dictionary) *driver.Payload {
		body, err := xpc.EncodeBody(d, false)
		require.NoError(t, err)
		return &driver.Payload{Body: body}
	}
	serve := func(p *driver.Payload) {
		m := (<-b.served).Message
		if m.WantsReply() {
			require.NoError(t, m.Reply(p))
		}
		m.Release()
	}
	for name, p := range map[string]*driver.Payload{"empty": emptyPayload(), "plain": payload(plain)} {
		t.Run(name, func(t *testing.T) {
			objects, counts := standin.Objects(), native.Count()
			for range 3 {
				require.NoError(t, b.client.Send(p))
				serve(nil)

				replied := make(chan driver.Event, 1)
				require.NoError(t, b.client.SendWithReply(p, nil, func(ev driver.Event) { replied <- ev }))
				serve(p)
				(<-replied).Message.Release()

				go serve(p)
				ev, err := b.client.SendWithReplySync(p)
				require.NoError(t, err)
				assert.Equal(t, p.Body, ev.Message.Body())
				ev.Message.Release()

				// A reply that is given up, once and again.
				require.NoError(t, b.client.SendWithReply(p, nil, func(ev driver.Event) { replied <- ev }))
				m := (<-b.served).Message
				m.DropReply()
				m.DropReply()
				m.Release()
				assert.NotZero(t, (<-replied).Err)
			}
			assert.Eventually(t, func() bool {
				return standin.Objects() <= objects && !native.Count().Exceeds(counts)
			}, patience, time.Millisecond)
		})
	}
}

// A message that somebody else releases in the very moment in which its handler
// ends is given back once.
func TestReleaseAgainstTheEndOfTheHandler(t *testing.T) {
	object, err := native.Encode(xpc.Dictionary{"key": "value"})
	require.NoError(t, err)
	defer native.Release(object)
	objects, counts := standin.Objects(), native.Count()

	const messages = 20000
	var passed atomic.Pointer[xpc.Message]
	var other sync.WaitGroup
	other.Go(func() {
		spun := 0
		for i := range messages {
			m := passed.Swap(nil)
			for ; m == nil; m = passed.Swap(nil) {
				runtime.Gosched()
			}
			for range i % 500 {
				spun++ // to come earlier or later
			}
			assert.NoError(t, m.Release())
		}
	})
	receive, free := native.Receiver(func(m any) {
		assert.NoError(t, m.(*xpc.Message).Retain())
		for passed.Load() != nil {
			runtime.Gosched()
		}
		passed.Store(m.(*xpc.Message))
	})
	receive(object, messages)
	other.Wait()
	free()
	assert.LessOrEqual(t, standin.Objects(), objects)
	assert.False(t, native.Count().Exceeds(counts))
}

// The same of a request, whose owed reply goes with it.
func TestRequestReleasedAsItsHandlerEnds(t *testing.T) {
	b := newBackendPair(t)
	objects, counts := standin.Objects(), native.Count()
	outcomes := make(chan driver.Event, 1)
	spun := 0
	for i := range 3000 {
		require.NoError(t, b.client.SendWithReply(emptyPayload(), nil, func(ev driver.Event) { outcomes <- ev }))
		m := (<-b.served).Message
		for range i % 300 {
			spun++
		}
		m.Release()
		require.Equal(t, driver.Interrupted, (<-outcomes).Err)
	}
	assert.Eventually(t, func() bool {
		return standin.Objects() <= objects && !native.Count().Exceeds(counts)
	}, patience, time.Millisecond)
}

// Without a descriptor left, a received one is an error and the message whole.
func TestNoDescriptorLeft(t *testing.T) {
	o, err := native.Encode(xpc.Dictionary{"fd": os.Stdin})
	require.NoError(t, err)
	defer native.Release(o)
	native.Deliver(o, func(m driver.Message) {
		require.Equal(t, 1, m.Resources())
		var old syscall.Rlimit
		require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old))
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 0, Max: old.Max}))
		_, err := m.DupFD(0)
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old))
		assert.ErrorContains(t, err, "no descriptor left")
		fd, err := m.DupFD(0)
		require.NoError(t, err)
		require.NoError(t, syscall.Close(int(fd)))
	})
}

func TestQueuesAreReleased(t *testing.T) {
	queues := standin.Queues()
	for range 20 {
		q, err := xpc.Native().NewQueue("com.example.queue")
		require.NoError(t, err)
		ran := make(chan struct{})
		require.NoError(t, q.Async(func() { close(ran) }))
		<-ran
		require.NoError(t, q.Close())
	}
	assert.Eventually(t, func() bool { return standin.Queues() < queues+10 }, patience, time.Millisecond)
}

// Shared memory that is given back is no longer mapped.
func TestSharedMemoryIsUnmapped(t *testing.T) {
	mapped := func() int {
		maps, err := os.ReadFile("/proc/self/maps")
		require.NoError(t, err)
		return strings.Count(string(maps), "/dev/zero")
	}
	before := mapped()
	for range 50 {
		m, err := native.Backend.NewSharedMemory(1 << 20)
		require.NoError(t, err)
		m.Release()
	}
	assert.Less(t, mapped(), before+10)
}

// Each kind of requirement reaches libxpc: a service that does not meet it is
// refused, and one that does is not.
func TestRequirementsReachLibxpc(t *testing.T) {
	if !standin.HasCall("xpc_connection_set_peer_lightweight_code_requirement") {
		t.Skip("this libxpc has only the oldest")
	}
	testRuntime(t) // counts
	standin.Set(standin.CrashUnwinds, true)
	defer standin.Set(standin.CrashUnwinds, false)
	const team = "TEAM000001"
	job := standin.Declare("com.example.signed", false, []string{"com.example.signed"}, func(p *standin.Process) {
		p.SetCode("com.example.signed", team, true)
		p.SetEntitlement("e", true)
	}, serveEmpty)
	defer job.Forget()
	client := standin.NewProcess("client")
	defer client.Exit()
	client.SetCode("com.example.client", team, false)
	for _, r := range []struct{ met, unmet xpc.PeerRequirement }{
		{xpc.CodeSigningRequirement(`identifier "com.example.signed"`), xpc.CodeSigningRequirement(`identifier "com.example.other"`)},
		{xpc.EntitlementExists("e"), xpc.EntitlementExists("f")},
		{xpc.EntitlementMatches{Entitlement: "e", Value: true}, xpc.EntitlementMatches{Entitlement: "e", Value: false}},
		{xpc.TeamIdentity{SigningID: "com.example.signed"}, xpc.TeamIdentity{SigningID: "com.example.other"}},
		{xpc.PlatformIdentity{SigningID: "com.example.signed"}, xpc.PlatformIdentity{SigningID: "com.example.other"}},
		{xpc.LightweightCodeRequirement{"team-identifier": team}, xpc.LightweightCodeRequirement{"team-identifier": "TEAM000002"}},
	} {
		for want, r := range map[error]xpc.PeerRequirement{nil: r.met, xpc.ErrPeerRequirement: r.unmet} {
			c, err := client.Runtime().NewMachService("com.example.signed", nil, 0)
			require.NoError(t, err)
			require.NoError(t, c.SetEventHandler(func(xpc.Event) {}))
			require.NoError(t, c.SetPeerRequirement(r), "%#v", r)
			require.NoError(t, c.Activate())
			_, err = c.Call(t.Context(), xpc.Dictionary{})
			assert.ErrorIs(t, err, want, "%#v", r)
			require.NoError(t, c.Close())
			<-c.Done()
		}
	}
}

// serveEmpty is a job that answers every request.
func serveEmpty(ctx context.Context, p *standin.Process) {
	l, err := p.Runtime().NewMachService("com.example.signed", nil, xpc.MachServiceListener)
	if err != nil {
		return
	}
	l.SetEventHandler(func(e xpc.Event) {
		peer, ok := e.(*xpc.Connection)
		if !ok {
			l.Close()
			return
		}
		peer.SetEventHandler(func(e xpc.Event) {
			if m, ok := e.(*xpc.Message); ok {
				m.Reply(xpc.Dictionary{})
			} else {
				peer.Close()
			}
		})
		peer.Activate()
	})
	l.Activate()
	<-ctx.Done()
}
