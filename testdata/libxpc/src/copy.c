// Copies, equality and hashes of whole trees.
#include "world.h"

static xpc_object_t copy_one(const struct obj *o, bool sending) {
    xpc_type_t t = o->type;
    if (atomic_load_explicit(&((struct obj *)o)->refs, memory_order_relaxed) == FOREVER) return (void *)o;
    if (t == XPC_TYPE_DICTIONARY || t == XPC_TYPE_ARRAY) return copy_deep(o, sending);
    if (t == XPC_TYPE_FD) return fd_copy((const struct fd *)o);
    if (t == XPC_TYPE_CONNECTION) {
        if (sending) xs_misuse("row 64", "A connection cannot be sent, only its endpoint");
        return NULL;
    }
    if (!sending) return xpc_retain((void *)o);
    // What is sent never shares memory with what is received.
    if (t == XPC_TYPE_SHMEM) return shmem_copy((const struct shmem *)o);
    if (t == XPC_TYPE_ENDPOINT) return endpoint_new(((const struct _xpc_endpoint_s *)o)->port);
    if (t == XPC_TYPE_DATA) return xpc_data_create(((struct bytes *)o)->b, ((struct bytes *)o)->length);
    if (t == XPC_TYPE_STRING) return xpc_string_create((char *)((struct bytes *)o)->b);
    if (t == XPC_TYPE_UUID) return xpc_uuid_create(((struct bytes *)o)->b);
    struct number *n = obj_new(t, sizeof *n);
    n->v = ((const struct number *)o)->v;
    return n;
}

void *copy_deep(const void *p, bool sending) {
    const struct obj *o = obj_check(p);
    if (o->type == XPC_TYPE_DICTIONARY) {
        dict *to = dict_new();
        for (struct entry *e = ((dict *)p)->first; e; e = e->next) {
            void *v = copy_one(obj_check(e->value), sending);
            if (v) dict_put(to, e->key, e->hash, strlen(e->key), v);
        }
        return to;
    }
    if (o->type == XPC_TYPE_ARRAY) {
        const struct array *from = p;
        struct array *to = array_new(from->count);
        for (size_t i = 0; i < from->count; i++) {
            void *v = copy_one(obj_check(from->items[i]), sending);
            if (v) array_push(to, v);
        }
        return to;
    }
    return copy_one(o, sending);
}

xpc_object_t xpc_copy(xpc_object_t o) {
    return copy_one(obj_check(o), false);
}

bool contains(const void *outer, const void *inner) {
    const struct obj *o = outer;
    if (outer == inner) return true;
    if (o->type == XPC_TYPE_DICTIONARY) {
        for (struct entry *e = ((dict *)outer)->first; e; e = e->next)
            if (contains(e->value, inner)) return true;
    } else if (o->type == XPC_TYPE_ARRAY) {
        const struct array *a = outer;
        for (size_t i = 0; i < a->count; i++)
            if (contains(a->items[i], inner)) return true;
    }
    return false;
}

bool xpc_equal(xpc_object_t pa, xpc_object_t pb) {
    const struct obj *a = obj_check(pa), *b = obj_check(pb);
    if (a == b) return true;
    xpc_type_t t = a->type;
    if (t != b->type) return false;
    if (t == XPC_TYPE_INT64 || t == XPC_TYPE_UINT64 || t == XPC_TYPE_DATE)
        return ((struct number *)pa)->v.u == ((struct number *)pb)->v.u;
    if (t == XPC_TYPE_DOUBLE)
        return ((struct number *)pa)->v.d == ((struct number *)pb)->v.d ||
               ((struct number *)pa)->v.u == ((struct number *)pb)->v.u;
    if (t == XPC_TYPE_DATA || t == XPC_TYPE_STRING || t == XPC_TYPE_UUID) {
        const struct bytes *x = pa, *y = pb;
        return x->length == y->length && !memcmp(x->b, y->b, x->length);
    }
    if (t == XPC_TYPE_SHMEM)
        return ((struct shmem *)pa)->region == ((struct shmem *)pb)->region &&
               ((struct shmem *)pa)->length == ((struct shmem *)pb)->length;
    if (t == XPC_TYPE_ENDPOINT) return ((xpc_endpoint_t)pa)->port == ((xpc_endpoint_t)pb)->port;
    if (t == XPC_TYPE_ARRAY) {
        const struct array *x = pa, *y = pb;
        if (x->count != y->count) return false;
        for (size_t i = 0; i < x->count; i++)
            if (!xpc_equal(x->items[i], y->items[i])) return false;
        return true;
    }
    if (t == XPC_TYPE_DICTIONARY) {
        dict *x = pa, *y = pb;
        if (x->count != y->count) return false;
        for (struct entry *e = x->first; e; e = e->next) {
            xpc_object_t other = xpc_dictionary_get_value(y, e->key);
            if (!other || !xpc_equal(e->value, other)) return false;
        }
        return true;
    }
    return false;
}

static size_t mix(size_t h, size_t v) {
    h ^= v + 0x9e3779b97f4a7c15ull + (h << 6) + (h >> 2);
    return h * 0xff51afd7ed558ccdull;
}

size_t xpc_hash(xpc_object_t p) {
    const struct obj *o = obj_check(p);
    xpc_type_t t = o->type;
    size_t h = (size_t)t->name[0] * 31 + (size_t)t->name[1];
    if (t == XPC_TYPE_BOOL) return mix(h, xpc_bool_get_value(p));
    if (t == XPC_TYPE_DOUBLE && ((struct number *)p)->v.d == 0) return mix(h, 0);
    if (t == XPC_TYPE_INT64 || t == XPC_TYPE_UINT64 || t == XPC_TYPE_DATE || t == XPC_TYPE_DOUBLE)
        return mix(h, ((struct number *)p)->v.u);
    if (t == XPC_TYPE_DATA || t == XPC_TYPE_STRING || t == XPC_TYPE_UUID) {
        const struct bytes *b = p;
        for (size_t i = 0; i < b->length; i++) h = (h ^ b->b[i]) * 1099511628211ull;
        return h;
    }
    if (t == XPC_TYPE_SHMEM) return mix(h, ((struct shmem *)p)->region);
    if (t == XPC_TYPE_ENDPOINT) return mix(h, (size_t)((xpc_endpoint_t)p)->port);
    if (t == XPC_TYPE_ARRAY) {
        const struct array *a = p;
        for (size_t i = 0; i < a->count; i++) h = mix(h, xpc_hash(a->items[i]));
        return h;
    }
    if (t == XPC_TYPE_DICTIONARY) {
        size_t sum = 0;
        for (struct entry *e = ((dict *)p)->first; e; e = e->next) sum += mix(e->hash, xpc_hash(e->value));
        return mix(h, sum);
    }
    return t == XPC_TYPE_NULL ? h : mix(h, (size_t)p);
}
