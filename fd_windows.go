package xpc

import "syscall"

// dupFD duplicates a handle; the copy is not inherited by child processes.
func dupFD(fd uintptr) (uintptr, error) {
	p, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0, err
	}
	var n syscall.Handle
	err = syscall.DuplicateHandle(p, syscall.Handle(fd), p, &n, 0, false, syscall.DUPLICATE_SAME_ACCESS)
	return uintptr(n), err
}

func closeFD(fd uintptr) { syscall.CloseHandle(syscall.Handle(fd)) }
