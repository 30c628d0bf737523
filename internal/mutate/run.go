//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A suite is the tests of a set, compiled with all its mutants.
type suite struct {
	*set
	dir    string
	limits map[string]time.Duration
}

// build makes the test programs, with all mutants in them, in dir.
func build(s *set, dir string, mutants []*mutant) *suite {
	root, err := os.Getwd()
	check(err)
	replace := map[string]string{}
	put := func(name string, text []byte) {
		file := ""
		if text != nil {
			file = filepath.Join(dir, name)
			check(os.MkdirAll(filepath.Dir(file), 0o777))
			check(os.WriteFile(file, text, 0o666))
		}
		replace[filepath.Join(root, name)] = file
	}
	for _, name := range s.files {
		src, err := os.ReadFile(name)
		check(err)
		var own []*mutant
		for _, m := range mutants {
			if m.file == name {
				own = append(own, m)
			}
		}
		s.place(name, mutated(src, own), put)
	}
	put(s.helpers.name, []byte(s.helpers.text))
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	check(err)
	check(os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o666))
	u := &suite{s, dir, map[string]time.Duration{}}
	for _, p := range s.programs {
		args := []string{"test", "-c", "-overlay", filepath.Join(dir, "overlay.json"), "-ldflags=-w", "-o", u.program(p)}
		if p.flags != "" {
			args = append(args, p.flags)
		}
		if p.race {
			args = append(args, "-race")
		}
		if text, err := command(10*time.Minute, root, nil, "go", append(args, "./"+p.dir)...); err != nil {
			check(fmt.Errorf("%w\n%s", err, text))
		}
	}
	if s.compile != nil {
		text, err := s.compile(dir)
		if err != nil {
			check(fmt.Errorf("%w\n%s", err, text))
		}
	}
	return u
}

func (u *suite) program(p program) string {
	if p.own != "" {
		return filepath.Join(u.dir, p.own)
	}
	return filepath.Join(u.dir, fmt.Sprintf("%s.%t.test", filepath.Base(filepath.Join("/root", p.dir)), p.race))
}

// measure runs the tests without a mutant, which they must pass. A run with one
// is given up when it takes many times as long.
func (u *suite) measure() {
	const times, least = 8, 3 * time.Second
	for _, r := range u.runs(&mutant{}) {
		start := time.Now()
		if text, err := u.run(r, 0, time.Minute); err != nil {
			check(fmt.Errorf("without a mutant %s %s: %w\n%s", r.program.dir, r.args, err, text))
		}
		u.limits[fmt.Sprint(r)] = max(least, times*time.Since(start))
	}
}

func (u *suite) run(r run, number int, limit time.Duration) (string, error) {
	args := r.args
	if r.program.own == "" {
		args = append([]string{"-test.failfast", "-test.timeout", (limit * 9 / 10).String()}, args...)
	}
	return command(limit, r.program.dir, []string{"XPC_MUTANT=" + strconv.Itoa(number)}, u.program(r.program), args...)
}

// test runs the suite with one mutant in effect.
func (u *suite) test(m *mutant) result {
	for _, r := range u.runs(m) {
		limit, ok := u.limits[fmt.Sprint(r)]
		if !ok {
			limit = u.timeout
		}
		if text, err := u.run(r, m.number, limit); err != nil {
			return result{caught, r.program.dir + ": " + reason(text)}
		}
	}
	return result{survived, ""}
}

func command(limit time.Duration, dir string, env []string, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), env...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = time.Second
	text, err := c.CombinedOutput()
	return string(text), err
}

func reason(text string) string {
	for _, mark := range []string{"XPC API Misuse", "WARNING: DATA RACE", "fatal error:", "panic:", "--- FAIL", "ERROR: ", "SIG", "left alive", "leaks"} {
		if line := firstLine(text, mark); line != "" {
			return line
		}
	}
	return "it hangs"
}

func firstLine(text, mark string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, mark) {
			return strings.ReplaceAll(strings.TrimSpace(line), "\t", " ")
		}
	}
	return ""
}
