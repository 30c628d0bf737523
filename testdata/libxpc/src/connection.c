// Connections: creation, activation, suspension, life and death.
#include "world.h"

static void finalize(struct obj *o) {
    (void)o;
}
const struct _xpc_type_s _xpc_type_connection = {.name = "connection", .finalize = finalize};
_Thread_local conn *handler_of;

conn *conn_check(const void *p) {
    conn *c = (conn *)obj_check(p);
    STRICT(c->o.type == XPC_TYPE_CONNECTION, "row 209", "A connection is needed here");
    return c;
}

static void adopt(conn *c, struct xs_process *p) {
    c->process = p;
    process_retain(p);
    obj_set_owner(c, p);
    c->prev = NULL;
    c->next = p->connections;
    if (c->next) c->next->prev = c;
    p->connections = c;
}

void conn_adopt(conn *c, struct xs_process *p) {
    adopt(c, p);
}

// A peer starts without a process: a listener claims it.
conn *conn_new(enum kind kind, struct xs_process *p, dispatch_queue_t target) {
    conn *c = obj_new(XPC_TYPE_CONNECTION, sizeof *c);
    memset((char *)c + sizeof c->o, 0, sizeof *c - sizeof c->o);
    atomic_init(&c->internal, 1);
    c->kind = kind;
    c->target = queue_or_default(target);
    queue_retain(c->target);
    count(N_CONNECTIONS, 1);
    if (kind == PEER) atomic_store(&c->o.refs, 0), c->kept = true;
    if (p) adopt(c, p);
    return c;
}

static conn *create(enum kind kind, const char *name, dispatch_queue_t target, struct port *port) {
    world_lock();
    conn *c = conn_new(kind, process_current(), target);
    c->name = name ? strdup(name) : NULL;
    c->port = port;
    world_unlock();
    return c;
}

xpc_connection_t xpc_connection_create(const char *name, dispatch_queue_t target) {
    if (name) return create(BUNDLED, name, target, NULL);
    conn *c = create(ANONYMOUS, NULL, target, port_new(NULL, NULL));
    return c;
}

xpc_connection_t xpc_connection_create_mach_service(const char *name, dispatch_queue_t target, uint64_t flags) {
    STRICT(name, "row 1", "A Mach service needs a name");
    bool listener = flags & XPC_CONNECTION_MACH_SERVICE_LISTENER;
    conn *c = create(listener ? LISTENER : MACH, name, target, NULL);
    c->privileged = flags & XPC_CONNECTION_MACH_SERVICE_PRIVILEGED;
    return c;
}

conn *connection_from_port(struct port *port) {
    port_retain(port);
    return create(FROM_ENDPOINT, NULL, NULL, port);
}

void conn_keep(conn *c) {
    atomic_fetch_add_explicit(&c->internal, 1, memory_order_relaxed);
}

struct finalization {
    struct item item;
    dispatch_queue_t queue;
    struct xs_process *process;
    xpc_finalizer_t fn;
    void *context;
};

static void finalization_run(struct item *it) {
    struct finalization *f = (struct finalization *)it;
    struct frame frame;
    process_enter(&frame, f->process);
    user_begin();
    f->fn(f->context);
    user_end();
    process_leave(&frame);
    process_release(f->process);
    queue_release(f->queue);
    free(f);
}

static void conn_free(conn *c) {
    world_lock();
    // Nothing can reach it any more but its process and its port.
    off_port(c);
    if (c->process) {
        if (c->prev)
            c->prev->next = c->next;
        else
            c->process->connections = c->next;
        if (c->next) c->next->prev = c->prev;
    }
    if ((c->kind == ANONYMOUS || c->kind == LISTENER) && c->port && c->port->listener == c) c->port->listener = NULL;
    lane_clear(c, false);
    send_discard(c, NULL);
    world_unlock();
    if (c->finalizer && c->process && (c->context || xs_knobs[XS_KNOB_FINALIZE_NULL])) {
        struct finalization *f = malloc(sizeof *f);
        *f = (struct finalization){{.fn = finalization_run}, c->target, c->process, c->finalizer, c->context};
        queue_retain(f->queue);
        process_retain(f->process);
        queue_submit(f->queue, &f->item);
    }
    block_release(c->handler);
    queue_release(c->target);
    port_release(c->port);
    requirement_release(c->requirement);
    requirement_release(c->listener_requirement);
    free(c->name);
    struct xs_process *p = c->process;
    count(N_CONNECTIONS, -1);
    obj_free(&c->o);
    if (p) process_release(p);
}

void conn_drop(conn *c) {
    if (atomic_fetch_sub_explicit(&c->internal, 1, memory_order_acq_rel) == 1) conn_free(c);
}

void conn_user_retain(conn *c) {
    int before = atomic_fetch_add(&c->o.refs, 1);
    STRICT(before > 0 || c->kind == PEER, "row 36", "A connection is retained after its last reference was released");
    conn_keep(c);
}

