// Objects: rows 188, 211-214, 241-293.
#include "test.h"

#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#define R xpc_release

static int refs(xpc_object_t o) {
    return ((_Atomic int *)o)[2]; // the count stands behind the type
}

ROW(36, handler_borrows_its_argument) {
    static struct log s, c;
    static xpc_object_t kept;
    log_init(&s), log_init(&c);
    xpc_connection_t l = xpc_connection_create(NULL, NULL);
    xpc_connection_set_event_handler(l, ^(xpc_object_t peer) {
        if (xpc_get_type(peer) != XPC_TYPE_CONNECTION) return;
        xpc_connection_set_event_handler(peer, ^(xpc_object_t e) {
            if (xpc_get_type(e) == XPC_TYPE_DICTIONARY) kept = xpc_retain(e);
            note(&s, "%s", name_of(e));
        });
        xpc_connection_activate(peer);
    });
    xpc_connection_activate(l);
    xpc_connection_t k = client_of(l, &c);
    say(k, "one");
    await(&s, "one");
    xs_wait_idle();
    SAME(name_of(kept), "one");
    CHECK(refs(kept) == 1);
    R(kept);
    finish(k), finish(l);
    await(&s, "one invalid");
}

ROW(148, listener_handler_has_no_reference_on_the_peer) {
    static struct log s, c;
    static _Atomic int count;
    log_init(&s), log_init(&c);
    xpc_connection_t l = xpc_connection_create(NULL, NULL);
    xpc_connection_set_event_handler(l, ^(xpc_object_t peer) {
        if (xpc_get_type(peer) != XPC_TYPE_CONNECTION) return;
        count = refs(peer);
        logging(peer, &s);
        xpc_connection_activate(peer);
    });
    xpc_connection_activate(l);
    xpc_connection_t k = client_of(l, &c);
    say(k, "one");
    await(&s, "one");
    CHECK(count == 0);
    finish(k), finish(l);
    await(&s, "one invalid");
}

ROW(188, errors_are_constants) {
    xpc_object_t e = XPC_ERROR_CONNECTION_INVALID;
    for (int i = 0; i < 3; i++) R(e);
    CHECK(xpc_retain(e) == e);
    CHECK(xpc_get_type(e) == XPC_TYPE_ERROR);
    CHECK(xpc_equal(e, XPC_ERROR_CONNECTION_INVALID));
    CHECK(!xpc_equal(e, XPC_ERROR_CONNECTION_INTERRUPTED));
}

ROW(189, errors_have_a_description) {
    SAME(xpc_dictionary_get_string(XPC_ERROR_CONNECTION_INTERRUPTED, XPC_ERROR_KEY_DESCRIPTION),
         "Connection interrupted");
    SAME(xpc_dictionary_get_string(XPC_ERROR_CONNECTION_INVALID, XPC_ERROR_KEY_DESCRIPTION), "Connection invalid");
    SAME(xpc_dictionary_get_string(XPC_ERROR_TERMINATION_IMMINENT, XPC_ERROR_KEY_DESCRIPTION), "Termination imminent");
    CHECK(xpc_dictionary_get_count(XPC_ERROR_CONNECTION_INVALID) == 1);
    SAME(XPC_ERROR_KEY_DESCRIPTION, "XPCErrorDescription");
    xpc_dictionary_apply(XPC_ERROR_CONNECTION_INVALID, ^bool(const char *key, xpc_object_t v) {
        SAME(key, "XPCErrorDescription");
        CHECK(xpc_get_type(v) == XPC_TYPE_STRING);
        return true;
    });
}

DIES(192, writing_to_an_error, "An error object must not be written to") {
    xpc_dictionary_set_bool(XPC_ERROR_CONNECTION_INVALID, "x", true);
}

