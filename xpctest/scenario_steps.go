package xpctest

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-xpc/xpc"
)

// The forms of steps. W is a name, N the name of a service, D a dictionary, T
// what tells a received message: the name of a request, a dictionary, or it.
func form(text string) *regexp.Regexp {
	const word = `([A-Za-z][\w-]*(?:/\d+)?)`
	r := strings.NewReplacer("WORD", word, "NAME", `([\w-]+(?:\.[\w-]+)+)`, "DICT", `(\{.*\}|nested \d+)`,
		"TARGET", `(\{.*\}|[A-Za-z][\w-]*)`, "OPTIONS", `((?:, [a-zA-Z][^{}]*)?)`)
	return regexp.MustCompile("^" + r.Replace(text) + "$")
}

var verbs []verb

func init() {
	verbs = []verb{
		{pattern: form(`service WORD serves NAMEOPTIONS`), run: doService, needs: func(a []string) []Capability {
			out := []Capability{Jobs, Closures}
			if strings.Contains(a[2], "system domain") {
				out = append(out, SystemDomain)
			}
			if strings.Contains(a[2], "in application") {
				out = append(out, Bundles, Processes)
			}
			return out
		}},
		{pattern: form(`anonymous listener WORDOPTIONS`), run: doAnonymous},
		{pattern: form(`process WORDOPTIONS`), run: doProcess, needs: func(a []string) []Capability {
			if strings.Contains(a[1], "in application") {
				return []Capability{Processes, Bundles}
			}
			return []Capability{Processes}
		}},
		{pattern: form(`(concurrent )?queue WORD`), run: doQueue},
		{pattern: form(`queue WORD (is blocked|goes on)`), run: doBlock},
		{pattern: form(`WORD listens for NAME`), run: doListen},
		{pattern: form(`WORD connects to NAMEOPTIONS`), run: doConnect},
		{pattern: form(`WORD connects to the endpoint received by WORDOPTIONS`), run: doConnectReceived},
		{pattern: form(`WORD connects to (?:the endpoint of )?WORDOPTIONS`), run: doConnectEndpoint},
		{pattern: form(`WORD (activates|suspends|resumes|cancels|closes)`), run: doState},
		{pattern: form(`WORD sends a barrier as WORD`), run: doBarrier},
		{pattern: form(`WORD sends (a listener|a bad descriptor)`), run: doSendBad},
		{pattern: form(`WORD sends DICT`), run: doSend},
		{pattern: form(`WORD asks DICT and waits, as WORD`), run: doSync},
		{pattern: form(`WORD asks DICT as WORDOPTIONS`), run: doAsk},
		{pattern: form(`WORD replies DICT to TARGET`), run: doReply},
		{pattern: form(`WORD replies to its own request WORD`), run: doReplyOwn},
		{pattern: form(`WORD (drops|keeps|releases) TARGET`), run: doKeep},
		{pattern: form(`WORD passes on TARGET of WORD`), run: doPassOn},
		{pattern: form(`WORD gets a new handler WORD`), run: doHandler},
		{pattern: form(`WORD moves to (?:queue WORD|the default queue)`), run: doMove},
		{pattern: form(`WORD has a finaliser WORD( without a context)?`), run: doFinaliser},
		{pattern: form(`WORD (exits|crashes|is unloaded|is loaded|is terminated|exits if idle)`), run: doLife, needs: func(a []string) []Capability {
			return map[string][]Capability{
				"exits": {Exits}, "crashes": {Crashes}, "is unloaded": {Unloads}, "is loaded": {Unloads},
				"is terminated": {Terminates}, "exits if idle": {IdleExits},
			}[a[1]]
		}},
		{pattern: form(`WORD (begins|ends) a transaction`), run: doTransaction},
		{pattern: form(`everything settles`), run: func(s *stage, c *cue, a []string) error {
			s.settle()
			return nil
		}},
		{pattern: form(`when(ever)? ((?:a peer of )?[A-Za-z][\w-]*) (?:gets (request \{.*?\}|\{.*?\}|request|reply \{.*?\}|anything|a peer|[A-Z_]+)|runs): (.+)`), run: doWhen},
		{pattern: form(`wait for WORD`), run: doWait},
		{pattern: form(`let WORD go`), run: doLet},
		{pattern: form(`expect nothing more`), run: func(s *stage, c *cue, a []string) error {
			s.nothingMore()
			return nil
		}},
		{pattern: form(`expect nothing at WORD`), run: doExpect, expects: true},
		{pattern: form(`expect WORD( in any order)?: (.+)`), run: doExpect, expects: true},
		{pattern: form(`see WORD`), run: doSee},
		{pattern: form(`try: (.+)`), run: doTry},
		{pattern: form(`check WORD knows WORD`), run: doKnows},
		{pattern: form(`check WORD is called (?:NAME|nothing)`), run: doCalled},
		{pattern: form(`check the last event of WORD says "(.*)"`), run: doSays},
		{pattern: form(`check the endpoints of WORD are equal`), run: doEqual},
		{pattern: form(`check the answer to WORD came from nobody`), run: doNobody},
	}
}

