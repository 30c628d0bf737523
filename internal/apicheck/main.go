// Command apicheck proves that package xpc covers Apple's headers.
//
// It preprocesses the headers with the cross compiler, finds every public
// function that they declare, and looks each up in testdata/api.tsv, which says
// what it is called in Go. The Go names must exist, a doc comment of theirs
// must name the C function, and a program that uses all of them must, linked
// for macOS, import each C function or look it up by name.
//
//	apicheck -cc build/darwin/cc
//
// The table has four columns, separated by tabs: header, C function, Go names
// (separated by commas), note. A function without a Go name needs a note that
// begins with "subsumed: " or "not offered: ". A function of xpc.h whose Go names
// do without it, on values that have arrived, has a note that begins with "in Go: ".
package main

import (
	"bytes"
	"debug/macho"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

func main() {
	cc := flag.String("cc", "build/darwin/cc", "C compiler for macOS, with Apple's headers")
	table := flag.String("table", "testdata/api.tsv", "the table of names")
	dir := flag.String("dir", ".build/api", "where to build, below the module's root")
	flag.Parse()

	// In the order in which the lines at the end name them.
	counts, err := check([]string{"xpc.h", "connection.h", "endpoint.h"}, *cc, *table, *dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "apicheck:", err)
		os.Exit(1)
	}
	fmt.Println(counts[0])
	fmt.Println(strings.Join(counts[1:], " "))
}

func check(headers []string, cc, table, dir string) (counts []string, err error) {
	rows, err := readTable(table)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(r row) bool { return !slices.Contains(headers, r.header) })
	declared, err := readHeaders(cc, headers)
	if err != nil {
		return nil, err
	}
	names, docs, err := readPackage(".")
	if err != nil {
		return nil, err
	}

	// What is wrong, by function. The rest of the checks needs rows that name
	// what exists.
	wrong := map[string]string{}
	for _, r := range rows {
		switch {
		case !slices.Contains(declared[r.header], r.c):
			wrong[r.c] = "not declared in " + r.header
		case len(r.gonames) == 0 && !strings.HasPrefix(r.note, "subsumed: ") && !strings.HasPrefix(r.note, "not offered: "):
			wrong[r.c] = "no Go name, and no reason"
		case r.inGo() && r.header != "xpc.h":
			wrong[r.c] = "not a function on values"
		}
		named := len(r.gonames) == 0
		for _, name := range r.gonames {
			named = named || strings.Contains(docs[name], r.c)
		}
		if !named {
			wrong[r.c] = "the Go documentation does not name it"
		}
		for _, name := range r.gonames {
			if names[name] == "" {
				wrong[r.c] = name + " does not exist"
			}
		}
	}
	linked, err := link(rows, names, wrong, cc, dir)
	if err != nil {
		return nil, err
	}

	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	bad := len(wrong)
	for _, h := range headers {
		good := 0
		for _, c := range declared[h] {
			i := slices.IndexFunc(rows, func(r row) bool { return r.c == c && r.header == h })
			if i < 0 {
				fmt.Fprintf(w, "%s\t%s\tMISSING\tno row in %s\n", h, c, table)
				bad++
				continue
			}
			r := rows[i]
			how := r.note
			if len(r.gonames) > 0 && !r.inGo() {
				how = linked[c]
			}
			if why := wrong[c]; why != "" {
				how = "MISSING: " + why
			} else if how == "" {
				how = "MISSING: neither imported nor looked up by the linked program"
				bad++
			} else {
				good++
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", h, c, strings.Join(r.gonames, ", "), how)
		}
		counts = append(counts, fmt.Sprintf("%s %d/%d", h, good, len(declared[h])))
	}
	for _, r := range rows {
		if !slices.Contains(declared[r.header], r.c) {
			fmt.Fprintf(w, "%s\t%s\t\tSTALE: %s\n", r.header, r.c, wrong[r.c])
		}
	}
	w.Flush()
	if bad > 0 {
		return nil, fmt.Errorf("%d missing or wrong: %s", bad, strings.Join(counts, " "))
	}
	return counts, nil
}

type row struct {
	header, c string
	gonames   []string
	note      string
}

// inGo tells whether the Go names do without the C function.
func (r row) inGo() bool { return strings.HasPrefix(r.note, "in Go: ") }

