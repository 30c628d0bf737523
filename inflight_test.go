package xpc

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestInflight(t *testing.T) {
	begin := func(want bool) func(*testing.T, *inflight) {
		return func(t *testing.T, f *inflight) { assert.Equal(t, want, f.begin()) }
	}
	end := func(spent bool) func(*testing.T, *inflight) {
		return func(t *testing.T, f *inflight) { assert.Equal(t, spent, f.end()) }
	}
	seal := func(first bool) func(*testing.T, *inflight) {
		return func(t *testing.T, f *inflight) { assert.Equal(t, first, f.seal()) }
	}
	finish := func(first bool) func(*testing.T, *inflight) {
		return func(t *testing.T, f *inflight) {
			assert.Equal(t, first, f.finish())
			assert.True(t, f.isOver())
		}
	}
	for name, steps := range map[string][]func(*testing.T, *inflight){
		"nothing ends it but all three": {begin(true), begin(true), end(false), seal(true), finish(true), end(false), end(false), end(true)},
		"the last event comes last":     {begin(true), seal(true), end(false), end(false), finish(true), end(true)},
		"each counts once":              {finish(true), finish(false), seal(true), seal(false), end(false), end(true)},
		"no call after the seal":        {seal(true), begin(false), finish(true), begin(false), end(false), end(true), begin(false), finish(false)},
		"calls after the last event":    {finish(true), begin(true), end(false), end(false), begin(true), seal(true), end(false), end(true)},
	} {
		t.Run(name, func(t *testing.T) {
			var f inflight
			assert.False(t, f.isOver())
			for _, step := range steps {
				step(t, &f)
			}
		})
	}
}

// Whoever comes last, and only he, is told so.
func TestInflightIsSpentOnce(t *testing.T) {
	for range 20 {
		var f inflight
		var spent atomic.Int32
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for f.begin() {
					if f.end() {
						spent.Add(1)
					}
				}
			})
		}
		all.Go(func() {
			if f.finish() && f.end() {
				spent.Add(1)
			}
		})
		all.Go(func() {
			if f.seal() && f.end() {
				spent.Add(1)
			}
		})
		all.Wait()
		require.EqualValues(t, 1, spent.Load())
	}
}

func TestSlots(t *testing.T) {
	var s slots
	assert.True(t, s.take(2))
	assert.True(t, s.take(2))
	assert.False(t, s.take(2))
	s.free()
	assert.True(t, s.take(2))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100_000 {
				if s.take(5) {
					s.free()
				}
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 2, s.taken.Load(), "each that was taken then was freed")
}

// While the last event's bindings are cut no other can be made, and Done is still to
// come: nothing keeps the connection through its block.
func TestLastEventCutsBeforeDone(t *testing.T) {
	c, _ := recorded()
	cuts := 0
	for range 2 {
		c.s.finish(func() {
			cuts++
			assert.Nil(t, c.install(ignore))
			select {
			case <-c.Done():
				t.Error("done before it was cut")
			default:
			}
		})
	}
	<-c.Done()
	assert.Equal(t, 1, cuts)
}