ROW(211, containers_of_another_type_read_as_nothing) {
    xpc_object_t n = xpc_int64_create(1), a = xpc_array_create(NULL, 0), d = xpc_dictionary_create(NULL, NULL, 0);
    CHECK(!xpc_dictionary_get_value(n, "k") && !xpc_dictionary_get_value(a, "k"));
    CHECK(xpc_dictionary_get_count(n) == 0 && xpc_dictionary_get_count(a) == 0);
    CHECK(!xpc_dictionary_get_dictionary(a, "k") && !xpc_dictionary_get_array(a, "k"));
    CHECK(xpc_array_get_count(d) == 0 && !xpc_array_get_value(d, 0));
    CHECK(!xpc_array_get_dictionary(d, 0) && !xpc_array_get_array(d, 0));
    R(n), R(a), R(d);
}

DIES(212, dictionary_changed_while_iterated, "A dictionary is changed while it is being iterated") {
    xpc_object_t d = message("x");
    xpc_dictionary_apply(d, ^bool(const char *key, xpc_object_t v) {
        (void)v;
        xpc_dictionary_set_value(d, key, NULL);
        return true;
    });
}

DIES(213, array_read_outside, "An array is read outside of 0..N-1") {
    xpc_array_get_value(xpc_array_create(NULL, 0), 0);
}

DIES(213, array_getter_outside, "An array is read outside of 0..N-1") {
    xpc_array_get_int64(xpc_array_create(NULL, 0), 7);
}

DIES(213, array_written_outside, "An array is written outside of 0..N-1") {
    xpc_array_set_value(xpc_array_create(NULL, 0), 0, XPC_BOOL_TRUE);
}

DIES(213, array_setter_outside, "An array is written outside of 0..N-1") {
    xpc_array_set_int64(xpc_array_create(NULL, 0), 0, 1);
}

DIES(214, malloc_memory_as_shared_memory, "xpc_shmem_create needs memory from mmap") {
    xpc_shmem_create(aligned_alloc(4096, 4096), 4096);
}

