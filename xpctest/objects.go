package xpctest

import (
	"fmt"
	"math"
	"os"
	"time"

	"github.com/go-xpc/xpc"
)

var objects = []Case{
	{Row: 243, Name: "types_are_kept", Says: "each type of object arrives as itself", run: func(e *env) {
		x := e.echo()
		for _, v := range []any{
			nil, true, false, int64(1), uint64(1), 1.0, "1", "", []byte("1"), []byte{}, xpc.UUID{1}, xpc.UUID{},
			time.Unix(0, 1).UTC(), xpc.Array{}, xpc.Array{int64(1)}, xpc.Dictionary{}, xpc.Dictionary{"1": "1"},
		} {
			got := x.echoed(v)
			e.Equal(fmt.Sprintf("%T", v), fmt.Sprintf("%T", got))
			e.Equal(v, got)
		}
		a := e.anonymous(program{})
		e.IsType(a.ep, x.echoed(a.ep))
		e.Equal("endpoint", xpc.TypeOf(x.echoed(a.ep)))
		for name, v := range map[string]any{
			"string": "1", "int64": int64(1), "uint64": uint64(1), "double": 1.0, "bool": true, "null": nil, "data": []byte{},
			"array": xpc.Array{}, "dictionary": xpc.Dictionary{}, "uuid": xpc.UUID{}, "date": time.Unix(0, 0),
		} {
			e.Equal(name, xpc.TypeOf(v))
			e.Equal(name, xpc.TypeOf(x.echoed(v)))
		}
	}},
	{Row: 244, Name: "copies_are_deep", Says: "a copy of a container shares nothing with the original", run: func(e *env) {
		d := oneOfEach()
		c, err := xpc.Copy(d)
		e.NoError(err)
		got, ok := c.(xpc.Dictionary)
		e.True(ok)
		e.Equal(d, got)
		got["array"].(xpc.Array)[0] = "changed"
		got["dictionary"].(xpc.Dictionary)["k"] = "changed"
		got["data"].([]byte)[0] = 99
		delete(got, "bool")
		e.Equal(oneOfEach(), d)
		// What a message holds can be copied and changed, too.
		m := e.received(d)
		c, err = xpc.Copy(m)
		e.NoError(err)
		c.(xpc.Dictionary)["dictionary"].(xpc.Dictionary)["k"] = "changed"
		again, err := m.Dictionary()
		e.NoError(err)
		e.Equal(oneOfEach(), again)
	}},
	{Row: 247, Name: "types_are_never_equal_to_each_other", Says: "objects of different types are never equal", run: func(e *env) {
		all := []any{
			nil, false, int64(0), uint64(0), 0.0, "", []byte{}, xpc.UUID{}, time.Unix(0, 0).UTC(), xpc.Array{}, xpc.Dictionary{},
			e.anonymous(program{}).ep,
		}
		x := e.echo()
		for i, a := range all {
			for j, b := range all {
				e.Equal(i == j, xpc.Equal(a, b), "%T %T", a, b)
				e.Equal(i == j, xpc.Equal(xpc.Array{a}, xpc.Array{b}), "%T %T", a, b)
			}
			if i < len(all)-1 {
				e.True(xpc.Equal(a, x.echoed(a)), "%T", a)
			}
		}
		e.False(xpc.Equal(int64(1), uint64(1)))
		e.False(xpc.Equal(time.Unix(0, 1), int64(1)))
		e.False(xpc.Equal(1.0, int64(1)))
	}},
	{Row: 248, Name: "equality_of_containers", Says: "arrays are equal by index and dictionaries by key, in whatever order they were filled", run: func(e *env) {
		e.True(xpc.Equal(xpc.Array{int64(1), "a"}, xpc.Array{int64(1), "a"}))
		e.False(xpc.Equal(xpc.Array{int64(1), "a"}, xpc.Array{"a", int64(1)}))
		e.False(xpc.Equal(xpc.Array{int64(1)}, xpc.Array{int64(1), int64(1)}))
		a, b := xpc.Dictionary{}, xpc.Dictionary{}
		for i := range 100 {
			a[fmt.Sprint(i)] = xpc.Array{int64(i)}
			b[fmt.Sprint(99-i)] = xpc.Array{int64(99 - i)}
		}
		e.True(xpc.Equal(a, b))
		e.True(xpc.Equal(a, e.received(a)))
		b["7"] = xpc.Array{uint64(7)}
		e.False(xpc.Equal(a, b))
		delete(b, "7")
		e.False(xpc.Equal(a, b))
		e.False(xpc.Equal(b, a))
		b["other"] = xpc.Array{int64(7)}
		e.False(xpc.Equal(a, b))
		// Null is a value: not the same as a missing key.
		e.False(xpc.Equal(xpc.Dictionary{"k": nil}, xpc.Dictionary{}))
	}},
	{Row: 249, Name: "equal_objects_have_equal_hashes", Says: "equal objects have equal hashes", run: func(e *env) {
		x := e.echo()
		for key, v := range oneOfEach() {
			got := x.echoed(v)
			e.True(xpc.Equal(v, got), key)
			e.Equal(xpc.Hash(v), xpc.Hash(got), key)
		}
		a, b := xpc.Dictionary{}, xpc.Dictionary{}
		hashes := map[uint64]bool{}
		for i := range 100 {
			a[fmt.Sprint(i)] = int64(i)
			b[fmt.Sprint(99-i)] = int64(99 - i)
			hashes[xpc.Hash(int64(i))] = true
		}
		e.Equal(xpc.Hash(a), xpc.Hash(b))
		e.Greater(len(hashes), 50, "a hash tells most values apart")
	}},
	{Row: 251, Name: "descriptions_are_for_debugging", Says: "any object has a debug text", run: func(e *env) {
		for key, v := range oneOfEach() {
			e.NotEmpty(xpc.Describe(v), key)
		}
		e.NotEmpty(xpc.Describe(e.received(oneOfEach())))
		e.NotEmpty(xpc.Describe(e.anonymous(program{}).ep))
	}},
	{Row: 259, Name: "equality_of_nan_and_of_shared_memory", Says: "whether two NaN are equal is open, but equality is symmetric and agrees with the hash", run: func(e *env) {
		values := []any{math.NaN(), math.Float64frombits(0x7ff0000000000001), 0.0, math.Copysign(0, -1)}
		if e.can(Memory) {
			m, err := e.rt.NewSharedMemory(1)
			e.NoError(err)
			x := e.echo()
			values = append(values, m, x.echoed(m), x.echoed(m))
		}
		for _, a := range values {
			for _, b := range values {
				equal := xpc.Equal(a, b)
				e.Equal(equal, xpc.Equal(b, a))
				if equal {
					e.Equal(xpc.Hash(a), xpc.Hash(b))
				}
			}
		}
	}},
	{Row: 250, Name: "connections_compare_by_identity", Says: "a connection equals itself only", run: func(e *env) {
		h := e.host(program{})
		x, px := h.pair()
		y, py := h.pair()
		x.request(1, hold)
		y.request(2, hold)
		x.request(3, hold)
		from := map[int64]*xpc.Connection{}
		for i := range 3 {
			m := h.held.at(i)
			from[m.GetInt64("n")] = m.Connection()
			e.NoError(m.Release())
		}
		e.Same(px.c, from[1])
		e.Same(py.c, from[2])
		e.Same(px.c, from[3])
		e.NotSame(x.c, y.c)
	}},
}

