package fake

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-xpc/xpc/driver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTransactions(t *testing.T) {
	w := newWorld(t)
	l, s, r := newRecorder(), newRecorder(), newRecorder()
	s.hold = true
	j, err := w.Load(JobConfig{Label: "x", MachServices: []string{echoName}, EnableTransactions: true, Main: serve(l, s)})
	require.NoError(t, err)
	c := w.client(w.process(ProcessConfig{}), mach(echoName), r)
	require.NoError(t, c.Send(body("one-way")))
	asked := newRecorder()
	require.NoError(t, c.SendWithReply(body("request"), nil, asked.handle))
	s.expect(t, "one-way", "request")
	p := j.Process()
	b := backend{p}
	require.NoError(t, b.TransactionBegin())
	require.ErrorContains(t, p.IdleExit(), "1 explicit transactions, and 2 messages")
	require.NoError(t, b.TransactionEnd())
	require.Error(t, b.TransactionEnd())
	s.messages()[0].Release()
	require.ErrorContains(t, p.IdleExit(), "and 1 messages")
	require.NoError(t, s.messages()[1].Reply(body("done")))
	asked.expect(t, "done")
	require.NoError(t, p.IdleExit())
	r.expect(t, "INTERRUPTED")
	require.ErrorContains(t, p.IdleExit(), "has exited")
	s.messages()[1].Release()
}

func TestIdleExitNeedsTheJobsConsent(t *testing.T) {
	w := newWorld(t)
	p, err := w.load(nil).Launch()
	require.NoError(t, err)
	require.ErrorContains(t, p.IdleExit(), "EnableTransactions")
}

func TestTerminatedProcessEndsWithItsLastTransaction(t *testing.T) {
	w := newWorld(t)
	l, s, r := newRecorder(), newRecorder(), newRecorder()
	s.hold = true
	j, err := w.Load(JobConfig{Label: "x", MachServices: []string{echoName}, EnablePressuredExit: true, Main: serve(l, s)})
	require.NoError(t, err)
	c := w.client(w.process(ProcessConfig{}), mach(echoName), r)
	require.NoError(t, c.SendWithReply(body("request"), nil, r.handle))
	s.expect(t, "request")
	p := j.Process()
	p.Terminate()
	s.expect(t, "TERMINATION_IMMINENT")
	require.NoError(t, s.messages()[0].Reply(body("last")))
	<-p.Done()
	w.Settle()
	require.ElementsMatch(t, []string{"last", "INTERRUPTED"}, []string{r.next(t), r.next(t)})
}

func TestInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewLaunchd()
		l, s, r := newRecorder(), newRecorder(), newRecorder()
		_, err := w.Load(JobConfig{Label: "x", MachServices: []string{echoName}, ExitTimeOut: time.Hour, Main: serve(l, s)})
		require.NoError(t, err)
		ww := world{w, t}
		c := ww.client(ww.process(ProcessConfig{}), mach(echoName), r)
		require.Equal(t, "re:x", ask(t, c, "x"))
		synctest.Wait()
		s.expect(t, "x")
		start := time.Now()
		j := w.jobs[0]
		j.Process().Terminate()
		s.expect(t, "TERMINATION_IMMINENT")
		<-j.Process().Done()
		require.Equal(t, time.Hour, time.Since(start))
		r.expect(t, "INTERRUPTED")
		require.NoError(t, w.Close())
	})
}

func TestCloseNamesAMainThatDoesNotReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewLaunchd()
		j, err := w.Load(JobConfig{Label: "x", Main: func(_ context.Context, p *Process) error {
			time.Sleep(time.Minute)
			return nil
		}})
		require.NoError(t, err)
		_, err = j.Launch()
		require.NoError(t, err)
		synctest.Wait()
		require.ErrorContains(t, w.Close(), "must return when its context ends")
		require.NoError(t, w.Close())
		_, err = w.Load(JobConfig{Label: "y"})
		require.Equal(t, errWorldClosed, err)
		_, err = w.NewProcess(ProcessConfig{})
		require.Equal(t, errWorldClosed, err)
		time.Sleep(time.Hour) // until Main has returned after all
	})
}

