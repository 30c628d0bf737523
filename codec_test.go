package xpc_test

import (
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/internal/wire"
)

type (
	level  uint16
	color  struct{ r, g, b byte } // sent as text
	point  struct{ X, Y int64 }   // sent as an array, by its own methods
	foreig [16]byte
)

// UUID stands for the type of that name in other packages.
type UUID [16]byte

func (c color) MarshalText() ([]byte, error) {
	const hex = "0123456789abcdef"
	out := []byte{'#'}
	for _, b := range []byte{c.r, c.g, c.b} {
		out = append(out, hex[b>>4], hex[b&15])
	}
	return out, nil
}

func (c *color) UnmarshalText(text []byte) error {
	if len(text) != 7 || text[0] != '#' {
		return errColor
	}
	v := func(b byte) byte {
		if b >= 'a' {
			return b - 'a' + 10
		}
		return b - '0'
	}
	c.r, c.g, c.b = v(text[1])<<4|v(text[2]), v(text[3])<<4|v(text[4]), v(text[5])<<4|v(text[6])
	return nil
}

var errColor = errors.New("not a color")

// marshaler is a value that is what a function says.
type marshaler func() (any, error)

func (f marshaler) MarshalXPC() (any, error) { return f() }

func (p point) MarshalXPC() (any, error) {
	if p.X < 0 {
		return nil, errColor
	}
	return xpc.Array{p.X, p.Y}, nil
}

func (p *point) UnmarshalXPC(v any) error {
	a, ok := v.(xpc.Array)
	if !ok || len(a) != 2 {
		return errColor
	}
	p.X, p.Y = a.GetInt64(0), a.GetInt64(1)
	return nil
}

type embedded struct {
	Inner  string `xpc:"inner"`
	Hidden string `xpc:"name"`
}

type Pointed struct {
	Far int `xpc:"far"`
}

type everything struct {
	Name     string `xpc:"name"`
	Untagged bool
	I        int              `xpc:"i"`
	I8       int8             `xpc:"i8"`
	I64      int64            `xpc:"i64"`
	U        uint             `xpc:"u"`
	U64      uint64           `xpc:"u64"`
	Level    level            `xpc:"level"`
	F32      float32          `xpc:"f32"`
	F64      float64          `xpc:"f64"`
	Data     []byte           `xpc:"data"`
	Fixed    [3]byte          `xpc:"fixed"`
	When     time.Time        `xpc:"when"`
	For      time.Duration    `xpc:"for"`
	ID       xpc.UUID         `xpc:"id"`
	Other    UUID             `xpc:"other"`
	Raw      foreig           `xpc:"raw"`
	Strings  []string         `xpc:"strings"`
	Pair     [2]int           `xpc:"pair"`
	Map      map[string]int   `xpc:"map"`
	Levels   map[level0]level `xpc:"levels"`
	Any      any              `xpc:"any"`
	Anys     []any            `xpc:"anys"`
	Dict     xpc.Dictionary   `xpc:"dict"`
	Null     *int             `xpc:"null"`
	Ptr      *int             `xpc:"ptr"`
	Color    color            `xpc:"color"`
	Point    point            `xpc:"point"`
	Points   map[string]*point
	Addr     netip.Addr                     `xpc:"addr"`
	JSON     xpc.JSON[map[string][]float64] `xpc:"json"`
	Next     *everything                    `xpc:"next,omitempty"`
	Skipped  chan int                       `xpc:"-"`
	Empty    string                         `xpc:"empty,omitempty"`
	Never    time.Time                      `xpc:"never,omitempty"`
	NoID     xpc.UUID                       `xpc:",omitempty"`
	embedded
	*Pointed
	private int
}

type level0 string

