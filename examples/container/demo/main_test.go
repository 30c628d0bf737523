package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDemo(t *testing.T) {
	var out strings.Builder
	start := time.Now()
	require.NoError(t, run(&out, "../testdata/com.apple.container.apiserver.plist"), out.String())
	assert.Less(t, time.Since(start), 5*time.Second)
	rest := out.String()
	for _, want := range []string{
		"job com.apple.container.apiserver is loaded",
		"== ping", "container-apiserver version 1.0.0",
		"== list", "web  running",
		"== logs web", "| GET / 200",
		"the daemon dies under the request", "Connection interrupted", "the next message launches it again", "xpc.ErrInterrupted): true",
		"launchd relaunches the daemon", "launches: 2",
		"== list", "web  stopped",
		"does not exist", `code "notFound"`,
		"a name that nobody serves", "Connection invalid", "check that the name is in MachServices", "xpc.ErrInvalid): true",
		"nothing is left open",
	} {
		before, after, found := strings.Cut(rest, want)
		require.True(t, found, "%q is missing in what follows:\n%s", want, rest)
		_, rest = before, after
	}
}

func TestDemoWithoutPropertyList(t *testing.T) {
	var out strings.Builder
	require.Error(t, run(&out, "missing.plist"))
}
