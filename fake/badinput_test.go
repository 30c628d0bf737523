package fake

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/driver"
)

// What belongs to another world, or is nothing at all, is refused where it is
// given.
func TestConnectionsThatCannotBeMade(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	b, stranger := w.process(ProcessConfig{}), other.process(ProcessConfig{})
	queue := other.queue(stranger, false)
	a, err := stranger.NewConn(driver.Spec{Kind: driver.KindAnonymous}, nil)
	require.NoError(t, err)
	e, err := a.Endpoint()
	require.NoError(t, err)
	for _, spec := range []driver.Spec{mach(""), {Kind: driver.KindBundled}} {
		_, err = b.NewConn(spec, nil)
		require.ErrorIs(t, err, xpc.ErrMisuse)
	}
	for _, spec := range []driver.Spec{{Kind: driver.KindFromEndpoint, Endpoint: e}, {Kind: driver.KindFromEndpoint}, {}, {Kind: driver.KindPeer}} {
		_, err = b.NewConn(spec, nil)
		require.Error(t, err, spec)
	}
	_, err = b.NewConn(mach(echoName), queue)
	require.ErrorContains(t, err, "another runtime")
	c, err := b.NewConn(mach(echoName), nil)
	require.NoError(t, err)
	require.ErrorContains(t, c.SetTargetQueue(queue), "another runtime")
	require.ErrorContains(t, c.SendWithReply(body("x"), queue, func(driver.Event) {}), "another runtime")
}

// A message whose resource cannot be taken is not sent, in whichever way.
func TestMessagesThatCannotBeSent(t *testing.T) {
	s := newStage(t, false)
	bad := &driver.Payload{Resources: []driver.Resource{{Kind: driver.ResourceEndpoint}}}
	require.Error(t, s.client.Send(bad))
	require.Error(t, s.client.SendWithReply(bad, nil, s.outcome.handle))
	_, err := s.client.SendWithReplySync(bad)
	require.Error(t, err)
	require.Error(t, s.toPeer.messages()[0].Reply(bad))
	s.toPeer.nothing(t, s.Launchd)
	s.outcome.nothing(t, s.Launchd)
	require.NoError(t, s.toPeer.messages()[0].Reply(body("good")))
	s.outcome.expect(t, "good")
}

// A message that was given up or released has nothing left.
func TestGivenUpMessages(t *testing.T) {
	s := newStage(t, false)
	_, file := pipe(t)
	require.NoError(t, s.client.SendWithReply(withFD("x", file), nil, newRecorder().handle))
	s.toPeer.expect(t, "x")
	for _, m := range s.toPeer.messages() {
		m.DropReply()
		require.ErrorIs(t, m.Reply(body("late")), xpc.ErrMisuse)
		m.Release()
		require.Zero(t, m.Resources())
	}
	require.Zero(t, s.descriptors.Load())
}

// Requirements that say nothing are refused, and one that was set stays as it was.
func TestRequirementsThatCannotBe(t *testing.T) {
	var asked driver.Requirement
	w := newWorld(t, EvaluateRequirements(func(r driver.Requirement, _ Identity) bool { asked = r; return true }))
	c, err := w.process(ProcessConfig{}).NewConn(mach(echoName), nil)
	require.NoError(t, err)
	require.ErrorContains(t, c.SetPeerRequirement(driver.Requirement{Kind: driver.RequireEntitlementMatches, Text: "x"}), "no value")
	require.ErrorContains(t, c.SetPeerRequirement(driver.Requirement{Kind: 99}), "not known")
	value := scalar("a")
	value.Resources = []driver.Resource{{}}
	require.NoError(t, c.SetPeerRequirement(driver.Requirement{Kind: driver.RequireLightweightCode, Value: value}))
	clear(value.Body)
	c.(*conn).require.meets(Identity{})
	require.Equal(t, scalar("a"), asked.Value)
	require.Equal(t, scalar(int64(3)).Body, flatScalar(3))
	require.Equal(t, scalar(int64(3)).Body, flatScalar(int64(3)))
}

// A synchronous request that is refused keeps no descriptor.
func TestSynchronousRequestsThatAreRefused(t *testing.T) {
	s := newStage(t, false, Strict())
	_, file := pipe(t)
	asked := make(chan error, 1)
	s.client.SetHandler(func(ev driver.Event) {
		if ev.Message == nil {
			return // the end of the world
		}
		_, err := s.client.SendWithReplySync(withFD("inside", file))
		asked <- err
	})
	require.NoError(t, s.peer.Send(body("x")))
	require.ErrorContains(t, <-asked, "row 112")
	require.Zero(t, s.descriptors.Load())
	c, err := backend{s.clientProc}.NewConn(mach(echoName), nil)
	require.NoError(t, err)
	_, err = c.SendWithReplySync(withFD("inactive", file))
	require.ErrorContains(t, err, "row 114")
	require.Zero(t, s.descriptors.Load())
	s.clientProc.Crash()
	ev, err := c.SendWithReplySync(withFD("gone", file))
	require.NoError(t, err)
	require.Equal(t, "GONE", text(ev))
	require.Zero(t, s.descriptors.Load())
}
