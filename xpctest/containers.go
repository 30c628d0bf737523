package xpctest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/go-xpc/xpc"
)

// oneOfEach has a value of each plain type, by the name of its getter.
func oneOfEach() xpc.Dictionary {
	return xpc.Dictionary{
		"null": nil, "bool": true, "int64": int64(-7), "uint64": uint64(7), "double": 7.5, "string": "seven",
		"data": []byte{7}, "uuid": xpc.UUID{7}, "date": time.Unix(7, 0).UTC(), "array": xpc.Array{int64(7)},
		"dictionary": xpc.Dictionary{"k": int64(7)},
	}
}

// each is oneOfEach as an array, with the names beside it.
func each() (a xpc.Array, keys []string) {
	for key, v := range oneOfEach() {
		a, keys = append(a, v), append(keys, key)
	}
	return a, keys
}

var containers = []Case{
	{Row: 281, Name: "defaults_of_the_array_getters", Says: "a typed getter of an array gives its default when the element has another type", run: func(e *env) {
		a, keys := each()
		for i, key := range keys {
			for _, a := range []xpc.Array{a, e.received(xpc.Dictionary{"a": a}).GetArray("a")} {
				e.Equal(key == "bool", a.GetBool(i), key)
				e.Equal(key == "int64", a.GetInt64(i) == -7, key)
				e.Equal(key != "int64", a.GetInt64(i) == 0, key)
				e.Equal(key != "uint64", a.GetUint64(i) == 0, key)
				e.Equal(key != "double", math.IsNaN(a.GetDouble(i)), key)
				e.Equal(key != "string", a.GetString(i) == "", key)
				e.Equal(key != "data", a.GetData(i) == nil, key)
				e.Equal(key != "uuid", a.GetUUID(i) == xpc.UUID{}, key)
				e.Equal(key != "date", a.GetDate(i).UnixNano() == 0, key)
				e.Nil(a.GetFile(i), key)
			}
		}
	}},
	{Row: 282, Name: "containers_nested_in_arrays", Says: "a container nested in an array is nothing when the element has another type", run: func(e *env) {
		a, keys := each()
		b := e.received(xpc.Dictionary{"a": a}).GetArray("a")
		e.Len(b, len(a))
		for i, key := range keys {
			for _, a := range []xpc.Array{a, b} {
				e.Equal(key == "dictionary", a.GetDictionary(i) != nil, key)
				e.Equal(key == "array", a.GetArray(i) != nil, key)
			}
			e.Equal(a.GetArray(i), b.GetArray(i))
			e.Equal(a.GetDictionary(i), b.GetDictionary(i))
		}
	}},
	{Row: 291, Name: "defaults_of_the_getters", Says: "a typed getter gives its default when the key is missing or its value has another type", run: func(e *env) {
		d := oneOfEach()
		m := e.received(d)
		for key := range d {
			e.Equal(key == "bool", m.GetBool(key), key)
			e.Equal(key == "int64", m.GetInt64(key) == -7, key)
			e.Equal(key != "int64", m.GetInt64(key) == 0, key)
			e.Equal(key != "uint64", m.GetUint64(key) == 0, key)
			e.Equal(key != "double", math.IsNaN(m.GetDouble(key)), key)
			e.Equal(key != "string", m.GetString(key) == "", key)
			e.Equal(key != "data", m.GetData(key) == nil, key)
			e.Equal(key != "uuid", m.GetUUID(key) == xpc.UUID{}, key)
			e.Equal(key != "date", m.GetDate(key).UnixNano() == 0, key)
			e.Nil(m.GetFile(key), key)
			e.Nil(m.GetEndpoint(key), key)

			e.Equal(key == "bool", d.GetBool(key), key)
			e.Equal(key != "int64", d.GetInt64(key) == 0, key)
			e.Equal(key != "uint64", d.GetUint64(key) == 0, key)
			e.Equal(key != "double", math.IsNaN(d.GetDouble(key)), key)
			e.Equal(key != "string", d.GetString(key) == "", key)
			e.Equal(key != "data", d.GetData(key) == nil, key)
			e.Equal(key != "uuid", d.GetUUID(key) == xpc.UUID{}, key)
			e.Equal(key != "date", d.GetDate(key).UnixNano() == 0, key)
		}
		e.False(m.GetBool("missing"))
		e.Zero(m.GetInt64("missing"))
		e.Zero(m.GetUint64("missing"))
		e.True(math.IsNaN(m.GetDouble("missing")))
		e.Empty(m.GetString("missing"))
		e.Nil(m.GetData("missing"))
		e.Zero(m.GetUUID("missing"))
		e.Zero(m.GetDate("missing").UnixNano())
	}},
	{Row: 293, Name: "nested_containers", Says: "a nested dictionary or array is nothing when the key is missing or its value has another type", run: func(e *env) {
		d := oneOfEach()
		m := e.received(d)
		for _, g := range []interface {
			GetDictionary(string) xpc.Dictionary
			GetArray(string) xpc.Array
		}{m, d} {
			for key := range d {
				e.Equal(key == "dictionary", g.GetDictionary(key) != nil, key)
				e.Equal(key == "array", g.GetArray(key) != nil, key)
			}
			e.Nil(g.GetDictionary("missing"))
			e.Nil(g.GetArray("missing"))
			e.Equal(d["dictionary"], g.GetDictionary("dictionary"))
			e.Equal(d["array"], g.GetArray("array"))
		}
	}},
	{Row: 295, Name: "no_container_in_itself", Says: "a container inside itself is refused with an error", run: func(e *env) {
		h := e.host(program{})
		x, p := h.pair()
		d := xpc.Dictionary{}
		d["in"] = xpc.Array{xpc.Dictionary{"d": d}}
		a := make(xpc.Array, 1)
		a[0] = xpc.Dictionary{"a": a}
		for _, v := range []xpc.Dictionary{d, {"a": a}} {
			var bad *xpc.ValueError
			e.True(errors.As(x.c.SendMessage(v), &bad))
			e.True(errors.As(x.c.SendMessageWithReply(v, nil, func(xpc.Event) {}), &bad))
		}
		// The same container twice, side by side, is none.
		twice := xpc.Dictionary{"k": int64(1)}
		x.body(xpc.Dictionary{"n": int64(1), "a": twice, "b": xpc.Array{twice, twice}})
		p.wait("0", "1")
	}},
	{Row: 297, Name: "large_messages", Says: "large messages pass", run: func(e *env) {
		x := e.echo()
		data := bytes.Repeat([]byte("0123456789abcdef"), 1<<17)
		e.True(bytes.Equal(data, x.echoed(data).([]byte)))
		text := strings.Repeat("x", 1<<20)
		e.True(text == x.echoed(text).(string))
		many := xpc.Dictionary{}
		for i := range 5000 {
			many[fmt.Sprint(i)] = int64(i)
		}
		e.Equal(many, x.echoed(many))
	}},
	{Row: 298, Name: "nesting", Says: "nesting passes up to a limit, and is refused with an error beyond it", run: func(e *env) {
		x := e.echo()
		nest := func(depth int) any {
			var v any = int64(1)
			for i := range depth {
				if i%2 == 0 {
					v = xpc.Array{v}
				} else {
					v = xpc.Dictionary{"k": v}
				}
			}
			return v
		}
		v := nest(50)
		e.Equal(v, x.echoed(v))
		var bad *xpc.ValueError
		e.True(errors.As(x.c.SendMessage(xpc.Dictionary{"v": nest(100_000)}), &bad))
		x.call(1)
	}},
}
