// Every living object, who owns it and, on request, where it was made.
#include "world.h"

#if XS_STRICT
#include <execinfo.h>

_Atomic long xs_counts[N_COUNT];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct obj all = {.prev = &all, .next = &all};
static uint64_t serials;

enum { TRACE = 24, GRAVES = 4096 };
// Released objects keep their header for a while, so that a late use is named.
static struct obj *graves[GRAVES];
static unsigned next_grave;

static bool traces(void) {
    static int on = -1;
    if (on < 0) on = getenv("XS_BACKTRACE") != NULL;
    return on;
}

void registry_add(struct obj *o) {
    if (traces()) {
        o->trace = calloc(TRACE + 1, sizeof *o->trace);
        o->trace[0] = (void *)(intptr_t)backtrace(o->trace + 1, TRACE);
    }
    pthread_mutex_lock(&lock);
    o->serial = ++serials;
    o->prev = all.prev, o->next = &all;
    o->prev->next = o->next->prev = o;
    pthread_mutex_unlock(&lock);
}

void registry_remove(struct obj *o) {
    pthread_mutex_lock(&lock);
    o->prev->next = o->next, o->next->prev = o->prev;
    o->prev = o->next = NULL;
    pthread_mutex_unlock(&lock);
    free(o->trace);
    o->trace = NULL;
}

void registry_owner(struct obj *o, uint64_t owner) {
    pthread_mutex_lock(&lock);
    o->owner = owner;
    pthread_mutex_unlock(&lock);
}

void registry_bury(struct obj *o) {
    pthread_mutex_lock(&lock);
    struct obj *old = graves[next_grave % GRAVES];
    graves[next_grave++ % GRAVES] = o;
    pthread_mutex_unlock(&lock);
    free(old);
}

// Only objects that no other object holds are freed here; those go with it.
void registry_reap(uint64_t owner) {
    for (;;) {
        struct obj *found = NULL;
        pthread_mutex_lock(&lock);
        for (struct obj *o = all.next; o != &all && !found; o = o->next)
            if (o->owner == owner && atomic_load(&o->held) == 0 && atomic_load(&o->refs) > 0 &&
                o->type != XPC_TYPE_CONNECTION)
                found = o;
        if (found) atomic_store(&found->refs, 1);
        pthread_mutex_unlock(&lock);
        if (!found) break;
        obj_release(found);
    }
}

static long walk(bool print, long *dead, long *connections) {
    long n = 0;
    pthread_mutex_lock(&lock);
    for (struct obj *o = all.next; o != &all; o = o->next) {
        if (process_serial_dead(o->owner)) {
            if (dead) ++*dead;
            continue;
        }
        n++;
        if (connections && o->type == XPC_TYPE_CONNECTION) ++*connections;
        if (!print) continue;
        fprintf(stderr, "  alive: %s #%llu at %p, process %llu, %d references (%d held)\n", o->type->name,
                (unsigned long long)o->serial, (void *)o, (unsigned long long)o->owner, atomic_load(&o->refs),
                atomic_load(&o->held));
        if (o->trace) backtrace_symbols_fd(o->trace + 1, (int)(intptr_t)o->trace[0], 2);
    }
    pthread_mutex_unlock(&lock);
    return n;
}

void xs_get_counters(struct xs_counters *c) {
    *c = (struct xs_counters){0};
    world_lock();
    c->objects = walk(false, &c->dead_objects, &c->connections);
    c->processes = process_count();
    world_unlock();
    c->blocks = atomic_load(&xs_counts[N_BLOCKS]);
    c->fds = atomic_load(&xs_counts[N_FDS]);
    c->queues = atomic_load(&xs_counts[N_QUEUES]);
    c->requests = atomic_load(&xs_counts[N_REQUESTS]);
}

static long report(bool only_if_any) {
    world_lock();
    long objects = walk(false, NULL, NULL);
    long blocks = atomic_load(&xs_counts[N_BLOCKS]), queues = atomic_load(&xs_counts[N_QUEUES]);
    if (objects || blocks || queues || !only_if_any) {
        fprintf(stderr, "libxpc stand-in: %ld objects, %ld blocks, %ld queues alive\n", objects, blocks, queues);
        walk(true, NULL, NULL);
        queue_report();
    }
    world_unlock();
    return objects + blocks + queues;
}

long xs_report(void) {
    return report(false);
}

long xs_check_leaks(void) {
    xs_wait_idle();
    return report(true);
}

__attribute__((destructor)) static void at_end(void) {
    if (getenv("XS_REPORT")) report(true);
}

#else

void xs_get_counters(struct xs_counters *c) {
    *c = (struct xs_counters){0};
}
long xs_report(void) {
    return 0;
}
long xs_check_leaks(void) {
    return 0;
}
void registry_reap(uint64_t owner) {
    (void)owner;
}

#endif
