//go:build linux

package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

type result struct{ outcome, by string }

const (
	caught   = "caught"
	survived = "survived"
)

// summary prints what is to be done, and the totals. least is 0 where only the
// unexplained is a failure.
func summary(mutants []*mutant, results map[string]result, explained map[string]string, least int) int {
	count := map[string]int{}
	bad, stale := 0, 0
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
			stale++
			fmt.Printf("mutate: explained, but it is noticed: %s\n", m.id())
		}
		delete(explained, m.id())
	}
	for id := range explained {
		stale++
		fmt.Printf("mutate: explained, but not there: %s\n", id)
	}
	fmt.Printf("mutate: %d found, %d caught, %d explained, %d unexplained, %d not run\n",
		len(mutants), count[caught], count["explained"], bad, count["not run"])
	switch {
	case bad > 0,
		least > 0 && (stale > 0 || count["not run"] > 0 || count[caught]*100 < least*len(mutants)):
		return 1
	}
	return 0
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

// read gives the results that are kept; with again, of what was caught only.
func read(name string, again bool) map[string]result {
	m := map[string]result{}
	for _, row := range lines(name) {
		if m[row[0]] = (result{row[1], row[2]}); again && row[1] == survived {
			delete(m, row[0])
		}
	}
	return m
}
