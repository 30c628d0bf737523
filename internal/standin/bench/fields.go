//go:build cgo && xpcstandin

package main

import (
	"time"

	"github.com/go-xpc/xpc"
)

// small, record, wide and tree are the messages of fields.c.
type small struct {
	Name string `xpc:"name"`
	ID   int64  `xpc:"id"`
	Size uint64 `xpc:"size"`
	On   bool   `xpc:"on"`
}

type record struct {
	A0 string        `xpc:"a0"`
	A1 int64         `xpc:"a1"`
	A2 uint64        `xpc:"a2"`
	A3 bool          `xpc:"a3"`
	B0 string        `xpc:"b0"`
	B1 int           `xpc:"b1"`
	B2 uint32        `xpc:"b2"`
	B3 float64       `xpc:"b3"`
	C0 string        `xpc:"c0"`
	C1 time.Time     `xpc:"c1"`
	C2 xpc.UUID      `xpc:"c2"`
	C3 []byte        `xpc:"c3"`
	D0 string        `xpc:"d0"`
	D1 time.Duration `xpc:"d1"`
	D2 int32         `xpc:"d2"`
	D3 bool          `xpc:"d3"`
}

type recordX struct {
	A0 string        `xpc:"x_a0"`
	A1 int64         `xpc:"x_a1"`
	A2 uint64        `xpc:"x_a2"`
	A3 bool          `xpc:"x_a3"`
	B0 string        `xpc:"x_b0"`
	B1 int           `xpc:"x_b1"`
	B2 uint32        `xpc:"x_b2"`
	B3 float64       `xpc:"x_b3"`
	C0 string        `xpc:"x_c0"`
	C1 time.Time     `xpc:"x_c1"`
	C2 xpc.UUID      `xpc:"x_c2"`
	C3 []byte        `xpc:"x_c3"`
	D0 string        `xpc:"x_d0"`
	D1 time.Duration `xpc:"x_d1"`
	D2 int32         `xpc:"x_d2"`
	D3 bool          `xpc:"x_d3"`
}

type recordY struct {
	A0 string        `xpc:"y_a0"`
	A1 int64         `xpc:"y_a1"`
	A2 uint64        `xpc:"y_a2"`
	A3 bool          `xpc:"y_a3"`
	B0 string        `xpc:"y_b0"`
	B1 int           `xpc:"y_b1"`
	B2 uint32        `xpc:"y_b2"`
	B3 float64       `xpc:"y_b3"`
	C0 string        `xpc:"y_c0"`
	C1 time.Time     `xpc:"y_c1"`
	C2 xpc.UUID      `xpc:"y_c2"`
	C3 []byte        `xpc:"y_c3"`
	D0 string        `xpc:"y_d0"`
	D1 time.Duration `xpc:"y_d1"`
	D2 int32         `xpc:"y_d2"`
	D3 bool          `xpc:"y_d3"`
}

type recordZ struct {
	A0 string        `xpc:"z_a0"`
	A1 int64         `xpc:"z_a1"`
	A2 uint64        `xpc:"z_a2"`
	A3 bool          `xpc:"z_a3"`
	B0 string        `xpc:"z_b0"`
	B1 int           `xpc:"z_b1"`
	B2 uint32        `xpc:"z_b2"`
	B3 float64       `xpc:"z_b3"`
	C0 string        `xpc:"z_c0"`
	C1 time.Time     `xpc:"z_c1"`
	C2 xpc.UUID      `xpc:"z_c2"`
	C3 []byte        `xpc:"z_c3"`
	D0 string        `xpc:"z_d0"`
	D1 time.Duration `xpc:"z_d1"`
	D2 int32         `xpc:"z_d2"`
	D3 bool          `xpc:"z_d3"`
}

type wide struct {
	record
	recordX
	recordY
	recordZ
}

type tree struct {
	ID    int64    `xpc:"id"`
	User  small    `xpc:"user"`
	Items []small  `xpc:"items"`
	Tags  []string `xpc:"tags"`
}

var (
	smallValue  = small{"name", 1, 2, true}
	recordValue = record{
		"a string", -1, 2, true, "another string", 5, 6, 7.5,
		"x", time.Unix(1700000000, 5).UTC(), xpc.UUID{1, 2, 3}, []byte("some data"),
		"the last string", time.Second, -9, true,
	}
	wideValue = wide{recordValue, recordX(recordValue), recordY(recordValue), recordZ(recordValue)}
	treeValue = tree{7, smallValue, []small{smallValue, smallValue, smallValue}, []string{"red", "green", "blue", "a longer tag"}}
)

// The keys of the four parts of wide, made once, as constants of a program are.
var keys = func() (k [4][16]string) {
	for i, prefix := range []string{"", "x_", "y_", "z_"} {
		for j := range 16 {
			k[i][j] = prefix + string("abcd"[j/4]) + string("0123"[j%4])
		}
	}
	return k
}()
