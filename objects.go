package xpc

import (
	"fmt"
	"math"
	"time"
)

// Dictionary is an XPC dictionary, the outermost value of every message. Its
// values are those of the table in the package comment. A plain map[string]any
// may be used wherever a Dictionary is sent.
//
// C: https://developer.apple.com/documentation/xpc/xpc_type_dictionary
type Dictionary map[string]any

// Array is an XPC array. A plain []any may be used wherever one is sent.
//
// C: https://developer.apple.com/documentation/xpc/xpc_type_array
type Array []any

// UUID is an XPC uuid: 16 raw bytes.
//
// C: https://developer.apple.com/documentation/xpc/xpc_type_uuid
type UUID [16]byte

// String gives the usual form in lower case.
func (u UUID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

// FD is a file descriptor (a handle on Windows) to be sent. It is duplicated
// when it is sent, so the caller keeps his own. Received descriptors arrive as
// *os.File, which can be sent as well.
//
// C: https://developer.apple.com/documentation/xpc/xpc_type_fd
type FD uintptr

// Unsupported stands for a received object that libxpc can send and Go cannot
// hold, so that nothing is dropped in silence. It cannot be sent.
type Unsupported struct {
	Type        string // libxpc's name of the type
	Description string
}

// dateNanos is the value of an XPC date: nanoseconds since 1970 in an int64.
func dateNanos(t time.Time) (int64, bool) {
	s, ns := t.Unix(), int64(t.Nanosecond())
	if s < math.MinInt64/1_000_000_000-1 || s > math.MaxInt64/1_000_000_000 {
		return 0, false
	}
	if s < 0 && ns > 0 { // towards zero first, so that the extremes fit
		s, ns = s+1, ns-1e9
	}
	n := s * 1e9
	sum := n + ns
	if (ns > 0 && sum < n) || (ns < 0 && sum > n) {
		return 0, false
	}
	return sum, true
}

func fromDateNanos(ns int64) time.Time { return epoch.Add(time.Duration(ns)) }

var epoch = time.Unix(0, 0).UTC()
