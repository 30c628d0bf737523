//go:build linux

package fake

import (
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

func openFDs(t *testing.T) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(d)
}

func TestDescriptorsAreClosedWhereverTheMessageEnds(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *stage, p *driver.Payload){
		"released":               func(t *testing.T, s *stage, p *driver.Payload) { s.toPeer.hold = false; s.send(p) },
		"receiver crashes":       func(t *testing.T, s *stage, p *driver.Payload) { s.send(p); s.serviceProc.Crash() },
		"job unloaded":           func(t *testing.T, s *stage, p *driver.Payload) { s.send(p); s.job.Unload() },
		"not delivered, crash":   func(t *testing.T, s *stage, p *driver.Payload) { s.peer.Suspend(); s.send(p); s.serviceProc.Crash() },
		"not delivered, cancel":  func(t *testing.T, s *stage, p *driver.Payload) { s.peer.Suspend(); s.send(p); s.peer.Cancel() },
		"not sent, cancel":       func(t *testing.T, s *stage, p *driver.Payload) { s.client.Suspend(); s.send(p); s.client.Cancel() },
		"not sent, interruption": func(t *testing.T, s *stage, p *driver.Payload) { s.client.Suspend(); s.send(p); s.serviceProc.Crash() },
		"not sent, crash":        func(t *testing.T, s *stage, p *driver.Payload) { s.client.Suspend(); s.send(p); s.clientProc.Crash() },
		"cancelled before":       func(t *testing.T, s *stage, p *driver.Payload) { s.client.Cancel(); s.send(p) },
		"after termination":      func(t *testing.T, s *stage, p *driver.Payload) { s.serviceProc.Terminate(); s.send(p) },
		"sender has crashed": func(t *testing.T, s *stage, p *driver.Payload) {
			s.clientProc.Crash()
			require.Error(t, s.client.Send(p))
		},
		"bad payload": func(t *testing.T, s *stage, p *driver.Payload) {
			p.Resources = append(p.Resources, driver.Resource{Kind: driver.ResourceFD, FD: ^uintptr(0)})
			require.ErrorContains(t, s.client.Send(p), "descriptor -1")
		},
		"reply to nobody": func(t *testing.T, s *stage, p *driver.Payload) {
			s.clientProc.Crash()
			require.NoError(t, s.toPeer.messages()[0].Reply(p))
		},
		"reply twice": func(t *testing.T, s *stage, p *driver.Payload) {
			m := s.toPeer.messages()[0]
			require.NoError(t, m.Reply(body("first")))
			require.Error(t, m.Reply(p))
		},
		"reply": func(t *testing.T, s *stage, p *driver.Payload) {
			require.NoError(t, s.toPeer.messages()[0].Reply(p))
			s.outcome.expect(t, "fd")
		},
		"never launched": func(t *testing.T, s *stage, p *driver.Payload) {
			s.listener.Cancel()
			c := s.world.client(backend{s.clientProc}, mach(echoName), newRecorder())
			require.NoError(t, c.Send(p))
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := openFDs(t)
			s := newStage(t, false)
			r, f := pipe(t)
			end(t, s, withFD("fd", f, f))
			require.NoError(t, s.Close())
			require.Zero(t, s.descriptors.Load())
			require.NoError(t, f.Close())
			_, err := r.Read(make([]byte, 1))
			require.Equal(t, io.EOF, err)
			require.NoError(t, r.Close())
			require.Equal(t, before, openFDs(t))
		})
	}
}

func TestReceivedDescriptorIsTheSameOpenFile(t *testing.T) {
	s := newStage(t, false)
	r, f := pipe(t)
	defer r.Close()
	require.NoError(t, s.client.Send(withFD("fd", f)))
	require.NoError(t, f.Close())
	s.toPeer.expect(t, "fd")
	m := s.toPeer.messages()[1]
	fd, err := m.DupFD(0)
	require.NoError(t, err)
	_, err = m.DupFD(1)
	require.ErrorContains(t, err, "resource 1")
	_, err = m.Data(0)
	require.ErrorContains(t, err, "kind")
	m.Release()
	_, err = m.DupFD(0)
	require.ErrorContains(t, err, "released")
	g := os.NewFile(fd, "pipe")
	_, err = g.WriteString("through")
	require.NoError(t, err)
	require.NoError(t, g.Close())
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "through", string(got))
}

func TestOtherResourcesTravel(t *testing.T) {
	s := newStage(t, false)
	b := backend{s.clientProc}
	mem, err := b.NewSharedMemory(1)
	require.NoError(t, err)
	data := []byte("big")
	a, err := b.NewConn(driver.Spec{Kind: driver.KindAnonymous}, nil)
	require.NoError(t, err)
	l, p := newRecorder(), newRecorder()
	acceptAll(a, l, p)
	e, err := a.Endpoint()
	require.NoError(t, err)
	require.NoError(t, s.client.Send(&driver.Payload{Body: []byte("all"), Resources: []driver.Resource{
		{Kind: driver.ResourceSharedMemory, Memory: mem}, {Kind: driver.ResourceData, Data: data}, {Kind: driver.ResourceEndpoint, Endpoint: e},
	}}))
	copy(data, "BIG")
	s.toPeer.expect(t, "all")
	m := s.toPeer.messages()[1]
	require.Equal(t, 3, m.Resources())
	got, err := m.Data(1)
	require.NoError(t, err)
	require.Equal(t, "big", string(got))

	there, err := m.SharedMemory(0)
	require.NoError(t, err)
	one, err := mem.Map()
	require.NoError(t, err)
	two, err := there.Map()
	require.NoError(t, err)
	require.Len(t, two.Bytes(), pageSize)
	one.Bytes()[7] = 42
	require.EqualValues(t, 42, two.Bytes()[7])

	ee, err := m.Endpoint(2)
	require.NoError(t, err)
	require.True(t, e.Equal(ee))
	back := s.world.client(backend{s.serviceProc}, driver.Spec{Kind: driver.KindFromEndpoint, Endpoint: ee}, newRecorder())
	require.Equal(t, "re:hi", ask(t, back, "hi"))
	require.Equal(t, driver.Credentials{PID: b.p.pid, EUID: 501, EGID: 20, ASID: 100501}, back.Credentials())
}
