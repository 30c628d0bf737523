//go:build cgo && xpcstandin

package xpc_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/native"
	"github.com/go-xpc/xpc/internal/standin"
	"github.com/go-xpc/xpc/internal/wire"
)

// kinds makes resources of the kinds that a payload has, all of them good.
var kinds = sync.OnceValue(func() [4]driver.Resource {
	fd, err := syscall.Open(os.DevNull, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		panic(err)
	}
	c, err := native.Backend.NewConn(driver.Spec{Kind: driver.KindAnonymous}, nil)
	if err != nil {
		panic(err)
	}
	c.SetHandler(func(driver.Event) {})
	c.Activate()
	e, err := c.Endpoint()
	if err != nil {
		panic(err)
	}
	m, err := native.Backend.NewSharedMemory(1)
	if err != nil {
		panic(err)
	}
	return [4]driver.Resource{
		{Kind: driver.ResourceFD, FD: uintptr(fd)},
		{Kind: driver.ResourceEndpoint, Endpoint: e},
		{Kind: driver.ResourceSharedMemory, Memory: m},
		{Kind: driver.ResourceData},
	}
})

func payload(body, resources []byte) *driver.Payload {
	p := &driver.Payload{Body: body}
	for i, k := range resources {
		r := kinds()[k%4]
		if r.Kind == driver.ResourceData {
			r.Data = make([]byte, i)
		}
		p.Resources = append(p.Resources, r)
	}
	return p
}

// sendable tells what C should say of a payload: valid, of resources of the right
// kinds and lengths, and without what can only be received.
func sendable(p *driver.Payload) bool {
	if wire.Validate(p.Body, len(p.Resources), wire.Limits{Depth: wire.MaxDepth, Size: math.MaxInt32}) != nil {
		return false
	}
	v, _ := wire.Parse(p.Body)
	return sendableValue(p, v)
}

func sendableValue(p *driver.Payload, v wire.Value) bool {
	kind := func(k driver.ResourceKind) bool { return p.Resources[v.Resource()].Kind == k }
	switch v.Tag() {
	case wire.Error, wire.Unsupported:
		return false
	case wire.FD:
		return kind(driver.ResourceFD)
	case wire.Endpoint:
		return kind(driver.ResourceEndpoint)
	case wire.SharedMemory:
		return kind(driver.ResourceSharedMemory)
	case wire.BigData:
		return kind(driver.ResourceData) && uint64(len(p.Resources[v.Resource()].Data)) == v.BigLength()
	case wire.Array, wire.Dictionary:
		it := v.Elements()
		for {
			_, e, ok := it.Next()
			if !ok {
				break
			}
			if !sendableValue(p, e) {
				return false
			}
		}
	}
	return true
}

// agree builds an object of any payload: C makes one exactly if it should, and
// then it has the flat form that it was made of.
func agree(t testing.TB, p *driver.Payload) error {
	t.Helper()
	o, err := native.Build(p)
	if (err == nil) != sendable(p) {
		t.Fatalf("C says %v, Go %v", err, wire.Validate(p.Body, len(p.Resources), wire.DefaultLimits))
	}
	if err != nil {
		return err
	}
	native.Deliver(o, func(m driver.Message) {
		if err := wire.Validate(m.Body(), m.Resources(), wire.Limits{Depth: wire.MaxDepth, Size: math.MaxInt32}); err != nil {
			t.Fatalf("flattened to %x: %v", m.Body(), err)
		}
		small := 0 // data of a resource that is none when it comes back
		for _, r := range p.Resources {
			if r.Kind == driver.ResourceData && len(r.Data) < wire.BigDataSize {
				small++
			}
		}
		if m.Resources() != len(p.Resources)-small {
			t.Fatalf("%d resources became %d", len(p.Resources), m.Resources())
		}
		if small == 0 && bits(t, p.Body) != bits(t, m.Body()) {
			t.Fatalf("%x became %x", p.Body, m.Body())
		}
	})
	native.Release(o)
	return nil
}

// Whatever the bytes and the resources, C and Go are of one mind.
func FuzzBuild(f *testing.F) {
	addBuildSeeds(f)
	for _, c := range hostileForms() {
		if len(c.body) < 1<<10 {
			f.Add(c.body, c.resources)
		}
	}
	f.Fuzz(func(t *testing.T, body, resources []byte) {
		agree(t, payload(bytes.Clone(body), resources[:min(len(resources), 8)]))
	})
}

func addBuildSeeds(f *testing.F) {
	for seed := range uint64(12) {
		for _, d := range trees(seed, nil) {
			body, err := xpc.EncodeBody(d, false)
			require.NoError(f, err)
			if len(body) < 1<<10 {
				f.Add(body, []byte{})
			}
		}
	}
	body, resources := withResources()
	f.Add(body, resources)
}

