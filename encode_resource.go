package xpc

import (
	"os"

	"github.com/go-xpc/xpc/driver"
)

func (e *encoder) file(f *os.File) error {
	if f == nil {
		return fail("the file is nil")
	}
	if e.local {
		e.FD(e.original(f))
		return nil
	}
	fd, err := dupFile(f)
	if err != nil {
		return fail("file %s cannot be sent: %v", f.Name(), err)
	}
	e.ownFD(fd)
	return nil
}

// dupFile duplicates the descriptor of a file, whose mode and position stay.
func dupFile(f *os.File) (fd uintptr, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	var dupErr error
	// Control holds the descriptor open while it is duplicated.
	if err := raw.Control(func(h uintptr) { fd, dupErr = dupFD(h) }); err != nil {
		return 0, err
	}
	return fd, dupErr
}

func (e *encoder) fd(v FD) error {
	if e.local {
		e.FD(e.original(v))
		return nil
	}
	fd, err := dupFD(uintptr(v))
	if err != nil {
		return fail("descriptor %d cannot be sent: %v (row 268)", int(v), err)
	}
	e.ownFD(fd)
	return nil
}

func (e *encoder) ownFD(fd uintptr) {
	e.owned = append(e.owned, fd)
	e.FD(e.add(driver.Resource{Kind: driver.ResourceFD, FD: fd}))
}

func (e *encoder) endpoint(v *Endpoint) error {
	if v == nil {
		return fail("the endpoint is nil")
	}
	if e.local {
		e.Endpoint(e.original(v))
		return nil
	}
	e.keep = append(e.keep, v)
	e.Endpoint(e.add(driver.Resource{Kind: driver.ResourceEndpoint, Endpoint: v.d}))
	return nil
}

func (e *encoder) memory(v *SharedMemory) error {
	if v == nil {
		return fail("the shared memory is nil")
	}
	if e.local {
		e.SharedMemory(e.original(v))
		return nil
	}
	e.keep = append(e.keep, v)
	e.SharedMemory(e.add(driver.Resource{Kind: driver.ResourceSharedMemory, Memory: v.d}))
	return nil
}
