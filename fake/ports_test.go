package fake

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

// A named listener has an endpoint, too: its clients end with the listener, those
// of the name do not.
func TestEndpointOfANamedListener(t *testing.T) {
	s := newStage(t, false)
	e, err := s.listener.Endpoint()
	require.NoError(t, err)
	spec := driver.Spec{Kind: driver.KindFromEndpoint, Endpoint: e}
	r := newRecorder()
	c := s.world.client(s.process(ProcessConfig{}), spec, r)
	require.NoError(t, c.Send(body("x")))
	s.toPeer.expect(t, "x")
	again, err := s.listener.Endpoint()
	require.NoError(t, err)
	require.True(t, e.Equal(again))
	s.listener.Cancel()
	r.expect(t, "INVALID")
	s.toClient.nothing(t, s.Launchd)
	late, err := s.listener.Endpoint()
	require.NoError(t, err)
	spec.Endpoint = late
	r = newRecorder()
	s.world.client(s.process(ProcessConfig{}), spec, r)
	r.expect(t, "INVALID")
}

// The first endpoint of a listener that has ended refers to nobody.
func TestEndpointMadeAfterTheEnd(t *testing.T) {
	for _, end := range []func(s *stage){
		func(s *stage) { s.listener.Cancel() },
		func(s *stage) { s.serviceProc.Crash() },
	} {
		s := newStage(t, false)
		end(s)
		e, err := s.listener.Endpoint()
		require.NoError(t, err)
		r := newRecorder()
		s.world.client(s.process(ProcessConfig{}), driver.Spec{Kind: driver.KindFromEndpoint, Endpoint: e}, r)
		r.expect(t, "INVALID")
	}
}

// A listener that was cancelled while it checked in has taken no name.
func TestCancelledDuringItsCheckIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		i, err := w.Inject(Fault{Point: BeforeCheckIn, Do: Hold})
		require.NoError(t, err)
		p, err := w.load(nil).Launch()
		require.NoError(t, err)
		first, l, s := newRecorder(), newRecorder(), newRecorder()
		held := listen(p, first, s)
		held.Cancel()
		require.Equal(t, []string{"INVALID"}, first.seen())
		i.Release()
		listen(p, l, s)
		require.NoError(t, w.client(w.process(ProcessConfig{}), mach(echoName), newRecorder()).Send(body("x")))
		require.Equal(t, []string{"x"}, s.seen())
		require.Equal(t, []string{"peer"}, l.seen())
		require.Empty(t, first.seen())
	})
}

// What came for a process that is told to end is for the next one.
func TestATerminatingProcessAdoptsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		j := w.load(nil)
		r := newRecorder()
		require.NoError(t, w.client(w.process(ProcessConfig{}), mach(echoName), r).Send(body("x")))
		p := j.Process()
		p.Terminate()
		l, s := newRecorder(), newRecorder()
		listen(p, l, s)
		require.Empty(t, l.seen())
		p.Exit()
		require.Equal(t, 2, j.Launches())
		listen(j.Process(), l, s)
		require.ElementsMatch(t, []string{"GONE", "peer"}, l.seen())
		require.Equal(t, []string{"x"}, s.seen())
		require.Empty(t, r.seen())
	})
}

// Who came first is first, whether the listener was there or not.
func TestPeersComeInTheOrderOfTheirFirstMessages(t *testing.T) {
	t.Setenv(SeedVariable, "") // the order is the point
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		j := w.load(nil)
		want := []int{}
		connect := func() {
			b := w.process(ProcessConfig{})
			require.NoError(t, w.client(b, mach(echoName), newRecorder()).Send(body("x")))
			want = append(want, b.p.pid)
		}
		connect() // launches
		connect()
		connect()
		b := backend{j.Process()}
		l := newRecorder()
		q := w.queue(b, false)
		c, err := b.NewConn(driver.Spec{Kind: driver.KindMachService, Name: echoName, Flags: driver.FlagListener}, q)
		require.NoError(t, err)
		got := []int{}
		c.SetHandler(func(ev driver.Event) {
			if ev.Peer == nil {
				return
			}
			got = append(got, ev.Peer.Credentials().PID)
			ev.Peer.SetHandler(l.handle)
			ev.Peer.Activate()
		})
		c.Activate()
		synctest.Wait()
		require.Equal(t, want, got)
		c.Suspend()
		connect()
		connect()
		connect()
		c.Resume()
		synctest.Wait()
		require.Equal(t, want, got)
	})
}

// A listener that is resumed has its name already: it does not check in again.
func TestAListenerChecksInOnce(t *testing.T) {
	s := newStage(t, false)
	s.listener.Suspend()
	s.listener.Resume()
	s.listener.Activate()
	s.toListen.nothing(t, s.Launchd)
	require.NoError(t, s.world.client(s.process(ProcessConfig{}), mach(echoName), newRecorder()).Send(body("again")))
	s.toPeer.expect(t, "again")
	require.Empty(t, s.Findings())
}

// Clients that never sent anything end in the order of their creation.
func TestIdleClientsOfAnEndpointEndInOrder(t *testing.T) {
	t.Setenv(SeedVariable, "") // the order is the point
	for _, end := range []func(b backend, l driver.Conn){
		func(_ backend, l driver.Conn) { l.Cancel() },
		func(b backend, _ driver.Conn) { b.p.Crash() },
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			b, clients := w.process(ProcessConfig{}), w.process(ProcessConfig{})
			a, err := b.NewConn(driver.Spec{Kind: driver.KindAnonymous}, nil)
			require.NoError(t, err)
			acceptAll(a, newRecorder(), newRecorder())
			e, err := a.Endpoint()
			require.NoError(t, err)
			r := newRecorder()
			q := w.queue(clients, false)
			want := []string{}
			for i := range 20 {
				c, err := clients.NewConn(driver.Spec{Kind: driver.KindFromEndpoint, Endpoint: e}, q)
				require.NoError(t, err)
				c.SetHandler(func(ev driver.Event) { r.events <- fmt.Sprint(i, " ", text(ev)) })
				c.Activate()
				want = append(want, fmt.Sprint(i, " INVALID"))
			}
			end(b, a)
			require.Equal(t, want, r.seen())
		})
	}
}
