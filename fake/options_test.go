package fake

import (
	"context"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

// An answer shows what an option changes: with is false for the default.
type answer func(t *testing.T, s *scene, with bool)

// scene is an echo service and one client of it, in a bubble.
type scene struct {
	world
	job                *Job
	proc               backend // of the client
	client             driver.Conn
	toListener, toPeer *recorder
	toClient           *recorder
}

func newScene(t *testing.T, opts ...Option) *scene {
	s := &scene{world: newWorld(t, opts...), toListener: newRecorder(), toPeer: newRecorder(), toClient: newRecorder()}
	s.job = s.echo(s.toListener, s.toPeer)
	s.proc = s.process(ProcessConfig{})
	s.client = s.world.client(s.proc, mach(echoName), s.toClient)
	return s
}

// peer connects the client, and gives the other end.
func (s *scene) peer(t *testing.T) driver.Conn {
	require.Equal(t, "re:hello", ask(t, s.client, "hello"))
	synctest.Wait()
	s.toPeer.expect(t, "hello")
	return <-s.toListener.peers
}

// seen are the events that are out once nothing can go on.
func (r *recorder) seen() (out []string) {
	synctest.Wait()
	for {
		select {
		case s := <-r.events:
			out = append(out, s)
		default:
			return out
		}
	}
}

// either chooses what is right.
func either(with bool, yes, no []string) []string {
	if with {
		return yes
	}
	return no
}

func TestOptions(t *testing.T) {
	all := OpenQuestions()
	all["StrictPeers"] = StrictPeers()
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		for _, with := range []bool{false, true} {
			title, opts := name, []Option{all[name]}
			if !with {
				title, opts = "not "+name, nil
			}
			t.Run(title, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { answers[name](t, newScene(t, opts...), with) })
			})
		}
	}
}

