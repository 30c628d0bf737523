package fake

import "github.com/go-xpc/xpc/driver"

// Identity is how a pretended process is signed.
type Identity struct {
	Identifier   string // signing identifier
	Team         string
	Platform     bool           // part of the operating system
	Entitlements map[string]any // bool, string, int64, or anything else for mere presence
}

type requirement struct{ driver.Requirement }

func (c *conn) SetPeerRequirement(r driver.Requirement) error {
	return misuse("SetPeerRequirement", "kind %d cannot be checked", r.Kind)
}

// accepts tells whether process p meets the requirement of c, if there is one.
func (c *conn) accepts(p *Process) bool { return c.require == nil }

// reject turns a peer that the listener's requirement keeps out into a hole.
func (c *conn) reject() {
	c.rejected = true
	c.proc.unlink(c)
	c.proc = nil
	for !c.inbox.empty() {
		if e := c.inbox.pop(); e.kind == evMessage {
			e.msg.refuse()
		}
	}
}
