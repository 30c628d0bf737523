// Open transactions keep a process from an idle exit.
#include "world.h"

void transaction_open(struct xs_process *p) {
    atomic_fetch_add_explicit(&p->transactions, 1, memory_order_relaxed);
}

void transaction_close(struct xs_process *p) {
    atomic_fetch_sub_explicit(&p->transactions, 1, memory_order_relaxed);
}

void xpc_transaction_begin(void) {
    transaction_open(process_current());
}

void xpc_transaction_end(void) {
    struct xs_process *p = process_current();
    STRICT(atomic_load(&p->transactions) > 0 || atomic_load(&p->dead), "row 202", "More transactions ended than were begun");
    transaction_close(p);
}
