package xpc

import (
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

// The backend's message is given back once, when nobody needs it any more.
func TestMessageReleasedOnce(t *testing.T) {
	t.Run("after its handler", func(t *testing.T) {
		d := &received{}
		m := newMessage(nil, d, wire.DefaultLimits)
		m.drop()
		assert.Equal(t, 1, d.released)
		assert.Nil(t, m.d, "nothing of the backend is held")
		assert.ErrorIs(t, m.Retain(), ErrMisuse)
	})
	t.Run("after the last reference", func(t *testing.T) {
		d := &received{}
		m := newMessage(nil, d, wire.DefaultLimits)
		require.NoError(t, m.Retain())
		require.NoError(t, m.Retain())
		m.drop()
		require.NoError(t, m.Release())
		assert.Zero(t, d.released)
		require.NoError(t, m.Release())
		assert.Equal(t, 1, d.released)
		assert.ErrorIs(t, m.Release(), ErrMisuse)
		_, err := m.CreateReply()
		assert.ErrorIs(t, err, ErrMisuse)
		assert.Equal(t, 1, d.released)
	})
	t.Run("after a use under way", func(t *testing.T) {
		d := &received{}
		m := newMessage(nil, d, wire.DefaultLimits)
		require.NoError(t, m.use("test", func(driver.Message) error {
			m.drop()
			assert.Zero(t, d.released)
			return nil
		}))
		assert.Equal(t, 1, d.released)
	})
	t.Run("whoever else uses it", func(t *testing.T) {
		d := &received{}
		m := newMessage(nil, d, wire.DefaultLimits)
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				for range 1000 {
					assert.NoError(t, m.use("test", func(driver.Message) error { return nil }))
				}
			})
		}
		all.Wait()
		assert.Zero(t, d.released)
		m.drop()
		assert.Equal(t, 1, d.released)
	})
	t.Run("at once, where all is in Go", func(t *testing.T) {
		d := &received{}
		m := newOwnedMessage(d, wire.DefaultLimits)
		assert.Equal(t, 1, d.released)
		require.NoError(t, m.Release())
		assert.Equal(t, 1, d.released)
	})
	t.Run("by the collector", func(t *testing.T) {
		released := make(chan struct{})
		d := &counted{released: released}
		newOwnedMessage(d, wire.DefaultLimits)
		require.Eventually(t, func() bool {
			runtime.GC()
			select {
			case <-released:
				return true
			default:
				return false
			}
		}, 10*time.Second, time.Millisecond)
	})
}

// counted has a resource, and tells when it is released.
type counted struct {
	received
	released chan struct{}
}

func (m *counted) Resources() int { return 1 }
func (m *counted) Release()       { close(m.released) }

// A reply that is being sent is nobody else's to send, and is due again if that
// fails.
func TestReplyUnderWay(t *testing.T) {
	c, _ := recorded()
	d := &received{}
	m := newMessage(c, d, wire.DefaultLimits)
	d.reply = func() error {
		assert.ErrorIs(t, m.Reply(Dictionary{}), ErrReplied)
		assert.False(t, m.WantsReply())
		_, err := m.CreateReply()
		assert.ErrorIs(t, err, ErrReplied)
		return errors.New("no memory")
	}
	m.replying = replyDue
	assert.ErrorContains(t, m.Reply(Dictionary{}), "no memory")
	assert.True(t, m.WantsReply(), "still due")
	d.reply = func() error { return nil }
	require.NoError(t, m.Reply(Dictionary{}))
	assert.ErrorIs(t, m.Reply(Dictionary{}), ErrReplied)
	assert.False(t, m.WantsReply())
	m.drop()
	assert.ErrorIs(t, m.Reply(Dictionary{}), ErrMisuse)
}

// queueRecorder counts the releases of a queue.
type queueRecorder struct {
	driver.Queue
	released int
}

func (q *queueRecorder) Release() { q.released++ }

func TestQueueReleasedOnce(t *testing.T) {
	d := &queueRecorder{}
	q := WrapQueue("", d)
	require.NoError(t, q.use(func(driver.Queue) error {
		require.NoError(t, q.Close())
		assert.Zero(t, d.released, "in use")
		return nil
	}))
	assert.Equal(t, 1, d.released)
	require.NoError(t, q.Close())
	assert.Equal(t, 1, d.released)
	assert.ErrorIs(t, q.Async(func() {}), ErrMisuse)
	assert.ErrorIs(t, WrapQueue("", &queueRecorder{}).Async(nil), ErrMisuse)
}

// After Close of its connection a request cannot be answered, and Close is not
// undone by the attempt.
func TestReplyAfterClose(t *testing.T) {
	c, _ := recorded()
	require.NoError(t, c.Close())
	d := &received{reply: func() error { t.Error("sent"); return nil }}
	m := newMessage(c, d, wire.DefaultLimits)
	for range 2 {
		assert.ErrorIs(t, m.Reply(Dictionary{}), ErrClosed)
	}
	assert.Equal(t, sealed, c.s.calls.n.Load())
	m.drop()
}