// echo is a client of a service that answers each request with its body.
func (e *env) echo() *end {
	e.t.Helper()
	return e.host(program{message: func(_ *end, m *xpc.Message) {
		d, err := m.Dictionary()
		e.oops("reading a request", err)
		e.oops("replying", m.Reply(d))
		xpc.CloseFiles(d)
	}}).connect()
}

// echoed is what becomes of a value on its way to the service and back.
func (x *end) echoed(v any) any {
	x.e.t.Helper()
	d := x.ask(xpc.Dictionary{"v": v})
	got, ok := d["v"]
	x.e.True(ok, "the value is missing")
	x.e.Len(d, 1)
	return got
}

// received is a message that a service got with these contents. The case ends
// it.
func (e *env) received(d xpc.Dictionary) *xpc.Message {
	e.t.Helper()
	h := e.host(program{message: func(p *end, m *xpc.Message) {
		e.retain(m)
		p.host.held.add(m)
	}})
	h.connect().body(d)
	m := h.held.at(0)
	e.t.Cleanup(func() { m.Release() })
	return m
}

// file makes an open temporary file with some text in it.
func (e *env) file(text string) *os.File {
	e.t.Helper()
	f, err := os.CreateTemp(e.t.TempDir(), "xpctest")
	e.NoError(err)
	e.t.Cleanup(func() { f.Close() })
	_, err = f.WriteString(text)
	e.NoError(err)
	_, err = f.Seek(0, 0)
	e.NoError(err)
	return f
}
