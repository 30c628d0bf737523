//go:build unix

package agent

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/xpctest/internal/remote"
)

// IsWorker tells whether this process was started as a worker.
func IsWorker() bool { return os.Getenv(SocketVariable) != "" }

// Work serves the test program as a worker, until that lets go of the socket. It
// does not return.
func Work(b driver.Backend) {
	if os.Getenv(NotifyVariable) == "1" {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM)
	}
	if err := work(context.Background(), b, os.Getpid(), os.Getenv, func() { os.Exit(0) }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func work(ctx context.Context, b driver.Backend, pid int, env func(string) string, exit func()) error {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Net: "unix", Name: env(SocketVariable)})
	if err != nil {
		return err
	}
	return remote.Serve(ctx, c, b, remote.Options{Token: env(TokenVariable), PID: pid, Hatch: env(HatchVariable), Exit: exit})
}

// Spawner is System.Spawn for the program and arguments of a worker.
func Spawner(name string, args ...string) func(env map[string]string) error {
	return func(env map[string]string) error {
		cmd := exec.Command(name, args...)
		cmd.Env = os.Environ()
		for k, v := range env {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		go func() { _ = cmd.Wait() }() // it is told to end through its socket
		return nil
	}
}
