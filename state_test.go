package xpc

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

// recorder is a backend's connection that writes down what it is asked for.
type recorder struct {
	driver.Conn
	mu      sync.Mutex
	log     []string
	handler driver.Handler
	why     string
}

func (r *recorder) did(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, what)
}

func (r *recorder) calls() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	log := r.log
	r.log = nil
	return log
}

func (r *recorder) SetHandler(h driver.Handler)         { r.handler = h; r.did("SetHandler") }
func (r *recorder) Activate()                           { r.did("Activate") }
func (r *recorder) Suspend()                            { r.did("Suspend") }
func (r *recorder) Resume()                             { r.did("Resume") }
func (r *recorder) Cancel()                             { r.did("Cancel") }
func (r *recorder) Release()                            { r.did("Release") }
func (r *recorder) Send(*driver.Payload) error          { r.did("Send"); return nil }
func (r *recorder) Name() (string, bool)                { return "com.example.recorded", true }
func (r *recorder) Credentials() driver.Credentials     { return driver.NoCredentials }
func (r *recorder) InvalidationReason() (string, bool)  { return r.why, r.why != "" }
func (r *recorder) SetFinalizer(func())                 {}
func (r *recorder) SetTargetQueue(q driver.Queue) error { return nil }

// recorded makes a Connection on a recorder.
func recorded() (*Connection, *recorder) {
	r := &recorder{}
	rt := NewRuntime(nil)
	return newConnection(rt, driver.Spec{Kind: driver.KindMachService, Name: "com.example.recorded"}, r), r
}

// received is a message that counts its releases.
type received struct {
	driver.Message
	released  int
	resources int
	reply     func() error
}

func (m *received) Body() []byte                { return wire.Empty() }
func (m *received) Resources() int              { return m.resources }
func (m *received) WantsReply() bool            { return m.reply != nil }
func (m *received) Reply(*driver.Payload) error { return m.reply() }
func (m *received) Release()                    { m.released++ }

func ignore(Event) {}

// What the backend is asked for, step by step, in every state. The rules of libxpc
// about what is inactive or suspended are kept by never coming near them.
func TestCallsOfTheBackend(t *testing.T) {
	set := func(c *Connection) error { return c.SetEventHandler(ignore) }
	send := func(c *Connection) error { return c.SendMessage(Dictionary{}) }
	type step struct {
		do   func(*Connection) error
		want []string
	}
	steps := func(s ...step) []step { return s }
	for name, all := range map[string][]step{
		"activation": steps(step{set, nil}, step{(*Connection).Activate, []string{"SetHandler", "Activate"}}, step{(*Connection).Activate, nil}),
		"suspensions before it": steps(step{set, nil}, step{(*Connection).Suspend, nil}, step{(*Connection).Suspend, nil}, step{(*Connection).Resume, nil},
			step{(*Connection).Activate, []string{"SetHandler", "Suspend", "Activate"}}, step{(*Connection).Resume, []string{"Resume"}}),
		"another handler": steps(step{set, nil}, step{set, nil}, step{(*Connection).Activate, []string{"SetHandler", "Activate"}}, step{set, []string{"SetHandler"}}),
		"cancel while inactive": steps(step{set, nil}, step{(*Connection).Cancel, []string{"SetHandler", "Suspend", "Activate", "Cancel"}},
			step{(*Connection).Cancel, []string{"Cancel"}}, step{set, nil}, step{(*Connection).Activate, []string{"Resume"}}, step{(*Connection).Cancel, []string{"Cancel"}}),
		"cancel after a send": steps(step{set, nil}, step{send, []string{"Send"}},
			step{(*Connection).Cancel, []string{"SetHandler", "Suspend", "Cancel", "Activate", "Cancel"}}),
		"cancel while active": steps(step{set, nil}, step{(*Connection).Activate, []string{"SetHandler", "Activate"}}, step{(*Connection).Cancel, []string{"Cancel"}}),
		"close while inactive": steps(step{(*Connection).Close, []string{"SetHandler", "Suspend", "Activate", "Cancel", "Resume"}},
			step{(*Connection).Close, nil}),
		"close after a send":   steps(step{send, []string{"Send"}}, step{(*Connection).Close, []string{"SetHandler", "Suspend", "Cancel", "Activate", "Cancel", "Resume"}}),
		"close after a cancel": steps(step{(*Connection).Cancel, []string{"SetHandler", "Suspend", "Activate", "Cancel"}}, step{(*Connection).Close, []string{"Resume"}}),
		"close while suspended": steps(step{set, nil}, step{(*Connection).Activate, []string{"SetHandler", "Activate"}},
			step{(*Connection).Suspend, []string{"Suspend"}}, step{(*Connection).Suspend, []string{"Suspend"}},
			step{(*Connection).Close, []string{"Cancel", "Resume", "Resume"}}),
	} {
		t.Run(name, func(t *testing.T) {
			c, r := recorded()
			for i, s := range all {
				require.NoError(t, s.do(c), i)
				require.Equal(t, s.want, r.calls(), i)
			}
		})
	}
}

