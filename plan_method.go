package xpc

import (
	"encoding"
	"reflect"
	"unsafe"

	"github.com/go-xpc/xpc/internal/wire"
)

func encMarshaler(t reflect.Type) func(*encoder, unsafe.Pointer) error {
	return func(e *encoder, p unsafe.Pointer) error {
		v, err := reflect.NewAt(t, p).Interface().(Marshaler).MarshalXPC()
		if err != nil {
			return caused(err, "MarshalXPC")
		}
		if err := e.push(identity{}); err != nil { // one that returns another of its kind, for ever
			return err
		}
		if err := e.value(v); err != nil {
			return err
		}
		e.pop()
		return nil
	}
}

func encText(t reflect.Type) func(*encoder, unsafe.Pointer) error {
	return func(e *encoder, p unsafe.Pointer) error {
		b, err := reflect.NewAt(t, p).Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			return caused(err, "MarshalText")
		}
		return e.str(string(b))
	}
}

func decUnmarshaler(t reflect.Type) func(*decoder, wire.Value, unsafe.Pointer) error {
	return func(d *decoder, v wire.Value, p unsafe.Pointer) error {
		x, err := d.value(v)
		if err != nil {
			return err
		}
		if err := reflect.NewAt(t, p).Interface().(Unmarshaler).UnmarshalXPC(x); err != nil {
			return caused(err, "UnmarshalXPC")
		}
		return nil
	}
}

func decText(t reflect.Type) func(*decoder, wire.Value, unsafe.Pointer) error {
	return func(d *decoder, v wire.Value, p unsafe.Pointer) error {
		if v.Tag() != wire.String {
			return mismatch("string", v)
		}
		// A copy: the method may keep it.
		text := append([]byte{}, v.Text()...)
		if err := reflect.NewAt(t, p).Interface().(encoding.TextUnmarshaler).UnmarshalText(text); err != nil {
			return caused(err, "UnmarshalText")
		}
		return nil
	}
}
