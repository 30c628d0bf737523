//go:build cgo && (darwin || xpcstandin)

package xpctest_test

import (
	"testing"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/xpctest/internal/raw"
)

// What C alone can ask.
var probesHere = []probe{
	{"Q6", "no reply queue, in C", func(*prober) { raw.NullReplyQueue() }},
	{"Q8", "reply sent twice, in C", func(*prober) { raw.ReplyTwice() }},
	{"Q15", "finalizer without a context, in C", func(*prober) { raw.Finalizers() }},
	{"Q16", "equality and hash, in C", func(*prober) { raw.Equality() }},
}

func probeRuntime(*testing.T) *xpc.Runtime { return xpc.Native() }
