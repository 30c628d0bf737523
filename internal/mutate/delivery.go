//go:build linux

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
)

var (
	// Logging, locks, memory and the scheduler are not delivery.
	noDelivery = regexp.MustCompile(`^(Lock|Unlock|unlock|log|note|noteReply|find|Gosched|growStack|clear|copy|panic|Sscanf)$`)
	queueing   = regexp.MustCompile(`^(push|pop|filter|kick|flush|wake|catchUp|adopt|announce|Async|Suspend|Resume|dropOut|dropInbox)$`)
	tally      = regexp.MustCompile(`^(n|i|seed)$`)
)

// otherError is what an error is exchanged for.
var otherError = map[string]string{
	"driver.Interrupted":         "driver.Invalid",
	"driver.Invalid":             "driver.Interrupted",
	"driver.Gone":                "driver.Interrupted",
	"driver.TerminationImminent": "driver.Invalid",
	"driver.PeerRequirement":     "driver.Interrupted",
	"evError":                    "evMessage",
	"errCrashed":                 "error(nil)",
	"errKilled":                  "errCrashed",
	"errTerminated":              "errCrashed",
	"errNotLaunched":             "errCrashed",
}

// stateFields are the fields that the files assign to.
func stateFields(files []string) map[string]bool {
	fields := map[string]bool{}
	for _, name := range files {
		src, err := os.ReadFile(name)
		check(err)
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
		check(err)
		ast.Inspect(file, func(n ast.Node) bool {
			var to []ast.Expr
			switch n := n.(type) {
			case *ast.AssignStmt:
				to = n.Lhs
			case *ast.IncDecStmt:
				to = []ast.Expr{n.X}
			}
			for _, e := range to {
				if s, ok := e.(*ast.SelectorExpr); ok {
					fields[s.Sel.Name] = true
				}
			}
			return true
		})
	}
	return fields
}

// delivery finds the mutants of one function.
type delivery struct {
	set            *token.FileSet
	src            []byte
	states         map[string]bool
	file, function string
	found          []*mutant
	results        []*ast.FieldList  // of the functions around, the innermost last
	compared       map[ast.Node]bool // no choice of an error
	inits          map[ast.Node]bool // of if and switch, where no block may stand
}

// deliveryMutants finds those of a file of the fake.
func deliveryMutants(name string, src []byte, states map[string]bool) ([]*mutant, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	d := &delivery{set: set, src: src, states: states, file: name, compared: map[ast.Node]bool{}, inits: map[ast.Node]bool{}}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		d.function = f.Name.Name
		if f.Recv != nil {
			d.function = strings.TrimPrefix(d.text(f.Recv.List[0].Type), "*") + "." + d.function
		}
		d.within(f.Type, f.Body)
	}
	return d.found, nil
}

func (d *delivery) at(p token.Pos) int     { return d.set.Position(p).Offset }
func (d *delivery) text(n ast.Node) string { return string(d.src[d.at(n.Pos()):d.at(n.End())]) }

func (d *delivery) add(kind string, n ast.Node, w wrap) {
	what, _, _ := strings.Cut(d.text(n), "\n")
	d.found = append(d.found, &mutant{
		file: d.file, function: d.function, kind: kind, line: d.set.Position(n.Pos()).Line, what: what, wraps: []wrap{w},
	})
}

func (d *delivery) around(kind string, n ast.Node, before, after string) {
	d.add(kind, n, wrap{d.at(n.Pos()), d.at(n.End()), before, after})
}

func (d *delivery) without(kind string, n ast.Node) {
	if d.inits[n] {
		d.around(kind, n, "func() { if !mutant(@) { ", " } }()")
		return
	}
	d.around(kind, n, "if !mutant(@) { ", " }")
}

// within walks a function's body, and those of functions in it.
func (d *delivery) within(t *ast.FuncType, body *ast.BlockStmt) {
	d.results = append(d.results, t.Results)
	ast.Inspect(body, func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncLit); ok {
			d.within(f.Type, f.Body)
			return false
		}
		d.visit(n)
		return true
	})
	d.results = d.results[:len(d.results)-1]
}

