// One lock for connections, processes and launchd. Whatever can run a user's
// code (the end of a block or an object) is put off until it is dropped.
#include "world.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool locked;
static _Thread_local struct later *first, **last;
enum { WAKES = 8 };
static _Thread_local struct parker *wakes[WAKES];
static _Thread_local int waking;
int xs_knobs[XS_KNOB_COUNT];

void world_lock(void) {
    pthread_mutex_lock(&lock);
    locked = true;
}

bool world_locked(void) {
    return locked;
}

void world_unlock(void) {
    struct later *l = first;
    first = NULL;
    locked = false;
    pthread_mutex_unlock(&lock);
    while (waking) unpark(wakes[--waking]);
    while (l) {
        struct later *next = l->next;
        bool embedded = l->embedded;
        l->fn(l->argument);
        if (!embedded) free(l);
        l = next;
    }
}

// Whoever is woken would run into the lock.
void later_wake(struct parker *p) {
    if (locked && waking < WAKES)
        wakes[waking++] = p;
    else
        unpark(p);
}

void later_call(void (*fn)(void *), void *argument) {
    struct later *l = malloc(sizeof *l);
    later_embedded(l, fn, argument);
    l->embedded = false;
}

void later_embedded(struct later *l, void (*fn)(void *), void *argument) {
    *l = (struct later){.fn = fn, .argument = argument, .embedded = true};
    if (first)
        *last = l;
    else
        first = l;
    last = &l->next;
}

static void release(void *o) {
    obj_release(o);
}
static void unhold(void *o) {
    obj_unhold(o);
}
static void unblock(void *b) {
    block_release(b);
}
static void drop(void *c) {
    conn_drop(c);
}

void later_release(void *o) {
    if (o) later_call(release, o);
}
void later_unhold(void *o) {
    if (o) later_call(unhold, o);
}
void later_block(const void *b) {
    if (b) later_call(unblock, (void *)b);
}
void later_conn(conn *c) {
    if (c) later_call(drop, c);
}

void xs_set_knob(enum xs_knob knob, int value) {
    world_lock();
    xs_knobs[knob] = value;
    world_unlock();
}
