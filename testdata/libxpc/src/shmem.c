// Shared memory: further mappings of the same pages, so that the first one
// may go.
#include "world.h"

#include <sys/mman.h>

static void finalize(struct obj *o) {
    struct shmem *s = (struct shmem *)o;
    munmap(s->base, s->length);
}
const struct _xpc_type_s _xpc_type_shmem = {.name = "shmem", .finalize = finalize};

static size_t pages(size_t length) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (length + page - 1) / page * page;
}

// An old length of 0 makes mremap add a mapping; it refuses private memory.
static void *again(void *base, size_t length) {
    return mremap(base, 0, length, MREMAP_MAYMOVE);
}

static void *make(void *from, size_t length, uint64_t region) {
    void *base = again(from, length);
    if (base == MAP_FAILED) return NULL;
    struct shmem *s = obj_new(XPC_TYPE_SHMEM, sizeof *s);
    s->base = base;
    s->length = length;
    s->region = region;
    return s;
}

xpc_object_t xpc_shmem_create(void *region, size_t length) {
    static _Atomic uint64_t regions;
    uint64_t number = atomic_fetch_add(&regions, 1);
    bool whole = (uintptr_t)region % (size_t)sysconf(_SC_PAGESIZE) == 0;
    void *s = whole && length ? make(region, pages(length), number) : NULL;
    if (!s) xs_misuse("row 214", "xpc_shmem_create needs memory from mmap with MAP_SHARED");
    return s;
}

size_t xpc_shmem_map(xpc_object_t o, void **region) {
    if (!is(o, XPC_TYPE_SHMEM)) return 0;
    struct shmem *s = o;
    void *base = again(s->base, s->length);
    if (base == MAP_FAILED) return 0;
    *region = base;
    return s->length;
}

void *shmem_copy(const struct shmem *s) {
    return make(s->base, s->length, s->region);
}
