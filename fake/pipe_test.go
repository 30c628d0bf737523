package fake

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc/driver"
)

func pipe(t *testing.T) (*os.File, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = r.Close()
		_ = w.Close()
	})
	return r, w
}

// send sends from the stage's client, and lets everything happen.
func (s *stage) send(p *driver.Payload) {
	s.t.Helper()
	require.NoError(s.t, s.client.Send(p))
	s.Settle()
}
