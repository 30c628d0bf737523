// Package native gives tests a view into the native backend of package xpc,
// which sets these where there is one.
package native

import "github.com/go-xpc/xpc/driver"

// Backend is libxpc, or its stand-in.
var Backend driver.Backend

// Counts are what is alive in C on behalf of Go.
type Counts struct {
	Handles     int   // Go values that C refers to
	Blocks      int64 // blocks of ours that were not disposed of
	Connections int64 // references on connections
	Objects     int64 // references on other objects
}

// Exceeds tells whether any count is above what it was: what an earlier test
// left to the collector may have gone since.
func (n Counts) Exceeds(before Counts) bool {
	return n.Handles > before.Handles || n.Blocks > before.Blocks ||
		n.Connections > before.Connections || n.Objects > before.Objects
}

// Count counts for the native backend.
var Count func() Counts
