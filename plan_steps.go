package xpc

import (
	"encoding/binary"
	"math"
	"strings"
	"unsafe"

	"github.com/go-xpc/xpc/internal/wire"
)

// A step of encoding a struct: fields of fixed size beside each other, whose
// entries are copied as one and get their values then, and the field that follows.
type step struct {
	entries string
	values  []fixedValue
	next    *field // nil if nothing follows
	keyed   bool   // its key is among entries already, a string's tag as well
}

// fixedValue is where a value is in the struct, and where it goes in the entries.
type fixedValue struct {
	offset uintptr
	at     int
	shape  shape
}

func stepsOf(fields []field) []step {
	var steps []step
	var s step
	var entries []byte
	for i := range fields {
		f := &fields[i]
		is, tag := shapeOf(f.plan.t)
		m, _, tm, _ := methods(f.plan.t)
		simple := f.via == nil && !f.omit
		if simple && !m && !tm && shapeless < is && is <= shape64 {
			entries = append(append(entries, f.key...), byte(tag))
			s.values = append(s.values, fixedValue{f.offset, len(entries), is})
			entries = append(entries, make([]byte, fixedSizes[is])...)
			continue
		}
		if simple {
			entries = append(entries, f.key...)
			s.keyed = true
			if f.plan.fast == wire.String {
				entries = append(entries, byte(wire.String))
			}
		}
		s.entries, s.next = string(entries), f
		steps = append(steps, s)
		s, entries = step{}, nil
	}
	s.entries = string(entries)
	return append(steps, s)
}

// fixedSizes is how many bytes follow the tag; 0 for a bool, which is its tag.
var fixedSizes = [...]int{
	shapeInt8: 8, shapeInt16: 8, shapeInt32: 8, shapeUint8: 8, shapeUint16: 8, shapeUint32: 8,
	shape64: 8, shapeFloat32: 8, shapeUUID: 16,
}

// fixed appends the entries of a step with the values of the struct at p.
func (s *step) fixed(buf []byte, p unsafe.Pointer) []byte {
	start := len(buf)
	buf = append(buf, s.entries...)
	b := buf[start:]
	for i := range s.values {
		v := &s.values[i]
		to, q := b[v.at:], unsafe.Add(p, v.offset)
		var n uint64
		switch v.shape {
		case shape64:
			n = *(*uint64)(q)
		case shapeBool:
			b[v.at-1] = byte(wire.False) + *(*uint8)(q) // True comes next
			continue
		case shapeUUID:
			*(*[16]byte)(to) = *(*[16]byte)(q)
			continue
		case shapeInt8:
			n = uint64(*(*int8)(q))
		case shapeInt16:
			n = uint64(*(*int16)(q))
		case shapeInt32:
			n = uint64(*(*int32)(q))
		case shapeUint8:
			n = uint64(*(*uint8)(q))
		case shapeUint16:
			n = uint64(*(*uint16)(q))
		case shapeUint32:
			n = uint64(*(*uint32)(q))
		case shapeFloat32:
			n = math.Float64bits(float64(*(*float32)(q)))
		}
		binary.LittleEndian.PutUint64(to, n)
	}
	return buf
}

// shortText is the length up to which a string needs no look at the limits.
const shortText = 64 << 10

func (e *encoder) structure(steps []step, p unsafe.Pointer) error {
	if err := e.enter(identity{}); err != nil {
		return err
	}
	mark := e.Begin(wire.Dictionary)
	buf, n := e.Buf, 0
	for i := range steps {
		s := &steps[i]
		buf = s.fixed(buf, p)
		n += len(s.values)
		f := s.next
		if f == nil {
			break
		}
		q := unsafe.Add(p, f.offset)
		if s.keyed && f.plan.fast == wire.String {
			if v := *(*string)(q); len(v) <= shortText && strings.IndexByte(v, 0) < 0 {
				buf = wire.AppendText(buf, v)
				n++
				continue
			}
			buf = buf[:len(buf)-1] // the plan writes the tag, too
		}
		if !s.keyed {
			if f.via != nil {
				if q = f.at(p); q == nil {
					continue
				}
			}
			if f.omit && f.plan.empty(q) {
				continue
			}
			buf = append(buf, f.key...)
		}
		n++
		e.Buf = buf
		if err := f.plan.enc(e, q); err != nil {
			return within(err, f.name)
		}
		buf = e.Buf
	}
	e.Buf = buf
	e.End(mark, n)
	return e.leave()
}
