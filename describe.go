package xpc

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

// Describe gives a text of a value and everything in it, for people and for
// golden files: each value with its XPC type, keys sorted, one entry per line. The
// same value has the same text in every process and on every system; descriptors,
// endpoints and shared memory show no numbers, and of data longer than 32 bytes
// the beginning is shown. It never fails: what cannot be sent shows as such.
//
//	dictionary {
//	    "name": string "printer"
//	    "jobs": array [
//	        int64 3
//	        null
//	    ]
//	}
//
// A *[Message] is described without taking anything out of it.
//
// C: xpc_copy_description, whose own form is not stable,
// https://developer.apple.com/documentation/xpc/1505812-xpc_copy_description
func Describe(v any) string {
	p := printer{lines: true, depth: localLimits.Depth}
	p.value(v)
	return string(p.buf)
}

// describeInline is Describe on one line.
func describeInline(v any) string {
	p := printer{depth: localLimits.Depth}
	p.value(v)
	return string(p.buf)
}

// String describes the dictionary, see [Describe].
func (d Dictionary) String() string { return Describe(d) }

// String describes the array, see [Describe].
func (a Array) String() string { return Describe(a) }

// String describes the message, see [Describe].
func (m *Message) String() string { return Describe(m) }

type printer struct {
	buf   []byte
	lines bool
	level int
	depth int
}

// maxShown bounds the bytes of data, and maxText those of a whole description:
// values that share their parts can be small in memory and endless here.
const (
	maxShown = 32
	maxText  = 64 << 20
)

func (p *printer) add(s ...string) {
	for _, s := range s {
		p.buf = append(p.buf, s...)
	}
}

func (p *printer) value(v any) {
	switch m := v.(type) {
	case *Message:
		p.message(m)
		return
	case *Connection:
		p.add("connection (cannot be sent)")
		return
	}
	x, ok := closed(v)
	if !ok {
		var err error
		if x, err = canonical(v); err != nil {
			p.bad(v, err)
			return
		}
	}
	switch x := x.(type) {
	case nil:
		p.add("null")
	case bool:
		p.bool(x)
	case int64:
		p.int64(x)
	case uint64:
		p.uint64(x)
	case float64:
		p.double(math.Float64bits(x))
	case time.Time:
		if ns, ok := dateNanos(x); ok {
			p.date(ns)
		} else {
			p.bad(v, dateRange(x))
		}
	case string:
		p.add("string ", strconv.Quote(x))
	case []byte:
		p.data(x, uint64(len(x)))
	case UUID:
		p.add("uuid ", x.String())
	case FD, *os.File:
		p.add("fd")
	case *SharedMemory:
		p.add("shmem")
	case *Endpoint:
		p.add("endpoint")
	case Unsupported:
		p.unsupported(x.Type, x.Description)
	case Dictionary:
		p.dictionary(x)
	case Array:
		p.container("array", "[", "]", len(x), func(i int) { p.value(x[i]) })
	}
}

func (p *printer) bad(v any, err error) {
	var ve *ValueError
	rule := err.Error()
	if errors.As(err, &ve) {
		rule = ve.Rule
		if ve.Path != "" {
			rule = ve.Path + ": " + rule
		}
	}
	p.add(fmt.Sprintf("%T (cannot be sent: %s)", v, rule))
}

func (p *printer) bool(v bool)     { p.add("bool ", strconv.FormatBool(v)) }
func (p *printer) int64(v int64)   { p.add("int64 ", strconv.FormatInt(v, 10)) }
func (p *printer) uint64(v uint64) { p.add("uint64 ", strconv.FormatUint(v, 10)) }

// double shows the bits of a NaN, of which there are many.
func (p *printer) double(bits uint64) {
	f := math.Float64frombits(bits)
	p.add("double ", strconv.FormatFloat(f, 'g', -1, 64))
	if math.IsNaN(f) {
		p.add(fmt.Sprintf(" %#016x", bits))
	}
}

func (p *printer) date(ns int64) {
	p.add("date ", fromDateNanos(ns).Format(time.RFC3339Nano))
}

