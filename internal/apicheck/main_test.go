package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestFunctions(t *testing.T) {
	const src = `# 1 "/usr/include/xpc/connection.h" 1 3
typedef void (^handler_t)(void *);
typedef int fn(int);
# 10 "/usr/include/xpc/connection.h"
__attribute__((availability(macosx,introduced=10.7)))
extern __attribute__((visibility("default"))) __attribute__((__nonnull__(1)))
void *
xpc_one(const char *name, void (*f)(void *)) __asm("_xpc_" "one(");
extern const struct s xpc_variable;
void xpc_two(
 void (^h)(void *));
# 12 "/usr/include/xpc/connection.h"
void xpc_two(void (^h)(void *));
static __inline int xpc_three(int a) { if (a) { return (int)(a); } return 0; }
enum { A = (1 << 2) };
struct s { int (*member)(void); };
# 20 "/usr/include/xpc/endpoint.h"
_Nonnull xpc_four(void);
`
	want := map[string][]string{
		"xpc/connection.h": {"xpc_one", "xpc_two", "xpc_three"},
		"xpc/endpoint.h":   {"xpc_four"},
	}
	if got := functions(src); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The committed table is well formed, and every Go name in it exists.
func TestTable(t *testing.T) {
	rows, err := readTable("../../testdata/api.tsv")
	if err != nil {
		t.Fatal(err)
	}
	names, _, err := readPackage("../..")
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, r := range rows {
		count[r.header]++
		for _, name := range r.gonames {
			if names[name] == "" {
				t.Errorf("%s: %s does not exist", r.c, name)
			}
		}
	}
	want := map[string]int{"connection.h": 28, "endpoint.h": 1, "xpc.h": 101}
	if !reflect.DeepEqual(count, want) {
		t.Errorf("rows %v, want %v", count, want)
	}
}

func TestReadTableRefuses(t *testing.T) {
	for _, table := range []string{
		"header\tC function\tGo names\tnote\nxpc.h\txpc_a\tA\n",
		"header\tC function\tGo names\tnote\nxpc.h\txpc_a\tA\t\nxpc.h\txpc_a\tA\t\n",
	} {
		file := filepath.Join(t.TempDir(), "api.tsv")
		if err := os.WriteFile(file, []byte(table), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := readTable(file); err == nil {
			t.Errorf("accepted %q", table)
		}
	}
}
