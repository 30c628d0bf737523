//go:build !unix && !windows

package xpc

import "errors"

func dupFD(uintptr) (uintptr, error) { return 0, errors.ErrUnsupported }

func closeFD(uintptr) {}
