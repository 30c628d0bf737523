//go:build linux

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

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