func full() everything {
	seven := 7
	return everything{
		Name: "outer", Untagged: true, I: -1, I8: -8, I64: math.MinInt64, U: 1, U64: math.MaxUint64, Level: 3,
		F32: 0.5, F64: math.Inf(-1), Data: []byte{0, 1}, Fixed: [3]byte{1, 2, 3},
		When: time.Unix(-5, 77).UTC(), For: time.Minute, ID: xpc.UUID{15: 1}, Other: UUID{2}, Raw: foreig{3},
		Strings: []string{"", "b"}, Pair: [2]int{4, 5}, Map: map[string]int{"a": 1},
		Levels: map[level0]level{"x": 9}, Any: xpc.Array{int64(1), "two"}, Anys: []any{nil, true},
		Dict: xpc.Dictionary{"k": uint64(1)}, Ptr: &seven, Color: color{1, 2, 255}, Point: point{1, 2},
		Points: map[string]*point{"p": {3, 4}}, Addr: netip.MustParseAddr("127.0.0.1"),
		JSON:     xpc.JSON[map[string][]float64]{Value: map[string][]float64{"j": {1.5}}},
		Next:     &everything{Name: "inner", When: time.Unix(0, 0).UTC(), Addr: netip.MustParseAddr("::1")},
		embedded: embedded{Inner: "promoted", Hidden: ""}, Pointed: &Pointed{Far: 6},
	}
}

// What is sent has these XPC types, which is what a peer in C or Swift sees.
func TestMarshalTypes(t *testing.T) {
	v := full()
	v.Next = nil
	v.private = 1
	golden(t, "marshal", xpc.Describe(marshal(t, v))+"\n")
}

func TestUnmarshalEverything(t *testing.T) {
	in := full()
	check := func(out everything) {
		t.Helper()
		// nil slices and maps are sent as empty ones.
		assert.Equal(t, []string{}, out.Next.Strings)
		assert.Equal(t, map[string]int{}, out.Next.Map)
		assert.Equal(t, []byte{}, out.Next.Data)
		out.Next, in.Next = nil, nil
		out.Skipped = nil
		assert.Equal(t, in, out)
	}
	var out everything
	require.NoError(t, received(t, &in).Decode(&out))
	check(out)
	in = full()
	out = everything{}
	require.NoError(t, xpc.Unmarshal(marshal(t, in), &out, xpc.DisallowUnknownKeys))
	check(out)
}

func TestUnmarshalFollowsWhatIsThere(t *testing.T) {
	n := 1
	out := struct {
		P    *int              `xpc:"p"`
		Map  map[string]string `xpc:"map"`
		List []int             `xpc:"list"`
		Kept string            `xpc:"kept"`
		Null []int             `xpc:"null"`
	}{P: &n, Map: map[string]string{"old": "o"}, List: make([]int, 1, 10), Kept: "kept", Null: []int{1}}
	list := out.List
	require.NoError(t, xpc.Unmarshal(xpc.Dictionary{
		"p": 5, "map": xpc.Dictionary{"new": "n"}, "list": xpc.Array{3, 4}, "null": nil, "unknown": 1,
	}, &out))
	assert.Equal(t, 5, n)
	assert.Equal(t, map[string]string{"old": "o", "new": "n"}, out.Map)
	assert.Equal(t, []int{3, 4}, out.List)
	assert.Equal(t, []int{0}, list, "an earlier slice is never written to")
	assert.Equal(t, "kept", out.Kept)
	assert.Nil(t, out.Null)
}

func TestUnmarshalToOtherThanStructs(t *testing.T) {
	d := xpc.Dictionary{"a": 1, "b": 2}
	var m map[string]int
	require.NoError(t, xpc.Unmarshal(d, &m))
	assert.Equal(t, map[string]int{"a": 1, "b": 2}, m)
	var a any
	require.NoError(t, received(t, d).Decode(&a))
	assert.Equal(t, xpc.Dictionary{"a": int64(1), "b": int64(2)}, a)
	var p *struct {
		A int `xpc:"a"`
	}
	require.NoError(t, received(t, d).Decode(&p))
	assert.Equal(t, 1, p.A)
}