// choose reads options: each must be one of those that are known.
func choose(text string, known map[string]func(arg string)) error {
	for _, o := range strings.Split(strings.TrimPrefix(text, ", "), ", ") {
		if o == "" {
			continue
		}
		found := false
		for k, f := range known {
			if arg, ok := strings.CutPrefix(o, k); ok && (arg == "" || strings.HasSuffix(k, " ")) {
				f(arg)
				found = true
			}
		}
		if !found {
			return fmt.Errorf("what is %q", o)
		}
	}
	return nil
}

func (o *options) known() map[string]func(string) {
	return map[string]func(string){
		"refuses peers":         func(string) { o.refuse = true },
		"leaves peers inactive": func(string) { o.inactive = true },
		"echoes":                func(string) { o.echo = true },
		"keeps messages":        func(string) { o.keep = true },
	}
}

func doService(s *stage, _ *cue, a []string) error {
	x, err := s.fresh("service", a[0])
	if err != nil {
		return err
	}
	name := s.real(a[1])
	spec := ServiceSpec{Names: []string{name}}
	known := x.opts.known()
	known["may exit when idle"] = func(string) { spec.Idle = true }
	known["in the system domain"] = func(string) { spec.Domain = System }
	known["in application "] = func(app string) { spec.Bundle = s.real(app) }
	if err := choose(a[2], known); err != nil {
		return err
	}
	spec.Main = s.main(x, name, spec.Bundle != "")
	svc := s.e.declare(spec)
	s.mu.Lock()
	defer s.mu.Unlock()
	x.svc = svc
	return nil
}

func doAnonymous(s *stage, _ *cue, a []string) error {
	x, err := s.fresh("listener", a[0])
	if err != nil {
		return err
	}
	activate, from := true, ""
	known := x.opts.known()
	known["inactive"] = func(string) { activate = false }
	known["from "] = func(p string) { from = p }
	if err := choose(a[1], known); err != nil {
		return err
	}
	if x.rt, err = s.runtimeOf(from); err != nil {
		return err
	}
	c, err := x.rt.NewAnonymousListener(nil)
	if err != nil {
		return err
	}
	return s.listen(x, c, activate)
}

func doProcess(s *stage, _ *cue, a []string) error {
	x, err := s.fresh("process", a[0])
	if err != nil {
		return err
	}
	var spec ProcessSpec
	err = choose(a[1], map[string]func(string){
		"in the system domain": func(string) { spec.Domain = System },
		"in application ":      func(app string) { spec.Bundle = s.real(app) },
	})
	if err == nil {
		x.proc = s.e.spawn(spec)
		x.rt = x.proc.Runtime()
	}
	return err
}

func doQueue(s *stage, _ *cue, a []string) error {
	x, err := s.fresh("queue", a[1])
	if err == nil {
		x.q = s.e.queueIn(s.e.rt, a[0] != "")
	}
	return err
}

func doBlock(s *stage, _ *cue, a []string) error {
	x, err := s.find(nil, a[0])
	if err != nil {
		return err
	}
	if a[1] == "is blocked" {
		x.gate = s.e.block(x.q)
	} else {
		x.gate.open()
	}
	return nil
}