func (d *delivery) visit(n ast.Node) {
	switch n := n.(type) {
	case *ast.ExprStmt:
		if call, ok := n.X.(*ast.CallExpr); ok {
			d.statement(n, call)
		}
	case *ast.DeferStmt:
		d.statement(n, n.Call)
	case *ast.GoStmt:
		d.statement(n, n.Call)
	case *ast.SendStmt:
		d.without("queue", n)
	case *ast.AssignStmt:
		d.assignment(n)
	case *ast.IncDecStmt:
		if id, ok := n.X.(*ast.Ident); !ok || !tally.MatchString(id.Name) {
			d.without("state", n)
		}
	case *ast.CompositeLit:
		for _, e := range n.Elts {
			kv, ok := e.(*ast.KeyValueExpr)
			if ok && d.states[d.text(kv.Key)] && otherError[d.text(kv.Value)] == "" {
				d.around("initial", kv.Value, "zero(@, ", ")")
			}
		}
	case *ast.CallExpr:
		d.call(n)
	case *ast.BinaryExpr:
		if n.Op == token.EQL || n.Op == token.NEQ {
			d.compared[n.X], d.compared[n.Y] = true, true
		}
	case *ast.SelectorExpr, *ast.Ident:
		if other := otherError[d.text(n)]; other != "" && !d.compared[n] {
			d.around("error", n, "pick(@, "+other+", ", ")")
		}
	case *ast.IfStmt:
		d.inits[n.Init] = true
		d.condition(n.Cond)
	case *ast.ForStmt:
		if n.Cond != nil {
			d.condition(n.Cond)
		}
	case *ast.SwitchStmt:
		d.inits[n.Init] = true
		for _, s := range n.Body.List {
			for _, e := range s.(*ast.CaseClause).List {
				if d.compared[e] = true; n.Tag == nil {
					d.condition(e)
				} else {
					d.around("check", e, "unless(@, ", ")")
				}
			}
		}
	case *ast.ReturnStmt:
		d.returned(n)
	}
}

// statement takes a call out.
func (d *delivery) statement(n ast.Node, call *ast.CallExpr) {
	if _, ok := call.Fun.(*ast.FuncLit); ok {
		return
	}
	called := d.text(call.Fun)
	last := called[strings.LastIndex(called, ".")+1:]
	switch {
	case noDelivery.MatchString(last):
	case queueing.MatchString(last):
		d.without("queue", n)
	default:
		d.without("state", n)
	}
}

// assignment leaves the old value, of each that is assigned by itself.
func (d *delivery) assignment(n *ast.AssignStmt) {
	if n.Tok != token.ASSIGN {
		if n.Tok != token.DEFINE {
			d.without("state", n)
		}
		return
	}
	if len(n.Lhs) != len(n.Rhs) {
		return
	}
	for i, to := range n.Lhs {
		switch to.(type) {
		case *ast.IndexExpr: // of a map it would be an entry
			d.without("state", n)
		case *ast.SelectorExpr, *ast.StarExpr:
			d.around("state", n.Rhs[i], "pick(@, "+d.text(to)+", ", ")")
		}
	}
}

// call alters the order of a queue, and exchanges what a call chooses by a constant.
func (d *delivery) call(n *ast.CallExpr) {
	called := d.text(n.Fun)
	last := called[strings.LastIndex(called, ".")+1:]
	open, end := d.at(n.Fun.End()), d.at(n.Rparen)
	switch {
	case last == "push" && called != last:
		d.add("order", n, wrap{open, end, "Or", ", @"})
	case last == "pop" && called != last:
		d.add("order", n, wrap{open, end, "Or", "@"})
		d.add("queue", n, wrap{open, end, "", ", @"})
	case called == "append" && len(n.Args) == 2 && n.Ellipsis == token.NoPos:
		if _, kept := n.Args[0].(*ast.SelectorExpr); kept {
			d.around("order", n, "lastFirst(@, ", ")")
		}
	case last == "die" && d.text(n.Args[0]) == "nil":
		d.around("error", n.Args[0], "pick(@, errCrashed, ", ")")
	}
	if noDelivery.MatchString(last) {
		return
	}
	for _, a := range n.Args {
		if t := d.text(a); t == "true" || t == "false" {
			d.around("check", a, "pick(@, !"+t+", ", ")")
		}
	}
}

// condition is forced to be false, if it is about the state, and to be true unless
// it is compound. The parts of a compound one are not tried one by one.
func (d *delivery) condition(e ast.Expr) {
	if !d.aboutState(e) {
		return
	}
	// What is forced is not evaluated.
	d.around("check", e, "(!mutant(@) && bool(", "))")
	if b, ok := e.(*ast.BinaryExpr); !ok || b.Op != token.LAND && b.Op != token.LOR {
		d.around("check", e, "(mutant(@) || bool(", "))")
	}
}

func (d *delivery) aboutState(e ast.Expr) (yes bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && d.states[s.Sel.Name] {
			yes = true
		}
		return !yes
	})
	return yes
}

// returned exchanges a truth that a function returns, and leaves out an error.
func (d *delivery) returned(n *ast.ReturnStmt) {
	results := d.results[len(d.results)-1]
	if results == nil || len(n.Results) == 0 || len(n.Results) != results.NumFields() {
		return
	}
	last := n.Results[len(n.Results)-1]
	switch t := d.text(results.List[len(results.List)-1].Type); {
	case t == "bool" && (d.text(last) == "true" || d.text(last) == "false"):
		d.around("check", last, "!mutant(@) == ", "")
	case t == "bool":
		d.condition(last)
	case t == "error" && d.text(last) != "nil" && d.text(last) != "err":
		d.around("error", last, "zero[error](@, ", ")")
	}
}
