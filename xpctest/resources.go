package xpctest

import (
	"io"
	"os"

	"github.com/go-xpc/xpc"
)

var resources = []Case{
	{Row: 267, Name: "descriptor_is_duplicated_when_sent", Says: "the sender may close its descriptor as soon as the message is sent", Needs: []Capability{Descriptors}, Real: true, run: func(e *env) {
		r, w, err := os.Pipe()
		e.NoError(err)
		defer r.Close()
		h := e.host(program{message: func(_ *end, m *xpc.Message) {
			f := m.GetFile("f")
			if f == nil {
				e.t.Error("no descriptor in the message")
				return
			}
			_, err := f.WriteString("from the service")
			e.oops("writing", err)
			e.oops("closing", f.Close())
		}})
		x := h.client()
		x.body(xpc.Dictionary{"n": int64(1), "f": w})
		e.NoError(w.Close())
		x.activate()
		// End of file comes only when no copy is left open anywhere.
		got, err := io.ReadAll(r)
		e.NoError(err)
		e.Equal("from the service", string(got))
		h.peers.at(0).has("1")
	}},
	{Row: 269, Name: "each_dup_is_new", Says: "each look at a received descriptor gives a new one of the caller's own; for other types there is none", Needs: []Capability{Descriptors}, Real: true, run: func(e *env) {
		m := e.received(xpc.Dictionary{"f": e.file("text"), "i": int64(1)})
		a, b := m.GetFile("f"), m.GetFile("f")
		e.NotNil(a)
		e.NotNil(b)
		e.NotEqual(a.Fd(), b.Fd())
		e.NoError(a.Close())
		got := make([]byte, 4)
		_, err := io.ReadFull(b, got)
		e.NoError(err, "the second lives without the first")
		e.Equal("text", string(got))
		e.NoError(b.Close())
		e.Nil(m.GetFile("i"))
		e.Nil(m.GetFile("missing"))
	}},
	{Row: 270, Name: "descriptors_equal_only_themselves", Says: "a descriptor is equal to itself only, not to its copy, and containers follow suit", Needs: []Capability{Descriptors}, Real: true, run: func(e *env) {
		f := e.file("text")
		m := e.received(xpc.Dictionary{"f": f})
		a, b := m.GetFile("f"), m.GetFile("f")
		defer a.Close()
		defer b.Close()
		c, err := xpc.Copy(xpc.Dictionary{"f": f})
		e.NoError(err)
		defer xpc.CloseFiles(c)
		for _, g := range []any{a, b, c.(xpc.Dictionary)["f"]} {
			e.True(xpc.Equal(g, g))
			e.False(xpc.Equal(f, g))
			e.False(xpc.Equal(xpc.Array{f}, xpc.Array{g}))
			e.False(xpc.Equal(xpc.Dictionary{"f": g}, xpc.Dictionary{"f": f}))
		}
		e.False(xpc.Equal(a, b))
	}},
	{Row: 271, Name: "descriptors_share_their_offset", Says: "a received descriptor shares its offset with the sender's", Needs: []Capability{Descriptors}, Real: true, run: func(e *env) {
		f := e.file("0123456789")
		m := e.received(xpc.Dictionary{"f": f})
		g := m.GetFile("f")
		e.NotNil(g)
		defer g.Close()
		got := make([]byte, 4)
		_, err := io.ReadFull(g, got)
		e.NoError(err)
		e.Equal("0123", string(got))
		_, err = io.ReadFull(f, got)
		e.NoError(err)
		e.Equal("4567", string(got))
	}},
	{Row: 272, Name: "shared_memory_is_made", Says: "shared memory can be made, and a region without a size cannot", Needs: []Capability{Memory}, run: func(e *env) {
		m, err := e.rt.NewSharedMemory(1)
		e.NoError(err)
		a, err := m.Map()
		e.NoError(err)
		defer a.Close()
		for _, b := range a.Bytes() {
			e.Zero(b)
		}
		for _, n := range []int{0, -1} {
			_, err := e.rt.NewSharedMemory(n)
			e.misuse(err)
		}
	}},
	{Row: 273, Name: "each_mapping_is_new", Says: "each map maps the region anew, in whole pages, until the caller unmaps", Needs: []Capability{Memory}, run: func(e *env) {
		m, err := e.rt.NewSharedMemory(5000)
		e.NoError(err)
		a, err := m.Map()
		e.NoError(err)
		b, err := m.Map()
		e.NoError(err)
		e.GreaterOrEqual(len(a.Bytes()), 5000)
		e.Zero(len(a.Bytes()) % 4096)
		e.Len(b.Bytes(), len(a.Bytes()))
		e.NoError(a.Close())
		b.Bytes()[0] = 1 // lives on
		e.Nil(a.Bytes())
		e.ErrorIs(a.Close(), xpc.ErrClosed)
		e.NoError(b.Close())
	}},
	{Row: 274, Name: "shared_memory_is_shared", Says: "what one side writes into its mapping the other side sees", Needs: []Capability{Memory}, run: func(e *env) {
		h := e.host(program{message: func(_ *end, m *xpc.Message) {
			d, err := m.Dictionary()
			e.oops("reading", err)
			mem, ok := d["m"].(*xpc.SharedMemory)
			if !ok {
				e.t.Errorf("received a %T", d["m"])
				return
			}
			view, err := mem.Map()
			if err != nil {
				e.oops("mapping", err)
				return
			}
			b := view.Bytes()
			b[1] = b[0] + 1
			e.oops("unmapping", view.Close())
			e.oops("reply", m.Reply(d))
		}})
		m, err := e.rt.NewSharedMemory(100)
		e.NoError(err)
		view, err := m.Map()
		e.NoError(err)
		defer view.Close()
		view.Bytes()[0] = 41
		d := h.connect().ask(xpc.Dictionary{"m": m})
		e.EqualValues(42, view.Bytes()[1])
		back, ok := d["m"].(*xpc.SharedMemory)
		e.True(ok)
		again, err := back.Map()
		e.NoError(err)
		e.EqualValues(42, again.Bytes()[1])
		e.NoError(again.Close())
	}},
}