var answers = map[string]answer{
	"HangDropped": func(t *testing.T, s *scene, with bool) {
		s.toPeer.hold = true
		asked := newRecorder()
		require.NoError(t, s.client.SendWithReply(body("x"), nil, asked.handle))
		s.toPeer.expect(t, "x")
		s.toPeer.messages()[0].Release()
		require.Equal(t, either(with, nil, []string{"INTERRUPTED"}), asked.seen())
	},
	"ListenerCancelsPeers": func(t *testing.T, s *scene, with bool) {
		s.peer(t)
		s.w().mu.Lock()
		l := s.job.ports[echoName].listener
		s.w().mu.Unlock()
		l.Cancel()
		require.Equal(t, either(with, []string{"INTERRUPTED"}, nil), s.toClient.seen())
	},
	"InterruptEndpoints": func(t *testing.T, s *scene, with bool) {
		b := s.process(ProcessConfig{Name: "server"})
		c, _ := s.anonymous(t, b, true)
		require.Equal(t, "re:x", ask(t, c, "x"))
		b.p.Crash()
		require.Equal(t, either(with, []string{"INTERRUPTED", "INVALID"}, []string{"INVALID"}), s.toClient.seen())
	},
	"LookUpOnSend": func(t *testing.T, s *scene, with bool) {
		r := newRecorder()
		c := s.world.client(s.proc, mach("com.example.nobody"), r)
		require.Equal(t, either(with, nil, []string{"INVALID"}), r.seen())
		require.Equal(t, "INVALID", ask(t, c, "x"))
		require.Equal(t, either(with, []string{"INVALID"}, nil), r.seen())
	},
	"SwapHandlersLate": func(t *testing.T, s *scene, with bool) {
		peer := s.peer(t)
		s.client.Suspend()
		require.NoError(t, peer.Send(body("1")))
		require.NoError(t, peer.Send(body("2")))
		second := newRecorder()
		s.client.SetHandler(second.handle)
		require.NoError(t, peer.Send(body("3")))
		s.client.Resume()
		require.Equal(t, either(with, []string{"1", "2"}, nil), s.toClient.seen())
		require.Equal(t, either(with, []string{"3"}, []string{"1", "2", "3"}), second.seen())
	},
	"KeepHandlers": func(t *testing.T, s *scene, with bool) {
		s.client.Cancel()
		require.Equal(t, []string{"INVALID"}, s.toClient.seen())
		s.w().mu.Lock()
		kept := s.client.(*conn).handler != nil
		s.w().mu.Unlock()
		require.Equal(t, with, kept)
		s.client.Release()
		s.w().mu.Lock()
		defer s.w().mu.Unlock()
		require.Nil(t, s.client.(*conn).handler)
	},
	"HandlerIsBarrier": func(t *testing.T, s *scene, with bool) {
		peer := s.peer(t)
		asked, inside := newRecorder(), newRecorder()
		s.client.SetHandler(func(ev driver.Event) {
			if ev.Message == nil {
				return
			}
			ev.Message.Release()
			require.NoError(t, s.client.SendWithReply(body("from the handler"), nil, asked.handle))
			select {
			case x := <-asked.events:
				inside.events <- x
			case <-time.After(time.Second):
				inside.events <- "nothing"
			}
		})
		require.NoError(t, peer.Send(body("go")))
		time.Sleep(2 * time.Second)
		require.Equal(t, either(with, []string{"nothing"}, []string{"re:from the handler"}), inside.seen())
		require.Equal(t, either(with, []string{"re:from the handler"}, nil), asked.seen())

		// What the service answers inside its handler leaves when that returns.
		peer.SetHandler(func(ev driver.Event) {
			if ev.Message == nil {
				return
			}
			require.NoError(t, ev.Message.Reply(body("early")))
			time.Sleep(time.Second)
			ev.Message.Release()
		})
		start := time.Now()
		require.Equal(t, "early", ask(t, s.client, "x"))
		require.Equal(t, with, time.Since(start) == time.Second)
		synctest.Wait()
		time.Sleep(time.Second)
	},
	"CancelWins": func(t *testing.T, s *scene, with bool) {
		s.toPeer.hold = true
		q := s.queue(s.proc, false)
		asked := newRecorder()
		require.NoError(t, s.client.SendWithReply(body("x"), q, asked.handle))
		s.toPeer.expect(t, "x")
		q.Async(func() { time.Sleep(time.Second) })
		synctest.Wait()
		s.job.Process().Crash()
		s.client.Cancel()
		time.Sleep(2 * time.Second)
		require.Equal(t, either(with, []string{"INVALID"}, []string{"INTERRUPTED"}), asked.seen())
	},
	"CancelDiscardsSent": func(t *testing.T, s *scene, with bool) {
		peer := s.peer(t)
		peer.Suspend()
		require.NoError(t, s.client.Send(body("1")))
		require.NoError(t, s.client.Send(body("2")))
		s.client.Cancel()
		peer.Resume()
		require.Equal(t, either(with, []string{"INVALID"}, []string{"1", "2", "INVALID"}), s.toPeer.seen())
	},
	"LoseAfterDeath": func(t *testing.T, s *scene, with bool) {
		s.peer(t)
		q := s.queue(s.proc, false)
		require.NoError(t, s.client.SetTargetQueue(q))
		q.Async(func() { time.Sleep(time.Second) })
		synctest.Wait()
		s.job.Process().Crash()
		require.NoError(t, s.client.Send(body("between")))
		require.Equal(t, !with, slices.Contains(s.toPeer.seen(), "between"))
		time.Sleep(2 * time.Second)
		require.Equal(t, []string{"INTERRUPTED"}, s.toClient.seen())
		require.Equal(t, "re:after", ask(t, s.client, "after"))
	},
	"UnloadInvalidatesLate": func(t *testing.T, s *scene, with bool) {
		s.peer(t)
		s.job.Unload()
		require.Equal(t, either(with, []string{"INTERRUPTED"}, []string{"INTERRUPTED", "INVALID"}), s.toClient.seen())
		require.NoError(t, s.job.Load())
		require.Equal(t, "INVALID", ask(t, s.client, "x"))
		require.Equal(t, either(with, []string{"INVALID"}, nil), s.toClient.seen())
	},
	"PeersStartEarly": func(t *testing.T, s *scene, with bool) {
		order := newRecorder()
		j, err := s.Load(JobConfig{Label: "early", MachServices: []string{"early"}, Main: func(ctx context.Context, p *Process) error {
			l, err := backend{p}.NewConn(driver.Spec{Kind: driver.KindMachService, Name: "early", Flags: driver.FlagListener}, nil)
			if err != nil {
				return err
			}
			l.SetHandler(func(ev driver.Event) {
				if ev.Peer != nil {
					ev.Peer.SetHandler(order.handle)
					ev.Peer.Activate()
					time.Sleep(time.Second)
					order.events <- "listener"
				}
			})
			l.Activate()
			<-ctx.Done()
			return nil
		}})
		require.NoError(t, err)
		c := s.world.client(s.proc, mach("early"), newRecorder())
		require.NoError(t, c.Send(body("message")))
		time.Sleep(2 * time.Second)
		require.Equal(t, either(with, []string{"message", "listener"}, []string{"listener", "message"}), order.seen())
		require.Equal(t, 1, j.Launches())
	},
	"InactiveEndpointsInvalid": func(t *testing.T, s *scene, with bool) {
		c, activate := s.anonymous(t, s.process(ProcessConfig{}), false)
		require.NoError(t, c.Send(body("x")))
		require.Equal(t, either(with, []string{"INVALID"}, nil), s.toClient.seen())
		activate()
		require.Equal(t, either(with, nil, []string{"x"}), s.toPeer.seen())
	},
	"EndpointsDiffer": func(t *testing.T, s *scene, with bool) {
		a, err := s.proc.NewConn(driver.Spec{Kind: driver.KindAnonymous}, nil)
		require.NoError(t, err)
		e1, err1 := a.Endpoint()
		e2, err2 := a.Endpoint()
		require.NoError(t, err1)
		require.NoError(t, err2)
		require.True(t, e1.Equal(e1))
		require.Equal(t, !with, e1.Equal(e2))
	},
	"KeepCredentials": func(t *testing.T, s *scene, with bool) {
		s.peer(t)
		pid := s.job.Process().PID()
		s.job.Process().Crash()
		s.toClient.expect(t, "INTERRUPTED")
		if !with {
			pid = 0
		}
		require.Equal(t, pid, s.client.Credentials().PID)
	},
	"FinalizeInRelease": func(t *testing.T, s *scene, with bool) {
		q := s.queue(s.proc, false)
		require.NoError(t, s.client.SetTargetQueue(q))
		freed := newRecorder()
		s.client.SetFinalizer(func() { freed.events <- "freed" })
		s.client.Cancel()
		require.Equal(t, []string{"INVALID"}, s.toClient.seen())
		q.Async(func() { time.Sleep(time.Second) })
		synctest.Wait()
		s.client.Release()
		require.Equal(t, either(with, []string{"freed"}, nil), freed.seen())
		time.Sleep(2 * time.Second)
		require.Equal(t, either(with, nil, []string{"freed"}), freed.seen())
	},
	"SuspendedSends": func(t *testing.T, s *scene, with bool) {
		s.client.Suspend()
		require.NoError(t, s.client.Send(body("x")))
		require.Equal(t, either(with, []string{"x"}, nil), s.toPeer.seen())
		s.client.Resume()
		require.Equal(t, either(with, nil, []string{"x"}), s.toPeer.seen())
	},
	"SuspendedReplies": func(t *testing.T, s *scene, with bool) {
		peer := s.peer(t)
		peer.Suspend()
		asked := newRecorder()
		require.NoError(t, s.client.SendWithReply(body("x"), nil, asked.handle))
		s.client.Suspend()
		peer.Resume()
		require.Equal(t, either(with, nil, []string{"re:x"}), asked.seen())
		s.client.Resume()
		require.Equal(t, either(with, []string{"re:x"}, nil), asked.seen())
	},
	"Strict": func(t *testing.T, s *scene, with bool) {
		c, err := s.proc.NewConn(mach(echoName), nil)
		require.NoError(t, err)
		c.SetHandler(s.toClient.handle)
		go func() {
			time.Sleep(time.Second)
			c.Activate()
		}()
		ev, err := c.SendWithReplySync(body("x"))
		if with {
			require.ErrorContains(t, err, "row 114")
		} else {
			require.NoError(t, err)
			ev.Message.Release()
		}
		time.Sleep(2 * time.Second)
	},
	"StrictPeers": func(t *testing.T, s *scene, with bool) {
		var peer driver.Conn
		w := NewLaunchd(either2(with, StrictPeers())...)
		b := world{w, t}.process(ProcessConfig{})
		a, err := b.NewConn(driver.Spec{Kind: driver.KindAnonymous}, nil)
		require.NoError(t, err)
		a.SetHandler(func(ev driver.Event) {
			if ev.Peer != nil {
				peer = ev.Peer
			}
		})
		a.Activate()
		e, err := a.Endpoint()
		require.NoError(t, err)
		c := world{w, t}.client(b, driver.Spec{Kind: driver.KindFromEndpoint, Endpoint: e}, newRecorder())
		require.NoError(t, c.Send(body("x")))
		synctest.Wait()
		require.NotNil(t, peer)
		peer.SetHandler(s.toPeer.handle)
		peer.Activate()
		s.toPeer.expect(t, "x")
		if err := w.Close(); with {
			require.ErrorContains(t, err, "row 153")
		} else {
			require.NoError(t, err)
		}
	},
}

func either2(with bool, o Option) []Option {
	if with {
		return []Option{o}
	}
	return nil
}

func (s *scene) w() *Launchd { return s.Launchd }

// anonymous is a client of an anonymous listener in b, which is activated now or
// later.
func (s *scene) anonymous(t *testing.T, b backend, now bool) (c driver.Conn, activate func()) {
	a, err := b.NewConn(driver.Spec{Kind: driver.KindAnonymous}, nil)
	require.NoError(t, err)
	activate = func() { acceptAll(a, s.toListener, s.toPeer) }
	if now {
		activate()
	}
	e, err := a.Endpoint()
	require.NoError(t, err)
	return s.world.client(s.process(ProcessConfig{}), driver.Spec{Kind: driver.KindFromEndpoint, Endpoint: e}, s.toClient), activate
}
