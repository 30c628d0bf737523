// The two ends of a connection: how they meet, and what each learns when the
// other one goes. All of it under the world lock.
#include "world.h"

static bool is_client(const conn *c) {
    return c->kind == BUNDLED || c->kind == MACH || c->kind == FROM_ENDPOINT;
}

static void on_port(conn *c) {
    c->on_port = true;
    c->port_prev = NULL;
    c->port_next = c->port->clients;
    if (c->port_next) c->port_next->port_prev = c;
    c->port->clients = c;
}

// A client leaves its port; a peer leaves the queue of those to be claimed.
void off_port(conn *c) {
    if (!c->on_port) return;
    struct port *p = c->port;
    struct _xpc_connection_s **first = c->kind == PEER ? &p->pending : &p->clients;
    *(c->port_prev ? &c->port_prev->port_next : first) = c->port_next;
    if (c->port_next)
        c->port_next->port_prev = c->port_prev;
    else if (c->kind == PEER)
        p->pending_last = c->port_prev;
    c->port_prev = c->port_next = NULL;
    c->on_port = false;
}

void client_activated(conn *c) {
    if (c->kind != FROM_ENDPOINT) {
        c->port = lookup(c->process, c->name, c->kind == BUNDLED, c->privileged);
        if (!c->port) {
            invalidate(c, "The service name is not known here", XPC_ERROR_CONNECTION_INVALID);
            return;
        }
        port_retain(c->port);
    }
    if (c->port->dead)
        invalidate(c, "The listener is gone", XPC_ERROR_CONNECTION_INVALID);
    else
        on_port(c);
}

static void unlink_ends(conn *c) {
    if (!c->link) return;
    c->link->link = NULL;
    c->link = NULL;
}

// Gives a waiting peer to its listener, unless its client is not welcome.
static bool claim(conn *listener, conn *peer, struct xs_process *client) {
    if (listener->requirement && client && !requirement_met(listener->requirement, client)) {
        unlink_ends(peer);
        peer->invalid = peer->cancelled = peer->final_done = true;
        lane_clear(peer, false);
        peer->kept = false;
        later_conn(peer);
        return false;
    }
    conn_adopt(peer, listener->process);
    for (struct event *e = peer->events; e; e = e->next)
        if (e->kind == EV_MESSAGE) obj_set_owner(e->object, listener->process);
    peer->listener_requirement = listener->requirement;
    requirement_retain(listener->requirement);
    conn_keep(peer);
    lane_push(listener, EV_PEER, peer, NULL);
    return true;
}

static void claim_pending(conn *listener) {
    struct port *p = listener->port;
    while (p->pending) {
        conn *peer = p->pending;
        off_port(peer);
        claim(listener, peer, peer->link ? peer->link->process : NULL);
    }
}

void listener_activated(conn *c) {
    if (c->kind == LISTENER) {
        struct port *p = lookup_own(c->process, c->name);
        if (!p || p->listener || p->dead) {
            invalidate(c, "The name is not declared by this job", XPC_ERROR_CONNECTION_INVALID);
            return;
        }
        port_retain(p);
        c->port = p;
    }
    c->port->listener = c;
    c->port->served_by = c->process->serial;
    if (!c->process->terminating) claim_pending(c);
}

// Makes the peer at the first message, and launches its process.
conn *client_connect(conn *c) {
    if (c->link) return c->link;
    struct port *p = c->port;
    if (p->dead) {
        invalidate(c, "The listener is gone", XPC_ERROR_CONNECTION_INVALID);
        return NULL;
    }
    conn *peer = conn_new(PEER, NULL, NULL);
    peer->port = p;
    port_retain(p);
    peer->credentials = (struct credentials){
        true, 0, c->process->pid, c->process->euid, c->process->egid, c->process->asid};
    peer->link = c;
    c->link = peer;
    // A process that is to end gets no new peers: they are for the next one.
    if (p->listener && !p->listener->invalid && !p->listener->process->terminating)
        return claim(p->listener, peer, c->process) ? peer : NULL;
    peer->on_port = true;
    peer->port_prev = p->pending_last;
    *(p->pending_last ? &p->pending_last->port_next : &p->pending) = peer;
    p->pending_last = peer;
    launch_locked(p->job);
    return peer;
}

void interrupt(conn *c) {
    c->link = NULL;
    c->generation++;
    requests_fail(c, XPC_ERROR_CONNECTION_INTERRUPTED);
    send_discard(c, XPC_ERROR_CONNECTION_INTERRUPTED);
    lane_push(c, EV_ERROR, XPC_ERROR_CONNECTION_INTERRUPTED, NULL);
}

