package fake

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

// inject is a fault in a scene.
func (s *scene) inject(t *testing.T, f Fault) *Injection {
	t.Helper()
	i, err := s.Inject(f)
	require.NoError(t, err)
	return i
}

// asks sends a request and gives what its outcome arrives in.
func (s *scene) asks(t *testing.T, text string) *recorder {
	t.Helper()
	r := newRecorder()
	require.NoError(t, s.client.SendWithReply(body(text), nil, r.handle))
	return r
}

// What the client gets for a first request under each fault, and what it sees
// beside that.
func TestWhatEachFaultDoesToTheFirstRequest(t *testing.T) {
	interrupted := []string{"INTERRUPTED"}
	gone := []string{"INTERRUPTED", "INVALID"}
	for _, c := range []struct {
		point    Point
		do       Action
		outcome  string
		events   []string
		launches int
	}{
		{BeforeLaunch, Crash, "INTERRUPTED", interrupted, 0},
		{BeforeLaunch, Unload, "INTERRUPTED", gone, 0},
		{BeforeLaunch, Hold, "re:x", nil, 1},
		{BeforeCheckIn, Crash, "INTERRUPTED", interrupted, 1},
		{BeforeCheckIn, Exit, "INTERRUPTED", interrupted, 1},
		{BeforeCheckIn, Unload, "INTERRUPTED", gone, 1},
		{BeforeCheckIn, Hold, "re:x", nil, 1},
		{AfterPeer, Crash, "INTERRUPTED", interrupted, 1},
		{AfterPeer, CancelPeer, "INTERRUPTED", interrupted, 1},
		{AfterPeer, CancelListener, "re:x", nil, 1},
		{AfterPeer, CrashOther, "", []string{"GONE"}, 1},
		{AfterPeer, Hold, "re:x", nil, 1},
		{BeforeDelivery, Crash, "INTERRUPTED", interrupted, 1},
		{BeforeDelivery, Drop, "INTERRUPTED", nil, 1},
		{BeforeDelivery, Hold, "re:x", nil, 1},
		{AfterDelivery, Crash, "re:x", interrupted, 1},
		{BeforeReply, Crash, "INTERRUPTED", interrupted, 1},
		{BeforeReply, Terminate, "re:x", nil, 1},
		{BeforeReply, CancelPeer, "INTERRUPTED", interrupted, 1},
		{BeforeReply, Drop, "INTERRUPTED", nil, 1},
		{BeforeReply, Hold, "re:x", nil, 1},
		{ReplyUnderWay, Crash, "re:x", interrupted, 1},
		{ReplyUnderWay, CancelPeer, "re:x", interrupted, 1},
		{ReplyUnderWay, Hold, "re:x", nil, 1},
	} {
		f := Fault{Point: c.point, Do: c.do}
		if c.do == Hold {
			f.For = time.Second
		}
		t.Run(f.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t)
				i := s.inject(t, f)
				start := time.Now()
				r := s.asks(t, "x")
				if c.do == Hold {
					require.Empty(t, r.seen())
				}
				if c.outcome != "" {
					r.expect(t, c.outcome)
				}
				require.Equal(t, f.For, time.Since(start))
				require.Equal(t, c.events, s.toClient.seen())
				require.Equal(t, c.launches, s.job.Launches())
				require.Equal(t, 1, i.Hits())
				<-i.Struck()
			})
		})
	}
}

func TestFailedRequirements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		peer := s.peer(t)
		i := s.inject(t, Fault{Point: BeforeReply, Do: FailRequirement})
		require.Equal(t, "re:1", ask(t, s.client, "1"))
		require.Zero(t, i.Hits(), "the client has no requirement")
		own := driver.Requirement{Kind: driver.RequireCodeSigning, Text: `identifier ""`, HasText: true}
		require.NoError(t, s.client.SetPeerRequirement(own))
		require.Equal(t, "PEER_REQUIREMENT", ask(t, s.client, "2"))
		require.Equal(t, "re:3", ask(t, s.client, "3"))
		require.NoError(t, peer.SetPeerRequirement(own))
		s.inject(t, Fault{Point: BeforeDelivery, Do: FailRequirement})
		require.Equal(t, "INTERRUPTED", ask(t, s.client, "4"))
		require.Equal(t, []string{"1", "2", "3", "PEER_REQUIREMENT"}, s.toPeer.seen())
	})
}

