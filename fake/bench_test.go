package fake

import (
	"context"
	"testing"

	"github.com/go-xpc/xpc/driver"
)

func benchClient(b *testing.B) driver.Conn {
	w := newWorld(b)
	_, err := w.Load(JobConfig{Label: "x", MachServices: []string{echoName}, Main: func(ctx context.Context, p *Process) error {
		l, err := backend{p}.NewConn(driver.Spec{Kind: driver.KindMachService, Name: echoName, Flags: driver.FlagListener}, nil)
		if err != nil {
			return err
		}
		payload := body("a reply of some bytes, as an encoder makes it")
		l.SetHandler(func(ev driver.Event) {
			if ev.Peer == nil {
				return
			}
			ev.Peer.SetHandler(func(ev driver.Event) {
				if m := ev.Message; m != nil {
					if m.WantsReply() {
						_ = m.Reply(payload)
					}
					m.Release()
				}
			})
			ev.Peer.Activate()
		})
		l.Activate()
		<-ctx.Done()
		return nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	c := w.client(w.process(ProcessConfig{}), mach(echoName), newRecorder())
	ask(b, c, "warm up")
	return c
}

func BenchmarkPingPong(b *testing.B) {
	ping, pong := make(chan int), make(chan int)
	go func() {
		for v := range ping {
			pong <- v
		}
		close(pong)
	}()
	for i := range b.N {
		ping <- i
		<-pong
	}
	close(ping)
}

func BenchmarkRoundTripSync(b *testing.B) {
	c := benchClient(b)
	p := body("a request of some bytes, as an encoder makes it")
	b.ReportAllocs()
	for b.Loop() {
		ev, err := c.SendWithReplySync(p)
		if err != nil || ev.Message == nil {
			b.Fatal(ev, err)
		}
		ev.Message.Release()
	}
}

func BenchmarkRoundTripAsync(b *testing.B) {
	c := benchClient(b)
	p := body("a request of some bytes, as an encoder makes it")
	done := make(chan struct{})
	b.ReportAllocs()
	for b.Loop() {
		_ = c.SendWithReply(p, nil, func(ev driver.Event) {
			ev.Message.Release()
			done <- struct{}{}
		})
		<-done
	}
}

func BenchmarkOneWay(b *testing.B) {
	c := benchClient(b)
	p := body("a request of some bytes, as an encoder makes it")
	b.ReportAllocs()
	for b.Loop() {
		_ = c.Send(p)
	}
	ask(b, c, "drained")
}
