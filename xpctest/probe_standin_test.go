//go:build cgo && xpcstandin

package xpctest_test

import "time"

const (
	probeBackend  = "the stand-in"
	probePatience = 100 * time.Millisecond
	probesMustEnd = false // some are about misuse, for which it aborts
)
