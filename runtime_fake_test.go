//go:build !cgo || !((darwin && !ios) || xpcstandin)

package xpc_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/fake"
)

// testRuntime is where these tests run: here a process of the fake, libxpc or
// its stand-in where there is one.
func testRuntime(t testing.TB) *xpc.Runtime {
	w := fake.NewLaunchd()
	t.Cleanup(func() { w.Close() })
	p, err := w.NewProcess(fake.ProcessConfig{})
	require.NoError(t, err)
	return p.Runtime()
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// requirementsAreTheSystems: what fails is missing there; the fake also refuses
// what it cannot evaluate.
const requirementsAreTheSystems = false
