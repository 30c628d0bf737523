package fake

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

func TestTheTraceIsTypedAndHasNoAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, LogMessages())
		s.inject(t, Fault{Point: BeforeReply, Do: Hold, For: time.Millisecond})
		var e wire.Encoder
		d := e.Begin(wire.Dictionary)
		e.Key("z")
		e.Int64(-1)
		e.Key("a")
		a := e.Begin(wire.Array)
		e.Uint64(1)
		e.Bool(true)
		e.Null()
		e.Double(0.5)
		e.Date(1e9)
		e.String(strings.Repeat("x", 150))
		e.Data(make([]byte, 20))
		e.UUID([16]byte{1})
		e.End(a, 8)
		e.End(d, 2)
		ev, err := s.client.SendWithReplySync(&driver.Payload{Body: e.Buf})
		require.NoError(t, err)
		ev.Message.Release()
		require.NoError(t, s.Close())
		require.Equal(t, strings.ReplaceAll(`
         +0s loaded      com.example.job
         +0s connected   client[1001] #1 "com.example.echo"
         +0s launched    com.example.job[1002]
         +0s sent        client[1001] #1 "com.example.echo": request 1 {"a": [uint64 1, bool true, null, double 0.5, date 1970-01-01T00:00:01Z, string "XXX"… (150 bytes), data 00000000000000000000000000000000… (20 bytes), uuid 01000000000000000000000000000000], "z": int64 -1}
         +0s checked in  com.example.job[1002] #3 "com.example.echo"
         +0s accepted    com.example.job[1002] #2 "com.example.echo"
         +0s delivered   com.example.job[1002] #2 "com.example.echo": request 1
         +0s replied     com.example.job[1002] #2 "com.example.echo": to request 1 after 0s of NN bytes
         +0s fault       com.example.job[1002] #2 "com.example.echo": hold before the reply
        +1ms exited      client[1001]: ended: killed
        +1ms invalidated com.example.job[1002] #2 "com.example.echo": the client's process has ended
        +1ms exited      com.example.job[1002]: ended: killed
`, "XXX", strings.Repeat("x", 100)), "\n"+strings.ReplaceAll(s.Trace(), "of 269 bytes", "of NN bytes"))
	})
}

func TestInlineIsBounded(t *testing.T) {
	var e wire.Encoder
	var marks []int
	for range 20 {
		marks = append(marks, e.Begin(wire.Array))
	}
	for i := range marks {
		e.End(marks[len(marks)-1-i], min(i, 1))
	}
	require.Equal(t, "[[[[[…]]]]]", inline(e.Buf))

	e = wire.Encoder{}
	m := e.Begin(wire.Array)
	for range 10000 {
		e.Int64(1)
	}
	e.End(m, 10000)
	require.Less(t, len(inline(e.Buf)), 500)
	require.Equal(t, "of 3 bytes", inline([]byte("abc")))
}

// What was never sent is not in the log.
func TestTheLogKnowsWhatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, LookUpOnSend(), LogMessages())
		r, late := newRecorder(), newRecorder()
		require.NoError(t, w.client(w.process(ProcessConfig{}), mach("nobody"), r).Send(body("x")))
		require.Equal(t, []string{"INVALID"}, r.seen())
		j := w.load(nil)
		c := w.client(w.process(ProcessConfig{}), mach(echoName), late)
		j.Unload()
		require.NoError(t, c.Send(body("x")))
		require.Equal(t, []string{"INVALID"}, late.seen())
		for _, e := range w.Events() {
			require.NotEqual(t, Sent, e.Kind, e.line())
		}
	})
}
