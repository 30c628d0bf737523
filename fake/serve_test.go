package fake_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/fake"
)

var greet = xpc.HandlerFunc(func(_ context.Context, m *xpc.Message) (any, error) {
	return xpc.Dictionary{"text": "hello, " + m.GetString("name")}, nil
})

func TestServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake.Serve(t, "com.example.greeter", fake.Handle(greet))
		c := s.Dial()
		var reply xpc.Dictionary
		require.NoError(t, c.Call(t.Context(), xpc.Dictionary{"name": "world"}, &reply))
		assert.Equal(t, "hello, world", reply.GetString("text"))

		s.Job.Process().Terminate() // a graceful end
		synctest.Wait()
		assert.Nil(t, s.Job.Process())
		require.NoError(t, c.Call(t.Context(), xpc.Dictionary{"name": "again"}, &reply))
		assert.Equal(t, 2, s.Job.Launches())
		assert.Contains(t, s.Trace(), `{"name": string "again"}`)
	})
}

// stop ends a test that cannot go on.
type stop struct{}

type testOf struct {
	fake.TB
	said    string
	cleanup func()
}

func (o *testOf) Helper()                   {}
func (o *testOf) Cleanup(f func())          { o.cleanup = f }
func (o *testOf) Errorf(s string, a ...any) { o.said += fmt.Sprintf(s, a...) }
func (o *testOf) Fatalf(s string, a ...any) {
	o.Errorf(s, a...)
	panic(stop{})
}

func TestServeWithoutAName(t *testing.T) {
	o := &testOf{TB: t}
	assert.PanicsWithValue(t, stop{}, func() { fake.Serve(o, "", nil) })
	assert.Contains(t, o.said, "needs a Label")
	o.cleanup()
}

func TestCloseReportsDescriptors(t *testing.T) { synctest.Test(t, closeReportsDescriptors) }

func closeReportsDescriptors(t *testing.T) {
	f, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer f.Close()
	o := &testOf{TB: t}
	w := fake.New(o)
	kept := make(chan *xpc.Message, 1)
	_, err = w.Load(fake.JobConfig{Label: "x", MachServices: []string{"x"}, Main: fake.Handle(xpc.HandlerFunc(func(_ context.Context, m *xpc.Message) (any, error) {
		kept <- m
		return nil, m.Retain()
	}))})
	require.NoError(t, err)
	p, err := w.NewProcess(fake.ProcessConfig{})
	require.NoError(t, err)
	c, err := xpc.NewClient("x", xpc.WithRuntime(p.Runtime()))
	require.NoError(t, err)
	require.NoError(t, c.Call(t.Context(), xpc.Dictionary{"a": f, "b": f}, nil))
	c.Close()
	<-c.Done()
	o.cleanup()
	assert.Contains(t, o.said, "1 messages were never released")
	assert.Contains(t, o.said, "2 descriptors in them are open")
	assert.False(t, strings.Contains(o.said, "still open"), "the end of the process has closed them")
	(<-kept).Release()
}

// libxpc knows of no full mailbox. That of a server fills up behind a handler
// that is held up.
func TestMailboxFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		s := fake.Serve(t, "x", fake.Handle(xpc.HandlerFunc(func(context.Context, *xpc.Message) (any, error) {
			<-hold
			return nil, nil
		}), xpc.WithMailbox(2)))
		c := s.Dial()
		results := make(chan error, 5)
		for range 5 {
			go func() { results <- c.Call(t.Context(), xpc.Dictionary{}, nil) }()
			synctest.Wait()
		}
		for range 2 {
			require.ErrorIs(t, <-results, xpc.ErrBusy)
		}
		close(hold)
		for range 3 {
			require.NoError(t, <-results)
		}
	})
}

func TestAFaultThroughPackageXPC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake.Serve(t, "x", fake.Handle(greet))
		c := s.Dial()
		held, err := s.Inject(fake.Fault{Point: fake.BeforeReply, Do: fake.Hold})
		require.NoError(t, err)
		result := make(chan error, 1)
		go func() { result <- c.Call(t.Context(), xpc.Dictionary{}, nil) }()
		<-held.Struck()
		s.Job.Process().Crash()
		err = <-result
		require.True(t, errors.Is(err, xpc.ErrInterrupted), err)
	})
}
