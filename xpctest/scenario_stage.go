package xpctest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-xpc/xpc"
)

// happening is something that an actor saw.
type happening struct {
	text string
	msg  *xpc.Message // kept until the scenario ends or releases it
	body xpc.Dictionary
	err  *xpc.Error
	peer *actor
}

// actor is what a scenario has a name for.
type actor struct {
	kind string
	name string
	// c is the connection; of a service the current listener's.
	c  *xpc.Connection
	rt *xpc.Runtime
	// Of services.
	svc  Service
	gone bool // unloaded
	opts options
	from *actor // the listener or service that a peer came from
	// Of requests: the body. Of processes and queues what they are.
	asked string
	proc  Process
	q     *xpc.Queue
	gate  *gate

	saw      []happening
	next     int // the first that nothing has expected yet
	received []*request
}

// request is a message that an actor keeps.
type request struct {
	text     string
	msg      *xpc.Message
	answered bool
}

// options are what a listener does with its peers.
type options struct {
	refuse, inactive, echo, keep bool
}

// hook is what happens inside a handler.
type hook struct {
	who   string
	peers bool
	what  string // empty for anything
	ever  bool
	used  map[*actor]bool // each peer by itself: which of two comes first is open
	steps []*step
}

// cue is the handler in which a step runs.
type cue struct {
	it  *actor
	msg *happening
}

// stage is where a scenario plays.
type stage struct {
	e  *env
	sc *Scenario
	// record makes the steps tell their errors instead of judging them.
	record bool

	mu     sync.Mutex
	more   chan struct{}
	actors map[string]*actor
	order  []*actor
	hooks  []*hook
	names  map[string]string
	over   map[*xpc.Runtime]bool
}

func newStage(e *env, sc *Scenario) *stage {
	s := &stage{e: e, sc: sc, more: make(chan struct{}), actors: map[string]*actor{}, names: map[string]string{}, over: map[*xpc.Runtime]bool{}}
	s.add(&actor{kind: "process", name: "client", rt: e.rt})
	return s
}

func play(e *env, sc *Scenario) {
	s := newStage(e, sc)
	defer func() {
		if sc.Probe {
			e.t.Logf("%s on %s:\n%s", sc.About, e.h.Name(), s.tell())
		}
	}()
	for _, st := range sc.steps {
		e.notef("> %s", st)
		s.perform(st)
	}
	if !sc.Probe {
		s.nothingMore()
	}
}

// perform is one step of the script itself.
func (s *stage) perform(st *step) {
	s.e.t.Helper()
	if st.choices != nil {
		s.oneOf(st)
		return
	}
	err := st.verb.run(s, nil, st.args)
	if why := judge(st, err); why != "" {
		s.fail(st, why)
	}
}

func (s *stage) fail(st *step, why string) {
	s.e.t.Helper()
	s.e.t.Fatalf("%s.txt:%d: %s: %s\n%s", s.sc.Name, st.line, st, why, s.tell())
}

// judge tells what is wrong with the error of a step.
func judge(st *step, err error) string {
	got := failure(err)
	switch {
	case st.fails == "error" && err != nil, got == st.fails:
		return ""
	case err == nil:
		return "no error"
	}
	return err.Error()
}

var errNo = errors.New("no") // of what a harness refuses

// failure classifies the error of a call.
func failure(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, xpc.ErrMisuse):
		return "misuse"
	case errors.Is(err, xpc.ErrClosed):
		return "closed"
	case errors.Is(err, xpc.ErrReplied):
		return "replied"
	case errors.Is(err, xpc.ErrNoReplyWanted):
		return "no reply wanted"
	case errors.Is(err, errNo):
		return "refused"
	}
	return "error"
}