DIES(214, private_mapping_as_shared_memory, "xpc_shmem_create needs memory from mmap") {
    xpc_shmem_create(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
}

DIES(215, over_release_of_an_element, "Over-release of an object") {
    xpc_object_t d = message("x");
    xpc_release(xpc_dictionary_get_value(d, "m"));
}

DIES(215, use_after_release, "An object is used after its last reference was released") {
    xpc_object_t d = message("x");
    xpc_release(d);
    xpc_dictionary_get_count(d);
}

DIES(215, release_twice, "An object is used after its last reference was released") {
    xpc_object_t d = message("x");
    xpc_release(d);
    xpc_release(d);
}

ROW(241, create_and_copy_own_get_does_not) {
    xpc_object_t s = xpc_string_create("v"), d = xpc_dictionary_create(NULL, NULL, 0);
    CHECK(refs(s) == 1);
    CHECK(xpc_retain(s) == s && refs(s) == 2);
    R(s);
    xpc_dictionary_set_value(d, "k", s);
    CHECK(refs(s) == 2);
    CHECK(xpc_dictionary_get_value(d, "k") == s && refs(s) == 2);
    xpc_object_t copy = xpc_copy(d);
    CHECK(copy != d && refs(copy) == 1);
    R(copy), R(d);
    CHECK(refs(s) == 1);
    R(s);
}

ROW(242, scalars_do_not_change) {
    char text[] = "abc";
    uuid_t u = {1, 2, 3};
    xpc_object_t s = xpc_string_create(text), d = xpc_data_create(text, 3), id = xpc_uuid_create(u);
    text[0] = 'x', u[0] = 9;
    SAME(xpc_string_get_string_ptr(s), "abc");
    CHECK(!memcmp(xpc_data_get_bytes_ptr(d), "abc", 3));
    CHECK(xpc_uuid_get_bytes(id)[0] == 1);
    R(s), R(d), R(id);
}

ROW(243, types_have_names) {
    xpc_object_t d = message("x");
    SAME(xpc_type_get_name(xpc_get_type(d)), "dictionary");
    SAME(xpc_type_get_name(XPC_TYPE_INT64), "int64");
    SAME(xpc_type_get_name(XPC_TYPE_STRING), "string");
    R(d);
}

ROW(244, copy_is_deep) {
    xpc_object_t inner = message("x"), outer = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_value(outer, "d", inner);
    xpc_object_t copy = xpc_copy(outer);
    CHECK(xpc_equal(copy, outer) && xpc_hash(copy) == xpc_hash(outer));
    xpc_dictionary_set_string(inner, "m", "y");
    CHECK(!xpc_equal(copy, outer));
    R(copy), R(outer), R(inner);
}

ROW(245, copy_of_a_scalar_may_be_itself) {
    xpc_object_t s = xpc_string_create("s"), copy = xpc_copy(s);
    CHECK(copy && xpc_equal(s, copy));
    R(copy), R(s);
}

ROW(246, connections_have_no_copy) {
    static struct log l;
    log_init(&l);
    xpc_connection_t c = server(&l);
    CHECK(!xpc_copy(c));
    finish(c);
    await(&l, "listener-invalid");
}

ROW(247, types_are_never_equal) {
    xpc_object_t i = xpc_int64_create(1), u = xpc_uint64_create(1), d = xpc_date_create(1), f = xpc_double_create(1);
    CHECK(!xpc_equal(i, u) && !xpc_equal(i, d) && !xpc_equal(i, f) && !xpc_equal(i, XPC_BOOL_TRUE));
    R(i), R(u), R(d), R(f);
}

ROW(248, dictionaries_compare_by_key) {
    xpc_object_t a = xpc_dictionary_create(NULL, NULL, 0), b = xpc_dictionary_create(NULL, NULL, 0);
    char key[16];
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "k%d", i);
        xpc_dictionary_set_int64(a, key, i);
        snprintf(key, sizeof key, "k%d", 99 - i);
        xpc_dictionary_set_int64(b, key, 99 - i);
    }
    CHECK(xpc_equal(a, b) && xpc_hash(a) == xpc_hash(b));
    CHECK(xpc_dictionary_get_count(a) == 100 && xpc_dictionary_get_int64(a, "k73") == 73);
    for (int i = 0; i < 100; i += 2) {
        snprintf(key, sizeof key, "k%d", i);
        xpc_dictionary_set_value(a, key, NULL);
    }
    CHECK(xpc_dictionary_get_count(a) == 50 && !xpc_dictionary_get_value(a, "k72"));
    CHECK(xpc_dictionary_get_int64(a, "k73") == 73 && !xpc_equal(a, b));
    R(a), R(b);
}

ROW(253, null_is_a_value) {
    xpc_object_t d = xpc_dictionary_create(NULL, NULL, 0), n = xpc_null_create();
    xpc_dictionary_set_value(d, "n", n);
    CHECK(xpc_dictionary_get_count(d) == 1);
    CHECK(xpc_get_type(xpc_dictionary_get_value(d, "n")) == XPC_TYPE_NULL);
    R(d), R(n);
}

ROW(254, bools_are_constants) {
    CHECK(xpc_bool_create(true) == XPC_BOOL_TRUE && xpc_bool_create(false) == XPC_BOOL_FALSE);
    xpc_object_t i = xpc_int64_create(1);
    CHECK(xpc_bool_get_value(XPC_BOOL_TRUE) && !xpc_bool_get_value(XPC_BOOL_FALSE) && !xpc_bool_get_value(i));
    R(i);
}

ROW(256, numbers_are_not_converted) {
    xpc_object_t i = xpc_int64_create(INT64_MIN), u = xpc_uint64_create(UINT64_MAX);
    CHECK(xpc_int64_get_value(i) == INT64_MIN && xpc_uint64_get_value(u) == UINT64_MAX);
    CHECK(xpc_uint64_get_value(i) == 0 && xpc_int64_get_value(u) == 0 && xpc_date_get_value(i) == 0);
    CHECK(isnan(xpc_double_get_value(i)));
    R(i), R(u);
}