// A call that was let in before Close, and comes to its work after it.
func TestCallsAfterTheTeardown(t *testing.T) {
	for name, do := range map[string]func(*Connection) error{
		"SetEventHandler": func(c *Connection) error { return c.SetEventHandler(ignore) },
		"Activate":        (*Connection).Activate, "Suspend": (*Connection).Suspend, "Resume": (*Connection).Resume, "Cancel": (*Connection).Cancel,
	} {
		t.Run(name, func(t *testing.T) {
			c, r := recorded()
			require.NoError(t, c.SetEventHandler(ignore))
			c.s.phase = torn
			defer c.s.calls.seal() // nor is there anything left for the collector to do
			assert.ErrorIs(t, do(c), ErrClosed)
			assert.Empty(t, r.calls())
			assert.Equal(t, torn, c.s.phase)
			assert.Zero(t, c.s.suspends)
		})
	}
	c, _ := recorded()
	require.NoError(t, c.Suspend())
	require.NoError(t, c.Close())
	assert.Equal(t, torn, c.s.phase)
	assert.Zero(t, c.s.suspends)
}

// The reference goes once, when the connection is closed, has seen its last event
// and no call is under way, whichever comes last.
func TestReleaseOnce(t *testing.T) {
	end := func(c *Connection) { c.s.end() }
	finish := func(c *Connection) { c.s.finish(func() {}) }
	closed := func(c *Connection) { c.Close() }
	for name, steps := range map[string][]func(*Connection){
		"the call":       {finish, closed, finish, end},
		"the last event": {closed, end, finish, finish},
		"the close":      {finish, end, finish, closed, closed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, r := recorded()
				require.NoError(t, c.s.begin())
				released := 0
				for i, step := range steps {
					step(c)
					synctest.Wait()
					may := c.s.calls.n.Load() == sealed|over
					for _, what := range r.calls() {
						if what == "Release" {
							released++
						}
					}
					assert.Equal(t, may, released == 1, "after step %d", i)
					assert.LessOrEqual(t, released, 1)
				}
				assert.Equal(t, 1, released)
			})
		})
	}
}

// Before the program has activated a connection, nothing is for it.
func TestEventsBeforeTheBinding(t *testing.T) {
	c, r := recorded()
	require.NoError(t, c.Cancel())
	m := &received{}
	r.handler(driver.Event{Message: m})
	assert.Equal(t, 1, m.released)
	select {
	case <-c.Done():
		t.Error("a message is no end")
	default:
	}
	r.handler(driver.Event{Err: driver.Invalid})
	<-c.Done()
}