// Every number that fits is taken, whichever integer the peer chose, and nothing
// else is.
func TestUnmarshalNumbers(t *testing.T) {
	one := func(v any, out any) error {
		return received(t, xpc.Dictionary{"n": v}).Decode(out)
	}
	type in[T any] struct {
		N T `xpc:"n"`
	}
	var i in[int64]
	require.NoError(t, one(uint64(math.MaxInt64), &i))
	assert.Equal(t, int64(math.MaxInt64), i.N)
	var u8 in[uint8]
	require.NoError(t, one(int64(255), &u8))
	assert.Equal(t, uint8(255), u8.N)
	var f in[float32]
	require.NoError(t, one(math.Inf(1), &f))
	assert.Equal(t, float32(math.Inf(1)), f.N)

	for _, c := range []struct {
		v    any
		out  any
		rule string
	}{
		{uint64(math.MaxInt64 + 1), &in[int64]{}, "xpc: n: uint64 9223372036854775808 does not fit int64"},
		{int64(128), &in[int8]{}, "xpc: n: int64 128 does not fit int8"},
		{int64(-129), &in[int8]{}, "xpc: n: int64 -129 does not fit int8"},
		{uint64(1 << 31), &in[int32]{}, "xpc: n: uint64 2147483648 does not fit int32"},
		{int64(-1), &in[uint64]{}, "xpc: n: int64 -1 does not fit uint64"},
		{int64(256), &in[byte]{}, "xpc: n: int64 256 does not fit uint8"},
		{uint64(1 << 16), &in[uint16]{}, "xpc: n: uint64 65536 does not fit uint16"},
		{1e39, &in[float32]{}, "xpc: n: double 1e+39 does not fit float32"},
		{1.0, &in[int]{}, "xpc: n: wanted int64, got double"},
		{1, &in[float64]{}, "xpc: n: wanted double, got int64"},
		{time.Unix(0, 1), &in[int64]{}, "xpc: n: wanted int64, got date"},
		{1, &in[time.Time]{}, "xpc: n: wanted date, got int64"},
		{true, &in[int]{}, "xpc: n: wanted int64, got bool"},
		{nil, &in[int]{}, "xpc: n: wanted int64, got null"},
		{"x", &in[[]byte]{}, "xpc: n: wanted data, got string"},
		{[]byte("x"), &in[string]{}, "xpc: n: wanted string, got data"},
		{[]byte("x"), &in[xpc.UUID]{}, "xpc: n: wanted uuid, got data"},
		{[]byte("x"), &in[[2]byte]{}, "xpc: n: wanted 2 bytes of data, got 1"},
		{xpc.Array{1}, &in[[2]int]{}, "xpc: n: wanted an array of 2, got 1"},
		{xpc.Array{1}, &in[map[string]int]{}, "xpc: n: wanted dictionary, got array"},
		{xpc.Array{1}, &in[struct{}]{}, "xpc: n: wanted dictionary, got array"},
		{xpc.Dictionary{}, &in[[]int]{}, "xpc: n: wanted array, got dictionary"},
		{xpc.Dictionary{}, &in[[]any]{}, "xpc: n: wanted array, got dictionary"},
		{1, &in[*xpc.Endpoint]{}, "xpc: n: wanted endpoint, got int64"},
		{1, &in[*os.File]{}, "xpc: n: wanted fd, got int64"},
		{1, &in[xpc.FD]{}, "xpc: n: wanted fd, got int64"},
		{1, &in[chan int]{}, "xpc: n: nothing can be decoded to Go type chan int, got int64"},
		{1, &in[error]{}, "xpc: n: nothing can be decoded to Go type error, got int64"},
		{1, &in[xpc.JSON[int]]{}, "xpc: n: wanted data with JSON, got int64"},
	} {
		err := one(c.v, c.out)
		require.EqualError(t, err, c.rule)
		require.EqualError(t, xpc.Unmarshal(xpc.Dictionary{"n": c.v}, c.out), c.rule)
	}
}

