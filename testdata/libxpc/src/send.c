// Sending: in the order of the calls, at once where nothing holds it back.
#include "world.h"

static bool may_send(const conn *c) {
    if (c->barrier_busy) return false;
    if (c->invalid) return true; // only barriers are left
    if (!c->active || c->suspended) return false;
    if (c->kind == PEER && !c->announced && !c->active) return false;
    return !(c->running && (xs_knobs[XS_KNOB_HANDLER_BARRIER] || (adversarial() && c->moody)));
}

void op_free_later(struct op *op) {
    later_release(op->message);
    if (op->request) later_call((void (*)(void *))(void (*)(void))request_release, op->request);
    later_block(op->barrier);
    free(op);
}

// Unsent messages go; barriers stay, to be run, unless error is NULL.
void send_discard(conn *c, xpc_object_t error) {
    struct op *list = c->ops, **last = &c->ops;
    c->ops = c->ops_last = NULL;
    for (struct op *op = list, *next; op; op = next) {
        next = op->next;
        op->next = NULL;
        if (op->kind == OP_BARRIER && error) {
            *last = c->ops_last = op;
            last = &op->next;
            continue;
        }
        if (op->kind == OP_REQUEST && error) request_complete(op->request, error, NULL);
        op_free_later(op);
    }
}

static void transmit(conn *c, dict *d, struct request *r) {
    conn *to = c->kind == PEER ? c->link : client_connect(c);
    struct xs_process *sender = c->process;
    if (to && adversarial() && c->kind != PEER && chance(3) == 0)
        for (struct event *e = c->events; e; e = e->next)
            if (e->object == XPC_ERROR_CONNECTION_INTERRUPTED) {
                // Sent after the death of the service and before the news of it.
                if (r) request_complete(r, XPC_ERROR_CONNECTION_INTERRUPTED, NULL);
                to = NULL, r = NULL;
                break;
            }
    bool welcome = to && !(to->listener_requirement && !requirement_met(to->listener_requirement, sender));
    bool trusted = welcome && !(to->requirement && !requirement_met(to->requirement, sender));
    if (welcome && !trusted) lane_push(to, EV_ERROR, XPC_ERROR_PEER_CODE_SIGNING_REQUIREMENT, NULL);
    if (r && trusted) {
        r->generation = c->generation;
        request_list(r);
        request_retain(r);
        atomic_store_explicit(&d->right, r, memory_order_relaxed);
    } else if (r && c->invalid) {
        request_complete(r, XPC_ERROR_CONNECTION_INVALID, NULL);
    } else if (r) {
        request_list(r);
        request_dropped(r);
    }
    if (!trusted) {
        later_release(d);
        return;
    }
    d->role = DICT_MESSAGE;
    d->remote = to;
    conn_keep(to);
    if (to->process) obj_set_owner(d, to->process);
#if XS_STRICT
    atomic_fetch_add(&d->o.held, 1);
#endif
    lane_push(to, EV_MESSAGE, d, sender);
}

struct barrier {
    struct item item;
    conn *connection;
    dispatch_queue_t queue;
    dispatch_block_t block;
};

static void barrier_run(struct item *it) {
    struct barrier *b = (struct barrier *)it;
    conn *c = b->connection;
    if (!process_mute(c->process)) {
        struct frame frame;
        process_enter(&frame, c->process);
        user_begin();
        b->block();
        user_end();
        process_leave(&frame);
    }
    block_release(b->block);
    jitter();
    world_lock();
    c->barrier_busy = false;
    send_flush(c);
    world_unlock();
    queue_release(b->queue);
    conn_drop(c);
    free(b);
}

void send_flush(conn *c) {
    while (c->ops && may_send(c)) {
        struct op *op = c->ops;
        c->ops = op->next;
        if (!c->ops) c->ops_last = NULL;
        op->next = NULL;
        if (op->kind == OP_BARRIER) {
            struct barrier *b = malloc(sizeof *b);
            *b = (struct barrier){{.fn = barrier_run}, c, c->target, op->barrier};
            op->barrier = NULL;
            queue_retain(b->queue);
            conn_keep(c);
            c->barrier_busy = true;
            queue_submit(b->queue, &b->item);
        } else if (c->invalid) {
            if (op->request) request_complete(op->request, XPC_ERROR_CONNECTION_INVALID, NULL);
        } else if (op->kind == OP_REPLY) {
            request_complete(op->request, op->message, c->process);
            op->message = NULL;
        } else {
            transmit(c, op->message, op->request);
            op->message = NULL;
        }
        op_free_later(op);
    }
}

