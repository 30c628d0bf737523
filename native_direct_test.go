//go:build cgo && xpcstandin

package xpc_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/internal/gen"
	"github.com/go-xpc/xpc/internal/native"
)

type named string

// scalars has every kind of field that is read by its key alone.
type scalars struct {
	B   bool
	I   int
	I8  int8
	I16 int16
	I32 int32
	I64 int64
	U   uint
	U8  uint8
	U16 uint16
	U32 uint32
	U64 uint64
	F32 float32
	F64 float64
	S   string
	N   named
	T   time.Time
	D   time.Duration
	ID  xpc.UUID
	P   []byte
	On  bool `xpc:"on,omitempty"`
}

// bits has no float, as one that is no number equals nothing.
func (s scalars) bits() any {
	f32, f64 := math.Float32bits(s.F32), math.Float64bits(s.F64)
	s.F32, s.F64 = 0, 0
	return []any{s, f32, f64}
}

// receive decodes what d arrives as, straight by the fields and by way of the flat
// form, which with a flag is the only way.
func receive[T any](t *testing.T, d any) (direct, flat T, directErr, flatErr error, flattened bool) {
	t.Helper()
	o, err := native.Encode(d)
	require.NoError(t, err)
	defer native.Release(o)
	native.Receive(o, func(m any) {
		directErr = m.(*xpc.Message).Decode(&direct)
		flattened = xpc.Flattened(m.(*xpc.Message))
	})
	native.Receive(o, func(m any) { flatErr = m.(*xpc.Message).Decode(&flat, xpc.DisallowUnknownKeys) })
	return
}

func TestDirectIsTheSame(t *testing.T) {
	some := scalars{
		true, -1, -2, -3, -4, -5, 6, 7, 8, 9, math.MaxUint64, 1.5, math.Inf(-1), "text", "named",
		time.Unix(-5, 7).UTC(), time.Hour, xpc.UUID{1, 15: 2}, []byte("data"), true,
	}
	zero := scalars{T: time.Unix(0, 0).UTC(), P: []byte{}}
	long := some
	long.S, long.N, long.P = strings.Repeat("s", xpc.SharedBytes), "x", make([]byte, 100<<10)
	for name, d := range map[string]any{
		"all":                        some,
		"zero values":                zero,
		"more than is made in one":   long,
		"nothing there":              xpc.Dictionary{},
		"an empty string and data":   xpc.Dictionary{"S": "", "P": []byte{}},
		"the largest that fits":      xpc.Dictionary{"I8": int8(127), "U8": uint8(255), "I32": int32(math.MinInt32), "F32": math.MaxFloat32},
		"a double that is no number": xpc.Dictionary{"F64": math.Float64frombits(0x7ff4000000000001)},
	} {
		t.Run(name, func(t *testing.T) {
			direct, flat, err, flatErr, flattened := receive[scalars](t, d)
			require.NoError(t, err)
			require.NoError(t, flatErr)
			assert.Equal(t, flat.bits(), direct.bits())
			assert.False(t, flattened, "read by its fields")
		})
	}
}

// A struct of C's may be laid over data that is the first of its message, as over what
// Go allocates.
func TestDirectAlignsData(t *testing.T) {
	type blob struct{ A []byte }
	for range 100 {
		got, _, err, _, _ := receive[blob](t, blob{make([]byte, 13)})
		require.NoError(t, err)
		require.Zero(t, uintptr(unsafe.Pointer(&got.A[0]))%8)
	}
}

// What does not fit is found by the plan, with the same words.
func TestDirectLeavesTheRest(t *testing.T) {
	for _, d := range []xpc.Dictionary{
		{"S": 1}, {"I": "x"}, {"I": uint64(5)}, {"U": int64(5)}, {"U": int64(-1)}, {"I8": 128}, {"I16": 1 << 20},
		{"I32": 1 << 40}, {"U8": uint64(256)}, {"U16": uint64(1 << 20)}, {"U32": uint64(1 << 40)}, {"F32": 1e300},
		{"F64": int64(0)}, {"B": nil}, {"B": int64(0)}, {"S": nil}, {"P": nil}, {"P": "x"}, {"T": int64(0)},
		{"ID": []byte{}}, {"D": uint64(math.MaxUint64)}, {"on": "x"},
	} {
		t.Run(fmt.Sprint(d), func(t *testing.T) {
			direct, flat, err, flatErr, flattened := receive[scalars](t, d)
			assert.Equal(t, flatErr, err)
			assert.Equal(t, flat, direct)
			assert.True(t, flattened)
		})
	}
}

