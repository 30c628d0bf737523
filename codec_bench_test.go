package xpc_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
)

type fields4 struct {
	Name string `xpc:"name"`
	ID   int64  `xpc:"id"`
	Size uint64 `xpc:"size"`
	On   bool   `xpc:"on"`
}

type fields16 struct {
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

type fields64 struct {
	W fields16 `xpc:"w"`
	X fields16 `xpc:"x"`
	Y fields16 `xpc:"y"`
	fields16
}

func value16() fields16 {
	return fields16{
		A0: "a string", A1: -1, A2: 2, A3: true,
		B0: "another string", B1: 5, B2: 6, B3: 7.5,
		C0: "x", C1: time.Unix(1700000000, 5).UTC(), C2: xpc.UUID{1, 2, 3}, C3: []byte("some data"),
		D0: "the last string", D1: time.Second, D2: -9, D3: true,
	}
}

func marshal(t testing.TB, v any) xpc.Dictionary {
	d, err := xpc.Marshal(v)
	require.NoError(t, err)
	return d
}

func encode(t testing.TB, v any) {
	if err := xpc.EncodeOnce(v); err != nil {
		t.Fatal(err)
	}
}

func countsAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("allocations are counted without the race detector")
	}
}

func TestEncodeAllocations(t *testing.T) {
	countsAllocations(t)
	s := value16()
	for name, v := range map[string]any{
		"dictionary":        marshal(t, s),
		"nested dictionary": xpc.Dictionary{"a": xpc.Array{int64(1), xpc.Dictionary{"b": "c"}}, "i": 5},
		"pointer to struct": &s,
		"struct":            s,
		"64 fields":         &fields64{W: s, X: s, Y: s, fields16: s},
		"map of strings":    map[string]string{"a": "b", "c": "d"},
		"map of structs":    map[string]fields4{"a": {Name: "n"}, "b": {}},
		"slices":            &struct{ A, B []string }{[]string{"x", "y"}, []string{"z"}},
	} {
		allocs := testing.AllocsPerRun(200, func() { encode(t, v) })
		if want := 0.0; name == "map of strings" || name == "map of structs" {
			require.LessOrEqual(t, allocs, want+1, name) // reflection's iterator
		} else {
			require.Equal(t, want, allocs, name)
		}
	}
}

func TestDecodeAllocations(t *testing.T) {
	countsAllocations(t)
	s := value16()
	m16 := received(t, s)
	var out fields16
	// Three strings (that of one byte is free) and one data; nothing else.
	require.Equal(t, 4.0, testing.AllocsPerRun(200, func() {
		if err := m16.Decode(&out); err != nil {
			t.Fatal(err)
		}
	}))
	require.Equal(t, s, out)

	m := received(t, struct{ A []int64 }{[]int64{1, 2, 3}})
	require.Equal(t, 1.0, testing.AllocsPerRun(200, func() {
		var out struct{ A []int64 }
		if err := m.Decode(&out); err != nil {
			t.Fatal(err)
		}
	})-1, "one beside the variable") // out itself escapes
}

// Two keys of a large message cost what two keys of a small one do.
func TestGetAllocations(t *testing.T) {
	countsAllocations(t)
	d := xpc.Dictionary{"a": int64(1), "id": xpc.UUID{1}, "nested": xpc.Dictionary{"list": xpc.Array{"x", uint64(9)}}}
	for i := range 2000 {
		d[fmt.Sprint("other", i)] = xpc.Array{"something", xpc.Dictionary{"large": []byte("data")}}
	}
	m := received(t, d)
	key := []byte("a")
	require.Equal(t, 0.0, testing.AllocsPerRun(100, func() {
		if m.GetInt64(string(key)) != 1 || m.GetUUID("id") != (xpc.UUID{1}) || m.GetDouble("a") == 0 {
			t.Fatal("wrong")
		}
	}))
	require.Equal(t, 0.0, testing.AllocsPerRun(100, func() {
		if v, ok := xpc.LookupAs[uint64](m, "nested", "list", 1); !ok || v != 9 {
			t.Fatal("wrong")
		}
	}))
}

func benchmarkEncode(b *testing.B, v any) {
	encode(b, v)
	b.ReportAllocs()
	for b.Loop() {
		encode(b, v)
	}
}

func benchmarkDecode[T any](b *testing.B, v any) {
	m := received(b, v)
	b.ReportAllocs()
	var out T
	for b.Loop() {
		if err := m.Decode(&out); err != nil {
			b.Fatal(err)
		}
	}
}

func benchValues() (fields4, fields16, fields64) {
	s := value16()
	return fields4{"name", 1, 2, true}, s, fields64{s, s, s, s}
}

func BenchmarkEncode(b *testing.B) {
	s4, s16, s64 := benchValues()
	b.Run("struct4", func(b *testing.B) { benchmarkEncode(b, &s4) })
	b.Run("struct16", func(b *testing.B) { benchmarkEncode(b, &s16) })
	b.Run("struct64", func(b *testing.B) { benchmarkEncode(b, &s64) })
	b.Run("map4", func(b *testing.B) { benchmarkEncode(b, marshal(b, s4)) })
	b.Run("map16", func(b *testing.B) { benchmarkEncode(b, marshal(b, s16)) })
	b.Run("map64", func(b *testing.B) { benchmarkEncode(b, marshal(b, s64)) })
}

func BenchmarkDecode(b *testing.B) {
	s4, s16, s64 := benchValues()
	b.Run("struct4", func(b *testing.B) { benchmarkDecode[fields4](b, s4) })
	b.Run("struct16", func(b *testing.B) { benchmarkDecode[fields16](b, s16) })
	b.Run("struct64", func(b *testing.B) { benchmarkDecode[fields64](b, s64) })
	for n, v := range map[string]any{"map4": s4, "map16": s16, "map64": s64} {
		b.Run(n, func(b *testing.B) {
			m := received(b, v)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Dictionary(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkGetTwoOf1000(b *testing.B) {
	d := xpc.Dictionary{"a": int64(1), "b": "text"}
	for i := range 1000 {
		d[fmt.Sprint("other", i)] = xpc.Array{"something", int64(i)}
	}
	m := received(b, d)
	b.ReportAllocs()
	for b.Loop() {
		m.GetInt64("a")
		m.GetString("b")
	}
}
