package xpc_test

import (
	"bytes"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/internal/wire"
)

func describable(t *testing.T) xpc.Dictionary {
	return xpc.Dictionary{
		"null": nil, "true": true, "false": false, "int64": int64(math.MinInt64), "uint64": uint64(math.MaxUint64),
		"double": 0.1, "large": 1e300, "negative zero": math.Copysign(0, -1), "infinity": math.Inf(1),
		"nan": math.Float64frombits(0x7ff0000000000123), "date": time.Unix(0, -1), "data": []byte("bytes"),
		"no data": []byte{}, "long data": bytes.Repeat([]byte{0xab}, 33), "large data": make([]byte, wire.BigDataSize),
		"string": "line\nquote\" ß \xff \u202e", "uuid": xpc.UUID{0xde, 0xad}, "fd": tempFile(t, ""),
		"array": xpc.Array{xpc.Array{}, xpc.Dictionary{}, xpc.Dictionary{"b": 1, "a": 2}}, "": "empty key", "key\n": 1,
	}
}

func TestDescribe(t *testing.T) {
	d := describable(t)
	golden(t, "describe", xpc.Describe(d)+"\n")
	assert.Equal(t, xpc.Describe(d), xpc.Describe(received(t, d)))
	assert.Equal(t, xpc.Describe(d), d.String())
	for want, v := range map[string]any{
		"null": nil, "int64 1": int8(1), "string \"a\"": kindOf("a"), "endpoint": new(xpc.Endpoint), "shmem": new(xpc.SharedMemory),
		"unsupported \"mach_send\" \"<mach send>\"":                                    xpc.Unsupported{Type: "mach_send", Description: "<mach send>"},
		"func() (cannot be sent: unsupported Go type func())":                          func() {},
		"connection (cannot be sent)":                                                  new(xpc.Connection),
		"message (nil)":                                                                (*xpc.Message)(nil),
		"struct { A []chan int } (cannot be sent: A[0]: unsupported Go type chan int)": struct{ A []chan int }{make([]chan int, 1)},
	} {
		assert.Equal(t, want, xpc.Describe(v))
	}
	assert.Contains(t, xpc.Describe(time.Time{}), "cannot be sent: time 0001-01-01")
	assert.Contains(t, xpc.Describe(xpc.Dictionary{"f": func() {}}), "\n    \"f\": func() (cannot be sent")
}

func TestLogValue(t *testing.T) {
	d := describable(t)
	delete(d, "large data")
	var text [2]string
	for i, v := range []any{d, received(t, d)} {
		var b bytes.Buffer
		log := slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		log.Info("received", "message", v, "list", xpc.Array{1, "a"})
		text[i] = b.String()
	}
	assert.Equal(t, text[0], text[1])
	golden(t, "log", text[0])
	require.NotContains(t, text[0], "ERROR")
	assert.Equal(t, 1, strings.Count(text[0], "\n"))
}
