package fake

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

// stage has one client with a request that waits, and what it waits for.
type stage struct {
	world
	client, listener, peer     driver.Conn
	toClient, toPeer, toListen *recorder
	clientProc, serviceProc    *Process
	job                        *Job
	outcome                    *recorder // of the request
}

func newStage(t *testing.T, endpoint bool, opts ...Option) *stage {
	s := &stage{world: newWorld(t, opts...), toClient: newRecorder(), toPeer: newRecorder(), toListen: newRecorder(), outcome: newRecorder()}
	s.toPeer.hold = true
	cb := s.process(ProcessConfig{})
	s.clientProc = cb.p
	spec := mach(echoName)
	if endpoint {
		b := s.process(ProcessConfig{Name: "server"})
		s.serviceProc = b.p
		var err error
		s.listener, err = b.NewConn(driver.Spec{Kind: driver.KindAnonymous}, nil)
		require.NoError(t, err)
		acceptAll(s.listener, s.toListen, s.toPeer)
		e, err := s.listener.Endpoint()
		require.NoError(t, err)
		spec = driver.Spec{Kind: driver.KindFromEndpoint, Endpoint: e}
	} else {
		s.job = s.load(nil)
		var err error
		s.serviceProc, err = s.job.Launch()
		require.NoError(t, err)
		s.listener = listen(s.serviceProc, s.toListen, s.toPeer)
	}
	s.client = s.world.client(cb, spec, s.toClient)
	require.NoError(t, s.client.SendWithReply(body("request"), nil, s.outcome.handle))
	s.toListen.expect(t, "peer")
	s.peer = <-s.toListen.peers
	s.toPeer.expect(t, "request")
	return s
}

func (w world) load(main Main) *Job {
	w.t.Helper()
	j, err := w.Load(JobConfig{Label: "com.example.job", MachServices: []string{echoName}, Main: main})
	require.NoError(w.t, err)
	return j
}

func TestWhoSeesWhichError(t *testing.T) {
	const interrupted, invalid, gone = "INTERRUPTED", "INVALID", "GONE"
	none := []string(nil)
	for _, c := range []struct {
		name                            string
		act                             func(*stage)
		opts                            []Option
		named, endpoint, peer, listener []string
		asked                           string
		askedEndpoint                   string // if it differs
		only                            string
	}{
		{name: "client cancels", act: func(s *stage) { s.client.Cancel() },
			named: []string{invalid}, endpoint: []string{invalid}, peer: []string{invalid}, asked: invalid},
		{name: "client cancels twice", act: func(s *stage) { s.client.Cancel(); s.client.Cancel() },
			named: []string{invalid}, endpoint: []string{invalid}, peer: []string{invalid}, asked: invalid},
		{name: "client exits", act: func(s *stage) { s.clientProc.Exit() },
			named: []string{gone}, endpoint: []string{gone}, peer: []string{invalid}, asked: gone},
		{name: "client crashes", act: func(s *stage) { s.clientProc.Crash() },
			named: []string{gone}, endpoint: []string{gone}, peer: []string{invalid}, asked: gone},
		{name: "client is released", act: func(s *stage) { s.client.Release() },
			named: none, endpoint: none, peer: []string{invalid}, asked: invalid},
		{name: "service cancels the peer", act: func(s *stage) { s.peer.Cancel() },
			named: []string{interrupted}, endpoint: []string{interrupted}, peer: []string{invalid}, asked: interrupted},
		{name: "service exits", act: func(s *stage) { s.serviceProc.Exit() },
			named: []string{interrupted}, endpoint: []string{invalid}, peer: []string{gone}, listener: []string{gone}, asked: interrupted},
		{name: "service crashes", act: func(s *stage) { s.serviceProc.Crash() },
			named: []string{interrupted}, endpoint: []string{invalid}, peer: []string{gone}, listener: []string{gone}, asked: interrupted},
		{name: "service crashes, endpoints are interrupted first", act: func(s *stage) { s.serviceProc.Crash() },
			opts:  []Option{InterruptEndpoints()},
			named: []string{interrupted}, endpoint: []string{interrupted, invalid}, peer: []string{gone}, listener: []string{gone}, asked: interrupted},
		{name: "service drops the request", act: func(s *stage) { s.toPeer.messages()[0].Release() },
			asked: interrupted},
		{name: "service gives the reply up", act: func(s *stage) { s.toPeer.messages()[0].DropReply() },
			asked: interrupted},
		{name: "anonymous listener is cancelled", only: "endpoint", act: func(s *stage) { s.listener.Cancel() },
			endpoint: []string{invalid}, peer: []string{invalid}, listener: []string{invalid}, asked: invalid},
		{name: "named listener is cancelled with its peers", only: "named", act: func(s *stage) { s.listener.Cancel() },
			opts:  []Option{ListenerCancelsPeers()},
			named: []string{interrupted}, peer: []string{invalid}, listener: []string{invalid}, asked: interrupted},
		{name: "job is unloaded", only: "named", act: func(s *stage) { s.job.Unload() },
			named: []string{interrupted, invalid}, peer: []string{gone}, listener: []string{gone}, asked: interrupted},
	} {
		for _, kind := range []string{"named", "endpoint"} {
			if c.only != "" && c.only != kind {
				continue
			}
			t.Run(c.name+"/"+kind, func(t *testing.T) {
				s := newStage(t, kind == "endpoint", c.opts...)
				c.act(s)
				want := c.named
				if kind == "endpoint" {
					want = c.endpoint
				}
				s.toClient.expect(t, want...)
				s.toPeer.expect(t, c.peer...)
				s.toListen.expect(t, c.listener...)
				s.outcome.expect(t, c.asked)
				for _, r := range []*recorder{s.toClient, s.toPeer, s.toListen, s.outcome} {
					r.nothing(t, s.Launchd)
				}
			})
		}
	}
}

