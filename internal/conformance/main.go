// Command conformance puts together what the conformance suite and the scenarios
// left in a directory, see xpctest.ReportVariable: it prints the matrix, and
// writes it as Markdown.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-xpc/xpc/xpctest"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("conformance: ")
	dir := flag.String("dir", "", "directory with the reports")
	out := flag.String("o", "", "Markdown file to write")
	scenarios := flag.String("scenarios", "testdata/scenarios", "directory with the scenarios")
	flag.Parse()
	m, err := read(*dir)
	if err != nil {
		log.Fatal(err)
	}
	if err := m.load(*scenarios); err != nil {
		log.Fatal(err)
	}
	if *out != "" {
		if err := os.WriteFile(*out, []byte(m.markdown()), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Print(m.text())
	if m.failed() > 0 {
		os.Exit(1)
	}
}

// The results. The last three are no fault of the harness.
const (
	passed = "passed"
	failed = "failed"
	notRun = "not run"
	cannot = "not reproducible here"
	absent = "absent"
)

// matrix is what is known about every row and scenario.
type matrix struct {
	harnesses []string
	says      map[int]string
	rows      map[string]map[int]xpctest.Outcome
	played    map[string]map[string]xpctest.Outcome
	scenarios []*xpctest.Scenario
}

// order of the columns; others follow by name.
var order = []string{"fake", "fake, one process", "stand-in"}

func read(dir string) (*matrix, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	m := &matrix{says: map[int]string{}, rows: map[string]map[int]xpctest.Outcome{}, played: map[string]map[string]xpctest.Outcome{}}
	for _, c := range xpctest.Cases() {
		m.says[c.Row] = c.Says
	}
	names := map[string]bool{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var rec xpctest.Record
		if err := json.Unmarshal(b, &rec); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		names[rec.Harness] = true
		rows, played := map[int]xpctest.Outcome{}, map[string]xpctest.Outcome{}
		for _, x := range rec.Results {
			rows[x.Row], played[x.Name] = x, x
		}
		if rec.Scenarios {
			m.played[rec.Harness] = played
		} else {
			m.rows[rec.Harness] = rows
		}
	}
	if len(names) == 0 {
		return nil, errors.New("no report in " + dir)
	}
	for _, n := range append(slices.Clone(order), slices.Sorted(maps.Keys(names))...) {
		if names[n] {
			m.harnesses = append(m.harnesses, n)
			delete(names, n)
		}
	}
	return m, nil
}

func result(x xpctest.Outcome, ran bool) string {
	switch {
	case !ran:
		return notRun
	case x.Missing != "":
		return cannot + ": " + string(x.Missing)
	case !x.Passed:
		return failed
	}
	s := passed
	for i, c := range x.Partly {
		if slices.Contains(x.Partly[:i], c) {
			continue
		}
		if s == passed {
			s += ", without: "
		} else {
			s += ", "
		}
		s += string(c)
	}
	return s
}

// load reads the scenarios that were played somewhere.
func (m *matrix) load(dir string) error {
	if len(m.played) == 0 {
		return nil
	}
	all, err := xpctest.ParseScenarios(os.DirFS(dir))
	m.scenarios = all
	return err
}

// row gives the sentence and the result at each harness.
func (m *matrix) row(r xpctest.Row) (string, []string) {
	if a, ok := xpctest.Absent()[r.Number]; ok {
		return a.Title, slices.Repeat([]string{absent}, len(m.harnesses))
	}
	var cells []string
	for _, h := range m.harnesses {
		x, ran := m.rows[h][r.Number]
		cells = append(cells, result(x, ran))
	}
	return m.says[r.Number], cells
}

func (m *matrix) apiRows() []xpctest.Row {
	all := xpctest.Rows()
	var out []xpctest.Row
	for _, n := range slices.Sorted(maps.Keys(all)) {
		if all[n].Scope == "api" {
			out = append(out, all[n])
		}
	}
	return out
}

// count sums up results: "3 passed, 1 failed".
func count(results []string) string {
	n := map[string]int{}
	for _, r := range results {
		for _, k := range []string{passed, failed, notRun, cannot, absent} {
			if strings.HasPrefix(r, k) {
				n[k]++
			}
		}
	}
	var s []string
	for _, k := range []string{passed, failed, notRun, cannot, absent} {
		if n[k] > 0 || k == passed || k == failed {
			s = append(s, fmt.Sprintf("%d %s", n[k], k))
		}
	}
	return strings.Join(s, ", ")
}

// column is the results of one harness.
func (m *matrix) column(i int, kind string) []string {
	var out []string
	for _, r := range m.apiRows() {
		if kind == "" || r.Kind == kind {
			_, cells := m.row(r)
			out = append(out, cells[i])
		}
	}
	return out
}

func (m *matrix) sequences(h string) []string {
	var out []string
	for _, s := range m.scenarios {
		x, ran := m.played[h][s.Name]
		out = append(out, result(x, ran))
	}
	return out
}

func (m *matrix) failed() (n int) {
	for i, h := range m.harnesses {
		for _, r := range append(m.column(i, ""), m.sequences(h)...) {
			if r == failed || r == notRun {
				n++
			}
		}
	}
	return n
}

func (m *matrix) totals() string {
	var s []string
	for i, h := range m.harnesses {
		s = append(s, fmt.Sprintf("%s: %s", h, count(m.column(i, ""))))
	}
	return fmt.Sprintf("%d rows: %s", len(m.apiRows()), strings.Join(s, "; "))
}

func (m *matrix) text() string {
	var b strings.Builder
	for _, r := range m.apiRows() {
		says, cells := m.row(r)
		fmt.Fprintf(&b, "%3d %s\n", r.Number, says)
		if cells[0] == absent {
			fmt.Fprintf(&b, "      absent: %s\n", xpctest.Absent()[r.Number].Why)
			continue
		}
		for i, h := range m.harnesses {
			fmt.Fprintf(&b, "      %-18s %s\n", h, cells[i])
		}
	}
	for _, h := range m.harnesses {
		fmt.Fprintf(&b, "%d scenarios: %s: %s\n", len(m.scenarios), h, count(m.sequences(h)))
	}
	fmt.Fprintln(&b, m.totals())
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func (m *matrix) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Conformance\n\nWritten by `make conformance`. Each row is a sentence about libxpc's observable behaviour; "+
		"package `xpctest` has one case for each, and runs it on every harness that is there.\n\n")
	fmt.Fprintf(&b, "- *passed, without: X*: the part of the case that needs X was left out.\n"+
		"- *%s: X*: the harness cannot do X, which the case needs.\n- *absent*: there is no case; the reason is given below.\n\n", cannot)
	table := func(head ...string) {
		fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	}
	line := func(cells ...string) {
		for i := range cells {
			cells[i] = cell(cells[i])
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	table("Harness", "Rows that a stand-in can do exactly", "Other rows", "Scenarios")
	for i, h := range m.harnesses {
		line(h, count(m.column(i, "exactly")), count(append(m.column(i, "partly"), m.column(i, "not")...)), count(m.sequences(h)))
	}
	scopes := map[string]int{}
	for _, r := range xpctest.Rows() {
		scopes[r.Scope]++
	}
	fmt.Fprintf(&b, "\nOf the %d rows %d can be observed through package xpc: these follow. %d are about C alone and are tested in C, "+
		"by the stand-in's own tests and the bridge's; %d are about calls that are not bound yet, and %d cannot be expressed.\n\n## Rows\n\n",
		len(xpctest.Rows()), scopes["api"], scopes["C"], scopes["later"], scopes["none"])
	table(append([]string{"Row", "Sentence"}, m.harnesses...)...)
	var none []xpctest.Row
	for _, r := range m.apiRows() {
		says, cells := m.row(r)
		line(append([]string{fmt.Sprint(r.Number), says}, cells...)...)
		if cells[0] == absent {
			none = append(none, r)
		}
	}
	fmt.Fprintf(&b, "\nAbsent:\n\n")
	for _, r := range none {
		a := xpctest.Absent()[r.Number]
		fmt.Fprintf(&b, "- %d, %s: %s.\n", r.Number, a.Title, a.Why)
	}
	if len(m.scenarios) > 0 {
		fmt.Fprintf(&b, "\n## Scenarios\n\nThe files of `testdata/scenarios`.\n\n")
		table(append([]string{"Scenario", "About"}, m.harnesses...)...)
		for _, s := range m.scenarios {
			cells := []string{s.Name, s.About}
			for _, h := range m.harnesses {
				x, ran := m.played[h][s.Name]
				cells = append(cells, result(x, ran))
			}
			line(cells...)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", m.totals())
	return b.String()
}
