package xpctest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-xpc/xpc/fake"
	"github.com/go-xpc/xpc/xpctest"
	"github.com/stretchr/testify/require"
)

// optioned is the fake with options.
type optioned struct {
	fakeHarness
	opts []fake.Option
}

func (h optioned) New(t testing.TB) xpctest.World {
	w := &world{t: t, w: fake.NewLaunchd(h.opts...), bundles: map[string]bool{}}
	t.Cleanup(func() { w.w.Close() })
	p, err := w.w.NewProcess(fake.ProcessConfig{})
	require.NoError(t, err)
	w.client = p
	return w
}

// TestRandomScripts plays random scripts on the fake and on the shuffled fake.
func TestRandomScripts(t *testing.T) {
	disagreements(t, fakeHarness{"fake"}, optioned{fakeHarness{"fake, shuffled"}, []fake.Option{fake.Shuffle(7)}})
}

// What differs is found, and shrunk.
func TestRandomScriptsFind(t *testing.T) {
	other := optioned{fakeHarness{"fake, dropped requests hang"}, []fake.Option{fake.HangDropped()}}
	found := xpctest.Compare(t, fakeHarness{"fake"}, other, 1, 200)
	require.NotEmpty(t, found)
	for _, d := range found {
		require.Contains(t, d.Step, " drops ")
		require.LessOrEqual(t, strings.Count(d.Script, "\n"), 20, d.Script)
	}
}

// Scenarios rely on nothing that is open.
func TestScenariosOpenQuestions(t *testing.T) {
	for name, option := range fake.OpenQuestions() {
		t.Run(name, func(t *testing.T) {
			xpctest.RunScenarios(t, optioned{fakeHarness{"fake, " + name}, []fake.Option{option}}, scenarios)
		})
	}
}

// disagreements plays XPC_SCRIPTS random scripts (300) from XPC_SCRIPTS_SEED on,
// and leaves those on which the harnesses disagree in XPC_SCRIPTS_DIR.
func disagreements(t *testing.T, a, b xpctest.Harness) {
	number := func(name string, otherwise uint64) uint64 {
		s := os.Getenv(name)
		if s == "" {
			return otherwise
		}
		n, err := strconv.ParseUint(s, 10, 64)
		require.NoError(t, err, name)
		return n
	}
	// The same scripts each time, so that a change is what makes it fail; the soak
	// brings new ones.
	seed := number("XPC_SCRIPTS_SEED", 1)
	scripts := number("XPC_SCRIPTS", 300)
	t.Logf("scripts %d to %d; again with XPC_SCRIPTS_SEED=%d", seed, seed+scripts-1, seed)
	const lot = 500
	found := 0
	for first := uint64(0); first < scripts && found < 100; first += lot {
		t.Run(fmt.Sprint(seed+first), func(t *testing.T) {
			for _, d := range xpctest.Compare(t, a, b, seed+first, int(min(lot, scripts-first))) {
				found++
				t.Errorf("script %d: %s and %s disagree at %q\n%s: %s\n%s: %s\n%s", d.Seed, a.Name(), b.Name(), d.Step, a.Name(), d.A, b.Name(), d.B, d.Script)
				if dir := os.Getenv("XPC_SCRIPTS_DIR"); dir != "" {
					file := filepath.Join(dir, fmt.Sprintf("found_%d.txt", d.Seed))
					require.NoError(t, os.WriteFile(file, []byte(d.Script), 0o644))
				}
			}
		})
	}
}
