//go:build cgo && xpcstandin

package main

/*
#cgo CFLAGS: -fblocks
#include <stdlib.h>
#include <string.h>
#include "fields.h"

static xpc_object_t new_dictionary(void) { return xpc_dictionary_create(NULL, NULL, 0); }
static xpc_object_t new_array(void) { return xpc_array_create(NULL, 0); }
*/
import "C"

import (
	"runtime/cgo"
	"time"
	"unsafe"

	"github.com/go-xpc/xpc"
)

// caller reads and writes dictionaries by one call into C per field: with a C
// string per key, which is the common way, or with one buffer for all keys and one
// for all strings.
type caller struct{ keys, texts *C.char }

const bufferSize = 256

func newCaller(buffers bool) *caller {
	c := new(caller)
	if buffers {
		c.keys, c.texts = (*C.char)(C.malloc(bufferSize)), (*C.char)(C.malloc(bufferSize))
	}
	return c
}

func fill(buffer *C.char, s string) *C.char {
	b := unsafe.Slice((*byte)(unsafe.Pointer(buffer)), bufferSize)
	b[copy(b[:bufferSize-1], s)] = 0
	return buffer
}

func (c *caller) key(s string) *C.char {
	if c.keys != nil {
		return fill(c.keys, s)
	}
	return C.CString(s)
}

func (c *caller) text(s string) *C.char {
	if c.texts != nil {
		return fill(c.texts, s)
	}
	return C.CString(s)
}

func (c *caller) done(s *C.char) {
	if c.keys == nil {
		C.free(unsafe.Pointer(s))
	}
}

func (c *caller) setString(d C.xpc_object_t, key, v string) {
	k, s := c.key(key), c.text(v)
	C.xpc_dictionary_set_string(d, k, s)
	c.done(s)
	c.done(k)
}

func (c *caller) setInt64(d C.xpc_object_t, key string, v int64) {
	k := c.key(key)
	C.xpc_dictionary_set_int64(d, k, C.int64_t(v))
	c.done(k)
}

func (c *caller) setUint64(d C.xpc_object_t, key string, v uint64) {
	k := c.key(key)
	C.xpc_dictionary_set_uint64(d, k, C.uint64_t(v))
	c.done(k)
}

func (c *caller) setBool(d C.xpc_object_t, key string, v bool) {
	k := c.key(key)
	C.xpc_dictionary_set_bool(d, k, C.bool(v))
	c.done(k)
}

func (c *caller) setDouble(d C.xpc_object_t, key string, v float64) {
	k := c.key(key)
	C.xpc_dictionary_set_double(d, k, C.double(v))
	c.done(k)
}

func (c *caller) setDate(d C.xpc_object_t, key string, v time.Time) {
	k := c.key(key)
	C.xpc_dictionary_set_date(d, k, C.int64_t(v.UnixNano()))
	c.done(k)
}

func (c *caller) setUUID(d C.xpc_object_t, key string, v *xpc.UUID) {
	k := c.key(key)
	C.xpc_dictionary_set_uuid(d, k, (*C.uchar)(&v[0]))
	c.done(k)
}

func (c *caller) setData(d C.xpc_object_t, key string, v []byte) {
	k := c.key(key)
	C.xpc_dictionary_set_data(d, k, unsafe.Pointer(unsafe.SliceData(v)), C.size_t(len(v)))
	c.done(k)
}

// setValue takes over the reference.
func (c *caller) setValue(d C.xpc_object_t, key string, v C.xpc_object_t) {
	k := c.key(key)
	C.xpc_dictionary_set_value(d, k, v)
	c.done(k)
	C.xpc_release(v)
}

func (c *caller) getString(d C.xpc_object_t, key string) string {
	k := c.key(key)
	v := C.GoString(C.xpc_dictionary_get_string(d, k))
	c.done(k)
	return v
}

func (c *caller) getInt64(d C.xpc_object_t, key string) int64 {
	k := c.key(key)
	v := C.xpc_dictionary_get_int64(d, k)
	c.done(k)
	return int64(v)
}

