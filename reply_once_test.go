//go:build cgo && ((darwin && !ios) || xpcstandin)

package xpc

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-xpc/xpc/driver"
)

// A request's block may be called, disposed of without a call, or never sent, and
// its handler is called once, once and never.
func TestReplyOnce(t *testing.T) {
	var h uintptr
	call := func(r *replyOnce) { r.deliver(driver.Event{Err: driver.Invalid}) }
	send := func(r *replyOnce) { r.sent.Store(true); r.settle() }
	free := func(*replyOnce) { freeHandle(h) }
	for name, tc := range map[string]struct {
		steps []func(*replyOnce)
		want  driver.ErrorCode // 0: not called
	}{
		"called":                   {[]func(*replyOnce){send, call, free}, driver.Invalid},
		"called inside the send":   {[]func(*replyOnce){call, free, send}, driver.Invalid},
		"disposed of":              {[]func(*replyOnce){send, free}, driver.Interrupted},
		"disposed of in the send":  {[]func(*replyOnce){free, send}, driver.Interrupted},
		"not sent":                 {[]func(*replyOnce){free}, 0},
		"called twice, by mistake": {[]func(*replyOnce){send, call, call, free}, driver.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan driver.ErrorCode, 2)
			r := &replyOnce{h: func(ev driver.Event) { got <- ev.Err }}
			h = handles.put(r)
			for _, step := range tc.steps {
				step(r)
			}
			if tc.want != 0 {
				select {
				case code := <-got:
					assert.Equal(t, tc.want, code)
				case <-time.After(10 * time.Second):
					t.Error("watchdog: the handler was not called")
				}
			}
			assert.Equal(t, tc.want != 0, r.called.Load())
			assert.Empty(t, got)
			assert.Nil(t, handles.get(h))
		})
	}
}

// What a block is called with a second time is given back.
func TestReplyTwice(t *testing.T) {
	r := &replyOnce{h: func(driver.Event) {}}
	m := &received{}
	r.deliver(driver.Event{Err: driver.Invalid})
	r.deliver(driver.Event{Message: m})
	assert.Equal(t, 1, m.released)
}