func doListen(s *stage, _ *cue, a []string) error {
	x, err := s.fresh("listener", a[0])
	if err != nil {
		return err
	}
	c, err := s.e.rt.NewMachService(s.real(a[1]), nil, xpc.MachServiceListener)
	if err != nil {
		return err
	}
	return s.listen(x, c, true)
}

// dial makes a client by what the options say.
func (s *stage) dial(name, opts string, connect func(*xpc.Runtime, *xpc.Queue, string) (*xpc.Connection, error)) error {
	x, err := s.fresh("client", name)
	if err != nil {
		return err
	}
	handler, kind, from, on := true, "", "", ""
	err = choose(opts, map[string]func(string){
		"without a handler": func(string) { handler = false },
		"privileged":        func(k string) { kind = "privileged" },
		"bundled":           func(k string) { kind = "bundled" },
		"from ":             func(p string) { from = p },
		"on queue ":         func(q string) { on = q },
	})
	if err != nil {
		return err
	}
	rt, err := s.runtimeOf(from)
	if err != nil {
		return err
	}
	q, err := s.queue(on)
	if err != nil {
		return err
	}
	c, err := connect(rt, q, kind)
	if err != nil {
		return err
	}
	x.rt = rt
	s.adopt(x, c)
	if handler {
		return c.SetEventHandler(s.handler(rt, x, x))
	}
	return nil
}

func doConnect(s *stage, _ *cue, a []string) error {
	return s.dial(a[0], a[2], func(rt *xpc.Runtime, q *xpc.Queue, kind string) (*xpc.Connection, error) {
		switch kind {
		case "bundled":
			return rt.NewConnection(s.real(a[1]), q)
		case "privileged":
			return rt.NewMachService(s.real(a[1]), q, xpc.MachServicePrivileged)
		}
		return rt.NewMachService(s.real(a[1]), q, 0)
	})
}

// fromEndpoint makes a client; libxpc's call takes no queue.
func fromEndpoint(rt *xpc.Runtime, q *xpc.Queue, e *xpc.Endpoint) (*xpc.Connection, error) {
	c, err := rt.NewFromEndpoint(e)
	if err == nil && q != nil {
		err = c.SetTargetQueue(q)
	}
	return c, err
}

func doConnectEndpoint(s *stage, c *cue, a []string) error {
	e, err := s.endpoint(c, a[1])
	if err != nil {
		return err
	}
	return s.dial(a[0], a[2], func(rt *xpc.Runtime, q *xpc.Queue, _ string) (*xpc.Connection, error) {
		return fromEndpoint(rt, q, e)
	})
}

func (s *stage) endpoint(c *cue, name string) (*xpc.Endpoint, error) {
	l, err := s.conn(c, name)
	if err != nil {
		return nil, err
	}
	return l.Endpoint()
}

func doConnectReceived(s *stage, _ *cue, a []string) error {
	e, err := s.receivedEndpoint(a[1])
	if err != nil {
		return err
	}
	return s.dial(a[0], a[2], func(rt *xpc.Runtime, q *xpc.Queue, _ string) (*xpc.Connection, error) {
		return fromEndpoint(rt, q, e)
	})
}

// receivedEndpoint is the last one that an actor has received.
func (s *stage) receivedEndpoint(name string) (*xpc.Endpoint, error) {
	x, err := s.find(nil, name)
	if err != nil {
		return nil, err
	}
	var e *xpc.Endpoint
	found := s.until(func() bool {
		for _, h := range x.saw {
			for _, v := range h.body {
				if v, ok := v.(*xpc.Endpoint); ok {
					e = v
				}
			}
		}
		return e != nil
	})
	if !found {
		return nil, fmt.Errorf("%s has received no endpoint", name)
	}
	return e, nil
}

func doState(s *stage, c *cue, a []string) error {
	x, err := s.conn(c, a[0])
	if err != nil {
		return err
	}
	switch a[1] {
	case "activates":
		return x.Activate()
	case "suspends":
		return x.Suspend()
	case "resumes":
		return x.Resume()
	case "cancels":
		return x.Cancel()
	}
	return x.Close()
}