func (c *caller) getUint64(d C.xpc_object_t, key string) uint64 {
	k := c.key(key)
	v := C.xpc_dictionary_get_uint64(d, k)
	c.done(k)
	return uint64(v)
}

func (c *caller) getBool(d C.xpc_object_t, key string) bool {
	k := c.key(key)
	v := C.xpc_dictionary_get_bool(d, k)
	c.done(k)
	return bool(v)
}

func (c *caller) getDouble(d C.xpc_object_t, key string) float64 {
	k := c.key(key)
	v := C.xpc_dictionary_get_double(d, k)
	c.done(k)
	return float64(v)
}

func (c *caller) getDate(d C.xpc_object_t, key string) time.Time {
	k := c.key(key)
	v := C.xpc_dictionary_get_date(d, k)
	c.done(k)
	return time.Unix(0, int64(v)).UTC()
}

func (c *caller) getUUID(d C.xpc_object_t, key string) (v xpc.UUID) {
	k := c.key(key)
	if p := C.xpc_dictionary_get_uuid(d, k); p != nil {
		v = *(*xpc.UUID)(unsafe.Pointer(p))
	}
	c.done(k)
	return v
}

func (c *caller) getData(d C.xpc_object_t, key string) []byte {
	k := c.key(key)
	var n C.size_t
	p := C.xpc_dictionary_get_data(d, k, &n)
	v := C.GoBytes(p, C.int(n))
	c.done(k)
	return v
}

func (c *caller) getValue(d C.xpc_object_t, key string) C.xpc_object_t {
	k := c.key(key)
	v := C.xpc_dictionary_get_value(d, k)
	c.done(k)
	return v
}

func (c *caller) putSmall(d C.xpc_object_t, r *small) {
	c.setString(d, "name", r.Name)
	c.setInt64(d, "id", r.ID)
	c.setUint64(d, "size", r.Size)
	c.setBool(d, "on", r.On)
}

func (c *caller) takeSmall(d C.xpc_object_t, r *small) {
	r.Name = c.getString(d, "name")
	r.ID = c.getInt64(d, "id")
	r.Size = c.getUint64(d, "size")
	r.On = c.getBool(d, "on")
}

func (c *caller) putRecord(d C.xpc_object_t, r *record, k *[16]string) {
	c.setString(d, k[0], r.A0)
	c.setInt64(d, k[1], r.A1)
	c.setUint64(d, k[2], r.A2)
	c.setBool(d, k[3], r.A3)
	c.setString(d, k[4], r.B0)
	c.setInt64(d, k[5], int64(r.B1))
	c.setUint64(d, k[6], uint64(r.B2))
	c.setDouble(d, k[7], r.B3)
	c.setString(d, k[8], r.C0)
	c.setDate(d, k[9], r.C1)
	c.setUUID(d, k[10], &r.C2)
	c.setData(d, k[11], r.C3)
	c.setString(d, k[12], r.D0)
	c.setInt64(d, k[13], int64(r.D1))
	c.setInt64(d, k[14], int64(r.D2))
	c.setBool(d, k[15], r.D3)
}

func (c *caller) takeRecord(d C.xpc_object_t, r *record, k *[16]string) {
	r.A0 = c.getString(d, k[0])
	r.A1 = c.getInt64(d, k[1])
	r.A2 = c.getUint64(d, k[2])
	r.A3 = c.getBool(d, k[3])
	r.B0 = c.getString(d, k[4])
	r.B1 = int(c.getInt64(d, k[5]))
	r.B2 = uint32(c.getUint64(d, k[6]))
	r.B3 = c.getDouble(d, k[7])
	r.C0 = c.getString(d, k[8])
	r.C1 = c.getDate(d, k[9])
	r.C2 = c.getUUID(d, k[10])
	r.C3 = c.getData(d, k[11])
	r.D0 = c.getString(d, k[12])
	r.D1 = time.Duration(c.getInt64(d, k[13]))
	r.D2 = int32(c.getInt64(d, k[14]))
	r.D3 = c.getBool(d, k[15])
}

