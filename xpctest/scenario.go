package xpctest

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A Scenario is a sequence of steps and expected events in words. The language
// is described in testdata/scenarios/README.md.
type Scenario struct {
	Name  string // of the file, without .txt
	About string // its first line
	// Rows and Questions are those that the first line names.
	Rows      []int
	Questions []string
	// Probe tells that the scenario is about an open question: it prints what it
	// saw, and nothing is expected of it but what it says.
	Probe bool
	Needs []Capability
	steps []*step
}

// step is one line, with what is indented below it.
type step struct {
	line    int
	text    string
	fails   string // the error that the step must have, if any
	verb    *verb
	args    []string
	choices [][]*step // of "one of"
}

func (s *step) String() string {
	if s.fails != "" {
		return s.fails + ": " + s.text
	}
	return s.text
}

// verb is a form of step.
type verb struct {
	pattern *regexp.Regexp
	needs   func(args []string) []Capability
	run     func(s *stage, c *cue, a []string) error
	expects bool
}

// What may stand before a step that must fail.
var failures = []string{"misuse", "closed", "replied", "no reply wanted", "refused", "error"}

var (
	rowsWord     = regexp.MustCompile(`\brows? ((?:\d+[, ]*(?:to \d+)?[, ]*)+)`)
	questionWord = regexp.MustCompile(`\bQ\d+\b`)
)

// ParseScenario reads a scenario.
func ParseScenario(name, text string) (*Scenario, error) {
	sc := &Scenario{Name: name}
	lines := strings.Split(text, "\n")
	about, ok := strings.CutPrefix(lines[0], "# ")
	if !ok {
		return nil, fmt.Errorf("%s: the first line is no comment that says which rows and why", name)
	}
	sc.About = about
	sc.Probe = strings.HasPrefix(about, "probe ")
	sc.Questions = questionWord.FindAllString(about, -1)
	if m := rowsWord.FindStringSubmatch(about); m != nil {
		for _, f := range strings.FieldsFunc(m[1], func(r rune) bool { return r == ' ' || r == ',' }) {
			if n, err := strconv.Atoi(f); err == nil {
				if _, ok := Rows()[n]; !ok {
					return nil, fmt.Errorf("%s: there is no row %d", name, n)
				}
				sc.Rows = append(sc.Rows, n)
			}
		}
	}
	if len(sc.Rows) == 0 && len(sc.Questions) == 0 {
		return nil, fmt.Errorf("%s: the first line names no row and no question", name)
	}
	rest, err := sc.block(lines, 1, "", &sc.steps)
	if err == nil && rest < len(lines) {
		err = fmt.Errorf("%s:%d: indented more than the line above", name, rest+1)
	}
	if err != nil {
		return nil, err
	}
	if len(sc.steps) == 0 {
		return nil, fmt.Errorf("%s: no steps", name)
	}
	return sc, nil
}

func indent(s string) string { return s[:len(s)-len(strings.TrimLeft(s, " \t"))] }

// block reads lines of one indentation; it returns the index of the first line
// that does not belong.
func (sc *Scenario) block(lines []string, i int, in string, out *[]*step) (int, error) {
	for ; i < len(lines); i++ {
		text := strings.TrimSpace(lines[i])
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if indent(lines[i]) != in {
			return i, nil
		}
		switch text {
		case "or:":
			return i, nil
		case "one of:":
			s := &step{line: i + 1, text: "one of"}
			for {
				var choice []*step
				if i+1 >= len(lines) || len(indent(lines[i+1])) <= len(in) {
					return i, fmt.Errorf("%s:%d: nothing is indented below", sc.Name, i+1)
				}
				next, err := sc.block(lines, i+1, indent(lines[i+1]), &choice)
				if err != nil {
					return next, err
				}
				for _, c := range choice {
					if c.verb == nil || !c.verb.expects {
						return next, fmt.Errorf("%s:%d: only what is expected can be one of several", sc.Name, c.line)
					}
				}
				s.choices = append(s.choices, choice)
				i = next
				if i >= len(lines) || strings.TrimSpace(lines[i]) != "or:" || indent(lines[i]) != in {
					break
				}
			}
			i--
			*out = append(*out, s)
			continue
		}
		s, err := sc.parse(text)
		if err != nil {
			return i, fmt.Errorf("%s:%d: %w", sc.Name, i+1, err)
		}
		s.line = i + 1
		*out = append(*out, s)
	}
	return i, nil
}

