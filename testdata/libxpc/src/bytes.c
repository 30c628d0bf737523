// Data, strings and uuids: bytes that never change.
#include "world.h"

const struct _xpc_type_s _xpc_type_data = {.name = "data"};
const struct _xpc_type_s _xpc_type_string = {.name = "string"};
const struct _xpc_type_s _xpc_type_uuid = {.name = "uuid"};

static struct bytes *make(xpc_type_t type, const void *from, size_t length) {
    struct bytes *b = obj_new(type, sizeof *b + length + 1);
    b->length = length;
    if (length) memcpy(b->b, from, length);
    b->b[length] = 0;
    return b;
}

xpc_object_t xpc_data_create(const void *from, size_t length) {
    STRICT(from || !length, "row 261", "xpc_data_create with NULL needs length 0");
    return make(XPC_TYPE_DATA, from, length);
}

size_t xpc_data_get_length(xpc_object_t o) {
    return is(o, XPC_TYPE_DATA) ? ((struct bytes *)o)->length : 0;
}

const void *xpc_data_get_bytes_ptr(xpc_object_t o) {
    return is(o, XPC_TYPE_DATA) ? ((struct bytes *)o)->b : NULL;
}

size_t xpc_data_get_bytes(xpc_object_t o, void *buffer, size_t offset, size_t length) {
    struct bytes *b = o;
    if (!is(o, XPC_TYPE_DATA) || offset >= b->length) return 0;
    if (length > b->length - offset) length = b->length - offset;
    memcpy(buffer, b->b + offset, length);
    return length;
}

xpc_object_t xpc_string_create(const char *string) {
    STRICT(string, "row 264", "xpc_string_create needs a string");
    return make(XPC_TYPE_STRING, string, strlen(string));
}

xpc_object_t xpc_string_create_with_format_and_arguments(const char *format, va_list arguments) {
    char *text = NULL;
    if (vasprintf(&text, format, arguments) < 0) abort();
    xpc_object_t o = xpc_string_create(text);
    free(text);
    return o;
}

xpc_object_t xpc_string_create_with_format(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    xpc_object_t o = xpc_string_create_with_format_and_arguments(format, arguments);
    va_end(arguments);
    return o;
}

size_t xpc_string_get_length(xpc_object_t o) {
    return is(o, XPC_TYPE_STRING) ? ((struct bytes *)o)->length : 0;
}

const char *xpc_string_get_string_ptr(xpc_object_t o) {
    return is(o, XPC_TYPE_STRING) ? (const char *)((struct bytes *)o)->b : NULL;
}

xpc_object_t xpc_uuid_create(const uuid_t uuid) {
    return make(XPC_TYPE_UUID, uuid, sizeof(uuid_t));
}

const uint8_t *xpc_uuid_get_bytes(xpc_object_t o) {
    return is(o, XPC_TYPE_UUID) ? ((struct bytes *)o)->b : NULL;
}
