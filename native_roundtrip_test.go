//go:build cgo && xpcstandin

package xpc_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/gen"
	"github.com/go-xpc/xpc/internal/native"
	"github.com/go-xpc/xpc/internal/wire"
)

// bits writes a flat form so that two are the same text only if they are the same
// but for the order of the entries of their dictionaries.
func bits(t testing.TB, body []byte) string {
	t.Helper()
	v, err := wire.Parse(body)
	require.NoError(t, err)
	var b strings.Builder
	writeBits(t, &b, v)
	return b.String()
}

func writeBits(t testing.TB, b *strings.Builder, v wire.Value) {
	switch v.Tag() {
	case wire.FD, wire.Endpoint, wire.SharedMemory:
		fmt.Fprintf(b, "%v ", v.Tag())
	case wire.BigData:
		fmt.Fprintf(b, "data of %d ", v.BigLength())
	case wire.Array, wire.Dictionary:
		var all []string
		it := v.Elements()
		for {
			k, e, ok := it.Next()
			if !ok {
				break
			}
			var one strings.Builder
			fmt.Fprintf(&one, "%q:", k)
			writeBits(t, &one, e)
			all = append(all, one.String())
		}
		require.NoError(t, it.Err())
		if v.Tag() == wire.Dictionary {
			sort.Strings(all)
		}
		fmt.Fprintf(b, "%v{%s}", v.Tag(), strings.Join(all, ","))
	default:
		fmt.Fprintf(b, "%x", v.Raw())
	}
}

// trees makes trees of several shapes of one seed.
func trees(seed uint64, resource func(*rand.Rand) any) []xpc.Dictionary {
	rng := gen.Rand(seed)
	return []xpc.Dictionary{
		gen.Dictionary(rng, gen.Options{}),
		gen.Dictionary(rng, gen.Options{Loose: true}),
		gen.Dictionary(rng, gen.Options{Depth: 12, Width: 3, Data: 8}),
		gen.Dictionary(rng, gen.Options{Depth: 3, Width: 5, Data: 20, Resource: resource}),
	}
}

func firstSeed(t testing.TB) uint64 {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seeds from %d", seed)
	return seed
}

// resources makes one value of each kind that only a runtime can.
func resources(t testing.TB, rt *xpc.Runtime) func(*rand.Rand) any {
	f := tempFile(t, "content")
	l, err := rt.NewAnonymousListener(nil)
	require.NoError(t, err)
	require.NoError(t, l.SetEventHandler(func(xpc.Event) {}))
	require.NoError(t, l.Activate())
	t.Cleanup(func() { l.Close(); done(t, l) })
	e, err := l.Endpoint()
	require.NoError(t, err)
	m, err := rt.NewSharedMemory(1)
	require.NoError(t, err)
	large := bytes.Repeat([]byte("large"), wire.BigDataSize/5+1)
	return func(rng *rand.Rand) any {
		return []any{f, xpc.FD(f.Fd()), e, m, large}[rng.IntN(5)]
	}
}

// Any tree becomes a C object and a Go value again, bit for bit.
func TestObjectRoundTrip(t *testing.T) {
	rt := testRuntime(t)
	resource := resources(t, rt)
	first := firstSeed(t)
	for seed := first; seed < first+1000; seed++ {
		for _, sent := range trees(seed, resource) {
			p, free, err := xpc.Flatten(sent)
			require.NoError(t, err, "seed %d", seed)
			o, err := native.Build(p)
			require.NoError(t, err, "seed %d", seed)
			native.Deliver(o, func(d driver.Message) {
				require.NoError(t, wire.Validate(d.Body(), d.Resources(), wire.DefaultLimits), "seed %d", seed)
				require.Equal(t, bits(t, p.Body), bits(t, d.Body()), "seed %d", seed)
				if os.Getenv("XS_SEED") == "" {
					require.Equal(t, p.Body, d.Body(), "seed %d", seed)
				}
			})
			free()
			native.Receive(o, func(m any) { same(t, seed, sent, m.(*xpc.Message)) })
			native.Release(o)
		}
	}
}

// And so it does by way of a service that passes it on.
func TestSendRoundTrip(t *testing.T) {
	s := newService(t, func(_ *xpc.Connection, e xpc.Event) {
		if m, ok := e.(*xpc.Message); ok {
			m.Reply(m)
		}
	})
	resource := resources(t, s.rt)
	c, _ := s.active(t)
	first := firstSeed(t)
	for seed := first; seed < first+100; seed++ {
		for _, sent := range trees(seed, resource) {
			m, err := c.SendMessageWithReplySync(sent)
			require.NoError(t, err, "seed %d", seed)
			same(t, seed, sent, m)
			require.NoError(t, m.Release())
		}
	}
}

func same(t testing.TB, seed uint64, sent xpc.Dictionary, m *xpc.Message) {
	t.Helper()
	got, err := m.Dictionary()
	require.NoError(t, err, "seed %d", seed)
	defer xpc.CloseFiles(got)
	require.Equal(t, xpc.Describe(sent), xpc.Describe(got), "seed %d", seed)
	require.Equal(t, xpc.Describe(sent), xpc.Describe(m), "seed %d", seed)
	if strip(sent) { // descriptors are never equal, and shared memory is known by its object
		strip(got)
	} else {
		require.True(t, xpc.Equal(sent, m), "seed %d", seed)
	}
	require.True(t, xpc.Equal(sent, got), "seed %d: sent %v, got %v", seed, sent, got)
	require.Equal(t, xpc.Hash(sent), xpc.Hash(got), "seed %d", seed)
}

// strip takes descriptors and shared memory out of a tree, if there are any.
func strip(v any) (found bool) {
	resource := func(v any) bool {
		switch v.(type) {
		case *os.File, xpc.FD, *xpc.SharedMemory:
			return true
		}
		return false
	}
	switch v := v.(type) {
	case xpc.Dictionary:
		for k, e := range v {
			if resource(e) {
				v[k], found = "resource", true
			} else if strip(e) {
				found = true
			}
		}
	case xpc.Array:
		for i, e := range v {
			if resource(e) {
				v[i], found = "resource", true
			} else if strip(e) {
				found = true
			}
		}
	}
	return found
}