// The last reference of the user's. A peer may go on without one.
static void let_go(conn *c) {
    world_lock();
    bool dead = !c->process || atomic_load(&c->process->dead), loose = c->kind != PEER || (c->announced && !c->kept);
    if (!dead && loose) {
        STRICT(c->active || (c->kind == PEER && c->cancelled), "row 207",
               "Release of the last reference of a connection that was never activated");
        STRICT(!c->suspended, "row 208", "Release of the last reference of a suspended connection");
    }
    if (!dead && loose && !c->invalid) {
        c->silent = true;
        cancel_locked(c, "The last reference was released");
    }
    world_unlock();
}

void conn_user_release(conn *c) {
    int before = atomic_fetch_sub(&c->o.refs, 1);
    STRICT(before > 0, "row 215", "Over-release of a connection");
    if (before == 1) let_go(c);
    conn_drop(c);
}

void xpc_connection_set_target_queue(xpc_connection_t connection, dispatch_queue_t target) {
    conn *c = conn_check(connection);
    target = queue_or_default(target);
    queue_retain(target);
    world_lock();
    dispatch_queue_t old = c->target;
    c->target = target;
    world_unlock();
    queue_release(old);
}

void xpc_connection_set_event_handler(xpc_connection_t connection, xpc_handler_t handler) {
    conn *c = conn_check(connection);
    STRICT(handler, "row 15", "An event handler must not be NULL");
    xpc_handler_t new = block_copy(handler);
    world_lock();
    later_block(c->handler);
    c->handler = new;
    world_unlock();
}

// An activation takes effect when no suspension is left (row 20).
static void start(conn *c) {
    if (!c->active || c->suspended) return;
    if (!c->started && !c->invalid && c->kind != PEER) {
        if (c->kind == LISTENER || c->kind == ANONYMOUS)
            listener_activated(c);
        else
            client_activated(c);
    }
    c->started = true;
    send_flush(c);
    lane_kick(c);
}

static void activate(conn *c) {
    if (c->active) return;
    if (!c->handler && !c->main_handler && !atomic_load(&c->process->dead))
        xs_misuse("row 15", "A connection is activated without an event handler");
    c->active = true;
    if (c->kind == PEER && !c->kept && !c->final_done) c->kept = true, conn_keep(c);
    start(c);
}

void xpc_connection_activate(xpc_connection_t connection) {
    conn *c = conn_check(connection);
    world_lock();
    activate(c);
    world_unlock();
}

void xpc_connection_suspend(xpc_connection_t connection) {
    conn *c = conn_check(connection);
    world_lock();
    c->suspended++;
    world_unlock();
}

void xpc_connection_resume(xpc_connection_t connection) {
    conn *c = conn_check(connection);
    world_lock();
    if (c->suspended) {
        c->suspended--;
        start(c);
    } else if (!c->active) {
        activate(c);
    } else {
        STRICT(atomic_load(&c->process->dead), "row 29", "Over-resume of a connection");
    }
    world_unlock();
}

void xpc_connection_cancel(xpc_connection_t connection) {
    conn *c = conn_check(connection);
    world_lock();
    if (!c->process || !atomic_load(&c->process->dead)) cancel_locked(c, "The connection was cancelled");
    world_unlock();
    jitter();
}

const char *xpc_connection_get_name(xpc_connection_t connection) {
    return conn_check(connection)->name;
}

static struct credentials credentials(xpc_connection_t connection) {
    conn *c = conn_check(connection);
    world_lock();
    struct credentials found = c->credentials;
    world_unlock();
    if (!found.known)
        found = (struct credentials){.euid = (uid_t)-1, .egid = (gid_t)-1, .asid = AU_ASSIGN_ASID};
    return found;
}

uid_t xpc_connection_get_euid(xpc_connection_t c) {
    return credentials(c).euid;
}
gid_t xpc_connection_get_egid(xpc_connection_t c) {
    return credentials(c).egid;
}
pid_t xpc_connection_get_pid(xpc_connection_t c) {
    return credentials(c).pid;
}
au_asid_t xpc_connection_get_asid(xpc_connection_t c) {
    return credentials(c).asid;
}

void xpc_connection_set_context(xpc_connection_t connection, void *context) {
    conn *c = conn_check(connection);
    world_lock();
    c->context = context;
    world_unlock();
}

void *xpc_connection_get_context(xpc_connection_t connection) {
    conn *c = conn_check(connection);
    world_lock();
    void *context = c->context;
    world_unlock();
    return context;
}

void xpc_connection_set_finalizer_f(xpc_connection_t connection, xpc_finalizer_t finalizer) {
    conn *c = conn_check(connection);
    world_lock();
    c->finalizer = finalizer;
    world_unlock();
}

#if XS_MACOS >= 12
char *xpc_connection_copy_invalidation_reason(xpc_connection_t connection) {
    conn *c = conn_check(connection);
    world_lock();
    const char *reason = c->invalid ? c->reason : NULL;
    world_unlock();
    return reason ? strdup(reason) : NULL;
}
#endif
