package xpc_test

import (
	"bytes"
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

type (
	kindOf  string
	meters  float64
	mapping map[string]any
	myBool  bool
)

func everyType() xpc.Dictionary {
	return xpc.Dictionary{
		"null": nil, "bool": true, "int64": int64(-1), "uint64": uint64(1), "double": 0.5,
		"date": time.Unix(0, 7).UTC(), "data": []byte{1}, "string": "s", "uuid": xpc.UUID{1},
		"array": xpc.Array{int64(1)}, "dictionary": xpc.Dictionary{"k": "v"},
	}
}

type getters interface {
	GetBool(string) bool
	GetInt64(string) int64
	GetUint64(string) uint64
	GetDouble(string) float64
	GetDate(string) time.Time
	GetString(string) string
	GetData(string) []byte
	GetUUID(string) xpc.UUID
	GetDictionary(string) xpc.Dictionary
	GetArray(string) xpc.Array
	GetFile(string) *os.File
	GetEndpoint(string) *xpc.Endpoint
	GetSharedMemory(string) *xpc.SharedMemory
}

// read gives what each typed getter reads of one key.
func read(g getters, key string) map[string]any {
	return map[string]any{
		"bool": g.GetBool(key), "int64": g.GetInt64(key), "uint64": g.GetUint64(key), "double": g.GetDouble(key),
		"date": g.GetDate(key), "string": g.GetString(key), "data": g.GetData(key), "uuid": g.GetUUID(key),
		"dictionary": g.GetDictionary(key), "array": g.GetArray(key),
		"fd": g.GetFile(key), "endpoint": g.GetEndpoint(key), "shmem": g.GetSharedMemory(key),
	}
}

var defaults = map[string]any{
	"bool": false, "int64": int64(0), "uint64": uint64(0), "double": math.NaN(), "date": time.Unix(0, 0).UTC(),
	"string": "", "data": []byte(nil), "uuid": xpc.UUID{}, "dictionary": xpc.Dictionary(nil), "array": xpc.Array(nil),
	"fd": (*os.File)(nil), "endpoint": (*xpc.Endpoint)(nil), "shmem": (*xpc.SharedMemory)(nil),
}

// Each getter reads its own type and gives libxpc's default for all others, on a
// dictionary, on a message and on an array.
func TestTypedGetters(t *testing.T) {
	d := everyType()
	m := received(t, d)
	for key, v := range d {
		a := xpc.Array{v}
		fromArray := map[string]any{
			"bool": a.GetBool(0), "int64": a.GetInt64(0), "uint64": a.GetUint64(0), "double": a.GetDouble(0),
			"date": a.GetDate(0), "string": a.GetString(0), "data": a.GetData(0), "uuid": a.GetUUID(0),
			"dictionary": a.GetDictionary(0), "array": a.GetArray(0),
			"fd": a.GetFile(0), "endpoint": a.GetEndpoint(0), "shmem": xpc.Dictionary{"k": v}.GetSharedMemory("k"),
		}
		for from, got := range map[string]map[string]any{"dictionary": read(d, key), "message": read(m, key), "array": fromArray} {
			for kind, value := range got {
				want := defaults[kind]
				if kind == key {
					want = v
				}
				if f, ok := want.(float64); ok && math.IsNaN(f) {
					assert.True(t, math.IsNaN(value.(float64)), "%s of %s in %s", kind, key, from)
				} else {
					assert.Equal(t, want, value, "%s of %s in %s", kind, key, from)
				}
			}
		}
	}
	for kind, value := range read(m, "missing") {
		if kind != "double" {
			assert.Equal(t, defaults[kind], value)
		}
	}
	a := xpc.Array{int64(1)}
	for _, i := range []int{-1, 1, math.MaxInt} {
		assert.Zero(t, a.GetInt64(i))
		assert.True(t, math.IsNaN(a.GetDouble(i)))
		assert.Equal(t, time.Unix(0, 0).UTC(), a.GetDate(i))
	}
}

func TestGet(t *testing.T) {
	d := everyType()
	for _, g := range []xpc.Getter{d, received(t, d)} {
		n, ok := xpc.Get[int](g, "int64")
		assert.Equal(t, -1, n)
		assert.True(t, ok)
		_, ok = xpc.Get[int](g, "uint64")
		assert.False(t, ok, "kept apart")
		_, ok = xpc.Get[uint](g, "int64")
		assert.False(t, ok)
		_, ok = xpc.Get[int64](g, "date")
		assert.False(t, ok)
		_, ok = xpc.Get[uint8](xpc.Dictionary{"big": uint64(256)}, "big")
		assert.False(t, ok, "does not fit")
		k, ok := xpc.Get[kindOf](g, "string")
		assert.True(t, ok)
		assert.Equal(t, kindOf("s"), k)
		v, ok := xpc.Get[any](g, "null")
		assert.True(t, ok, "null is there")
		assert.Nil(t, v)
		_, ok = xpc.Get[any](g, "missing")
		assert.False(t, ok)
		_, ok = xpc.Get[[]byte](g, "null")
		assert.False(t, ok, "null is not data")
		p, ok := xpc.Get[*string](g, "null")
		assert.True(t, ok)
		assert.Nil(t, p)
		s, ok := xpc.Get[struct {
			K string `xpc:"k"`
		}](g, "dictionary")
		assert.True(t, ok)
		assert.Equal(t, "v", s.K)
		l, ok := xpc.Get[[]int64](g, "array")
		assert.True(t, ok)
		assert.Equal(t, []int64{1}, l)
		_, ok = xpc.Get[[]uint64](g, "array")
		assert.False(t, ok)
	}
	_, ok := xpc.Get[int](nil, "x")
	assert.False(t, ok)
	_, ok = xpc.Get[int]((*xpc.Message)(nil), "x")
	assert.False(t, ok)
}

// In a dictionary that a program has made, values count by their XPC type.
func TestGetFromOwnDictionary(t *testing.T) {
	d := xpc.Dictionary{
		"int": 1, "int32": int32(2), "duration": time.Duration(3), "uint8": uint8(4), "float32": float32(0.5),
		"named": kindOf("n"), "meters": meters(2), "bool": myBool(true), "map": map[string]any{"a": 1},
		"mapping": mapping{"a": 2}, "slice": []any{5}, "ints": []int{6}, "struct": struct{ A int }{7},
	}
	assert.Equal(t, int64(1), d.GetInt64("int"))
	assert.Equal(t, int64(2), d.GetInt64("int32"))
	assert.Equal(t, int64(3), d.GetInt64("duration"))
	assert.Equal(t, uint64(4), d.GetUint64("uint8"))
	assert.Zero(t, d.GetUint64("int"))
	assert.Equal(t, 0.5, d.GetDouble("float32"))
	assert.Equal(t, "n", d.GetString("named"))
	assert.Equal(t, 2.0, d.GetDouble("meters"))
	assert.True(t, d.GetBool("bool"))
	assert.Equal(t, int64(1), d.GetDictionary("map").GetInt64("a"))
	assert.Equal(t, int64(2), d.GetDictionary("mapping").GetInt64("a"))
	assert.Equal(t, int64(5), d.GetArray("slice").GetInt64(0))
	assert.Equal(t, int64(6), d.GetArray("ints").GetInt64(0))
	assert.Equal(t, int64(7), d.GetDictionary("struct").GetInt64("A"))
	v, ok := xpc.Lookup(d, "struct", "A")
	assert.True(t, ok)
	assert.Equal(t, int64(7), v)
	v, _ = xpc.Get[any](d, "int")
	assert.Equal(t, int64(1), v)
	d.GetDictionary("map")["b"] = 1
	assert.Len(t, d["map"], 2, "the nested dictionary itself, row 289")
}

func TestLookup(t *testing.T) {
	d := xpc.Dictionary{"a": xpc.Dictionary{"b": xpc.Array{int64(0), nil, "two", xpc.Array{uint64(3)}}}}
	for _, g := range []xpc.Getter{d, received(t, d)} {
		v, ok := xpc.Lookup(g, "a", "b", 2)
		assert.True(t, ok)
		assert.Equal(t, "two", v)
		n, ok := xpc.LookupAs[uint64](g, "a", "b", 3, 0)
		assert.True(t, ok)
		assert.Equal(t, uint64(3), n)
		v, ok = xpc.Lookup(g, "a", "b", 1)
		assert.True(t, ok)
		assert.Nil(t, v)
		v, ok = xpc.Lookup(g)
		assert.True(t, ok)
		assert.Equal(t, d, v)
		for _, path := range [][]any{{"x"}, {"a", "x"}, {"a", 0}, {"a", "b", 4}, {"a", "b", -1}, {"a", "b", "0"}, {"a", "b", 2, 0}, {1}, {nil}} {
			_, ok = xpc.Lookup(g, path...)
			assert.False(t, ok, "%v", path)
		}
	}
	_, ok := xpc.Lookup(nil, "a")
	assert.False(t, ok)
}

// Reading a descriptor as something else takes no descriptor.
func TestGetTakesNothingOfAnotherType(t *testing.T) {
	f := tempFile(t, "x")
	flat := flatten(t, xpc.Dictionary{"f": f, "n": 1, "list": xpc.Array{f, "s"}})
	m := xpc.Received(flat)
	defer m.Release()
	for range 3 {
		m.GetInt64("f")
		m.GetData("f")
		m.GetDictionary("f")
		m.GetEndpoint("f")
		m.GetFile("n")
		xpc.Get[xpc.FD](m, "n")
		xpc.Lookup(m, "n")
		xpc.LookupAs[string](m, "list", 1)
		_ = m.String()
		m.LogValue()
	}
	require.Zero(t, flat.dups.Load())

	before := openFiles(t)
	_, ok := xpc.Get[[]*os.File](m, "list")
	assert.False(t, ok)
	assert.Equal(t, before, openFiles(t), "the first of the list was closed again")
	g := m.GetFile("f")
	require.NotNil(t, g)
	assert.NoError(t, g.Close())
	fd, ok := xpc.Get[xpc.FD](m, "f")
	require.True(t, ok)
	xpc.CloseFD(uintptr(fd))
	assert.EqualValues(t, 3, flat.dups.Load())
	assert.Equal(t, before, openFiles(t))
}

func TestLargeDataIsCopiedOnce(t *testing.T) {
	large := bytes.Repeat([]byte("x"), wire.BigDataSize)
	flat := flatten(t, xpc.Dictionary{"d": large, "e": large, "n": 1})
	m := xpc.Received(flat)
	require.Less(t, len(flat.body), 200, "not in the buffer")
	got := m.GetData("d")
	assert.Equal(t, large, got)
	assert.EqualValues(t, 1, flat.copies.Load(), "the other one was not touched")
	got[0] = 'y'
	assert.Equal(t, byte('x'), m.GetData("d")[0], "the caller's own")
	if !raceDetector {
		assert.LessOrEqual(t, testing.AllocsPerRun(10, func() { m.GetData("d") }), 4.0)
	}
	require.NoError(t, m.Release())
	assert.Equal(t, byte('y'), got[0])
	assert.Nil(t, m.GetData("d"))

	flat = flatten(t, xpc.Dictionary{"d": large})
	flat.resources[0].Data = large[1:]
	m = xpc.Received(flat)
	defer m.Release()
	_, err := m.Dictionary()
	assert.ErrorContains(t, err, "another length")
}

// A decoding that fails closes what it has taken, and leaves no number behind.
func TestFailedDecodeClosesDescriptors(t *testing.T) {
	f := tempFile(t, "x")
	type target struct {
		A xpc.FD            `xpc:"a"`
		B *os.File          `xpc:"b"`
		C map[string]xpc.FD `xpc:"c"`
		D []xpc.FD          `xpc:"d"`
		E any               `xpc:"e"`
		Z int               `xpc:"z"`
	}
	in := struct {
		A xpc.FD            `xpc:"a"`
		B *os.File          `xpc:"b"`
		C map[string]xpc.FD `xpc:"c"`
		D []xpc.FD          `xpc:"d"`
		E any               `xpc:"e"`
		Z any               `xpc:"z"`
	}{xpc.FD(f.Fd()), f, map[string]xpc.FD{"x": xpc.FD(f.Fd())}, []xpc.FD{xpc.FD(f.Fd())}, xpc.Array{f}, "no number"}

	flat := flatten(t, in)
	m := xpc.Received(flat)
	defer m.Release()
	before := openFiles(t)
	var out target
	require.EqualError(t, m.Decode(&out), "xpc: z: wanted int64, got string")
	assert.EqualValues(t, 5, flat.dups.Load())
	assert.Equal(t, before, openFiles(t))
	assert.Equal(t, ^xpc.FD(0), out.A)
	assert.Equal(t, ^xpc.FD(0), out.D[0])
	assert.Empty(t, out.C)

	in.Z = 1
	flat = flatten(t, in)
	m2 := xpc.Received(flat)
	defer m2.Release()
	before = openFiles(t)
	require.NoError(t, m2.Decode(&out))
	assert.Equal(t, before+5, openFiles(t), "all of them belong to the caller")
	out.B.Close()
	xpc.CloseFiles(out.E)
	for _, fd := range append(out.D, out.A, out.C["x"]) {
		xpc.CloseFD(uintptr(fd))
	}
	assert.Equal(t, before, openFiles(t))

	flat.failAt = 5
	require.Error(t, m2.Decode(&out))
	_, err := m2.Dictionary()
	require.ErrorContains(t, err, errDup.Error())
	assert.Equal(t, before, openFiles(t))
}

// What encodes a descriptor duplicates it for the time of the call.
func TestFailedEncodeClosesDescriptors(t *testing.T) {
	f := tempFile(t, "x")
	before := openFiles(t)
	for range 3 {
		_, _, err := xpc.Flatten(struct {
			A, B any
			C    func()
		}{f, xpc.FD(f.Fd()), nil})
		require.Error(t, err)
	}
	_, err := xpc.Marshal(xpc.Dictionary{"a": f})
	require.NoError(t, err)
	assert.Equal(t, before, openFiles(t))
	require.NoError(t, f.Close())
	_, _, err = xpc.Flatten(xpc.Dictionary{"a": xpc.Array{f}})
	require.ErrorContains(t, err, "xpc: a[0]: file ")
	_, _, err = xpc.Flatten(xpc.Dictionary{"a": ^xpc.FD(0)})
	require.ErrorContains(t, err, "row 268")
	_, _, err = xpc.Flatten(xpc.Dictionary{"a": (*os.File)(nil)})
	require.ErrorContains(t, err, "nil")
}

// From a dictionary that the program has made, files stay what they are.
func TestUnmarshalFilesFromDictionary(t *testing.T) {
	f := tempFile(t, "x")
	var out struct {
		F *os.File `xpc:"f"`
		N xpc.FD   `xpc:"n"`
	}
	require.NoError(t, xpc.Unmarshal(xpc.Dictionary{"f": f, "n": xpc.FD(3)}, &out))
	assert.Same(t, f, out.F)
	assert.Equal(t, xpc.FD(3), out.N)
	assert.Same(t, f, xpc.Dictionary{"f": f}.GetFile("f"))
	assert.Error(t, xpc.Unmarshal(xpc.Dictionary{"n": f}, &out))
	assert.Error(t, xpc.Unmarshal(xpc.Dictionary{"f": xpc.FD(3)}, &out))
	_, err := f.Stat()
	assert.NoError(t, err, "nothing was closed")
}

func TestResourcesThatAreNotThere(t *testing.T) {
	m := &flatMessage{body: flatten(t, xpc.Dictionary{"f": tempFile(t, "")}).body}
	msg := xpc.Received(m)
	_, err := msg.Dictionary()
	assert.ErrorContains(t, err, "resource missing")
	assert.Nil(t, msg.GetFile("f"))
	m.resources = []driver.Resource{{Kind: driver.ResourceData}}
	msg = xpc.Received(m)
	assert.Nil(t, msg.GetFile("f"))
}

func openFiles(t *testing.T) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc/self/fd to count descriptors in")
	}
	return len(d)
}
