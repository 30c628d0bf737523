package fake

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

func scalar(v any) *driver.Payload {
	var e wire.Encoder
	if s, ok := v.(string); ok {
		e.String(s)
	} else {
		e.Int64(v.(int64))
	}
	return &driver.Payload{Body: e.Buf}
}

func TestRequirements(t *testing.T) {
	id := Identity{Identifier: "com.example.tool", Team: "TEAM", Entitlements: map[string]any{"group": "a", "level": 3}}
	apple := Identity{Identifier: "com.apple.x", Platform: true}
	for _, c := range []struct {
		name string
		r    driver.Requirement
		own  Identity
		peer Identity
		ok   bool
	}{
		{"entitlement", driver.Requirement{Kind: driver.RequireEntitlementExists, Text: "group"}, id, id, true},
		{"no entitlement", driver.Requirement{Kind: driver.RequireEntitlementExists, Text: "other"}, id, id, false},
		{"value", driver.Requirement{Kind: driver.RequireEntitlementMatches, Text: "group", Value: scalar("a")}, id, id, true},
		{"number", driver.Requirement{Kind: driver.RequireEntitlementMatches, Text: "level", Value: scalar(int64(3))}, id, id, true},
		{"other value", driver.Requirement{Kind: driver.RequireEntitlementMatches, Text: "level", Value: scalar(int64(4))}, id, id, false},
		{"other type", driver.Requirement{Kind: driver.RequireEntitlementMatches, Text: "level", Value: scalar("3")}, id, id, false},
		{"team", driver.Requirement{Kind: driver.RequireTeamIdentity}, id, id, true},
		{"team and identifier", driver.Requirement{Kind: driver.RequireTeamIdentity, Text: "com.example.tool", HasText: true}, id, id, true},
		{"team, other identifier", driver.Requirement{Kind: driver.RequireTeamIdentity, Text: "x", HasText: true}, id, id, false},
		{"other team", driver.Requirement{Kind: driver.RequireTeamIdentity}, id, apple, false},
		{"no team", driver.Requirement{Kind: driver.RequireTeamIdentity}, apple, apple, false},
		{"platform", driver.Requirement{Kind: driver.RequirePlatformIdentity}, id, apple, true},
		{"not platform", driver.Requirement{Kind: driver.RequirePlatformIdentity}, id, id, false},
		{"identifier", driver.Requirement{Kind: driver.RequireCodeSigning, Text: `identifier "com.example.tool"`}, id, id, true},
		{"other identifier", driver.Requirement{Kind: driver.RequireCodeSigning, Text: `identifier com.example.other`}, id, id, false},
		{"function", driver.Requirement{Kind: driver.RequireCodeSigning, Text: `anchor apple`}, id, apple, true},
		{"function says no", driver.Requirement{Kind: driver.RequireLightweightCode, Value: scalar("x")}, id, id, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, EvaluateRequirements(func(_ driver.Requirement, id Identity) bool { return id.Platform }))
			l, s, r := newRecorder(), newRecorder(), newRecorder()
			_, err := w.Load(JobConfig{Label: "x", MachServices: []string{echoName}, Identity: c.peer, Main: serve(l, s)})
			require.NoError(t, err)
			conn, err := w.process(ProcessConfig{Identity: c.own}).NewConn(mach(echoName), nil)
			require.NoError(t, err)
			require.NoError(t, conn.SetPeerRequirement(c.r))
			require.ErrorContains(t, conn.SetPeerRequirement(c.r), "row 180")
			conn.SetHandler(r.handle)
			conn.Activate()
			want := "re:x"
			if !c.ok {
				want = "PEER_REQUIREMENT"
			}
			require.Equal(t, want, ask(t, conn, "x"))
			l.expect(t, "peer")
			require.NoError(t, (<-l.peers).Send(body("plain")))
			if c.ok {
				want = "plain"
			}
			r.expect(t, want)
		})
	}
}

func TestRequirementThatCannotBeEvaluatedIsRefused(t *testing.T) {
	w := newWorld(t)
	c, err := w.process(ProcessConfig{}).NewConn(mach("x"), nil)
	require.NoError(t, err)
	require.ErrorContains(t, c.SetPeerRequirement(driver.Requirement{Kind: driver.RequireCodeSigning, Text: "anchor apple"}), `"anchor apple" cannot be evaluated`)
	require.ErrorContains(t, c.SetPeerRequirement(driver.Requirement{Kind: driver.RequireLightweightCode}), "EvaluateRequirements")
}

func TestListenersRequirementDropsTheRequestsOfOthers(t *testing.T) {
	for name, opts := range map[string][]Option{"interrupted": nil, "hang": {HangDropped()}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, opts...)
			p, err := w.load(nil).Launch()
			require.NoError(t, err)
			c, err := backend{p}.NewConn(driver.Spec{Kind: driver.KindMachService, Name: echoName, Flags: driver.FlagListener}, nil)
			require.NoError(t, err)
			require.NoError(t, c.SetPeerRequirement(driver.Requirement{Kind: driver.RequireEntitlementExists, Text: "may"}))
			l, s, r, asked := newRecorder(), newRecorder(), newRecorder(), newRecorder()
			acceptAll(c, l, s)
			bad := w.client(w.process(ProcessConfig{}), mach(echoName), r)
			require.NoError(t, bad.SendWithReply(body("x"), nil, asked.handle))
			good := w.client(w.process(ProcessConfig{Identity: Identity{Entitlements: map[string]any{"may": true}}}), mach(echoName), r)
			require.Equal(t, "re:x", ask(t, good, "x"))
			if opts == nil {
				asked.expect(t, "INTERRUPTED")
			} else {
				asked.nothing(t, w.Launchd)
			}
			require.NoError(t, bad.Send(body("y")))
			l.expect(t, "peer")
			s.expect(t, "x")
			s.nothing(t, w.Launchd)
			r.nothing(t, w.Launchd)
			bad.Cancel()
			r.expect(t, "INVALID")
		})
	}
}
