package fake

import (
	"fmt"

	"github.com/go-xpc/xpc/driver"
)

// BundleConfig is an application bundle with the XPC services inside it, which
// only processes of that application reach, by NewConnection.
type BundleConfig struct {
	Identifier string // of the application
	// Services maps the CFBundleIdentifier of each service to its program, which
	// calls Main of its Runtime.
	Services map[string]Main
	Domain   Domain // of the processes; User if empty
	Identity Identity
}

// LoadBundle installs an application. Its services are launched on demand. An
// identifier that is empty or installed already is an error.
func (w *Launchd) LoadBundle(cfg BundleConfig) error {
	if cfg.Domain == "" {
		cfg.Domain = User
	}
	w.mu.Lock()
	defer w.unlock()
	d := bundleDomain(cfg.Identifier)
	switch {
	case w.closed:
		return errWorldClosed
	case cfg.Identifier == "":
		return fmt.Errorf("fake: a bundle needs an Identifier")
	case w.domains[d] != nil:
		return fmt.Errorf("fake: the bundle %s is installed already", cfg.Identifier)
	}
	names := map[string]*port{}
	for id, main := range cfg.Services {
		if id == "" || main == nil {
			return fmt.Errorf("fake: bundle %s: service %q needs an identifier and a Main", cfg.Identifier, id)
		}
		j := &Job{w: w, bundle: cfg.Identifier, loaded: true, cfg: JobConfig{
			Label: id, MachServices: []string{id}, Domain: cfg.Domain, Main: main, Identity: cfg.Identity,
		}}
		e := &port{w: w, name: id, job: j}
		j.ports = map[string]*port{id: e}
		names[id] = e
		w.jobs = append(w.jobs, j)
	}
	w.domains[d] = names
	return nil
}

// Main gives a bundled service its peers, until its process ends.
func (b backend) Main(accept func(driver.Conn)) error {
	p := b.p
	w := p.w
	w.mu.Lock()
	switch {
	case p.dead:
		w.unlock()
		return p.goneError()
	case p.job == nil || !p.job.isBundled():
		w.unlock()
		return misuse("Main", "process %s is no service inside an application bundle; a job with MachServices makes a listener (row 195)", p)
	case p.mainListener != nil:
		w.unlock()
		return misuse("Main", "it was called already in process %s", p)
	}
	c := &conn{w: w, proc: p, id: w.nextConn(), kind: driver.KindBundled, name: p.job.cfg.Label, main: true, queue: w.global}
	p.mainListener = c
	p.link(c)
	c.handler = func(ev driver.Event) {
		if ev.Peer != nil {
			accept(ev.Peer)
		}
	}
	c.active = true
	c.wake()
	w.unlock()
	<-p.ctx.Done()
	return nil
}
