package xpctest

import "github.com/go-xpc/xpc"

const entitlement = "com.example.xpctest.entitlement"

var entitled = Identity{SigningID: "com.example.entitled", TeamID: "TEAM000001", Entitlements: map[string]any{entitlement: true}}

var requirements = []Case{
	{Row: 179, Name: "malformed_requirement", Says: "a malformed requirement is an error at once, and the connection cannot be activated", Needs: []Capability{Identities}, run: func(e *env) {
		h := e.host(program{})
		x := h.client()
		err := x.c.SetPeerRequirement(xpc.CodeSigningRequirement(`identifier "com.example`))
		e.Error(err)
		e.Error(x.c.Activate(), "it fails closed")
		y := h.client()
		e.NoError(y.c.SetPeerRequirement(xpc.CodeSigningRequirement(`identifier "com.example.service"`)))
		e.NoError(y.c.Activate())
	}},
	{Row: 180, Name: "one_requirement", Says: "a second requirement on one connection is misuse", run: func(e *env) {
		h := e.host(program{})
		x := h.client()
		// Whether the first can be set at all depends on the system.
		_ = x.c.SetPeerRequirement(xpc.EntitlementExists(entitlement))
		e.misuse(x.c.SetPeerRequirement(xpc.EntitlementExists(entitlement)))
		e.misuse(x.c.SetPeerRequirement(xpc.TeamIdentity{}))
		e.misuse(h.client().c.SetPeerRequirement(nil))
	}},
	{Row: 181, Name: "listener_drops_unworthy_clients", Says: "a listener with a requirement drops what clients send that do not meet it, every time, and serves the others", Needs: []Capability{Jobs, Closures, Identities, Processes}, run: func(e *env) {
		h := e.jobHost(program{listener: func(l *xpc.Connection) {
			e.oops("requirement", l.SetPeerRequirement(xpc.EntitlementExists(entitlement)))
		}})
		good := e.process(ProcessSpec{Identity: entitled})
		bad := e.process(ProcessSpec{Identity: Identity{SigningID: "com.example.other"}})
		x := h.clientIn(bad.Runtime(), nil).activate()
		x.sendRange(1, 3)
		r := x.request(4, echo)
		y := h.clientIn(good.Runtime(), nil).activate()
		y.call(5)
		x.send(6)
		y.call(7)
		e.quiet()
		for _, p := range h.peers.all() {
			for _, s := range p.all() {
				e.Contains([]string{"5", "7"}, s.name)
			}
		}
		e.Zero(r.count("4"))
	}},
	{Row: 182, Name: "unworthy_reply", Says: "when the answering service does not meet the requirement, the reply handler gets that error in place of the reply", Needs: []Capability{Jobs, Closures, Identities, Processes}, run: func(e *env) {
		good := e.jobHost(program{ServiceSpec: ServiceSpec{Identity: entitled}})
		bad := e.jobHost(program{ServiceSpec: ServiceSpec{Identity: Identity{SigningID: "com.example.impostor"}}})
		x := good.client()
		e.NoError(x.c.SetPeerRequirement(xpc.EntitlementExists(entitlement)))
		x.activate().call(1)
		for r, h := range map[xpc.PeerRequirement]*host{
			xpc.EntitlementMatches{Entitlement: entitlement, Value: true}:  good,
			xpc.EntitlementMatches{Entitlement: entitlement, Value: false}: nil,
			xpc.EntitlementMatches{Entitlement: entitlement, Value: "yes"}: nil,
			xpc.EntitlementExists("com.example.another"):                   nil,
			xpc.PlatformIdentity{}: nil,
		} {
			x := good.client()
			e.NoError(x.c.SetPeerRequirement(r), "%#v", r)
			x.activate()
			if h != nil {
				x.call(2)
				continue
			}
			x.request(2, echo).wait(requirement)
		}
		for team, want := range map[string]string{entitled.TeamID: "", "TEAM000002": requirement} {
			own := e.process(ProcessSpec{Identity: Identity{SigningID: "com.example.colleague", TeamID: team}})
			x := good.clientIn(own.Runtime(), nil)
			e.NoError(x.c.SetPeerRequirement(xpc.TeamIdentity{SigningID: entitled.SigningID}))
			x.activate()
			if want == "" {
				x.call(3)
				continue
			}
			x.request(3, echo).wait(want)
		}
		y := bad.client()
		e.NoError(y.c.SetPeerRequirement(xpc.EntitlementExists(entitlement)))
		y.activate()
		y.request(1, echo).wait(requirement)
		y.sync(2, echo).wait(requirement)
		y.request(3, echo).wait(requirement)
	}},
	{Row: 183, Name: "unworthy_message", Says: "a plain message that fails the requirement brings that error to the event handler in its place", Needs: []Capability{Jobs, Closures, Identities}, run: func(e *env) {
		h := e.jobHost(program{
			ServiceSpec: ServiceSpec{Identity: Identity{SigningID: "com.example.impostor"}},
			peer:        func(p *end) { e.oops("activate", p.c.Activate()); p.say(1, 2) },
			message:     func(*end, *xpc.Message) {},
		})
		x := h.client()
		e.NoError(x.c.SetPeerRequirement(xpc.EntitlementExists(entitlement)))
		x.activate().send(0)
		x.has(requirement)
		e.quiet()
		for _, s := range x.names() {
			e.Equal(requirement, s)
		}
	}},
	{Row: 184, Name: "values_of_an_entitlement", Says: "the value of an entitlement to match is a bool, a string or an int64; the signing identifiers may be left out", run: func(e *env) {
		h := e.host(program{})
		for _, v := range []any{1.5, uint64(1), xpc.Array{}, xpc.Dictionary{}, nil, []byte("x")} {
			e.misuse(h.client().c.SetPeerRequirement(xpc.EntitlementMatches{Entitlement: entitlement, Value: v}))
		}
		e.misuse(h.client().c.SetPeerRequirement(xpc.EntitlementExists("")))
		if !e.can(Identities) {
			return
		}
		for _, r := range []xpc.PeerRequirement{
			xpc.EntitlementMatches{Entitlement: entitlement, Value: true},
			xpc.EntitlementMatches{Entitlement: entitlement, Value: "text"},
			xpc.EntitlementMatches{Entitlement: entitlement, Value: int64(1)},
			xpc.TeamIdentity{}, xpc.TeamIdentity{SigningID: "com.example.tool"},
			xpc.PlatformIdentity{}, xpc.PlatformIdentity{SigningID: "com.example.tool"},
		} {
			e.NoError(h.client().c.SetPeerRequirement(r), "%#v", r)
		}
	}},
	{Row: 185, Name: "invalidation_reason", Says: "there is no invalidation reason while the connection is valid, and a text afterwards", Needs: []Capability{Reasons}, run: func(e *env) {
		h := e.host(program{})
		x, _ := h.pair()
		_, ok := x.c.InvalidationReason()
		e.False(ok)
		e.NoError(x.c.Cancel())
		x.wait(invalid)
		why, ok := x.c.InvalidationReason()
		e.True(ok)
		e.NotEmpty(why)
		e.NoError(x.c.Close())
		_, ok = x.c.InvalidationReason()
		e.True(ok)
		y, p := h.pair()
		e.NoError(p.c.Cancel())
		y.wait(interrupted)
		_, ok = y.c.InvalidationReason()
		e.False(ok, "an interruption is none")
	}},
}
