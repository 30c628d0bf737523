package xpc_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
)

// Every method of a connection and of a message, from many goroutines at once:
// for the race detector.
func TestConnectionFromManyGoroutines(t *testing.T) {
	s := newService(t, echo)
	for range 20 {
		c := s.client(t)
		require.NoError(t, c.SetEventHandler(func(xpc.Event) {}))
		var wg sync.WaitGroup
		start := make(chan struct{})
		for _, do := range []func(i int){
			func(i int) { c.SetEventHandler(func(xpc.Event) { _ = i }) },
			func(int) { c.Activate() },
			func(int) { c.Suspend(); c.Resume() },
			func(int) { c.Resume() },
			func(i int) { c.SetContext(i) },
			func(int) { c.Context() },
			func(int) { c.SetFinalizer(func(any) {}) },
			func(int) { c.PID(); c.EUID() },
			func(int) { c.Done() },
			func(int) { c.InvalidationReason() },
			func(int) { c.SendMessage(xpc.Dictionary{}) },
			func(int) { c.SetTargetQueue(nil) },
			func(i int) {
				if i == 30 {
					c.Cancel()
				}
			},
			func(i int) {
				if i == 40 {
					c.Close()
				}
			},
		} {
			for range 2 {
				wg.Go(func() {
					<-start
					for i := range 50 {
						do(i)
					}
				})
			}
		}
		close(start)
		wg.Wait()
		c.Close()
		done(t, c)
	}
}

// What takes one lock for one word is hard to catch: often, and by twos.
func TestContextAndFinalizerTogether(t *testing.T) {
	c, _ := newService(t, echo).active(t)
	var wg sync.WaitGroup
	for _, do := range []func(i int){
		func(i int) { c.SetContext(i) },
		func(int) { c.Context() },
		func(int) { c.SetFinalizer(func(any) {}) },
		func(int) { c.SetFinalizer(nil) },
	} {
		wg.Go(func() {
			for i := range 2000 {
				do(i)
			}
		})
	}
	wg.Wait()
}

func TestCancelAgainstActivate(t *testing.T) {
	s := newService(t, echo)
	for range 300 {
		c := s.client(t)
		require.NoError(t, c.SetEventHandler(func(xpc.Event) {}))
		var wg sync.WaitGroup
		for _, do := range []func() error{c.Cancel, c.Activate, c.Suspend, c.Resume} {
			wg.Go(func() { do() })
		}
		wg.Wait()
		require.NoError(t, c.Close())
	}
}

func TestHandlersAgainstTheLastEvent(t *testing.T) {
	s := newService(t, echo)
	for range 100 {
		c, _ := s.active(t)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for {
					select {
					case <-c.Done():
						return
					default:
						assert.NoError(t, c.SetEventHandler(func(xpc.Event) {}))
					}
				}
			})
		}
		require.NoError(t, c.Cancel())
		wg.Wait()
	}
}

// A connection that was used by others before it was dropped is collected.
func TestCollectedAfterUse(t *testing.T) {
	s := newService(t, echo)
	for range 20 {
		c, err := s.rt.NewFromEndpoint(s.endpoint)
		require.NoError(t, err)
		freed := make(chan struct{})
		require.NoError(t, c.SetContext(1))
		require.NoError(t, c.SetFinalizer(func(any) { close(freed) }))
		var wg sync.WaitGroup
		wg.Go(func() { c.Done() })
		wg.Wait()
		c = nil
		require.Eventually(t, func() bool {
			runtime.GC()
			select {
			case <-freed:
				return true
			default:
				return false
			}
		}, watchdog, time.Millisecond)
	}
}

func TestMessageFromManyGoroutines(t *testing.T) {
	var wg sync.WaitGroup
	s := newService(t, func(p *xpc.Connection, e xpc.Event) {
		m, ok := e.(*xpc.Message)
		if !ok {
			return
		}
		defer wg.Done()
		m.Retain()
		for range 2 {
			for _, do := range []func(){
				func() {
					if m.Retain() == nil {
						m.Release()
					}
				},
				func() { m.WantsReply() },
				func() { m.CreateReply() },
				func() { m.Reply(xpc.Dictionary{}) },
				func() { m.Reply(xpc.Dictionary{"cannot be sent": func() {}}) },
				func() { m.GetString("key") },
				func() { m.Dictionary() },
				func() {
					var v struct{ Key string }
					m.Decode(&v)
				},
			} {
				wg.Go(do)
			}
		}
		m.Release()
	})
	c, _ := s.active(t)
	for range 100 {
		wg.Add(1) // for the handler
		m, err := c.Call(t.Context(), xpc.Dictionary{"key": "value"})
		if err == nil {
			m.Release()
		}
	}
	wg.Wait()
}