// withResources holds one of each kind, data of the right length among them.
func withResources() (body, resources []byte) {
	var e wire.Encoder
	d := e.Begin(wire.Dictionary)
	e.Key("fd")
	e.FD(0)
	e.Key("array")
	a := e.Begin(wire.Array)
	e.Endpoint(1)
	e.SharedMemory(2)
	e.BigData(3, 3)
	e.End(a, 3)
	e.End(d, 2)
	return e.Buf, []byte{0, 1, 2, 3}
}

type hostileForm struct{ body, resources []byte }

func u32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

func hostileForms() map[string]hostileForm {
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	value := func(t wire.Tag, rest ...[]byte) []byte { return append([]byte{byte(t)}, join(rest...)...) }
	container := func(t wire.Tag, count uint32, parts ...[]byte) []byte {
		inner := join(parts...)
		return value(t, u32(uint32(len(inner))), u32(count), inner)
	}
	entry := func(k string, v []byte) []byte { return append(wire.AppendKey(nil, k), v...) }
	deep := func(t wire.Tag, n int) []byte {
		inner := []byte{byte(wire.Null)}
		for range n {
			if t == wire.Dictionary {
				inner = entry("", inner)
			}
			inner = container(t, 1, inner)
		}
		return inner
	}
	// Nested without the time to compute true sizes: each claims all that follows.
	bottomless := func(n int) []byte {
		b := bytes.Repeat(append(value(wire.Array), join(u32(math.MaxUint32), u32(1))...), n)
		for i := range n {
			binary.LittleEndian.PutUint32(b[9*i+1:], uint32(len(b)-9*(i+1)))
		}
		return b
	}
	null := []byte{byte(wire.Null)}
	fd := func(i uint32) []byte { return value(wire.FD, u32(i)) }
	dict := func(count uint32, parts ...[]byte) []byte { return container(wire.Dictionary, count, parts...) }
	forms := map[string]hostileForm{
		"empty":                     {},
		"no tag":                    {body: []byte{0}},
		"unknown tag":               {body: []byte{200}},
		"number cut":                {body: value(wire.Int64, make([]byte, 7))},
		"uuid cut":                  {body: value(wire.UUID, make([]byte, 15))},
		"bytes after the end":       {body: append(null, 0)},
		"data past the end":         {body: value(wire.Data, u32(1000), []byte("short"))},
		"data of 2^32-1":            {body: value(wire.Data, u32(math.MaxUint32), []byte("short"))},
		"string past the end":       {body: value(wire.String, u32(5), []byte("short"))},
		"string of 2^32-1":          {body: value(wire.String, u32(math.MaxUint32), []byte("short\x00"))},
		"string without NUL":        {body: value(wire.String, u32(5), []byte("shortx"))},
		"string with NUL":           {body: value(wire.String, u32(5), []byte("sh\x00rt\x00"))},
		"array past the end":        {body: value(wire.Array, u32(100), u32(1), null)},
		"array of 2^32-1 bytes":     {body: value(wire.Array, u32(math.MaxUint32), u32(1), null)},
		"array of 2^32-1":           {body: container(wire.Array, math.MaxUint32, null)},
		"array with more":           {body: container(wire.Array, 1, null, null)},
		"array with less":           {body: container(wire.Array, 2, null)},
		"element beyond its array":  {body: container(wire.Array, 2, value(wire.Array, u32(2), u32(2), null), null)},
		"dictionary of 2^32-1":      {body: dict(math.MaxUint32, entry("a", null))},
		"dictionary with less":      {body: dict(2, entry("a", null))},
		"key past the end":          {body: dict(1, u32(100), []byte("a\x00"), null)},
		"key of 2^32-1":             {body: dict(1, u32(math.MaxUint32), []byte("a\x00"), null)},
		"key with NUL":              {body: dict(1, entry("a\x00b", null))},
		"key without a value":       {body: dict(1, wire.AppendKey(nil, "key"))},
		"key twice":                 {body: dict(2, entry("a", null), entry("a", null))},
		"key twice, deep":           {body: dict(1, entry("d", dict(2, entry("", null), entry("", fd(0))))), resources: []byte{0}},
		"resource missing":          {body: dict(1, entry("a", fd(0)))},
		"resource of 2^32-1":        {body: dict(1, entry("a", fd(math.MaxUint32))), resources: []byte{0}},
		"resource twice":            {body: dict(2, entry("a", fd(0)), entry("b", fd(0))), resources: []byte{0}},
		"resource twice of two":     {body: dict(2, entry("a", fd(0)), entry("b", fd(0))), resources: []byte{0, 0}},
		"resources out of order":    {body: dict(2, entry("a", fd(1)), entry("b", fd(0))), resources: []byte{0, 0}},
		"resource not used":         {body: dict(0), resources: []byte{0}},
		"resource of another kind":  {body: dict(1, entry("a", fd(0))), resources: []byte{1}},
		"data as an endpoint":       {body: dict(1, entry("a", value(wire.Endpoint, u32(0)))), resources: []byte{3}},
		"fd as shared memory":       {body: dict(1, entry("a", value(wire.SharedMemory, u32(0)))), resources: []byte{0}},
		"large data, wrong length":  {body: dict(1, entry("a", value(wire.BigData, u32(0), u32(7), u32(0)))), resources: []byte{3}},
		"large data of 2^64-1":      {body: dict(1, entry("a", value(wire.BigData, u32(0), u32(math.MaxUint32), u32(math.MaxUint32)))), resources: []byte{3}},
		"depth 257":                 {body: deep(wire.Array, wire.MaxDepth+1)},
		"depth 257 of dictionaries": {body: deep(wire.Dictionary, wire.MaxDepth+1)},
		"depth 10,000":              {body: deep(wire.Array, 10_000)},
		"depth 10,000, no bottom":   {body: bottomless(10_000)},
		"depth 1,000,000":           {body: bottomless(1_000_000)},
		"entry in the array before": {body: dict(2, entry("a", container(wire.Array, 1, null, entry("b", null))))},
	}
	// A NUL anywhere in a text of any length.
	for n := 1; n < 20; n++ {
		for at := range n {
			text := bytes.Repeat([]byte{'x'}, n)
			text[at] = 0
			forms[fmt.Sprintf("string of %d with NUL at %d", n, at)] = hostileForm{body: value(wire.String, u32(uint32(n)), text, []byte{0})}
			forms[fmt.Sprintf("key of %d with NUL at %d", n, at)] = hostileForm{body: dict(1, entry(string(text), null))}
		}
	}
	return forms
}

