package xpc

import (
	"math"

	"github.com/go-xpc/xpc/internal/wire"
)

// Limits bound the messages of a [Runtime], on the way out and on the way in.
// libxpc documents none (rows 297 and 298).
type Limits struct {
	// Depth is how deep dictionaries and arrays may be nested, the message
	// itself included: 128 unless set, 256 at most.
	Depth int
	// Size is how many bytes a message may have, data of 64 KiB and more apart:
	// 256 MiB unless set, less than 4 GiB.
	Size int
}

// SetLimits changes the limits of messages sent and received from here on, on
// every connection of the runtime; what is 0 goes back to what it is unless set.
// A message beyond them is a *[ValueError] that names the limit: for its sender,
// or for whoever decodes it. A struct of plain fields, and a few single keys, may
// be read all the same, as nothing but these is looked at. A limit that is negative
// or too high is [ErrMisuse].
func (r *Runtime) SetLimits(l Limits) error {
	if l.Depth == 0 {
		l.Depth = wire.DefaultLimits.Depth
	}
	if l.Size == 0 {
		l.Size = wire.DefaultLimits.Size
	}
	switch {
	case l.Depth < 0 || l.Depth > wire.MaxDepth:
		return misuse("SetLimits", "depth %d is not in 1..%d", l.Depth, wire.MaxDepth)
	case l.Size < 0 || uint64(l.Size) >= math.MaxUint32:
		return misuse("SetLimits", "size %d is not in 1..%d", l.Size, uint32(math.MaxUint32-1))
	}
	limits := wire.Limits(l)
	r.limits.Store(&limits)
	return nil
}

// Limits gives the limits in force.
func (r *Runtime) Limits() Limits { return Limits(r.wireLimits()) }

func (r *Runtime) wireLimits() wire.Limits {
	if l := r.limits.Load(); l != nil {
		return *l
	}
	return wire.DefaultLimits
}

// localLimits bound what stays in this process and may be decoded from any runtime.
var localLimits = wire.Limits{Depth: wire.MaxDepth, Size: wire.DefaultLimits.Size}

func tooDeep(limit int) error {
	return fail("nested deeper than %d, the limit (row 298, see Runtime.SetLimits)", limit)
}

func tooLarge(limit int) error {
	return fail("message is larger than %d bytes, the limit (row 297, see Runtime.SetLimits)", limit)
}