// tell is what everybody saw, a line each; what was expected comes before the |.
func (s *stage) tell() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, a := range s.order {
		if len(a.saw) == 0 {
			continue
		}
		fmt.Fprintf(&b, "  %s saw:", a.name)
		for i, h := range a.saw {
			if i == a.next && i > 0 {
				b.WriteString(" |")
			}
			fmt.Fprintf(&b, " %s", h.text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (s *stage) add(a *actor) *actor {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.name != "" {
		s.actors[a.name] = a
	}
	s.order = append(s.order, a)
	return a
}

// fresh adds an actor whose name must be new.
func (s *stage) fresh(kind, name string) (*actor, error) {
	s.mu.Lock()
	_, twice := s.actors[name]
	s.mu.Unlock()
	if twice {
		return nil, fmt.Errorf("the name %s is used twice", name)
	}
	return s.add(&actor{kind: kind, name: name}), nil
}

func (s *stage) find(c *cue, name string) (*actor, error) {
	if name == "it" && c != nil {
		return c.it, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.actors[name]
	if a == nil {
		return nil, fmt.Errorf("nobody is called %s", name)
	}
	return a, nil
}

// conn is the connection of somebody.
func (s *stage) conn(c *cue, name string) (*xpc.Connection, error) {
	a, err := s.find(c, name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.c == nil {
		return nil, fmt.Errorf("%s is no connection", name)
	}
	return a.c, nil
}

// real is the name under which a service is known to launchd.
func (s *stage) real(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names[name] == "" {
		s.names[name] = s.e.name(name[strings.LastIndexByte(name, '.')+1:])
	}
	return s.names[name]
}

func (s *stage) runtimeOf(name string) (*xpc.Runtime, error) {
	if name == "" {
		return s.e.rt, nil
	}
	a, err := s.find(nil, name)
	if err != nil {
		return nil, err
	}
	if a.proc == nil {
		return nil, fmt.Errorf("%s is no process", name)
	}
	return a.proc.Runtime(), nil
}

func (s *stage) queue(name string) (*xpc.Queue, error) {
	if name == "" {
		return nil, nil
	}
	a, err := s.find(nil, name)
	if err == nil && a.q == nil {
		err = fmt.Errorf("%s is no queue", name)
	}
	if err != nil {
		return nil, err
	}
	return a.q, nil
}

// isOver tells that a process has ended: what its handlers would still see is
// no part of the scenario, although a harness may have to clean up through them.
func (s *stage) isOver(rt *xpc.Runtime) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over[rt]
}

func (s *stage) end(rt *xpc.Runtime, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over[rt] = over
}

// label is the name of an actor, which peers get late.
func (s *stage) label(a *actor) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return a.name
}

func (s *stage) put(a *actor, h happening) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.e.notef("%s: %s", a.name, h.text)
	a.saw = append(a.saw, h)
	close(s.more)
	s.more = make(chan struct{})
}

func (s *stage) mark(a *actor, text string) { s.put(a, happening{text: text}) }

// until waits for cond, which is called with the lock held.
func (s *stage) until(cond func() bool) bool {
	for {
		s.mu.Lock()
		ok, more := cond(), s.more
		s.mu.Unlock()
		if ok {
			return true
		}
		if s.e.has(Quiet) {
			s.e.world.(Quieter).Quiesce()
			s.mu.Lock()
			defer s.mu.Unlock()
			return cond()
		}
		select {
		case <-more:
		case <-s.e.ctx.Done():
			return false
		}
	}
}

// grace is how long a harness without Quiet gets to settle, in real time.
const grace = 100 * time.Millisecond

// settle waits until nothing is under way any more, as far as the harness can.
func (s *stage) settle() {
	if s.e.can(Quiet) {
		s.e.world.(Quieter).Quiesce()
		return
	}
	time.Sleep(grace)
}

// adopt makes the connection end with the scenario.
func (s *stage) adopt(a *actor, c *xpc.Connection) {
	s.e.adopt(s.label(a), c)
	s.mu.Lock()
	defer s.mu.Unlock()
	a.c = c
}

// handler is the event handler of a connection; what it sees goes to tape.
func (s *stage) handler(rt *xpc.Runtime, a, tape *actor) func(xpc.Event) {
	return func(ev xpc.Event) {
		if s.isOver(rt) {
			return
		}
		var h happening
		switch ev := ev.(type) {
		case *xpc.Message:
			h = s.message(a, ev)
		case *xpc.Connection:
			h = s.arrival(a, ev)
		case *xpc.Error:
			h = happening{text: errorName(ev), err: ev}
		}
		s.react(a, &h)
		switch {
		case h.peer != nil:
			s.admit(a, h.peer)
		case h.msg != nil && a.from != nil && a.from.opts.echo && h.msg.WantsReply():
			s.oops(a, "answering", h.msg.Reply(h.body))
			s.e.oops("release", h.msg.Release())
			s.mu.Lock()
			a.received[len(a.received)-1].answered = true
			s.mu.Unlock()
		}
		s.put(tape, h)
	}
}

// oops reports an error in a handler, or writes it down.
func (s *stage) oops(a *actor, what string, err error) {
	if s.record && err != nil {
		s.mark(a, fmt.Sprintf("(%s: %s)", what, failure(err)))
		return
	}
	s.e.oops(what, err)
}

// message keeps requests, and everything where that is asked for.
func (s *stage) message(a *actor, m *xpc.Message) happening {
	d, err := m.Dictionary()
	s.e.oops("reading a message", err)
	xpc.CloseFiles(d)
	h := happening{text: valueText(d), body: d}
	wants := m.WantsReply()
	r := &request{text: h.text, msg: m}
	if wants {
		h.text = "request " + h.text
	}
	if wants || a.from != nil && a.from.opts.keep {
		s.e.retain(m)
		h.msg = m
		s.mu.Lock()
		a.received = append(a.received, r)
		s.mu.Unlock()
	}
	return h
}

// arrival is a new peer at a listener.
func (s *stage) arrival(l *actor, c *xpc.Connection) happening {
	s.mu.Lock()
	n := 1
	for _, a := range s.order {
		if a.from == l {
			n++
		}
	}
	s.mu.Unlock()
	p := s.add(&actor{kind: "peer", name: fmt.Sprintf("%s/%d", l.name, n), from: l, rt: c.Runtime()})
	s.adopt(p, c)
	s.e.oops("peer's handler", c.SetEventHandler(s.handler(p.rt, p, p)))
	return happening{text: "peer", peer: p}
}

func (s *stage) admit(l, p *actor) {
	switch {
	case l.opts.refuse:
		s.oops(p, "refusing", p.c.Cancel())
	case !l.opts.inactive:
		s.oops(p, "activating", p.c.Activate())
	}
}

// react runs the hooks, inside the handler.
func (s *stage) react(a *actor, h *happening) {
	s.mu.Lock()
	hooks, name := slices.Clone(s.hooks), a.name
	s.mu.Unlock()
	for _, k := range hooks {
		who := !k.peers && k.who == name || k.peers && a.from != nil && k.who == a.from.name
		text := strings.TrimPrefix(h.text, "request ")
		if !who || k.what != "" && k.what != h.text && k.what != text && !(k.what == "request" && text != h.text) {
			continue
		}
		s.mu.Lock()
		due := !k.used[a] || k.ever
		k.used[a] = true
		s.mu.Unlock()
		if !due {
			continue
		}
		c := &cue{it: a, msg: h}
		if h.peer != nil {
			c.it = h.peer
		}
		for _, st := range k.steps {
			s.e.notef("> inside the handler of %s: %s", name, st)
			if s.record {
				s.oops(a, "inside the handler", st.verb.run(s, c, st.args))
				continue
			}
			if why := judge(st, st.verb.run(s, c, st.args)); why != "" && s.e.ctx.Err() == nil {
				s.e.t.Errorf("%s.txt: inside the handler of %s: %s: %s", s.sc.Name, name, st, why)
			}
		}
	}
}

// listen gives a listener its handler, and activates it.
func (s *stage) listen(a *actor, c *xpc.Connection, activate bool) error {
	s.adopt(a, c)
	if err := c.SetEventHandler(s.handler(c.Runtime(), a, a)); err != nil || !activate {
		return err
	}
	return c.Activate()
}

// main is the program of a service.
func (s *stage) main(a *actor, name string, bundled bool) func(context.Context, *xpc.Runtime) {
	return func(ctx context.Context, rt *xpc.Runtime) {
		s.mu.Lock()
		a.rt = rt
		s.mu.Unlock()
		s.mark(a, "launched")
		if bundled {
			if err := rt.Main(func(c *xpc.Connection) { s.handler(rt, a, a)(c) }); ctx.Err() == nil {
				s.e.oops("Main", err)
			}
			return
		}
		c, err := rt.NewMachService(name, nil, xpc.MachServiceListener)
		if err == nil {
			err = s.listen(a, c, true)
		}
		if err != nil && ctx.Err() == nil {
			s.e.oops("the listener of "+a.name, err)
		}
		<-ctx.Done()
	}
}

// kept finds the oldest message with that text that an actor, or one of its
// peers, has received and not answered; failing that, the last answered one.
func (s *stage) kept(c *cue, who, target string) (*request, error) {
	a, err := s.find(c, who)
	if err != nil {
		return nil, err
	}
	var found *request
	pick := func(ok func(*request) bool) bool {
		found = nil
		for _, x := range s.order {
			if x != a && x.from != a {
				continue
			}
			for _, r := range x.received {
				if !ok(r) {
					continue
				}
				found = r
				if !r.answered {
					return true
				}
			}
		}
		return found != nil
	}
	var match func(*request) bool
	switch {
	case target == "it" && c != nil && c.msg != nil:
		match = func(r *request) bool { return r.msg == c.msg.msg }
	case strings.HasPrefix(target, "{"):
		text, err := normal(target)
		if err != nil {
			return nil, err
		}
		match = func(r *request) bool { return r.text == text }
	default:
		q, err := s.find(c, target)
		if err != nil {
			return nil, err
		}
		if q.kind != "request" {
			return nil, fmt.Errorf("%s is no request", target)
		}
		match = func(r *request) bool { return r.text == q.asked }
	}
	ok := false
	if s.record || c != nil {
		s.mu.Lock()
		ok = pick(match)
		s.mu.Unlock()
	} else {
		ok = s.until(func() bool { return pick(match) })
	}
	if !ok {
		return nil, fmt.Errorf("%s has received no such message", who)
	}
	return found, nil
}

// item is one event that is expected.
type item struct {
	text string
	name string // for a peer
}

// An expectation is what one actor must see next.
type expectation struct {
	who   string
	items []item
	loose bool // in any order
	none  bool
}

// meets tells whether the expectation holds from index at on, and who the peers
// are then. It is called with the lock held.
func (x *expectation) meets(a *actor, at int) (map[string]*actor, bool) {
	if x.none {
		return nil, len(a.saw) == at
	}
	if len(a.saw)-at < len(x.items) {
		return nil, false
	}
	peers := map[string]*actor{}
	saw := slices.Clone(a.saw[at : at+len(x.items)])
	for i, it := range x.items {
		j := 0
		if x.loose {
			j = slices.IndexFunc(saw, func(h happening) bool { return h.text == it.text })
			if j < 0 {
				return nil, false
			}
		} else if saw[j].text != it.text {
			return nil, false
		}
		if it.name != "" {
			peers[x.items[i].name] = saw[j].peer
		}
		saw = slices.Delete(saw, j, j+1)
	}
	return peers, true
}

func (s *stage) bind(peers map[string]*actor) {
	for name, p := range peers {
		p.name = name
		s.actors[name] = p
	}
}

// expect waits for what is expected.
func (s *stage) expect(x *expectation) error {
	// Handlers may still have to name it.
	s.until(func() bool { return s.actors[x.who] != nil })
	a, err := s.find(nil, x.who)
	if err != nil {
		return err
	}
	if x.none {
		if !s.e.can(Quiet) {
			return nil
		}
		s.settle()
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, ok := x.meets(a, a.next); !ok {
			return fmt.Errorf("there is %s", a.saw[a.next].text)
		}
		return nil
	}
	// What came otherwise is wrong at once.
	wrong := func() bool {
		for i, it := range x.items {
			if at := a.next + i; !x.loose && at < len(a.saw) && a.saw[at].text != it.text {
				return true
			}
		}
		return false
	}
	var peers map[string]*actor
	met := false
	s.until(func() bool {
		if peers, met = x.meets(a, a.next); met {
			s.bind(peers)
			a.next += len(x.items)
		}
		return met || wrong()
	})
	if !met {
		return errors.New("this did not come")
	}
	return nil
}

// oneOf waits until everything has settled, and takes the alternative that
// explains the most.
func (s *stage) oneOf(st *step) {
	s.e.t.Helper()
	s.settle()
	best, most := -1, -1
	var ends map[*actor]int
	var named map[string]*actor
	ok := s.until(func() bool {
		best, most = -1, -1
	choices:
		for i, choice := range st.choices {
			at, peers, n := map[*actor]int{}, map[string]*actor{}, 0
			for _, c := range choice {
				x, err := expectationOf(c.text)
				if err != nil {
					continue choices
				}
				a := s.actors[x.who]
				if a == nil {
					continue choices
				}
				if _, ok := at[a]; !ok {
					at[a] = a.next
				}
				p, ok := x.meets(a, at[a])
				if !ok {
					continue choices
				}
				for k, v := range p {
					peers[k] = v
				}
				at[a] += len(x.items)
				n += len(x.items)
			}
			if n > most {
				best, most, ends, named = i, n, at, peers
			}
		}
		return best >= 0
	})
	if !ok {
		s.fail(st, "none of these came")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bind(named)
	for a, n := range ends {
		a.next = n
	}
	var took []string
	for _, c := range st.choices[best] {
		took = append(took, c.text)
	}
	s.e.notef("of %d possibilities: %s", len(st.choices), strings.Join(took, "; "))
}

// nothingMore fails if somebody saw what nothing has expected.
func (s *stage) nothingMore() {
	s.e.t.Helper()
	if !s.e.can(Quiet) {
		return
	}
	s.settle()
	s.mu.Lock()
	var extra []string
	for _, a := range s.order {
		if a.next < len(a.saw) {
			extra = append(extra, fmt.Sprintf("%s: %s", a.name, a.saw[a.next].text))
		}
	}
	s.mu.Unlock()
	if len(extra) > 0 {
		s.e.t.Fatalf("%s.txt: nothing more was expected, and there is %s\n%s", s.sc.Name, strings.Join(extra, "; "), s.tell())
	}
}