func TestNamedListenerCancelledLeavesItsPeers(t *testing.T) {
	s := newStage(t, false)
	s.listener.Cancel()
	s.toListen.expect(t, "INVALID")
	require.NoError(t, s.toPeer.messages()[0].Reply(body("late")))
	s.outcome.expect(t, "late")
	s.toClient.nothing(t, s.Launchd)
}

func TestDroppedRequestHangsIfAskedTo(t *testing.T) {
	s := newStage(t, false, HangDropped())
	s.toPeer.messages()[0].Release()
	s.outcome.nothing(t, s.Launchd)
	s.serviceProc.Crash()
	s.outcome.expect(t, "INTERRUPTED")
}

func TestNamesThatAreNotThere(t *testing.T) {
	listener := func(name string) driver.Spec {
		return driver.Spec{Kind: driver.KindMachService, Name: name, Flags: driver.FlagListener}
	}
	privileged := func(name string) driver.Spec {
		return driver.Spec{Kind: driver.KindMachService, Name: name, Flags: driver.FlagPrivileged}
	}
	for _, c := range []struct {
		name   string
		spec   driver.Spec
		domain Domain
		send   bool
		valid  bool
	}{
		{name: "unknown", spec: mach("nobody")},
		{name: "unknown, with a send", spec: mach("nobody"), send: true},
		{name: "known", spec: mach("daemon"), valid: true},
		{name: "known, privileged", spec: privileged("daemon"), valid: true},
		{name: "agent", spec: mach("agent"), valid: true},
		{name: "agent, privileged", spec: privileged("agent")},
		{name: "agent, from the system domain", spec: mach("agent"), domain: System},
		{name: "agent, from another user", spec: mach("agent"), domain: UserDomain(502)},
		{name: "bundled with the name of a MachService", spec: driver.Spec{Kind: driver.KindBundled, Name: "daemon"}},
		{name: "listener without a job", spec: listener("daemon")},
		{name: "listener without a job, privileged", spec: driver.Spec{Kind: driver.KindMachService, Name: "daemon", Flags: 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			for name, d := range map[string]Domain{"daemon": System, "agent": User} {
				_, err := w.Load(JobConfig{Label: name, MachServices: []string{name}, Domain: d})
				require.NoError(t, err)
			}
			r := newRecorder()
			conn := w.client(w.process(ProcessConfig{Domain: c.domain}), c.spec, r)
			if c.send {
				require.NoError(t, conn.Send(body("x")))
			}
			if c.valid {
				r.nothing(t, w.Launchd)
				return
			}
			r.expect(t, "INVALID")
			require.Equal(t, "INVALID", ask(t, conn, "x"))
			reason, ok := conn.InvalidationReason()
			require.True(t, ok)
			require.Contains(t, reason, c.spec.Name)
			r.nothing(t, w.Launchd)
		})
	}
}

func TestJobThatNeverChecksInInterruptsWhoWaits(t *testing.T) {
	w := newWorld(t)
	end := make(chan error, 1)
	j := w.load(func(ctx context.Context, p *Process) error { return <-end })
	r := newRecorder()
	c := w.client(w.process(ProcessConfig{}), mach(echoName), r)
	asked := newRecorder()
	require.NoError(t, c.SendWithReply(body("x"), nil, asked.handle))
	asked.nothing(t, w.Launchd)
	end <- nil
	asked.expect(t, "INTERRUPTED")
	r.expect(t, "INTERRUPTED")
	require.Equal(t, 1, j.Launches())
	require.NoError(t, c.Send(body("y")))
	require.Equal(t, 2, j.Launches())
	j.Process().Crash()
	end <- nil
	r.expect(t, "INTERRUPTED")
	r.nothing(t, w.Launchd)
}

func TestWhatCameAfterTheListenerWentLaunchesTheNextInstance(t *testing.T) {
	s := newStage(t, false)
	s.listener.Cancel()
	s.toListen.expect(t, "INVALID")
	r := newRecorder()
	c := s.world.client(s.process(ProcessConfig{}), mach(echoName), r)
	require.NoError(t, c.Send(body("first")))
	s.serviceProc.Exit()
	p := s.job.Process()
	require.NotNil(t, p)
	require.NotEqual(t, s.serviceProc, p)
	l, peer := newRecorder(), newRecorder()
	listen(p, l, peer)
	peer.expect(t, "first")
	r.nothing(t, s.Launchd)
}

func TestTerminationImminent(t *testing.T) {
	s := newStage(t, false)
	s.serviceProc.Terminate()
	s.serviceProc.Terminate()
	<-s.serviceProc.Terminating()
	s.toPeer.expect(t, "TERMINATION_IMMINENT")
	require.NoError(t, s.client.Send(body("lost")))
	require.NoError(t, s.peer.Send(body("still out")))
	s.toClient.expect(t, "still out")
	s.peer.Cancel()
	s.toPeer.expect(t, "INVALID")
	s.toPeer.nothing(t, s.Launchd)
	s.toListen.nothing(t, s.Launchd)
}
