package xpc_test

import (
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
)

func TestEqual(t *testing.T) {
	f := tempFile(t, "")
	quiet, signalling := math.Float64frombits(0x7ff8000000000001), math.Float64frombits(0x7ff0000000000001)
	here := time.Unix(1, 2)
	same := [][2]any{
		{nil, nil}, {1, int64(1)}, {int8(1), int64(1)}, {uint8(1), uint64(1)}, {float32(0.5), 0.5},
		{time.Duration(3), 3}, {level(3), uint64(3)}, {quiet, quiet}, {signalling, signalling},
		{here, here.UTC()}, {[]byte{}, []byte(nil)}, {[3]byte{1}, []byte{1, 0, 0}},
		{map[string]any{"a": 1}, xpc.Dictionary{"a": int64(1)}}, {[]any{1}, xpc.Array{1}}, {[]string{"a"}, xpc.Array{"a"}},
		{struct{ A int }{1}, xpc.Dictionary{"A": 1}}, {&struct{ A *int }{}, xpc.Dictionary{"A": nil}},
		{point{1, 2}, xpc.Array{1, 2}}, {f, f}, {xpc.FD(3), xpc.FD(3)}, {xpc.Array{f}, xpc.Array{f}},
		{xpc.Unsupported{Type: "a"}, xpc.Unsupported{Type: "a"}}, {xpc.Dictionary{}, xpc.Dictionary(nil)},
		{received(t, xpc.Dictionary{"a": 1}), struct {
			A int `xpc:"a"`
		}{1}},
	}
	for _, c := range same {
		assert.True(t, xpc.Equal(c[0], c[1]), "%v and %v", c[0], c[1])
		assert.True(t, xpc.Equal(c[1], c[0]), "%v and %v", c[1], c[0])
		assert.Equal(t, xpc.Hash(c[0]), xpc.Hash(c[1]), "%v and %v", c[0], c[1])
	}
	other := tempFile(t, "")
	for _, c := range [][2]any{
		{nil, false}, {0, uint64(0)}, {0, 0.0}, {0, time.Unix(0, 0)}, {0, false}, {"", []byte{}}, {"", nil},
		{0.0, math.Copysign(0, -1)}, {quiet, signalling}, {quiet, math.Float64frombits(0xfff8000000000001)},
		{xpc.UUID{}, make([]byte, 16)}, {xpc.Array{}, xpc.Dictionary{}}, {xpc.Array{}, nil},
		{xpc.Array{1, 2}, xpc.Array{2, 1}}, {xpc.Array{1}, xpc.Array{1, 2}},
		{xpc.Dictionary{"a": nil}, xpc.Dictionary{}}, {xpc.Dictionary{"a": 1}, xpc.Dictionary{"b": 1}},
		{xpc.Dictionary{"a": 1}, xpc.Dictionary{"a": uint(1)}}, {f, other}, {xpc.FD(f.Fd()), f},
		{func() {}, func() {}}, {time.Time{}, time.Time{}}, {make(chan int), nil},
	} {
		assert.False(t, xpc.Equal(c[0], c[1]), "%v and %v", c[0], c[1])
		assert.False(t, xpc.Equal(c[1], c[0]), "%v and %v", c[1], c[0])
	}
	c := new(xpc.Connection)
	assert.True(t, xpc.Equal(c, c))
	assert.False(t, xpc.Equal(c, new(xpc.Connection)))
}

func TestEqualMessagesLeavesNoFiles(t *testing.T) {
	m := received(t, xpc.Dictionary{"f": tempFile(t, "")})
	before := openFiles(t)
	assert.False(t, xpc.Equal(m, m), "a descriptor is equal to itself only")
	xpc.Hash(m)
	assert.Equal(t, before, openFiles(t))
}

func TestHashesDiffer(t *testing.T) {
	seen := map[uint64]any{}
	for _, v := range []any{
		nil, false, true, 0, uint64(0), 0.0, math.Copysign(0, -1), "", []byte{}, xpc.Array{}, xpc.Dictionary{}, "a", 1,
		xpc.Array{1, 2}, xpc.Array{2, 1}, xpc.Array{nil}, xpc.Dictionary{"a": "b"}, xpc.Dictionary{"b": "a"},
		xpc.Dictionary{"a": 1, "b": 2}, xpc.Dictionary{"a": 2, "b": 1}, time.Unix(0, 0), xpc.UUID{},
	} {
		h := xpc.Hash(v)
		assert.NotContains(t, seen, h, "%v and %v", v, seen[h])
		seen[h] = v
	}
}

func TestCopy(t *testing.T) {
	f := tempFile(t, "content")
	in := xpc.Dictionary{"d": map[string]any{"b": []byte{1}}, "a": []int{1}, "f": f, "fd": xpc.FD(f.Fd()), "s": struct{ A int8 }{2}}
	before := openFiles(t)
	v, err := xpc.Copy(in)
	require.NoError(t, err)
	out := v.(xpc.Dictionary)
	assert.False(t, xpc.Equal(in, out), "a copied descriptor is another object")
	for _, k := range []string{"f", "fd"} {
		g, ok := out[k].(*os.File)
		require.True(t, ok)
		assert.NotSame(t, f, g)
		sameFile(t, f, g)
	}
	assert.Equal(t, before+2, openFiles(t))
	xpc.CloseFiles(out)
	assert.Equal(t, before, openFiles(t))
	for _, k := range []string{"f", "fd"} {
		delete(in, k)
		delete(out, k)
	}
	assert.Equal(t, xpc.Dictionary{
		"d": xpc.Dictionary{"b": []byte{1}}, "a": xpc.Array{int64(1)}, "s": xpc.Dictionary{"A": int64(2)},
	}, out)
	in["d"].(map[string]any)["b"].([]byte)[0] = 9
	assert.Equal(t, byte(1), out.GetDictionary("d").GetData("b")[0], "deep")

	_, err = xpc.Copy(xpc.Dictionary{"a": xpc.Array{f, f, new(xpc.Connection)}})
	assert.ErrorContains(t, err, "a[2]: a connection")
	assert.Equal(t, before, openFiles(t))
	_, err = xpc.Copy(time.Time{})
	assert.ErrorContains(t, err, "row 260")
}

func TestTypeOf(t *testing.T) {
	for want, vs := range map[string][]any{
		"null": {nil, (*int)(nil)}, "bool": {true, myBool(true)}, "int64": {1, int8(1), int64(1), time.Second},
		"uint64": {uint(1), byte(1), level(1)}, "double": {1.0, float32(1), meters(1)}, "string": {"", kindOf(""), color{}},
		"data": {[]byte{}, [2]byte{}, xpc.JSON[int]{}}, "date": {time.Now()}, "uuid": {xpc.UUID{}, UUID{}},
		"fd": {xpc.FD(1), os.Stdin}, "array": {xpc.Array{}, []any{}, []int{}, [1]int{}, point{}},
		"dictionary": {xpc.Dictionary{}, map[string]any{}, map[string]int{}, struct{}{}, &struct{}{}, received(t, xpc.Dictionary{})},
		"":           {func() {}, make(chan int), map[int]int{}, new(xpc.Connection), (*os.File)(nil)},
		"mach_send":  {xpc.Unsupported{Type: "mach_send"}},
		"endpoint":   {new(xpc.Endpoint)}, "shmem": {new(xpc.SharedMemory)},
	} {
		for _, v := range vs {
			assert.Equal(t, want, xpc.TypeOf(v), "%T", v)
		}
	}
}
