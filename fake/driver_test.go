package fake

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

// recorder turns the events of a connection into texts on a channel. Messages
// are released, and answered with "re:" before their body.
type recorder struct {
	events chan string
	peers  chan driver.Conn
	hold   bool // keep requests unanswered
	mu     sync.Mutex
	kept   []driver.Message
}

func (r *recorder) messages() []driver.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.kept)
}

func newRecorder() *recorder { return newRecorderSized(10000) }

func newRecorderSized(n int) *recorder {
	return &recorder{events: make(chan string, n), peers: make(chan driver.Conn, n)}
}

type counter = atomic.Int64

func text(ev driver.Event) string {
	switch {
	case ev.Message != nil:
		return string(ev.Message.Body())
	case ev.Peer != nil:
		return "peer"
	}
	return map[driver.ErrorCode]string{
		driver.Interrupted: "INTERRUPTED", driver.Invalid: "INVALID", driver.Gone: "GONE",
		driver.TerminationImminent: "TERMINATION_IMMINENT", driver.PeerRequirement: "PEER_REQUIREMENT",
	}[ev.Err]
}

func (r *recorder) handle(ev driver.Event) {
	if m := ev.Message; m != nil && r.hold {
		r.mu.Lock()
		r.kept = append(r.kept, m)
		r.mu.Unlock()
	} else if m != nil {
		if m.WantsReply() {
			_ = m.Reply(body("re:" + string(m.Body())))
		}
		m.Release()
	}
	r.events <- text(ev)
	if ev.Peer != nil {
		r.peers <- ev.Peer
	}
}

// eventPatience is less when nearly every run is meant to fail.
var eventPatience = func() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("XPC_TEST_PATIENCE")); err == nil {
		return d
	}
	return 10 * time.Second
}()

func (r *recorder) next(t testing.TB) string {
	t.Helper()
	select {
	case s := <-r.events:
		return s
	case <-time.After(eventPatience):
		t.Fatal("no event came")
		return ""
	}
}

func (r *recorder) expect(t testing.TB, want ...string) {
	t.Helper()
	for _, s := range want {
		require.Equal(t, s, r.next(t))
	}
}

// nothing proves that no event is out, after all queues have come to rest.
func (r *recorder) nothing(t testing.TB, w *Launchd) {
	t.Helper()
	w.Settle()
	select {
	case s := <-r.events:
		t.Fatalf("event %s came", s)
	default:
	}
}

func body(s string) *driver.Payload { return &driver.Payload{Body: []byte(s)} }

func withFD(s string, fds ...*os.File) *driver.Payload {
	p := body(s)
	for _, f := range fds {
		p.Resources = append(p.Resources, driver.Resource{Kind: driver.ResourceFD, FD: f.Fd()})
	}
	return p
}

type world struct {
	*Launchd
	t testing.TB
}

func newWorld(t testing.TB, opts ...Option) world {
	if os.Getenv(SeedVariable) != "" { // the whole suite, shuffled
		opts = append(opts, Shuffle(1))
	}
	w := NewLaunchd(opts...)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return world{w, t}
}

func (w world) process(cfg ProcessConfig) backend {
	w.t.Helper()
	p, err := w.NewProcess(cfg)
	require.NoError(w.t, err)
	return backend{p}
}

const echoName = "com.example.echo"

// echo loads a job whose listener records into l and whose peers record into s.
func (w world) echo(l, s *recorder) *Job {
	w.t.Helper()
	j, err := w.Load(JobConfig{Label: "com.example.job", MachServices: []string{echoName}, Main: serve(l, s)})
	require.NoError(w.t, err)
	return j
}

func serve(l, s *recorder) Main {
	return func(ctx context.Context, p *Process) error {
		listen(p, l, s)
		<-ctx.Done()
		return nil
	}
}

func listen(p *Process, l, s *recorder) driver.Conn {
	c, err := backend{p}.NewConn(driver.Spec{Kind: driver.KindMachService, Name: echoName, Flags: driver.FlagListener}, nil)
	if err != nil {
		return nil // the process has ended already
	}
	acceptAll(c, l, s)
	return c
}

func acceptAll(c driver.Conn, l, s *recorder) {
	c.SetHandler(func(ev driver.Event) {
		if ev.Peer != nil {
			ev.Peer.SetHandler(s.handle)
			ev.Peer.Activate()
		}
		l.handle(ev)
	})
	c.Activate()
}

func (w world) client(b backend, spec driver.Spec, r *recorder) driver.Conn {
	w.t.Helper()
	c, err := b.NewConn(spec, nil)
	require.NoError(w.t, err)
	c.SetHandler(r.handle)
	c.Activate()
	return c
}

func mach(name string) driver.Spec { return driver.Spec{Kind: driver.KindMachService, Name: name} }

func ask(t testing.TB, c driver.Conn, s string) string {
	t.Helper()
	ev, err := c.SendWithReplySync(body(s))
	require.NoError(t, err)
	if ev.Message != nil {
		defer ev.Message.Release()
	}
	return text(ev)
}

func TestRequestLaunchesTheServiceAndIsAnswered(t *testing.T) {
	w := newWorld(t)
	l, s, r := newRecorder(), newRecorder(), newRecorder()
	j := w.echo(l, s)
	c := w.client(w.process(ProcessConfig{}), mach(echoName), r)
	require.Nil(t, j.Process())
	require.Equal(t, "re:hello", ask(t, c, "hello"))
	require.Equal(t, 1, j.Launches())
	l.expect(t, "peer")
	s.expect(t, "hello")
	require.Equal(t, j.Process().PID(), c.Credentials().PID)
	j.Process().Crash()
	r.expect(t, "INTERRUPTED")
	require.Equal(t, "re:again", ask(t, c, "again"))
	require.Equal(t, 2, j.Launches())
	j.Unload()
	r.expect(t, "INTERRUPTED", "INVALID")
	require.Equal(t, "INVALID", ask(t, c, "x"))
	require.NoError(t, j.Load())
	require.Equal(t, "INVALID", ask(t, c, "x"))
	r.nothing(t, w.Launchd)
}

func TestEndpointConnectsToItsAnonymousListener(t *testing.T) {
	w := newWorld(t)
	l, s, r := newRecorder(), newRecorder(), newRecorder()
	b := w.process(ProcessConfig{Name: "server"})
	a, err := b.NewConn(driver.Spec{Kind: driver.KindAnonymous}, nil)
	require.NoError(t, err)
	acceptAll(a, l, s)
	e, err := a.Endpoint()
	require.NoError(t, err)
	c := w.client(w.process(ProcessConfig{}), driver.Spec{Kind: driver.KindFromEndpoint, Endpoint: e}, r)
	for i := range 10 {
		require.Equal(t, fmt.Sprint("re:", i), ask(t, c, fmt.Sprint(i)))
	}
	b.p.Crash()
	r.expect(t, "INVALID")
	l.expect(t, "peer", "GONE")
}