// values reads {…}, {…} or {n: 1} to {n: 5}.
func (s *stage) values(c *cue, text string) ([]xpc.Dictionary, error) {
	r := &valueReader{
		s:        text,
		endpoint: func(name string) (*xpc.Endpoint, error) { return s.endpoint(c, name) },
		received: s.receivedEndpoint,
	}
	var out []xpc.Dictionary
	for {
		d, err := r.dictionary()
		if err != nil {
			return nil, err
		}
		out = append(out, d)
		switch {
		case r.eat("to"):
			last, err := r.dictionary()
			if err != nil {
				return nil, err
			}
			from, ok1 := d["n"].(int64)
			to, ok2 := last["n"].(int64)
			if !ok1 || !ok2 || from > to {
				return nil, fmt.Errorf("%w: a range goes from {n: 1} to {n: 5}", errValue)
			}
			for n := from + 1; n <= to; n++ {
				out = append(out, xpc.Dictionary{"n": n})
			}
			if !r.eat(",") {
				return out, r.end()
			}
		case !r.eat(","):
			return out, r.end()
		}
	}
}

func (r *valueReader) end() error {
	if r.space(); r.s != "" {
		return fmt.Errorf("%w: what is %q", errValue, r.s)
	}
	return nil
}

func (s *stage) one(c *cue, text string) (xpc.Dictionary, error) {
	all, err := s.values(c, text)
	if err == nil && len(all) != 1 {
		err = fmt.Errorf("%w: one dictionary is wanted", errValue)
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func doSend(s *stage, c *cue, a []string) error {
	x, err := s.conn(c, a[0])
	if err != nil {
		return err
	}
	all, err := s.values(c, a[1])
	if err != nil {
		return err
	}
	for _, d := range all {
		if err := x.SendMessage(d); err != nil {
			return err
		}
	}
	return nil
}

func doSendBad(s *stage, c *cue, a []string) error {
	x, err := s.conn(c, a[0])
	if err != nil {
		return err
	}
	if a[1] == "a listener" {
		return x.SendMessage(xpc.Dictionary{"connection": x})
	}
	return x.SendMessage(xpc.Dictionary{"fd": xpc.FD(1 << 20)})
}

// asker prepares a request.
func (s *stage) asker(c *cue, who, dict, name string) (*xpc.Connection, xpc.Dictionary, *actor, error) {
	x, err := s.conn(c, who)
	if err != nil {
		return nil, nil, nil, err
	}
	d, err := s.one(c, dict)
	if err != nil {
		return nil, nil, nil, err
	}
	r, err := s.fresh("request", name)
	if err != nil {
		return nil, nil, nil, err
	}
	r.asked = valueText(d)
	return x, d, r, nil
}

// outcome records what a request came to.
func (s *stage) outcome(r *actor, ev xpc.Event) {
	if s.isOver(r.rt) {
		return
	}
	var h happening
	switch ev := ev.(type) {
	case *xpc.Message:
		d, err := ev.Dictionary()
		s.e.oops("reading a reply", err)
		xpc.CloseFiles(d)
		s.e.retain(ev)
		h = happening{text: "reply " + valueText(d), body: d, msg: ev}
	case *xpc.Error:
		h = happening{text: errorName(ev), err: ev}
	}
	s.react(r, &h)
	s.put(r, h)
}

func doAsk(s *stage, c *cue, a []string) error {
	x, d, r, err := s.asker(c, a[0], a[1], a[2])
	if err != nil {
		return err
	}
	on := ""
	if err := choose(a[3], map[string]func(string){"on queue ": func(q string) { on = q }}); err != nil {
		return err
	}
	q, err := s.queue(on)
	if err != nil {
		return err
	}
	r.rt = x.Runtime()
	return x.SendMessageWithReply(d, q, func(ev xpc.Event) { s.outcome(r, ev) })
}

func doSync(s *stage, c *cue, a []string) error {
	x, d, r, err := s.asker(c, a[0], a[1], a[2])
	if err != nil {
		return err
	}
	if c != nil {
		// Inside a handler the call must not block.
		_, err := x.SendMessageWithReplySync(d)
		return err
	}
	r.rt = x.Runtime()
	go func() {
		m, err := x.SendMessageWithReplySync(d)
		var e *xpc.Error
		switch {
		case s.isOver(r.rt):
		case errors.As(err, &e):
			s.outcome(r, e)
		case err != nil:
			s.mark(r, failure(err))
		default:
			s.outcome(r, m)
			s.e.oops("release", m.Release())
		}
	}()
	return nil
}

func doReply(s *stage, c *cue, a []string) error {
	d, err := s.one(c, a[1])
	if err != nil {
		return err
	}
	r, err := s.kept(c, a[0], a[2])
	if err != nil {
		return err
	}
	err = r.msg.Reply(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	r.answered = r.answered || err == nil
	return err
}

// doReplyOwn answers the answer to a request, which wants none.
func doReplyOwn(s *stage, _ *cue, a []string) error {
	m, err := s.answer(a[1])
	if err != nil {
		return err
	}
	return m.Reply(xpc.Dictionary{})
}

func (s *stage) answer(name string) (*xpc.Message, error) {
	r, err := s.find(nil, name)
	if err != nil {
		return nil, err
	}
	var m *xpc.Message
	s.until(func() bool {
		if len(r.saw) > 0 {
			m = r.saw[0].msg
		}
		return m != nil
	})
	if m == nil {
		return nil, fmt.Errorf("%s has no answer", name)
	}
	return m, nil
}

func doKeep(s *stage, c *cue, a []string) error {
	r, err := s.kept(c, a[0], a[2])
	if err != nil {
		return err
	}
	if a[1] == "keeps" {
		s.e.retain(r.msg)
		return nil
	}
	err = r.msg.Release()
	s.mu.Lock()
	defer s.mu.Unlock()
	r.answered = true
	return err
}

func doPassOn(s *stage, c *cue, a []string) error {
	x, err := s.conn(c, a[0])
	if err != nil {
		return err
	}
	r, err := s.kept(c, a[2], a[1])
	if err != nil {
		return err
	}
	return x.SendMessage(r.msg)
}

func doBarrier(s *stage, c *cue, a []string) error {
	x, err := s.conn(c, a[0])
	if err != nil {
		return err
	}
	b, err := s.fresh("barrier", a[1])
	if err != nil {
		return err
	}
	b.rt = x.Runtime()
	return x.SendBarrier(func() {
		if s.isOver(x.Runtime()) {
			return
		}
		h := happening{text: "ran"}
		s.react(b, &h)
		s.put(b, h)
	})
}

func doHandler(s *stage, c *cue, a []string) error {
	x, err := s.find(c, a[0])
	if err != nil {
		return err
	}
	conn, err := s.conn(c, a[0])
	if err != nil {
		return err
	}
	tape, err := s.fresh("handler", a[1])
	if err != nil {
		return err
	}
	return conn.SetEventHandler(s.handler(conn.Runtime(), x, tape))
}

func doMove(s *stage, c *cue, a []string) error {
	x, err := s.conn(c, a[0])
	if err != nil {
		return err
	}
	q, err := s.queue(a[1])
	if err != nil {
		return err
	}
	return x.SetTargetQueue(q)
}

func doFinaliser(s *stage, c *cue, a []string) error {
	x, err := s.conn(c, a[0])
	if err != nil {
		return err
	}
	f, err := s.fresh("finaliser", a[1])
	if err != nil {
		return err
	}
	if a[2] == "" {
		if err := x.SetContext("context"); err != nil {
			return err
		}
	}
	return x.SetFinalizer(func(any) { s.mark(f, "ran") })
}

func doLife(s *stage, c *cue, a []string) error {
	x, err := s.find(c, a[0])
	if err != nil {
		return err
	}
	if x.svc != nil {
		if load := a[1] == "is loaded"; load || a[1] == "is unloaded" {
			if x.gone != load {
				return fmt.Errorf("%w: it %s already", errNo, a[1])
			}
			x.gone = !load
		}
	}
	s.mu.Lock()
	rt := x.rt
	before := s.over[rt]
	s.mu.Unlock()
	if a[1] != "is terminated" && a[1] != "is loaded" {
		s.end(rt, true)
	}
	switch {
	case x.proc != nil && a[1] == "exits":
		x.proc.Exit()
	case x.proc != nil && a[1] == "crashes":
		x.proc.Crash()
	case x.svc == nil:
		return fmt.Errorf("%s is no service", a[0])
	case a[1] == "exits":
		x.svc.Exit()
	case a[1] == "crashes":
		x.svc.Crash()
	case a[1] == "is unloaded":
		x.svc.Unload()
	case a[1] == "is loaded":
		x.svc.Load()
	case a[1] == "is terminated":
		x.svc.Terminate()
	case a[1] == "exits if idle":
		s.settle()
		if !x.svc.IdleExit() {
			s.end(rt, before)
			return fmt.Errorf("%w: it is not idle", errNo)
		}
	}
	return nil
}

func doTransaction(s *stage, c *cue, a []string) error {
	x, err := s.find(c, a[0])
	if err != nil {
		return err
	}
	s.mu.Lock()
	rt := x.rt
	s.mu.Unlock()
	switch {
	case rt == nil:
		return fmt.Errorf("%s does not run", a[0])
	case a[1] == "begins":
		return rt.TransactionBegin()
	}
	return rt.TransactionEnd()
}

func doWhen(s *stage, _ *cue, a []string) error {
	k := &hook{who: a[1], ever: a[0] != "", what: a[2], used: map[*actor]bool{}}
	k.who, k.peers = strings.CutPrefix(a[1], "a peer of ")
	switch {
	case a[2] == "a peer":
		k.what = "peer"
	case a[2] == "anything":
		k.what = ""
	case strings.HasPrefix(a[2], "{"):
		text, err := normal(a[2])
		if err != nil {
			return err
		}
		k.what = text
	}
	if !k.peers {
		k.who = a[1]
	}
	for _, t := range strings.Split(a[3], "; ") {
		st, err := s.sc.parse(t)
		if err != nil {
			return err
		}
		k.steps = append(k.steps, st)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, k)
	return nil
}

// gateOf finds a gate, or makes it.
func (s *stage) gateOf(name string) (*actor, error) {
	if g, err := s.find(nil, name); err == nil {
		if g.gate == nil {
			return nil, fmt.Errorf("%s is no gate", name)
		}
		return g, nil
	}
	return s.add(&actor{kind: "gate", name: name, gate: s.e.gate()}), nil
}

func doWait(s *stage, _ *cue, a []string) error {
	g, err := s.gateOf(a[0])
	if err == nil {
		s.mark(g, "reached")
		g.gate.pass()
	}
	return err
}

func doLet(s *stage, _ *cue, a []string) error {
	g, err := s.gateOf(a[0])
	if err == nil {
		g.gate.open()
	}
	return err
}

func doExpect(s *stage, _ *cue, a []string) error {
	text := "expect nothing at " + a[0]
	if len(a) > 1 {
		text = "expect " + a[0] + a[1] + ": " + a[2]
	}
	x, err := expectationOf(text)
	if err != nil {
		return err
	}
	if strings.HasPrefix(x.items[0].text, "any") {
		return errors.New("say what")
	}
	return s.expect(x)
}

// doSee takes note of all that has come so far, whatever it is.
func doSee(s *stage, c *cue, a []string) error {
	x, err := s.find(c, a[0])
	if err != nil {
		return err
	}
	s.settle()
	s.mu.Lock()
	defer s.mu.Unlock()
	x.next = len(x.saw)
	return nil
}

// doTry does a step whose error is only written down.
func doTry(s *stage, c *cue, a []string) error {
	st, err := s.sc.parse(a[0])
	if err != nil {
		return err
	}
	tried := s.add(&actor{kind: "try", name: a[0]})
	err = st.verb.run(s, c, st.args)
	s.mark(tried, map[bool]string{true: "no error", false: fmt.Sprint(err)}[err == nil])
	s.mu.Lock()
	defer s.mu.Unlock()
	tried.next = 1
	return nil
}

func doKnows(s *stage, c *cue, a []string) error {
	x, err := s.conn(c, a[0])
	if err != nil {
		return err
	}
	want := 0
	switch a[1] {
	case "nobody":
		if x.EUID() != -1 || x.EGID() != -1 || x.ASID() != -1 {
			return fmt.Errorf("it has the credentials %d, %d, %d", x.EUID(), x.EGID(), x.ASID())
		}
	case "client":
		want = s.e.world.PID()
	default:
		y, err := s.find(c, a[1])
		switch {
		case err != nil:
			return err
		case y.svc != nil:
			want = y.svc.PID()
		case y.proc != nil:
			want = y.proc.PID()
		default:
			return fmt.Errorf("%s is no process", a[1])
		}
		if x.EUID() == -1 {
			return errors.New("it has no credentials")
		}
	}
	if got := x.PID(); got != want {
		return fmt.Errorf("it has the pid %d, not %d", got, want)
	}
	return nil
}

func doCalled(s *stage, c *cue, a []string) error {
	x, err := s.conn(c, a[0])
	if err != nil {
		return err
	}
	want := ""
	if a[1] != "" {
		want = s.real(a[1])
	}
	if x.Name() != want {
		return fmt.Errorf("it is called %q", x.Name())
	}
	return nil
}

func doSays(s *stage, c *cue, a []string) error {
	x, err := s.find(c, a[0])
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(x.saw) == 0 || x.saw[len(x.saw)-1].err == nil {
		return errors.New("it was no error")
	}
	if got := x.saw[len(x.saw)-1].err.Description; got != a[1] {
		return fmt.Errorf("it says %q", got)
	}
	return nil
}

func doEqual(s *stage, c *cue, a []string) error {
	x, err := s.endpoint(c, a[0])
	if err != nil {
		return err
	}
	y, err := s.endpoint(c, a[0])
	if err == nil && !x.Equal(y) {
		err = errors.New("they are not")
	}
	return err
}

func doNobody(s *stage, _ *cue, a []string) error {
	m, err := s.answer(a[0])
	if err == nil && m.Connection() != nil {
		err = errors.New("it has a connection")
	}
	return err
}

var (
	nothingForm = form(`expect nothing at WORD`)
	expectForm  = form(`expect WORD( in any order)?: (.+)`)
	peerForm    = form(`peer WORD`)
	rangeForm   = regexp.MustCompile(`^(request |reply )?(\{.*\}) to (\{.*\})$`)
	errorForm   = regexp.MustCompile(`^[A-Z_]+$`)
)

// expectationOf reads what is expected.
func expectationOf(text string) (*expectation, error) {
	if m := nothingForm.FindStringSubmatch(text); m != nil {
		return &expectation{who: m[1], none: true, items: []item{{}}}, nil
	}
	m := expectForm.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("no such step: %s", text)
	}
	x := &expectation{who: m[1], loose: m[2] != ""}
	for _, part := range split(m[3]) {
		if r := rangeForm.FindStringSubmatch(part); r != nil {
			all, err := (&stage{}).values(nil, r[2]+" to "+r[3])
			if err != nil {
				return nil, err
			}
			for _, d := range all {
				x.items = append(x.items, item{text: r[1] + valueText(d)})
			}
			continue
		}
		it, err := itemOf(part)
		if err != nil {
			return nil, err
		}
		x.items = append(x.items, it)
	}
	return x, nil
}

func itemOf(part string) (item, error) {
	if m := peerForm.FindStringSubmatch(part); m != nil {
		return item{"peer", m[1]}, nil
	}
	switch {
	case part == "launched", part == "ran", part == "reached", part == "peer", errorForm.MatchString(part):
		return item{text: part}, nil
	}
	for _, prefix := range []string{"request ", "reply ", ""} {
		rest, ok := strings.CutPrefix(part, prefix)
		if !ok {
			continue
		}
		text, err := normal(rest)
		return item{text: prefix + text}, err
	}
	panic("unreachable")
}

// split cuts at the commas outside of brackets and quotes.
func split(text string) []string {
	var out []string
	depth, start, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ',' && depth == 0:
			out = append(out, strings.TrimSpace(text[start:i]))
			start = i + 1
		}
	}
	return append(out, strings.TrimSpace(text[start:]))
}
