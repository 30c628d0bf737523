package fake

import (
	"reflect"
	"runtime"

	"github.com/go-xpc/xpc/driver"
)

// A synchronous send from a handler of the same connection is misuse, and only
// the goroutine's own stack tells it from a send of another goroutine while the
// handler runs. So handlers are called through functions that stand for the
// hexadecimal digits of their connection's id: the stack spells the id.

// tagged calls h(ev), or f if h is nil, below the digits of id.
func tagged(id uint32, h driver.Handler, ev driver.Event, f func()) {
	c := call{h, ev, f}
	spell(&c, id)
}

type call struct {
	h  driver.Handler
	ev driver.Event
	f  func()
}

// runs tells whether this goroutine is inside tagged with that id.
func runs(id uint32) bool {
	var pcs [64]uintptr
	var found uint32
	seen := false
	for skip := 2; ; {
		n := runtime.Callers(skip, pcs[:])
		for _, pc := range pcs[:n] {
			// The innermost digit, which comes first, is the highest.
			if d, ok := digitOf[entry(pc)]; ok {
				found = found<<4 | d
				seen = true
			} else if seen && entry(pc) != spellEntry {
				return found == id
			}
		}
		if n < len(pcs) {
			return seen && found == id
		}
		skip += n
	}
}

func entry(pc uintptr) uintptr {
	if f := runtime.FuncForPC(pc - 1); f != nil {
		return f.Entry()
	}
	return 0
}

var (
	digitOf    = map[uintptr]uint32{}
	spellEntry = reflect.ValueOf(spell).Pointer()
)

func init() {
	for i, f := range [...]func(*call, uint32){digit0, digit1, digit2, digit3, digit4, digit5, digit6, digit7, digit8, digit9, digita, digitb, digitc, digitd, digite, digitf} {
		digitOf[reflect.ValueOf(f).Pointer()] = uint32(i)
	}
}

//go:noinline
func spell(c *call, rest uint32) {
	if rest == 0 {
		if c.h != nil {
			c.h(c.ev)
		} else {
			c.f()
		}
		return
	}
	digit := rest & 15
	rest >>= 4
	switch digit {
	case 0:
		digit0(c, rest)
	case 1:
		digit1(c, rest)
	case 2:
		digit2(c, rest)
	case 3:
		digit3(c, rest)
	case 4:
		digit4(c, rest)
	case 5:
		digit5(c, rest)
	case 6:
		digit6(c, rest)
	case 7:
		digit7(c, rest)
	case 8:
		digit8(c, rest)
	case 9:
		digit9(c, rest)
	case 10:
		digita(c, rest)
	case 11:
		digitb(c, rest)
	case 12:
		digitc(c, rest)
	case 13:
		digitd(c, rest)
	case 14:
		digite(c, rest)
	case 15:
		digitf(c, rest)
	}
}

//go:noinline
func digit0(c *call, rest uint32) { spell(c, rest) }

//go:noinline
func digit1(c *call, rest uint32) { spell(c, rest) }

//go:noinline
func digit2(c *call, rest uint32) { spell(c, rest) }

//go:noinline
func digit3(c *call, rest uint32) { spell(c, rest) }

//go:noinline
func digit4(c *call, rest uint32) { spell(c, rest) }

//go:noinline
func digit5(c *call, rest uint32) { spell(c, rest) }

//go:noinline
func digit6(c *call, rest uint32) { spell(c, rest) }

//go:noinline
func digit7(c *call, rest uint32) { spell(c, rest) }

//go:noinline
func digit8(c *call, rest uint32) { spell(c, rest) }

//go:noinline
func digit9(c *call, rest uint32) { spell(c, rest) }

//go:noinline
func digita(c *call, rest uint32) { spell(c, rest) }

//go:noinline
func digitb(c *call, rest uint32) { spell(c, rest) }

//go:noinline
func digitc(c *call, rest uint32) { spell(c, rest) }

//go:noinline
func digitd(c *call, rest uint32) { spell(c, rest) }

//go:noinline
func digite(c *call, rest uint32) { spell(c, rest) }

//go:noinline
func digitf(c *call, rest uint32) { spell(c, rest) }
