// Package gen makes random dictionaries for property tests, with the values that
// are easily lost on the way: extremes, empty ones, NaNs of many kinds, bytes that
// are no UTF-8.
package gen

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/go-xpc/xpc"
)

// Options bound what is made. Without a Depth, the bounds are those of Default.
type Options struct {
	Depth int // nested containers, the outermost included
	Width int // elements of a container
	Data  int // bytes of data or a string

	// Keys, if set, are those to choose from.
	Keys []string

	// Loose also makes values of Go types other than those that messages decode
	// to: int, float32, map[string]any and the like.
	Loose bool

	// Resource, if set, makes descriptors, endpoints and shared memory, which only
	// the caller can.
	Resource func(*rand.Rand) any
}

// Default is small enough to run many times.
var Default = Options{Depth: 4, Width: 6, Data: 64}

// Rand makes the source of a seed, which a failing test prints.
func Rand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// Dictionary makes a dictionary. The same source and options give the same one.
func Dictionary(rng *rand.Rand, o Options) xpc.Dictionary {
	if o.Depth == 0 {
		o.Depth, o.Width, o.Data = Default.Depth, Default.Width, Default.Data
	}
	g := generator{rng, o}
	return g.dictionary(o.Depth - 1)
}

type generator struct {
	*rand.Rand
	o Options
}

func (g generator) dictionary(depth int) xpc.Dictionary {
	n := g.IntN(g.o.Width + 1)
	d := make(xpc.Dictionary, n)
	for range n {
		d[g.key()] = g.value(depth)
	}
	return d
}

func (g generator) array(depth int) xpc.Array {
	a := make(xpc.Array, g.IntN(g.o.Width+1))
	for i := range a {
		a[i] = g.value(depth)
	}
	return a
}

func (g generator) key() string {
	if len(g.o.Keys) > 0 {
		return g.o.Keys[g.IntN(len(g.o.Keys))]
	}
	if g.IntN(20) == 0 {
		return ""
	}
	return g.text(12)
}

func (g generator) value(depth int) any {
	if g.o.Loose && g.IntN(3) == 0 {
		return g.loose(depth)
	}
	if g.o.Resource != nil && g.IntN(10) == 0 {
		return g.o.Resource(g.Rand)
	}
	kinds := 11
	if depth > 0 {
		kinds = 15 // containers twice, so that trees grow
	}
	switch g.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return g.IntN(2) == 0
	case 2:
		return g.int64()
	case 3:
		return uint64(g.int64())
	case 4, 5:
		return g.double()
	case 6:
		return time.Unix(0, g.int64()).UTC()
	case 7:
		return g.bytes()
	case 8, 9:
		return g.text(g.o.Data)
	case 10:
		return xpc.UUID(g.bits())
	case 11, 12:
		return g.array(depth - 1)
	}
	return g.dictionary(depth - 1)
}

func (g generator) loose(depth int) any {
	kinds := 11
	if depth > 0 {
		kinds = 15
	}
	n := g.int64()
	switch g.IntN(kinds) {
	case 0:
		return int(n)
	case 1:
		return int8(n)
	case 2:
		return int16(n)
	case 3:
		return int32(n)
	case 4:
		return uint(n)
	case 5:
		return uint8(n)
	case 6:
		return uint16(n)
	case 7:
		return uint32(n)
	case 8:
		return float32(n)
	case 9:
		return time.Duration(n)
	case 10:
		type named string
		return named(g.text(8))
	case 11:
		return map[string]any(g.dictionary(depth - 1))
	case 12:
		return []any(g.array(depth - 1))
	case 13:
		return map[string]string{g.key(): g.text(8), g.key(): g.text(8)}
	}
	return &struct {
		A int32
		B []string `xpc:"b,omitempty"`
	}{int32(n), []string{g.text(8)}}
}

func (g generator) int64() int64 {
	switch g.IntN(8) {
	case 0:
		return math.MinInt64
	case 1:
		return math.MaxInt64
	case 2:
		return -1
	case 3:
		return 0
	case 4:
		return int64(g.IntN(1000))
	}
	return int64(g.Uint64())
}

// double makes quiet and signalling NaNs, zeros of both signs, infinities,
// subnormals and any other bits.
func (g generator) double() float64 {
	const exponent, quiet = 0x7ff << 52, 1 << 51
	sign := g.Uint64() << 63
	bits := g.Uint64()
	switch g.IntN(8) {
	case 0:
		bits = sign
	case 1:
		bits = sign | exponent
	case 2:
		bits = sign | exponent | quiet | bits>>13
	case 3:
		bits = sign | exponent | 1 | bits>>13&^quiet
	case 4:
		bits = sign | bits>>12
	}
	return math.Float64frombits(bits)
}

func (g generator) bits() (b [16]byte) {
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return b
}

func (g generator) bytes() []byte {
	b := make([]byte, g.IntN(g.o.Data+1))
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return b
}

// text makes a string of words, other scripts, control characters and now and
// then bytes that are no UTF-8, but no NUL.
func (g generator) text(most int) string {
	b := make([]byte, 0, most+4)
	for n := g.IntN(most + 1); len(b) < n; {
		switch g.IntN(12) {
		case 0:
			b = append(b, byte(1+g.IntN(255)))
		case 1:
			b = append(b, "äß€𝄞漢"...)
		case 2:
			b = append(b, '"', '\\', '\n')
		default:
			b = append(b, byte('a'+g.IntN(26)))
		}
	}
	return string(b)
}
