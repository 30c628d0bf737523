// Package daemon pretends to be apple/container's daemon, as far as package
// container asks it. It is the main of a job in fake.Launchd.
package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/examples/container"
	"github.com/go-xpc/xpc/fake"
)

// Container is a container that the daemon pretends to run.
type Container struct {
	ID, Image, Status string
	Log, BootLog      string
}

// Daemon is what outlives the daemon's processes. It may be used from any
// goroutine.
type Daemon struct {
	// Before, if set, is called with each request before it is answered. A test
	// lets the process crash here. It is set before the job is loaded.
	Before func(p *fake.Process, route string)

	mu         sync.Mutex
	containers []Container
}

// New makes a daemon with some containers.
func New(containers ...Container) *Daemon { return &Daemon{containers: containers} }

// Main is the program: it serves until its process ends.
func (d *Daemon) Main(ctx context.Context, p *fake.Process) error {
	dir, err := os.MkdirTemp("", "apiserver")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l, err := xpc.NewListener(container.Service, xpc.WithRuntime(p.Runtime()))
	if err != nil {
		return err
	}
	s := &xpc.Server{Handler: xpc.HandlerFunc(func(ctx context.Context, m *xpc.Message) (any, error) {
		route := m.GetString("com.apple.container.xpc.route")
		if d.Before != nil {
			d.Before(p, route)
		}
		if ctx.Err() != nil { // the process is dead: what it would have done does not happen
			return nil, ctx.Err()
		}
		return d.answer(p, dir, route, m)
	})}
	return s.Serve(ctx, l)
}

// answer gives the reply to one request. Errors travel in the daemon's own form.
func (d *Daemon) answer(p *fake.Process, dir, route string, m *xpc.Message) (any, error) {
	switch route {
	case "ping":
		env := p.Environment()
		return xpc.Dictionary{
			"appRoot":          "file://" + env["CONTAINER_APP_ROOT"],
			"installRoot":      "file://" + env["CONTAINER_INSTALL_ROOT"],
			"apiServerVersion": "container-apiserver version 1.0.0 (build: release, commit: 1f2e3d4)",
			"apiServerCommit":  "1f2e3d4",
			"apiServerBuild":   "release",
			"apiServerAppName": "container-apiserver",
		}, nil
	case "containerList":
		return xpc.Dictionary{"containers": xpc.JSON[[]object]{Value: d.snapshots()}}, nil
	case "containerLogs":
		return d.logs(dir, m)
	case "containerKill":
		return d.kill(m)
	}
	return failure("invalidArgument", "unknown route %q", route)
}

func failure(code, format string, args ...any) (xpc.Dictionary, error) {
	data, err := json.Marshal(map[string]string{"code": code, "message": fmt.Sprintf(format, args...)})
	return xpc.Dictionary{"com.apple.container.xpc.error": data}, err
}

type object = map[string]any

func (d *Daemon) snapshots() []object {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := []object{}
	for _, c := range d.containers {
		all = append(all, object{
			"status":   c.Status,
			"networks": []object{},
			"configuration": object{
				"id":       c.ID,
				"image":    object{"reference": c.Image},
				"platform": object{"os": "linux", "architecture": "arm64"},
			},
		})
	}
	return all
}

// find must be called with mu held.
func (d *Daemon) find(id string) *Container {
	for i := range d.containers {
		if d.containers[i].ID == id {
			return &d.containers[i]
		}
	}
	return nil
}

// logs replies with two descriptors, and closes its own.
func (d *Daemon) logs(dir string, m *xpc.Message) (any, error) {
	id := m.GetString("id")
	d.mu.Lock()
	c := d.find(id)
	var log, boot string
	if c != nil {
		log, boot = c.Log, c.BootLog
	}
	d.mu.Unlock()
	if c == nil {
		return failure("notFound", "container with ID %s not found", id)
	}
	var files xpc.Array
	defer func() { xpc.CloseFiles(files) }()
	for name, text := range map[string]string{"stdio.log": log, "vminitd.log": boot} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"stdio.log", "vminitd.log"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return nil, m.Reply(xpc.Dictionary{"logs": files})
}

func (d *Daemon) kill(m *xpc.Message) (any, error) {
	id, signal := m.GetString("id"), m.GetString("signal")
	if signal == "" {
		return failure("invalidArgument", "missing signal in xpc message")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.find(id)
	switch {
	case c == nil:
		return failure("notFound", "container with ID %s not found", id)
	case c.Status != "running":
		return failure("invalidState", "container %s is not running", id)
	}
	c.Status = "stopped"
	return xpc.Dictionary{}, nil
}

// Load reads the job's property list and loads it into w.
func (d *Daemon) Load(w *fake.Launchd, plist string) (*fake.Job, error) {
	f, err := os.Open(plist)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return w.LoadPlist(f, fake.User, func(ctx context.Context, p *fake.Process) error {
		if err := d.Main(ctx, p); ctx.Err() == nil && !errors.Is(err, xpc.ErrServerClosed) {
			return err
		}
		return nil
	})
}
