//go:build unix

package xpc_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
)

// A service that starts programs must not hand them its clients' files.
func TestReceivedDescriptorIsNotInherited(t *testing.T) {
	s := newService(t, echo)
	c, _ := s.active(t)
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	require.NoError(t, err)
	defer f.Close()
	m, err := c.Call(t.Context(), xpc.Dictionary{"f": f})
	require.NoError(t, err)
	got := m.GetFile("f")
	require.NotNil(t, got)
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, got.Fd(), syscall.F_GETFD, 0)
	require.Zero(t, errno)
	assert.NotZero(t, flags&syscall.FD_CLOEXEC)
	require.NoError(t, got.Close())
	require.NoError(t, m.Release())
}
