// Messages of 4, 16 and 64 fields and a nested one, by plain C calls, and the calls
// that a Go program would make one by one.

#ifndef FIELDS_H
#define FIELDS_H

#include <xpc/xpc.h>

enum { SHAPE_4, SHAPE_16, SHAPE_64, SHAPE_NESTED };

// n messages made and released, and one message read n times.
void cf_encode(int shape, size_t n);
void cf_decode(int shape, xpc_object_t d, size_t n);

// cf_deliver hands an object to Go n times, each as an event handler does.
void cf_deliver(xpc_object_t d, uintptr_t handle, size_t n);

#endif
