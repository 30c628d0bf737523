package fake

import (
	"fmt"
	"slices"

	"github.com/go-xpc/xpc/driver"
)

// Findings are the mistakes that processes have made with names so far, each a
// sentence that says what macOS would do, each once: listeners for names that
// their job does not declare, privileged lookups that cannot work, names of the
// wrong kind or of another user. Nothing of it is an error to the program that
// made it: all that it saw was INVALID.
func (w *Launchd) Findings() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.findings)
}

// find records a mistake. The caller holds w.mu.
func (w *Launchd) find(format string, args ...any) string {
	s := fmt.Sprintf(format, args...)
	if !slices.Contains(w.findings, s) {
		w.findings = append(w.findings, s)
	}
	return s
}

// undeclared explains a listener whose name its process does not own.
func (c *conn) undeclared() string {
	p := c.proc
	switch {
	case p.job == nil:
		return c.w.find("process %s listens for %q, but launchd has not started it for a job: only the process of the job that declares a name in MachServices gets it, and this listener receives INVALID", p, c.name)
	case p.job.isBundled():
		return c.w.find("process %s listens for %q, but it is a service inside the bundle %s: those get their peers from Main, and this listener receives INVALID", p, c.name, p.job.bundle)
	}
	return c.w.find("process %s listens for %q, but that name is not in MachServices of its job %s: launchd hands out declared names only, and this listener receives INVALID", p, c.name, p.job.cfg.Label)
}

// notFound explains a lookup that found nothing.
func (c *conn) notFound() string {
	p, w := c.proc, c.w
	if c.kind == driver.KindBundled {
		switch {
		case w.lookup(p, c.name, false, false) != nil:
			return w.find("process %s looks for a bundled service %q, but that is the name of a MachService: xpc_connection_create finds only services inside the own application, and the connection receives INVALID; NewMachService is meant", p, c.name)
		case p.bundle == "":
			return w.find("process %s belongs to no application bundle, so it has no bundled service %q: the connection receives INVALID", p, c.name)
		}
		return w.find("the bundle %s has no service %q: the connection of process %s receives INVALID", p.bundle, c.name, p)
	}
	privileged := c.flags&driver.FlagPrivileged != 0
	switch {
	case privileged && w.domains[p.domain][c.name] != nil:
		return w.find("process %s looks for %q with the privileged flag, but the job that declares it is a LaunchAgent in %s: a privileged lookup sees the domain %s only, and the connection receives INVALID", p, c.name, p.domain, System)
	case p.bundle != "" && w.domains[bundleDomain(p.bundle)][c.name] != nil:
		return w.find("process %s looks for a MachService %q, but that is a service inside its own bundle: the connection receives INVALID; NewConnection is meant", p, c.name)
	case privileged:
		return w.find("no job of the domain %s declares %q, and the lookup of process %s was privileged: the connection receives INVALID", System, c.name, p)
	}
	for _, j := range w.jobs {
		if !j.isBundled() && slices.Contains(j.cfg.MachServices, c.name) {
			return w.find("process %s in %s looks for %q, but the job that declares it is in %s: names of another domain are out of sight, and the connection receives INVALID", p, p.domain, c.name, j.cfg.Domain)
		}
	}
	if p.domain == System {
		return w.find("no job of the domain %s declares %q: the connection of process %s receives INVALID", System, c.name, p)
	}
	return w.find("no job of the domains %s and %s declares %q: the connection of process %s receives INVALID", p.domain, System, c.name, p)
}