// A peer that nobody is told of is ended.
func TestDiscardedPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		discard(driver.Event{Peer: r})
		assert.Equal(t, []string{"SetHandler", "Suspend", "Activate", "Cancel", "Resume"}, r.calls())
		r.handler(driver.Event{Err: driver.Invalid})
		synctest.Wait()
		assert.Equal(t, []string{"Release"}, r.calls())
	})
}

// What the collector ends is not told to anybody: Done may belong to a synctest
// bubble that is gone.
func TestAbandonedIsNeverDone(t *testing.T) {
	c, r := recorded()
	done := c.Done()
	c.s.abandon()
	r.handler(driver.Event{Err: driver.Invalid})
	select {
	case <-done:
		t.Error("closed")
	default:
	}
	assert.True(t, c.s.calls.isOver())
}

// Each handler's path to the connection is cut after the last event, also that of
// a handler which was replaced while its block was kept.
func TestBindingsAreCut(t *testing.T) {
	c, r := recorded()
	var got []string
	handler := func(name string) func(Event) { return func(Event) { got = append(got, name) } }
	require.NoError(t, c.SetEventHandler(handler("first")))
	require.NoError(t, c.Activate())
	assert.Nil(t, c.handler, "what it captures is held by its binding alone")
	first := r.handler
	require.NoError(t, c.SetEventHandler(handler("second")))
	second := r.handler
	first(driver.Event{Err: driver.Invalid}) // the change came too late
	assert.Equal(t, []string{"first"}, got)
	r.calls()
	require.NoError(t, c.SetEventHandler(handler("third")))
	assert.Empty(t, r.calls(), "there is nothing left that would call it")
	for _, h := range []driver.Handler{first, second} {
		m := &received{}
		h(driver.Event{Message: m})
		assert.Equal(t, 1, m.released)
	}
	assert.Equal(t, []string{"first"}, got)
}

// What is asked of a connection while it is closed is answered either way.
func TestCredentialsAgainstClose(t *testing.T) {
	for range 100 {
		c, _ := recorded()
		var all sync.WaitGroup
		all.Go(func() { assert.NoError(t, c.Close()) })
		all.Go(func() {
			for range 50 {
				assert.Equal(t, driver.NoCredentials.PID, c.PID())
			}
		})
		all.Wait()
	}
}

func TestFinalizerOnce(t *testing.T) {
	c, _ := recorded()
	n := 0
	require.NoError(t, c.SetFinalizer(func(ctx any) { n += ctx.(int) }))
	c.s.finalize()
	assert.Zero(t, n, "without a context there is nothing to finalize")
	require.NoError(t, c.SetFinalizer(func(ctx any) { n += ctx.(int) }))
	require.NoError(t, c.SetContext(1))
	c.s.finalize()
	c.s.finalize()
	assert.Equal(t, 1, n)
}

// The reason can be asked for at any time, and a hint tells apart who ended it.
func TestReasonAndHint(t *testing.T) {
	c, r := recorded()
	_, ok := c.InvalidationReason()
	assert.False(t, ok)
	r.why = "because"
	why, ok := c.InvalidationReason()
	assert.True(t, ok)
	assert.Equal(t, "because", why)

	c, r = recorded()
	require.NoError(t, c.SetEventHandler(ignore))
	require.NoError(t, c.Activate())
	require.NoError(t, c.Close())
	r.why = "noted"
	r.handler(driver.Event{Err: driver.Invalid})
	r.why = "" // as after the release
	why, ok = c.s.why, c.s.dead
	assert.True(t, ok)
	assert.Equal(t, "noted", why, "taken down with the last event")

	hint := func(end func(*Connection) error) string {
		c, _ := recorded()
		require.NoError(t, end(c))
		return c.s.newError("event", driver.Event{Err: driver.Invalid}).Hint
	}
	assert.NotEmpty(t, hint(func(*Connection) error { return nil }))
	assert.Empty(t, hint((*Connection).Cancel), "the program knows")
	assert.Empty(t, hint((*Connection).Close))
}
