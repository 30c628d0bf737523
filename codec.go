package xpc

import "reflect"

func (e *encoder) reflected(v reflect.Value) error {
	return fail("unsupported Go type %s", v.Type())
}
