package wire

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sample holds each tag once, and returns how many resources it refers to.
func sample() ([]byte, int) {
	var e Encoder
	d := e.Begin(Dictionary)
	e.Key("scalars")
	a := e.Begin(Array)
	e.Null()
	e.Bool(false)
	e.Bool(true)
	e.Int64(math.MinInt64)
	e.Uint64(math.MaxUint64)
	e.DoubleBits(0x7ff0000000000001)
	e.Date(-1)
	e.Data([]byte{0, 1})
	e.String("text")
	e.UUID([16]byte{1})
	e.Error("an error")
	e.Unsupported("mach_send", "<mach_send>")
	e.End(a, 12)
	e.Key("fd")
	e.FD(0)
	e.Key("shmem")
	e.SharedMemory(1)
	e.Key("endpoint")
	e.Endpoint(2)
	e.Key("big")
	e.BigData(3, BigDataSize)
	e.End(d, 5)
	return e.Buf, 4
}

func TestSample(t *testing.T) {
	buf, n := sample()
	require.NoError(t, Validate(buf, n, DefaultLimits))
	v, err := Parse(buf)
	require.NoError(t, err)
	a, err := v.Lookup("scalars")
	require.NoError(t, err)
	require.Equal(t, 12, a.Count())
	at := func(i int) Value {
		x, err := a.Index(i)
		require.NoError(t, err)
		return x
	}
	assert.Equal(t, Null, at(0).Tag())
	assert.Equal(t, False, at(1).Tag())
	assert.Equal(t, True, at(2).Tag())
	assert.Equal(t, int64(math.MinInt64), at(3).Int64())
	assert.Equal(t, uint64(math.MaxUint64), at(4).Uint64())
	assert.Equal(t, uint64(0x7ff0000000000001), math.Float64bits(at(5).Double()))
	assert.Equal(t, int64(-1), at(6).Int64())
	assert.Equal(t, []byte{0, 1}, at(7).Data())
	assert.Equal(t, "text", string(at(8).Text()))
	assert.Equal(t, [16]byte{1}, at(9).UUID())
	assert.Equal(t, "an error", string(at(10).Text()))
	assert.Equal(t, "mach_send", string(at(11).TypeName()))
	assert.Equal(t, "<mach_send>", string(at(11).Description()))
	assert.True(t, at(12).IsZero())
	assert.True(t, at(-1).IsZero())
	big, err := v.Lookup("big")
	require.NoError(t, err)
	assert.Equal(t, uint32(3), big.Resource())
	assert.Equal(t, uint64(BigDataSize), big.BigLength())
	none, err := v.Lookup("none")
	require.NoError(t, err)
	assert.True(t, none.IsZero())
}

// Every cut and every changed byte is an error or another valid value, and never
// a read past the end: the buffer ends where its memory does.
func TestDamage(t *testing.T) {
	buf, n := sample()
	for i := range buf {
		require.Error(t, Validate(bytes.Clone(buf[:i]), n, DefaultLimits), "cut at %d", i)
		for _, b := range []byte{0, 1, 0x7f, 0x80, 0xff} {
			c := bytes.Clone(buf)
			c[i] = b
			err := Validate(c, n, DefaultLimits)
			if walkErr := walk(c); walkErr != nil {
				require.Error(t, err, "byte %d set to %d: %v", i, b, walkErr)
			}
		}
	}
	require.Error(t, Validate(append(bytes.Clone(buf), 0), n, DefaultLimits))
}

// walk reads all of a buffer as a decoder does.
func walk(buf []byte) error {
	v, err := Parse(buf)
	if err != nil {
		return err
	}
	return walkValue(v, DefaultLimits.Depth)
}

