#include "world.h"

static void finalize(struct obj *o) {
    port_release(((xpc_endpoint_t)o)->port);
}
const struct _xpc_type_s _xpc_type_endpoint = {.name = "endpoint", .finalize = finalize};

void *endpoint_new(struct port *port) {
    xpc_endpoint_t e = obj_new(XPC_TYPE_ENDPOINT, sizeof *e);
    port_retain(port);
    e->port = port;
    return e;
}

xpc_endpoint_t xpc_endpoint_create(xpc_connection_t connection) {
    conn *c = conn_check(connection);
    if (c->kind == PEER) xs_misuse("row 155", "An endpoint cannot be made from a peer connection");
    world_lock();
    if (c->kind == LISTENER && !c->port) {
        c->port = lookup_own(c->process, c->name);
        if (c->port) port_retain(c->port);
    }
    struct port *port = c->kind == ANONYMOUS || c->kind == LISTENER ? c->port : NULL;
    world_unlock();
    STRICT(c->kind == ANONYMOUS || c->kind == LISTENER, "row 163", "An endpoint of a client connection has no meaning");
    if (port) return endpoint_new(port);
    port = port_new(NULL, NULL);
    port->dead = true;
    xpc_endpoint_t e = endpoint_new(port);
    port_release(port);
    return e;
}

xpc_connection_t xpc_connection_create_from_endpoint(xpc_endpoint_t e) {
    STRICT(is(e, XPC_TYPE_ENDPOINT), "row 209", "An endpoint is needed here");
    return connection_from_port(e->port);
}
