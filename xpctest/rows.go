package xpctest

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Row is one line of the table of behaviour.
type Row struct {
	Number int
	// Scope is "api" for what can be observed through package xpc; "C" for what
	// only C code can see, "later" for parts not bound yet, "none" otherwise.
	Scope string
	// Kind tells whether a stand-in can do the same: "exactly", "partly", "not".
	Kind  string
	Title string
}

//go:embed rows.txt
var rowsText string

var rows = sync.OnceValue(func() map[int]Row {
	out := map[int]Row{}
	for i, line := range strings.Split(strings.TrimSpace(rowsText), "\n") {
		f := strings.SplitN(line, "\t", 4)
		n, err := strconv.Atoi(f[0])
		if err != nil || len(f) != 4 {
			panic(fmt.Sprintf("rows.txt:%d: %q", i+1, line))
		}
		out[n] = Row{n, f[1], f[2], f[3]}
	}
	return out
})

// Rows are the lines of rows.txt, by number.
func Rows() map[int]Row { return rows() }
