//go:build cgo

package main

import "github.com/go-xpc/xpc"

// newRuntime is libxpc.
func newRuntime() (rt *xpc.Runtime, where string, close func() error, err error) {
	return xpc.Native(), "libxpc", func() error { return nil }, nil
}
