package xpc_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/internal/gen"
	"github.com/go-xpc/xpc/internal/wire"
)

// Any tree survives, bit for bit: a message decodes to what was sent, encodes
// again to as many bytes, and has the same description before and after.
func TestRoundTrip(t *testing.T) {
	start := uint64(time.Now().UnixNano())
	for i := range uint64(2000) {
		seed := start + i
		rng := gen.Rand(seed)
		roundTrip(t, seed, gen.Dictionary(rng, gen.Options{}))
		roundTrip(t, seed, gen.Dictionary(rng, gen.Options{Loose: true}))
		roundTrip(t, seed, gen.Dictionary(rng, gen.Options{Depth: 12, Width: 3, Data: 8}))
	}
	roundTrip(t, 1, gen.Dictionary(gen.Rand(1), gen.Options{Depth: 2, Width: 20, Data: 3 * wire.BigDataSize}))
}

func roundTrip(t *testing.T, seed uint64, sent xpc.Dictionary) {
	t.Helper()
	flat := flatten(t, sent)
	require.NoError(t, wire.Validate(flat.body, len(flat.resources), wire.DefaultLimits), "seed %d", seed)
	m := xpc.Received(flat)
	defer m.Release()
	got, err := m.Dictionary()
	require.NoError(t, err, "seed %d", seed)
	require.True(t, xpc.Equal(sent, got), "seed %d: sent %v, got %v", seed, sent, got)
	require.True(t, xpc.Equal(m, got), "seed %d", seed)
	require.Equal(t, xpc.Hash(sent), xpc.Hash(got), "seed %d: %v", seed, sent)
	require.Equal(t, xpc.Describe(sent), xpc.Describe(got), "seed %d", seed)
	require.Equal(t, xpc.Describe(sent), xpc.Describe(m), "seed %d", seed)

	again := flatten(t, got)
	require.Equal(t, len(flat.body), len(again.body), "seed %d", seed)
	require.Equal(t, flat.body, flatten(t, m).body, "seed %d: passed on", seed)

	var decoded xpc.Dictionary
	require.NoError(t, m.Decode(&decoded), "seed %d", seed)
	require.True(t, xpc.Equal(got, decoded), "seed %d", seed)
	marshalled, err := xpc.Marshal(sent)
	require.NoError(t, err, "seed %d", seed)
	require.True(t, xpc.Equal(got, marshalled), "seed %d", seed)
	copied, err := xpc.Copy(sent)
	require.NoError(t, err, "seed %d", seed)
	require.True(t, xpc.Equal(sent, copied), "seed %d", seed)
	for k := range got {
		v, ok := xpc.Lookup(m, k)
		require.True(t, ok, "seed %d: key %q", seed, k)
		require.True(t, xpc.Equal(v, sent[k]), "seed %d: key %q", seed, k)
	}
}

// A tree that is changed anywhere is no longer equal.
func TestRoundTripTellsDifferences(t *testing.T) {
	for seed := range uint64(500) {
		d := gen.Dictionary(gen.Rand(seed), gen.Options{})
		c, err := xpc.Copy(d)
		require.NoError(t, err)
		changed := c.(xpc.Dictionary)
		if !change(gen.Rand(seed), changed) {
			continue
		}
		require.False(t, xpc.Equal(d, changed), "seed %d: %v and %v", seed, d, changed)
	}
}

// change alters one leaf; it is false if there is none.
func change(rng *rand.Rand, v any) bool {
	switch v := v.(type) {
	case xpc.Dictionary:
		for k, e := range v {
			if !change(rng, e) {
				v[k] = struct{ Changed bool }{true}
			}
			return true
		}
	case xpc.Array:
		if len(v) > 0 {
			i := rng.IntN(len(v))
			if !change(rng, v[i]) {
				v[i] = "changed to something that is not generated"
			}
			return true
		}
	}
	return false
}

func TestRoundTripDescriptors(t *testing.T) {
	f := tempFile(t, "content")
	sent := gen.Dictionary(gen.Rand(3), gen.Options{Resource: func(rng *rand.Rand) any {
		if rng.IntN(2) == 0 {
			return f
		}
		return xpc.FD(f.Fd())
	}})
	sent["f"], sent["g"] = f, xpc.Array{xpc.FD(f.Fd()), bytes.Repeat([]byte{7}, wire.BigDataSize), f}
	m := received(t, sent)
	got, err := m.Dictionary()
	require.NoError(t, err)
	defer xpc.CloseFiles(got)
	assert.Equal(t, xpc.Describe(sent), xpc.Describe(got))
	assert.Equal(t, xpc.Describe(sent), xpc.Describe(m))
	sameFile(t, f, got["f"].(*os.File))
	sameFile(t, f, got["g"].(xpc.Array)[0].(*os.File))
	sameFile(t, f, got["g"].(xpc.Array)[2].(*os.File))
	assert.NotSame(t, f, got["f"])

	// Passed on, without a Go value in between, and without a file.
	before := openFiles(t)
	require.NoError(t, xpc.EncodeOnce(m))
	require.NoError(t, xpc.EncodeOnce(xpc.Dictionary{"nested": m}))
	assert.Equal(t, before, openFiles(t))
	again := received(t, m)
	g := again.GetFile("f")
	require.NotNil(t, g)
	defer g.Close()
	sameFile(t, f, g)
	v, _ := xpc.LookupAs[[]byte](again, "g", 1)
	assert.Len(t, v, wire.BigDataSize)
}

func sameFile(t *testing.T, want, got *os.File) {
	t.Helper()
	a, err := want.Stat()
	require.NoError(t, err)
	b, err := got.Stat()
	require.NoError(t, err)
	assert.True(t, os.SameFile(a, b))
}

// A dictionary of anything either fits a struct, and then survives it, or the
// error names the key.
func TestUnmarshalAnything(t *testing.T) {
	keys := []string{"far", "unknown"}
	for i := range reflect.TypeFor[fuzzed]().NumField() {
		keys = append(keys, reflect.TypeFor[fuzzed]().Field(i).Name)
	}
	start := uint64(time.Now().UnixNano())
	fits := 0
	for i := range uint64(20000) {
		seed := start + i
		d := gen.Dictionary(gen.Rand(seed), gen.Options{Depth: 3, Width: 2, Data: 3, Keys: keys})
		m := received(t, d)
		var v, w fuzzed
		err := m.Decode(&v)
		if err2 := xpc.Unmarshal(d, &w); err == nil {
			require.NoError(t, err2, "seed %d: %v", seed, d)
		} else {
			require.Error(t, err2, "seed %d: %v", seed, d)
			var ve *xpc.ValueError
			require.ErrorAs(t, err, &ve, "seed %d: %v", seed, d)
			require.NotEmpty(t, ve.Path, "seed %d: %v", seed, d)
			continue
		}
		fits++
		a, err := xpc.Marshal(&v)
		b, err2 := xpc.Marshal(&w)
		if err != nil || err2 != nil { // a point that does not want to be sent
			require.ErrorIs(t, err, errColor, "seed %d: %v", seed, d)
			require.ErrorIs(t, err2, errColor, "seed %d: %v", seed, d)
			continue
		}
		require.True(t, xpc.Equal(a, b), "seed %d: %v\nbecame %v\nand %v", seed, d, a, b)
	}
	require.Greater(t, fits, 1000)
}
