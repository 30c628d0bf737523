package xpc_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/gen"
	"github.com/go-xpc/xpc/internal/wire"
)

// hostile is a message with any body, whose resources cannot be had, or large
// data only.
func hostile(body []byte, resources uint8) *flatMessage {
	m := &flatMessage{body: bytes.Clone(body), resources: make([]driver.Resource, resources%8)}
	for i := range m.resources {
		m.resources[i] = driver.Resource{Kind: driver.ResourceData, Data: make([]byte, i)}
	}
	return m
}

func addSeeds(f *testing.F) {
	for seed := range uint64(8) {
		body, err := xpc.EncodeBody(gen.Dictionary(gen.Rand(seed), gen.Options{}), false)
		require.NoError(f, err)
		f.Add(body, uint8(seed%3))
	}
	v := full()
	body, err := xpc.EncodeBody(&v, false)
	require.NoError(f, err)
	f.Add(body, uint8(0))
	var e wire.Encoder
	d := e.Begin(wire.Dictionary)
	for i, t := range []wire.Tag{wire.FD, wire.Endpoint, wire.SharedMemory, wire.BigData} {
		e.Key(t.String() + "s"[:i/3])
		switch t {
		case wire.FD:
			e.FD(i)
		case wire.Endpoint:
			e.Endpoint(i)
		case wire.SharedMemory:
			e.SharedMemory(i)
		default:
			e.BigData(i, i)
		}
	}
	e.End(d, 4)
	f.Add(e.Buf, uint8(4))
}

// What Validate accepts decodes, and encodes again to an equal value; what it
// refuses is an error or harmless. No getter panics, whatever the bytes.
func FuzzDecode(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, body []byte, resources uint8) {
		m := hostile(body, resources)
		valid := wire.Validate(body, len(m.resources), wire.DefaultLimits)
		v, err := xpc.DecodeBody(m, body)
		if err != nil {
			if valid == nil && len(m.resources) == 0 { // others cannot be had
				t.Fatalf("valid, and yet: %v", err)
			}
			return
		}
		if valid == nil && len(m.resources) == 0 {
			again, err := xpc.EncodeBody(v, true)
			if err != nil {
				t.Fatalf("decoded and cannot be encoded: %v", err)
			}
			w, err := xpc.DecodeBody(hostile(again, 0), again)
			if err != nil || !xpc.Equal(v, w) || xpc.Describe(v) != xpc.Describe(w) || xpc.Hash(v) != xpc.Hash(w) {
				t.Fatalf("%v\nbecame %v, %v", v, w, err)
			}
			// An error comes back as an Unsupported, whose form is longer.
			if len(again) != len(body) && bytes.IndexByte(body, byte(wire.Error)) < 0 {
				t.Fatalf("%d bytes became %d", len(body), len(again))
			}
		}
	})
}

// fuzzed has a field of every kind. The names are short, so that they are found.
type fuzzed struct {
	A bool
	B int
	C int8
	D uint16
	E uint64
	F float32
	G float64
	H string
	I []byte
	J [2]byte
	K time.Time `xpc:",omitempty"`
	L xpc.UUID
	M []string
	N [2]int8
	O map[string]int
	P map[string]any
	Q any
	R *fuzzed
	S []*fuzzed
	T color
	U point
	V xpc.JSON[any]
	W *os.File
	X xpc.FD
	Y *xpc.Endpoint
	Z *xpc.SharedMemory
	*Pointed
}

func FuzzUnmarshal(f *testing.F) {
	addSeeds(f)
	var seed fuzzed
	seed.K = time.Unix(0, 0)
	seed.W = nil
	dict := marshalWithout(f, &seed, "X")
	body, err := xpc.EncodeBody(dict, false)
	require.NoError(f, err)
	f.Add(body, uint8(0))
	seed.R, seed.S = &fuzzed{K: seed.K}, []*fuzzed{nil}
	seed.M, seed.O, seed.P = []string{"a"}, map[string]int{"b": 1}, map[string]any{"c": "d"}
	dict = marshalWithout(f, &seed, "X")
	delete(dict.GetDictionary("R"), "X")
	body, err = xpc.EncodeBody(dict, false)
	require.NoError(f, err)
	f.Add(body, uint8(0))
	f.Fuzz(func(t *testing.T, body []byte, resources uint8) {
		m := xpc.Received(hostile(body, resources))
		defer m.Release()
		var v, strict fuzzed
		err := m.Decode(&v)
		if m.Decode(&strict, xpc.DisallowUnknownKeys) == nil && err != nil {
			t.Fatalf("only the strict decoding works: %v", err)
		}
		for _, key := range []string{"", "A", "B", "Q", "a"} {
			read(m, key)
		}
		xpc.Lookup(m, "S", 1, "Q")
		xpc.Get[fuzzed](m, "R")
		if err != nil || wire.Validate(body, int(resources%8), wire.DefaultLimits) != nil {
			return
		}
		d, err := xpc.Marshal(&v)
		if err != nil {
			// An Unsupported in an any, or a depth that a pointer adds, is no fault.
			var ve *xpc.ValueError
			require.ErrorAs(t, err, &ve)
			return
		}
		var again fuzzed
		if err := xpc.Unmarshal(d, &again); err != nil {
			t.Fatalf("%v\ncannot be decoded: %v", d, err)
		}
		if d2, err := xpc.Marshal(&again); err != nil || !xpc.Equal(d, d2) {
			t.Fatalf("%v\nbecame %v, %v", d, d2, err)
		}
	})
}

func marshalWithout(t testing.TB, v any, key string) xpc.Dictionary {
	d := marshal(t, v)
	delete(d, key)
	return d
}

// A description of a message is that of its dictionary, on any bytes.
func FuzzDescribe(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, body []byte, resources uint8) {
		m := xpc.Received(hostile(body, resources))
		defer m.Release()
		text := m.String()
		m.LogValue()
		if wire.Validate(body, int(resources%8), wire.DefaultLimits) != nil {
			return
		}
		if d, err := m.Dictionary(); err == nil && xpc.Describe(d) != text {
			t.Fatalf("the message is\n%s\nand its dictionary\n%s", text, d)
		}
	})
}
