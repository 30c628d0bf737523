package xpc

import (
	"runtime"
	"sync"

	"github.com/go-xpc/xpc/driver"
)

// SharedMemory is a region of memory that both sides of a connection can map.
// It is a value that can be sent in messages, may be used from any goroutine,
// and needs no release; mappings do. One that was received refers to the
// sender's region, whatever becomes of the message.
//
// C: https://developer.apple.com/documentation/xpc/xpc_type_shmem
type SharedMemory struct{ d driver.SharedMemory }

func newSharedMemory(d driver.SharedMemory) *SharedMemory {
	m := &SharedMemory{d: d}
	runtime.AddCleanup(m, func(d driver.SharedMemory) { d.Release() }, d)
	return m
}

// NewSharedMemory makes a zeroed region of at least size bytes, in whole pages.
// A size below 1 is [ErrMisuse]; a runtime without shared memory, or without room
// for the region, gives its own error.
//
// C: xpc_shmem_create, https://developer.apple.com/documentation/xpc/1505829-xpc_shmem_create
func (r *Runtime) NewSharedMemory(size int) (*SharedMemory, error) {
	if size < 1 {
		return nil, misuse("NewSharedMemory", "size %d is not positive", size)
	}
	d, err := r.backend().NewSharedMemory(size)
	if err != nil {
		return nil, err
	}
	return newSharedMemory(d), nil
}

// Map maps the region anew. Writes are seen through every other mapping of it,
// also in other processes; nothing orders them, so let messages do it. The mapping
// belongs to the caller, who closes it; it outlives the SharedMemory and the
// message that it came in. An error is the system's.
//
// C: xpc_shmem_map, https://developer.apple.com/documentation/xpc/1505719-xpc_shmem_map
func (m *SharedMemory) Map() (*Mapping, error) {
	if m == nil || m.d == nil {
		return nil, misuse("Map", "the shared memory is nil")
	}
	defer runtime.KeepAlive(m)
	d, err := m.d.Map()
	if err != nil {
		return nil, err
	}
	mapping := &Mapping{d: d}
	runtime.SetFinalizer(mapping, (*Mapping).Close)
	return mapping, nil
}

// Mapping is one mapping of a [SharedMemory]. Its methods may be called from any
// goroutine. One that is dropped without Close is unmapped by the garbage
// collector, and then its bytes are gone, too.
type Mapping struct {
	mu sync.Mutex
	d  driver.Mapping
}

// Bytes is the mapped memory, in whole pages, valid until Close; nil after it.
// Keep the Mapping reachable while the bytes are used (runtime.KeepAlive). What
// the other process writes can change under the reader: check a copy.
func (m *Mapping) Bytes() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.d == nil {
		return nil
	}
	return m.d.Bytes()
}

// Close unmaps. Touching the bytes afterwards is a fault. Closing again gives
// [ErrClosed].
func (m *Mapping) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.d == nil {
		return ErrClosed
	}
	err := m.d.Unmap()
	m.d = nil
	runtime.SetFinalizer(m, nil)
	return err
}
