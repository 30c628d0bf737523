// The C interface of libxpc as far as the binding calls it: names and types of
// the real one, declared anew for Linux. Built with clang -fblocks.
#ifndef XPC_XPC_H
#define XPC_XPC_H

#include <bsm/audit.h>
#include <dispatch/dispatch.h>
#include <os/object.h>
#include <xpc/base.h>

typedef void *xpc_object_t;
typedef const struct _xpc_type_s *xpc_type_t;
typedef struct _xpc_connection_s *xpc_connection_t;
typedef struct _xpc_endpoint_s *xpc_endpoint_t;

typedef void (^xpc_handler_t)(xpc_object_t object);
typedef bool (^xpc_array_applier_t)(size_t index, xpc_object_t value);
typedef bool (^xpc_dictionary_applier_t)(const char *key, xpc_object_t value);
typedef void (*xpc_connection_handler_t)(xpc_connection_t peer);

XS_API const struct _xpc_type_s _xpc_type_array, _xpc_type_bool, _xpc_type_connection, _xpc_type_data, _xpc_type_date,
    _xpc_type_dictionary, _xpc_type_double, _xpc_type_endpoint, _xpc_type_error, _xpc_type_fd, _xpc_type_int64,
    _xpc_type_null, _xpc_type_shmem, _xpc_type_string, _xpc_type_uint64, _xpc_type_uuid;
#define XPC_TYPE_ARRAY (&_xpc_type_array)
#define XPC_TYPE_BOOL (&_xpc_type_bool)
#define XPC_TYPE_CONNECTION (&_xpc_type_connection)
#define XPC_TYPE_DATA (&_xpc_type_data)
#define XPC_TYPE_DATE (&_xpc_type_date)
#define XPC_TYPE_DICTIONARY (&_xpc_type_dictionary)
#define XPC_TYPE_DOUBLE (&_xpc_type_double)
#define XPC_TYPE_ENDPOINT (&_xpc_type_endpoint)
#define XPC_TYPE_ERROR (&_xpc_type_error)
#define XPC_TYPE_FD (&_xpc_type_fd)
#define XPC_TYPE_INT64 (&_xpc_type_int64)
#define XPC_TYPE_NULL (&_xpc_type_null)
#define XPC_TYPE_SHMEM (&_xpc_type_shmem)
#define XPC_TYPE_STRING (&_xpc_type_string)
#define XPC_TYPE_UINT64 (&_xpc_type_uint64)
#define XPC_TYPE_UUID (&_xpc_type_uuid)

struct _xpc_bool_s;
XS_API const struct _xpc_bool_s _xpc_bool_true, _xpc_bool_false;
#define XPC_BOOL_TRUE ((xpc_object_t)&_xpc_bool_true)
#define XPC_BOOL_FALSE ((xpc_object_t)&_xpc_bool_false)

XS_API const char *const _xpc_error_key_description;
#define XPC_ERROR_KEY_DESCRIPTION _xpc_error_key_description

#define XPC_ARRAY_APPEND ((size_t)-1)

#include <xpc/connection.h>
#include <xpc/endpoint.h>

XS_API xpc_object_t xpc_retain(xpc_object_t o);
XS_API void xpc_release(xpc_object_t o);
XS_API xpc_type_t xpc_get_type(xpc_object_t o);
XS_API const char *xpc_type_get_name(xpc_type_t type);
XS_API xpc_object_t xpc_copy(xpc_object_t o);
XS_API bool xpc_equal(xpc_object_t a, xpc_object_t b);
XS_API size_t xpc_hash(xpc_object_t o);
XS_API char *xpc_copy_description(xpc_object_t o);

XS_API xpc_object_t xpc_null_create(void);
XS_API xpc_object_t xpc_bool_create(bool value);
XS_API bool xpc_bool_get_value(xpc_object_t o);
XS_API xpc_object_t xpc_int64_create(int64_t value);
XS_API int64_t xpc_int64_get_value(xpc_object_t o);
XS_API xpc_object_t xpc_uint64_create(uint64_t value);
XS_API uint64_t xpc_uint64_get_value(xpc_object_t o);
XS_API xpc_object_t xpc_double_create(double value);
XS_API double xpc_double_get_value(xpc_object_t o);
XS_API xpc_object_t xpc_date_create(int64_t nanoseconds);
XS_API xpc_object_t xpc_date_create_from_current(void);
XS_API int64_t xpc_date_get_value(xpc_object_t o);

XS_API xpc_object_t xpc_data_create(const void *bytes, size_t length);
XS_API size_t xpc_data_get_length(xpc_object_t o);
XS_API const void *xpc_data_get_bytes_ptr(xpc_object_t o);
XS_API size_t xpc_data_get_bytes(xpc_object_t o, void *buffer, size_t offset, size_t length);

XS_API xpc_object_t xpc_string_create(const char *string);
XS_API xpc_object_t xpc_string_create_with_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
XS_API xpc_object_t xpc_string_create_with_format_and_arguments(const char *format, va_list arguments)
    __attribute__((format(printf, 1, 0)));
XS_API size_t xpc_string_get_length(xpc_object_t o);
XS_API const char *xpc_string_get_string_ptr(xpc_object_t o);

XS_API xpc_object_t xpc_uuid_create(const uuid_t uuid);
XS_API const uint8_t *xpc_uuid_get_bytes(xpc_object_t o);

XS_API xpc_object_t xpc_fd_create(int fd);
XS_API int xpc_fd_dup(xpc_object_t o);
XS_API xpc_object_t xpc_shmem_create(void *region, size_t length);
XS_API size_t xpc_shmem_map(xpc_object_t o, void **region);