func walkValue(v Value, depth int) error {
	switch v.Tag() {
	case Data:
		_ = v.Data()
	case String, Error:
		_ = v.Text()
	case Unsupported:
		_, _ = v.TypeName(), v.Description()
	case UUID:
		_ = v.UUID()
	case Int64, Uint64, Date, Double:
		_ = v.Uint64()
	case FD, Endpoint, SharedMemory:
		_ = v.Resource()
	case BigData:
		_ = v.BigLength()
	case Array, Dictionary:
		if depth == 0 {
			return &FormatError{Rule: "nested deeper than the limit"}
		}
		it := v.Elements()
		for {
			k, e, ok := it.Next()
			if !ok {
				return it.Err()
			}
			if v.Tag() == Dictionary {
				if found, err := v.Lookup(string(k)); err != nil || found.IsZero() {
					return &FormatError{Rule: "Lookup does not find what Next has found"}
				}
			}
			if err := walkValue(e, depth-1); err != nil {
				return err
			}
		}
	}
	return nil
}

func u32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func nested(depth int) []byte {
	var e Encoder
	marks := make([]int, depth)
	for i := range marks {
		marks[i] = e.Begin(Array)
	}
	for i := range marks {
		n := 1
		if i == 0 {
			n = 0
		}
		e.End(marks[len(marks)-1-i], n)
	}
	return e.Buf
}

func TestHostile(t *testing.T) {
	dict := byte(Dictionary)
	key := func(k string) []byte { return join(u32(uint32(len(k))), []byte(k), []byte{0}) }
	entry := func(k string, v ...byte) []byte { return join(key(k), v) }
	dictionary := func(n uint32, entries ...[]byte) []byte {
		all := join(entries...)
		return join([]byte{dict}, u32(uint32(len(all))), u32(n), all)
	}
	fd := func(i uint32) []byte { return join([]byte{byte(FD)}, u32(i)) }
	null := byte(Null)

	for name, c := range map[string]struct {
		buf       []byte
		resources int
		rule      string
	}{
		"empty":                  {nil, 0, "truncated"},
		"tag 0":                  {[]byte{0}, 0, "unknown tag 0"},
		"unknown tag":            {[]byte{200}, 0, "unknown tag 200"},
		"count of 2^32":          {join([]byte{byte(Array)}, u32(1), u32(math.MaxUint32), []byte{null}), 0, "more elements than bytes"},
		"entries of 2^31":        {join([]byte{dict}, u32(6), u32(1<<31), entry("", null)), 0, "more elements than bytes"},
		"size past the end":      {join([]byte{dict}, u32(math.MaxUint32), u32(0)), 0, "truncated"},
		"size of 2^31":           {join([]byte{dict}, u32(1<<31), u32(0)), 0, "truncated"},
		"data past the end":      {join([]byte{byte(Data)}, u32(math.MaxUint32)), 0, "truncated"},
		"data one short":         {join([]byte{byte(Data)}, u32(2), []byte{1}), 0, "truncated"},
		"text past the end":      {join([]byte{byte(String)}, u32(math.MaxUint32), []byte{0}), 0, "truncated"},
		"text one short":         {join([]byte{byte(String)}, u32(1), []byte("a")), 0, "truncated"},
		"text of -5":             {join([]byte{byte(String)}, u32(math.MaxUint32-4), []byte{0}), 0, "truncated"},
		"text without NUL":       {join([]byte{byte(String)}, u32(1), []byte("ab")), 0, "text without its NUL"},
		"NUL inside":             {join([]byte{byte(String)}, u32(1), []byte{0, 0}), 0, "NUL inside a text"},
		"NUL in a key":           {dictionary(1, entry("a\x00b", null)), 0, "NUL inside a key"},
		"key twice":              {dictionary(2, entry("a", null), entry("a", null)), 0, "key used twice"},
		"missing element":        {join([]byte{byte(Array)}, u32(1), u32(0), []byte{null}), 0, "bytes after the last element"},
		"element past container": {join([]byte{byte(Array)}, u32(1), u32(1), []byte{byte(Int64)}, make([]byte, 8)), 0, "bytes after the end"},
		"count without entries":  {dictionary(2, entry("aaaaaaaaaaaaaaa", null)), 0, "truncated"},
		"resource twice":         {dictionary(2, entry("a", fd(0)...), entry("b", fd(0)...)), 2, "used twice"},
		"resource missing":       {dictionary(1, entry("a", fd(0)...)), 0, "resource missing"},
		"resource of 2^32":       {dictionary(1, entry("a", fd(math.MaxUint32)...)), 1, "resource missing"},
		"resource out of order":  {dictionary(2, entry("a", fd(1)...), entry("b", fd(0)...)), 2, "out of order"},
		"resource not used":      {dictionary(0), 1, "no value refers to"},
		"depth 10,000":           {nested(10_000), 0, "nested deeper"},
		"depth 1,000,000":        {nested(1_000_000), 0, "nested deeper"},
		"depth 129":              {nested(DefaultLimits.Depth + 1), 0, "nested deeper"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		err := Validate(c.buf, c.resources, DefaultLimits)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		require.ErrorContains(t, err, c.rule, name)
		require.ErrorContains(t, err, "malformed", name)
		require.Less(t, took, time.Second, name)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<16), name)
	}
	require.NoError(t, Validate(nested(DefaultLimits.Depth), 0, DefaultLimits))
	require.ErrorContains(t, Validate(nested(3), 0, Limits{Depth: 3, Size: 10}), "larger than the limit")
	require.ErrorContains(t, Validate(nested(3), 0, Limits{Depth: 2, Size: 100}), "nested deeper")

	many := make([][]byte, 0, 1001)
	for i := range 1000 {
		many = append(many, entry(string(rune('a'+i)), null))
	}
	require.NoError(t, Validate(dictionary(1000, many...), 0, DefaultLimits))
	require.ErrorContains(t, Validate(dictionary(1001, append(many, entry("c", null))...), 0, DefaultLimits), "key used twice")
}

