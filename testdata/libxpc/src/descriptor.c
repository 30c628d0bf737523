#include "world.h"

#include <fcntl.h>

static void finalize(struct obj *o) {
    close(((struct fd *)o)->fd);
    count(N_FDS, -1);
}
const struct _xpc_type_s _xpc_type_fd = {.name = "fd", .finalize = finalize};

xpc_object_t xpc_fd_create(int fd) {
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0) return NULL;
    struct fd *f = obj_new(XPC_TYPE_FD, sizeof *f);
    f->fd = own;
    count(N_FDS, 1);
    return f;
}

// As by dup(2), which programs inherit: closing it on exec is the caller's to ask.
int xpc_fd_dup(xpc_object_t o) {
    return is(o, XPC_TYPE_FD) ? dup(((struct fd *)o)->fd) : -1;
}

void *fd_copy(const struct fd *f) {
    return xpc_fd_create(f->fd);
}
