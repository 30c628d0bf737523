// Pretended processes: who a connection belongs to, and how it all ends.
#include "world.h"

static struct xs_process first;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t serials;
static _Thread_local struct frame *frames;

static void identity_reset(struct xs_process *p) {
    free(p->signing), free(p->team);
    p->signing = p->team = NULL;
    p->platform = p->system = false;
    for (struct entitlement *e = p->entitlements, *next; e; e = next) {
        next = e->next;
        free(e->key), free(e->text), free(e);
    }
    p->entitlements = NULL;
    p->euid = geteuid();
    p->egid = getegid();
    p->asid = 100000;
}

static void init(void) {
    atomic_init(&first.refs, 1);
    first.serial = ++serials;
    first.name = "test";
    first.pid = getpid();
    first.handled = true;
    identity_reset(&first);
}

xs_process_t xs_process_default(void) {
    pthread_once(&once, init);
    return &first;
}

struct xs_process *process_new(const char *name) {
    static pid_t pids = 50000;
    xs_process_default();
    struct xs_process *p = calloc(1, sizeof *p);
    atomic_init(&p->refs, 2); // being alive, and the tester's handle
    p->handled = true;
    p->serial = ++serials;
    p->name = strdup(name ? name : "");
    identity_reset(p);
    p->pid = ++pids;
    p->next = first.next;
    p->prev = &first;
    if (p->next) p->next->prev = p;
    first.next = p;
    return p;
}

void process_retain(struct xs_process *p) {
    if (p != &first) atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
}

void process_release(struct xs_process *p) {
    if (p == &first || atomic_fetch_sub(&p->refs, 1) != 1) return;
    bool nested = world_locked();
    if (!nested) world_lock();
    p->prev->next = p->next;
    if (p->next) p->next->prev = p->prev;
    if (!nested) world_unlock();
    identity_reset(p);
    free(p->name);
    free(p);
}

struct xs_process *process_current(void) {
    return frames ? frames->process : xs_process_default();
}

void process_enter(struct frame *f, struct xs_process *p) {
    *f = (struct frame){p, frames, false};
    process_retain(p);
    frames = f;
}

// Not simply the top: a user may have entered and not left.
void process_leave(struct frame *f) {
    while (frames != f) xs_leave();
    frames = f->below;
    process_release(f->process);
}

void xs_enter(xs_process_t p) {
    process_enter(malloc(sizeof(struct frame)), p ? p : xs_process_default());
    frames->heap = true;
}

void xs_leave(void) {
    struct frame *f = frames;
    if (!f || !f->heap) xs_misuse("xs_leave", "xs_leave without xs_enter");
    frames = f->below;
    process_release(f->process);
    free(f);
}

xs_process_t xs_process_create(const char *name) {
    world_lock();
    struct xs_process *p = process_new(name);
    world_unlock();
    return p;
}

xs_process_t xs_process_current(void) {
    return process_current();
}

bool xs_process_alive(xs_process_t p) {
    return !atomic_load(&p->dead);
}

pid_t xs_process_pid(xs_process_t p) {
    return p->pid;
}

long xs_process_transactions(xs_process_t p) {
    return atomic_load(&p->transactions);
}

bool process_mute(const struct xs_process *p) {
    return atomic_load(&((struct xs_process *)p)->dead) && !p->unwinds;
}

void process_kill_locked(struct xs_process *p) {
    if (atomic_load(&p->dead)) return;
    p->unwinds = xs_knobs[XS_KNOB_CRASH_UNWINDS];
    atomic_store(&p->dead, true);
    struct xs_job *job = p->job;
    p->job = NULL;
    if (job && job->process == p) job->process = NULL;
    // Listeners first: what dies with a listener is told so, not interrupted.
    for (conn *c = p->connections; c; c = c->next)
        if (c->kind == ANONYMOUS && c->port)
            port_die(c->port, "The listener's process is gone", XPC_ERROR_CONNECTION_INTERRUPTED,
                     xs_knobs[XS_KNOB_ENDPOINT_INTERRUPTED] || maybe(3));
    for (conn *c = p->connections; c; c = c->next) conn_kill(c);
    if (job)
        for (struct port *port = job->ports; port; port = port->next) {
            if (port->served_by != p->serial) discard_pending(port);
            if (port->pending) launch_locked(job);
        }
    if (p != &first) {
        process_drop_later(p);
    }
}

static void drop(void *p) {
    process_release(p);
}
void process_drop_later(struct xs_process *p) {
    later_call(drop, p);
}

void xs_process_crash(xs_process_t p) {
    world_lock();
    process_kill_locked(p);
    world_unlock();
    jitter();
}

