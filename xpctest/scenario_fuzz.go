package xpctest

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A Disagreement is a script that two harnesses do not play alike.
type Disagreement struct {
	Seed   uint64 // of the script
	Script string // a scenario with what the first harness saw
	Step   string // at which they part
	A, B   string // what each saw then
}

// Compare makes random scripts, valid and invalid ones, from the seed on, and
// plays each on two harnesses, which must be Quiet. After each step everything
// settles, so that nearly all that libxpc leaves to chance has one order; the
// steps' errors and what everybody saw must then be equal. What the table leaves
// open is not written, or not compared, as the comments here say. A disagreement
// is shrunk.
func Compare(t *testing.T, a, b Harness, seed uint64, scripts int) []Disagreement {
	var out []Disagreement
	for i := range uint64(scripts) {
		lines := randomScript(seed+i, func(c Capability) bool { return a.Has(c) && b.Has(c) })
		d := differ(t, a, b, lines)
		if d == nil {
			continue
		}
		shrink(lines, func(l []string) bool {
			e := differ(t, a, b, l)
			if e != nil {
				d = e
			}
			return e != nil
		})
		d.Seed = seed + i
		out = append(out, *d)
	}
	return out
}

// trace is what a script did, a line per step: its error, and what was seen.
type trace struct {
	errors []string
	seen   []string
	events [][]seenBy
}

type seenBy struct {
	who    string
	events []string
}

// differ plays a script on both; nil means that they agree.
func differ(t *testing.T, a, b Harness, lines []string) *Disagreement {
	x, y := record(t, a, lines), record(t, b, lines)
	same := true
	for i := range lines {
		same = same && x.errors[i] == y.errors[i] && x.seen[i] == y.seen[i]
	}
	if same {
		return nil
	}
	return describe(a, b, x, y, lines)
}

// record plays a script and judges nothing.
func record(t *testing.T, h Harness, lines []string) *trace {
	text := "# row 1: random\n" + strings.Join(lines, "\n")
	sc, err := ParseScenario("random", text)
	if err != nil {
		t.Fatalf("the generator writes nonsense: %v\n%s", err, text)
	}
	out := &trace{}
	var without []Capability
	play := sc.asCase(func(e *env) {
		s := newStage(e, sc)
		s.record = true
		at := map[*actor]int{}
		for _, st := range sc.steps {
			e.notef("> %s", st)
			err := s.attempt(st)
			e.world.(Quieter).Quiesce()
			events := s.news(at)
			var b strings.Builder
			for _, x := range events {
				fmt.Fprintf(&b, "%s: %s; ", x.who, strings.Join(x.events, ", "))
			}
			out.errors = append(out.errors, failure(err))
			out.seen = append(out.seen, b.String())
			out.events = append(out.events, events)
		}
	})
	t.Run("", func(t *testing.T) { runCase(t, h, play, &without) })
	for len(out.errors) < len(lines) {
		out.errors, out.seen = append(out.errors, "not reached"), append(out.seen, "")
		out.events = append(out.events, nil)
	}
	return out
}

var errGone = errors.New("its process has ended")

// attempt does a step, unless it would be done by a process that has ended.
func (s *stage) attempt(st *step) error {
	if len(st.args) > 0 && st.fails == "" {
		s.mu.Lock()
		a := s.actors[st.args[0]]
		gone := a != nil && s.over[a.rt] && (a.svc == nil && a.proc == nil || strings.HasSuffix(st.text, "a transaction"))
		s.mu.Unlock()
		if gone {
			return errGone
		}
	}
	return st.verb.run(s, nil, st.args)
}

// news is what everybody has seen since the last call, by name.
func (s *stage) news(at map[*actor]int) []seenBy {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []seenBy
	for _, a := range s.order {
		if len(a.saw) == at[a] {
			continue
		}
		x := seenBy{who: a.name}
		for _, h := range a.saw[at[a]:] {
			x.events = append(x.events, h.text)
		}
		at[a] = len(a.saw)
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b seenBy) int { return cmp.Compare(a.who, b.who) })
	return out
}

// shrink leaves out steps, larger parts first, for as long as bad stays true.
func shrink(lines []string, bad func([]string) bool) []string {
	for n := len(lines) / 2; n >= 1; {
		smaller := false
		for i := 0; i+n <= len(lines); {
			rest := slices.Concat(lines[:i], lines[i+n:])
			if len(rest) > 0 && bad(rest) {
				lines, smaller = rest, true
			} else {
				i += n
			}
		}
		if n > 1 || !smaller {
			n /= 2
		}
	}
	return lines
}

