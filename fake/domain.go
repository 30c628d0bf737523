package fake

import "fmt"

// A Domain is a namespace of launchd, written as launchctl does.
type Domain string

const (
	// System is the domain of LaunchDaemons. All processes see its names, and a
	// privileged lookup sees no others.
	System Domain = "system"
	// User is the domain of the LaunchAgents of the user with id 501. Processes
	// in it see its names first, then those of System.
	User Domain = "gui/501"
)

// UserDomain is the domain of another user's LaunchAgents.
func UserDomain(uid int) Domain { return Domain(fmt.Sprintf("gui/%d", uid)) }

// bundleDomain holds the services inside one application.
func bundleDomain(id string) Domain { return Domain("bundle/" + id) }

func (d Domain) uid() int {
	uid := 501
	_, _ = fmt.Sscanf(string(d), "gui/%d", &uid)
	return uid
}

// A port is where new connections arrive: a name that a job declares, or an
// anonymous listener. launchd keeps a job's ports while nobody listens.
type port struct {
	w    *Launchd
	name string
	job  *Job // nil if anonymous

	listener *conn
	// checkedIn is the process that has listened, so that what waits at its end
	// is for the next instance.
	checkedIn *Process
	waiting   []*conn // peers that nobody has received
	// clients are the connections made from endpoints; a named port tells its
	// clients only what concerns their peers.
	clients map[*conn]struct{}
	dead    bool
}

// lookup finds the port of a name as process p sees it. The caller holds w.mu.
func (w *Launchd) lookup(p *Process, name string, bundled, privileged bool) *port {
	switch {
	case bundled && p.bundle == "":
		return nil
	case bundled:
		return w.domains[bundleDomain(p.bundle)][name]
	}
	if !privileged {
		if e := w.domains[p.domain][name]; e != nil {
			return e
		}
	}
	return w.domains[System][name]
}

// checkIn makes c the listener of its name, and gives it what has waited. The
// caller holds w.mu.
func (c *conn) checkIn() {
	if c.w.strike(site{point: BeforeCheckIn, proc: c.proc, conn: c, resume: c.checkInNow}) != stopped {
		c.checkInNow()
	}
}

func (c *conn) checkInNow() {
	if c.invalid || c.gone {
		return
	}
	p := c.proc
	var e *port
	if p.job != nil && !p.job.isBundled() || c.main {
		e = p.job.ports[c.name]
	}
	switch {
	case e == nil || e.dead:
		c.invalidate(c.undeclared())
		return
	case e.listener != nil:
		c.invalidate(c.w.find("process %s makes a second listener for %q: a name has one, and the second receives INVALID", p, c.name))
		return
	}
	c.port = e
	e.listener = c
	e.checkedIn = p
	c.note(CheckedIn, "")
	c.adopt()
}

// adopt gives a listener the peers that waited at its port.
func (c *conn) adopt() {
	if c.proc.terminating {
		return
	}
	waiting := c.port.waiting
	c.port.waiting = nil
	for _, peer := range waiting {
		c.announce(peer)
	}
}

// announce queues a new peer for the listener's handler.
func (c *conn) announce(peer *conn) {
	peer.proc = c.proc
	c.proc.link(peer)
	c.inbox.push(&event{kind: evPeer, peer: peer})
	c.kick()
}
