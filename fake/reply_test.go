package fake

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

// A transaction ends with the reply, whoever receives it, and with the giving up of
// it (row 199), not only with the release of the message.
func TestTransactionsEndWithTheReply(t *testing.T) {
	for name, end := range map[string]func(s *stage, m driver.Message){
		"replied":   func(_ *stage, m driver.Message) { require.NoError(t, m.Reply(body("x"))) },
		"given up":  func(_ *stage, m driver.Message) { m.DropReply() },
		"to nobody": func(s *stage, m driver.Message) { s.client.Cancel(); require.NoError(t, m.Reply(body("x"))) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, false)
			require.Equal(t, 1, s.serviceProc.transactions())
			end(s, s.toPeer.messages()[0])
			require.Zero(t, s.serviceProc.transactions())
			require.False(t, s.toPeer.messages()[0].(*message).replying)
			s.toPeer.messages()[0].Release()
			require.Zero(t, s.serviceProc.transactions())
		})
	}
}

// A fault does not strike a reply that nobody waits for.
func TestFaultsSpareRepliesToNobody(t *testing.T) {
	s := newStage(t, false)
	fault := func(f Fault) *Injection {
		i, err := s.Inject(f)
		require.NoError(t, err)
		return i
	}
	hold := fault(Fault{Point: BeforeReply, Do: Hold})
	before := fault(Fault{Point: BeforeReply, Do: Crash})
	underWay := fault(Fault{Point: ReplyUnderWay, Do: Crash})
	require.NoError(t, s.client.SendWithReply(body("2"), nil, s.outcome.handle))
	s.toPeer.expect(t, "2")
	require.NoError(t, s.toPeer.messages()[0].Reply(body("held")))
	s.client.Cancel()
	require.NoError(t, s.toPeer.messages()[1].Reply(body("late")))
	hold.Release()
	require.Equal(t, []int{1, 0, 0}, []int{hold.Hits(), before.Hits(), underWay.Hits()})
}

// What a client answers is not the service's.
func TestFaultsAtTheServiceSpareTheClientsReplies(t *testing.T) {
	for _, p := range []Point{BeforeReply, ReplyUnderWay} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t)
			peer := s.peer(t)
			i := s.inject(t, Fault{Point: p, Do: Crash})
			r := newRecorder()
			require.NoError(t, peer.SendWithReply(body("question"), nil, r.handle))
			require.Equal(t, []string{"re:question"}, r.seen())
			require.Zero(t, i.Hits())
		})
	}
}

// A reply that does not arrive keeps no descriptor.
func TestRepliesThatDoNotArrive(t *testing.T) {
	for _, f := range []Fault{{Point: BeforeReply, Do: Drop}, {Point: BeforeReply, Do: FailRequirement}} {
		s := newStage(t, false)
		require.NoError(t, s.client.SetPeerRequirement(driver.Requirement{Kind: driver.RequireCodeSigning, Text: `identifier ""`, HasText: true}))
		_, err := s.Inject(f)
		require.NoError(t, err)
		_, file := pipe(t)
		require.NoError(t, s.toPeer.messages()[0].Reply(withFD("x", file)))
		s.outcome.next(t)
		s.Settle()
		require.Zero(t, s.descriptors.Load())
		require.False(t, s.toPeer.messages()[0].(*message).replying)
	}
}
