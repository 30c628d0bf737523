//go:build darwin && cgo

package macqueue_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/macqueue"
)

func TestNilQueueIsRefused(t *testing.T) {
	_, err := macqueue.New("nil", nil)
	require.ErrorIs(t, err, xpc.ErrMisuse)
}

func TestMainQueueIsATargetQueue(t *testing.T) {
	q, err := macqueue.Main()
	require.NoError(t, err)
	l, err := xpc.Native().NewAnonymousListener(q)
	require.NoError(t, err)
	require.NoError(t, l.SetEventHandler(func(xpc.Event) {}))
	require.NoError(t, l.SetTargetQueue(q))
	require.NoError(t, l.Close())
	require.NoError(t, q.Close())
}