XS_API xpc_object_t xpc_array_create(const xpc_object_t *objects, size_t count);
XS_API xpc_object_t xpc_array_create_empty(void); // macOS 11
XS_API void xpc_array_set_value(xpc_object_t array, size_t index, xpc_object_t value);
XS_API void xpc_array_append_value(xpc_object_t array, xpc_object_t value);
XS_API size_t xpc_array_get_count(xpc_object_t array);
XS_API xpc_object_t xpc_array_get_value(xpc_object_t array, size_t index);
XS_API bool xpc_array_apply(xpc_object_t array, xpc_array_applier_t applier);
XS_API void xpc_array_set_bool(xpc_object_t array, size_t index, bool value);
XS_API void xpc_array_set_int64(xpc_object_t array, size_t index, int64_t value);
XS_API void xpc_array_set_uint64(xpc_object_t array, size_t index, uint64_t value);
XS_API void xpc_array_set_double(xpc_object_t array, size_t index, double value);
XS_API void xpc_array_set_date(xpc_object_t array, size_t index, int64_t value);
XS_API void xpc_array_set_data(xpc_object_t array, size_t index, const void *bytes, size_t length);
XS_API void xpc_array_set_string(xpc_object_t array, size_t index, const char *string);
XS_API void xpc_array_set_uuid(xpc_object_t array, size_t index, const uuid_t uuid);
XS_API void xpc_array_set_fd(xpc_object_t array, size_t index, int fd);
XS_API void xpc_array_set_connection(xpc_object_t array, size_t index, xpc_connection_t connection);
XS_API bool xpc_array_get_bool(xpc_object_t array, size_t index);
XS_API int64_t xpc_array_get_int64(xpc_object_t array, size_t index);
XS_API uint64_t xpc_array_get_uint64(xpc_object_t array, size_t index);
XS_API double xpc_array_get_double(xpc_object_t array, size_t index);
XS_API int64_t xpc_array_get_date(xpc_object_t array, size_t index);
XS_API const void *xpc_array_get_data(xpc_object_t array, size_t index, size_t *length);
XS_API const char *xpc_array_get_string(xpc_object_t array, size_t index);
XS_API const uint8_t *xpc_array_get_uuid(xpc_object_t array, size_t index);
XS_API int xpc_array_dup_fd(xpc_object_t array, size_t index);
XS_API xpc_connection_t xpc_array_create_connection(xpc_object_t array, size_t index);
XS_API xpc_object_t xpc_array_get_dictionary(xpc_object_t array, size_t index); // macOS 10.11
XS_API xpc_object_t xpc_array_get_array(xpc_object_t array, size_t index);      // macOS 10.11

XS_API xpc_object_t xpc_dictionary_create(const char *const *keys, const xpc_object_t *values, size_t count);
XS_API xpc_object_t xpc_dictionary_create_empty(void); // macOS 11
XS_API xpc_object_t xpc_dictionary_create_reply(xpc_object_t message);
XS_API void xpc_dictionary_set_value(xpc_object_t dict, const char *key, xpc_object_t value);
XS_API xpc_object_t xpc_dictionary_get_value(xpc_object_t dict, const char *key);
XS_API size_t xpc_dictionary_get_count(xpc_object_t dict);
XS_API bool xpc_dictionary_apply(xpc_object_t dict, xpc_dictionary_applier_t applier);
XS_API xpc_connection_t xpc_dictionary_get_remote_connection(xpc_object_t dict);
XS_API void xpc_dictionary_set_bool(xpc_object_t dict, const char *key, bool value);
XS_API void xpc_dictionary_set_int64(xpc_object_t dict, const char *key, int64_t value);
XS_API void xpc_dictionary_set_uint64(xpc_object_t dict, const char *key, uint64_t value);
XS_API void xpc_dictionary_set_double(xpc_object_t dict, const char *key, double value);
XS_API void xpc_dictionary_set_date(xpc_object_t dict, const char *key, int64_t value);
XS_API void xpc_dictionary_set_data(xpc_object_t dict, const char *key, const void *bytes, size_t length);
XS_API void xpc_dictionary_set_string(xpc_object_t dict, const char *key, const char *string);
XS_API void xpc_dictionary_set_uuid(xpc_object_t dict, const char *key, const uuid_t uuid);
XS_API void xpc_dictionary_set_fd(xpc_object_t dict, const char *key, int fd);
XS_API void xpc_dictionary_set_connection(xpc_object_t dict, const char *key, xpc_connection_t connection);
XS_API bool xpc_dictionary_get_bool(xpc_object_t dict, const char *key);
XS_API int64_t xpc_dictionary_get_int64(xpc_object_t dict, const char *key);
XS_API uint64_t xpc_dictionary_get_uint64(xpc_object_t dict, const char *key);
XS_API double xpc_dictionary_get_double(xpc_object_t dict, const char *key);
XS_API int64_t xpc_dictionary_get_date(xpc_object_t dict, const char *key);
XS_API const void *xpc_dictionary_get_data(xpc_object_t dict, const char *key, size_t *length);
XS_API const char *xpc_dictionary_get_string(xpc_object_t dict, const char *key);
XS_API const uint8_t *xpc_dictionary_get_uuid(xpc_object_t dict, const char *key);
XS_API int xpc_dictionary_dup_fd(xpc_object_t dict, const char *key);
XS_API xpc_connection_t xpc_dictionary_create_connection(xpc_object_t dict, const char *key);
XS_API xpc_object_t xpc_dictionary_get_dictionary(xpc_object_t dict, const char *key); // macOS 10.11
XS_API xpc_object_t xpc_dictionary_get_array(xpc_object_t dict, const char *key);      // macOS 10.11

XS_API void xpc_main(xpc_connection_handler_t handler) XS_NORETURN;
XS_API void xpc_transaction_begin(void);
XS_API void xpc_transaction_end(void);

#endif
