//go:build linux

package main

import (
	"os"
	"sort"
	"strings"
	"time"
)

// A set is code to be changed, how, and the tests that should notice.
type set struct {
	explained string        // the file of reasons
	out       string        // where results are kept
	timeout   time.Duration // for one run; 0: by what it takes without a mutant
	least     int           // of 100 mutants so many must be caught, or it is a failure
	files     []string
	find      func(name string, src []byte) ([]*mutant, error)
	late      func(m *mutant) int // those with more are tried later
	// place puts a changed file in place of the original.
	place func(name string, text []byte, put func(name string, text []byte))
	// helpers is the file that the changes call.
	helpers struct{ name, text string }
	// programs are the test programs, and runs what is run of them, the most
	// likely to notice first.
	programs []program
	runs     func(m *mutant) []run
	// compile makes the programs of the set's own, in dir, of the changed files there.
	compile func(dir string) (string, error)
}

type program struct {
	dir   string
	race  bool
	flags string
	own   string // not of go test: what the set's compile makes
}

type run struct {
	program program
	args    []string
}

// mutants are all of the set, in the order in which to try them.
func (s *set) mutants() []*mutant {
	var all []*mutant
	for _, name := range s.files {
		src, err := os.ReadFile(name)
		check(err)
		found, err := s.find(name, src)
		check(err)
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
	sort.SliceStable(all, func(i, j int) bool { return s.late(all[i]) < s.late(all[j]) })
	return all
}

// goHelpers is what changes in Go code call.
func goHelpers(pkg, more string) string {
	return strings.Replace(`package PKG

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

func uncounted[T any](n int, f func() T) (none T) {
	if mutant(n) {
		return none
	}
	return f()
}
`, "PKG", pkg, 1) + more
}
