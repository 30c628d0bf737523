//go:build cgo && xpcstandin

package xpc_test

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/internal/gen"
	"github.com/go-xpc/xpc/internal/native"
)

// A message that nobody reads is not made into anything, and what is larger than
// the room for most comes through whole.
func TestFlattenedWhenAsked(t *testing.T) {
	d := xpc.Dictionary{"text": strings.Repeat("long ", 10_000)}
	files := xpc.Array{}
	for range 40 {
		files = append(files, os.Stdin)
	}
	d["files"] = files
	arrived(t, d, func(m *xpc.Message) {
		assert.False(t, xpc.Flattened(m))
		v, ok := xpc.Lookup(m, "text")
		assert.True(t, ok)
		assert.Equal(t, d["text"], v)
		assert.True(t, xpc.Flattened(m))
		all := m.GetArray("files")
		assert.Len(t, all, 40)
		for _, f := range all {
			assert.NoError(t, f.(*os.File).Close())
		}
	})
}

// arrived calls f with what d arrives as.
func arrived(t *testing.T, d any, f func(m *xpc.Message)) {
	t.Helper()
	o, err := native.Encode(d)
	require.NoError(t, err)
	defer native.Release(o)
	native.Receive(o, func(m any) { f(m.(*xpc.Message)) })
}

// The getters that read one key of a message as it came, by the type they find.
var singles = map[string]func(m *xpc.Message, key string) (any, bool){
	"bool":   func(m *xpc.Message, key string) (any, bool) { return both(xpc.Get[bool](m, key)) },
	"int64":  func(m *xpc.Message, key string) (any, bool) { return both(xpc.Get[int64](m, key)) },
	"uint64": func(m *xpc.Message, key string) (any, bool) { return both(xpc.Get[uint64](m, key)) },
	"double": func(m *xpc.Message, key string) (any, bool) {
		v, ok := xpc.Get[float64](m, key)
		return math.Float64bits(v), ok
	},
	"string": func(m *xpc.Message, key string) (any, bool) { return both(xpc.Get[string](m, key)) },
	"data":   func(m *xpc.Message, key string) (any, bool) { return both(xpc.Get[[]byte](m, key)) },
	"uuid":   func(m *xpc.Message, key string) (any, bool) { return both(xpc.Get[xpc.UUID](m, key)) },
	"date":   func(m *xpc.Message, key string) (any, bool) { return both(xpc.Get[time.Time](m, key)) },
}

func both[T any](v T, ok bool) (any, bool) { return v, ok }

// A key that is read alone gives what it gives in the flat form.
func TestSingleIsTheSame(t *testing.T) {
	long := strings.Repeat("k", 252)
	for name, d := range map[string]xpc.Dictionary{
		"values":        {"bool": true, "int64": int64(-1), "uint64": uint64(math.MaxUint64), "double": 1.5, "string": "text", "data": []byte("data"), "uuid": xpc.UUID{1, 15: 2}, "date": time.Unix(-5, 7)},
		"zero values":   {"bool": false, "int64": int64(0), "uint64": uint64(0), "double": 0.0, "string": "", "data": []byte{}, "uuid": xpc.UUID{}, "date": time.Unix(0, 0)},
		"nothing there": {"other": true},
		"other types":   {"bool": int64(0), "int64": uint64(0), "uint64": int64(1), "double": int64(0), "string": []byte{}, "data": "", "uuid": "", "date": int64(0)},
		"null":          {"bool": nil, "int64": nil, "uint64": nil, "double": nil, "string": nil, "data": nil, "uuid": nil, "date": nil},
		"no numbers":    {"double": math.Float64frombits(0xfff4000000000001)},
		"large":         {"string": strings.Repeat("s", 100<<10), "data": make([]byte, 100<<10)},
		"long keys":     {long: "252", long + "k": "253", long + long: "504"},
	} {
		keys := []string{"", "no\x00key", long, long + "k", long + long, "bool\x00"}
		for key := range d {
			keys = append(keys, key)
		}
		for kind, get := range singles {
			for _, key := range append(keys, kind) {
				arrived(t, d, func(m *xpc.Message) {
					v, ok := get(m, key)
					fits := len(key) <= 252 && !strings.Contains(key, "\x00")
					if _, there := d[key]; fits && (ok || !there) {
						assert.False(t, xpc.Flattened(m), "%s: %s of %.20q is read alone", name, kind, key)
					}
					_, err := m.Dictionary() // makes the flat form
					require.NoError(t, err)
					flat, flatOK := get(m, key)
					assert.Equal(t, flatOK, ok, "%s: %s of %.20q", name, kind, key)
					assert.Equal(t, flat, v, "%s: %s of %.20q", name, kind, key)
				})
			}
		}
	}
}

