// xpc_main: the listener of a bundled service.
#include "world.h"

void xpc_main(xpc_connection_handler_t handler) {
    struct xs_process *p = process_current();
    world_lock();
    struct xs_job *job = p->job;
    const char *name = job && job->ports ? job->ports->name : NULL;
    bool bundled = job && job->app;
    world_unlock();
    if (job && !bundled) xs_misuse("row 195", "A job that declares MachServices must not call xpc_main");
    if (!bundled && !atomic_load(&p->dead)) xs_misuse("row 193", "xpc_main is for bundled services");
    if (bundled) {
        conn *c = xpc_connection_create_mach_service(name, NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER);
        c->main_handler = handler;
        xpc_connection_activate(c);
    }
    dispatch_main();
}
