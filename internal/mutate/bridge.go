//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// bridgeSet is what lies between Go and libxpc, tested against the stand-in: every
// release, retain, handle deletion, lock, count and state check is taken out.
func bridgeSet() *set {
	const tags = "-tags=xpcstandin"
	s := &set{
		explained: "testdata/mutants.txt",
		out:       ".build/mutate/results.txt",
		timeout:   time.Minute,
		files: []string{
			"bridge.m", "xpc_darwin.go", "state.go", "inflight.go", "connection.go", "handles.go",
			"handlers.go", "queue.go", "message.go", "objects.m", "flatten.m", "fields.m",
		},
		find: func(name string, src []byte) ([]*mutant, error) {
			if strings.HasSuffix(name, ".go") {
				return goMutants(name, src)
			}
			return cMutants(name, src), nil
		},
		// First what is given back, then checks, then locks, which take the race
		// detector.
		late: func(m *mutant) int {
			switch {
			case ofCodec(m):
				return 2
			case m.kind == "lock":
				return 1
			}
			return 0
		},
		place: func(name string, text []byte, put func(string, []byte)) {
			switch {
			case name == "xpc_darwin.go":
				name = "xpc_standin.go"
			case strings.HasSuffix(name, ".m"):
				// The go command takes no overlay of Objective-C, and ours is plain C.
				put(name, nil)
				name = "mutant_" + strings.TrimSuffix(name, ".m") + ".c"
				line, rest, _ := strings.Cut(string(text), "\n")
				text = []byte(line + "\n\n#define _GNU_SOURCE\n" + cHelpers + rest)
			}
			put(name, text)
		},
		runs: func(m *mutant) []run {
			// Encoding and decoding are nothing to mutants outside of the two files for it.
			skip := `^(Fuzz|Example|Test(Hostile|RoundTrip|Unmarshal|Marshal|Encode|Decode|Plans|GetAllocations))`
			if ofCodec(m) {
				skip = "^(Example|TestGetAllocations)"
			}
			race := m.kind == "lock"
			all := []run{
				{program{dir: ".", race: race, flags: tags}, []string{"-test.skip", skip}},
				{program{dir: "xpctest", race: race, flags: tags}, []string{"-test.run", "TestStandin"}},
			}
			if ofCodec(m) {
				corpus := run{program{dir: "internal/standin/fuzz", own: "objects"}, []string{"-runs=0", "-artifact_prefix=" + os.TempDir() + "/", "corpus"}}
				all = append([]run{corpus}, all...)
			}
			return all
		},
		compile: compileFuzzTarget,
	}
	s.helpers.name, s.helpers.text = "mutant.go", goHelpers("xpc", "")
	for _, dir := range []string{".", "xpctest"} {
		s.programs = append(s.programs, program{dir: dir, flags: tags}, program{dir: dir, race: true, flags: tags})
	}
	return s
}

// compileFuzzTarget makes the fuzz target of the C half of the flat form, with the
// sanitizers that notice what it only reads, or leaves. build/mutate.sh tells where
// the stand-in with the same ones is.
func compileFuzzTarget(dir string) (string, error) {
	lib := os.Getenv("MUTATE_ASAN")
	args := append(strings.Fields(os.Getenv("CGO_CFLAGS")),
		"-w", "-fblocks", "-I.", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined",
		"internal/standin/fuzz/objects.c", filepath.Join(dir, "mutant_flatten.c"), filepath.Join(dir, "mutant_objects.c"),
		"-L"+lib, "-Wl,-rpath,"+lib, "-lxpc", "-lBlocksRuntime", "-o", filepath.Join(dir, "objects"))
	return command(10*time.Minute, ".", nil, "clang", args...)
}

func ofCodec(m *mutant) bool { return m.file == "objects.m" || m.file == "flatten.m" }

const cHelpers = `#include <stdlib.h>
static int mutant_number;
__attribute__((constructor)) static void mutant_init(void) {
	const char *s = getenv("XPC_MUTANT");
	mutant_number = s ? atoi(s) : 0;
}
static inline int mutant(int n) { return n == mutant_number; }
`
