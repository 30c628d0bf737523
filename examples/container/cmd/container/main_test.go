package main

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/examples/container/internal/daemon"
	"github.com/go-xpc/xpc/fake"
)

func TestCommands(t *testing.T) {
	w := fake.NewLaunchd()
	defer func() { require.NoError(t, w.Close()) }()
	job, err := daemon.New(daemon.Container{ID: "web", Image: "nginx", Status: "running", Log: "hello\n", BootLog: "booted\n"}).
		Load(w, "../../testdata/com.apple.container.apiserver.plist")
	require.NoError(t, err)
	p, err := w.NewProcess(fake.ProcessConfig{})
	require.NoError(t, err)
	do := func(args ...string) (code int, stdout, stderr string) {
		var out, err strings.Builder
		code = run(context.Background(), args, &out, &err, xpc.WithRuntime(p.Runtime()))
		return code, out.String(), err.String()
	}
	for _, tc := range []struct {
		args   string
		code   int
		stdout string
		stderr string
	}{
		{"ping", 0, "container-apiserver version 1.0.0", ""},
		{"list", 0, "web  nginx  linux  arm64  running", ""},
		{"logs web", 0, "hello\n", ""},
		{"logs -boot web", 0, "booted\n", ""},
		{"logs nothing", 1, "", "notFound"},
		{"kill web TERM", 0, "", ""},
		{"kill web", 1, "", "invalidState"},
		{"", 2, "", "usage:"},
		{"logs", 2, "", "usage:"},
		{"logs -boot", 2, "", "usage:"},
		{"dance", 2, "", "usage:"},
		{"-x", 2, "", "usage:"},
	} {
		code, stdout, stderr := do(strings.Fields(tc.args)...)
		assert.Equal(t, tc.code, code, tc.args)
		assert.Contains(t, stdout, tc.stdout, tc.args)
		assert.Contains(t, stderr, tc.stderr, tc.args)
	}
	job.Unload()
	code, _, stderr := do("ping")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "container system start")
}

func TestOffMacOS(t *testing.T) {
	if q, err := xpc.Native().NewQueue(""); err == nil {
		q.Close()
		t.Skip("there is a libxpc")
	}
	var out, err strings.Builder
	assert.Equal(t, 1, run(context.Background(), []string{"ping"}, &out, &err))
	assert.Contains(t, err.String(), "macOS")
}
