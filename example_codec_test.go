package xpc_test

import (
	"fmt"
	"os"
	"time"

	"github.com/go-xpc/xpc"
)

type job struct {
	Name    string        `xpc:"name"`
	Started time.Time     `xpc:"started"`
	Timeout time.Duration `xpc:"timeout,omitempty"`
	Args    []string      `xpc:"args"`
	Parent  *job          `xpc:"parent,omitempty"`
	secret  string
}

func ExampleMarshal() {
	d, err := xpc.Marshal(job{
		Name:    "backup",
		Started: time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC),
		Args:    []string{"-v"},
		secret:  "not sent",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d)
	// Output:
	// dictionary {
	//     "args": array [
	//         string "-v"
	//     ]
	//     "name": string "backup"
	//     "started": date 2025-01-02T03:04:05Z
	// }
}

func ExampleUnmarshal() {
	var j job
	err := xpc.Unmarshal(xpc.Dictionary{"name": "backup", "timeout": int64(time.Minute), "unknown": 1}, &j)
	fmt.Println(j.Name, j.Timeout, err)

	err = xpc.Unmarshal(xpc.Dictionary{"parent": xpc.Dictionary{"args": xpc.Array{"-v", 1}}}, &j)
	fmt.Println(err)

	err = xpc.Unmarshal(xpc.Dictionary{"unknown": 1}, &j, xpc.DisallowUnknownKeys)
	fmt.Println(err)
	// Output:
	// backup 1m0s <nil>
	// xpc: parent.args[1]: wanted string, got int64
	// xpc: unknown: the struct has no such field
}

func ExampleGet() {
	d := xpc.Dictionary{"count": 3, "names": xpc.Array{"a", "b"}}

	n, ok := xpc.Get[int64](d, "count")
	fmt.Println(n, ok)

	// No conversion between number types, as in libxpc.
	u, ok := xpc.Get[uint64](d, "count")
	fmt.Println(u, ok)

	names, ok := xpc.Get[[]string](d, "names")
	fmt.Println(names, ok)

	// The typed getters give libxpc's defaults.
	fmt.Println(d.GetUint64("count"), d.GetDouble("missing"))
	// Output:
	// 3 true
	// 0 false
	// [a b] true
	// 0 NaN
}

func ExampleLookup() {
	d := xpc.Dictionary{"disks": xpc.Array{
		xpc.Dictionary{"name": "Macintosh HD", "free": uint64(1 << 30)},
	}}
	fmt.Println(xpc.Lookup(d, "disks", 0, "name"))
	fmt.Println(xpc.LookupAs[uint64](d, "disks", 0, "free"))
	fmt.Println(xpc.Lookup(d, "disks", 1, "name"))
	// Output:
	// Macintosh HD true
	// 1073741824 true
	// <nil> false
}

func ExampleJSON() {
	type container struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}
	type reply struct {
		Containers xpc.JSON[[]container] `xpc:"containers"`
	}
	d := xpc.Dictionary{"containers": []byte(`[{"id":"web","status":"running"}]`)}
	var r reply
	if err := xpc.Unmarshal(d, &r); err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range r.Containers.Value {
		fmt.Println(c.ID, c.Status)
	}
	// Output: web running
}

func ExampleEqual() {
	fmt.Println(xpc.Equal(1, int64(1)))                            // both an int64
	fmt.Println(xpc.Equal(int64(1), uint64(1)))                    // two types
	fmt.Println(xpc.Equal(xpc.Array{1, "a"}, []any{int8(1), "a"})) // both arrays
	fmt.Println(xpc.Equal(job{}.Args, xpc.Array{}))                // a nil slice is an empty array
	fmt.Println(xpc.Equal(os.Stdin, os.Stdin))                     // the same object
	// Output:
	// true
	// false
	// true
	// true
	// true
}

func ExampleDescribe() {
	fmt.Println(xpc.Describe(map[string]any{
		"id":    xpc.UUID{0xca, 0xfe},
		"size":  uint64(10),
		"ratio": 0.5,
		"log":   os.Stderr,
		"body":  []byte("hello"),
		"none":  nil,
	}))
	// Output:
	// dictionary {
	//     "body": data 5 bytes 68656c6c6f
	//     "id": uuid cafe0000-0000-0000-0000-000000000000
	//     "log": fd
	//     "none": null
	//     "ratio": double 0.5
	//     "size": uint64 10
	// }
}

func ExampleMarshaler() {
	// point is sent as an array of two, by its own methods.
	d, err := xpc.Marshal(map[string]point{"at": {1, 2}})
	fmt.Println(d, err)
	// Output:
	// dictionary {
	//     "at": array [
	//         int64 1
	//         int64 2
	//     ]
	// } <nil>
}
