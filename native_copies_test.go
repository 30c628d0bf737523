//go:build cgo && xpcstandin

package xpc_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/native"
	"github.com/go-xpc/xpc/internal/standin"
)

// allocated counts the bytes that Go allocates in f.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// Large data is copied once each way: by libxpc's own call that makes the object,
// as in C, on the way out, and on the way in by whoever reads it.
func TestLargeDataCopies(t *testing.T) {
	for _, size := range []int{64 << 10, 1 << 20, 64 << 20} {
		const little = 16 << 10
		sent := xpc.Dictionary{"d": make([]byte, size)}
		var o uintptr
		var err error
		objects := standin.Objects()
		require.Less(t, allocated(func() { o, err = native.Encode(sent) }), little, "Go copies nothing to send %d bytes", size)
		require.NoError(t, err)
		require.LessOrEqual(t, standin.Objects()-objects, 2, "a dictionary and one data, as in C")

		native.Deliver(o, func(d driver.Message) {
			require.Less(t, len(d.Body()), 100, "the data is not in the flat form")
			require.Equal(t, 1, d.Resources())
		})
		objects = standin.Objects()
		receive := func(f func(m *xpc.Message)) int {
			return allocated(func() { native.Receive(o, func(m any) { f(m.(*xpc.Message)) }) })
		}
		require.Less(t, receive(func(*xpc.Message) {}), little, "what is not read is not copied")
		var out struct {
			D []byte `xpc:"d"`
		}
		for name, read := range map[string]func(m *xpc.Message){
			"GetData":    func(m *xpc.Message) { require.Len(t, m.GetData("d"), size) },
			"Decode":     func(m *xpc.Message) { require.NoError(t, m.Decode(&out)) },
			"Dictionary": func(m *xpc.Message) { m.Dictionary() },
		} {
			n := receive(read)
			require.GreaterOrEqual(t, n, size, name)
			require.Less(t, n, size+little+size/8, "%s copies once", name) // sizes are rounded up
		}
		require.LessOrEqual(t, standin.Objects(), objects, "C makes nothing anew")
		native.Release(o)
	}
}
