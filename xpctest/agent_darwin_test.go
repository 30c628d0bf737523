//go:build cgo && !xpcstandin

package xpctest_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/internal/native"
	"github.com/go-xpc/xpc/xpctest"
	"github.com/go-xpc/xpc/xpctest/internal/agent"
)

// The helper is this program, started again: as a job, as a client process, or
// as the guard that clears the jobs away.
const helper = "-test.run=^TestLaunchAgentHelper$"

// launchAgents makes the harness; the environment is that of the jobs.
func launchAgents(t *testing.T, env map[string]string) *agent.Harness {
	t.Helper()
	if os.Getenv("XPC_TEST_LAUNCHAGENT") != "1" {
		t.Skip("installs launchd jobs: run it with XPC_TEST_LAUNCHAGENT=1")
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	// Without a limit of its own, a worker ends with the socket.
	worker := []string{exe, helper, "-test.timeout=0"}
	sys := agent.System{
		Backend: native.Backend, PID: os.Getpid(), Launchctl: agent.Launchctl,
		Worker: worker, Environment: env, Spawn: agent.Spawner(worker[0], worker[1:]...), Kill: syscall.Kill,
	}
	return agent.Install(t, agent.Launchctl, os.TempDir(), "libxpc, LaunchAgent",
		func(testing.TB) agent.System { return sys }, exec.Command(exe, helper, "-test.timeout=0"))
}

// TestLaunchAgent runs the suite on launchd jobs that this program installs for
// the time of the test: LaunchAgents of the user, in the system domain when root.
func TestLaunchAgent(t *testing.T) {
	h := launchAgents(t, nil)
	if t.Run("check", h.Check) {
		xpctest.Run(t, h)
	}
}

func TestLaunchAgentScenarios(t *testing.T) {
	xpctest.RunScenarios(t, launchAgents(t, nil), scenarios)
}

func TestLaunchAgentHelper(t *testing.T) {
	switch {
	case agent.IsGuard():
		agent.Guard(agent.Launchctl)
	case agent.IsWorker():
		agent.Work(native.Backend)
	default:
		t.Skip("the helper of TestLaunchAgent, not a test")
	}
}