func TestErrorsSayWhere(t *testing.T) {
	type inner struct {
		B []map[string]level `xpc:"b"`
	}
	var out struct {
		A inner `xpc:"a"`
	}
	d := xpc.Dictionary{"a": xpc.Dictionary{"b": xpc.Array{xpc.Dictionary{}, xpc.Dictionary{"c": -1}}}}
	var ve *xpc.ValueError
	require.ErrorAs(t, received(t, d).Decode(&out), &ve)
	assert.Equal(t, "a.b[1].c", ve.Path)

	_, err := xpc.Marshal(map[string]any{"a": inner{}, "x": []any{1, map[string][]any{"y": {func() {}}}}})
	require.ErrorAs(t, err, &ve)
	assert.Equal(t, "x[1].y[0]", ve.Path)
	assert.Equal(t, "unsupported Go type func()", ve.Rule)

	_, err = xpc.Marshal(map[string]point{"p": {-1, 0}})
	require.ErrorAs(t, err, &ve)
	assert.ErrorIs(t, err, errColor)
	assert.EqualError(t, err, "xpc: p: MarshalXPC: not a color")
	err = xpc.Unmarshal(xpc.Dictionary{"p": xpc.Array{"blue"}}, &struct {
		P []color `xpc:"p"`
	}{})
	assert.ErrorIs(t, err, errColor)
	assert.EqualError(t, err, "xpc: p[0]: UnmarshalText: not a color")

	err = xpc.Unmarshal(xpc.Dictionary{"a": xpc.Dictionary{"b": xpc.Array{}, "z": 1}}, &out, xpc.DisallowUnknownKeys)
	assert.EqualError(t, err, "xpc: a.z: the struct has no such field")
}

func TestDecodeTargets(t *testing.T) {
	m := received(t, xpc.Dictionary{})
	for _, v := range []any{nil, struct{}{}, (*struct{})(nil), 1} {
		assert.ErrorIs(t, m.Decode(v), xpc.ErrMisuse)
		assert.ErrorIs(t, xpc.Unmarshal(xpc.Dictionary{}, v), xpc.ErrMisuse)
	}
	assert.ErrorIs(t, xpc.Unmarshal(nil, new(int)), xpc.ErrMisuse)
	require.NoError(t, m.Retain())
	require.NoError(t, m.Release())
	m2 := xpc.Received(flatten(t, xpc.Dictionary{"a": 1}))
	require.NoError(t, m2.Release())
	assert.ErrorIs(t, m2.Decode(&struct{}{}), xpc.ErrMisuse)
	assert.Zero(t, m2.GetInt64("a"))
	_, ok := xpc.Get[int64](m2, "a")
	assert.False(t, ok)
	assert.False(t, xpc.Equal(m2, m2))
	assert.Contains(t, m2.String(), "after its release")
}

type sameNames struct {
	A int `xpc:"k"`
	B int `xpc:"k"`
}

type left struct{ Both int }
type right struct{ Both int }

type hiding struct {
	left
	right
	Both string
}

func TestPlanErrors(t *testing.T) {
	for rule, v := range map[string]any{
		`the fields A and B have the same key "k"`: sameNames{},
		`the fields left.Both and right.Both have the same key "Both"`: struct {
			left
			right
		}{},
		`the tag has the unknown option "string"`: struct {
			A int `xpc:"a,string"`
		}{},
		`holds a NUL byte`: struct {
			A int "xpc:\"a\\x00\""
		}{},
		`the field has a tag and is unexported`: struct {
			a int `xpc:"a"`
		}{},
		`unsupported Go type map[int]int`: struct{ A map[int]int }{},
		`unsupported Go type uintptr`:     struct{ A uintptr }{},
		`unsupported Go type complex128`:  map[string]complex128{"c": 1},
		`is no dictionary`:                []int{},
		`a connection cannot be sent`:     struct{ C *xpc.Connection }{new(xpc.Connection)},
	} {
		_, err := xpc.Marshal(v)
		require.ErrorContains(t, err, rule)
	}
	d := marshal(t, hiding{left{1}, right{2}, "mine"})
	assert.Equal(t, xpc.Dictionary{"Both": "mine"}, d, "the less deep one wins")
	assert.Error(t, xpc.Unmarshal(xpc.Dictionary{}, &sameNames{}))
}