// describe writes a disagreement as a scenario: what the first harness saw is
// expected, what the second saw is a comment where it differs.
func describe(a, b Harness, x, y *trace, lines []string) *Disagreement {
	d := &Disagreement{}
	var out strings.Builder
	fmt.Fprintf(&out, "# row 0: as %s plays it\n", a.Name())
	for i, line := range lines {
		same := x.errors[i] == y.errors[i] && x.seen[i] == y.seen[i]
		if !same && d.Step == "" {
			d.Step, d.A, d.B = line, x.errors[i]+" "+x.seen[i], y.errors[i]+" "+y.seen[i]
		}
		if e := x.errors[i]; e != "" {
			line = e + ": " + line
		}
		fmt.Fprintln(&out, line)
		for _, s := range x.events[i] {
			fmt.Fprintf(&out, "expect %s: %s\n", s.who, strings.Join(s.events, ", "))
		}
		if len(x.events[i]) == 0 {
			fmt.Fprintln(&out, "everything settles")
		}
		if !same {
			fmt.Fprintf(&out, "# %s: %s %s\n", b.Name(), y.errors[i], y.seen[i])
		}
	}
	d.Script = out.String()
	return d
}

// scribe writes a random script.
type scribe struct {
	*rand.Rand
	has     func(Capability) bool
	lines   []string
	clients []scribbled
	asked   []scribbled // by whom, and who is asked
	n       int         // last number given away
	queues  int
	service bool
	local   bool
	process bool
	single  bool // one client
	idle    bool
	echoes  bool
	talks   bool // handlers send
	// brittle: handlers cancel what they serve, so that messages sent at once
	// race with the end of their peer.
	brittle bool
	// held are those with a connection that was suspended.
	held map[string]bool
}

// side is the program that a connection belongs to.
func side(x string) string {
	x, _, _ = strings.Cut(x, "/")
	return x
}

// scribbled is a client and what it is connected to, or a request.
type scribbled struct{ name, to string }

func randomScript(seed uint64, has func(Capability) bool) []string {
	g := &scribe{Rand: rand.New(rand.NewPCG(seed, 6)), has: has, held: map[string]bool{}}
	g.set()
	for range 4 + g.IntN(20) {
		g.step()
	}
	return g.lines
}

func (g *scribe) say(format string, args ...any) {
	g.lines = append(g.lines, fmt.Sprintf(format, args...))
}

func (g *scribe) one(of ...string) string { return of[g.IntN(len(of))] }

func (g *scribe) in(n int) bool { return g.IntN(n) == 0 }

func (g *scribe) next() int { g.n++; return g.n }

// set puts up the actors.
func (g *scribe) set() {
	g.service = g.has(Jobs) && g.has(Closures) && !g.in(3)
	g.local = !g.service || g.in(3)
	behaviour := func() string {
		switch g.IntN(8) {
		case 0:
			g.held["echo"], g.held["l"] = true, true
			return ", leaves peers inactive"
		case 1:
			g.brittle = true
			return ", refuses peers"
		case 2:
			g.echoes = true
			return ", echoes"
		}
		return ""
	}
	var targets []string
	if g.service {
		idle := ""
		if g.in(3) {
			idle, g.idle = ", may exit when idle", true
		}
		g.say("service echo serves com.example.echo%s%s", behaviour(), idle)
		targets = append(targets, "com.example.echo", "com.example.echo")
	}
	if g.local {
		// Which of two waiting clients becomes the first peer is open (row 39).
		inactive := ""
		if !g.service && g.in(4) {
			inactive, g.single = ", inactive", true
		}
		g.say("anonymous listener l%s%s", behaviour(), inactive)
		targets = append(targets, "l")
	}
	if g.in(8) {
		targets = append(targets, "com.example.nobody")
	}
	if g.service && g.has(Processes) && g.in(4) {
		g.process = true
		g.say("process app")
	}
	clients := []string{"c", "d", "e"}[:1+g.IntN(3)]
	if g.single {
		clients = clients[:1]
	}
	for _, c := range clients {
		to := g.one(targets...)
		options := ""
		switch {
		case g.process && to != "l" && g.in(2):
			options = ", from app"
		case g.in(12):
			options = ", without a handler"
		case g.in(6):
			g.queues++
			g.say("queue q%d", g.queues)
			options = fmt.Sprintf(", on queue q%d", g.queues)
		case to != "l" && g.in(12):
			options = ", privileged"
		}
		g.hook(c, to)
		g.say("%s connects to %s%s", c, to, options)
		g.clients = append(g.clients, scribbled{c, map[string]string{"com.example.echo": "echo", "l": "l"}[to]})
		if !g.in(6) {
			g.say("%s activates", c)
		}
		if !g.in(3) {
			g.say("%s sends {n: %d}", c, g.next())
		}
	}
}

