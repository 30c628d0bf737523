// Package container is a client of com.apple.container.apiserver, the daemon of
// https://github.com/apple/container, which runs Linux containers on macOS.
//
// It shows how a Go program talks to a MachService that was written in another
// language: plain dictionaries, JSON in data where the daemon wants it, and
// descriptors. The same code runs on libxpc and, with xpc.WithRuntime, against a
// pretended daemon anywhere.
package container

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/go-xpc/xpc"
)

// Service is the name that the daemon's launchd job declares.
const Service = "com.apple.container.apiserver"

// What the daemon's protocol calls its keys.
const (
	keyRoute = "com.apple.container.xpc.route"
	keyError = "com.apple.container.xpc.error"
)

// A Client talks to the daemon, for as long as the program wants. Its methods may
// be called from any goroutine.
type Client struct{ xpc *xpc.Client }

// New makes a client. It dials nothing; the first call does.
func New(opts ...xpc.Option) (*Client, error) {
	c, err := xpc.NewClient(Service, opts...)
	if err != nil {
		return nil, err
	}
	return &Client{c}, nil
}

// Close ends the client; calls under way fail with xpc.ErrClosed.
func (c *Client) Close() error { return c.xpc.Close() }

// Done is closed when the client has ended.
func (c *Client) Done() <-chan struct{} { return c.xpc.Done() }

// PID is the process id of the daemon that answered last, 0 before.
func (c *Client) PID() int { return c.xpc.Connection().PID() }

// Error is what the daemon answers when it cannot do what it was asked for.
type Error struct {
	Route   string `json:"-"`
	Code    string `json:"code"` // "notFound", "invalidArgument", ...
	Message string `json:"message"`
}

func (e *Error) Error() string {
	return fmt.Sprintf("container: %s: %s: %s", e.Route, e.Code, e.Message)
}

// call sends a request and gives the reply, which the caller releases. Its errors
// are an *Error of the daemon, or those of xpc.Client.Call.
func (c *Client) call(ctx context.Context, route string, in xpc.Dictionary) (*xpc.Message, error) {
	if in == nil {
		in = xpc.Dictionary{}
	}
	in[keyRoute] = route
	m, err := c.xpc.CallMessage(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("container: %s: %w", route, err)
	}
	failure, failed := xpc.Get[[]byte](m, keyError)
	if !failed {
		return m, nil
	}
	defer m.Release()
	e := &Error{Route: route}
	if err := json.Unmarshal(failure, e); err != nil {
		return nil, fmt.Errorf("container: %s: the daemon's error %q: %w", route, failure, err)
	}
	return nil, e
}

// Health is the daemon's answer to Ping.
type Health struct {
	AppRoot     string `xpc:"appRoot"`
	InstallRoot string `xpc:"installRoot"`
	LogRoot     string `xpc:"logRoot"` // optional
	Version     string `xpc:"apiServerVersion"`
	Commit      string `xpc:"apiServerCommit"`
	Build       string `xpc:"apiServerBuild"`
	AppName     string `xpc:"apiServerAppName"`
}

// Ping asks the daemon how it is.
func (c *Client) Ping(ctx context.Context) (Health, error) {
	m, err := c.call(ctx, "ping", nil)
	if err != nil {
		return Health{}, err
	}
	defer m.Release()
	var h Health
	if err := m.Decode(&h); err != nil {
		return Health{}, fmt.Errorf("container: ping: %w", err)
	}
	return h, nil
}

// Container is one container, as far as this example looks.
type Container struct {
	ID           string
	Image        string
	OS           string
	Architecture string
	Status       string // "running", "stopped", ...
}

// UnmarshalJSON reads the daemon's snapshot of a container.
func (c *Container) UnmarshalJSON(b []byte) error {
	var s struct {
		Status        string
		Configuration struct {
			ID       string
			Image    struct{ Reference string }
			Platform struct{ OS, Architecture string }
		}
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	cfg := s.Configuration
	*c = Container{cfg.ID, cfg.Image.Reference, cfg.Platform.OS, cfg.Platform.Architecture, s.Status}
	return nil
}

// List gives all containers.
func (c *Client) List(ctx context.Context) ([]Container, error) {
	m, err := c.call(ctx, "containerList", nil)
	if err != nil {
		return nil, err
	}
	defer m.Release()
	var reply struct {
		Containers xpc.JSON[[]Container] `xpc:"containers"`
	}
	if err := m.Decode(&reply); err != nil {
		return nil, fmt.Errorf("container: containerList: %w", err)
	}
	return reply.Containers.Value, nil
}

// Logs are the open log files of a container.
type Logs struct {
	Output *os.File // of the container's processes
	Boot   *os.File // of its virtual machine
}

// Close closes the files.
func (l *Logs) Close() error { return errors.Join(l.Output.Close(), l.Boot.Close()) }

// Logs opens the logs of a container. They are the daemon's own files, through
// descriptors that it passes; the caller closes them.
func (c *Client) Logs(ctx context.Context, id string) (*Logs, error) {
	m, err := c.call(ctx, "containerLogs", xpc.Dictionary{"id": id})
	if err != nil {
		return nil, err
	}
	defer m.Release()
	logs := m.GetArray("logs")
	if len(logs) == 2 {
		output, ok1 := logs[0].(*os.File)
		boot, ok2 := logs[1].(*os.File)
		if ok1 && ok2 {
			return &Logs{output, boot}, nil
		}
	}
	xpc.CloseFiles(logs)
	return nil, fmt.Errorf("container: containerLogs: the daemon's reply holds %d values in place of two descriptors", len(logs))
}

// Kill sends a signal, "TERM" or "KILL" for instance, to the first process of a
// container, and does not wait for its end.
func (c *Client) Kill(ctx context.Context, id, signal string) error {
	m, err := c.call(ctx, "containerKill", xpc.Dictionary{"id": id, "processIdentifier": id, "signal": signal})
	if err != nil {
		return err
	}
	return m.Release()
}
