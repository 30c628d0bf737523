//go:build cgo && xpcstandin

package xpc

/*
#cgo CFLAGS: -fblocks
#include "flat.h"

// A send without the sending.
static int make_and_release(XB_PAYLOAD)
{
	int status;
	struct xb_payload p = {body, length, resources, count};
	xpc_object_t o = xb_make(&p, &status);
	if (o != NULL)
		xpc_release(o);
	return status;
}

static void deliver_often(uintptr_t object, uintptr_t handle, size_t times)
{
	for (; times > 0; times--)
		xb_deliver(object, handle);
}
*/
import "C"

import (
	"github.com/go-xpc/xpc/driver"
	internal "github.com/go-xpc/xpc/internal/native"
	"github.com/go-xpc/xpc/internal/wire"
)

func init() {
	internal.Encode = func(v any) (o uintptr, err error) {
		err = encoded("Encode", v, wire.DefaultLimits, func(p *driver.Payload) error {
			o, err = buildObject(p)
			return err
		})
		return o, err
	}
	internal.EncodeOnce = func(v any) error {
		return encoded("Encode", v, wire.DefaultLimits, func(p *driver.Payload) error {
			return withPayload(p, func(p payload) C.int {
				return C.make_and_release(p.body, p.length, p.resources, p.count)
			})
		})
	}
	internal.Build = buildObject
	internal.Deliver = func(o uintptr, f func(driver.Message)) {
		deliver, free := receiver(func(e driver.Event) {
			f(e.Message)
			e.Message.Release()
		})
		defer free()
		deliver(o, 1)
	}
	internal.Receiver = func(f func(any)) (func(uintptr, int), func()) {
		return receiver(func(e driver.Event) {
			m := newMessage(nil, e.Message, native.wireLimits())
			f(m)
			m.drop()
		})
	}
	internal.RunMain = func(accept func(driver.Conn)) {
		mainAccept.Store(&accept)
		C.xb_main()
	}
	internal.Release = func(o uintptr) { C.xb_release(C.uintptr_t(o)) }
}

func buildObject(p *driver.Payload) (o uintptr, err error) {
	err = withPayload(p, func(p payload) C.int {
		var status C.int
		o = uintptr(C.xb_build(p.body, p.length, p.resources, p.count, &status))
		return status
	})
	return o, err
}

func receiver(f driver.Handler) (deliver func(o uintptr, times int), free func()) {
	h := handles.put(f)
	deliver = func(o uintptr, times int) {
		C.deliver_often(C.uintptr_t(o), C.uintptr_t(h), C.size_t(times))
	}
	return deliver, func() { handles.drop(h) }
}
