package xpctest

import (
	"errors"
	"math"
	"time"

	"github.com/go-xpc/xpc"
)

var scalars = []Case{
	{Row: 253, Name: "null_is_a_value", Says: "a key set to null exists and counts, and differs from a missing key", run: func(e *env) {
		x := e.echo()
		got := x.ask(xpc.Dictionary{"null": nil, "array": xpc.Array{nil, nil}})
		e.Len(got, 2)
		v, ok := got["null"]
		e.True(ok)
		e.Nil(v)
		e.Equal(xpc.Array{nil, nil}, got["array"])
		_, ok = got["missing"]
		e.False(ok)
	}},
	{Row: 255, Name: "integers_have_their_full_range", Says: "int64 and uint64 hold their full ranges", run: func(e *env) {
		x := e.echo()
		for _, v := range []int64{0, 1, -1, math.MaxInt64, math.MinInt64, math.MaxInt32 + 1} {
			e.Equal(v, x.echoed(v))
		}
		for _, v := range []uint64{0, 1, math.MaxUint64, math.MaxInt64 + 1} {
			e.Equal(v, x.echoed(v))
		}
	}},
	{Row: 256, Name: "numbers_are_not_converted", Says: "a number read as another type of number gives the default", run: func(e *env) {
		m := e.received(xpc.Dictionary{"i": int64(5), "u": uint64(5), "d": 5.0, "b": true})
		e.EqualValues(5, m.GetInt64("i"))
		e.EqualValues(5, m.GetUint64("u"))
		e.Zero(m.GetUint64("i"))
		e.Zero(m.GetInt64("u"))
		e.Zero(m.GetInt64("d"))
		e.Zero(m.GetInt64("b"))
		e.False(m.GetBool("i"))
		e.True(math.IsNaN(m.GetDouble("i")))
		_, ok := xpc.Get[uint64](m, "i")
		e.False(ok)
	}},
	{Row: 257, Name: "double_of_another_type", Says: "a double read from another type, or from nothing, is NaN", run: func(e *env) {
		m := e.received(xpc.Dictionary{"i": int64(1), "s": "1.5", "n": nil, "d": 1.5, "zero": 0.0})
		for _, k := range []string{"i", "s", "n", "missing"} {
			e.True(math.IsNaN(m.GetDouble(k)), k)
		}
		e.Equal(1.5, m.GetDouble("d"))
		e.Zero(m.GetDouble("zero"))
	}},
	{Row: 258, Name: "doubles_keep_their_bits", Says: "a double keeps its exact bits, those of a signalling NaN included", run: func(e *env) {
		x := e.echo()
		for _, bits := range []uint64{
			0, 1 << 63, 1, math.Float64bits(math.Pi), math.Float64bits(math.MaxFloat64), math.Float64bits(math.Inf(-1)),
			0x7ff8000000000001, 0x7ff0000000000001, 0xfff0dead0000beef,
		} {
			got, ok := x.echoed(math.Float64frombits(bits)).(float64)
			e.True(ok)
			e.Equal(bits, math.Float64bits(got), "%#x", bits)
		}
	}},
	{Row: 260, Name: "dates", Says: "a date is an int64 of nanoseconds since 1970, negative before it", run: func(e *env) {
		x := e.echo()
		for _, ns := range []int64{0, 1, -1, 1_500_000_000_123_456_789, -1_500_000_000_123_456_789, math.MaxInt64, math.MinInt64} {
			got, ok := x.echoed(time.Unix(0, ns)).(time.Time)
			e.True(ok)
			e.Equal(ns, got.UnixNano())
			e.True(got.Equal(time.Unix(0, ns)))
		}
		m := e.received(xpc.Dictionary{"d": time.Unix(5, 0), "i": int64(5)})
		e.EqualValues(5, m.GetDate("d").Unix())
		e.Zero(m.GetDate("i").UnixNano())
		e.Zero(m.GetInt64("d"))
		// Beyond the range there is no date.
		for _, t := range []time.Time{time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)} {
			e.Error(x.c.SendMessage(xpc.Dictionary{"d": t}))
		}
	}},
	{Row: 264, Name: "no_nul_in_strings", Says: "a string cannot hold a NUL byte: it is refused, not cut", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		for _, d := range []xpc.Dictionary{
			{"s": "a\x00b"}, {"s": "\x00"}, {"a": xpc.Array{"ok", "no\x00"}}, {"in\x00side": int64(1)}, {"d": xpc.Dictionary{"k\x00": true}},
		} {
			var bad *xpc.ValueError
			e.True(errors.As(x.c.SendMessage(d), &bad), "%v", d)
		}
		x.body(xpc.Dictionary{"n": int64(1), "s": "ab", "empty": "", "data": []byte("a\x00b")})
		p.wait("0", "1")
		e.Equal("ab", p.at(1).body["s"])
		e.Equal([]byte("a\x00b"), p.at(1).body["data"])
	}},
	{Row: 265, Name: "strings_are_bytes", Says: "the bytes of a string pass unchanged, valid UTF-8 or not", run: func(e *env) {
		x := e.echo()
		for _, s := range []string{"", "plain", "größer 世界 🙂", "\xff\xfe", "a\xc3", "\xed\xa0\x80"} {
			e.Equal(s, x.echoed(s))
			if s != "" {
				got := x.ask(xpc.Dictionary{s: true})
				e.Equal(xpc.Dictionary{s: true}, got)
			}
		}
	}},
}