func TestCutDescriptors(t *testing.T) {
	w := newWorld(t)
	l, p := newRecorder(), newRecorder()
	p.hold = true
	w.echo(l, p)
	c := w.client(w.process(ProcessConfig{}), mach(echoName), newRecorder())
	i, err := w.Inject(Fault{Point: BeforeDelivery, Do: CutDescriptors})
	require.NoError(t, err)
	require.NoError(t, c.Send(body("none")))
	require.NoError(t, c.Send(withFD("two", seedFile(t), seedFile(t))))
	p.expect(t, "none", "two")
	require.Equal(t, 1, i.Hits())
	m := p.messages()[1]
	require.Equal(t, 2, m.Resources())
	_, err = m.DupFD(1)
	require.ErrorIs(t, err, errCut)
	m.Release()
	p.messages()[0].Release()
	w.Settle()
	require.Zero(t, w.descriptors.Load())
}

func TestAHeldReplyIsReleasedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		held := s.inject(t, Fault{Point: ReplyUnderWay, Do: Hold})
		r := s.asks(t, "x")
		<-held.Struck()
		s.job.Process().Crash()
		require.Equal(t, []string{"INTERRUPTED"}, s.toClient.seen())
		require.Empty(t, r.seen(), "the reply has left before the crash")
		held.Release()
		r.expect(t, "re:x")

		// One that has not left is lost with its process.
		held = s.inject(t, Fault{Point: BeforeReply, Do: Hold})
		r = s.asks(t, "y")
		<-held.Struck()
		require.ErrorContains(t, s.idle(), "is open", "a reply that is still due keeps the process")
		s.job.Process().Crash()
		r.expect(t, "INTERRUPTED")
		held.Release()
		require.Empty(t, r.seen())

		// One whose request was cancelled goes nowhere.
		held = s.inject(t, Fault{Point: ReplyUnderWay, Do: Hold})
		r = s.asks(t, "z")
		<-held.Struck()
		s.client.Cancel()
		r.expect(t, "INVALID")
		held.Remove()
		require.Empty(t, r.seen())
	})
}

// idle asks an idle exit of a job that has opted in to it.
func (s *scene) idle() error {
	p := s.job.Process()
	if p.transactions() > 0 {
		return fmt.Errorf("a transaction is open")
	}
	return nil
}

func TestWhatIsHeldKeepsItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.inject(t, Fault{Point: BeforeDelivery, Do: Hold, Nth: 2, For: time.Second})
		for i := range 4 {
			require.NoError(t, s.client.Send(body(fmt.Sprint(i))))
		}
		require.Equal(t, []string{"0"}, s.toPeer.seen())
		time.Sleep(time.Second)
		require.Equal(t, []string{"1", "2", "3"}, s.toPeer.seen())
	})
}

func TestWhereAndWhenFaultsStrike(t *testing.T) {
	drop := func(f Fault) Fault {
		f.Point, f.Do = BeforeDelivery, Drop
		return f
	}
	for name, c := range map[string]struct {
		fault func(s *scene, peer driver.Conn) Fault
		left  string
	}{
		"once":              {func(*scene, driver.Conn) Fault { return Fault{} }, "1234567"},
		"the third":         {func(*scene, driver.Conn) Fault { return Fault{Nth: 3} }, "0134567"},
		"two from the 4th":  {func(*scene, driver.Conn) Fault { return Fault{Nth: 4, Times: 2} }, "012567"},
		"always":            {func(*scene, driver.Conn) Fault { return Fault{Times: Always} }, ""},
		"this name":         {func(*scene, driver.Conn) Fault { return Fault{Name: echoName, Times: 2} }, "234567"},
		"another name":      {func(*scene, driver.Conn) Fault { return Fault{Name: "other", Times: Always} }, "01234567"},
		"this process":      {func(s *scene, _ driver.Conn) Fault { return Fault{Process: s.job.Process()} }, "1234567"},
		"another process":   {func(s *scene, _ driver.Conn) Fault { return Fault{Process: s.proc.p, Times: Always} }, "01234567"},
		"this connection":   {func(_ *scene, p driver.Conn) Fault { return Fault{Conn: int(p.(*conn).id)} }, "1234567"},
		"other connection":  {func(s *scene, _ driver.Conn) Fault { return Fault{Conn: int(s.client.(*conn).id), Times: Always} }, "01234567"},
		"at the client":     {func(*scene, driver.Conn) Fault { return Fault{AtClient: true, Times: Always} }, "01234567"},
		"probably, seed 11": {func(*scene, driver.Conn) Fault { return Fault{Probability: 0.5, Times: Always} }, "56"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(SeedVariable, "")
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, FaultSeed(11))
				peer := s.peer(t)
				s.inject(t, drop(c.fault(s, peer)))
				for i := range 8 {
					require.NoError(t, s.client.Send(body(fmt.Sprint(i))))
				}
				got := ""
				for _, m := range s.toPeer.seen() {
					got += m
				}
				require.Equal(t, c.left, got)
			})
		})
	}
}

func TestFaultsAtTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		peer := s.peer(t)
		s.inject(t, Fault{Point: BeforeDelivery, Do: Drop, AtClient: true})
		s.inject(t, Fault{Point: BeforeReply, Do: Hold, AtClient: true, For: time.Second})
		require.NoError(t, peer.Send(body("lost")))
		start := time.Now()
		require.Equal(t, "re:question", ask(t, peer, "question"))
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, []string{"question"}, s.toClient.seen())
	})
}

func TestASlowLaunch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		slow := s.inject(t, Fault{Point: BeforeLaunch, Do: Hold, Name: echoName, Times: Always})
		r := s.asks(t, "1")
		_, err := s.job.Launch()
		require.ErrorContains(t, err, "a fault keeps it")
		s.job.Unload()
		r.expect(t, "INTERRUPTED")
		slow.Release()
		require.Nil(t, s.job.Process())
		require.NoError(t, s.job.Load())
		c := s.world.client(s.proc, mach(echoName), newRecorder())
		require.NoError(t, c.Send(body("2")))
		require.Empty(t, s.toPeer.seen())
		slow.Remove()
		require.Equal(t, []string{"2"}, s.toPeer.seen())
		require.Equal(t, 2, slow.Hits())
	})
}

// A launch that fails is tried again, but not in a hurry.
func TestALaunchThatFailsIsThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		i, err := w.Inject(Fault{Point: BeforeLaunch, Do: Crash, Times: 3})
		require.NoError(t, err)
		j, err := w.Load(JobConfig{Label: "x", KeepAlive: KeepAlive{Always: true}})
		require.NoError(t, err)
		time.Sleep(25 * time.Second)
		require.Equal(t, []int{3, 0}, []int{i.Hits(), j.Launches()})
		time.Sleep(10 * time.Second)
		require.Equal(t, 1, j.Launches())
	})
}

func TestFaultsThatMeanNothing(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		f    Fault
		want string
	}{
		{Fault{}, `the point "" is not known`},
		{Fault{Point: BeforeLaunch, Do: Drop}, `the action "drop" means nothing before the launch`},
		{Fault{Point: ReplyUnderWay, Do: Drop}, "means nothing"},
		{Fault{Point: BeforeReply, Do: Drop, For: 1}, "For goes with Hold"},
		{Fault{Point: BeforeReply, Do: Drop, Probability: 2}, "out of range"},
		{Fault{Point: BeforeReply, Do: Drop, Nth: -1}, "out of range"},
		{Fault{Point: BeforeReply, Do: Drop, Times: -2}, "out of range"},
	} {
		_, err := w.Inject(c.f)
		require.ErrorContains(t, err, c.want)
	}
	for _, f := range Faults() {
		require.NoError(t, f.check())
		require.Contains(t, f.Point.Actions(), f.Do)
	}
	require.NoError(t, w.Close())
	_, err := w.Inject(Faults()[0])
	require.Equal(t, errWorldClosed, err)
}

func TestTheWorldEndsWithSomethingHeldEverywhere(t *testing.T) {
	for _, p := range Points() {
		if p == AfterDelivery {
			continue
		}
		t.Run(string(p), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t)
				i := s.inject(t, Fault{Point: p, Do: Hold})
				j := s.inject(t, Fault{Point: p, Do: Hold, For: time.Hour})
				first, second := s.asks(t, "x"), s.asks(t, "y")
				<-i.Struck()
				_, _ = first.seen(), second.seen()
				require.NoError(t, s.Close())
				i.Release()
				j.Remove()
				require.Zero(t, s.descriptors.Load())
			})
		})
	}
}

// A fault is in the log, so that a test can wait for it.
func TestFaultsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.inject(t, Fault{Point: BeforeDelivery, Do: Crash})
		s.asks(t, "x").expect(t, "INTERRUPTED")
		e, err := s.WaitFor(t.Context(), func(e Event) bool { return e.Kind == Faulted })
		require.NoError(t, err)
		require.Equal(t, "crash before the delivery", e.Detail)
		require.Equal(t, echoName, e.Name)
		require.Equal(t, "com.example.job", e.Job)
		require.NotZero(t, e.Conn)
	})
}