func FuzzValidate(f *testing.F) {
	buf, n := sample()
	f.Add(buf, n)
	f.Add(nested(200), 0)
	f.Fuzz(func(t *testing.T, buf []byte, n int) {
		buf = bytes.Clone(buf) // so that a read past the end is one past the memory
		err := Validate(buf, n, DefaultLimits)
		if walkErr := walk(buf); walkErr != nil && err == nil {
			t.Fatalf("valid, and yet: %v", walkErr)
		}
		if err == nil {
			if again := encodeAgain(t, buf); !bytes.Equal(buf, again) {
				t.Fatalf("%x encodes again as %x", buf, again)
			}
		}
	})
}

// encodeAgain writes what it reads. A valid buffer has one form only.
func encodeAgain(t *testing.T, buf []byte) []byte {
	v, err := Parse(buf)
	require.NoError(t, err)
	var e Encoder
	var value func(v Value)
	value = func(v Value) {
		switch v.Tag() {
		case Null:
			e.Null()
		case False, True:
			e.Bool(v.Tag() == True)
		case Int64:
			e.Int64(v.Int64())
		case Uint64:
			e.Uint64(v.Uint64())
		case Double:
			e.DoubleBits(math.Float64bits(v.Double()))
		case Date:
			e.Date(v.Int64())
		case Data:
			e.Data(v.Data())
		case String:
			e.String(string(v.Text()))
		case UUID:
			e.UUID(v.UUID())
		case FD:
			e.FD(int(v.Resource()))
		case SharedMemory:
			e.SharedMemory(int(v.Resource()))
		case Endpoint:
			e.Endpoint(int(v.Resource()))
		case BigData:
			e.BigData(int(v.Resource()), int(v.BigLength()))
		case Error:
			e.Error(string(v.Text()))
		case Unsupported:
			e.Unsupported(string(v.TypeName()), string(v.Description()))
		case Array, Dictionary:
			mark := e.Begin(v.Tag())
			it := v.Elements()
			for {
				k, x, ok := it.Next()
				if !ok {
					break
				}
				if v.Tag() == Dictionary {
					e.KeyBytes(k)
				}
				value(x)
			}
			e.End(mark, v.Count())
		}
	}
	value(v)
	return e.Buf
}

func TestTagNames(t *testing.T) {
	for tag := Null; tag <= Unsupported; tag++ {
		assert.NotContains(t, tag.String(), "tag ")
	}
	assert.Equal(t, "tag 99", Tag(99).String())
	assert.Equal(t, "a\x00", string(AppendKey(nil, "a")[4:]))
}
