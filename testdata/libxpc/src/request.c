// Requests: whoever completes one first decides what its handler gets.
#include "world.h"

struct request *request_new(conn *c, xpc_handler_t handler, dispatch_queue_t q) {
    struct request *r = calloc(1, sizeof *r);
    atomic_init(&r->refs, 1);
    r->connection = c;
    conn_keep(c);
    r->sync = !handler;
    if (handler) {
        r->handler = block_copy(handler);
        r->queue = queue_or_default(q);
        queue_retain(r->queue);
    }
    count(N_REQUESTS, 1);
    return r;
}

void request_retain(struct request *r) {
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
}

void request_release(struct request *r) {
    if (atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1) return;
    if (r->result) obj_release(r->result);
    block_release(r->handler);
    if (r->queue) queue_release(r->queue);
    conn_drop(r->connection);
    count(N_REQUESTS, -1);
    free(r);
}

static void release(void *r) {
    request_release(r);
}

void request_list(struct request *r) {
    conn *c = r->connection;
    if (r->done || r->listed) return;
    r->listed = true;
    r->prev = NULL;
    r->next = c->requests;
    if (r->next) r->next->prev = r;
    c->requests = r;
    request_retain(r);
}

static void unlist(struct request *r) {
    if (!r->listed) return;
    r->listed = false;
    if (r->prev)
        r->prev->next = r->next;
    else
        r->connection->requests = r->next;
    if (r->next) r->next->prev = r->prev;
    later_embedded(&r->later, release, r);
}

static void run(struct item *it) {
    struct request *r = (struct request *)(void *)((char *)it - offsetof(struct request, item));
    // A reply may be overtaken by anything: send it round a few times.
    if (r->hops-- > 0) {
        pool_push(it);
        return;
    }
    if (r->hops == -1 && r->queue->serial && !r->on_queue) {
        r->on_queue = true;
        queue_submit(r->queue, it);
        return;
    }
    struct xs_process *p = r->connection->process;
    if (!process_mute(p)) {
        struct frame f;
        process_enter(&f, p);
        user_begin();
        r->handler(r->result);
        user_end();
        process_leave(&f);
    }
    xpc_object_t result = r->result;
    r->result = NULL;
#if XS_STRICT
    obj_unhold(result);
#else
    obj_release(result);
#endif
    block_release(r->handler);
    r->handler = NULL;
    request_release(r);
}

void request_complete(struct request *r, xpc_object_t result, struct xs_process *sender) {
    conn *c = r->connection;
    if (r->done) {
        later_release(result);
        return;
    }
    r->done = true;
    if (sender && c->kind != PEER && r->generation == c->generation)
        c->credentials = (struct credentials){true, c->generation, sender->pid, sender->euid, sender->egid, sender->asid};
    if (sender && c->requirement && !requirement_met(c->requirement, sender)) {
        later_release(result);
        result = XPC_ERROR_PEER_CODE_SIGNING_REQUIREMENT;
    }
    obj_set_owner(result, c->process);
    r->result = result;
    if (r->sync) {
        unlist(r);
        sync_waits(-1);
        later_wake(&r->parker); // the thread that waits holds a reference until then
        return;
    }
    request_retain(r);
    unlist(r);
#if XS_STRICT
    if (atomic_load(&((struct obj *)result)->refs) != FOREVER) atomic_fetch_add(&((struct obj *)result)->held, 1);
#endif
    r->item.fn = run;
    if (adversarial()) {
        r->hops = (int)chance(4);
        pool_push(&r->item);
    } else {
        r->on_queue = true;
        queue_submit(r->queue, &r->item);
    }
}

xpc_object_t request_wait(struct request *r) {
    sync_waits(1);
    pool_blocking(1);
    park(&r->parker);
    pool_blocking(-1);
    jitter();
    xpc_object_t result = r->result;
    r->result = NULL;
    return result;
}

void request_dropped(struct request *r) {
    bool nested = world_locked();
    if (!nested) world_lock();
    if (!xs_knobs[XS_KNOB_DROPPED_HANGS]) request_complete(r, XPC_ERROR_CONNECTION_INTERRUPTED, NULL);
    if (!nested) world_unlock();
}

void requests_fail(conn *c, xpc_object_t error) {
    while (c->requests) request_complete(c->requests, error, NULL);
}

// The process is gone: nobody is left to be told, but a thread that waits is.
void requests_forget(conn *c) {
    while (c->requests) {
        struct request *r = c->requests;
        if (r->sync) {
            request_complete(r, XPC_ERROR_CONNECTION_INVALID, NULL);
        } else {
            r->done = true;
            unlist(r);
        }
    }
}