func TestEmbeddedPointers(t *testing.T) {
	type outer struct {
		*Pointed
		A int `xpc:"a"`
	}
	assert.Equal(t, xpc.Dictionary{"a": int64(1)}, marshal(t, outer{A: 1}))
	var out outer
	require.NoError(t, xpc.Unmarshal(xpc.Dictionary{"a": 2}, &out))
	assert.Nil(t, out.Pointed, "nothing of it was there")
	require.NoError(t, xpc.Unmarshal(xpc.Dictionary{"far": 3}, &out))
	assert.Equal(t, 3, out.Far)

	type locked struct{ *embedded }
	err := xpc.Unmarshal(xpc.Dictionary{"inner": "x"}, &locked{})
	assert.ErrorContains(t, err, "unexported")
	l := locked{&embedded{}}
	require.NoError(t, xpc.Unmarshal(xpc.Dictionary{"inner": "x"}, &l))
	assert.Equal(t, "x", l.Inner)

	assert.Equal(t, xpc.Dictionary{"in": xpc.Dictionary{"inner": "", "name": ""}},
		marshal(t, struct {
			embedded0 `xpc:"in"`
		}{}))
}

type embedded0 = Embedded
type Embedded embedded

type list struct {
	Value int   `xpc:"v"`
	Next  *list `xpc:"next,omitempty"`
}

type itself struct{ *itself }

type pointerTo *pointerTo

type loop struct{}

func (l *loop) MarshalXPC() (any, error) { return l, nil }

func TestCyclesAndDepth(t *testing.T) {
	l := &list{Value: 1}
	l.Next = &list{Next: l}
	d := xpc.Dictionary{}
	d["a"] = xpc.Array{d}
	s := make([]any, 1)
	s[0] = s
	type slice []slice
	own := make(slice, 1)
	own[0] = own
	m := map[string]any{}
	m["m"] = map[string]map[string]any{"x": m}
	var p pointerTo
	p = &p
	for name, v := range map[string]any{
		"struct": l, "dictionary": d, "slice": xpc.Dictionary{"s": s}, "own slice": map[string]slice{"s": own},
		"map": m, "pointer": map[string]any{"p": p}, "marshaler": map[string]any{"l": &loop{}},
	} {
		_, err := xpc.Marshal(v)
		var ve *xpc.ValueError
		require.ErrorAs(t, err, &ve, name)
		require.Less(t, len(err.Error()), 10000, name)
		// None of these may hang or overflow the stack either.
		xpc.Equal(v, v)
		xpc.Hash(v)
		xpc.Describe(v)
		_, err = xpc.Copy(v)
		require.Error(t, err, name)
	}
	assert.Equal(t, xpc.Dictionary{}, marshal(t, itself{}))

	// The same value twice is no cycle, nor is a part that shares an address.
	shared := &list{Value: 2}
	assert.Len(t, marshal(t, map[string]any{"a": shared, "b": shared}), 2)
	first := struct {
		A [1]int
		P *[1]int
	}{}
	first.P = &first.A
	assert.Len(t, marshal(t, &first), 2)
	part := []any{1, nil}
	part[1] = part[:1]
	assert.Len(t, marshal(t, map[string]any{"part": part})["part"], 2)

	deep := func(n int) any {
		var v any = "bottom"
		for range n {
			v = xpc.Array{v}
		}
		return xpc.Dictionary{"d": v}
	}
	limit := wire.DefaultLimits.Depth
	_, err := received(t, deep(limit-1)).Dictionary()
	require.NoError(t, err)
	_, _, err = xpc.Flatten(deep(limit))
	require.ErrorContains(t, err, "nested deeper than 128")
	var chain *list
	for i := range limit {
		chain = &list{i, chain}
	}
	var out list
	require.NoError(t, received(t, chain).Decode(&out))
	_, _, err = xpc.Flatten(&list{0, chain})
	require.ErrorContains(t, err, "nested deeper than 128")

	// Small in memory, 2^64 elements when written out.
	var wide any = "x"
	for range 64 {
		wide = xpc.Array{wide, wide}
	}
	err = xpc.EncodeWithin(xpc.Dictionary{"w": wide}, wire.Limits{Depth: 128, Size: 1 << 20})
	require.ErrorContains(t, err, "message is larger than 1048576 bytes")
}

