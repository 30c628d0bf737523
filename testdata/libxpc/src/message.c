// What a received dictionary knows of its journey.
#include "world.h"

void dict_end_transaction(dict *d) {
    struct xs_process *p = atomic_exchange(&d->transaction, NULL);
    if (!p) return;
    transaction_close(p);
    process_release(p);
}

// The right to answer moves to the first reply that is made.
xpc_object_t xpc_dictionary_create_reply(xpc_object_t o) {
    dict *d = o;
    if (!is(o, XPC_TYPE_DICTIONARY) || d->role != DICT_MESSAGE) return NULL;
    struct request *right = atomic_exchange(&d->right, NULL);
    if (!right) return NULL;
    dict *reply = dict_new();
    reply->role = DICT_REPLY;
    atomic_store(&reply->right, right);
    atomic_store(&reply->transaction, atomic_exchange(&d->transaction, NULL));
    reply->remote = d->remote;
    conn_keep(reply->remote);
    obj_set_owner(reply, reply->remote->process);
    return reply;
}

xpc_connection_t xpc_dictionary_get_remote_connection(xpc_object_t o) {
    return is(o, XPC_TYPE_DICTIONARY) ? ((dict *)o)->remote : NULL;
}
