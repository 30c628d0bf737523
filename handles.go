//go:build cgo && ((darwin && !ios) || xpcstandin)

package xpc

import "sync"

// handleTable gives the integers that blocks and connections hold in C in place
// of Go pointers. An integer names a slot and how often the slot was used, so a
// stale one finds nothing. Its lock is never held across a call into C: blocks
// are disposed of, and their handles freed, inside calls of ours.
type handleTable struct {
	mu    sync.Mutex
	slots []handleSlot
	free  []uint32
}

type handleSlot struct {
	value any
	used  uint32
}

var handles handleTable

// put stores a value, not nil, until drop. The handle is never 0.
func (t *handleTable) put(v any) uintptr {
	t.mu.Lock()
	defer t.mu.Unlock()
	var i uint32
	if n := len(t.free); n > 0 {
		i = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		t.slots = append(t.slots, handleSlot{})
		i = uint32(len(t.slots) - 1)
	}
	s := &t.slots[i]
	s.used++
	s.value = v
	return uintptr(uint64(s.used)<<32 | uint64(i+1))
}

// get finds what put has stored, nil after drop.
func (t *handleTable) get(h uintptr) any {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.slot(h); s != nil {
		return s.value
	}
	return nil
}

// drop forgets a value and returns it.
func (t *handleTable) drop(h uintptr) any {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.slot(h)
	if s == nil {
		return nil
	}
	v := s.value
	s.value = nil
	t.free = append(t.free, uint32(h)-1)
	return v
}

func (t *handleTable) slot(h uintptr) *handleSlot {
	i := uint64(uint32(h)) - 1
	if i >= uint64(len(t.slots)) {
		return nil
	}
	s := &t.slots[i]
	if s.value == nil || s.used != uint32(uint64(h)>>32) {
		return nil
	}
	return s
}

func (t *handleTable) live() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.slots) - len(t.free)
}