// A failed encoding leaves nothing behind that a later one sees.
func TestEncoderAfterFailure(t *testing.T) {
	good := xpc.Dictionary{"a": xpc.Array{1, "b"}}
	want := flatten(t, good).body
	for range 100 {
		_, _, err := xpc.Flatten(xpc.Dictionary{"x": xpc.Array{xpc.Dictionary{"f": func() {}}}})
		require.Error(t, err)
		require.Equal(t, want, flatten(t, good).body)
	}
}

func TestPlansConcurrently(t *testing.T) {
	type a struct {
		B *struct{ C []map[string]*list } `xpc:"b"`
	}
	in := a{B: &struct{ C []map[string]*list }{[]map[string]*list{{"k": {Value: 3}}}}}
	var wg sync.WaitGroup
	for range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 100 {
				d, err := xpc.Marshal(in)
				var out a
				if assert.NoError(t, err) && assert.NoError(t, xpc.Unmarshal(d, &out)) {
					assert.Equal(t, in, out)
				}
			}
		}()
	}
	wg.Wait()
}

// Values in interfaces are encoded from copies that are used again.
func TestCopiesInInterfaces(t *testing.T) {
	type big [wire.BigDataSize]byte
	var a, b big
	a[0], b[0] = 1, 2
	m := received(t, map[string]any{"a": a, "b": b, "m": map[string]big{"x": a, "y": b}})
	check := func(want byte, path ...any) {
		t.Helper()
		v, ok := xpc.LookupAs[[]byte](m, path...)
		require.True(t, ok)
		require.Equal(t, want, v[0])
	}
	check(1, "a")
	check(2, "b")
	check(1, "m", "x")
	check(2, "m", "y")
}

func TestJSON(t *testing.T) {
	type container struct {
		ID string `json:"id"`
	}
	d := marshal(t, map[string]any{"containers": xpc.JSON[[]container]{Value: []container{{"web"}}}})
	assert.Equal(t, `[{"id":"web"}]`, string(d.GetData("containers")))
	c, ok := xpc.Get[xpc.JSON[[]container]](received(t, d), "containers")
	require.True(t, ok)
	assert.Equal(t, "web", c.Value[0].ID)
	err := xpc.Unmarshal(xpc.Dictionary{"c": []byte("{")}, &struct {
		C xpc.JSON[int] `xpc:"c"`
	}{})
	var syntax *json.SyntaxError
	assert.ErrorAs(t, err, &syntax)
	assert.ErrorContains(t, err, "xpc: c: UnmarshalXPC: ")
}

func TestDoubleBitsInStructs(t *testing.T) {
	type double struct {
		F float64 `xpc:"f"`
		P *float64
		L []float64
	}
	for _, bits := range []uint64{0x7ff0000000000001, 0xfff4000000000000, 0x7ff8000000000001, 1, 1 << 63, 0x3fb999999999999a} {
		f := math.Float64frombits(bits)
		var out double
		require.NoError(t, received(t, double{f, &f, []float64{f}}).Decode(&out))
		for _, got := range []float64{out.F, *out.P, out.L[0]} {
			assert.Equal(t, bits, math.Float64bits(got), "%#x", bits)
		}
	}
}

