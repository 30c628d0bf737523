package xpc

import (
	"math"
	"strings"
	"sync"
	"unsafe"

	"github.com/go-xpc/xpc/internal/wire"
)

// A directReader is a backend's message of which single fields can be read while
// nothing was made of the whole: into what p points to, or one that a getter wants.
// It is false if they do not fit.
type directReader interface {
	readDirect(d *direct, p unsafe.Pointer) bool
	readSingle(keys *singleKey) (v single, ok bool)
}

// singleKey is the keys of a direct for one field.
type singleKey [math.MaxUint8 + 1]byte

var singleKeys = sync.Pool{New: func() any { return new(singleKey) }}

// single is what a getter finds.
type single struct {
	found  bool
	number uint64 // or its bits
	bytes  []byte // a copy, of a string or data
	uuid   UUID
}

// direct is how a struct is read by its keys, where no field needs more than a
// look at one value. Whatever is not as it should be is left to the plan, which
// has the words for it.
type direct struct {
	// keys has, for each field, a tag, how many bytes all this takes, the key and its
	// NUL, and a 0 at the end: first those of fixed, then words, then others.
	keys   []byte
	fixed  []directField
	words  []uintptr     // the offsets of fields of 8 bytes
	others []directField // strings, data and dates
}

type directField struct {
	offset uintptr
	shape  shape
}

const (
	// maxDirect bounds what is read of a message beside its plan, 16 bytes a field.
	maxDirect = 256
	// sharedBytes is up to how many bytes the strings and data of one message are made
	// in one piece, and pieceBytes how large a piece is that small ones of several
	// messages are cut from: what is kept of them keeps so much at most.
	sharedBytes = 1 << 10
	pieceBytes  = 512
	// maxSingles is how many getters read a message without making it into its flat
	// form, which is faster for the next ones.
	maxSingles = 4
)

// directEntry is how many bytes a field takes among the keys.
func directEntry(key string) int { return 2 + len(key) + 1 }

func directOf(fields []field) *direct {
	if len(fields) == 0 || len(fields) > maxDirect {
		return nil
	}
	d := &direct{}
	var fixed, words, others []byte
	for i := range fields {
		f := &fields[i]
		is, tag := shapeOf(f.plan.t)
		_, um, _, tum := methods(f.plan.t)
		if is == shapeless || um || tum || f.via != nil || directEntry(f.name) > math.MaxUint8 {
			return nil
		}
		keys := &others
		switch {
		case is < shape64:
			d.fixed = append(d.fixed, directField{f.offset, is})
			keys = &fixed
		case is == shape64:
			d.words = append(d.words, f.offset)
			keys = &words
		default:
			d.others = append(d.others, directField{f.offset, is})
		}
		*keys = append(append(append(*keys, byte(tag), byte(directEntry(f.name))), f.name...), 0)
	}
	d.keys = append(append(append(fixed, words...), others...), 0)
	return d
}

// readDirect reads the message into what p points to, if it can be read so.
func (m *Message) readDirect(d *direct, p unsafe.Pointer) bool {
	if d == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	from, ok := m.d.(directReader)
	return ok && !m.parsed && m.alive() && from.readDirect(d, p)
}

// readSingle reads one field, if it can be read so. What cannot be found so is left to
// the flat form.
func (m *Message) readSingle(tag wire.Tag, key string) (v single, ok bool) {
	if m.flat.Load() || directEntry(key) > math.MaxUint8 || strings.IndexByte(key, 0) >= 0 {
		return v, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	from, ok := m.d.(directReader)
	if !ok || !m.alive() {
		return v, false
	}
	if m.singles == maxSingles && !m.parsed {
		m.parse()
	}
	// Where no flat form can be made there is no other way: a key that was read must not
	// be missing when it is read again.
	if m.parsed && m.bad == nil {
		return v, false
	}
	m.singles = min(m.singles+1, maxSingles)
	keys := singleKeys.Get().(*singleKey)
	defer singleKeys.Put(keys)
	keys[0], keys[1] = byte(tag), byte(directEntry(key))
	clear(keys[2+copy(keys[2:], key):][:2])
	return from.readSingle(keys)
}
