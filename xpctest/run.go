package xpctest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A Case checks one row of the table of behaviour.
type Case struct {
	Row  int
	Name string // short words, joined by _
	// Says is the sentence that is checked.
	Says string
	// Kind tells whether a stand-in can do the same: exactly, partly or not.
	Kind  string
	Needs []Capability
	// Real cases depend on the garbage collector or on blocking files: they do
	// not run in a bubble of testing/synctest.
	Real bool

	run func(e *env)
}

// Test is the name of the case's subtest.
func (c Case) Test() string { return fmt.Sprintf("row_%03d_%s", c.Row, c.Name) }

// Cases are all cases, by row.
func Cases() []Case {
	rows := Rows()
	var out []Case
	for _, section := range sections {
		for _, c := range section {
			c.Kind = rows[c.Row].Kind
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b Case) int { return a.Row - b.Row })
	return out
}

var sections = [][]Case{
	creation, activation, suspension, handlers, queues, sending, barriers, requests, replying, synchronous,
	cancellation, interruption, listening, endpoints, credentials, requirements, errorObjects, transactions,
	objects, scalars, resources, containers,
}

// patience is how long a case may take. It is virtual in a bubble.
const patience = 30 * time.Second

func (c Case) patience() time.Duration {
	if c.Real {
		return 4 * patience // collects garbage beside all the others
	}
	return patience
}

// Result is what became of one case.
type Result struct {
	Case   Case
	Passed bool
	// Missing is the capability for want of which the case was not run.
	Missing Capability
	// Partly are the capabilities for want of which parts of it were left out.
	Partly []Capability
}

// Report is what became of all cases. It is complete when the test that called
// Run has ended.
type Report struct {
	Harness string

	mu      sync.Mutex
	results []Result
}

// Results are the outcomes so far, by row.
func (r *Report) Results() []Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := slices.Clone(r.results)
	slices.SortStableFunc(out, func(a, b Result) int { return a.Case.Row - b.Case.Row })
	return out
}

func (r *Report) add(x Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results = append(r.results, x)
}

func (r *Report) String() string {
	var b strings.Builder
	passed, failed := 0, 0
	missing, partly := map[Capability][]string{}, map[Capability][]string{}
	for _, x := range r.Results() {
		for _, c := range x.Partly {
			partly[c] = append(partly[c], fmt.Sprint(x.Case.Row))
		}
		switch {
		case x.Missing != "":
			missing[x.Missing] = append(missing[x.Missing], fmt.Sprint(x.Case.Row))
		case x.Passed:
			passed++
		default:
			failed++
		}
	}
	fmt.Fprintf(&b, "xpctest on %s: %d cases passed, %d failed", r.Harness, passed, failed)
	list := func(what string, m map[Capability][]string) {
		for _, c := range slices.Sorted(maps.Keys(m)) {
			fmt.Fprintf(&b, "\n  %s: %s: %d rows: %s", what, c, len(m[c]), strings.Join(m[c], " "))
		}
	}
	list("not reproducible here", missing)
	list("only in part here, without", partly)
	return b.String()
}

// Run runs all cases on a harness, each as a parallel subtest with a world of
// its own, and logs the summary.
func Run(t *testing.T, h Harness) *Report {
	report := &Report{Harness: h.Name()}
	t.Cleanup(func() { t.Log(report); report.leave(t) })
	for _, c := range Cases() {
		t.Run(c.Test(), func(t *testing.T) {
			if _, serial := h.(Serial); !serial {
				t.Parallel()
			}
			for _, need := range c.Needs {
				if !h.Has(need) {
					report.add(Result{Case: c, Missing: need})
					t.Skipf("not reproducible here: %s", need)
				}
			}
			var without []Capability
			t.Cleanup(func() { report.add(Result{Case: c, Passed: !t.Failed(), Partly: without}) })
			runCase(t, h, c, &without)
		})
	}
	return report
}

func runCase(t *testing.T, h Harness, c Case, without *[]Capability) {
	log := new(journal)
	// The last resort, in real time: a case that blocks where nothing can
	// end its wait.
	dog := time.AfterFunc(2*patience+c.patience(), func() {
		fmt.Fprintf(os.Stderr, "%s on %s hangs: %s\n%s\n%s\n", c.Test(), h.Name(), c.Says, log, stacks())
		panic("xpctest: " + c.Test() + " hangs")
	})
	t.Cleanup(func() { dog.Stop() })
	f := func(t *testing.T) {
		e := newEnv(t, h, c, log)
		defer func() { *without = e.without }()
		c.run(e)
	}
	if r, ok := h.(Runner); ok {
		r.RunCase(t, c, f)
		return
	}
	f(t)
}

func newEnv(t *testing.T, h Harness, c Case, log *journal) *env {
	e := &env{Assertions: require.New(t), t: t, h: h, c: c, journal: log}
	e.world = h.New(t)
	e.rt = e.world.Client()
	e.ctx, e.stop = context.WithTimeout(context.Background(), c.patience())
	t.Cleanup(func() {
		e.once.Do(e.cleanup)
		if t.Failed() {
			t.Logf("the rule: %s\nthe events:\n%s\nthe world:\n%s", c.Says, log, e.world.Log())
		}
	})
	return e
}

func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// journal is what a case has seen, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) notef(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf("%4d ", len(j.lines)+1)+fmt.Sprintf(format, args...))
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	if len(lines) > 200 {
		lines = slices.Concat(lines[:100], []string{"…"}, lines[len(lines)-100:])
	}
	return strings.Join(lines, "\n")
}
