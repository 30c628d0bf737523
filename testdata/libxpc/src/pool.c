// Threads that run queued work. A worker that blocks is replaced: at once when
// it says so, after a millisecond without progress when it does not.
#include "world.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NEVER = 0, TOKEN = 1, PARKED = -1 };
enum { SOFT = 4, HARD = 4096 };

static long futex(_Atomic int *word, int op, int value, const struct timespec *timeout) {
    return syscall(SYS_futex, word, op, value, timeout, NULL, FUTEX_BITSET_MATCH_ANY);
}

static bool wait_for(struct parker *p, const struct timespec *deadline) {
    if (atomic_fetch_sub(&p->state, 1) == TOKEN) return true;
    for (;;) {
        long r = futex(&p->state, FUTEX_WAIT_BITSET_PRIVATE, PARKED, deadline);
        int token = TOKEN;
        if (atomic_compare_exchange_strong(&p->state, &token, NEVER)) return true;
        if (r < 0 && errno == ETIMEDOUT) return atomic_exchange(&p->state, NEVER) == TOKEN;
    }
}

void park(struct parker *p) {
    wait_for(p, NULL);
}

bool park_until(struct parker *p, const struct timespec *deadline) {
    return wait_for(p, deadline);
}

void unpark(struct parker *p) {
    if (atomic_exchange(&p->state, TOKEN) == PARKED) futex(&p->state, FUTEX_WAKE_PRIVATE, 1, NULL);
}

struct worker {
    struct parker parker;
    struct worker *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct item *head, *tail;
static unsigned long waiting, taken;
static struct worker *idle;
static int threads, blocked;
static bool watched;
static struct parker watcher;
static _Thread_local bool working;

static _Atomic long busy;
static _Atomic int watchers_of_idle;
static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t idle_cond;

static void *work(void *unused);

void pool_thread(void (*fn)(void *), void *argument) {
    pthread_attr_t attr;
    pthread_t t;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int error = pthread_create(&t, &attr, (void *(*)(void *))(void (*)(void))fn, argument);
    pthread_attr_destroy(&attr);
    if (error) {
        fprintf(stderr, "libxpc stand-in: no thread: %s\n", strerror(error));
        abort();
    }
}

static void start(void *unused) {
    work(unused);
}

static struct item *take(void) {
    struct item **from = &head;
    if (adversarial())
        for (uint64_t skip = chance(waiting < 8 ? waiting : 8); skip; skip--) from = &(*from)->next;
    struct item *it = *from;
    *from = it->next;
    if (tail == it) {
        tail = NULL;
        for (struct item *i = head; i; i = i->next) tail = i;
    }
    it->next = NULL;
    waiting--, taken++;
    return it;
}

static void *work(void *unused) {
    (void)unused;
    struct worker me = {0};
    working = true;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (!head) {
            me.next = idle;
            idle = &me;
            pthread_mutex_unlock(&lock);
            park(&me.parker);
            pthread_mutex_lock(&lock);
        }
        struct item *it = take();
        pthread_mutex_unlock(&lock);
        jitter();
        it->fn(it);
        busy_done();
        pthread_mutex_lock(&lock);
    }
    return NULL;
}

static void watch(void *unused) {
    (void)unused;
    for (;;) {
        park(&watcher);
        for (;;) {
            pthread_mutex_lock(&lock);
            unsigned long seen = taken;
            bool any = head != NULL;
            pthread_mutex_unlock(&lock);
            if (!any) break;
            struct timespec ms = {.tv_nsec = 1000000};
            nanosleep(&ms, NULL);
            pthread_mutex_lock(&lock);
            bool stuck = head && seen == taken && !idle && threads < HARD;
            unsigned long more = stuck ? 1 + waiting / 8 : 0;
            threads += (int)more;
            pthread_mutex_unlock(&lock);
            while (more--) pool_thread(start, NULL);
        }
    }
}

