package xpc_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/driver"
)

// memoryBackend has shared memory and nothing else.
type memoryBackend struct {
	driver.Backend
	fail   error
	mapped atomic.Int32
}

type region struct {
	b     *memoryBackend
	bytes []byte
}

func (b *memoryBackend) NewSharedMemory(size int) (driver.SharedMemory, error) {
	return &region{b, make([]byte, (size+4095)/4096*4096)}, b.fail
}

func (r *region) Size() int { return len(r.bytes) }
func (r *region) Release()  {}
func (r *region) Map() (driver.Mapping, error) {
	r.b.mapped.Add(1)
	return r, r.b.fail
}
func (r *region) Bytes() []byte { return r.bytes }
func (r *region) Unmap() error {
	r.b.mapped.Add(-1)
	return nil
}

func TestSharedMemory(t *testing.T) {
	b := &memoryBackend{}
	rt := xpc.NewRuntime(b)
	for _, size := range []int{0, -1} {
		_, err := rt.NewSharedMemory(size)
		assert.ErrorIs(t, err, xpc.ErrMisuse)
	}
	_, err := (*xpc.SharedMemory)(nil).Map()
	assert.ErrorIs(t, err, xpc.ErrMisuse)

	s, err := rt.NewSharedMemory(5)
	require.NoError(t, err)
	one, err := s.Map()
	require.NoError(t, err)
	assert.Len(t, one.Bytes(), 4096)

	// It arrives as the same region, by every road.
	m := received(t, xpc.Dictionary{"s": s})
	var field struct {
		S *xpc.SharedMemory `xpc:"s"`
	}
	require.NoError(t, m.Decode(&field))
	for _, s := range []*xpc.SharedMemory{field.S, m.GetSharedMemory("s")} {
		two, err := s.Map()
		require.NoError(t, err)
		copy(one.Bytes(), "hello")
		assert.Equal(t, "hello", string(two.Bytes()[:5]))
		clear(one.Bytes())
		require.NoError(t, two.Close())
	}

	require.NoError(t, one.Close())
	assert.Nil(t, one.Bytes())
	assert.ErrorIs(t, one.Close(), xpc.ErrClosed)
	assert.Zero(t, b.mapped.Load())

	b.fail = errors.New("no memory")
	_, err = s.Map()
	assert.ErrorIs(t, err, b.fail)
	_, err = rt.NewSharedMemory(1)
	assert.ErrorIs(t, err, b.fail)
}
