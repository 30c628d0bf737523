package fake

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

func TestCloseReportsWhatWasLeft(t *testing.T) { synctest.Test(t, closeReportsWhatWasLeft) }

func closeReportsWhatWasLeft(t *testing.T) {
	w := NewLaunchd(ReportLeaks())
	p, err := world{w, t}.load(nil).Launch()
	require.NoError(t, err)
	b := backend{p}
	l, err := b.NewConn(driver.Spec{Kind: driver.KindMachService, Name: echoName, Flags: driver.FlagListener}, nil)
	require.NoError(t, err)
	s := newRecorder()
	s.hold = true
	first := true
	l.SetHandler(func(ev driver.Event) {
		if ev.Peer != nil && first {
			first = false
			ev.Peer.SetHandler(s.handle)
			ev.Peer.Activate()
		}
	})
	l.Activate()
	require.NoError(t, b.TransactionBegin())
	ww := world{w, t}
	client := ww.process(ProcessConfig{Name: "app"})
	c := ww.client(client, mach(echoName), newRecorder())
	require.NoError(t, c.SendWithReply(body("x"), nil, newRecorder().handle))
	s.expect(t, "x")
	require.NoError(t, ww.client(client, mach(echoName), newRecorder()).Send(body("y")))
	err = w.Close()
	for _, want := range []string{
		`1 requests on connection #2 "com.example.echo" were never answered`,
		"connection #2 \"com.example.echo\" was never closed",
		`of listener "com.example.echo", from pid 1002, was neither activated nor cancelled`,
		"1 transactions were never ended",
		"1 messages were never released",
	} {
		require.ErrorContains(t, err, want)
	}
	require.Len(t, strings.Split(err.Error(), "\n"), 6)
}

type fakeTB struct {
	cleanup func()
	out     []string
	failed  bool
}

func (f *fakeTB) Helper()                   {}
func (f *fakeTB) Cleanup(g func())          { f.cleanup = g }
func (f *fakeTB) Failed() bool              { return f.failed }
func (f *fakeTB) Fatalf(s string, a ...any) { f.Errorf(s, a...) }
func (f *fakeTB) Logf(s string, a ...any)   { f.out = append(f.out, fmt.Sprintf(s, a...)) }
func (f *fakeTB) Errorf(s string, a ...any) {
	f.failed = true
	f.Logf(s, a...)
}

func TestNewFailsTheTestForALeakAndShowsLogAndSeed(t *testing.T) {
	synctest.Test(t, newFailsTheTestForALeakAndShowsLogAndSeed)
}

func newFailsTheTestForALeakAndShowsLogAndSeed(t *testing.T) {
	t.Setenv(SeedVariable, "")
	tb := &fakeTB{}
	w := New(tb, Shuffle(7))
	p, err := w.NewProcess(ProcessConfig{})
	require.NoError(t, err)
	require.NoError(t, backend{p}.TransactionBegin())
	tb.cleanup()
	require.True(t, tb.failed)
	out := strings.Join(tb.out, "\n")
	require.Contains(t, out, "transactions were never ended")
	require.Contains(t, out, "exited")
	require.Contains(t, out, "XPC_FAKE_SEED=7")
	t.Setenv(SeedVariable, "9")
	w = NewLaunchd(Shuffle(7))
	require.EqualValues(t, 9, w.Seed())
	require.NoError(t, w.Close())

	quiet := &fakeTB{}
	New(quiet)
	quiet.cleanup()
	require.Empty(t, quiet.out)
}

func TestShuffleKeepsWhatIsOrderedAndNothingElse(t *testing.T) {
	t.Setenv(SeedVariable, "")
	replies := map[string]bool{}
	for seed := range uint64(20) {
		w := newWorld(t, Shuffle(seed+1))
		l, s, r := newRecorder(), newRecorder(), newRecorder()
		w.echo(l, s)
		b := w.process(ProcessConfig{})
		q := w.queue(b, false)
		c, err := b.NewConn(mach(echoName), q)
		require.NoError(t, err)
		c.SetHandler(r.handle)
		c.Activate()
		var mu sync.Mutex
		var order []string
		var wg sync.WaitGroup
		in, out := make(chan struct{}), make(chan struct{})
		q.Async(func() { close(in); <-out })
		<-in
		for i := range 6 {
			wg.Add(2)
			require.NoError(t, c.SendWithReply(body(fmt.Sprint(i)), q, func(ev driver.Event) {
				mu.Lock()
				order = append(order, text(ev))
				mu.Unlock()
				ev.Message.Release()
				wg.Done()
			}))
			q.Async(func() {
				r.events <- fmt.Sprint(i)
				wg.Done()
			})
		}
		s.expect(t, "0", "1", "2", "3", "4", "5")
		close(out)
		wg.Wait()
		r.expect(t, "0", "1", "2", "3", "4", "5")
		replies[strings.Join(order, " ")] = true
	}
	require.Greater(t, len(replies), 5)
}

func TestTheLogTellsTheStoryAndCanBeWaitedOn(t *testing.T) {
	w := newWorld(t, LogMessages())
	l, s, r := newRecorder(), newRecorder(), newRecorder()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	launched := make(chan Event)
	go func() {
		e, _ := w.WaitFor(ctx, func(e Event) bool { return e.Kind == Launched })
		launched <- e
	}()
	j := w.echo(l, s)
	c := w.client(w.process(ProcessConfig{}), mach(echoName), r)
	require.Equal(t, "re:x", ask(t, c, "x"))
	require.Equal(t, j.Process(), (<-launched).Process)
	j.Unload()
	r.expect(t, "INTERRUPTED", "INVALID")
	var kinds []EventKind
	for i, e := range w.Events() {
		require.Equal(t, i+1, e.Seq)
		kinds = append(kinds, e.Kind)
	}
	require.Subset(t, []EventKind{Loaded, Connected, Launched, Sent, CheckedIn, Accepted, Delivered, Replied, Unloaded, Exited, Interrupted, Invalidated}, kinds)
	gone, stop := context.WithCancel(ctx)
	stop()
	_, err := w.WaitFor(gone, func(Event) bool { return false })
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, `unloaded`)
}

func TestTheLogForgetsWhatIsOld(t *testing.T) {
	w := newWorld(t)
	for range logSize + 10 {
		w.mu.Lock()
		w.log(Event{Kind: Loaded})
		w.mu.Unlock()
	}
	events := w.Events()
	require.Len(t, events, logSize)
	require.Equal(t, 11, events[0].Seq)
	require.Equal(t, logSize+10, events[logSize-1].Seq)
}