// hook lets something happen inside a handler.
func (g *scribe) hook(c, to string) {
	if !g.in(6) {
		return
	}
	who := g.one(c, "a peer of "+map[string]string{"com.example.echo": "echo", "l": "l", "com.example.nobody": "nobody"}[to])
	what := g.one("anything", "anything", "request", "INTERRUPTED", "INVALID")
	does := g.one("cancels", "suspends", "closes", fmt.Sprintf("sends {n: %d}", g.next()), fmt.Sprintf("sends a barrier as b%d", g.next()))
	if does == "suspends" && g.echoes || who != c && strings.HasPrefix(does, "sends a barrier") {
		does = "cancels" // of two peers one would have the barrier's name
	}
	if does == "suspends" {
		g.held[c], g.held["echo"], g.held["l"] = true, true, true
	}
	g.talks = g.talks || strings.HasPrefix(does, "sends")
	g.brittle = g.brittle || does == "cancels" || does == "closes"
	g.say("when %s gets %s: it %s", who, what, does)
}

// somebody is a client, a peer, or now and then a listener.
func (g *scribe) somebody() string {
	c := g.clients[g.IntN(len(g.clients))]
	switch {
	case c.to == "" || !g.in(3):
		return c.name
	case g.in(8) && c.to == "l":
		return "l"
	}
	return fmt.Sprintf("%s/%d", c.to, 1+g.IntN(3))
}

// step writes one more step.
func (g *scribe) step() {
	x := g.somebody()
	switch p := g.IntN(100); {
	case p < 22:
		if !g.brittle && g.in(4) {
			n := g.next()
			g.n += 3
			g.say("%s sends {n: %d} to {n: %d}", x, n, g.n)
			return
		}
		g.say("%s sends {n: %d}", x, g.next())
	case p < 40:
		c := g.clients[g.IntN(len(g.clients))]
		n := g.next()
		r := scribbled{fmt.Sprintf("r%d", n), c.to}
		asker := c.name
		if g.in(6) && c.to != "" {
			asker = fmt.Sprintf("%s/%d", c.to, 1+g.IntN(2))
			r.to = c.name
		}
		switch {
		case g.in(6) && g.has(SyncWaits):
			g.say("%s asks {n: %d} and waits, as %s", asker, n, r.name)
		case g.queues > 0 && g.in(3):
			g.say("%s asks {n: %d} as %s, on queue q%d", asker, n, r.name, 1+g.IntN(g.queues))
		default:
			g.say("%s asks {n: %d} as %s", asker, n, r.name)
		}
		if r.to != "" {
			g.asked = append(g.asked, r)
		}
	case p < 54 && len(g.asked) > 0:
		r := g.asked[g.IntN(len(g.asked))]
		if g.held[side(r.to)] {
			return // K-2: whether a reply leaves a suspended connection is open
		}
		if g.in(4) {
			g.say("%s drops %s", r.to, r.name)
			return
		}
		g.say("%s replies {n: %d} to %s", r.to, g.next(), r.name)
	case p < 60 && (x != "l" || g.single):
		g.held[side(x)] = true
		g.say("%s suspends", x)
	case p < 68:
		g.say("%s resumes", x)
	case p < 73:
		g.say("%s activates", x)
	case p < 78:
		g.say("%s cancels", x)
	case p < 80:
		g.say("%s closes", x)
	case p < 85:
		g.say("%s sends a barrier as b%d", x, g.next())
	case p < 87:
		g.say("%s gets a new handler h%d", x, g.next())
	case p < 89 && g.queues > 0:
		g.say("%s moves to %s", x, g.one("the default queue", fmt.Sprintf("queue q%d", g.queues)))
	case p < 90 && g.process:
		g.say("app %s", g.one("exits", "crashes"))
	case g.service:
		var all []string
		for what, need := range map[string]Capability{"exits": Exits, "crashes": Crashes, "is unloaded": Unloads, "is loaded": Unloads,
			"exits if idle": IdleExits} {
			// Whether a message that waits for its delivery counts as a transaction is open (row 197).
			if g.has(need) && (what != "exits if idle" || !g.held["echo"]) {
				all = append(all, what)
			}
		}
		slices.Sort(all)
		all = append(all, "begins a transaction", "ends a transaction")
		if g.has(Terminates) && !g.idle && !g.talks && g.in(5) {
			g.terminate()
			return
		}
		g.say("echo %s", g.one(all...))
	default:
		g.say("%s sends {n: %d}", x, g.next())
	}
}

// terminate is SIGTERM and what the service does then, up to its end. Who
// becomes the peer of a service that has been told to end is open, and so is when
// one that may exit as idle does.
func (g *scribe) terminate() {
	g.say("echo is terminated")
	for range g.IntN(3) {
		p := fmt.Sprintf("echo/%d", 1+g.IntN(2))
		switch g.IntN(4) {
		case 0:
			g.say("%s sends {n: %d}", p, g.next())
		case 1:
			g.say("%s cancels", p)
		case 2:
			if len(g.asked) > 0 && !g.held["echo"] { // K-2, as above
				g.say("echo replies {n: %d} to %s", g.next(), g.asked[g.IntN(len(g.asked))].name)
			}
		case 3:
			g.say("echo is terminated")
		}
	}
	g.say("echo %s", g.one("exits", "crashes"))
}
