package xpc

import (
	"math"
	"time"
	"unsafe"

	"github.com/go-xpc/xpc/internal/wire"
)

func encBool(e *encoder, p unsafe.Pointer) error {
	e.Bool(*(*bool)(p))
	return nil
}

type signed interface {
	int | int8 | int16 | int32 | int64
}

type unsigned interface {
	uint | uint8 | uint16 | uint32 | uint64
}

func encInt[T signed](e *encoder, p unsafe.Pointer) error {
	e.Int64(int64(*(*T)(p)))
	return nil
}

func encUint[T unsigned](e *encoder, p unsafe.Pointer) error {
	e.Uint64(uint64(*(*T)(p)))
	return nil
}

func encFloat32(e *encoder, p unsafe.Pointer) error {
	e.Double(float64(*(*float32)(p)))
	return nil
}

// encFloat64 moves the bits as an integer: some processors change a signalling
// NaN when they load it as a number.
func encFloat64(e *encoder, p unsafe.Pointer) error {
	e.DoubleBits(*(*uint64)(p))
	return nil
}

func encString(e *encoder, p unsafe.Pointer) error { return e.str(*(*string)(p)) }

func encData(e *encoder, p unsafe.Pointer) error {
	e.data(*(*[]byte)(p))
	return nil
}

func encTime(e *encoder, p unsafe.Pointer) error { return e.date(*(*time.Time)(p)) }

func encUUID(e *encoder, p unsafe.Pointer) error {
	e.UUID(*(*[16]byte)(p))
	return nil
}

func encUnsupported(e *encoder, p unsafe.Pointer) error {
	return e.unsupported(*(*Unsupported)(p))
}

// mismatch says what was wanted of v and what it is.
func mismatch(wanted string, v wire.Value) error {
	return fail("wanted %s, got %s", wanted, v.Tag())
}

func decBool(d *decoder, v wire.Value, p unsafe.Pointer) error {
	switch v.Tag() {
	case wire.True:
		*(*bool)(p) = true
	case wire.False:
		*(*bool)(p) = false
	default:
		return mismatch("bool", v)
	}
	return nil
}

// decInt accepts a uint64 that fits as well: a Go program seldom knows which of
// the two its peer has chosen.
func decInt[T signed](d *decoder, v wire.Value, p unsafe.Pointer) error {
	var n int64
	switch tag := v.Tag(); {
	case tag == wire.Int64:
		n = v.Int64()
	case tag == wire.Uint64 && !d.exact:
		if v.Uint64() > math.MaxInt64 {
			return fail("uint64 %d does not fit %T", v.Uint64(), T(0))
		}
		n = v.Int64()
	default:
		return mismatch("int64", v)
	}
	if int64(T(n)) != n {
		return fail("%s %d does not fit %T", v.Tag(), n, T(0))
	}
	*(*T)(p) = T(n)
	return nil
}

func decUint[T unsigned](d *decoder, v wire.Value, p unsafe.Pointer) error {
	switch tag := v.Tag(); {
	case tag == wire.Uint64:
	case tag == wire.Int64 && !d.exact:
		if v.Int64() < 0 {
			return fail("int64 %d does not fit %T", v.Int64(), T(0))
		}
	default:
		return mismatch("uint64", v)
	}
	n := v.Uint64()
	if uint64(T(n)) != n {
		return fail("%s %d does not fit %T", v.Tag(), n, T(0))
	}
	*(*T)(p) = T(n)
	return nil
}

// decFloat32 rounds, as a conversion does, but makes no infinity of a number.
func decFloat32(d *decoder, v wire.Value, p unsafe.Pointer) error {
	if v.Tag() != wire.Double {
		return mismatch("double", v)
	}
	f := v.Double()
	if math.IsInf(float64(float32(f)), 0) && !math.IsInf(f, 0) {
		return fail("double %v does not fit float32", f)
	}
	*(*float32)(p) = float32(f)
	return nil
}

func decFloat64(d *decoder, v wire.Value, p unsafe.Pointer) error {
	if v.Tag() != wire.Double {
		return mismatch("double", v)
	}
	*(*uint64)(p) = v.Uint64()
	return nil
}

func decString(d *decoder, v wire.Value, p unsafe.Pointer) error {
	if v.Tag() != wire.String {
		return mismatch("string", v)
	}
	*(*string)(p) = string(v.Text())
	return nil
}

func decTime(d *decoder, v wire.Value, p unsafe.Pointer) error {
	if v.Tag() != wire.Date {
		return mismatch("date", v)
	}
	*(*time.Time)(p) = fromDateNanos(v.Int64())
	return nil
}

func decUUID(d *decoder, v wire.Value, p unsafe.Pointer) error {
	if v.Tag() != wire.UUID {
		return mismatch("uuid", v)
	}
	*(*[16]byte)(p) = v.UUID()
	return nil
}

// bytesOf gives the bytes of data, in place.
func (d *decoder) bytesOf(v wire.Value) ([]byte, error) {
	switch {
	case v.Tag() == wire.Data:
		return v.Data(), nil
	case v.Tag() != wire.BigData:
		return nil, mismatch("data", v)
	case d.local:
		if i := v.Resource(); uint64(i) < uint64(len(d.originals)) {
			if b, ok := d.originals[i].([]byte); ok {
				return b, nil
			}
		}
		return nil, missing()
	}
	i, err := d.index(v)
	if err != nil {
		return nil, err
	}
	x, err := readResource(d.d, v, i)
	b, _ := x.([]byte)
	return b, err
}

func decData(d *decoder, v wire.Value, p unsafe.Pointer) error {
	if v.Tag() == wire.Null {
		*(*[]byte)(p) = nil
		return nil
	}
	b, err := d.bytesOf(v)
	if err != nil {
		return err
	}
	*(*[]byte)(p) = append([]byte{}, b...)
	return nil
}

func decUnsupported(d *decoder, v wire.Value, p unsafe.Pointer) error {
	if t := v.Tag(); t != wire.Error && t != wire.Unsupported {
		return mismatch("an object that Go cannot hold", v)
	}
	x, err := d.value(v)
	if err == nil {
		*(*Unsupported)(p) = x.(Unsupported)
	}
	return err
}
