package xpc

import (
	"os"
	"reflect"
	"unsafe"

	"github.com/go-xpc/xpc/internal/wire"
)

// In fields these are like other pointers: nil is null.

func encFile(e *encoder, p unsafe.Pointer) error {
	if f := *(**os.File)(p); f != nil {
		return e.file(f)
	}
	e.Null()
	return nil
}

func encFD(e *encoder, p unsafe.Pointer) error { return e.fd(*(*FD)(p)) }

func encEndpoint(e *encoder, p unsafe.Pointer) error {
	if x := *(**Endpoint)(p); x != nil {
		return e.endpoint(x)
	}
	e.Null()
	return nil
}

func encSharedMemory(e *encoder, p unsafe.Pointer) error {
	if x := *(**SharedMemory)(p); x != nil {
		return e.memory(x)
	}
	e.Null()
	return nil
}

// taking gives the resource of v as a T, or says why not. Nothing is made of a
// value that has another type.
func taking[T any](d *decoder, v wire.Value, tag wire.Tag) (x T, err error) {
	if v.Tag() != tag {
		return x, mismatch(tag.String(), v)
	}
	r, err := d.resource(v)
	if err != nil {
		return x, err
	}
	x, ok := r.(T)
	if !ok { // only of a Dictionary made by the program
		return x, fail("wanted %s, got %T", reflect.TypeFor[T](), r)
	}
	return x, nil
}

func decPointer[T any](d *decoder, v wire.Value, p unsafe.Pointer, tag wire.Tag) error {
	if v.Tag() == wire.Null {
		*(**T)(p) = nil
		return nil
	}
	x, err := taking[*T](d, v, tag)
	if err == nil {
		*(**T)(p) = x
	}
	return err
}

func decFile(d *decoder, v wire.Value, p unsafe.Pointer) error {
	return decPointer[os.File](d, v, p, wire.FD)
}

func decEndpoint(d *decoder, v wire.Value, p unsafe.Pointer) error {
	return decPointer[Endpoint](d, v, p, wire.Endpoint)
}

func decSharedMemory(d *decoder, v wire.Value, p unsafe.Pointer) error {
	return decPointer[SharedMemory](d, v, p, wire.SharedMemory)
}

// decFD hands a bare descriptor to the caller.
func decFD(d *decoder, v wire.Value, p unsafe.Pointer) error {
	if v.Tag() != wire.FD {
		return mismatch("fd", v)
	}
	if d.local {
		x, err := taking[FD](d, v, wire.FD)
		if err == nil {
			*(*FD)(p) = x
		}
		return err
	}
	i, err := d.index(v)
	if err != nil {
		return err
	}
	fd, err := d.d.DupFD(i)
	if err != nil {
		return fail("received descriptor: %v", err)
	}
	out := (*FD)(p)
	*out = FD(fd)
	d.undo = append(d.undo, func() {
		closeFD(fd)
		*out = noFD // its number may soon be another file's
	})
	return nil
}

// noFD is no descriptor and no handle.
const noFD = ^FD(0)
