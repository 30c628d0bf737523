//go:build linux

// Command mutate takes out, one at a time, every release, retain, handle
// deletion, lock, count and state check of the files between Go and libxpc, and
// runs the tests. A change that no test notices must stand, with its reason, in
// testdata/mutants.txt. build/mutate.sh sets the environment.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

var files = []string{
	"bridge.m", "xpc_darwin.go", "state.go", "connection.go", "handles.go",
	"handlers.go", "queue.go", "message.go", "objects.m", "flatten.m",
}

// A mutant is one file with one thing taken out.
type mutant struct {
	file, function, kind string
	line                 int
	n                    int // of its kind in the function
	what                 string
	number               int
	wraps                []wrap
}

func (m *mutant) id() string { return fmt.Sprintf("%s:%s:%d:%s", m.file, m.function, m.n, m.kind) }

// A wrap puts text around bytes of a file. @ is the mutant's number.
type wrap struct {
	from, to      int
	before, after string
}

// mutated is a file with all its mutants, each taking effect when it is asked for.
func mutated(src []byte, mutants []*mutant) []byte {
	type text struct {
		at, other int
		after     bool
		with      string
	}
	var texts []text
	for _, m := range mutants {
		number := strconv.Itoa(m.number)
		for _, w := range m.wraps {
			texts = append(texts,
				text{w.from, w.to, false, strings.ReplaceAll(w.before, "@", number)},
				text{w.to, w.from, true, strings.ReplaceAll(w.after, "@", number)})
		}
	}
	slices.SortStableFunc(texts, func(a, b text) int {
		switch {
		case a.at != b.at:
			return a.at - b.at
		case a.after != b.after:
			if a.after {
				return -1
			}
			return 1
		}
		return b.other - a.other // what opens first closes last
	})
	var out []byte
	at := 0
	for _, t := range texts {
		out = append(append(out, src[at:t.at]...), t.with...)
		at = t.at
	}
	return append(out, src[at:]...)
}

type result struct{ outcome, by string }

const (
	caught   = "caught"
	survived = "survived"
)

func main() {
	list := flag.Bool("list", false, "print the mutants and run nothing")
	only := flag.String("run", "", "a `pattern` of ids")
	jobs := flag.Int("j", 2, "mutants at once")
	out := flag.String("o", ".build/mutate/results.txt", "results, kept: what stands there is not run again")
	limit := flag.Duration("timeout", time.Minute, "for one run of a package's tests")
	budget := flag.Duration("budget", 0, "start no mutant after this time")
	flag.Parse()

	pattern, err := regexp.Compile(*only)
	check(err)
	mutants := find()
	explained := explanations("testdata/mutants.txt")
	if *list {
		for _, m := range mutants {
			if pattern.MatchString(m.id()) {
				fmt.Printf("%s\t%d\t%s\n", m.id(), m.line, m.what)
			}
		}
		return
	}

	check(os.MkdirAll(filepath.Dir(*out), 0o777))
	results := read(*out)
	log, err := os.OpenFile(*out, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	check(err)
	dir, err := os.MkdirTemp("", "mutate")
	check(err)
	build(dir, mutants, []string{".", "xpctest"})
	start, work := time.Now(), make(chan *mutant)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range *jobs {
		wg.Go(func() {
			for m := range work {
				r := test(dir, m, *limit)
				mu.Lock()
				results[m.id()] = r
				fmt.Fprintf(log, "%s\t%s\t%s\n", m.id(), r.outcome, r.by)
				fmt.Printf("%s\t%s\t%s\n", r.outcome, m.id(), r.by)
				mu.Unlock()
			}
		})
	}
	for _, m := range mutants {
		mu.Lock()
		_, done := results[m.id()]
		mu.Unlock()
		if done || !pattern.MatchString(m.id()) || *budget > 0 && time.Since(start) > *budget {
			continue
		}
		work <- m
	}
	close(work)
	wg.Wait()
	check(log.Close())
	status := summary(mutants, results, explained)
	os.RemoveAll(dir)
	os.Exit(status)
}

func summary(mutants []*mutant, results map[string]result, explained map[string]string) int {
	count := map[string]int{}
	bad := 0
	for _, m := range mutants {
		r, ok := results[m.id()]
		switch {
		case !ok:
			count["not run"]++
		case r.outcome == survived && explained[m.id()] != "":
			count["explained"]++
		case r.outcome == survived:
			bad++
			fmt.Printf("mutate: nothing notices %s (line %d): %s\n", m.id(), m.line, m.what)
		default:
			count[r.outcome]++
		}
		if ok && r.outcome != survived && explained[m.id()] != "" {
			fmt.Printf("mutate: explained, but it is noticed: %s\n", m.id())
		}
		delete(explained, m.id())
	}
	for id := range explained {
		fmt.Printf("mutate: explained, but not there: %s\n", id)
	}
	fmt.Printf("mutate: %d found, %d caught, %d explained, %d unexplained, %d not run\n",
		len(mutants), count[caught], count["explained"], bad, count["not run"])
	if bad > 0 {
		return 1
	}
	return 0
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
}

// find finds all mutants: first what is given back, then checks, then locks,
// which take the race detector.
func find() []*mutant {
	var all []*mutant
	for _, name := range files {
		src, err := os.ReadFile(name)
		check(err)
		var found []*mutant
		if strings.HasSuffix(name, ".go") {
			found, err = goMutants(name, src)
			check(err)
		} else {
			found = cMutants(name, src)
		}
		ordinals := map[string]int{}
		for _, m := range found {
			ordinals[m.function+":"+m.kind]++
			m.n = ordinals[m.function+":"+m.kind]
		}
		all = append(all, found...)
	}
	for i, m := range all {
		m.number = i + 1
	}
	late := func(m *mutant) int {
		n := 0
		if m.kind == "lock" {
			n = 1
		}
		if m.file == "objects.m" || m.file == "flatten.m" {
			n = 2
		}
		return n
	}
	sort.SliceStable(all, func(i, j int) bool { return late(all[i]) < late(all[j]) })
	return all
}

// lines are the fields of a file with tabs between them; # starts a comment.
func lines(name string) (rows [][]string) {
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if t := s.Text(); t != "" && t[0] != '#' {
			rows = append(rows, append(strings.SplitN(t, "\t", 3), "", ""))
		}
	}
	return rows
}

