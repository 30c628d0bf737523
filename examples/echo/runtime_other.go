//go:build !darwin || !cgo

package main

import (
	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/fake"
)

// newRuntime is a pretended process.
func newRuntime() (rt *xpc.Runtime, where string, close func() error, err error) {
	w := fake.NewLaunchd()
	p, err := w.NewProcess(fake.ProcessConfig{Name: "echo"})
	if err != nil {
		return nil, "", nil, err
	}
	return p.Runtime(), "fake", w.Close, nil
}
