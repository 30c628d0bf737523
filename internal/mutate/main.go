//go:build linux

// Command mutate changes a set of code, one thing at a time, and runs the tests.
// A change that no test notices must stand, with its reason, in the set's file.
// The set "bridge" takes every release, retain, handle deletion, lock, count and
// state check out of the files between Go and libxpc; "fake" takes out or alters
// every state transition, error choice, queue operation and check of the fake's
// delivery code. build/mutate.sh and build/sensitivity.sh set the environment.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"
)

func main() {
	which := flag.String("set", "bridge", "bridge or fake")
	list := flag.Bool("list", false, "print the mutants and run nothing")
	only := flag.String("run", "", "a `pattern` of ids")
	jobs := flag.Int("j", 2, "mutants at once")
	out := flag.String("o", "", "results, kept: what stands there is not run again")
	again := flag.Bool("again", false, "but what survived is")
	limit := flag.Duration("timeout", 0, "for one run of a package's tests")
	budget := flag.Duration("budget", 0, "start no mutant after this time")
	flag.Parse()

	pattern, err := regexp.Compile(*only)
	check(err)
	var s *set
	switch *which {
	case "bridge":
		s = bridgeSet()
	case "fake":
		s = fakeSet()
	default:
		check(fmt.Errorf("there is no set %q", *which))
	}
	if *limit > 0 {
		s.timeout = *limit
	}
	if *out == "" {
		*out = s.out
	}
	mutants := s.mutants()
	if *list {
		for _, m := range mutants {
			if pattern.MatchString(m.id()) {
				fmt.Printf("%s\t%d\t%s\n", m.id(), m.line, m.what)
			}
		}
		return
	}

	check(os.MkdirAll(filepath.Dir(*out), 0o777))
	results := read(*out, *again)
	log, err := os.OpenFile(*out, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	check(err)
	dir, err := os.MkdirTemp("", "mutate")
	check(err)
	suite := build(s, dir, mutants)
	if s.timeout == 0 {
		suite.measure()
	}
	start, work := time.Now(), make(chan *mutant)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range *jobs {
		wg.Go(func() {
			for m := range work {
				r := suite.test(m)
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
	status := summary(mutants, results, explanations(s.explained), s.least)
	os.RemoveAll(dir)
	os.Exit(status)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
}
