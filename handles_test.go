//go:build cgo && ((darwin && !ios) || xpcstandin)

package xpc

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHandles(t *testing.T) {
	var table handleTable
	const n = 5 * firstChunk // over several chunks
	all := map[uintptr]int{}
	for i := range n {
		h := table.put(i)
		require.NotZero(t, h)
		require.NotContains(t, all, h)
		all[h] = i
	}
	assert.Equal(t, n, table.live())
	for h, i := range all {
		require.Equal(t, i, table.get(h))
		require.Equal(t, i, table.drop(h))
		require.Nil(t, table.get(h), "a stale one finds nothing")
		require.Nil(t, table.drop(h))
	}
	assert.Zero(t, table.live())
	for range n {
		require.NotContains(t, all, table.put("again"), "a slot that is used again has another handle")
	}
	for _, h := range []uintptr{0, 1, ^uintptr(0), 1 << 31, n + 1} {
		assert.Nil(t, table.get(h), "%#x was never given out", h)
		assert.Nil(t, table.drop(h))
	}
}

func TestHandlesConcurrently(t *testing.T) {
	var table handleTable
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 2000 {
				h := table.put([2]int{g, i})
				assert.Equal(t, [2]int{g, i}, table.get(h))
				assert.Equal(t, [2]int{g, i}, table.drop(h))
			}
		})
	}
	wg.Wait()
	assert.Zero(t, table.live())
}
