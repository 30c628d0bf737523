//go:build unix

package agent

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/xpctest"
)

// GuardVariable holds the directory of the place that a guard looks after.
const GuardVariable = "XPC_TEST_AGENT_GUARD"

// startGuard starts a process that clears the place when this one ends, in
// whatever way: it waits for the end of its input. stop has it do so now.
func startGuard(cmd *exec.Cmd, p *Place) (stop func() error, err error) {
	cmd.Env = append(os.Environ(), GuardVariable+"="+p.Dir)
	// In a group of its own no interrupt from the terminal reaches it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() error {
		input.Close()
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("the guard of %s: %w: %s", p.Dir, err, out.Bytes())
		}
		return nil
	}, nil
}

// IsGuard tells whether this process was started as a guard.
func IsGuard() bool { return os.Getenv(GuardVariable) != "" }

// Guard clears the place when its owner has ended. It does not return.
func Guard(run Runner) {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE)
	_, _ = io.Copy(io.Discard, os.Stdin)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p, err := OpenPlace(run, os.Getenv(GuardVariable))
	if err == nil {
		err = p.Clear(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Alive tells whether there is a process with that id.
func Alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || err == syscall.EPERM
}

// Install prepares a run: what dead ones have left is swept away, and a guard,
// started by cmd, looks after what this one will install until t has ended.
func Install(t testing.TB, run Runner, temp, title string, systems func(testing.TB) System, cmd *exec.Cmd) *Harness {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	domain := Domain(ctx, run, os.Getuid())
	swept, err := Sweep(ctx, run, temp, domain, Alive)
	for _, s := range swept {
		t.Log("left by an earlier run, swept away:", s)
	}
	if err != nil {
		t.Log("sweeping:", err)
	}
	p, err := NewPlace(run, temp, domain, os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	stop, err := startGuard(cmd, p)
	if err != nil {
		os.RemoveAll(p.Dir)
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("the jobs live in %s, their labels start with %s", domain, p.Labels)
	return &Harness{Title: title, Systems: systems, Place: p}
}

// Check installs one job and talks to it, so that a Mac on which no job can be
// reached says so once.
func (h *Harness) Check(t *testing.T) {
	t.Helper()
	w := h.New(t).(*world)
	const name = "com.example.xpctest.check"
	w.Service(xpctest.ServiceSpec{Names: []string{name}, Main: func(ctx context.Context, rt *xpc.Runtime) {
		l, err := xpc.NewListener(name, xpc.WithRuntime(rt))
		if err != nil {
			w.notef("%v", err)
			return
		}
		s := xpc.Server{Handler: xpc.HandlerFunc(func(context.Context, *xpc.Message) (any, error) { return nil, nil })}
		_ = s.Serve(ctx, l)
	}})
	c, err := xpc.NewClient(name, xpc.WithRuntime(w.Client()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { c.Close(); <-c.Done() }()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	if err := c.Call(ctx, xpc.Dictionary{}, nil); err != nil {
		t.Fatalf("a job in %s cannot be reached from this process: %v\n"+
			"(launchctl managername tells which session this is; as root the jobs go into the system domain)\n%s", h.Place.Domain, err, w.Log())
	}
}