func maxRSS() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Maxrss
}

// Hostile forms are errors on both sides, soon and without much memory.
func TestHostileForms(t *testing.T) {
	kinds()
	testRuntime(t)
	forms := hostileForms()
	p := payload(withResources())
	require.NoError(t, agree(t, p))
	require.True(t, sendable(p))
	memory, objects := maxRSS(), standin.Objects()
	for name, c := range forms {
		p := payload(c.body, c.resources)
		began := time.Now()
		err := wire.Validate(p.Body, len(p.Resources), wire.DefaultLimits)
		if !strings.Contains(name, " kind") && !strings.Contains(name, " as ") && !strings.Contains(name, "large data") {
			assert.Error(t, err, name)
		}
		assert.Error(t, agree(t, p), name)
		assert.Less(t, time.Since(began), time.Second, name)
	}
	assert.Less(t, maxRSS()-memory, int64(64<<10), "KiB")
	assert.LessOrEqual(t, standin.Objects(), objects, "nothing is left of what was made before the end")
	deepest := hostileForm{}
	var e wire.Encoder
	for range wire.MaxDepth {
		e.Begin(wire.Array)
	}
	for i := wire.MaxDepth; i > 0; i-- {
		e.End(9*i, min(1, wire.MaxDepth-i))
	}
	deepest.body = e.Buf
	require.NoError(t, agree(t, payload(deepest.body, nil)))
}

// What libxpc may hand up beyond the limits is an error for whoever reads it.
func TestHostileObjects(t *testing.T) {
	rt := testRuntime(t)
	receive := func(o standin.CObject) (err error) {
		defer o.Release()
		began := time.Now()
		native.Receive(o.Object(), func(m any) { _, err = m.(*xpc.Message).Dictionary() })
		assert.Less(t, time.Since(began), 2*time.Second)
		return err
	}
	require.NoError(t, receive(standin.NewDeep(128)))
	require.ErrorContains(t, receive(standin.NewDeep(129)), "nested deeper than 128, the limit")
	require.ErrorContains(t, receive(standin.NewDeep(10_000)), "nested deeper than 256, the limit")
	t.Cleanup(func() { rt.SetLimits(xpc.Limits{}) })
	require.NoError(t, rt.SetLimits(xpc.Limits{Depth: 256, Size: 19_008}))
	require.NoError(t, receive(standin.NewDeep(256)))
	require.ErrorContains(t, receive(standin.NewDeep(257)), "nested deeper than 256, the limit")
	full := func() standin.CObject { return standin.NewWide(1000) } // 19 bytes each, and 9
	require.ErrorContains(t, receive(full()), "larger than 19008 bytes, the limit")
	require.NoError(t, rt.SetLimits(xpc.Limits{Size: 19_009}))
	require.NoError(t, receive(full()))
}
