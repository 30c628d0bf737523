//go:build cgo && xpcstandin

package standin

/*
#include <stdio.h>
#include <stdlib.h>
#include "cpeer.h"
#include "interop.h"
#include "standin.h"

static xpc_object_t dictionary(void) { return xpc_dictionary_create(NULL, NULL, 0); }
static xpc_object_t error_inside(void)
{
	xpc_object_t d = dictionary();
	xpc_dictionary_set_value(d, "error", (xpc_object_t)XPC_ERROR_CONNECTION_INVALID);
	return d;
}

// deep is n dictionaries inside each other, wide one with n numbers.
static xpc_object_t deep(size_t n)
{
	xpc_object_t outer = dictionary(), d = outer;
	while (n-- > 1) {
		xpc_object_t inner = dictionary();
		xpc_dictionary_set_value(d, "", inner);
		xpc_release(inner);
		d = inner;
	}
	return outer;
}

static xpc_object_t wide(size_t n)
{
	xpc_object_t d = dictionary();
	char key[16];
	while (n-- > 0) {
		snprintf(key, sizeof(key), "%05zu", n);
		xpc_dictionary_set_int64(d, key, 1);
	}
	return d;
}
*/
import "C"

import (
	"errors"
	"unsafe"
)

// A CObject is an object made by plain C calls. Release gives it back.
type CObject struct{ o C.xpc_object_t }

// NewFull makes a dictionary with a value of each type, NewErrorInside one with
// an error object.
func NewFull() CObject {
	o := CObject{C.dictionary()}
	C.ci_fill(o.o)
	return o
}

func NewErrorInside() CObject { return CObject{C.error_inside()} }

// NewDeep makes n dictionaries inside each other, NewWide one with n numbers, each
// with a key of 5 bytes.
func NewDeep(n int) CObject { return CObject{C.deep(C.size_t(n))} }
func NewWide(n int) CObject { return CObject{C.wide(C.size_t(n))} }

func (o CObject) Object() uintptr { return uintptr(unsafe.Pointer(o.o)) }
func (o CObject) Release()        { C.xpc_release(o.o) }

// CheckFull reads an object by plain C calls, and says what is not as in NewFull.
func CheckFull(object uintptr) error { return wrong(C.ci_check(raw(object))) }

// AskFull is a client in plain C: it connects to the endpoint in a dictionary,
// sends what NewFull makes and checks the reply.
func AskFull(object uintptr) error { return wrong(C.ci_ask(raw(object))) }

// Objects counts the objects of C that are alive.
func Objects() int { return int(counters().objects) }

// Queues counts the dispatch queues.
func Queues() int { return int(counters().queues) }

func counters() (c C.struct_xs_counters) {
	C.xs_get_counters(&c)
	return c
}

func raw(object uintptr) C.xpc_object_t { return *(*C.xpc_object_t)(unsafe.Pointer(&object)) }

func wrong(text *C.char) error {
	if text == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(text))
	return errors.New("not so in C: " + C.GoString(text))
}

// A CService checks what it receives, and answers with what NewFull makes and, if
// something is wrong, a text "wrong".
type CService struct{ s C.cp_service_t }

func NewCService() CService { return CService{C.cp_service_start(C.cp_answer_t(C.ci_answer))} }

// Endpoint gives a dictionary with the service's endpoint.
func (s CService) Endpoint() CObject {
	d := CObject{C.dictionary()}
	key := C.CString("endpoint")
	defer C.free(unsafe.Pointer(key))
	C.xpc_dictionary_set_value(d.o, key, C.xpc_object_t(C.cp_service_endpoint(s.s)))
	return d
}

// Stop is called after the clients have closed their connections.
func (s CService) Stop() { C.cp_service_stop(s.s) }
