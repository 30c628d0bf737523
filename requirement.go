package xpc

import (
	"strings"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

// A PeerRequirement is what the process on the other side of a connection must
// be signed as: one of [CodeSigningRequirement], [EntitlementExists],
// [EntitlementMatches], [TeamIdentity], [PlatformIdentity] and
// [LightweightCodeRequirement].
type PeerRequirement interface {
	requirement(e *encoder) (driver.Requirement, error)
}

// CodeSigningRequirement is a requirement in the language of code signing, such
// as `anchor apple generic and identifier "com.example.tool"` (macOS 12).
//
// C: xpc_connection_set_peer_code_signing_requirement,
// https://developer.apple.com/documentation/xpc/3747489-xpc_connection_set_peer_code_sig
type CodeSigningRequirement string

// EntitlementExists asks for an entitlement, whatever its value (macOS 14.4).
//
// C: xpc_connection_set_peer_entitlement_exists_requirement,
// https://developer.apple.com/documentation/xpc/xpc_connection_set_peer_entitlement_exists_requirement
type EntitlementExists string

// EntitlementMatches asks for an entitlement with a value: a bool, a string or
// an integer (macOS 14.4).
//
// C: xpc_connection_set_peer_entitlement_matches_value_requirement,
// https://developer.apple.com/documentation/xpc/xpc_connection_set_peer_entitlement_matches_value_requirement
type EntitlementMatches struct {
	Entitlement string
	Value       any
}

// TeamIdentity asks for the team that signed this process and, if SigningID is
// not empty, for a signing identifier (macOS 14.4).
//
// C: xpc_connection_set_peer_team_identity_requirement,
// https://developer.apple.com/documentation/xpc/xpc_connection_set_peer_team_identity_requirement
type TeamIdentity struct{ SigningID string }

// PlatformIdentity asks for a platform binary of Apple and, if SigningID is not
// empty, for a signing identifier (macOS 14.4).
//
// C: xpc_connection_set_peer_platform_identity_requirement,
// https://developer.apple.com/documentation/xpc/xpc_connection_set_peer_platform_identity_requirement
type PlatformIdentity struct{ SigningID string }

// LightweightCodeRequirement is a lightweight code requirement in its
// dictionary form (macOS 14.4).
//
// C: xpc_connection_set_peer_lightweight_code_requirement,
// https://developer.apple.com/documentation/xpc/xpc_connection_set_peer_lightweight_code_requirement
type LightweightCodeRequirement Dictionary

// SetPeerRequirement sets what the other side must be signed as; every message
// from it is checked. Only one call per connection is allowed, a second one is
// [ErrMisuse]. Set it before Activate.
//
// It fails closed: when the requirement cannot be set, because it is malformed
// or this system lacks the call ([ErrUnsupported]), the error is remembered and
// Activate refuses with it; a connection that is active already is cancelled.
func (c *Connection) SetPeerRequirement(r PeerRequirement) error {
	const op = "SetPeerRequirement"
	if r == nil {
		return misuse(op, "the requirement is nil")
	}
	return c.call(func() error {
		c.s.ctl.Lock()
		second := c.required
		c.required = true
		c.s.ctl.Unlock()
		if second {
			return misuse(op, "the connection has a requirement already, and only one is allowed (row 180)")
		}
		err := c.require(r)
		if err != nil {
			// Stored before the look: an Activate that comes between the two
			// either finds the refusal or is found here.
			c.refused.Store(&refusal{err})
			c.s.ctl.Lock()
			live := c.s.phase == active
			c.s.ctl.Unlock()
			if live {
				c.s.cancel()
			}
		}
		return err
	})
}

func (c *Connection) require(r PeerRequirement) error {
	e := newEncoder(c.rt.wireLimits())
	defer e.free()
	d, err := r.requirement(e)
	if err != nil {
		return err
	}
	return c.s.d.SetPeerRequirement(d)
}

func requirementText(kind driver.RequirementKind, what, s string, optional bool) (driver.Requirement, error) {
	if s == "" && !optional {
		return driver.Requirement{}, misuse("SetPeerRequirement", `%s "" is empty`, what)
	}
	if strings.IndexByte(s, 0) >= 0 {
		return driver.Requirement{}, misuse("SetPeerRequirement", "%s %q holds a NUL byte", what, s)
	}
	return driver.Requirement{Kind: kind, Text: s, HasText: s != ""}, nil
}

func (r CodeSigningRequirement) requirement(*encoder) (driver.Requirement, error) {
	return requirementText(driver.RequireCodeSigning, "the requirement", string(r), false)
}

func (r EntitlementExists) requirement(*encoder) (driver.Requirement, error) {
	return requirementText(driver.RequireEntitlementExists, "the entitlement", string(r), false)
}

func (r EntitlementMatches) requirement(e *encoder) (driver.Requirement, error) {
	d, err := requirementText(driver.RequireEntitlementMatches, "the entitlement", r.Entitlement, false)
	if err != nil {
		return d, err
	}
	if err := e.value(r.Value); err != nil {
		return d, err
	}
	switch wire.Tag(e.Buf[0]) {
	case wire.True, wire.False, wire.String, wire.Int64:
	default:
		return d, misuse("SetPeerRequirement", "the value of entitlement %q is a %T, and must be a bool, a string or an int64 (row 184)", r.Entitlement, r.Value)
	}
	e.payload.Body = e.Buf
	d.Value = &e.payload
	return d, nil
}

func (r TeamIdentity) requirement(*encoder) (driver.Requirement, error) {
	return requirementText(driver.RequireTeamIdentity, "the signing identifier", r.SigningID, true)
}

func (r PlatformIdentity) requirement(*encoder) (driver.Requirement, error) {
	return requirementText(driver.RequirePlatformIdentity, "the signing identifier", r.SigningID, true)
}

func (r LightweightCodeRequirement) requirement(e *encoder) (driver.Requirement, error) {
	if err := e.dictionary(r); err != nil {
		return driver.Requirement{}, err
	}
	e.payload.Body = e.Buf
	return driver.Requirement{Kind: driver.RequireLightweightCode, Value: &e.payload}, nil
}
