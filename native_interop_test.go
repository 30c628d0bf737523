//go:build cgo && xpcstandin

package xpc_test

import (
	"bytes"
	"io"
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/internal/native"
	"github.com/go-xpc/xpc/internal/standin"
)

// documented are the Go values that the package comment names for what
// internal/standin/interop.c makes and reads by plain C calls.
func documented() xpc.Dictionary {
	large := make([]byte, 100_000)
	for i := range large {
		large[i] = byte(i)
	}
	id := xpc.UUID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	data := []byte{0, 1, 0xff, 0}
	return xpc.Dictionary{
		"null": nil, "true": true, "false": false,
		"int64": int64(math.MinInt64), "uint64": uint64(math.MaxUint64),
		"double": 1.5, "nan": math.Float64frombits(0xfff0000000000001),
		"date": time.Unix(0, -1).UTC(),
		"data": data, "no data": []byte{}, "large": large,
		"string": "grüße", "no string": "", "": "no key", "uuid": id,
		"array": xpc.Array{nil, true, int64(-1), uint64(1), math.Copysign(0, -1), time.Unix(0, math.MinInt64).UTC(),
			data, "text", id, xpc.Array{}, xpc.Dictionary{}},
		"dictionary": xpc.Dictionary{"nested": xpc.Dictionary{"deep": int64(1)}},
	}
}

// full is documented with a file, an endpoint and shared memory.
func fullMessage(t testing.TB, s *service) xpc.Dictionary {
	d := documented()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	_, err = io.WriteString(w, "of a file")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	m, err := s.rt.NewSharedMemory(1)
	require.NoError(t, err)
	mapping, err := m.Map()
	require.NoError(t, err)
	copy(mapping.Bytes(), "Go was here\x00")
	t.Cleanup(func() { r.Close(); mapping.Close() })
	d["fd"], d["shmem"], d["endpoint"] = r, m, s.endpoint
	return d
}

// checkFull compares what C has made with the documented values, and uses what
// cannot be compared.
func checkFull(t testing.TB, rt *xpc.Runtime, d xpc.Dictionary) {
	f, _ := d["fd"].(*os.File)
	if assert.NotNil(t, f, "%T", d["fd"]) {
		content, err := io.ReadAll(f)
		assert.NoError(t, err)
		assert.Equal(t, "of a file", string(content))
		f.Close()
	}
	m, _ := d["shmem"].(*xpc.SharedMemory)
	if assert.NotNil(t, m, "%T", d["shmem"]) {
		mapping, err := m.Map()
		assert.NoError(t, err)
		assert.Len(t, mapping.Bytes(), os.Getpagesize())
		assert.True(t, bytes.HasPrefix(mapping.Bytes(), []byte("C was here\x00")), "%q", mapping.Bytes()[:20])
		mapping.Close()
	}
	e, _ := d["endpoint"].(*xpc.Endpoint)
	if assert.NotNil(t, e, "%T", d["endpoint"]) {
		c, err := rt.NewFromEndpoint(e)
		assert.NoError(t, err)
		c.SetEventHandler(func(xpc.Event) {})
		c.Activate()
		reply, err := c.Call(t.Context(), xpc.Dictionary{"ping": 41})
		if assert.NoError(t, err) {
			assert.Equal(t, int64(42), reply.GetInt64("pong"))
			reply.Release()
		}
		c.Close()
		<-c.Done()
	}
	delete(d, "fd")
	delete(d, "shmem")
	delete(d, "endpoint")
	want := documented()
	assert.Equal(t, xpc.Describe(want), xpc.Describe(d))
	nan, wantNaN := d["nan"].(float64), want["nan"].(float64)
	assert.Equal(t, math.Float64bits(wantNaN), math.Float64bits(nan))
	delete(d, "nan") // no NaN is equal to itself
	delete(want, "nan")
	assert.Equal(t, want, d) // the very Go types
}

// interop is a Go service that answers a full message with one, and a ping.
func interop(t testing.TB) *service {
	var s *service
	s = newService(t, func(_ *xpc.Connection, e xpc.Event) {
		m, ok := e.(*xpc.Message)
		if !ok {
			return
		}
		if n, ok := xpc.Get[int64](m, "ping"); ok {
			m.Reply(xpc.Dictionary{"pong": n + 1})
			return
		}
		d, err := m.Dictionary()
		assert.NoError(t, err)
		checkFull(t, s.rt, d)
		assert.NoError(t, m.Reply(fullMessage(t, s)))
	})
	return s
}

func TestInteropObjects(t *testing.T) {
	s := interop(t)
	made := standin.NewFull()
	require.NoError(t, standin.CheckFull(made.Object()), "C reads itself")
	made.Release()
	made = standin.NewFull()
	defer made.Release()
	native.Receive(made.Object(), func(m any) {
		d, err := m.(*xpc.Message).Dictionary()
		require.NoError(t, err)
		checkFull(t, s.rt, d)
	})
}

func TestInteropGoToC(t *testing.T) {
	s := interop(t)
	sent := fullMessage(t, s)
	o, err := native.Encode(sent)
	require.NoError(t, err)
	require.NoError(t, standin.CheckFull(o))
	native.Release(o)
	mapping, err := sent["shmem"].(*xpc.SharedMemory).Map()
	require.NoError(t, err)
	defer mapping.Close()
	require.True(t, bytes.HasPrefix(mapping.Bytes(), []byte("C was here\x00")))
}

func TestInteropGoAsksC(t *testing.T) {
	s := interop(t)
	peer := standin.NewCService()
	where := peer.Endpoint()
	var c *xpc.Connection
	native.Receive(where.Object(), func(m any) {
		var err error
		c, err = s.rt.NewFromEndpoint(m.(*xpc.Message).GetEndpoint("endpoint"))
		require.NoError(t, err)
	})
	where.Release()
	require.NoError(t, c.SetEventHandler(func(xpc.Event) {}))
	require.NoError(t, c.Activate())
	m, err := c.Call(t.Context(), fullMessage(t, s))
	require.NoError(t, err)
	d, err := m.Dictionary()
	require.NoError(t, err)
	require.NotContains(t, d, "wrong")
	checkFull(t, s.rt, d)
	require.NoError(t, m.Release())
	c.Close()
	done(t, c)
	peer.Stop()
}

func TestInteropCAsksGo(t *testing.T) {
	s := interop(t)
	o, err := native.Encode(xpc.Dictionary{"endpoint": s.endpoint})
	require.NoError(t, err)
	defer native.Release(o)
	require.NoError(t, standin.AskFull(o))
}

// What libxpc can send and Go cannot hold is neither lost nor sent on.
func TestInteropErrorInside(t *testing.T) {
	o := standin.NewErrorInside()
	defer o.Release()
	native.Receive(o.Object(), func(v any) {
		m := v.(*xpc.Message)
		d, err := m.Dictionary()
		require.NoError(t, err)
		require.Equal(t, xpc.Dictionary{"error": xpc.Unsupported{Type: "error", Description: "Connection invalid"}}, d)
		for _, again := range []any{m, d} {
			_, err = native.Encode(again)
			require.ErrorContains(t, err, "error: a received object of type error cannot be sent")
		}
	})
}