func TestEndedProcessRefusesEverything(t *testing.T) {
	s := newStage(t, false)
	s.clientProc.Crash()
	s.toClient.expect(t, "GONE")
	b := backend{s.clientProc}
	_, err := b.NewConn(mach(echoName), nil)
	require.ErrorContains(t, err, "crashed")
	require.Error(t, b.TransactionBegin())
	require.Error(t, s.client.Send(body("x")))
	require.Error(t, s.client.SendBarrier(func() {}))
	require.Error(t, s.client.SendWithReply(body("x"), nil, func(driver.Event) {}))
	require.Equal(t, "GONE", ask(t, s.client, "x"))
}

func TestBlockedSynchronousSendEndsWithItsProcess(t *testing.T) {
	s := newStage(t, false)
	answer := make(chan string)
	go func() { answer <- ask(t, s.client, "blocked") }()
	s.toPeer.expect(t, "blocked")
	s.clientProc.Crash()
	require.Equal(t, "GONE", <-answer)
}

func TestBundledServices(t *testing.T) {
	w := newWorld(t)
	s := newRecorder()
	require.NoError(t, w.LoadBundle(BundleConfig{Identifier: "com.example.app", Services: map[string]Main{
		"com.example.app.helper": func(ctx context.Context, p *Process) error {
			return backend{p}.Main(func(peer driver.Conn) {
				peer.SetHandler(s.handle)
				peer.Activate()
			})
		},
	}}))
	spec := driver.Spec{Kind: driver.KindBundled, Name: "com.example.app.helper"}
	for _, c := range []struct {
		bundle, want string
		spec         driver.Spec
	}{
		{"com.example.app", "re:x", spec},
		{"com.example.other", "INVALID", spec},
		{"", "INVALID", spec},
		{"com.example.app", "INVALID", mach("com.example.app.helper")},
	} {
		conn := w.client(w.process(ProcessConfig{Bundle: c.bundle}), c.spec, newRecorder())
		require.Equal(t, c.want, ask(t, conn, "x"), c)
	}
	b := w.process(ProcessConfig{})
	require.ErrorContains(t, b.Main(func(driver.Conn) {}), "row 195")
}

// A million messages over ten thousand connections to a hundred services.
func TestMemoryStaysFlat(t *testing.T) {
	services, conns, messages := 100, 10_000, 1_000_000
	if testing.Short() || raceEnabled {
		services, conns, messages = 10, 500, 20_000
	}
	w := newWorld(t)
	var got, wrong counter
	for i := range services {
		name := fmt.Sprintf("service.%d", i)
		_, err := w.Load(JobConfig{Label: name, MachServices: []string{name}, Main: func(ctx context.Context, p *Process) error {
			l, err := backend{p}.NewConn(driver.Spec{Kind: driver.KindMachService, Name: name, Flags: driver.FlagListener}, nil)
			if err != nil {
				return err
			}
			l.SetHandler(func(ev driver.Event) {
				if ev.Peer == nil {
					return
				}
				next := byte(0)
				ev.Peer.SetHandler(func(ev driver.Event) {
					if ev.Message == nil {
						return
					}
					if ev.Message.Body()[0] != next {
						wrong.Add(1)
					}
					next++
					got.Add(1)
					ev.Message.Release()
				})
				ev.Peer.Activate()
			})
			l.Activate()
			<-ctx.Done()
			return nil
		}})
		require.NoError(t, err)
	}
	b := w.process(ProcessConfig{})
	cs := make([]driver.Conn, conns)
	for i := range cs {
		cs[i] = w.client(b, mach(fmt.Sprintf("service.%d", i%services)), newRecorderSized(4))
	}
	var base uint64
	for round := range messages / conns {
		for _, c := range cs {
			_ = c.Send(&driver.Payload{Body: []byte{byte(round)}})
		}
		w.Settle()
		if round == 2 {
			base = heap()
		}
	}
	require.EqualValues(t, messages/conns*conns, got.Load())
	require.Zero(t, wrong.Load())
	require.Less(t, heap(), base+base/4+1<<20)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
