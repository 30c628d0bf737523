// What all objects share: type, reference count, life and death.
#include "world.h"

const struct _xpc_type_s xs_type_dead = {.name = "released object"};

struct obj *obj_check(const void *p) {
    struct obj *o = (struct obj *)p;
#if XS_STRICT
    if (!o) xs_misuse("row 209", "NULL is not an object");
    if (o->type == &xs_type_dead) xs_misuse("row 36", "An object is used after its last reference was released");
#endif
    return o;
}

void *obj_new(xpc_type_t type, size_t size) {
    struct obj *o = malloc(size);
    memset(o, 0, sizeof *o);
    o->type = type;
    atomic_init(&o->refs, 1);
    count(N_OBJECTS, 1);
#if XS_STRICT
    o->owner = process_current()->serial;
    registry_add(o);
#endif
    return o;
}

void obj_free(struct obj *o) {
    count(N_OBJECTS, -1);
    if (o->type->finalize) o->type->finalize(o);
#if XS_STRICT
    bool big = (o->type == XPC_TYPE_DATA || o->type == XPC_TYPE_STRING) && ((struct bytes *)o)->length > 4096;
    registry_remove(o);
    o->type = &xs_type_dead;
    if (big)
        free(o);
    else
        registry_bury(o);
#else
    free(o);
#endif
}

void obj_set_owner(void *o, struct xs_process *p) {
#if XS_STRICT
    struct obj *x = o;
    if (atomic_load(&x->refs) != FOREVER) registry_owner(x, p->serial);
#else
    (void)o, (void)p;
#endif
}

static void retain(struct obj *o) {
    if (atomic_load_explicit(&o->refs, memory_order_relaxed) == FOREVER) return;
    if (o->type == XPC_TYPE_CONNECTION) {
        conn_user_retain((conn *)o);
        return;
    }
    int before = atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
    STRICT(before > 0, "row 36", "An object is retained after its last reference was released");
}

static void release(struct obj *o) {
    if (atomic_load_explicit(&o->refs, memory_order_relaxed) == FOREVER) return;
    if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) == 1) obj_free(o);
}

void obj_release(void *o) {
    if (((struct obj *)o)->type == XPC_TYPE_CONNECTION)
        conn_user_release(o);
    else
        release(obj_check(o));
}

void obj_hold(void *p) {
    struct obj *o = obj_check(p);
    if (atomic_load_explicit(&o->refs, memory_order_relaxed) == FOREVER) return;
    retain(o);
#if XS_STRICT
    atomic_fetch_add(&o->held, 1);
#endif
}

void obj_unhold(void *p) {
    struct obj *o = obj_check(p);
    if (atomic_load_explicit(&o->refs, memory_order_relaxed) == FOREVER) return;
#if XS_STRICT
    atomic_fetch_sub(&o->held, 1);
#endif
    obj_release(o);
}

xpc_object_t xpc_retain(xpc_object_t o) {
    retain(obj_check(o));
    return o;
}

void xpc_release(xpc_object_t p) {
    struct obj *o = obj_check(p);
    if (atomic_load_explicit(&o->refs, memory_order_relaxed) == FOREVER) return;
    if (o->type == XPC_TYPE_CONNECTION) {
        conn_user_release((conn *)o);
        return;
    }
#if XS_STRICT
    // What a container or the runtime holds is not the caller's to give back.
    if (atomic_load(&o->refs) <= atomic_load(&o->held)) xs_misuse("row 215", "Over-release of an object");
#endif
    release(o);
}

xpc_type_t xpc_get_type(xpc_object_t o) {
    return obj_check(o)->type;
}

const char *xpc_type_get_name(xpc_type_t type) {
    return type->name;
}