ROW(258, doubles_keep_their_bits) {
    uint64_t bits = 0x7ff0000000000001, back; // a signalling NaN
    double d;
    memcpy(&d, &bits, sizeof d);
    xpc_object_t o = xpc_double_create(d);
    d = xpc_double_get_value(o);
    memcpy(&back, &d, sizeof d);
    CHECK(back == bits);
    R(o);
}

ROW(261, data_is_copied) {
    xpc_object_t none = xpc_data_create(NULL, 0), some = xpc_data_create("a\0b", 3);
    CHECK(xpc_data_get_length(none) == 0);
    CHECK(xpc_data_get_length(some) == 3 && !memcmp(xpc_data_get_bytes_ptr(some), "a\0b", 3));
    R(none), R(some);
}

DIES(261, null_data_with_a_length, "xpc_data_create with NULL needs length 0") {
    xpc_data_create(NULL, 1);
}

ROW(262, other_types_have_no_bytes) {
    xpc_object_t i = xpc_int64_create(1);
    CHECK(xpc_data_get_length(i) == 0 && !xpc_data_get_bytes_ptr(i));
    CHECK(xpc_string_get_length(i) == 0 && !xpc_string_get_string_ptr(i));
    R(i);
}

ROW(263, get_bytes_is_bounded) {
    char b[8] = "-------";
    xpc_object_t d = xpc_data_create("12345", 5);
    CHECK(xpc_data_get_bytes(d, b, 0, 2) == 2 && !memcmp(b, "12-", 3));
    CHECK(xpc_data_get_bytes(d, b, 3, 8) == 2 && !memcmp(b, "45-", 3));
    CHECK(xpc_data_get_bytes(d, b, 5, 8) == 0 && xpc_data_get_bytes(d, b, 99, 8) == 0);
    R(d);
}

ROW(264, string_length_is_in_bytes) {
    xpc_object_t s = xpc_string_create("h\xc3\xa9"), f = xpc_string_create_with_format("%d-%s", 7, "x");
    CHECK(xpc_string_get_length(s) == 3);
    SAME(xpc_string_get_string_ptr(f), "7-x");
    R(s), R(f);
}

ROW(266, uuid_is_sixteen_bytes) {
    uuid_t u = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    xpc_object_t o = xpc_uuid_create(u), i = xpc_int64_create(1);
    CHECK(!memcmp(xpc_uuid_get_bytes(o), u, 16) && !xpc_uuid_get_bytes(i));
    R(o), R(i);
}

ROW(267, fd_is_duplicated) {
    int p[2];
    char b;
    CHECK(!pipe(p));
    xpc_object_t w = xpc_fd_create(p[1]);
    close(p[1]);
    int d1 = xpc_fd_dup(w), d2 = xpc_fd_dup(w);
    CHECK(d1 >= 0 && d2 >= 0 && d1 != d2);
    CHECK(!(fcntl(d1, F_GETFD) & FD_CLOEXEC));
    CHECK(write(d1, "x", 1) == 1 && read(p[0], &b, 1) == 1 && b == 'x');
    R(w);
    close(d1), close(d2);
    CHECK(read(p[0], &b, 1) == 0);
    close(p[0]);
}

ROW(268, fd_of_a_bad_descriptor_is_null) {
    xpc_object_t i = xpc_int64_create(1);
    CHECK(!xpc_fd_create(-1) && !xpc_fd_create(9999) && xpc_fd_dup(i) == -1);
    R(i);
}

ROW(270, fds_are_equal_to_themselves_only) {
    xpc_object_t a = xpc_fd_create(0), b = xpc_copy(a), d = xpc_dictionary_create(NULL, NULL, 0);
    CHECK(xpc_equal(a, a) && b != a && !xpc_equal(a, b));
    xpc_dictionary_set_value(d, "f", a);
    xpc_object_t e = xpc_copy(d);
    CHECK(!xpc_equal(d, e));
    R(a), R(b), R(d), R(e);
}

