//go:build linux

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
)

var (
	released = regexp.MustCompile(`(?i)^(xb_)?(release\w*|unlockAndRelease|free|drop\w*|retain|pin|unpin|keepAlive|munmap|stop|cut|discard|abandon|settle|finish|ended|closeOnExec|close|addCleanup)$`)
	inFlight = regexp.MustCompile(`^(begin|end|Add|Or)$`)
	counted  = regexp.MustCompile(`\.(uses|user|suspends|used)$`)
	fields   = regexp.MustCompile(`\.(phase|handler|replying|reply|bound|done|latch|value|free|required|finalizer|context|suspends|d)$`)
	stated   = regexp.MustCompile(`\b(phase|was|closed|over|released|calls|spent|first|sealed|isOver|end|seal|take|uses|user|suspends|suspended|alive|live|queued|cancelled|freed|sent|to|refused|handler|replying|before|begin|mayActivate|maySend|cancel|close|required|value|used|half|bound|done|m\.reply|m\.d|m\.conn|dead|m\.region|d)\b`)
	refuses  = regexp.MustCompile(`\b(misuse|unsupported|foreign|ErrClosed|ErrBusy|ErrReplied|ErrNoReplyWanted|errors\.New|fmt\.Errorf)\b`)
	tagged   = regexp.MustCompile(`(\.phase|\.replying|^before)$`)
)

// goMutants finds those of a Go file.
func goMutants(name string, src []byte) (found []*mutant, err error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	at := func(p token.Pos) int { return set.Position(p).Offset }
	text := func(n ast.Node) string { return string(src[at(n.Pos()):at(n.End())]) }
	imports := map[string]bool{"C": true}
	for _, i := range file.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		imports[path[strings.LastIndex(path, "/")+1:]] = true
	}

	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		function := f.Name.Name
		if f.Recv != nil {
			function = strings.TrimPrefix(text(f.Recv.List[0].Type), "*") + "." + function
		}
		add := func(kind string, n ast.Node, before, after string, nodes ...ast.Node) {
			what, _, _ := strings.Cut(text(n), "\n")
			m := &mutant{file: name, function: function, kind: kind, line: set.Position(n.Pos()).Line, what: what}
			for _, n := range nodes {
				m.wraps = append(m.wraps, wrap{at(n.Pos()), at(n.End()), before, after})
			}
			found = append(found, m)
		}
		without := func(kind string, nodes ...ast.Node) {
			add(kind, nodes[0], "if !mutant(@) { ", " }", nodes...)
		}
		locks := map[string][]ast.Node{}
		var order []string
		alone := map[*ast.CallExpr]bool{}
		statement := func(n ast.Node, call *ast.CallExpr) {
			called := text(call.Fun)
			last := called[strings.LastIndexAny(called, ".")+1:]
			switch {
			case last == "Lock" || last == "Unlock" || last == "RLock" || last == "RUnlock":
				lock := called[:len(called)-len(last)]
				if locks[lock] == nil {
					order = append(order, lock)
				}
				locks[lock] = append(locks[lock], n)
			case released.MatchString(last):
				without("release", n)
			case inFlight.MatchString(last):
				without("count", n)
			case last == "Store" || last == "Suspend" || last == "SetHandler" || last == "Resume" || last == "Activate" || last == "Cancel" || last == "noteReason":
				without("state", n)
			}
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ExprStmt:
				if call, ok := n.X.(*ast.CallExpr); ok {
					alone[call] = true
					statement(n, call)
				}
			case *ast.DeferStmt:
				statement(n, n.Call)
			case *ast.GoStmt:
				statement(n, n.Call)
			case *ast.IncDecStmt:
				if counted.MatchString(text(n.X)) {
					without("count", n)
				}
			case *ast.AssignStmt:
				if n.Tok == token.ASSIGN && fields.MatchString(text(n.Lhs[0])) {
					without("state", n)
				}
			case *ast.CallExpr:
				if s, ok := n.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "CompareAndSwap" {
					add("check", n, "(", " || mutant(@))", n)
				}
				// Counts of int64 whose result is used; the others are statements.
				if s, ok := n.Fun.(*ast.SelectorExpr); ok && (s.Sel.Name == "Add" || s.Sel.Name == "Or") && !alone[n] {
					add("count", n, "uncounted(@, func() int64 { return ", " })", n)
				}
				if f := text(n.Fun); (strings.HasSuffix(f, ".xb_retain") || strings.HasSuffix(f, ".xb_queue_retain")) && !alone[n] {
					add("retain", n, "func() C.uintptr_t { if mutant(@) { return "+text(n.Args[0])+" }; return ", " }()", n)
				}
			case *ast.IfStmt:
				head := string(src[at(n.Pos()):at(n.Body.Pos())])
				if stated.MatchString(head) || refuses.MatchString(text(n.Body)) {
					add("check", n, "bool(", ") && !mutant(@)", n.Cond)
				}
			case *ast.SwitchStmt:
				for _, s := range n.Body.List {
					clause := s.(*ast.CaseClause)
					for _, e := range clause.List {
						switch {
						case n.Tag == nil && (stated.MatchString(text(e)) || refuses.MatchString(text(clause))):
							add("check", e, "bool(", ") && !mutant(@)", e)
						case n.Tag != nil && tagged.MatchString(text(n.Tag)):
							add("check", e, "unless(@, ", ")", e)
						}
					}
				}
			}
			return true
		})
		for _, lock := range order {
			without("lock", locks[lock]...)
		}
	}
	return found, nil
}