void pool_push(struct item *it) {
    busy_add();
    it->next = NULL;
    struct worker *w = NULL;
    bool grow = false, stuck = false, first = false;
    pthread_mutex_lock(&lock);
    if (tail)
        tail->next = it;
    else
        head = it;
    tail = it;
    waiting++;
    if ((w = idle))
        idle = w->next;
    else if (threads - blocked < SOFT && threads < HARD)
        threads++, grow = true;
    else
        stuck = true, first = !watched, watched = true;
    pthread_mutex_unlock(&lock);
    if (w) later_wake(&w->parker);
    if (grow) pool_thread(start, NULL);
    if (first) pool_thread(watch, NULL);
    if (stuck) unpark(&watcher);
}

void pool_blocking(int by) {
    if (!working) return;
    bool grow = false;
    pthread_mutex_lock(&lock);
    blocked += by;
    if (by > 0 && head && !idle && threads - blocked < SOFT && threads < HARD) threads++, grow = true;
    pthread_mutex_unlock(&lock);
    if (grow) pool_thread(start, NULL);
}

static void tell_watchers(void) {
    if (!atomic_load(&watchers_of_idle)) return;
    pthread_mutex_lock(&idle_lock);
    pthread_cond_broadcast(&idle_cond);
    pthread_mutex_unlock(&idle_lock);
}

#if XS_STRICT
static _Atomic long in_user, in_sync, steps;

void user_begin(void) {
    atomic_fetch_add(&in_user, 1);
    tell_watchers();
}

void user_end(void) {
    atomic_fetch_add(&steps, 1);
    atomic_fetch_sub(&in_user, 1);
}

void sync_waits(int by) {
    atomic_fetch_add(&steps, 1);
    atomic_fetch_add(&in_sync, by);
}

void busy_add(void) {
    atomic_fetch_add(&steps, 1);
    atomic_fetch_add(&busy, 1);
}

void busy_done(void) {
    atomic_fetch_sub(&busy, 1);
    tell_watchers();
}

unsigned long xs_wait_settled(long *handlers, long *waits) {
    long now;
    pthread_mutex_lock(&idle_lock);
    atomic_fetch_add(&watchers_of_idle, 1);
    while (now = atomic_load(&steps), *handlers = atomic_load(&in_user), *waits = atomic_load(&in_sync),
           atomic_load(&busy) > *handlers || atomic_load(&steps) != now)
        if (atomic_load(&steps) == now) pthread_cond_wait(&idle_cond, &idle_lock);
    atomic_fetch_sub(&watchers_of_idle, 1);
    pthread_mutex_unlock(&idle_lock);
    return (unsigned long)now;
}
#else
void busy_add(void) {
    atomic_fetch_add(&busy, 1);
}

void busy_done(void) {
    if (atomic_fetch_sub(&busy, 1) == 1) tell_watchers();
}

unsigned long xs_wait_settled(long *handlers, long *waits) {
    xs_wait_idle();
    *handlers = *waits = 0;
    return 0;
}
#endif

__attribute__((constructor)) static void setup(void) {
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&idle_cond, &attr);
    pthread_condattr_destroy(&attr);
}

static bool wait_idle(const struct timespec *deadline) {
    int error = 0;
    pthread_mutex_lock(&idle_lock);
    atomic_fetch_add(&watchers_of_idle, 1);
    while (atomic_load(&busy) && error != ETIMEDOUT)
        error = deadline ? pthread_cond_timedwait(&idle_cond, &idle_lock, deadline)
                         : pthread_cond_wait(&idle_cond, &idle_lock);
    atomic_fetch_sub(&watchers_of_idle, 1);
    bool done = !atomic_load(&busy);
    pthread_mutex_unlock(&idle_lock);
    return done;
}

void xs_wait_idle(void) {
    wait_idle(NULL);
}

bool xs_wait_idle_for(unsigned milliseconds) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += milliseconds / 1000;
    t.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
    return wait_idle(&t);
}