// parse reads one step, and notes what it needs.
func (sc *Scenario) parse(text string) (*step, error) {
	s := &step{text: text}
	for _, f := range failures {
		if rest, ok := strings.CutPrefix(text, f+": "); ok {
			s.fails, s.text = f, rest
		}
	}
	for i := range verbs {
		v := &verbs[i]
		m := v.pattern.FindStringSubmatch(s.text)
		if m == nil {
			continue
		}
		s.verb, s.args = v, m[1:]
		if v.needs != nil {
			for _, c := range v.needs(s.args) {
				if !slices.Contains(sc.Needs, c) {
					sc.Needs = append(sc.Needs, c)
				}
			}
		}
		// The steps of a hook count, too.
		if hook := strings.HasPrefix(s.text, "when"); hook || strings.HasPrefix(s.text, "try: ") {
			for _, t := range strings.Split(s.args[len(s.args)-1], "; ") {
				if _, err := sc.parse(t); err != nil {
					return nil, err
				}
			}
		}
		return s, nil
	}
	return nil, fmt.Errorf("no such step: %s", text)
}

// ParseScenarios reads all scenarios of a directory, by name.
func ParseScenarios(fsys fs.FS) ([]*Scenario, error) {
	names, err := fs.Glob(fsys, "*.txt")
	if err != nil {
		return nil, err
	}
	var out []*Scenario
	for _, n := range names {
		b, err := fs.ReadFile(fsys, n)
		if err != nil {
			return nil, err
		}
		sc, err := ParseScenario(strings.TrimSuffix(path.Base(n), ".txt"), string(b))
		if err != nil {
			return nil, err
		}
		out = append(out, sc)
	}
	return out, nil
}

// RunScenarios plays all scenarios of a directory on a harness, each as a
// subtest named by its file.
func RunScenarios(t *testing.T, h Harness, fsys fs.FS) {
	all, err := ParseScenarios(fsys)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	rec := Record{Harness: h.Name(), Scenarios: true}
	add := func(o Outcome) {
		mu.Lock()
		defer mu.Unlock()
		rec.Results = append(rec.Results, o)
	}
	t.Cleanup(func() {
		slices.SortFunc(rec.Results, func(a, b Outcome) int { return strings.Compare(a.Name, b.Name) })
		n := 0
		for _, o := range rec.Results {
			if o.Passed {
				n++
			}
		}
		t.Logf("scenarios on %s: %d of %d passed", h.Name(), n, len(rec.Results))
		leave(t, rec)
	})
	for _, sc := range all {
		t.Run(sc.Name, func(t *testing.T) {
			if _, serial := h.(Serial); !serial {
				t.Parallel()
			}
			for _, need := range sc.Needs {
				if !h.Has(need) {
					add(Outcome{Name: sc.Name, Missing: need})
					t.Skipf("not reproducible here: %s", need)
				}
			}
			var without []Capability
			t.Cleanup(func() { add(Outcome{Name: sc.Name, Passed: !t.Failed(), Partly: without}) })
			runCase(t, h, sc.asCase(func(e *env) { play(e, sc) }), &without)
		})
	}
}

// asCase lets a scenario run as a case does.
func (sc *Scenario) asCase(run func(e *env)) Case {
	c := Case{Name: sc.Name, Says: sc.About, Kind: "exactly", Needs: append([]Capability{Quiet}, sc.Needs...), run: run}
	if len(sc.Rows) > 0 {
		c.Row = sc.Rows[0]
	}
	return c
}
