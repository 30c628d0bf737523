package xpc_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/fake"
)

// nestedTo makes a message of n dictionaries inside each other.
func nestedTo(n int) xpc.Dictionary {
	d := xpc.Dictionary{}
	for range n - 1 {
		d = xpc.Dictionary{"d": d}
	}
	return d
}

func TestLimits(t *testing.T) {
	s := newService(t, echo)
	t.Cleanup(func() { s.rt.SetLimits(xpc.Limits{}) })
	require.Equal(t, xpc.Limits{Depth: 128, Size: 256 << 20}, s.rt.Limits())
	c, _ := s.active(t)
	trip := func(d xpc.Dictionary) error {
		m, err := c.SendMessageWithReplySync(d)
		if err != nil {
			return err
		}
		defer m.Release()
		got, err := m.Dictionary()
		require.NoError(t, err)
		require.True(t, xpc.Equal(d, got))
		return nil
	}
	refused := func(d xpc.Dictionary, text string) {
		t.Helper()
		var ve *xpc.ValueError
		err := trip(d)
		require.ErrorAs(t, err, &ve)
		require.ErrorContains(t, err, text)
	}
	require.NoError(t, trip(nestedTo(128)))
	refused(nestedTo(129), "nested deeper than 128, the limit")

	require.NoError(t, s.rt.SetLimits(xpc.Limits{Depth: 256}))
	require.NoError(t, trip(nestedTo(256)))
	refused(nestedTo(257), "nested deeper than 256, the limit")

	require.NoError(t, s.rt.SetLimits(xpc.Limits{Depth: 2, Size: 1000}))
	require.Equal(t, xpc.Limits{Depth: 2, Size: 1000}, s.rt.Limits())
	require.NoError(t, trip(nestedTo(2)))
	refused(nestedTo(3), "nested deeper than 2, the limit")
	require.NoError(t, trip(xpc.Dictionary{"s": strings.Repeat("x", 900)}))
	refused(xpc.Dictionary{"s": strings.Repeat("x", 1000)}, "larger than 1000 bytes, the limit")
	require.NoError(t, trip(xpc.Dictionary{"large": make([]byte, 1<<20)}), "large data does not count")

	most := uint64(math.MaxUint32) // no constant: less than 0 where an int has 32 bits
	for _, l := range []xpc.Limits{{Depth: -1}, {Depth: 513}, {Size: -1}, {Size: int(most)}} {
		require.ErrorIs(t, s.rt.SetLimits(l), xpc.ErrMisuse, "%v", l)
	}
	require.Equal(t, xpc.Limits{Depth: 2, Size: 1000}, s.rt.Limits())
	require.NoError(t, s.rt.SetLimits(xpc.Limits{}))
	require.NoError(t, trip(nestedTo(128)))
}

// Each side has its own: what is too much for a receiver is an error of whatever
// reads so far, and its other parts can be read.
func TestLimitsOfReceiver(t *testing.T) {
	type outcome struct {
		top  int64
		deep error
	}
	outcomes := make(chan outcome, 2)
	server := &xpc.Server{Handler: xpc.HandlerFunc(func(_ context.Context, m *xpc.Message) (any, error) {
		_, err := m.Dictionary()
		outcomes <- outcome{m.GetInt64("top"), err}
		return nil, nil
	})}
	w := newWorld(t, func(ctx context.Context, p *fake.Process) error {
		if err := p.Runtime().SetLimits(xpc.Limits{Depth: 3, Size: 1000}); err != nil {
			return err
		}
		return program(server, quiet)(ctx, p)
	})
	c := w.dial()
	d := nestedTo(4)
	d["top"] = 1
	require.NoError(t, c.Call(t.Context(), d, nil))
	got := <-outcomes
	require.Equal(t, int64(1), got.top)
	require.ErrorContains(t, got.deep, "d.d.d: nested deeper than 3, the limit")
	require.NoError(t, c.Call(t.Context(), xpc.Dictionary{"top": 1, "s": strings.Repeat("x", 1000)}, nil))
	require.ErrorContains(t, (<-outcomes).deep, "larger than 1000 bytes, the limit")
}
