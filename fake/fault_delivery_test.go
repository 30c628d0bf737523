package fake

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

// A fault is tried once on each message: what was held is not held again.
func TestAFaultIsTriedOnceOnAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		i := s.inject(t, Fault{Point: BeforeDelivery, Do: Hold, For: time.Second, Times: Always})
		start := time.Now()
		s.asks(t, "x").expect(t, "re:x")
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, 1, i.Hits())
	})
}

// What a client receives is not the service's.
func TestFaultsAtTheServiceSpareTheClient(t *testing.T) {
	for _, p := range []Point{BeforeDelivery, AfterDelivery} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t)
			peer := s.peer(t)
			i := s.inject(t, Fault{Point: p, Do: Crash})
			require.NoError(t, peer.Send(body("news")))
			require.Equal(t, []string{"news"}, s.toClient.seen())
			require.Zero(t, i.Hits())
		})
	}
}

// A message that fails its listener's requirement is dropped: the peer has none of
// its own, and hears nothing of it.
func TestAMessageFailsTheListenersRequirement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p, err := w.load(nil).Launch()
		require.NoError(t, err)
		c, err := backend{p}.NewConn(driver.Spec{Kind: driver.KindMachService, Name: echoName, Flags: driver.FlagListener}, nil)
		require.NoError(t, err)
		require.NoError(t, c.SetPeerRequirement(driver.Requirement{Kind: driver.RequireCodeSigning, Text: `identifier ""`, HasText: true}))
		l, s := newRecorder(), newRecorder()
		acceptAll(c, l, s)
		client := w.client(w.process(ProcessConfig{}), mach(echoName), newRecorder())
		require.Equal(t, "re:1", ask(t, client, "1"))
		i, err := w.Inject(Fault{Point: BeforeDelivery, Do: FailRequirement})
		require.NoError(t, err)
		require.Equal(t, "INTERRUPTED", ask(t, client, "2"))
		require.Equal(t, "re:3", ask(t, client, "3"))
		require.Equal(t, 1, i.Hits())
		require.Equal(t, []string{"1", "3"}, s.seen())
	})
}

// A reply that is held when the world ends keeps no descriptor.
func TestTheWorldEndsWithAHeldDescriptor(t *testing.T) {
	for _, p := range []Point{BeforeReply, ReplyUnderWay} {
		s := newStage(t, false)
		_, err := s.Inject(Fault{Point: p, Do: Hold})
		require.NoError(t, err)
		_, file := pipe(t)
		require.NoError(t, s.toPeer.messages()[0].Reply(withFD("x", file)))
		require.EqualValues(t, 1, s.descriptors.Load())
		require.NoError(t, s.Close())
		require.Zero(t, s.descriptors.Load())
	}
}

// What a launch that fails was asked with is dropped, with its descriptors.
func TestALaunchThatFailsDropsWhatAskedForIt(t *testing.T) {
	for _, do := range []Action{Crash, Unload} {
		w := newWorld(t)
		w.load(nil)
		_, err := w.Inject(Fault{Point: BeforeLaunch, Do: do})
		require.NoError(t, err)
		_, file := pipe(t)
		r := newRecorder()
		c := w.client(w.process(ProcessConfig{}), mach(echoName), r)
		require.NoError(t, c.SendWithReply(withFD("x", file), nil, newRecorder().handle))
		r.expect(t, "INTERRUPTED")
		require.Zero(t, w.descriptors.Load())
	}
}
