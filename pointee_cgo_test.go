//go:build cgo

package xpc_test

import (
	"runtime/cgo"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
)

// cSide is a type of C's, as cgo declares them: an interface holds no pointer to it,
// but one to a box that it is in.
type cSide struct {
	_    cgo.Incomplete
	A, B int64
}

var inC cSide

func TestPointerToMemoryOfC(t *testing.T) {
	for i := range int64(3) {
		require.NoError(t, xpc.Unmarshal(xpc.Dictionary{"A": i, "B": -i}, &inC))
		assert.Equal(t, i, inC.A)
		assert.Equal(t, -i, inC.B)
		d, err := xpc.Marshal(&inC)
		require.NoError(t, err)
		assert.Equal(t, xpc.Dictionary{"A": i, "B": -i}, d)
	}
}