void xs_process_exit(xs_process_t p) {
    xs_process_crash(p);
}

static bool has_work(struct xs_process *p) {
    if (atomic_load(&p->transactions) > 0) return true;
    for (conn *c = p->connections; c; c = c->next) {
        if (c->running) return true;
        for (struct event *e = c->events; e; e = e->next)
            if (e->kind == EV_MESSAGE || e->kind == EV_PEER) return true;
    }
    if (p->job)
        for (struct port *port = p->job->ports; port; port = port->next)
            if (port->pending) return true;
    return false;
}

bool xs_process_idle_exit(xs_process_t p) {
    world_lock();
    bool idle = !atomic_load(&p->dead) && !has_work(p);
    if (idle) process_kill_locked(p);
    world_unlock();
    return idle;
}

void xs_process_terminate(xs_process_t p) {
    world_lock();
    p->terminating = !atomic_load(&p->dead);
    if (p->terminating)
        for (conn *c = p->connections; c; c = c->next)
            if (c->kind == PEER && c->active && !c->invalid && !c->told) {
                c->told = true;
                lane_push(c, EV_ERROR, XPC_ERROR_TERMINATION_IMMINENT, NULL);
            }
    world_unlock();
}

void xs_process_reap(xs_process_t p) {
    registry_reap(p->serial);
    for (;;) {
        world_lock();
        conn *c = p->connections;
        while (c && atomic_load(&c->o.refs) == 0) c = c->next;
        if (c) conn_keep(c);
        world_unlock();
        if (!c) return;
        for (int refs = atomic_exchange(&c->o.refs, 0); refs > 0; refs--) conn_drop(c);
        conn_drop(c);
    }
}

void xs_process_forget(xs_process_t p) {
    world_lock();
    bool out = p->handled && p != &first;
    p->handled = p == &first;
    if (out) process_drop_later(p);
    world_unlock();
}

void xs_process_set_ids(xs_process_t p, pid_t pid, uid_t euid, gid_t egid, au_asid_t asid) {
    world_lock();
    p->pid = pid, p->euid = euid, p->egid = egid, p->asid = asid;
    world_unlock();
}

void xs_process_set_code(xs_process_t p, const char *signing_identifier, const char *team, bool platform) {
    world_lock();
    free(p->signing), free(p->team);
    p->signing = signing_identifier ? strdup(signing_identifier) : NULL;
    p->team = team ? strdup(team) : NULL;
    p->platform = platform;
    world_unlock();
}

void xs_process_set_system(xs_process_t p, bool system) {
    world_lock();
    p->system = system;
    world_unlock();
}

void xs_process_set_entitlement(xs_process_t p, const char *key, xpc_object_t value) {
    world_lock();
    for (struct entitlement **e = &p->entitlements; *e; e = &(*e)->next)
        if (!strcmp((*e)->key, key)) {
            struct entitlement *old = *e;
            *e = old->next;
            free(old->key), free(old->text), free(old);
            break;
        }
    if (value) {
        struct entitlement *e = calloc(1, sizeof *e);
        e->key = strdup(key);
        e->type = xpc_get_type(value);
        e->number = e->type == XPC_TYPE_BOOL ? xpc_bool_get_value(value) : xpc_int64_get_value(value);
        const char *text = xpc_string_get_string_ptr(value);
        e->text = text ? strdup(text) : NULL;
        e->next = p->entitlements;
        p->entitlements = e;
    }
    world_unlock();
}

bool process_serial_dead(uint64_t serial) {
    for (struct xs_process *p = xs_process_default(); p; p = p->next)
        if (p->serial == serial) return atomic_load(&p->dead);
    return true;
}

long process_count(void) {
    long n = 0;
    for (struct xs_process *p = xs_process_default(); p; p = p->next) n += !atomic_load(&p->dead);
    return n;
}

void xs_reset(void) {
    xs_wait_idle_for(2000);
    world_lock();
    memset(xs_knobs, 0, sizeof xs_knobs);
    for (struct xs_process *p = xs_process_default(); p; p = p->next) process_kill_locked(p);
    launchd_reset();
    world_unlock();
    xs_wait_idle_for(2000);
    for (;;) {
        world_lock();
        struct xs_process *p = first.next;
        while (p && !p->handled) p = p->next;
        if (p) p->handled = false;
        world_unlock();
        if (!p) break;
        xs_process_reap(p);
        process_release(p);
    }
    xs_process_reap(&first);
    xs_wait_idle_for(2000);
    world_lock();
    identity_reset(&first);
    first.pid = getpid();
    first.unwinds = first.terminating = false;
    atomic_store(&first.transactions, 0);
    atomic_store(&first.dead, false);
    world_unlock();
}
