package fake_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/fake"
)

// A service under test and a client, in three lines. In a test, t is its
// *testing.T.
func ExampleServe() {
	t := new(exampleTest)
	defer t.end()

	s := fake.Serve(t, "com.example.greeter", fake.Handle(xpc.HandlerFunc(func(_ context.Context, m *xpc.Message) (any, error) {
		return xpc.Dictionary{"text": "hello, " + m.GetString("name")}, nil
	})))
	var reply xpc.Dictionary
	err := s.Dial().Call(context.Background(), xpc.Dictionary{"name": "world"}, &reply)

	fmt.Println(reply.GetString("text"), err)
	// Output: hello, world <nil>
}

// The service crashes between the work and the answer, once.
func ExampleLaunchd_Inject() {
	t := new(exampleTest)
	defer t.end()
	done := 0
	s := fake.Serve(t, "com.example.counter", fake.Handle(xpc.HandlerFunc(func(context.Context, *xpc.Message) (any, error) {
		done++
		return nil, nil
	})))
	c := s.Dial()

	_, err := s.Inject(fake.Fault{Point: fake.BeforeReply, Do: fake.Crash})
	if err != nil {
		fmt.Println(err)
	}
	err = c.Call(context.Background(), xpc.Dictionary{}, nil)
	fmt.Println(errors.Is(err, xpc.ErrInterrupted), done)
	err = c.Call(context.Background(), xpc.Dictionary{}, nil)
	fmt.Println(err, done, s.Job.Launches())
	// Output:
	// true 1
	// <nil> 2 2
}

// A reply that comes after its caller has given up.
func ExampleInjection_Release() {
	t := new(exampleTest)
	defer t.end()
	s := fake.Serve(t, "com.example.slow", fake.Handle(xpc.HandlerFunc(func(context.Context, *xpc.Message) (any, error) {
		return nil, nil
	})))
	c := s.Dial()
	held, err := s.Inject(fake.Fault{Point: fake.ReplyUnderWay, Do: fake.Hold})
	if err != nil {
		fmt.Println(err)
	}

	ctx, giveUp := context.WithCancel(context.Background())
	go func() {
		<-held.Struck()
		giveUp()
	}()
	fmt.Println(errors.Is(c.Call(ctx, xpc.Dictionary{}, nil), context.Canceled))
	held.Release()
	fmt.Println(c.Call(context.Background(), xpc.Dictionary{}, nil))
	// Output:
	// true
	// <nil>
}

// exampleTest stands for a test where there is none.
type exampleTest struct {
	testing.TB
	cleanup []func()
}

func (t *exampleTest) Helper()             {}
func (t *exampleTest) Failed() bool        { return false }
func (t *exampleTest) Logf(string, ...any) {}
func (t *exampleTest) Cleanup(f func())    { t.cleanup = append(t.cleanup, f) }
func (t *exampleTest) Errorf(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
}

func (t *exampleTest) end() {
	for i := range t.cleanup {
		t.cleanup[len(t.cleanup)-1-i]()
	}
}