// Tells the other end that c has gone. died: with its process.
static void part(conn *c, bool died) {
    conn *other = c->link;
    if (!other) return;
    unlink_ends(c);
    if (c->kind != PEER)
        invalidate(other, "The client is gone",
                   died ? XPC_ERROR_CONNECTION_INTERRUPTED : XPC_ERROR_CONNECTION_INVALID);
    else if (!other->invalid)
        interrupt(other);
}

void invalidate(conn *c, const char *reason, xpc_object_t error) {
    if (c->invalid) return;
    c->invalid = true;
    c->reason = reason;
    requests_fail(c, error);
    send_discard(c, error);
    part(c, error == XPC_ERROR_CONNECTION_INTERRUPTED);
    if (is_client(c)) off_port(c);
    lane_push(c, EV_FINAL, NULL, NULL);
    send_flush(c);
}

void port_die(struct port *p, const char *reason, xpc_object_t error, bool interrupt_first) {
    p->dead = true;
    p->listener = NULL;
    for (conn *c = p->clients, *next; c; c = next) {
        next = c->port_next;
        conn *peer = c->link;
        // Whoever has no peer at a name has nothing to lose: the next send tells.
        if (p->name && interrupt_first && !peer) continue;
        if (interrupt_first) {
            unlink_ends(c);
            interrupt(c);
            if (peer) invalidate(peer, reason, error);
        }
        invalidate(c, reason, error);
    }
    discard_pending(p);
}

// Peers that a process died without asking for.
void discard_pending(struct port *p) {
    while (p->pending) {
        conn *peer = p->pending;
        off_port(peer);
        part(peer, true);
        peer->invalid = peer->cancelled = peer->final_done = true;
        lane_clear(peer, false);
        peer->kept = false;
        later_conn(peer);
    }
}

void cancel_locked(conn *c, const char *reason) {
    if (c->cancelled) return;
    c->cancelled = true;
    if (c->invalid) {
        lane_clear(c, true);
        return;
    }
    c->invalid = true;
    c->reason = reason;
    requests_fail(c, XPC_ERROR_CONNECTION_INVALID);
    send_discard(c, XPC_ERROR_CONNECTION_INVALID);
    if (c->kind == ANONYMOUS && c->port->listener == c) {
        xpc_object_t error = maybe(2) ? XPC_ERROR_CONNECTION_INTERRUPTED : XPC_ERROR_CONNECTION_INVALID;
        port_die(c->port, "The listener was cancelled", error, false);
    } else if (c->kind == ANONYMOUS) {
        port_die(c->port, "The listener was cancelled", XPC_ERROR_CONNECTION_INVALID, false);
    } else if (c->kind == LISTENER && c->port && c->port->listener == c) {
        c->port->listener = NULL;
    }
    // After the clients of an anonymous port have got INVALID (row 128): dropping
    // their peers would interrupt them.
    lane_clear(c, true);
    if (c->kind == LISTENER && xs_knobs[XS_KNOB_LISTENER_TAKES_PEERS])
        for (conn *peer = c->process->connections; peer; peer = peer->next)
            if (peer->kind == PEER && peer->port == c->port) cancel_locked(peer, "The listener was cancelled");
    part(c, false);
    if (is_client(c)) off_port(c);
    if (c->silent)
        c->final_done = true;
    else
        lane_push(c, EV_FINAL, NULL, NULL);
    send_flush(c);
}

void conn_kill(conn *c) {
    if (process_mute(c->process)) {
        requests_forget(c);
        lane_clear(c, false);
        send_discard(c, NULL);
        part(c, true);
        c->invalid = c->cancelled = c->final_queued = c->final_done = true;
        c->reason = "The process is gone";
        later_block(c->handler);
        c->handler = NULL;
    } else {
        c->suspended = 0;
        requests_fail(c, XPC_ERROR_CONNECTION_INVALID);
        lane_clear(c, true);
        send_discard(c, XPC_ERROR_CONNECTION_INVALID);
        part(c, true);
        c->announced = true;
        if (!c->invalid) {
            c->invalid = c->cancelled = true;
            c->reason = "The process is gone";
            lane_push(c, EV_FINAL, NULL, NULL);
        }
        lane_kick(c);
    }
    if (c->kind == LISTENER && c->port && c->port->listener == c) c->port->listener = NULL;
    if (is_client(c)) off_port(c);
    if (c->kept && (process_mute(c->process) || !c->active)) c->kept = false, later_conn(c);
}
