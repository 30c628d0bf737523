//go:build linux

package main

import (
	"bytes"
	"regexp"
	"strings"
)

var (
	cFunction = regexp.MustCompile(`^(\w+)\(.*[^;]$`)
	cReleased = regexp.MustCompile(`^\s*(xpc_release|_Block_release|xb_release|xb_flat_free|dispatch_release|dispatch_retain|goxpcFree|goxpcFinalize|free|close|empty|object_gone)\(.*\);`)
	cCounted  = regexp.MustCompile(`^\s*atomic_fetch_(add|sub)_explicit\(.*\);`)
	cFrame    = regexp.MustCompile(`^\s*handlers = .*;`)
	cStatus   = regexp.MustCompile(`^\s*(r->|f->|r\.)?status = .*;`)
	cRetained = regexp.MustCompile(`xpc_retain\(`)
	cIf       = regexp.MustCompile(`\bif \(`)
	cTernary  = regexp.MustCompile(`r->status == XB_OK \?`)
	cSpecific = regexp.MustCompile(`XPC_TYPE|XPC_ERROR|\bnul\b|concurrent`) // no check, but what the function is for
)

// cMutants finds those of an Objective-C file, which is laid out as ours are: a
// function's name starts a line.
func cMutants(name string, src []byte) (found []*mutant) {
	function, at := "", 0
	for i, raw := range bytes.SplitAfter(src, []byte("\n")) {
		line := strings.TrimRight(string(raw), "\n")
		start := at
		at += len(raw)
		if m := cFunction.FindStringSubmatch(line); m != nil {
			function = m[1]
		}
		if function == "" || line == "" || line[0] != '\t' {
			continue
		}
		add := func(kind string, from, to int, before, after string) {
			found = append(found, &mutant{
				file: name, function: function, kind: kind, line: i + 1,
				what: strings.TrimSpace(line), wraps: []wrap{{from, to, before, after}},
			})
		}
		for _, k := range []struct {
			kind string
			re   *regexp.Regexp
		}{{"release", cReleased}, {"count", cCounted}, {"frame", cFrame}, {"state", cStatus}} {
			if loc := k.re.FindStringIndex(line); loc != nil {
				add(k.kind, start+loc[0], start+loc[1], "{ if (!mutant(@)) {", "} }")
			}
		}
		if loc := cRetained.FindStringIndex(line); loc != nil {
			end := balanced(src, start+loc[1]-1)
			add("retain", start+loc[0], end, "(mutant(@) ? (xpc_object_t)("+string(src[start+loc[1]:end-1])+") : ", ")")
		}
		if loc := cTernary.FindStringIndex(line); loc != nil {
			add("check", start+loc[0], start+loc[1]-2, "(mutant(@) || ", ")")
		}
		if loc := cIf.FindStringIndex(line); loc != nil {
			open := start + loc[1] - 1
			end := balanced(src, open)
			if cond := string(src[open:end]); !cSpecific.MatchString(cond) {
				add("check", open, end, "(", " && !mutant(@))")
			}
		}
	}
	return found
}

// balanced is where the parenthesis at open is closed.
func balanced(src []byte, open int) int {
	depth := 0
	for i := open; i < len(src); i++ {
		switch src[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return open
}
