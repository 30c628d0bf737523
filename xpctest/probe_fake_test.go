//go:build !cgo || !(darwin || xpcstandin)

package xpctest_test

import (
	"testing"
	"time"

	"github.com/go-xpc/xpc"
)

const (
	probeBackend  = "the fake"
	probePatience = 50 * time.Millisecond
	// A probe on the fake that comes to a bad end is a failure.
	probesMustEnd = true
)

var probesHere []probe

func probeRuntime(t *testing.T) *xpc.Runtime { return newWorld(t).client.Runtime() }

// TestProbeSIGTERM is Q23, on the fake: no signal comes to a Go program here.
func TestProbeSIGTERM(t *testing.T) { sigterm(t, fakeHarness{"fake"}, 200*time.Millisecond) }
