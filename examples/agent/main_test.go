package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/fake"
)

// installed is a pretended Mac on which the property list of this directory is
// loaded, and a client there.
func installed(t *testing.T) (*fake.Job, *xpc.Runtime) {
	t.Helper()
	w := fake.New(t)
	plist, err := os.ReadFile(Service + ".plist")
	require.NoError(t, err)
	warnings, err := fake.CheckPlist(bytes.NewReader(plist))
	require.NoError(t, err)
	require.Empty(t, warnings)
	job, err := w.LoadPlist(bytes.NewReader(plist), fake.User, func(ctx context.Context, p *fake.Process) error {
		return serve(ctx, p.Runtime(), p.Terminating())
	})
	require.NoError(t, err)
	p, err := w.NewProcess(fake.ProcessConfig{})
	require.NoError(t, err)
	return job, p.Runtime()
}

func say(t *testing.T, rt *xpc.Runtime, name string) string {
	t.Helper()
	var out strings.Builder
	require.NoError(t, command([]string{"hello", name}, &out, rt))
	return out.String()
}

func TestHello(t *testing.T) {
	job, rt := installed(t)
	assert.Zero(t, job.Launches())
	assert.Contains(t, say(t, rt, "you"), "hello, you (process")
	assert.Contains(t, say(t, rt, "again"), "greeting 2)")
	assert.Equal(t, 1, job.Launches())

	// What was launched on demand is ended when idle, and launched again.
	require.Eventually(t, func() bool { return job.Process().IdleExit() == nil }, 5*time.Second, time.Millisecond)
	assert.Contains(t, say(t, rt, "you"), "greeting 1)")
	assert.Equal(t, 2, job.Launches())

	err := command([]string{"hello", ""}, &strings.Builder{}, rt)
	assert.ErrorContains(t, err, "who is there?")
}

func TestTerminated(t *testing.T) {
	job, rt := installed(t)
	say(t, rt, "you")
	p := job.Process()
	p.Terminate()
	select {
	case <-p.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("the service has not ended")
	}
	assert.Contains(t, say(t, rt, "you"), "greeting 1)")
}

func TestNotInstalled(t *testing.T) {
	job, rt := installed(t)
	job.Unload()
	err := command([]string{"hello", "you"}, &strings.Builder{}, rt)
	assert.ErrorContains(t, err, "make install")
}

// What make install fills in is what it looks for.
func TestMakefile(t *testing.T) {
	mk, err := os.ReadFile("Makefile")
	require.NoError(t, err)
	assert.Contains(t, string(mk), "LABEL   = "+Service+"\n")
	plist, err := os.ReadFile(Service + ".plist")
	require.NoError(t, err)
	for _, hole := range []string{"@PROGRAM@", "@LOG@"} {
		assert.Contains(t, string(mk), "s|"+hole+"|")
		assert.Equal(t, 1, strings.Count(string(plist), hole))
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"hello"}, {"serve", "now"}, {"other", "x"}} {
		assert.ErrorContains(t, command(args, &strings.Builder{}, xpc.Native()), "usage", args)
	}
}
