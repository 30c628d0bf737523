//go:build cgo && darwin

package xpctest_test

import (
	"os"
	"testing"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/xpctest"
)

// TestNative runs the suite on libxpc without a launchd job: client and service
// are this process, joined by an anonymous listener.
func TestNative(t *testing.T) {
	xpctest.Run(t, xpctest.InProcess("libxpc, one process", func(testing.TB) (*xpc.Runtime, int) {
		return xpc.Native(), os.Getpid()
	}, xpctest.Closures, xpctest.Memory, xpctest.Descriptors, xpctest.SyncWaits))
}