// data shows the beginning b of n bytes.
func (p *printer) data(b []byte, n uint64) {
	p.add("data ", strconv.FormatUint(n, 10), " bytes")
	if n == 0 {
		return
	}
	p.add(" ", hex.EncodeToString(b[:min(len(b), maxShown)]))
	if n > maxShown {
		p.add("…")
	}
}

func (p *printer) unsupported(typeName, description string) {
	p.add("unsupported ", strconv.Quote(typeName), " ", strconv.Quote(description))
}

func (p *printer) dictionary(d Dictionary) {
	keys := make([]string, 0, len(d))
	for k := range d {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	p.container("dictionary", "{", "}", len(keys), func(i int) {
		p.add(strconv.Quote(keys[i]), ": ")
		p.value(d[keys[i]])
	})
}

// container prints n elements, each by a call of element.
func (p *printer) container(name, open, end string, n int, element func(int)) {
	p.add(name, " ", open)
	switch {
	case n == 0:
		p.add(end)
		return
	case p.depth == 0 || len(p.buf) > maxText:
		p.add("…", end)
		return
	}
	p.depth--
	p.level++
	for i := range n {
		if i > 0 && !p.lines {
			p.add(", ")
		}
		p.newline()
		element(i)
	}
	p.level--
	p.depth++
	p.newline()
	p.add(end)
}

func (p *printer) newline() {
	if p.lines {
		p.add("\n", strings.Repeat("    ", p.level))
	}
}

func (p *printer) message(m *Message) {
	if m == nil {
		p.add("message (nil)")
		return
	}
	body, err := m.contents("Describe")
	if err == nil {
		err = m.with("Describe", func(d *decoder) error {
			p.flat(d.d, body)
			return nil
		})
	}
	if err != nil {
		p.add("message (cannot be read: ", err.Error(), ")")
	}
}

// flat prints what value would print of the decoded value.
func (p *printer) flat(d driver.Message, v wire.Value) {
	switch v.Tag() {
	case wire.Null, wire.FD, wire.SharedMemory, wire.Endpoint:
		p.add(v.Tag().String())
	case wire.True, wire.False:
		p.bool(v.Tag() == wire.True)
	case wire.Int64:
		p.int64(v.Int64())
	case wire.Uint64:
		p.uint64(v.Uint64())
	case wire.Double:
		p.double(v.Uint64())
	case wire.Date:
		p.date(v.Int64())
	case wire.String:
		p.add("string ", strconv.Quote(string(v.Text())))
	case wire.Data:
		p.data(v.Data(), uint64(len(v.Data())))
	case wire.BigData:
		x, err := resourceOf(d, v)
		b, ok := x.([]byte)
		if err != nil || !ok {
			p.add("data (cannot be read)")
			return
		}
		p.data(b, v.BigLength())
	case wire.UUID:
		p.add("uuid ", UUID(v.UUID()).String())
	case wire.Error:
		p.unsupported("error", string(v.Text()))
	case wire.Unsupported:
		p.unsupported(string(v.TypeName()), string(v.Description()))
	case wire.Array:
		all, _, err := elements(v)
		p.container("array", "[", "]", len(all), func(i int) { p.flat(d, all[i]) })
		p.broken(err)
	case wire.Dictionary:
		all, keys, err := elements(v)
		order := make([]int, len(keys))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(i, j int) int { return strings.Compare(keys[i], keys[j]) })
		p.container("dictionary", "{", "}", len(all), func(i int) {
			p.add(strconv.Quote(keys[order[i]]), ": ")
			p.flat(d, all[order[i]])
		})
		p.broken(err)
	}
}

func (p *printer) broken(err error) {
	if err != nil {
		p.add(" (", err.Error(), ")")
	}
}

func elements(v wire.Value) (all []wire.Value, keys []string, err error) {
	it := v.Elements()
	for {
		k, x, ok := it.Next()
		if !ok {
			return all, keys, it.Err()
		}
		all = append(all, x)
		if v.Tag() == wire.Dictionary {
			keys = append(keys, string(k))
		}
	}
}