func readTable(file string) (rows []row, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i, line := range strings.Split(strings.TrimRight(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n"), "\n")[1:] {
		f := strings.Split(line, "\t")
		if len(f) != 4 {
			return nil, fmt.Errorf("%s:%d: %d columns, want 4", file, i+2, len(f))
		}
		r := row{header: f[0], c: f[1], note: f[3]}
		if f[2] != "" {
			r.gonames = strings.Split(f[2], ", ")
		}
		if seen[r.c] {
			return nil, fmt.Errorf("%s:%d: second row for %s", file, i+2, r.c)
		}
		seen[r.c] = true
		rows = append(rows, r)
	}
	return rows, nil
}

// readHeaders finds the functions that Apple's headers declare for a program
// that includes xpc/xpc.h, by header.
func readHeaders(cc string, headers []string) (map[string][]string, error) {
	src, err := os.CreateTemp("", "apicheck*.c")
	if err != nil {
		return nil, err
	}
	defer os.Remove(src.Name())
	fmt.Fprintln(src, "#include <xpc/xpc.h>")
	if err := src.Close(); err != nil {
		return nil, err
	}
	cmd := exec.Command(cc, "-arch", "x86_64", "-fblocks", "-E", src.Name())
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s -E: %w", cc, err)
	}
	declared := functions(string(out))
	result := map[string][]string{}
	for _, h := range headers {
		result[h] = declared["xpc/"+h]
		if len(result[h]) == 0 {
			return nil, fmt.Errorf("found no function in xpc/%s", h)
		}
	}
	return result, nil
}

// functions returns the functions declared in preprocessed C, by the last two
// elements of the header's path. A declaration is what ends at a semicolon
// outside all brackets; its function, if it declares one, is the identifier
// before the first parenthesis that is not an attribute's.
func functions(src string) map[string][]string {
	result := map[string][]string{}
	header := ""
	depth := 0                      // of brackets of any kind
	attribute := false              // the last word was __attribute__ or the like
	last, name, first := "", "", "" // word before, function found, first word
	reset := func() { attribute, last, name, first = false, "", "", "" }
	for _, line := range strings.Split(src, "\n") {
		if strings.HasPrefix(line, "# ") { // # 123 "file" flags
			if f := strings.SplitN(line, `"`, 3); len(f) == 3 {
				dir, base := filepath.Split(f[1])
				header = filepath.Base(dir) + "/" + base
			}
			continue
		}
		for _, tok := range tokens(line) {
			switch tok {
			case "(", "[", "{":
				if depth == 0 && tok == "(" && !attribute && name == "" && isWord(last) {
					name = last
				}
				depth++
			case ")", "]", "}":
				depth--
				if depth == 0 && tok == ")" {
					attribute = false
				}
				if depth == 0 && tok == "}" && first != "typedef" && name != "" {
					result[header] = appendNew(result[header], name) // static inline
					reset()
				}
			case ";":
				if depth == 0 {
					if name != "" && first != "typedef" {
						result[header] = appendNew(result[header], name)
					}
					reset()
				}
			default:
				if depth > 0 {
					break
				}
				switch tok {
				case "__attribute__", "__attribute", "__asm", "__asm__", "__typeof__", "_Alignas":
					attribute = true
				default:
					if first == "" {
						first = tok
					}
				}
			}
			if depth == 0 {
				last = tok
			}
		}
	}
	return result
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func isWord(s string) bool {
	return s != "" && (s[0] == '_' || 'a' <= s[0]|0x20 && s[0]|0x20 <= 'z')
}

// tokens splits a line of C into words, strings and single characters.
func tokens(line string) (toks []string) {
	for i := 0; i < len(line); {
		j := i + 1
		switch c := line[i]; {
		case c == ' ' || c == '\t':
			i++
			continue
		case isWord(line[i:j]):
			for j < len(line) && (isWord(line[j:j+1]) || '0' <= line[j] && line[j] <= '9') {
				j++
			}
		case c == '"' || c == '\'':
			for j < len(line) && line[j] != c {
				if line[j] == '\\' {
					j++
				}
				j++
			}
			j = min(j+1, len(line))
		}
		toks = append(toks, line[i:j])
		i = j
	}
	return toks
}

// readPackage returns the names at the top level of the package in dir, "(*T).M"
// for methods, with what each is ("func", "generic", "type" or "var") and its doc comment
// (those of all files, where systems differ).
func readPackage(dir string) (names, docs map[string]string, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, nil, err
	}
	names, docs = map[string]string{}, map[string]string{}
	add := func(name, what string, comments ...*ast.CommentGroup) {
		names[name] = what
		for _, c := range comments {
			docs[name] += c.Text()
		}
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, nil, err
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				name := d.Name.Name
				if d.Recv != nil {
					switch t := d.Recv.List[0].Type.(type) {
					case *ast.StarExpr:
						name = fmt.Sprintf("(*%v).%s", t.X, name)
					default:
						name = fmt.Sprintf("%v.%s", t, name)
					}
				}
				what := "func"
				if d.Type.TypeParams != nil {
					what = "generic"
				}
				add(name, what, d.Doc)
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						add(s.Name.Name, "type", d.Doc, s.Doc)
					case *ast.ValueSpec:
						for _, n := range s.Names {
							add(n.Name, "var", d.Doc, s.Doc)
						}
					}
				}
			}
		}
	}
	return names, docs, nil
}