ROW(273, shared_memory_is_mapped_in_pages) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *m = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    xpc_object_t s = xpc_shmem_create(m, 10), i = xpc_int64_create(1);
    void *n = NULL;
    CHECK(xpc_shmem_map(s, &n) == page && n != m);
    CHECK(xpc_shmem_map(i, &n) == 0);
    strcpy(m, "shared");
    SAME(n, "shared");
    munmap(m, page);
    R(s), R(i);
    SAME(n, "shared");
    munmap(n, page);
}

ROW(275, array_create_keeps_the_order) {
    xpc_object_t v[] = {xpc_int64_create(1), xpc_string_create("2")};
    xpc_object_t a = xpc_array_create(v, 2), none = xpc_array_create(NULL, 0);
    CHECK(xpc_array_get_value(a, 0) == v[0] && xpc_array_get_value(a, 1) == v[1] && xpc_array_get_count(a) == 2);
    CHECK(refs(v[0]) == 2 && xpc_array_get_count(none) == 0);
    R(v[0]), R(v[1]), R(a), R(none);
}

DIES(275, null_element, "An array element must not be NULL") {
    xpc_array_append_value(xpc_array_create(NULL, 0), NULL);
}

ROW(276, array_set_value_replaces) {
    xpc_object_t x = xpc_string_create("x"), y = xpc_string_create("y"), a = xpc_array_create(&x, 1);
    xpc_array_set_value(a, 0, y);
    CHECK(refs(x) == 1 && refs(y) == 2 && xpc_array_get_count(a) == 1 && xpc_array_get_value(a, 0) == y);
    xpc_array_set_value(a, 0, y);
    CHECK(refs(y) == 2);
    R(a);
    CHECK(refs(y) == 1);
    R(x), R(y);
}

ROW(277, append_retains) {
    xpc_object_t x = xpc_string_create("x"), a = xpc_array_create(NULL, 0);
    for (int i = 0; i < 20; i++) xpc_array_append_value(a, x);
    CHECK(refs(x) == 21 && xpc_array_get_count(a) == 20 && xpc_array_get_value(a, 19) == x);
    R(a);
    CHECK(refs(x) == 1);
    R(x);
}

ROW(278, primitive_setters_append) {
    uuid_t u = {7};
    xpc_object_t a = xpc_array_create(NULL, 0);
    xpc_array_set_bool(a, XPC_ARRAY_APPEND, true);
    xpc_array_set_int64(a, XPC_ARRAY_APPEND, -1);
    xpc_array_set_uint64(a, XPC_ARRAY_APPEND, 1);
    xpc_array_set_double(a, XPC_ARRAY_APPEND, 1.5);
    xpc_array_set_date(a, XPC_ARRAY_APPEND, 2);
    xpc_array_set_data(a, XPC_ARRAY_APPEND, "d", 1);
    xpc_array_set_string(a, XPC_ARRAY_APPEND, "s");
    xpc_array_set_uuid(a, XPC_ARRAY_APPEND, u);
    xpc_array_set_fd(a, XPC_ARRAY_APPEND, 0);
    CHECK(xpc_array_get_count(a) == 9);
    CHECK(xpc_array_get_bool(a, 0) && xpc_array_get_int64(a, 1) == -1 && xpc_array_get_uint64(a, 2) == 1);
    CHECK(xpc_array_get_double(a, 3) == 1.5 && xpc_array_get_date(a, 4) == 2);
    size_t n = 0;
    CHECK(*(const char *)xpc_array_get_data(a, 5, &n) == 'd' && n == 1);
    SAME(xpc_array_get_string(a, 6), "s");
    CHECK(xpc_array_get_uuid(a, 7)[0] == 7);
    int fd = xpc_array_dup_fd(a, 8);
    CHECK(fd >= 0);
    close(fd);
    xpc_array_set_int64(a, 0, 5);
    CHECK(xpc_array_get_int64(a, 0) == 5 && xpc_array_get_count(a) == 9);
    R(a);
}

