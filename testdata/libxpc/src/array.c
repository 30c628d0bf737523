#include "world.h"

static void finalize(struct obj *o) {
    struct array *a = (struct array *)o;
    for (size_t i = 0; i < a->count; i++) obj_unhold(a->items[i]);
    free(a->items);
}
const struct _xpc_type_s _xpc_type_array = {.name = "array", .finalize = finalize};

struct array *array_new(size_t room) {
    struct array *a = obj_new(XPC_TYPE_ARRAY, sizeof *a);
    a->count = 0;
    a->room = room;
    a->items = room ? malloc(room * sizeof *a->items) : NULL;
    return a;
}

static struct array *writable(xpc_object_t o) {
    if (!is(o, XPC_TYPE_ARRAY)) xs_misuse("row 209", "An array is needed to set or append a value");
    return o;
}

static void refuse(const struct array *a, xpc_object_t value) {
    if (!value) xs_misuse("row 275", "An array element must not be NULL");
    STRICT(!contains(value, a), "row 295", "A container must not be put into itself");
    (void)a;
}

void array_push(struct array *a, void *value) {
#if XS_STRICT
    if (atomic_load(&((struct obj *)value)->refs) != FOREVER) atomic_fetch_add(&((struct obj *)value)->held, 1);
#endif
    if (a->count == a->room) {
        a->room = a->room ? 2 * a->room : 4;
        a->items = realloc(a->items, a->room * sizeof *a->items);
    }
    a->items[a->count++] = value;
}

xpc_object_t xpc_array_create(const xpc_object_t *objects, size_t count) {
    struct array *a = array_new(count);
    for (size_t i = 0; i < count; i++) {
        refuse(a, objects[i]);
        array_push(a, xpc_retain(objects[i]));
    }
    return a;
}

void xpc_array_append_value(xpc_object_t o, xpc_object_t value) {
    struct array *a = writable(o);
    refuse(a, value);
    array_push(a, xpc_retain(value));
}

static struct obj *at(xpc_object_t o, size_t index) {
    struct array *a = o;
    if (!is(o, XPC_TYPE_ARRAY)) return NULL;
    if (index >= a->count) xs_misuse("row 213", "An array is read outside of 0..N-1");
    return a->items[index];
}

void xpc_array_set_value(xpc_object_t o, size_t index, xpc_object_t value) {
    struct array *a = writable(o);
    refuse(a, value);
    if (index >= a->count) xs_misuse("row 213", "An array is written outside of 0..N-1");
    struct obj *old = a->items[index];
    obj_hold(value);
    a->items[index] = value;
    obj_unhold(old);
}

// Takes over the reference to value.
static void set(xpc_object_t o, size_t index, xpc_object_t value) {
    struct array *a = writable(o);
    if (!value) return;
    if (index == XPC_ARRAY_APPEND) {
        array_push(a, value);
    } else {
        xpc_array_set_value(a, index, value);
        xpc_release(value);
    }
}

size_t xpc_array_get_count(xpc_object_t o) {
    return is(o, XPC_TYPE_ARRAY) ? ((struct array *)o)->count : 0;
}

xpc_object_t xpc_array_get_value(xpc_object_t o, size_t index) {
    return at(o, index);
}

bool xpc_array_apply(xpc_object_t o, xpc_array_applier_t applier) {
    struct array *a = o;
    if (!is(o, XPC_TYPE_ARRAY)) return false;
    for (size_t i = 0; i < a->count; i++)
        if (!applier(i, a->items[i])) return false;
    return true;
}

void xpc_array_set_bool(xpc_object_t a, size_t i, bool v) {
    set(a, i, xpc_bool_create(v));
}
void xpc_array_set_int64(xpc_object_t a, size_t i, int64_t v) {
    set(a, i, xpc_int64_create(v));
}
void xpc_array_set_uint64(xpc_object_t a, size_t i, uint64_t v) {
    set(a, i, xpc_uint64_create(v));
}
void xpc_array_set_double(xpc_object_t a, size_t i, double v) {
    set(a, i, xpc_double_create(v));
}
void xpc_array_set_date(xpc_object_t a, size_t i, int64_t v) {
    set(a, i, xpc_date_create(v));
}
void xpc_array_set_data(xpc_object_t a, size_t i, const void *bytes, size_t length) {
    set(a, i, xpc_data_create(bytes, length));
}
void xpc_array_set_string(xpc_object_t a, size_t i, const char *v) {
    set(a, i, xpc_string_create(v));
}
void xpc_array_set_uuid(xpc_object_t a, size_t i, const uuid_t v) {
    set(a, i, xpc_uuid_create(v));
}
void xpc_array_set_fd(xpc_object_t a, size_t i, int v) {
    set(a, i, xpc_fd_create(v));
}
void xpc_array_set_connection(xpc_object_t a, size_t i, xpc_connection_t v) {
    set(a, i, xpc_endpoint_create(v));
}

bool xpc_array_get_bool(xpc_object_t a, size_t i) {
    return xpc_bool_get_value(at(a, i));
}
int64_t xpc_array_get_int64(xpc_object_t a, size_t i) {
    return xpc_int64_get_value(at(a, i));
}
uint64_t xpc_array_get_uint64(xpc_object_t a, size_t i) {
    return xpc_uint64_get_value(at(a, i));
}
double xpc_array_get_double(xpc_object_t a, size_t i) {
    return xpc_double_get_value(at(a, i));
}
int64_t xpc_array_get_date(xpc_object_t a, size_t i) {
    return xpc_date_get_value(at(a, i));
}
const void *xpc_array_get_data(xpc_object_t a, size_t i, size_t *length) {
    xpc_object_t v = at(a, i);
    if (is(v, XPC_TYPE_DATA) && length) *length = xpc_data_get_length(v);
    return xpc_data_get_bytes_ptr(v);
}
const char *xpc_array_get_string(xpc_object_t a, size_t i) {
    return xpc_string_get_string_ptr(at(a, i));
}
const uint8_t *xpc_array_get_uuid(xpc_object_t a, size_t i) {
    return xpc_uuid_get_bytes(at(a, i));
}
int xpc_array_dup_fd(xpc_object_t a, size_t i) {
    return xpc_fd_dup(at(a, i));
}
xpc_connection_t xpc_array_create_connection(xpc_object_t a, size_t i) {
    xpc_object_t v = at(a, i);
    return is(v, XPC_TYPE_ENDPOINT) ? xpc_connection_create_from_endpoint(v) : NULL;
}
xpc_object_t xpc_array_get_dictionary(xpc_object_t a, size_t i) {
    xpc_object_t v = at(a, i);
    return is(v, XPC_TYPE_DICTIONARY) ? v : NULL;
}
xpc_object_t xpc_array_get_array(xpc_object_t a, size_t i) {
    xpc_object_t v = at(a, i);
    return is(v, XPC_TYPE_ARRAY) ? v : NULL;
}

#if XS_MACOS >= 11
xpc_object_t xpc_array_create_empty(void) {
    return xpc_array_create(NULL, 0);
}
#endif