static void enqueue(conn *c, struct op op) {
    struct op *new = malloc(sizeof *new);
    *new = op;
    if (c->ops)
        c->ops_last->next = new;
    else
        c->ops = new;
    c->ops_last = new;
}

static dict *checked(conn *c, xpc_object_t message) {
    STRICT(c->kind != LISTENER && c->kind != ANONYMOUS, "row 63", "A listener connection cannot send");
    if (!is(message, XPC_TYPE_DICTIONARY)) xs_misuse("row 54", "Only a dictionary can be sent as a message");
    dict *d = message;
    bool owes = d->role == DICT_REPLY || (d->role == DICT_MESSAGE && atomic_load(&d->right));
    STRICT(!owes || d->remote == c, "row 65", "Attempt to send a message expecting a reply to the wrong connection");
    return d;
}

static void answer(conn *c, dict *reply) {
    STRICT(!reply->answered, "row 101", "A reply is sent a second time");
    reply->answered = true;
    struct request *right = atomic_exchange(&reply->right, NULL);
    dict *copy = copy_deep(reply, true);
    copy->role = DICT_ANSWER;
    jitter();
    world_lock();
    if (c->invalid) {
        later_release(copy);
    } else if (c->suspended || maybe(4)) {
        request_retain(right);
        enqueue(c, (struct op){.kind = OP_REPLY, .message = copy, .request = right});
        send_flush(c);
    } else {
        request_complete(right, copy, c->process);
    }
    world_unlock();
    request_release(right);
    dict_end_transaction(reply);
}

// r is the caller's; its own reference is taken where it is kept.
static void send(conn *c, dict *message, struct request *r) {
    dict *copy = copy_deep(message, true);
    jitter();
    world_lock();
    c->moody = adversarial() && chance(4) == 0;
    if (c->invalid) {
        later_release(copy);
        if (r) request_complete(r, XPC_ERROR_CONNECTION_INVALID, NULL);
    } else if (!c->ops && may_send(c)) {
        transmit(c, copy, r);
    } else {
        if (r) request_retain(r);
        enqueue(c, (struct op){.kind = r ? OP_REQUEST : OP_MESSAGE, .message = copy, .request = r});
        send_flush(c);
    }
    world_unlock();
}

void xpc_connection_send_message(xpc_connection_t connection, xpc_object_t message) {
    conn *c = conn_check(connection);
    dict *d = checked(c, message);
    if (d->role == DICT_REPLY)
        answer(c, d);
    else
        send(c, d, NULL);
}

void xpc_connection_send_barrier(xpc_connection_t connection, dispatch_block_t block) {
    conn *c = conn_check(connection);
    dispatch_block_t copy = block_copy(block);
    world_lock();
    if (process_mute(c->process)) {
        later_block(copy);
    } else {
        enqueue(c, (struct op){.kind = OP_BARRIER, .barrier = copy});
        send_flush(c);
    }
    world_unlock();
}

void xpc_connection_send_message_with_reply(xpc_connection_t connection, xpc_object_t message, dispatch_queue_t replies,
                                            xpc_handler_t handler) {
    conn *c = conn_check(connection);
    dict *d = checked(c, message);
    struct request *r = request_new(c, handler, replies);
    send(c, d, r);
    request_release(r);
}

xpc_object_t xpc_connection_send_message_with_reply_sync(xpc_connection_t connection, xpc_object_t message) {
    conn *c = conn_check(connection);
    dict *d = checked(c, message);
    STRICT(handler_of != c, "row 112", "A synchronous send from the connection's own event handler");
    if (XS_STRICT && !xs_knobs[XS_KNOB_SYNC_WAITS]) {
        world_lock();
        bool ok = c->active || c->invalid;
        world_unlock();
        STRICT(ok, "row 114", "A synchronous send on an inactive connection waits for ever");
    }
    struct request *r = request_new(c, NULL, NULL);
    send(c, d, r);
    xpc_object_t result = request_wait(r);
    request_release(r);
    return result;
}
