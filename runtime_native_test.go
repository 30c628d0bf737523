//go:build cgo && ((darwin && !ios) || xpcstandin)

package xpc_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/internal/native"
)

// testRuntime is where these tests run: libxpc, or its stand-in on Linux. What
// the bridge keeps alive must be back at its start when the test is over.
func testRuntime(t testing.TB) *xpc.Runtime {
	before := native.Count()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		// Blocks and finalizers end on threads of the system.
		for deadline := time.Now().Add(patience); native.Count().Exceeds(before); {
			if time.Now().After(deadline) {
				t.Errorf("left alive in C: %+v, before the test: %+v", native.Count(), before)
				return
			}
			runtime.GC()
			time.Sleep(time.Millisecond)
		}
	})
	return xpc.Native()
}

// patience is how long the counters have to come back; less when nearly every run
// is meant to fail.
var patience = func() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("XPC_TEST_PATIENCE")); err == nil {
		return d
	}
	return 10 * time.Second
}()

func TestMain(m *testing.M) { os.Exit(m.Run()) }

// requirementsAreTheSystems: what fails is missing there; the fake also refuses
// what it cannot evaluate.
const requirementsAreTheSystems = true