// A key or a resource that comes twice is an error of whatever reads both.
func TestTwice(t *testing.T) {
	twice := func(value func(e *wire.Encoder)) []byte {
		var e wire.Encoder
		d := e.Begin(wire.Dictionary)
		for range 2 {
			e.Key("A")
			value(&e)
		}
		e.End(d, 2)
		return e.Buf
	}
	keys := xpc.Received(hostile(twice(func(e *wire.Encoder) { e.Int64(1) }), 0))
	strs := xpc.Received(hostile(twice(func(e *wire.Encoder) { e.String("s") }), 0))
	var e wire.Encoder
	d := e.Begin(wire.Dictionary)
	for _, k := range []string{"A", "B"} {
		e.Key(k)
		e.BigData(0, 0)
	}
	e.End(d, 2)
	data := xpc.Received(hostile(e.Buf, 1))
	for name, f := range map[string]func() error{
		"dictionary":        func() error { _, err := keys.Dictionary(); return err },
		"struct":            func() error { return keys.Decode(new(struct{ A, B int })) },
		"struct, in place":  func() error { return keys.Decode(new(struct{ A, B int64 })) },
		"strings, in place": func() error { return strs.Decode(new(struct{ A, B string })) },
		"map":               func() error { return keys.Decode(new(map[string]int)) },
		"map of any":        func() error { return keys.Decode(new(map[string]any)) },
		"any":               func() error { return keys.Decode(new(any)) },
	} {
		require.ErrorContains(t, f(), "key used twice", name)
	}
	_, err := data.Dictionary()
	require.ErrorContains(t, err, "resource used twice")
	require.ErrorContains(t, data.Decode(new(struct{ A, B []byte })), "resource used twice")
	require.NoError(t, data.Decode(new(struct{ A []byte })))
	require.NotNil(t, data.GetData("B"))
}

// A body that no backend makes is an error, in little time and memory.
func TestHostileBodies(t *testing.T) {
	deep := func(n int, open func(*wire.Encoder) int) []byte {
		var e wire.Encoder
		marks := make([]int, n)
		for i := range marks {
			marks[i] = open(&e)
		}
		e.Null()
		for i := range marks {
			e.End(marks[n-1-i], 1)
		}
		return e.Buf
	}
	lists := deep(10_000, func(e *wire.Encoder) int {
		m := e.Begin(wire.Dictionary)
		e.Key("next")
		return m
	})
	arrays := deep(10_000, func(e *wire.Encoder) int { return e.Begin(wire.Array) })
	// One element, and a count as large as the bytes allow.
	var e wire.Encoder
	d := e.Begin(wire.Dictionary)
	e.Key("l")
	a := e.Begin(wire.Array)
	e.Data(make([]byte, 1<<16))
	e.End(a, 1<<16)
	e.End(d, 1)
	claims := e.Buf

	type huge struct {
		L [][1 << 12]int `xpc:"l"`
	}
	m := xpc.Received(hostile(lists, 0))
	counts := xpc.Received(hostile(claims, 0))
	for name, f := range map[string]func() error{
		"dictionaries": func() error { _, err := m.Dictionary(); return err },
		"list":         func() error { return m.Decode(new(list)) },
		"any":          func() error { return m.Decode(new(any)) },
		"maps":         func() error { return m.Decode(new(map[string]map[string]any)) },
		"arrays":       func() error { _, err := xpc.DecodeBody(hostile(nil, 0), arrays); return err },
		"pass on":      func() error { return xpc.EncodeOnce(m) },
		"count":        func() error { _, err := counts.Dictionary(); return err },
		"huge":         func() error { return counts.Decode(new(huge)) },
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		require.Error(t, f(), name)
		runtime.ReadMemStats(&after)
		assert.Less(t, time.Since(start), time.Second, name)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20), name)
	}
	assert.NotEmpty(t, m.String())
	assert.NotZero(t, m.LogValue())
	assert.NotEmpty(t, counts.String())
}
