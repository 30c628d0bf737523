//go:build !windows && (!unix || aix || solaris || illumos)

package fake

import (
	"errors"
	"fmt"
	"runtime"
)

func dupFD(uintptr) (uintptr, error) {
	return 0, fmt.Errorf("%w: descriptors cannot be duplicated on %s", errors.ErrUnsupported, runtime.GOOS)
}

func closeFD(uintptr) {}
