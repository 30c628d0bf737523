// Dictionaries: entries in the order of insertion, with buckets once there are
// many of them.
#include "world.h"

enum { FEW = 8 };

static void finalize(struct obj *o) {
    dict *d = (dict *)o;
    for (struct entry *e = d->first, *next; e; e = next) {
        next = e->next;
        obj_unhold(e->value);
        free(e);
    }
    free(d->buckets);
    struct request *right = atomic_exchange(&d->right, NULL);
    if (right) {
        request_dropped(right);
        request_release(right);
    }
    dict_end_transaction(d);
    if (d->remote) conn_drop(d->remote);
}
const struct _xpc_type_s _xpc_type_dictionary = {.name = "dictionary", .finalize = finalize};

dict *dict_new(void) {
    dict *d = obj_new(XPC_TYPE_DICTIONARY, sizeof *d);
    memset((char *)d + sizeof d->o, 0, sizeof *d - sizeof d->o);
    return d;
}

size_t dict_hash_key(const char *key, size_t *length) {
    size_t h = 14695981039346656037ull;
    const char *p = key;
    for (; *p; p++) h = (h ^ (unsigned char)*p) * 1099511628211ull;
    *length = (size_t)(p - key);
    return h;
}

static struct entry *find(const dict *d, const char *key, size_t hash) {
    if (d->buckets) {
        for (struct entry *e = d->buckets[hash & d->mask]; e; e = e->chain)
            if (e->hash == hash && !strcmp(e->key, key)) return e;
        return NULL;
    }
    for (struct entry *e = d->first; e; e = e->next)
        if ((e->hash == hash || d->o.type == XPC_TYPE_ERROR) && !strcmp(e->key, key)) return e;
    return NULL;
}

static void rehash(dict *d, size_t size) {
    free(d->buckets);
    d->buckets = calloc(size, sizeof *d->buckets);
    d->mask = size - 1;
    for (struct entry *e = d->first; e; e = e->next) {
        struct entry **b = &d->buckets[e->hash & d->mask];
        e->chain = *b;
        *b = e;
    }
}

static void changing(dict *d) {
    if (atomic_load(&d->iterating)) xs_misuse("row 212", "A dictionary is changed while it is being iterated");
}

static void append(dict *d, const char *key, size_t hash, size_t length, void *value) {
    struct entry *e = malloc(sizeof *e + length + 1);
    memcpy(e->key, key, length + 1);
    e->hash = hash;
    e->value = value;
    e->chain = NULL;
    e->next = NULL, e->prev = d->last;
    if (d->last)
        d->last->next = e;
    else
        d->first = e;
    d->last = e;
    d->count++;
    if (d->buckets && d->count <= 2 * d->mask) {
        struct entry **b = &d->buckets[hash & d->mask];
        e->chain = *b;
        *b = e;
    } else if (d->count > FEW) {
        rehash(d, d->buckets ? 4 * (d->mask + 1) : 4 * FEW);
    }
}

void dict_put(dict *d, const char *key, size_t hash, size_t length, void *value) {
#if XS_STRICT
    if (atomic_load(&((struct obj *)value)->refs) != FOREVER) atomic_fetch_add(&((struct obj *)value)->held, 1);
#endif
    struct entry *e = find(d, key, hash);
    if (e) {
        struct obj *old = e->value;
        e->value = value;
        obj_unhold(old);
    } else {
        append(d, key, hash, length, value);
    }
}

static void drop(dict *d, const char *key, size_t hash) {
    struct entry *e = find(d, key, hash);
    if (!e) return;
    if (d->buckets) {
        struct entry **b = &d->buckets[hash & d->mask];
        while (*b != e) b = &(*b)->chain;
        *b = e->chain;
    }
    *(e->prev ? &e->prev->next : &d->first) = e->next;
    *(e->next ? &e->next->prev : &d->last) = e->prev;
    d->count--;
    obj_unhold(e->value);
    free(e);
}

static bool readable(xpc_object_t o) {
    xpc_type_t t = obj_check(o)->type;
    return t == XPC_TYPE_DICTIONARY || t == XPC_TYPE_ERROR;
}

static dict *writable(xpc_object_t o, const char *key) {
    if (is(o, XPC_TYPE_ERROR)) xs_misuse("row 192", "An error object must not be written to");
    if (!is(o, XPC_TYPE_DICTIONARY)) xs_misuse("row 209", "A dictionary is needed to set a value");
    if (!key) xs_misuse("row 283", "A dictionary key must not be NULL");
    changing(o);
    return o;
}

static struct obj *get(xpc_object_t o, const char *key) {
    size_t length;
    if (!readable(o)) return NULL;
    if (!key) xs_misuse("row 283", "A dictionary key must not be NULL");
    struct entry *e = find(o, key, dict_hash_key(key, &length));
    return e ? e->value : NULL;
}

// Takes over the reference to value.
static void set(xpc_object_t o, const char *key, xpc_object_t value) {
    dict *d = writable(o, key);
    size_t length, hash = dict_hash_key(key, &length);
    if (!value) return;
    STRICT(!contains(value, d), "row 295", "A container must not be put into itself");
    dict_put(d, key, hash, length, value);
}

