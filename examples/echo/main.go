// Command echo is a service and its client in one process, joined by an
// anonymous listener: on macOS on libxpc, elsewhere on package fake. The two
// files runtime_darwin.go and runtime_other.go are the whole difference.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-xpc/xpc"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

// Note is what is echoed: a struct is a dictionary on the wire.
type Note struct {
	Text  string    `xpc:"text"`
	Count int64     `xpc:"count"`
	When  time.Time `xpc:"when"`
	Raw   []byte    `xpc:"raw"`
}

// handle is the service.
func handle(ctx context.Context, m *xpc.Message) (any, error) {
	var n Note
	if err := m.Decode(&n); err != nil {
		return nil, err
	}
	if n.Text == "" {
		return nil, &xpc.RemoteError{Code: xpc.CodeBadRequest, Message: "nothing to echo"}
	}
	n.Count++
	return n, nil
}

func run(ctx context.Context, w io.Writer) (err error) {
	rt, where, closeRuntime, err := newRuntime()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeRuntime()) }()

	l, err := xpc.NewListener("", xpc.WithRuntime(rt))
	if err != nil {
		return err
	}
	e, err := l.Endpoint()
	if err != nil {
		l.Close()
		return err
	}
	s := &xpc.Server{Handler: xpc.HandlerFunc(handle)}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	defer func() {
		err = errors.Join(err, s.Shutdown(ctx))
		if e := <-served; !errors.Is(e, xpc.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}()

	c, err := xpc.NewEndpointClient(e, xpc.WithRuntime(rt))
	if err != nil {
		return err
	}
	defer c.Close()
	return echo(ctx, w, c, where)
}

// echo is the client.
func echo(ctx context.Context, w io.Writer, c *xpc.Client, where string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	in := Note{Text: "hello", When: time.Date(2007, 1, 9, 9, 41, 0, 0, time.UTC), Raw: []byte{1, 2, 3}}
	for range 3 {
		var out Note
		if err := c.Call(ctx, in, &out); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s: %q, count %d, %s, %v\n", where, out.Text, out.Count, out.When.Format(time.DateTime), out.Raw)
		in = out
	}
	var refused *xpc.RemoteError
	err := c.Call(ctx, Note{When: in.When}, nil)
	if !errors.As(err, &refused) {
		return fmt.Errorf("an empty note was not refused: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s: refused: %s\n", where, refused.Message)
	return err
}
