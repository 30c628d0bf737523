//go:build cgo && ((darwin && !ios) || xpcstandin)

package xpc

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// handleTable gives the integers that blocks and connections hold in C in place
// of Go pointers. An integer names a slot and how often the slot was used, so a
// stale one finds nothing. Each event looks one up, so that takes no lock. The
// lock of the others is never held across a call into C: blocks are disposed of,
// and their handles freed, inside calls of ours.
type handleTable struct {
	chunks [maxChunks]atomic.Pointer[handleChunk] // each twice as large as the one before

	mu   sync.Mutex
	made uint32 // slots
	free []uint32
}

const (
	firstChunk = 64
	maxChunks  = 26
)

type handleChunk []handleSlot

type handleSlot struct {
	entry atomic.Pointer[handleEntry]
	used  uint32 // under the table's lock
}

type handleEntry struct {
	used  uint32
	value any
}

var handles handleTable

// place tells in which chunk, and where in it, the i-th slot is.
func place(i uint32) (chunk int, at uint32) {
	chunk = bits.Len32(i/firstChunk+1) - 1
	return chunk, i - firstChunk*(1<<chunk-1)
}

// slot finds the slot of a handle, nil if there never was one.
func (t *handleTable) slot(h uintptr) *handleSlot {
	chunk, at := place(uint32(h) - 1)
	if chunk >= maxChunks {
		return nil
	}
	c := t.chunks[chunk].Load()
	if c == nil {
		return nil
	}
	return &(*c)[at]
}

// put stores a value, not nil, until drop. The handle is never 0.
func (t *handleTable) put(v any) uintptr {
	t.mu.Lock()
	defer t.mu.Unlock()
	var i uint32
	if n := len(t.free); n > 0 {
		i = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		i = t.made
		t.made++
		if chunk, at := place(i); at == 0 {
			c := make(handleChunk, firstChunk<<chunk)
			t.chunks[chunk].Store(&c)
		}
	}
	s := t.slot(uintptr(i) + 1)
	s.used++
	s.entry.Store(&handleEntry{s.used, v})
	return uintptr(uint64(s.used)<<32 | uint64(i+1))
}

// of gives what the slot holds for a handle, nil if it is another's or nobody's.
func (s *handleSlot) of(h uintptr) *handleEntry {
	if s == nil {
		return nil
	}
	e := s.entry.Load()
	if e == nil || e.used != uint32(uint64(h)>>32) {
		return nil
	}
	return e
}

// get finds what put has stored, nil after drop.
func (t *handleTable) get(h uintptr) any {
	if e := t.slot(h).of(h); e != nil {
		return e.value
	}
	return nil
}

// drop forgets a value and returns it.
func (t *handleTable) drop(h uintptr) any {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.slot(h)
	e := s.of(h)
	if e == nil {
		return nil
	}
	s.entry.Store(nil)
	t.free = append(t.free, uint32(h)-1)
	return e.value
}

func (t *handleTable) live() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return int(t.made) - len(t.free)
}
