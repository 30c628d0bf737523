//go:build cgo && xpcstandin

package xpctest_test

import (
	"testing"

	"github.com/go-xpc/xpc/xpctest"
)

func TestScenariosStandin(t *testing.T) { xpctest.RunScenarios(t, &standinHarness{}, scenarios) }

// TestRandomScriptsStandin plays random scripts on the fake and on the stand-in.
func TestRandomScriptsStandin(t *testing.T) {
	disagreements(t, fakeHarness{"fake"}, &standinHarness{})
}
