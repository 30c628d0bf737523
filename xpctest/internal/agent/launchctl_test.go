//go:build !xpcstandin

package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/fake"
)

// script is a launchctl that answers as told: by the start of the command, each
// answer once, the last for good.
type script struct {
	answers map[string][]answer
	told    []string
}

type answer struct {
	out string
	err error
}

func (s *script) run(_ context.Context, args ...string) (string, error) {
	command := strings.Join(args, " ")
	s.told = append(s.told, command)
	for k, all := range s.answers {
		if strings.HasPrefix(command, k) {
			if len(all) > 1 {
				s.answers[k] = all[1:]
			}
			return all[0].out, all[0].err
		}
	}
	return "", nil
}

var errNo = errors.New("exit status 5")

func TestPlist(t *testing.T) {
	j := Job{
		Label: "com.example.a&b", Arguments: []string{"/tmp/a <test>", "-test.run=^TestX$"},
		Environment: map[string]string{"B": "2", "A": "\"1\""}, Services: []string{"com.example.one", "com.example.two"},
		Stderr: "/tmp/log", Transactions: true,
	}
	got, err := fake.ParsePlist(bytes.NewReader(j.Plist()))
	require.NoError(t, err)
	assert.Equal(t, j.Label, got.Label)
	assert.Equal(t, j.Services, got.MachServices)
	assert.Equal(t, time.Second, got.ThrottleInterval)
	assert.Equal(t, 2*time.Second, got.ExitTimeOut)
	assert.True(t, got.EnableTransactions)
	assert.Contains(t, fmt.Sprintf("%+v", got), j.Arguments[0])
	warnings, err := fake.CheckPlist(bytes.NewReader(j.Plist()))
	require.NoError(t, err)
	assert.Empty(t, warnings)
	assert.Equal(t, j.Plist(), j.Plist())
	none, err := fake.ParsePlist(bytes.NewReader(Job{Label: "l", Arguments: []string{"/x"}, Services: []string{"s"}}.Plist()))
	require.NoError(t, err)
	assert.False(t, none.EnableTransactions)
}

func TestDomain(t *testing.T) {
	for manager, want := range map[string]string{"Aqua\n": "gui/501", "Background\n": "user/501", "": "gui/501"} {
		s := &script{answers: map[string][]answer{"managername": {{out: manager}}}}
		assert.Equal(t, want, Domain(t.Context(), s.run, 501))
		assert.Equal(t, "system", Domain(t.Context(), s.run, 0))
	}
}

func TestBootstrapAndBootoutInsist(t *testing.T) {
	s := &script{answers: map[string][]answer{
		"bootstrap": {{err: errNo}, {err: errNo}, {}},
		"bootout":   {{err: errors.New("exit status 36: Operation now in progress")}, {err: errNo}},
		"print":     {{out: "state = exited"}, {out: "state = exited"}, {err: errors.New("exit status 113")}},
	}}
	require.NoError(t, Bootstrap(t.Context(), s.run, "gui/501", "/p"))
	require.NoError(t, Bootout(t.Context(), s.run, "gui/501", "l"))
	assert.Equal(t, strings.Split("bootstrap gui/501 /p|bootstrap gui/501 /p|bootstrap gui/501 /p|"+
		"bootout gui/501/l|print gui/501/l|bootout gui/501/l|print gui/501/l|bootout gui/501/l|print gui/501/l", "|"), s.told)

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	s = &script{answers: map[string][]answer{"bootstrap": {{err: errNo}}}}
	assert.ErrorIs(t, Bootstrap(ctx, s.run, "gui/501", "/p"), errNo)
	assert.Error(t, Bootout(ctx, s.run, "gui/501", "l"), "print keeps finding it")
}

func TestClear(t *testing.T) {
	s := &script{answers: map[string][]answer{"print": {{err: errNo}}}}
	p, err := NewPlace(s.run, t.TempDir(), "user/501", 77)
	require.NoError(t, err)
	for _, n := range []string{"a.plist", "b.plist", "b.log", "1"} {
		require.NoError(t, os.WriteFile(filepath.Join(p.Dir, n), nil, 0o600))
	}
	again, err := OpenPlace(s.run, p.Dir)
	require.NoError(t, err)
	require.NoError(t, again.Clear(t.Context()))
	assert.NoDirExists(t, p.Dir)
	assert.Equal(t, []string{"bootout user/501/a", "print user/501/a", "bootout user/501/b", "print user/501/b"}, s.told)
}

// A job that launchd does not let go of keeps its property list, so that the
// next run finds it; the others go all the same.
func TestClearKeepsWhatLaunchdKeeps(t *testing.T) {
	s := &script{answers: map[string][]answer{"print gui/501/a": {{}}, "print gui/501/b": {{err: errNo}}}}
	p, err := NewPlace(s.run, t.TempDir(), "gui/501", 77)
	require.NoError(t, err)
	for _, n := range []string{"a.plist", "b.plist"} {
		require.NoError(t, os.WriteFile(filepath.Join(p.Dir, n), nil, 0o600))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	assert.Error(t, p.Clear(ctx))
	assert.FileExists(t, filepath.Join(p.Dir, "a.plist"))
	assert.Contains(t, s.told, "bootout gui/501/b")
}

func TestSweep(t *testing.T) {
	temp := t.TempDir()
	s := &script{answers: map[string][]answer{
		"print": {{err: errNo}},
		"list": {{out: "PID\tStatus\tLabel\n123\t0\tcom.apple.Finder\n-\t-9\t" + labelPrefix + "40.1.2\n" +
			"-\t0\t" + labelPrefix + "50.1.2\n-\t0\t" + labelPrefix + "word\n"}},
	}}
	var dirs []string
	for _, pid := range []int{40, 50, 60} {
		p, err := NewPlace(s.run, temp, "user/501", pid)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(p.Dir, p.Labels+"1.1.plist"), nil, 0o600))
		dirs = append(dirs, p.Dir)
	}
	require.NoError(t, os.Remove(filepath.Join(dirs[2], "domain")))
	other := filepath.Join(temp, dirPrefix+"mine")
	require.NoError(t, os.Mkdir(other, 0o700))

	swept, err := Sweep(t.Context(), s.run, temp, "gui/501", func(pid int) bool { return pid == 50 })
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{dirs[0], dirs[2], labelPrefix + "40.1.2"}, swept)
	assert.NoDirExists(t, dirs[0])
	assert.DirExists(t, dirs[1])
	assert.NoDirExists(t, dirs[2])
	assert.DirExists(t, other)
	var booted []string
	for _, c := range s.told {
		if strings.HasPrefix(c, "bootout") {
			booted = append(booted, c[:strings.Index(c, labelPrefix)+len(labelPrefix)+3])
		}
	}
	assert.Equal(t, []string{"bootout user/501/" + labelPrefix + "40.", "bootout gui/501/" + labelPrefix + "60.", "bootout gui/501/" + labelPrefix + "40."}, booted)
}

func TestOwnerOf(t *testing.T) {
	for name, want := range map[string]int{"x.12.34.5": 12, "x.12-34": 12, "x.12": 12, "x.word": 0, "y.12.3": 0, "x.": 0, "x.-3": 0} {
		pid, ok := ownerOf(name, "x.")
		assert.Equal(t, want != 0, ok, name)
		if ok {
			assert.Equal(t, want, pid, name)
		}
	}
}