// Types that are not read by their fields, and are read all the same.
func TestNotDirect(t *testing.T) {
	type inner struct{ A int }
	type embeds struct{ *inner }
	type nested struct{ In inner }
	type anything struct{ V any }
	type text struct{ S upper }
	check := func(name string, d, want any, got func() (any, any, error, bool)) {
		t.Run(name, func(t *testing.T) {
			direct, flat, err, flattened := got()
			require.NoError(t, err)
			assert.Equal(t, want, direct)
			assert.Equal(t, want, flat)
			assert.True(t, flattened)
		})
	}
	check("nested", nil, nested{inner{1}}, func() (any, any, error, bool) {
		a, b, err, _, f := receive[nested](t, xpc.Dictionary{"In": xpc.Dictionary{"A": 1}})
		return a, b, err, f
	})
	check("any", nil, anything{int64(1)}, func() (any, any, error, bool) {
		a, b, err, _, f := receive[anything](t, xpc.Dictionary{"V": 1})
		return a, b, err, f
	})
	check("text", nil, text{"ABC"}, func() (any, any, error, bool) {
		a, b, err, _, f := receive[text](t, xpc.Dictionary{"S": "abc"})
		return a, b, err, f
	})
	check("map", nil, map[string]int{"a": 1}, func() (any, any, error, bool) {
		a, b, err, _, f := receive[map[string]int](t, xpc.Dictionary{"a": 1})
		return a, b, err, f
	})
	_, _, direct, flat, _ := receive[refusing](t, xpc.Dictionary{"A": 5})
	assert.ErrorContains(t, direct, "too small", "the method is asked")
	assert.Equal(t, flat, direct)
	_, _, direct, flat, _ = receive[textual](t, xpc.Dictionary{"A": "x"})
	assert.ErrorContains(t, direct, "wanted string, got dictionary")
	assert.Equal(t, flat, direct)
	_, _, direct, flat, _ = receive[promoted](t, xpc.Dictionary{"N": 5})
	assert.ErrorContains(t, direct, "wanted string, got dictionary", "time.Time's method is the struct's")
	assert.Equal(t, flat, direct)
	_, _, err, _, flattened := receive[embeds](t, xpc.Dictionary{"A": 1})
	assert.Error(t, err, "an embedded nil pointer to an unexported type")
	assert.True(t, flattened)

	var many []reflect.StructField
	for i := range xpc.MaxDirect + 1 {
		many = append(many, reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: reflect.TypeFor[int]()})
	}
	for _, fields := range [][]reflect.StructField{many, {{Name: "Long", Type: reflect.TypeFor[int](), Tag: reflect.StructTag(`xpc:"` + strings.Repeat("k", 300) + `"`)}}} {
		v := reflect.New(reflect.StructOf(fields))
		v.Elem().Field(0).SetInt(7)
		o, err := native.Encode(v.Interface())
		require.NoError(t, err)
		out := reflect.New(v.Elem().Type())
		native.Receive(o, func(m any) { require.NoError(t, m.(*xpc.Message).Decode(out.Interface())) })
		native.Release(o)
		assert.Equal(t, int64(7), out.Elem().Field(0).Int())
	}
}

// However many fields there are.
func TestDirectManyFields(t *testing.T) {
	for _, n := range []int{1, 2, xpc.MaxDirect - 1, xpc.MaxDirect} {
		var fields []reflect.StructField
		for i := range n {
			fields = append(fields, reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: reflect.TypeFor[int]()})
		}
		v := reflect.New(reflect.StructOf(fields))
		for i := range n {
			v.Elem().Field(i).SetInt(int64(i + 1))
		}
		o, err := native.Encode(v.Interface())
		require.NoError(t, err)
		out := reflect.New(v.Elem().Type())
		native.Receive(o, func(m any) {
			require.NoError(t, m.(*xpc.Message).Decode(out.Interface()))
			assert.False(t, xpc.Flattened(m.(*xpc.Message)))
		})
		native.Release(o)
		assert.Equal(t, v.Interface(), out.Interface())
	}
}

