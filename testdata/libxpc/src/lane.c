// The way of an event to the handler: one at a time, in order, on the target
// queue.
#include "world.h"

static void run(struct item *it);

static bool ready(conn *c) {
    return c->events && c->active && !c->suspended && !c->running && !c->final_done &&
           (c->kind != PEER || c->announced) && !process_mute(c->process);
}

void lane_kick(conn *c) {
    if (c->scheduled || !ready(c)) return;
    c->scheduled = true;
    conn_keep(c);
    c->scheduled_on = c->target;
    queue_retain(c->scheduled_on);
    c->item.fn = run;
    queue_submit(c->scheduled_on, &c->item);
}

static void event_free_later(struct event *e) {
    if (e->kind == EV_MESSAGE) later_unhold(e->object);
    if (e->kind == EV_PEER) later_conn(e->object);
    if (e->sender) process_drop_later(e->sender);
    free(e);
}

void lane_push(conn *c, enum event_kind kind, void *object, struct xs_process *sender) {
    struct event *e = malloc(sizeof *e);
    *e = (struct event){.kind = kind, .object = object, .sender = sender, .generation = c->generation};
    if (sender) process_retain(sender);
    if (c->final_queued) {
        event_free_later(e);
        return;
    }
    if (kind == EV_FINAL) c->final_queued = true;
    if (c->events)
        c->events_last->next = e;
    else
        c->events = e;
    c->events_last = e;
    lane_kick(c);
}

// Drops what was received and not delivered.
void lane_clear(conn *c, bool keep_final) {
    struct event *list = c->events, *final = NULL;
    c->events = c->events_last = NULL;
    for (struct event *e = list, *next; e; e = next) {
        next = e->next;
        e->next = NULL;
        if (e->kind == EV_FINAL && keep_final) {
            final = e;
            continue;
        }
        if (e->kind == EV_PEER) {
            conn *peer = e->object;
            cancel_locked(peer, "The listener was cancelled");
            peer->announced = true;
            if (peer->kept) peer->kept = false, later_conn(peer);
        }
        event_free_later(e);
    }
    c->events = c->events_last = final;
    for (struct event *e = c->parked, *next; e; e = next) {
        next = e->next;
        event_free_later(e);
    }
    c->parked = NULL;
}

// After the listener's handler: the peer must have an owner or an end by now.
static void announced(conn *peer) {
    peer->announced = true;
    if (peer->active) {
        send_flush(peer);
        lane_kick(peer);
        return;
    }
    bool dead = atomic_load(&peer->process->dead);
    if (!dead && !peer->cancelled && atomic_load(&peer->o.refs) == 0) {
        STRICT(peer->invalid, "row 153", "A peer was neither activated, cancelled nor retained by the listener's handler");
        cancel_locked(peer, "Nobody took the peer");
    }
    if (peer->kept) {
        peer->kept = false;
        later_conn(peer);
    }
}

static void note_credentials(conn *c, struct event *e) {
    if (c->kind == PEER) return;
    if (e->kind == EV_MESSAGE)
        c->credentials = (struct credentials){
            true, e->generation, e->sender->pid, e->sender->euid, e->sender->egid, e->sender->asid};
    if (e->object == XPC_ERROR_CONNECTION_INTERRUPTED && c->credentials.generation < e->generation)
        c->credentials.known = false;
}

static void deliver(conn *c, struct event *e, xpc_handler_t handler, xpc_connection_handler_t main_handler) {
    conn *outer = handler_of;
    void *object = e->kind == EV_FINAL ? XPC_ERROR_CONNECTION_INVALID : e->object;
    if (e->kind == EV_MESSAGE) {
        transaction_open(c->process);
        process_retain(c->process);
        atomic_store(&((dict *)object)->transaction, c->process);
    }
    jitter();
    struct frame frame;
    process_enter(&frame, c->process);
    handler_of = c;
    user_begin();
    if (handler)
        handler(object);
    else if (main_handler && e->kind == EV_PEER)
        main_handler(object);
    user_end();
    handler_of = outer;
    process_leave(&frame);
    if (e->kind == EV_MESSAGE) obj_unhold(object);
    jitter();
}

static void run(struct item *it) {
    conn *c = (conn *)(void *)((char *)it - offsetof(conn, item));
    int budget = adversarial() ? 1 : 64;
    world_lock();
    while (ready(c)) {
        if (c->target != c->scheduled_on || budget-- == 0) {
            dispatch_queue_t old = c->scheduled_on;
            c->scheduled_on = c->target;
            queue_retain(c->scheduled_on);
            queue_submit(c->scheduled_on, it);
            world_unlock();
            queue_release(old);
            return;
        }
        if (c->scheduled_on->serial) budget = 0;
        struct event *e = c->events;
        c->events = e->next;
        if (!c->events) c->events_last = NULL;
        e->next = NULL;
        if (e->kind == EV_MESSAGE && c->terminating) {
            e->next = c->parked;
            c->parked = e;
            continue;
        }
        if (e->object == XPC_ERROR_TERMINATION_IMMINENT) c->terminating = true;
        if (e->kind == EV_FINAL) c->final_done = true;
        note_credentials(c, e);
        c->running = true;
        xpc_handler_t handler = c->handler ? block_copy(c->handler) : NULL;
        xpc_connection_handler_t main_handler = c->main_handler;
        world_unlock();

        deliver(c, e, handler, main_handler);
        block_release(handler);

        world_lock();
        c->running = false;
        if (e->kind == EV_PEER) announced(e->object);
        if (e->kind == EV_FINAL) {
            if (!xs_knobs[XS_KNOB_KEEP_HANDLER] && !maybe(2)) {
                later_block(c->handler);
                c->handler = NULL;
            }
            if (c->kept) c->kept = false, later_conn(c);
        }
        if (e->kind == EV_MESSAGE) e->object = NULL, e->kind = EV_ERROR;
        event_free_later(e);
        send_flush(c);
    }
    c->scheduled = false;
    dispatch_queue_t q = c->scheduled_on;
    c->scheduled_on = NULL;
    world_unlock();
    queue_release(q);
    conn_drop(c);
}