func (c *caller) putWide(d C.xpc_object_t, r *wide) {
	c.putRecord(d, &r.record, &keys[0])
	c.putRecord(d, (*record)(&r.recordX), &keys[1])
	c.putRecord(d, (*record)(&r.recordY), &keys[2])
	c.putRecord(d, (*record)(&r.recordZ), &keys[3])
}

func (c *caller) takeWide(d C.xpc_object_t, r *wide) {
	c.takeRecord(d, &r.record, &keys[0])
	c.takeRecord(d, (*record)(&r.recordX), &keys[1])
	c.takeRecord(d, (*record)(&r.recordY), &keys[2])
	c.takeRecord(d, (*record)(&r.recordZ), &keys[3])
}

func (c *caller) putTree(d C.xpc_object_t, r *tree) {
	c.setInt64(d, "id", r.ID)
	user := C.new_dictionary()
	c.putSmall(user, &r.User)
	c.setValue(d, "user", user)
	items := C.new_array()
	for i := range r.Items {
		item := C.new_dictionary()
		c.putSmall(item, &r.Items[i])
		C.xpc_array_append_value(items, item)
		C.xpc_release(item)
	}
	c.setValue(d, "items", items)
	tags := C.new_array()
	for _, tag := range r.Tags {
		s := c.text(tag)
		C.xpc_array_set_string(tags, ^C.size_t(0), s)
		c.done(s)
	}
	c.setValue(d, "tags", tags)
}

func (c *caller) takeTree(d C.xpc_object_t, r *tree) {
	r.ID = c.getInt64(d, "id")
	c.takeSmall(c.getValue(d, "user"), &r.User)
	items := c.getValue(d, "items")
	r.Items = make([]small, C.xpc_array_get_count(items))
	for i := range r.Items {
		c.takeSmall(C.xpc_array_get_value(items, C.size_t(i)), &r.Items[i])
	}
	tags := c.getValue(d, "tags")
	r.Tags = make([]string, C.xpc_array_get_count(tags))
	for i := range r.Tags {
		r.Tags[i] = C.GoString(C.xpc_array_get_string(tags, C.size_t(i)))
	}
}

// encode makes n messages of v.
func (c *caller) encode(v any, n int) {
	for range n {
		d := C.new_dictionary()
		switch v := v.(type) {
		case *small:
			c.putSmall(d, v)
		case *record:
			c.putRecord(d, v, &keys[0])
		case *wide:
			c.putWide(d, v)
		case *tree:
			c.putTree(d, v)
		}
		C.xpc_release(d)
	}
}

// decode reads a message n times, each time as an event handler receives it: in a
// function that C calls.
func (c *caller) decode(object uintptr, v any, n int) {
	h := cgo.NewHandle(func(d C.xpc_object_t) {
		switch v := v.(type) {
		case *small:
			c.takeSmall(d, v)
		case *record:
			c.takeRecord(d, v, &keys[0])
		case *wide:
			c.takeWide(d, v)
		case *tree:
			c.takeTree(d, v)
		}
	})
	defer h.Delete()
	C.cf_deliver(raw(object), C.uintptr_t(h), C.size_t(n))
}

//export benchReceived
func benchReceived(h C.uintptr_t, d C.xpc_object_t) { cgo.Handle(h).Value().(func(C.xpc_object_t))(d) }

func raw(object uintptr) C.xpc_object_t { return *(*C.xpc_object_t)(unsafe.Pointer(&object)) }

const (
	shape4      = C.SHAPE_4
	shape16     = C.SHAPE_16
	shape64     = C.SHAPE_64
	shapeNested = C.SHAPE_NESTED
)

func encodeInC(shape, n int) { C.cf_encode(C.int(shape), C.size_t(n)) }

func decodeInC(shape int, object uintptr, n int) { C.cf_decode(C.int(shape), raw(object), C.size_t(n)) }
