//go:build darwin && cgo && !xpcstandin

package xpctest_test

import (
	"os"
	"runtime"
	"testing"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/internal/native"
	"github.com/go-xpc/xpc/xpctest"
)

// Main looks at its thread: tests must not run on the main one by chance.
func init() { runtime.LockOSThread() }

// TestLibxpc runs the suite on libxpc without a launchd job: client and service
// are this process, joined by an anonymous listener.
func TestLibxpc(t *testing.T) {
	before := native.Count()
	// Not a failure: when libxpc lets go of a block after the last event is its
	// own affair (row 43).
	t.Cleanup(func() { t.Logf("alive in C before: %+v, after: %+v", before, native.Count()) })
	xpctest.Run(t, libxpc())
}

func TestLibxpcScenarios(t *testing.T) { xpctest.RunScenarios(t, libxpc(), scenarios) }

func libxpc() xpctest.Harness {
	return xpctest.InProcess("libxpc, one process", func(testing.TB) (*xpc.Runtime, int) {
		return xpc.Native(), os.Getpid()
	}, xpctest.Closures, xpctest.Memory, xpctest.Descriptors, xpctest.SyncWaits, xpctest.Reasons)
}
