//go:build cgo && !xpcstandin

package xpctest_test

import (
	"testing"
	"time"

	"github.com/go-xpc/xpc/xpctest/internal/agent"
)

const (
	probeBackend  = "libxpc"
	probePatience = time.Second
	probesMustEnd = false
)

// TestProbeSIGTERM is Q23: a Go program as a job with EnableTransactions, which
// leaves SIGTERM alone or has it notified.
func TestProbeSIGTERM(t *testing.T) {
	for _, notify := range []bool{false, true} {
		name := "SIGTERM left alone"
		if notify {
			name = "signal.Notify"
		}
		t.Run(name, func(t *testing.T) {
			h := launchAgents(t, map[string]string{agent.NotifyVariable: map[bool]string{true: "1"}[notify]})
			sigterm(t, h, 4*time.Second)
		})
	}
}
