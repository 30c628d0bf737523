package fake

import (
	"bytes"
	"fmt"
	"regexp"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

// Identity is how a pretended process is signed.
type Identity struct {
	Identifier   string         // signing identifier
	Team         string         // team identifier
	Platform     bool           // part of the operating system
	Entitlements map[string]any // bool, string, int64, int; anything else only exists
}

// EvaluateRequirements lets f decide whether a process meets a code signing
// requirement that is not just `identifier "…"`, or a lightweight code
// requirement. Without it such requirements are refused with an error when they
// are set. f may be called from any goroutine and must always answer the same.
func EvaluateRequirements(f func(r driver.Requirement, peer Identity) bool) Option {
	return func(o *options) { o.evaluate = f }
}

// requirement is what the process at the other end must be.
type requirement struct {
	meets func(Identity) bool
	// verdicts are kept, for identities do not change; guarded by Launchd.mu.
	verdicts map[*Process]bool
}

var identifierOnly = regexp.MustCompile(`^\s*identifier\s+(?:"([^"]*)"|=\s*"([^"]*)"|([\w.-]+))\s*$`)

func (c *conn) SetPeerRequirement(r driver.Requirement) error {
	meets, err := c.evaluator(r)
	if err != nil {
		return err
	}
	c.w.mu.Lock()
	defer c.w.unlock()
	if c.require != nil {
		return misuse("SetPeerRequirement", "the connection has a requirement already, and only one is allowed (row 180)")
	}
	c.require = &requirement{meets: meets, verdicts: map[*Process]bool{}}
	return nil
}

func (c *conn) evaluator(r driver.Requirement) (func(Identity) bool, error) {
	own := c.proc.identity
	signed := func(id Identity) bool { return !r.HasText || id.Identifier == r.Text }
	switch r.Kind {
	case driver.RequireEntitlementExists:
		return func(id Identity) bool { _, ok := id.Entitlements[r.Text]; return ok }, nil
	case driver.RequireEntitlementMatches:
		if r.Value == nil {
			return nil, fmt.Errorf("fake: the requirement of entitlement %q has no value", r.Text)
		}
		want := bytes.Clone(r.Value.Body)
		return func(id Identity) bool { return bytes.Equal(flatScalar(id.Entitlements[r.Text]), want) }, nil
	case driver.RequireTeamIdentity:
		return func(id Identity) bool { return own.Team != "" && id.Team == own.Team && signed(id) }, nil
	case driver.RequirePlatformIdentity:
		return func(id Identity) bool { return id.Platform && signed(id) }, nil
	case driver.RequireCodeSigning:
		if m := identifierOnly.FindStringSubmatch(r.Text); m != nil {
			want := m[1] + m[2] + m[3]
			return func(id Identity) bool { return id.Identifier == want }, nil
		}
	case driver.RequireLightweightCode:
	default:
		return nil, fmt.Errorf("fake: requirements of kind %d are not known", r.Kind)
	}
	f := c.w.opt.evaluate
	if f == nil {
		what := "a lightweight code requirement"
		if r.Kind == driver.RequireCodeSigning {
			what = fmt.Sprintf("the requirement %q", r.Text)
		}
		return nil, fmt.Errorf(`fake: %s cannot be evaluated here: only identifier "…" can; give NewLaunchd the option EvaluateRequirements`, what)
	}
	if r.Value != nil {
		v := *r.Value
		v.Body = bytes.Clone(v.Body)
		v.Resources = nil
		r.Value = &v
	}
	return func(id Identity) bool { return f(r, id) }, nil
}

// flatScalar is the flat form of an entitlement's value, nil if it cannot match.
func flatScalar(v any) []byte {
	var e wire.Encoder
	switch v := v.(type) {
	case bool:
		e.Bool(v)
	case string:
		e.String(v)
	case int64:
		e.Int64(v)
	case int:
		e.Int64(int64(v))
	}
	return e.Buf
}

// accepts tells whether process p meets the requirement of c, if there is one
// and it has been judged.
func (c *conn) accepts(p *Process) bool { return c.require == nil || c.require.verdicts[p] }

// judge makes sure that there is a verdict about p. It gives w.mu back
// meanwhile, and is true if it did: the world may have changed.
func (c *conn) judge(p *Process) bool {
	r := c.require
	if r == nil || p == nil {
		return false
	}
	if _, ok := r.verdicts[p]; ok {
		return false
	}
	c.w.unlock()
	ok := r.meets(p.identity)
	c.w.mu.Lock()
	r.verdicts[p] = ok
	return true
}

// sender is whose message or connection comes next, if it must be judged.
func (c *conn) sender() *Process {
	if c.require == nil || c.gone || c.barrierNext() || c.inbox.empty() {
		return nil
	}
	switch e := c.inbox.head; e.kind {
	case evMessage:
		return e.msg.from
	case evPeer:
		return e.peer.credOf
	}
	return nil
}

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
