// Package leak lets tests count what the native backend keeps alive in C.
package leak

// Counts are what is alive.
type Counts struct {
	Handles     int   // Go values that C refers to
	Blocks      int64 // blocks of ours that were not disposed of
	Connections int64 // references on connections
	Objects     int64 // references on other objects
}

// Native counts for the native backend; nil where there is none.
var Native func() Counts