ROW(279, array_get_value_gives_no_reference) {
    xpc_object_t x = xpc_string_create("x"), a = xpc_array_create(&x, 1);
    CHECK(xpc_array_get_value(a, 0) == x && refs(x) == 2);
    CHECK(xpc_array_get_count(x) == 0 && !xpc_array_get_value(x, 0));
    R(a), R(x);
}

ROW(280, array_apply_in_order_until_false) {
    xpc_object_t a = xpc_array_create(NULL, 0);
    for (int i = 0; i < 5; i++) xpc_array_set_int64(a, XPC_ARRAY_APPEND, i);
    __block int64_t seen = 0;
    CHECK(xpc_array_apply(a, ^bool(size_t i, xpc_object_t v) {
        CHECK(xpc_int64_get_value(v) == (int64_t)i && seen == (int64_t)i);
        seen++;
        return true;
    }));
    CHECK(seen == 5);
    CHECK(!xpc_array_apply(a, ^bool(size_t i, xpc_object_t v) {
        (void)v;
        seen = (int64_t)i;
        return i < 2;
    }));
    CHECK(seen == 2);
    R(a);
}

ROW(281, array_getters_have_defaults) {
    xpc_object_t a = xpc_array_create(NULL, 0), n = xpc_null_create();
    size_t length = 9;
    xpc_array_append_value(a, n);
    CHECK(!xpc_array_get_bool(a, 0) && !xpc_array_get_int64(a, 0) && !xpc_array_get_uint64(a, 0));
    CHECK(isnan(xpc_array_get_double(a, 0)) && !xpc_array_get_date(a, 0) && !xpc_array_get_data(a, 0, &length));
    CHECK(!xpc_array_get_string(a, 0) && !xpc_array_get_uuid(a, 0) && xpc_array_dup_fd(a, 0) == -1);
    CHECK(!xpc_array_create_connection(a, 0) && !xpc_array_get_dictionary(a, 0) && !xpc_array_get_array(a, 0));
    R(a), R(n);
}

ROW(283, dictionary_create_copies_keys) {
    char key[] = "k";
    const char *keys[] = {key};
    xpc_object_t v = xpc_string_create("v"), d = xpc_dictionary_create(keys, &v, 1);
    key[0] = 'x';
    CHECK(xpc_dictionary_get_value(d, "k") == v && refs(v) == 2);
    R(d), R(v);
}

DIES(283, null_key, "A dictionary key must not be NULL") {
    xpc_dictionary_set_bool(xpc_dictionary_create(NULL, NULL, 0), NULL, true);
}

ROW(284, null_value_adds_no_entry) {
    const char *keys[] = {"a", "b"};
    xpc_object_t values[] = {NULL, XPC_BOOL_TRUE}, d = xpc_dictionary_create(keys, values, 2);
    CHECK(xpc_dictionary_get_count(d) == 1 && !xpc_dictionary_get_value(d, "a"));
    R(d);
}

ROW(285, later_of_two_keys_wins) {
    const char *keys[] = {"a", "a"};
    xpc_object_t values[] = {XPC_BOOL_TRUE, XPC_BOOL_FALSE}, d = xpc_dictionary_create(keys, values, 2);
    CHECK(xpc_dictionary_get_count(d) == 1 && xpc_dictionary_get_value(d, "a") == XPC_BOOL_FALSE);
    R(d);
}

ROW(286, dictionary_set_value_replaces) {
    xpc_object_t x = xpc_string_create("x"), y = xpc_string_create("y"), d = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_value(d, "k", x);
    xpc_dictionary_set_value(d, "k", y);
    CHECK(refs(x) == 1 && refs(y) == 2 && xpc_dictionary_get_value(d, "k") == y);
    R(d), R(x), R(y);
}