// Strings and data are cut from pieces of memory that messages share: what was
// decoded stays as it was, whatever comes after it and whoever appends to it.
func TestDirectKeepsApart(t *testing.T) {
	type texts struct {
		S    string
		A, B []byte
	}
	rng := gen.Rand(firstSeed(t))
	read := func() (want, got texts) {
		size := 1 + []int{0, 20, xpc.PieceBytes / 4, xpc.SharedBytes}[rng.IntN(4)]
		some := func() string { return strings.Repeat(string(rune('a'+rng.IntN(26))), rng.IntN(size)) }
		want = texts{some(), []byte(some()), []byte(some())}
		got, _, err, _, _ := receive[texts](t, want)
		require.NoError(t, err)
		return want, got
	}
	var all [][2]texts
	for range 300 {
		want, got := read()
		all = append(all, [2]texts{want, got})
	}
	for _, pair := range all {
		for _, b := range [][]byte{pair[1].A, pair[1].B} {
			_ = append(b, "more than was there"...)
		}
	}
	for _, pair := range all {
		require.Equal(t, pair[0], pair[1])
	}
}

// Structs of plain fields with one method of their own, and no other.
type (
	refusing struct{ A int }
	textual  struct{ A string }
	promoted struct {
		time.Time
		N int
	}
)

func (r *refusing) UnmarshalXPC(any) error    { return errors.New("too small") }
func (r *textual) UnmarshalText([]byte) error { return nil }

type upper string

func (u *upper) UnmarshalText(b []byte) error { *u = upper(strings.ToUpper(string(b))); return nil }

// Fields of random dictionaries are the same both ways, errors too.
func TestDirectRandom(t *testing.T) {
	seed := firstSeed(t)
	keys := []string{"B", "I", "I8", "I16", "I32", "I64", "U", "U8", "U16", "U32", "U64", "F32", "F64", "S", "N", "T", "D", "ID", "P", "on"}
	for i := range uint64(300) {
		rng := gen.Rand(seed + i)
		d := xpc.Dictionary{}
		for _, v := range gen.Dictionary(rng, gen.Options{Depth: 2, Width: 12}) {
			d[keys[rng.IntN(len(keys))]] = v
		}
		direct, flat, err, flatErr, _ := receive[scalars](t, d)
		require.Equal(t, flatErr == nil, err == nil, "seed %d: %v, %v", seed+i, flatErr, err)
		if err == nil {
			require.Equal(t, flat.bits(), direct.bits(), "seed %d: %v", seed+i, d)
		}
	}
}

// A limit holds for what is read field by field.
func TestDirectLimit(t *testing.T) {
	require.NoError(t, xpc.Native().SetLimits(xpc.Limits{Size: 1000}))
	defer func() { require.NoError(t, xpc.Native().SetLimits(xpc.Limits{})) }()
	var out struct{ A, B string }
	o, err := native.Encode(xpc.Dictionary{"A": strings.Repeat("a", 600), "B": strings.Repeat("b", 600)})
	require.NoError(t, err)
	defer native.Release(o)
	native.Receive(o, func(m any) {
		assert.ErrorContains(t, m.(*xpc.Message).Decode(&out), "larger than 1000 bytes")
	})
}

// The limit is that of the time when a message came, also for one read later.
func TestLimitOfTheTime(t *testing.T) {
	o, err := native.Encode(xpc.Dictionary{"A": strings.Repeat("a", 2000)})
	require.NoError(t, err)
	defer native.Release(o)
	defer func() { require.NoError(t, xpc.Native().SetLimits(xpc.Limits{})) }()
	native.Receive(o, func(e any) {
		require.NoError(t, xpc.Native().SetLimits(xpc.Limits{Size: 1000}))
		_, err := e.(*xpc.Message).Dictionary()
		assert.NoError(t, err)
	})
	native.Receive(o, func(e any) {
		require.NoError(t, xpc.Native().SetLimits(xpc.Limits{Size: 3000}))
		_, err := e.(*xpc.Message).Dictionary()
		assert.ErrorContains(t, err, "larger than 1000 bytes")
	})
}

// An empty reply is nothing to ask libxpc about.
func TestDirectOfAnEmptyReply(t *testing.T) {
	s := newService(t, echo)
	c, _ := s.active(t)
	got := make(chan error, 1)
	out := scalars{S: "as it was"}
	require.NoError(t, c.SendMessageWithReply(xpc.Dictionary{}, nil, func(e xpc.Event) {
		got <- e.(*xpc.Message).Decode(&out)
	}))
	require.NoError(t, <-got)
	assert.Equal(t, scalars{S: "as it was"}, out)
}