// link builds a program that uses every Go name, for both architectures, and
// says for each C function how the programs get at it: "imported", "looked up"
// or, where one of them does not, "".
func link(rows []row, names map[string]string, wrong map[string]string, cc, dir string) (map[string]string, error) {
	mod, err := exec.Command("go", "list", "-m").Output()
	if err != nil {
		return nil, fmt.Errorf("go list -m: %w", err)
	}
	var src strings.Builder
	fmt.Fprintf(&src, "// Made by internal/apicheck: everything that testdata/api.tsv names.\npackage main\n\nimport xpc %q\n\nvar everything = []any{\n\txpc.Native,\n", strings.TrimSpace(string(mod)))
	used := map[string]bool{}
	for _, r := range rows {
		if wrong[r.c] != "" {
			continue
		}
		for _, name := range r.gonames {
			if used[name] {
				continue
			}
			used[name] = true
			switch {
			case strings.HasPrefix(name, "(*"):
				fmt.Fprintf(&src, "\t(*xpc.%s,\n", name[2:])
			case names[name] == "generic":
				fmt.Fprintf(&src, "\txpc.%s[any],\n", name)
			case names[name] == "type":
				fmt.Fprintf(&src, "\t(*xpc.%s)(nil),\n", name)
			default:
				fmt.Fprintf(&src, "\txpc.%s,\n", name)
			}
		}
	}
	src.WriteString("}\n\nfunc main() {\n\txpc.Native()\n\tfor _, v := range everything {\n\t\tprintln(v)\n\t}\n}\n")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	main := filepath.Join(dir, "main.go")
	if old, err := os.ReadFile(main); err != nil || string(old) != src.String() {
		if err := os.WriteFile(main, []byte(src.String()), 0o666); err != nil {
			return nil, err
		}
	}

	abscc, err := filepath.Abs(cc)
	if err != nil {
		return nil, err
	}
	var how map[string]string
	for _, arch := range []string{"amd64", "arm64"} {
		bin := filepath.Join(dir, arch)
		cmd := exec.Command("go", "build", "-ldflags=-w", "-o", bin, main)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=1", "GOOS=darwin", "GOARCH="+arch, "CC="+abscc)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("go build for darwin/%s: %w", arch, err)
		}
		h, err := inspect(bin, rows)
		if err != nil {
			return nil, err
		}
		if how == nil {
			how = h
		}
		for c := range how {
			if h[c] != how[c] {
				fmt.Fprintf(os.Stderr, "apicheck: %s: differs on %s\n", c, arch)
				how[c] = ""
			}
		}
	}
	return how, nil
}

// inspect says how a linked program gets at each C function.
func inspect(file string, rows []row) (map[string]string, error) {
	f, err := macho.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	imported, err := f.ImportedSymbols()
	if err != nil {
		return nil, err
	}
	var strs []byte
	if s := f.Section("__cstring"); s != nil {
		if strs, err = s.Data(); err != nil {
			return nil, err
		}
	}
	strs = append([]byte{0}, strs...)
	how := map[string]string{}
	for _, r := range rows {
		switch {
		case slices.Contains(imported, "_"+r.c):
			how[r.c] = "imported"
		case bytes.Contains(strs, []byte("\x00"+r.c+"\x00")):
			how[r.c] = "looked up"
		}
	}
	return how, nil
}
