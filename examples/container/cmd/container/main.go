// Command container asks apple/container's daemon through package container.
// It does its work on macOS; elsewhere it says what is missing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"text/tabwriter"
	"time"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/examples/container"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const usage = `usage: container [-timeout 10s] COMMAND
  ping                how the daemon is
  list                all containers
  logs [-boot] ID     what a container wrote
  kill ID [SIGNAL]    send a signal (KILL if none is given)
`

// run is the command: 0 is success, 1 failure, 2 wrong usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, opts ...xpc.Option) int {
	flags := flag.NewFlagSet("container", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	timeout := flags.Duration("timeout", 10*time.Second, "")
	if flags.Parse(args) != nil {
		return 2
	}
	do := command(flags.Args())
	if do == nil {
		flags.Usage()
		return 2
	}
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	c, err := container.New(opts...)
	if err == nil {
		defer c.Close()
		err = do(ctx, c, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		if errors.Is(err, xpc.ErrInvalid) {
			fmt.Fprintln(stderr, "Start the daemon with: container system start")
		}
		return 1
	}
	return 0
}

type action func(ctx context.Context, c *container.Client, w io.Writer) error

// command finds what to do, nil if the arguments are wrong.
func command(args []string) action {
	switch {
	case len(args) == 1 && args[0] == "ping":
		return ping
	case len(args) == 1 && args[0] == "list":
		return list
	case len(args) == 2 && args[0] == "logs" && args[1] != "-boot":
		return logs(args[1], false)
	case len(args) == 3 && args[0] == "logs" && args[1] == "-boot":
		return logs(args[2], true)
	case len(args) == 2 && args[0] == "kill":
		return kill(args[1], "KILL")
	case len(args) == 3 && args[0] == "kill":
		return kill(args[1], args[2])
	}
	return nil
}

func ping(ctx context.Context, c *container.Client, w io.Writer) error {
	h, err := c.Ping(ctx)
	if err == nil {
		_, err = fmt.Fprintf(w, "%s, pid %d\napp root %s\n", h.Version, c.PID(), h.AppRoot)
	}
	return err
}

func list(ctx context.Context, c *container.Client, w io.Writer) error {
	all, err := c.List(ctx)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tIMAGE\tOS\tARCH\tSTATE")
	for _, c := range all {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", c.ID, c.Image, c.OS, c.Architecture, c.Status)
	}
	return t.Flush()
}

func logs(id string, boot bool) action {
	return func(ctx context.Context, c *container.Client, w io.Writer) error {
		l, err := c.Logs(ctx, id)
		if err != nil {
			return err
		}
		defer l.Close()
		f := l.Output
		if boot {
			f = l.Boot
		}
		_, err = io.Copy(w, f)
		return err
	}
}

func kill(id, signal string) action {
	return func(ctx context.Context, c *container.Client, _ io.Writer) error {
		return c.Kill(ctx, id, signal)
	}
}