func explanations(name string) map[string]string {
	m := map[string]string{}
	for _, row := range lines(name) {
		m[row[0]] = row[1]
	}
	return m
}

func read(name string) map[string]result {
	m := map[string]result{}
	for _, row := range lines(name) {
		m[row[0]] = result{row[1], row[2]}
	}
	return m
}

const goSwitch = `package xpc

import (
	"os"
	"strconv"
)

var mutantNumber, _ = strconv.Atoi(os.Getenv("XPC_MUTANT"))

func mutant(n int) bool { return n == mutantNumber }

func unless[T ~uint8](n int, v T) T {
	if mutant(n) {
		return 255
	}
	return v
}
`

const cSwitch = `#include <stdlib.h>
static int mutant_number;
__attribute__((constructor)) static void mutant_init(void) {
	const char *s = getenv("XPC_MUTANT");
	mutant_number = s ? atoi(s) : 0;
}
static inline int mutant(int n) { return n == mutant_number; }
`

// build makes the test programs, with all mutants in them, in dir.
func build(dir string, mutants []*mutant, packages []string) {
	root, err := os.Getwd()
	check(err)
	replace := map[string]string{}
	put := func(name string, text []byte) {
		check(os.WriteFile(filepath.Join(dir, name), text, 0o666))
		replace[filepath.Join(root, name)] = filepath.Join(dir, name)
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		check(err)
		var own []*mutant
		for _, m := range mutants {
			if m.file == name {
				own = append(own, m)
			}
		}
		text := mutated(src, own)
		switch {
		case name == "xpc_darwin.go":
			name = "xpc_standin.go"
		case strings.HasSuffix(name, ".m"):
			// The go command takes no overlay of Objective-C, and ours is plain C.
			replace[filepath.Join(root, name)] = ""
			name = "mutant_" + strings.TrimSuffix(name, ".m") + ".c"
			line, rest, _ := strings.Cut(string(text), "\n")
			text = []byte(line + "\n\n#define _GNU_SOURCE\n" + cSwitch + rest)
		}
		put(name, text)
	}
	put("mutant.go", []byte(goSwitch))
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	check(err)
	check(os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o666))
	for _, p := range packages {
		for _, race := range []string{"", "-race"} {
			args := []string{"test", "-c", "-tags", "xpcstandin", "-overlay", filepath.Join(dir, "overlay.json"), "-ldflags=-w", "-o", program(dir, p, race != "")}
			if race != "" {
				args = append(args, race)
			}
			if text, err := command(10*time.Minute, root, nil, "go", append(args, "./"+p)...); err != nil {
				check(fmt.Errorf("%w\n%s", err, text))
			}
		}
	}
}

func program(dir, pkg string, race bool) string {
	return filepath.Join(dir, fmt.Sprintf("%s.%t.test", filepath.Base(filepath.Join("/root", pkg)), race))
}

// test runs the suite with one mutant in effect.
func test(dir string, m *mutant, limit time.Duration) result {
	// Encoding and decoding are nothing to mutants outside of the two files for it.
	skip := `^(Fuzz|Example|Test(Hostile|RoundTrip|Unmarshal|Marshal|Encode|Decode|Plans|GetAllocations))`
	if m.file == "objects.m" || m.file == "flatten.m" {
		skip = "^(Example|TestGetAllocations)"
	}
	for _, p := range [][]string{{".", "-test.skip", skip}, {"xpctest", "-test.run", "TestStandin"}} {
		args := append([]string{"-test.failfast", "-test.timeout", (limit - 2*time.Second).String()}, p[1:]...)
		env := []string{"XPC_MUTANT=" + strconv.Itoa(m.number)}
		if text, err := command(limit, p[0], env, program(dir, p[0], m.kind == "lock"), args...); err != nil {
			return result{caught, p[0] + ": " + reason(text)}
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
	for _, mark := range []string{"XPC API Misuse", "WARNING: DATA RACE", "fatal error:", "panic:", "--- FAIL", "SIG", "left alive", "leaks"} {
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
