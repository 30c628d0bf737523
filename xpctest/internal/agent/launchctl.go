package agent

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A Runner runs launchctl and gives what it printed, on both outputs.
type Runner func(ctx context.Context, args ...string) (string, error)

// Launchctl is the Runner of macOS.
func Launchctl(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "/bin/launchctl", args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("launchctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), err
}

// Domain is the launchd domain whose names a process of uid sees: the system's
// for root, else that of its session. A process of an SSH session or a daemon
// has no part in the graphical one.
func Domain(ctx context.Context, run Runner, uid int) string {
	if uid == 0 {
		return "system"
	}
	manager, _ := run(ctx, "managername")
	if strings.TrimSpace(manager) == "Background" {
		return fmt.Sprintf("user/%d", uid)
	}
	return fmt.Sprintf("gui/%d", uid)
}

// retry tries f until it gives no error, or ctx ends: launchd takes jobs away in
// its own time, and refuses them meanwhile.
func retry(ctx context.Context, f func() error) error {
	wait := 50 * time.Millisecond
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
			wait = min(2*wait, time.Second)
		}
	}
}

// Bootstrap loads the job of a property list.
func Bootstrap(ctx context.Context, run Runner, domain, plist string) error {
	return retry(ctx, func() error {
		_, err := run(ctx, "bootstrap", domain, plist)
		return err
	})
}

// Bootout takes a job away and waits until it is gone. One that is not there is
// no error.
func Bootout(ctx context.Context, run Runner, domain, label string) error {
	target := domain + "/" + label
	return retry(ctx, func() error {
		_, err := run(ctx, "bootout", target)
		if _, gone := run(ctx, "print", target); gone != nil && ctx.Err() == nil {
			return nil
		}
		if err == nil {
			err = errors.New("launchctl bootout " + target + ": the job is still there")
		}
		return err
	})
}

// Labels are the loaded jobs whose label starts with prefix, in the domain that
// launchctl list shows: its own session's.
func Labels(ctx context.Context, run Runner, prefix string) ([]string, error) {
	out, err := run(ctx, "list")
	if err != nil {
		return nil, err
	}
	var labels []string
	for line := range strings.Lines(out) { // PID, status, label
		f := strings.Fields(line)
		if len(f) == 3 && strings.HasPrefix(f[2], prefix) {
			labels = append(labels, f[2])
		}
	}
	return labels, nil
}

// ownerOf is the process id in a label or in the name of a directory: what
// follows prefix, up to a dot or a dash.
func ownerOf(name, prefix string) (int, bool) {
	rest, ok := strings.CutPrefix(filepath.Base(name), prefix)
	if !ok {
		return 0, false
	}
	if i := strings.IndexAny(rest, ".-"); i >= 0 {
		rest = rest[:i]
	}
	pid, err := strconv.Atoi(rest)
	return pid, err == nil && pid > 0
}
