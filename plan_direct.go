package xpc

import (
	"math"
	"unsafe"
)

// A directReader is a backend's message of which single fields can be read while
// nothing was made of the whole: into what p points to, false if they do not fit.
type directReader interface {
	readDirect(d *direct, p unsafe.Pointer) bool
}

// direct is how a struct is read by its keys, where no field needs more than a
// look at one value. Whatever is not as it should be is left to the plan, which
// has the words for it.
type direct struct {
	// keys has, for each field, a tag, how many bytes all this takes, the key and its
	// NUL, and a 0 at the end: first those of words, then fixed, then others.
	keys   []byte
	words  []uintptr // the offsets of fields of 8 bytes
	fixed  []directField
	others []directField // strings, data and dates
}

type directField struct {
	offset uintptr
	shape  shape
}

const (
	// maxDirect bounds what is read of a message beside its plan, 16 bytes a field.
	maxDirect = 256
	// sharedBytes is how large a piece is that strings and data are cut from, those of
	// one message beside those of others: what is kept of them keeps so much at most.
	sharedBytes = 1 << 10
)

func directOf(fields []field) *direct {
	if len(fields) == 0 || len(fields) > maxDirect {
		return nil
	}
	d := &direct{}
	var words, fixed, others []byte
	for i := range fields {
		f := &fields[i]
		shape, tag := shapeOf(f.plan.t)
		_, um, _, tum := methods(f.plan.t)
		if shape == shapeless || um || tum || f.via != nil || len(f.name)+3 > math.MaxUint8 {
			return nil
		}
		keys := &others
		switch {
		case shape == shape64:
			d.words = append(d.words, f.offset)
			keys = &words
		case shape <= lastFixed:
			d.fixed = append(d.fixed, directField{f.offset, shape})
			keys = &fixed
		default:
			d.others = append(d.others, directField{f.offset, shape})
		}
		*keys = append(append(append(*keys, byte(tag), byte(len(f.name)+3)), f.name...), 0)
	}
	d.keys = append(append(append(words, fixed...), others...), 0)
	return d
}

// readDirect reads the message into what p points to, if it can be read so.
func (m *Message) readDirect(d *direct, p unsafe.Pointer) bool {
	if d == nil {
		return false
	}
	m.mu.Lock()
	from, ok := m.d.(directReader)
	ok = ok && !m.parsed && m.alive() && from.readDirect(d, p)
	m.mu.Unlock()
	return ok
}
