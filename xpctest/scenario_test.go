package xpctest_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/xpctest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var scenarios = os.DirFS("../testdata/scenarios")

func TestScenarios(t *testing.T) { xpctest.RunScenarios(t, fakeHarness{"fake"}, scenarios) }

// TestScenariosInProcess plays those that need no job.
func TestScenariosInProcess(t *testing.T) { xpctest.RunScenarios(t, inProcess(), scenarios) }

// The scenarios cover what they should.
func TestScenarioFiles(t *testing.T) {
	all, err := xpctest.ParseScenarios(scenarios)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(all), 60)
	questions := map[string]bool{}
	for _, sc := range all {
		assert.Equal(t, sc.Probe, len(sc.Questions) > 0, "%s: probes are about questions, others about rows", sc.Name)
		for _, q := range sc.Questions {
			questions[q] = true
		}
	}
	t.Logf("%d scenarios, %d questions", len(all), len(questions))
}

// docs/conformance.md is written by make conformance, and speaks of what there is.
func TestConformancePageIsCurrent(t *testing.T) {
	text, err := os.ReadFile("../docs/conformance.md")
	require.NoError(t, err)
	page := string(text)
	all, err := xpctest.ParseScenarios(scenarios)
	require.NoError(t, err)
	for _, sc := range all {
		if !sc.Probe {
			assert.Contains(t, page, fmt.Sprintf("\n| %s | %s |", sc.Name, sc.About))
		}
	}
	for _, c := range xpctest.Cases() {
		assert.Contains(t, page, fmt.Sprintf("\n| %d | %s |", c.Row, c.Says))
	}
}

// What is wrong in a file is found when it is read.
func TestScenarioMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"anonymous listener l":                                "first line",
		"# why\nanonymous listener l":                         "no row",
		"# row 999: no\nanonymous listener l":                 "no row 999",
		"# row 1: nothing\n":                                  "no steps",
		"# row 1: typing\nc dances":                           "no such step: c dances",
		"# row 1: indented\nanonymous listener l\n  l closes": "indented",
		"# row 1: one\none of:\nexpect c: INVALID":            "nothing is indented",
		"# row 1: one\none of:\n  c activates":                "only what is expected",
		"# row 1: hook\nwhen c gets anything: c dances":       "no such step: c dances",
	} {
		_, err := xpctest.ParseScenario("x", text)
		assert.ErrorContains(t, err, want, text)
	}
}

func inProcess() xpctest.Harness {
	return xpctest.InProcess("fake, one process", func(t testing.TB) (*xpc.Runtime, int) {
		w := newWorld(t)
		return w.client.Runtime(), w.client.PID()
	}, xpctest.Closures, xpctest.Memory, xpctest.Descriptors, xpctest.SyncWaits)
}
