//go:build unix

package xpc

import "syscall"

// dupFD duplicates a descriptor; the copy is not inherited by child processes.
func dupFD(fd uintptr) (uintptr, error) {
	// Under the lock no fork can come between the two calls.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	n, err := syscall.Dup(int(fd))
	if err != nil {
		return 0, err
	}
	syscall.CloseOnExec(n)
	return uintptr(n), nil
}

func closeFD(fd uintptr) { syscall.Close(int(fd)) }
