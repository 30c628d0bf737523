package xpctest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ReportVariable names an environment variable. It holds a directory in which
// Run and RunScenarios leave what became of their cases, for the matrix.
const ReportVariable = "XPC_CONFORMANCE_DIR"

// A Record is a report in a file.
type Record struct {
	Harness string
	// Scenarios tells that this is about scenarios, each by the name of its file.
	Scenarios bool
	Results   []Outcome
}

// An Outcome is one line of a Record.
type Outcome struct {
	Row     int    `json:",omitempty"`
	Name    string `json:",omitempty"`
	Passed  bool
	Missing Capability   `json:",omitempty"`
	Partly  []Capability `json:",omitempty"`
}

// leave writes a record into the directory of ReportVariable, if it is set.
func leave(t *testing.T, r Record) {
	dir := os.Getenv(ReportVariable)
	if dir == "" {
		return
	}
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		t.Error(err)
		return
	}
	name := strings.NewReplacer(" ", "-", ",", "", "/", "-").Replace(r.Harness)
	if r.Scenarios {
		name += ".scenarios"
	}
	if err := os.WriteFile(filepath.Join(dir, name+".json"), append(b, '\n'), 0o644); err != nil {
		t.Error(err)
	}
}

func (r *Report) leave(t *testing.T) {
	rec := Record{Harness: r.Harness}
	for _, x := range r.Results() {
		rec.Results = append(rec.Results, Outcome{x.Case.Row, x.Case.Name, x.Passed, x.Missing, x.Partly})
	}
	leave(t, rec)
}
