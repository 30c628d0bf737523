// Command demo is the tour: a client of apple/container's daemon, with a
// pretended launchd and a pretended daemon in the same process. Run it from the
// root of the module, with make demo.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/examples/container"
	"github.com/go-xpc/xpc/examples/container/internal/daemon"
	"github.com/go-xpc/xpc/fake"
)

func main() {
	plist := flag.String("plist", filepath.FromSlash("examples/container/testdata/com.apple.container.apiserver.plist"), "property list of the daemon's job")
	flag.Parse()
	if err := run(os.Stdout, *plist); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// tour prints what it does and stops at the first thing that is not as it should.
type tour struct {
	w   io.Writer
	err error
}

func (t *tour) step(format string, args ...any) { fmt.Fprintf(t.w, "\n== "+format+"\n", args...) }
func (t *tour) say(format string, args ...any)  { fmt.Fprintf(t.w, "   "+format+"\n", args...) }

// want records the first error that should not be.
func (t *tour) want(err error) bool {
	if err != nil && t.err == nil {
		t.err = err
	}
	return t.err == nil
}

// wantError prints an error that should be, and how a program tells it.
func (t *tour) wantError(err error, name string, is error) {
	if !errors.Is(err, is) {
		t.want(fmt.Errorf("this should have been %s: %w", name, err))
		return
	}
	t.say("error: %s", strings.ReplaceAll(err.Error(), "; ", ";\n          "))
	t.say("errors.Is(err, %s): true", name)
}

func run(w io.Writer, plist string) error {
	t := &tour{w: w}
	fmt.Fprintf(w, "A client of apple/container's daemon on %s/%s, against a pretended launchd.\n", runtime.GOOS, runtime.GOARCH)
	fmt.Fprintln(w, "On macOS the same client talks to the real one: go run ./examples/container/cmd/container")

	launchd := fake.NewLaunchd()
	t.play(launchd, plist)
	t.want(launchd.Close())
	if t.err == nil {
		t.step("done: every process ended, nothing is left open")
	}
	return t.err
}

func (t *tour) play(launchd *fake.Launchd, plist string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	d := daemon.New(
		daemon.Container{ID: "web", Image: "docker.io/library/nginx:1.29", Status: "running",
			Log: "GET / 200\nGET /favicon.ico 404\n", BootLog: "vminitd booted\n"},
		daemon.Container{ID: "db", Image: "docker.io/library/postgres:18", Status: "running"},
		daemon.Container{ID: "job", Image: "docker.io/library/alpine:3.22", Status: "stopped"},
	)
	deadly := true
	d.Before = func(p *fake.Process, route string) {
		if route == "containerKill" && deadly {
			deadly = false
			p.Crash()
		}
	}

	t.step("launchctl bootstrap %s %s", fake.User, filepath.Base(plist))
	job, err := d.Load(launchd, plist)
	if !t.want(err) {
		return
	}
	t.say("job %s is loaded, RunAtLoad: pid %d", job.Label(), job.Process().PID())

	app, err := launchd.NewProcess(fake.ProcessConfig{Name: "demo"})
	if !t.want(err) {
		return
	}
	// The runtime is all that tells this client from one on macOS.
	c, err := container.New(xpc.WithRuntime(app.Runtime()))
	if !t.want(err) {
		return
	}
	defer c.Close()

	t.ping(ctx, c)
	t.list(ctx, c)
	t.logs(ctx, c, "web")

	t.step("kill web, and the daemon dies under the request")
	t.wantError(c.Kill(ctx, "web", "TERM"), "xpc.ErrInterrupted", xpc.ErrInterrupted)

	t.step("the same client again: launchd relaunches the daemon")
	if t.want(c.Kill(ctx, "web", "TERM")) {
		t.say("killed; answered by pid %d, launches: %d", c.PID(), job.Launches())
	}
	t.list(ctx, c)

	t.step("logs of a container that does not exist: the daemon's own error")
	_, err = c.Logs(ctx, "nothing")
	var failure *container.Error
	if errors.As(err, &failure) {
		t.say("error: %v", err)
		t.say("code %q", failure.Code)
	} else {
		t.want(fmt.Errorf("this should have been a *container.Error: %w", err))
	}

	t.step("a name that nobody serves")
	nobody, err := xpc.NewClient("com.apple.container.apiservr", xpc.WithRuntime(app.Runtime()))
	if t.want(err) {
		defer nobody.Close()
		t.wantError(nobody.Call(ctx, xpc.Dictionary{}, nil), "xpc.ErrInvalid", xpc.ErrInvalid)
	}
}

func (t *tour) ping(ctx context.Context, c *container.Client) {
	t.step("ping")
	if h, err := c.Ping(ctx); t.want(err) {
		t.say("%s", h.Version)
		t.say("app root %s, answered by pid %d", h.AppRoot, c.PID())
	}
}

func (t *tour) list(ctx context.Context, c *container.Client) {
	t.step("list")
	all, err := c.List(ctx)
	if t.want(err) {
		for _, c := range all {
			t.say("%-4s %-8s %s/%s  %s", c.ID, c.Status, c.OS, c.Architecture, c.Image)
		}
	}
}

func (t *tour) logs(ctx context.Context, c *container.Client, id string) {
	t.step("logs %s, read through a descriptor that the daemon passed", id)
	l, err := c.Logs(ctx, id)
	if !t.want(err) {
		return
	}
	defer l.Close()
	lines := bufio.NewScanner(l.Output)
	for lines.Scan() {
		t.say("| %s", lines.Text())
	}
	t.want(lines.Err())
}