ROW(287, null_deletes) {
    xpc_object_t x = xpc_string_create("x"), d = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_value(d, "k", NULL);
    xpc_dictionary_set_value(d, "k", x);
    xpc_dictionary_set_value(d, "k", NULL);
    CHECK(refs(x) == 1 && xpc_dictionary_get_count(d) == 0 && !xpc_dictionary_get_value(d, "k"));
    R(d), R(x);
}

ROW(288, count_follows_the_keys) {
    xpc_object_t d = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_int64(d, "a", 1);
    xpc_dictionary_set_int64(d, "b", 1);
    xpc_dictionary_set_int64(d, "a", 2);
    CHECK(xpc_dictionary_get_count(d) == 2);
    xpc_dictionary_set_value(d, "a", NULL);
    CHECK(xpc_dictionary_get_count(d) == 1);
    R(d);
}

ROW(289, get_value_is_the_stored_object) {
    xpc_object_t inner = xpc_dictionary_create(NULL, NULL, 0), d = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_value(d, "in", inner);
    R(inner);
    CHECK(xpc_dictionary_get_value(d, "in") == inner && refs(inner) == 1 && !xpc_dictionary_get_value(d, "no"));
    xpc_dictionary_set_bool(xpc_dictionary_get_dictionary(d, "in"), "x", true);
    CHECK(xpc_dictionary_get_bool(inner, "x"));
    R(d);
}

ROW(290, dictionary_apply_visits_each_once) {
    xpc_object_t d = xpc_dictionary_create(NULL, NULL, 0);
    __block int sum = 0;
    xpc_dictionary_set_int64(d, "a", 1);
    xpc_dictionary_set_int64(d, "b", 10);
    xpc_dictionary_set_int64(d, "c", 100);
    CHECK(xpc_dictionary_apply(d, ^bool(const char *key, xpc_object_t v) {
        CHECK(strlen(key) == 1);
        sum += (int)xpc_int64_get_value(v);
        return true;
    }));
    CHECK(sum == 111);
    sum = 0;
    CHECK(!xpc_dictionary_apply(d, ^bool(const char *key, xpc_object_t v) {
        (void)key, (void)v;
        sum++;
        return false;
    }));
    CHECK(sum == 1);
    R(d);
}

ROW(291, dictionary_getters_have_defaults) {
    xpc_object_t d = xpc_dictionary_create(NULL, NULL, 0);
    size_t length;
    xpc_dictionary_set_value(d, "n", xpc_null_create());
    const char *keys[] = {"n", "absent"};
    for (int i = 0; i < 2; i++) {
        const char *k = keys[i];
        CHECK(!xpc_dictionary_get_bool(d, k) && !xpc_dictionary_get_int64(d, k) && !xpc_dictionary_get_uint64(d, k));
        CHECK(isnan(xpc_dictionary_get_double(d, k)) && !xpc_dictionary_get_date(d, k));
        CHECK(!xpc_dictionary_get_string(d, k) && !xpc_dictionary_get_data(d, k, &length));
        CHECK(!xpc_dictionary_get_uuid(d, k) && xpc_dictionary_dup_fd(d, k) == -1);
        CHECK(!xpc_dictionary_create_connection(d, k));
        CHECK(!xpc_dictionary_get_dictionary(d, k) && !xpc_dictionary_get_array(d, k));
    }
    R(d);
}

DIES(295, container_into_itself, "A container must not be put into itself") {
    xpc_object_t d = xpc_dictionary_create(NULL, NULL, 0), a = xpc_array_create(&d, 1);
    xpc_dictionary_set_value(d, "a", a);
}

ROW(296, description_names_the_entries) {
    xpc_object_t d = message("text");
    char *s = xpc_copy_description(d);
    CHECK(strstr(s, "<dictionary: ") == s && strstr(s, "{ count = 1, transaction: 0, voucher = ") &&
          strstr(s, "\"m\" => "));
    free(s);
    R(d);
}
