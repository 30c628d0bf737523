// Null, bool, the numbers and dates.
#include "world.h"

#include <math.h>
#include <time.h>

const struct _xpc_type_s _xpc_type_null = {.name = "null"};
const struct _xpc_type_s _xpc_type_bool = {.name = "bool"};
const struct _xpc_type_s _xpc_type_int64 = {.name = "int64"};
const struct _xpc_type_s _xpc_type_uint64 = {.name = "uint64"};
const struct _xpc_type_s _xpc_type_double = {.name = "double"};
const struct _xpc_type_s _xpc_type_date = {.name = "date"};

struct _xpc_bool_s {
    struct obj o;
    bool value;
};
const struct _xpc_bool_s _xpc_bool_true = {{.type = XPC_TYPE_BOOL, .refs = FOREVER}, true};
const struct _xpc_bool_s _xpc_bool_false = {{.type = XPC_TYPE_BOOL, .refs = FOREVER}, false};
static struct obj null = {.type = XPC_TYPE_NULL, .refs = FOREVER};

xpc_object_t xpc_null_create(void) {
    return &null;
}

xpc_object_t xpc_bool_create(bool value) {
    return value ? XPC_BOOL_TRUE : XPC_BOOL_FALSE;
}

bool xpc_bool_get_value(xpc_object_t o) {
    return is(o, XPC_TYPE_BOOL) && ((const struct _xpc_bool_s *)o)->value;
}

xpc_object_t xpc_int64_create(int64_t value) {
    struct number *n = obj_new(XPC_TYPE_INT64, sizeof *n);
    n->v.i = value;
    return n;
}

int64_t xpc_int64_get_value(xpc_object_t o) {
    return is(o, XPC_TYPE_INT64) ? ((struct number *)o)->v.i : 0;
}

xpc_object_t xpc_uint64_create(uint64_t value) {
    struct number *n = obj_new(XPC_TYPE_UINT64, sizeof *n);
    n->v.u = value;
    return n;
}

uint64_t xpc_uint64_get_value(xpc_object_t o) {
    return is(o, XPC_TYPE_UINT64) ? ((struct number *)o)->v.u : 0;
}

xpc_object_t xpc_double_create(double value) {
    struct number *n = obj_new(XPC_TYPE_DOUBLE, sizeof *n);
    n->v.d = value;
    return n;
}

double xpc_double_get_value(xpc_object_t o) {
    return is(o, XPC_TYPE_DOUBLE) ? ((struct number *)o)->v.d : (double)NAN;
}

xpc_object_t xpc_date_create(int64_t nanoseconds) {
    struct number *n = obj_new(XPC_TYPE_DATE, sizeof *n);
    n->v.i = nanoseconds;
    return n;
}

xpc_object_t xpc_date_create_from_current(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return xpc_date_create((int64_t)t.tv_sec * 1000000000 + t.tv_nsec);
}

int64_t xpc_date_get_value(xpc_object_t o) {
    return is(o, XPC_TYPE_DATE) ? ((struct number *)o)->v.i : 0;
}
