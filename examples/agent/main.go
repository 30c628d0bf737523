// Command agent is a LaunchAgent and its client. launchd starts it when somebody
// sends it a message, may end it when it has nothing to do, and starts it again.
//
//	make install    # build it, and load its property list
//	agent hello you # the client: launches the service
//	make uninstall
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-xpc/xpc"
)

// Service is the name in the property list's MachServices.
const Service = "com.github.go-xpc.examples.agent"

const usage = `usage:
  agent hello NAME   say hello to the service
  agent serve        be the service; launchd calls this`

func main() {
	if err := command(os.Args[1:], os.Stdout, xpc.Native()); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

func command(args []string, w io.Writer, rt *xpc.Runtime) error {
	switch {
	case len(args) == 1 && args[0] == "serve":
		// Caught as early as possible: what arrives before ends the process.
		term, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		return serve(context.Background(), rt, term.Done())
	case len(args) == 2 && args[0] == "hello":
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return hello(ctx, w, rt, args[1])
	}
	return errors.New(usage)
}

// Hello and Greeting are request and reply.
type Hello struct {
	Name string `xpc:"name"`
}

type Greeting struct {
	Text    string `xpc:"text"`
	PID     int64  `xpc:"pid"`
	Greeted int64  `xpc:"greeted"` // by this process so far
}

// serve answers until it is told to end: by terminated, when launchd wants it
// gone, it finishes what it is at.
func serve(ctx context.Context, rt *xpc.Runtime, terminated <-chan struct{}) error {
	// Only processes of the same user can reach a LaunchAgent. Whoever needs to
	// know more of them adds xpc.WithPeerRequirement.
	l, err := xpc.NewListener(Service, xpc.WithRuntime(rt))
	if err != nil {
		return err
	}
	var greeted atomic.Int64
	s := &xpc.Server{Handler: xpc.HandlerFunc(func(_ context.Context, m *xpc.Message) (any, error) {
		var in Hello
		if err := m.Decode(&in); err != nil {
			return nil, err
		}
		if in.Name == "" {
			return nil, &xpc.RemoteError{Code: xpc.CodeBadRequest, Message: "who is there?"}
		}
		return Greeting{Text: "hello, " + in.Name, PID: int64(os.Getpid()), Greeted: greeted.Add(1)}, nil
	})}
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-terminated:
		case <-over:
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = s.Shutdown(ctx) // its error is that time is up
	}()
	if err := s.Serve(ctx, l); !errors.Is(err, xpc.ErrServerClosed) {
		return err
	}
	return nil
}

// hello is the client.
func hello(ctx context.Context, w io.Writer, rt *xpc.Runtime, name string) error {
	c, err := xpc.NewClient(Service, xpc.WithRuntime(rt))
	if err != nil {
		return err
	}
	defer c.Close()
	var g Greeting
	if err := c.Call(ctx, Hello{Name: name}, &g); err != nil {
		if errors.Is(err, xpc.ErrInvalid) {
			return fmt.Errorf("%w (is it installed? run make install in examples/agent)", err)
		}
		return err
	}
	_, err = fmt.Fprintf(w, "%s (process %d, greeting %d)\n", g.Text, g.PID, g.Greeted)
	return err
}
