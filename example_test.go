package xpc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/fake"
)

// launch is a pretended launchd with one job, com.example.greeter, which serves
// with h, and the runtime of a client. On macOS launchd would be there already,
// and the runtime would be xpc.Native(), which needs no mention.
func launch(h xpc.HandlerFunc, opts ...xpc.Option) (w *fake.Launchd, job *fake.Job, client xpc.Option) {
	w = fake.NewLaunchd()
	job, err := w.Load(fake.JobConfig{
		Label:        "com.example.greeter",
		MachServices: []string{"com.example.greeter"},
		Main: func(ctx context.Context, p *fake.Process) error {
			l, err := xpc.NewListener("com.example.greeter", append(opts, xpc.WithRuntime(p.Runtime()))...)
			if err != nil {
				return err
			}
			(&xpc.Server{Handler: h}).Serve(ctx, l)
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	p, err := w.NewProcess(fake.ProcessConfig{})
	if err != nil {
		log.Fatal(err)
	}
	return w, job, xpc.WithRuntime(p.Runtime())
}

func greet(_ context.Context, m *xpc.Message) (any, error) {
	return xpc.Dictionary{"text": "hello, " + m.GetString("name")}, nil
}

// A call waits for the reply or for its context, whichever comes first.
func ExampleClient_Call() {
	w, _, client := launch(greet)
	defer w.Close()

	c, err := xpc.NewClient("com.example.greeter", client)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()

	type greeting struct {
		Text string `xpc:"text"`
	}
	var g greeting
	if err := c.Call(ctx, xpc.Dictionary{"name": "world"}, &g); err != nil {
		log.Fatal(err)
	}
	fmt.Println(g.Text)
	// Output: hello, world
}

// One-way messages are sent without waiting. Flush waits until they are out of
// the process, and only a reply tells that they have arrived.
func ExampleClient_Send() {
	total := int64(0)
	w, _, client := launch(func(_ context.Context, m *xpc.Message) (any, error) {
		total += m.GetInt64("add")
		return xpc.Dictionary{"total": total}, nil
	})
	defer w.Close()

	c, err := xpc.NewClient("com.example.greeter", client)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ctx := context.Background()
	for i := range 4 {
		if err := c.Send(xpc.Dictionary{"add": i}); err != nil {
			log.Fatal(err)
		}
	}
	if err := c.Flush(ctx); err != nil {
		log.Fatal(err)
	}
	var reply xpc.Dictionary
	if err := c.Call(ctx, xpc.Dictionary{}, &reply); err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply["total"])
	// Output: 6
}

// A service listens on a name of its own launchd job, and answers each request
// with a value or an error.
func ExampleServer() {
	w := fake.NewLaunchd()
	defer w.Close()
	job, err := w.Load(fake.JobConfig{Label: "com.example.sums", MachServices: []string{"com.example.sums"}})
	if err != nil {
		log.Fatal(err)
	}
	process, err := job.Launch()
	if err != nil {
		log.Fatal(err)
	}

	type request struct {
		Numbers []int64 `xpc:"numbers"`
	}
	s := &xpc.Server{Handler: xpc.HandlerFunc(func(ctx context.Context, m *xpc.Message) (any, error) {
		var in request
		if err := m.Decode(&in); err != nil {
			return nil, err
		}
		if len(in.Numbers) == 0 {
			return nil, &xpc.RemoteError{Code: "empty", Message: "nothing to add"}
		}
		sum := int64(0)
		for _, n := range in.Numbers {
			sum += n
		}
		return xpc.Dictionary{"sum": sum}, nil
	})}
	l, err := xpc.NewListener("com.example.sums", xpc.WithRuntime(process.Runtime()))
	if err != nil {
		log.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- s.Serve(context.Background(), l) }()

	p, err := w.NewProcess(fake.ProcessConfig{})
	if err != nil {
		log.Fatal(err)
	}
	c, err := xpc.NewClient("com.example.sums", xpc.WithRuntime(p.Runtime()))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ctx := context.Background()
	var reply xpc.Dictionary
	err = c.Call(ctx, request{[]int64{1, 2, 3}}, &reply)
	fmt.Println(reply["sum"], err)
	fmt.Println(c.Call(ctx, request{}, nil))

	fmt.Println(s.Shutdown(ctx))
	fmt.Println(<-served)
	// Output:
	// 6 <nil>
	// xpc: the other side answered: empty: nothing to add
	// <nil>
	// xpc: server closed
}

// An anonymous listener has no name: whoever receives its endpoint in a message
// can connect. Here a client hands one to the service, which reports to it.
func ExampleListener_Endpoint() {
	w, _, client := launch(func(ctx context.Context, m *xpc.Message) (any, error) {
		back, err := xpc.NewEndpointClient(m.GetEndpoint("progress"), xpc.WithRuntime(m.Connection().Runtime()))
		if err != nil {
			return nil, err
		}
		defer back.Close()
		for _, percent := range []int{50, 100} {
			if err := back.Call(ctx, xpc.Dictionary{"percent": percent}, nil); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	defer w.Close()

	l, err := xpc.NewListener("", client)
	if err != nil {
		log.Fatal(err)
	}
	s := &xpc.Server{Handler: xpc.HandlerFunc(func(_ context.Context, m *xpc.Message) (any, error) {
		fmt.Println(m.GetInt64("percent"), "percent")
		return nil, nil
	})}
	go s.Serve(context.Background(), l)
	defer s.Shutdown(context.Background())

	e, err := l.Endpoint()
	if err != nil {
		log.Fatal(err)
	}
	c, err := xpc.NewClient("com.example.greeter", client)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Println(c.Call(context.Background(), xpc.Dictionary{"progress": e}, nil))
	// Output:
	// 50 percent
	// 100 percent
	// <nil>
}

// Level 1 is libxpc's own calls: a connection is inactive until it has a handler
// and was activated.
func ExampleConnection() {
	w, _, _ := launch(greet)
	defer w.Close()
	p, err := w.NewProcess(fake.ProcessConfig{})
	if err != nil {
		log.Fatal(err)
	}

	c, err := p.Runtime().NewMachService("com.example.greeter", nil, 0)
	if err != nil {
		log.Fatal(err)
	}
	err = c.SetEventHandler(func(e xpc.Event) {
		switch e := e.(type) {
		case *xpc.Message:
			fmt.Println("a message of the service's own accord")
		case *xpc.Error:
			fmt.Println("event:", errors.Is(e, xpc.ErrInvalid))
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Activate(); err != nil {
		log.Fatal(err)
	}
	reply := make(chan string)
	err = c.SendMessageWithReply(xpc.Dictionary{"name": "level 1"}, nil, func(e xpc.Event) {
		switch e := e.(type) {
		case *xpc.Message:
			reply <- e.GetString("text")
		case *xpc.Error:
			reply <- e.Error()
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-reply)
	c.Cancel()
	<-c.Done()
	c.Close()
	// Output:
	// hello, level 1
	// event: true
}

// While a connection is suspended it neither sends nor delivers; nothing is lost.
func ExampleConnection_Suspend() {
	w, job, client := launch(greet)
	defer w.Close()
	c, err := xpc.NewClient("com.example.greeter", client)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	conn := c.Connection()
	conn.Suspend()
	conn.Suspend()
	c.Send(xpc.Dictionary{})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	fmt.Println(c.Flush(ctx), job.Launches())
	conn.Resume()
	conn.Resume()
	fmt.Println(c.Flush(context.Background()))
	fmt.Println(errors.Is(conn.Resume(), xpc.ErrMisuse), "- libxpc would have ended the process")
	// Output:
	// context deadline exceeded 0
	// <nil>
	// true - libxpc would have ended the process
}

// A requirement on how the other side is signed is checked by the system for
// every message, and fails closed.
func ExampleWithPeerRequirement() {
	w, _, client := launch(greet)
	defer w.Close()
	ctx := context.Background()

	c, err := xpc.NewClient("com.example.greeter", client,
		xpc.WithPeerRequirement(xpc.PlatformIdentity{SigningID: "com.apple.greeter"}))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Println(errors.Is(c.Call(ctx, xpc.Dictionary{}, nil), xpc.ErrPeerRequirement))
	// Output: true
}

// A transaction keeps launchd from ending the process as idle. A message does
// the same by itself while it is held.
func ExampleRuntime_TransactionBegin() {
	w := fake.NewLaunchd()
	defer w.Close()
	job, err := w.Load(fake.JobConfig{Label: "com.example.worker", EnableTransactions: true})
	if err != nil {
		log.Fatal(err)
	}
	process, err := job.Launch()
	if err != nil {
		log.Fatal(err)
	}
	rt := process.Runtime()

	rt.TransactionBegin()
	fmt.Println("may be ended:", process.IdleExit() == nil)
	rt.TransactionEnd()
	fmt.Println("may be ended:", process.IdleExit() == nil)
	// Output:
	// may be ended: false
	// may be ended: true
}

// A file in a message is a descriptor for the receiver, who closes it.
func Example_descriptor() {
	w, _, client := launch(func(_ context.Context, m *xpc.Message) (any, error) {
		f, err := os.CreateTemp("", "report")
		if err != nil {
			return nil, err
		}
		defer f.Close() // Reply has duplicated it by then
		defer os.Remove(f.Name())
		if _, err := f.WriteString("all is well"); err != nil {
			return nil, err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		return nil, m.Reply(xpc.Dictionary{"report": f})
	})
	defer w.Close()

	c, err := xpc.NewClient("com.example.greeter", client)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	reply, err := c.CallMessage(context.Background(), xpc.Dictionary{})
	if err != nil {
		log.Fatal(err)
	}
	defer reply.Release()
	f := reply.GetFile("report")
	defer f.Close()
	text, err := io.ReadAll(f)
	fmt.Println(string(text), err)
	// Output: all is well <nil>
}

// Close ends a connection in any state. Cancel is libxpc's own: the handler still
// gets its last event, and waiting requests fail.
func ExampleConnection_Close() {
	w, _, _ := launch(greet)
	defer w.Close()
	p, err := w.NewProcess(fake.ProcessConfig{})
	if err != nil {
		log.Fatal(err)
	}
	c, err := p.Runtime().NewMachService("com.example.greeter", nil, 0)
	if err != nil {
		log.Fatal(err)
	}
	c.SetEventHandler(func(e xpc.Event) { fmt.Println("last event:", errors.Is(e.(*xpc.Error), xpc.ErrInvalid)) })
	c.Activate()
	c.Cancel()
	<-c.Done()
	_, err = c.Call(context.Background(), xpc.Dictionary{})
	fmt.Println("after Cancel:", errors.Is(err, xpc.ErrInvalid))
	c.Close()
	fmt.Println("after Close:", errors.Is(c.SendMessage(xpc.Dictionary{}), xpc.ErrClosed))
	// Output:
	// last event: true
	// after Cancel: true
	// after Close: true
}

// What went wrong is told with errors.Is; the text says what to check.
func Example_errors() {
	crash := make(chan func(), 1)
	w, job, client := launch(func(ctx context.Context, m *xpc.Message) (any, error) {
		(<-crash)()
		return nil, nil
	})
	defer w.Close()
	crash <- func() { job.Process().Crash() }
	ctx := context.Background()

	c, err := xpc.NewClient("com.example.greeter", client)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	err = c.Call(ctx, xpc.Dictionary{}, nil)
	fmt.Println("interrupted:", errors.Is(err, xpc.ErrInterrupted))
	crash <- func() {}
	fmt.Println("and again:", c.Call(ctx, xpc.Dictionary{}, nil))

	c, err = xpc.NewClient("com.example.greter", client)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	err = c.Call(ctx, xpc.Dictionary{}, nil)
	var e *xpc.Error
	fmt.Println("invalid:", errors.Is(err, xpc.ErrInvalid), errors.As(err, &e))
	fmt.Println(e.Hint)
	// Output:
	// interrupted: true
	// and again: <nil>
	// invalid: true true
	// check that the name is in MachServices of the job's property list, that the job is bootstrapped in this domain (launchctl print), and that the sandbox allows the lookup
}
