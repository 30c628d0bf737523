//go:build unix && !aix && !solaris && !illumos

package fake

import "syscall"

func dupFD(fd uintptr) (uintptr, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	n, err := syscall.Dup(int(fd))
	if err != nil {
		return 0, err
	}
	syscall.CloseOnExec(n)
	return uintptr(n), nil
}

func closeFD(fd uintptr) { _ = syscall.Close(int(fd)) }
