package fake

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// leaving makes a service that has answered a request and still holds it.
func leaving(t *testing.T) (world, *recorder) {
	w := world{NewLaunchd(ReportLeaks()), t}
	l, s, r := newRecorder(), newRecorder(), newRecorder()
	s.hold = true
	w.load(serve(l, s))
	c := w.client(w.process(ProcessConfig{}), mach(echoName), r)
	reply := newRecorder()
	require.NoError(t, c.SendWithReply(body("x"), nil, reply.handle))
	s.expect(t, "x")
	require.NoError(t, s.messages()[0].Reply(body("y")))
	reply.expect(t, "y")
	for _, m := range reply.messages() {
		m.Release()
	}
	c.Cancel()
	r.expect(t, "INVALID")
	c.Release()
	return w, s
}

// An answer lets a test go on before the service has released the request.
func TestWhatIsReleasedAtTheLastMomentIsNoLeak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := leaving(t)
		time.AfterFunc(leakPatience/2, s.messages()[0].Release)
		start := time.Now()
		require.NoError(t, w.Close())
		require.Equal(t, leakPatience/2, time.Since(start), "it waits no longer")
	})
}

func TestWhatIsNeverReleasedIsALeak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := leaving(t)
		start := time.Now()
		require.ErrorContains(t, w.Close(), "1 messages were never released")
		require.Equal(t, leakPatience, time.Since(start))
	})
}