xpc_object_t xpc_dictionary_create(const char *const *keys, const xpc_object_t *values, size_t count) {
    dict *d = dict_new();
    for (size_t i = 0; i < count; i++)
        if (values[i]) xpc_dictionary_set_value(d, keys[i], values[i]);
    return d;
}

void xpc_dictionary_set_value(xpc_object_t o, const char *key, xpc_object_t value) {
    if (value) {
        set(o, key, xpc_retain(value));
    } else {
        size_t length;
        dict *d = writable(o, key);
        drop(d, key, dict_hash_key(key, &length));
    }
}

xpc_object_t xpc_dictionary_get_value(xpc_object_t o, const char *key) {
    return get(o, key);
}

size_t xpc_dictionary_get_count(xpc_object_t o) {
    return readable(o) ? ((dict *)o)->count : 0;
}

bool xpc_dictionary_apply(xpc_object_t o, xpc_dictionary_applier_t applier) {
    if (!readable(o)) return false;
    dict *d = o;
    bool all = true, constant = d->o.type == XPC_TYPE_ERROR;
    if (!constant) atomic_fetch_add(&d->iterating, 1);
    // No order is promised: sometimes start in the middle, sometimes go back.
    struct entry *start = d->first;
    bool back = maybe(2);
    if (adversarial() && d->count)
        for (uint64_t n = chance(d->count); n; n--) start = start->next;
    struct entry *e = start;
    for (size_t n = d->count; n && all; n--) {
        all = applier(e->key, e->value);
        if (back)
            e = e->prev ? e->prev : d->last;
        else
            e = e->next ? e->next : d->first;
    }
    if (!constant) atomic_fetch_sub(&d->iterating, 1);
    return all;
}

void xpc_dictionary_set_bool(xpc_object_t d, const char *k, bool v) {
    set(d, k, xpc_bool_create(v));
}
void xpc_dictionary_set_int64(xpc_object_t d, const char *k, int64_t v) {
    set(d, k, xpc_int64_create(v));
}
void xpc_dictionary_set_uint64(xpc_object_t d, const char *k, uint64_t v) {
    set(d, k, xpc_uint64_create(v));
}
void xpc_dictionary_set_double(xpc_object_t d, const char *k, double v) {
    set(d, k, xpc_double_create(v));
}
void xpc_dictionary_set_date(xpc_object_t d, const char *k, int64_t v) {
    set(d, k, xpc_date_create(v));
}
void xpc_dictionary_set_data(xpc_object_t d, const char *k, const void *bytes, size_t length) {
    set(d, k, xpc_data_create(bytes, length));
}
void xpc_dictionary_set_string(xpc_object_t d, const char *k, const char *v) {
    set(d, k, xpc_string_create(v));
}
void xpc_dictionary_set_uuid(xpc_object_t d, const char *k, const uuid_t v) {
    set(d, k, xpc_uuid_create(v));
}
void xpc_dictionary_set_fd(xpc_object_t d, const char *k, int v) {
    set(d, k, xpc_fd_create(v));
}
void xpc_dictionary_set_connection(xpc_object_t d, const char *k, xpc_connection_t v) {
    set(d, k, xpc_endpoint_create(v));
}

bool xpc_dictionary_get_bool(xpc_object_t d, const char *k) {
    return xpc_bool_get_value(get(d, k));
}
int64_t xpc_dictionary_get_int64(xpc_object_t d, const char *k) {
    return xpc_int64_get_value(get(d, k));
}
uint64_t xpc_dictionary_get_uint64(xpc_object_t d, const char *k) {
    return xpc_uint64_get_value(get(d, k));
}
double xpc_dictionary_get_double(xpc_object_t d, const char *k) {
    return xpc_double_get_value(get(d, k));
}
int64_t xpc_dictionary_get_date(xpc_object_t d, const char *k) {
    return xpc_date_get_value(get(d, k));
}
const void *xpc_dictionary_get_data(xpc_object_t d, const char *k, size_t *length) {
    xpc_object_t v = get(d, k);
    if (is(v, XPC_TYPE_DATA) && length) *length = xpc_data_get_length(v);
    return xpc_data_get_bytes_ptr(v);
}
const char *xpc_dictionary_get_string(xpc_object_t d, const char *k) {
    return xpc_string_get_string_ptr(get(d, k));
}
const uint8_t *xpc_dictionary_get_uuid(xpc_object_t d, const char *k) {
    return xpc_uuid_get_bytes(get(d, k));
}
int xpc_dictionary_dup_fd(xpc_object_t d, const char *k) {
    return xpc_fd_dup(get(d, k));
}
xpc_connection_t xpc_dictionary_create_connection(xpc_object_t d, const char *k) {
    xpc_object_t v = get(d, k);
    return is(v, XPC_TYPE_ENDPOINT) ? xpc_connection_create_from_endpoint(v) : NULL;
}
xpc_object_t xpc_dictionary_get_dictionary(xpc_object_t d, const char *k) {
    xpc_object_t v = get(d, k);
    return is(v, XPC_TYPE_DICTIONARY) ? v : NULL;
}
xpc_object_t xpc_dictionary_get_array(xpc_object_t d, const char *k) {
    xpc_object_t v = get(d, k);
    return is(v, XPC_TYPE_ARRAY) ? v : NULL;
}

#if XS_MACOS >= 11
xpc_object_t xpc_dictionary_create_empty(void) {
    return dict_new();
}
#endif