func TestSingleRandom(t *testing.T) {
	seed := firstSeed(t)
	for i := range uint64(200) {
		d := gen.Dictionary(gen.Rand(seed+i), gen.Options{Depth: 2, Width: 8})
		for key := range d {
			for kind, get := range singles {
				arrived(t, d, func(m *xpc.Message) {
					v, ok := get(m, key)
					_, err := m.Dictionary()
					require.NoError(t, err)
					flat, flatOK := get(m, key)
					require.Equal(t, flatOK, ok, "seed %d: %s of %q", seed+i, kind, key)
					require.Equal(t, flat, v, "seed %d: %s of %q", seed+i, kind, key)
				})
			}
		}
	}
}

// Who reads two keys does not pay for the rest of the message; who reads many has
// it made into its flat form once.
func TestFewKeysAlone(t *testing.T) {
	d := xpc.Dictionary{"a": int64(1), "b": "text", "none": nil}
	for range 100 {
		d[strings.Repeat("x", len(d))] = xpc.Array{"something"}
	}
	arrived(t, d, func(m *xpc.Message) {
		assert.Equal(t, int64(1), m.GetInt64("a"))
		assert.Equal(t, "text", m.GetString("b"))
		assert.Equal(t, int64(0), m.GetInt64("missing"))
		assert.False(t, xpc.Flattened(m))
		for range xpc.MaxSingles {
			assert.Equal(t, "text", m.GetString("b"))
		}
		assert.True(t, xpc.Flattened(m))
		assert.Equal(t, int64(1), m.GetInt64("a"))
	})
	arrived(t, d, func(m *xpc.Message) {
		assert.Equal(t, int64(0), m.GetInt64("none"), "of another type")
		assert.True(t, xpc.Flattened(m))
	})
	arrived(t, d, func(m *xpc.Message) {
		require.NoError(t, m.Retain())
		require.NoError(t, m.Release())
		assert.Equal(t, int64(1), m.GetInt64("a"))
	})
	var kept *xpc.Message
	arrived(t, d, func(m *xpc.Message) { kept = m })
	assert.Equal(t, int64(0), kept.GetInt64("a"), "released with its handler")
}

// A limit holds for a string that is read alone as well.
func TestSingleLimit(t *testing.T) {
	require.NoError(t, xpc.Native().SetLimits(xpc.Limits{Size: 1000}))
	defer func() { require.NoError(t, xpc.Native().SetLimits(xpc.Limits{})) }()
	arrived(t, xpc.Dictionary{"A": strings.Repeat("a", 1001), "B": "b", "null": nil}, func(m *xpc.Message) {
		for range 2 * xpc.MaxSingles {
			assert.Equal(t, "b", m.GetString("B"), "and not gone later")
			assert.Equal(t, "", m.GetString("A"))
			assert.Equal(t, int64(0), m.GetInt64("null"))
		}
		_, err := m.Dictionary()
		assert.ErrorContains(t, err, "larger than 1000 bytes")
		assert.Equal(t, "b", m.GetString("B"))
	})
}

// A getter allocates what it gives, and nothing for its key.
func TestSingleAllocations(t *testing.T) {
	countsAllocations(t)
	o, err := native.Encode(xpc.Dictionary{"n": int64(1), "id": xpc.UUID{1}, "s": "some text"})
	require.NoError(t, err)
	defer native.Release(o)
	key := []byte("n")
	var ok bool
	per := func(f func(m *xpc.Message)) float64 {
		receive, free := native.Receiver(func(m any) { f(m.(*xpc.Message)) })
		defer free()
		return testing.AllocsPerRun(100, func() { receive(o, 1) })
	}
	nothing := per(func(*xpc.Message) {})
	assert.Equal(t, nothing, per(func(m *xpc.Message) { ok = m.GetInt64(string(key)) == 1 && m.GetUUID("id")[0] == 1 }))
	assert.True(t, ok)
	assert.Equal(t, nothing+1, per(func(m *xpc.Message) { ok = m.GetString("s") == "some text" }))
	assert.True(t, ok)
}
