// Dispatch queues.
#include "world.h"

#include <time.h>

struct dispatch_queue_attr_s {
    bool concurrent;
};
struct dispatch_queue_attr_s _dispatch_queue_attr_concurrent = {true};

struct dispatch_semaphore_s {
    _Atomic int refs;
    bool semaphore;
    intptr_t value;
    pthread_mutex_t lock;
    pthread_cond_t cond;
};

static struct dispatch_queue_s global = {
    .refs = 1, .constant = true, .label = "com.apple.root.default-qos", .lock = PTHREAD_MUTEX_INITIALIZER};
static struct dispatch_queue_s main_queue = {.refs = 1,
                                             .constant = true,
                                             .serial = true,
                                             .main = true,
                                             .label = "com.apple.main-thread",
                                             .lock = PTHREAD_MUTEX_INITIALIZER};
static struct parker main_parker;

#if XS_STRICT
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct dispatch_queue_s *list;

long queue_report(void) {
    long n = 0;
    pthread_mutex_lock(&list_lock);
    for (dispatch_queue_t q = list; q; q = q->next, n++)
        fprintf(stderr, "  alive: queue \"%s\" at %p, %d references\n", q->label ? q->label : "", (void *)q,
                atomic_load(&q->refs));
    pthread_mutex_unlock(&list_lock);
    return n;
}
#endif

dispatch_queue_t queue_or_default(dispatch_queue_t q) {
    return q ? q : &global;
}

dispatch_queue_global_t dispatch_get_global_queue(intptr_t priority, uintptr_t flags) {
    (void)priority, (void)flags;
    return &global;
}

dispatch_queue_main_t dispatch_get_main_queue(void) {
    return &main_queue;
}

static void drain(struct item *it);

dispatch_queue_t dispatch_queue_create(const char *label, dispatch_queue_attr_t attr) {
    dispatch_queue_t q = calloc(1, sizeof *q);
    atomic_init(&q->refs, 1);
    q->serial = !attr || !attr->concurrent;
    q->label = label ? strdup(label) : NULL;
    q->drain.fn = drain;
    pthread_mutex_init(&q->lock, NULL);
    count(N_QUEUES, 1);
#if XS_STRICT
    q->owner = process_current()->serial;
    pthread_mutex_lock(&list_lock);
    q->next = list;
    if (list) list->prev = q;
    list = q;
    pthread_mutex_unlock(&list_lock);
#endif
    return q;
}

const char *dispatch_queue_get_label(dispatch_queue_t q) {
    return q && q->label ? q->label : "";
}

void queue_retain(dispatch_queue_t q) {
    if (q->constant) return;
    int before = atomic_fetch_add_explicit(&q->refs, 1, memory_order_relaxed);
    STRICT(before > 0, "dispatch", "A dispatch queue is used after its release");
}

void queue_release(dispatch_queue_t q) {
    if (q->constant) return;
    int before = atomic_fetch_sub(&q->refs, 1);
    STRICT(before > 0, "dispatch", "Over-release of a dispatch queue");
    if (before != 1) return;
#if XS_STRICT
    pthread_mutex_lock(&list_lock);
    if (q->prev)
        q->prev->next = q->next;
    else
        list = q->next;
    if (q->next) q->next->prev = q->prev;
    pthread_mutex_unlock(&list_lock);
#endif
    count(N_QUEUES, -1);
    pthread_mutex_destroy(&q->lock);
    free(q->label);
    free(q);
}

void dispatch_retain(dispatch_object_t o) {
    if (!o.semaphore->semaphore)
        queue_retain(o.queue);
    else
        atomic_fetch_add(&o.semaphore->refs, 1);
}

void dispatch_release(dispatch_object_t o) {
    if (!o.semaphore->semaphore) {
        queue_release(o.queue);
    } else if (atomic_fetch_sub(&o.semaphore->refs, 1) == 1) {
        pthread_mutex_destroy(&o.semaphore->lock);
        pthread_cond_destroy(&o.semaphore->cond);
        free(o.semaphore);
    }
}

void queue_submit(dispatch_queue_t q, struct item *it) {
    if (!q->serial) {
        pool_push(it);
        return;
    }
    it->next = NULL;
    pthread_mutex_lock(&q->lock);
    if (q->tail)
        q->tail->next = it;
    else
        q->head = it;
    q->tail = it;
    bool start = !q->busy && !q->main;
    if (start) q->busy = true;
    pthread_mutex_unlock(&q->lock);
    if (start) {
        queue_retain(q);
        pool_push(&q->drain);
    }
    if (q->main) unpark(&main_parker);
}

static struct item *pop(dispatch_queue_t q) {
    struct item *it = q->head;
    if (it && !(q->head = it->next)) q->tail = NULL;
    if (it) it->next = NULL;
    return it;
}

static void drain(struct item *me) {
    dispatch_queue_t q = (dispatch_queue_t)(void *)((char *)me - offsetof(struct dispatch_queue_s, drain));
    int budget = adversarial() ? 1 : 16;
    pthread_mutex_lock(&q->lock);
    struct item *it;
    while (budget-- && (it = pop(q))) {
        q->runner = pthread_self();
        q->running = true;
        pthread_mutex_unlock(&q->lock);
        jitter();
        it->fn(it);
        pthread_mutex_lock(&q->lock);
        q->running = false;
    }
    bool more = q->head != NULL;
    q->busy = more;
    pthread_mutex_unlock(&q->lock);
    if (more)
        pool_push(me);
    else
        queue_release(q);
}

struct task {
    struct item item;
    dispatch_queue_t queue;
    struct xs_process *process;
    dispatch_block_t block;
    dispatch_function_t fn;
    void *context;
    struct parker *done;
};

static void run(struct item *it) {
    struct task *t = (struct task *)it;
    if (!atomic_load(&t->process->dead)) {
        struct frame frame;
        process_enter(&frame, t->process);
        user_begin();
        if (t->block)
            t->block();
        else
            t->fn(t->context);
        user_end();
        process_leave(&frame);
    }
    struct parker *done = t->done;
    process_release(t->process);
    if (t->block) block_release(t->block);
    queue_release(t->queue);
    free(t);
    if (done) unpark(done);
}

static void submit(dispatch_queue_t q, dispatch_block_t block, dispatch_function_t fn, void *context,
                   struct parker *done) {
    struct task *t = malloc(sizeof *t);
    *t = (struct task){.item.fn = run, .queue = q, .fn = fn, .context = context, .done = done};
    if (block) t->block = block_copy(block);
    t->process = process_current();
    process_retain(t->process);
    queue_retain(q);
    queue_submit(q, &t->item);
}

void dispatch_async(dispatch_queue_t q, dispatch_block_t block) {
    submit(q, block, NULL, NULL, NULL);
}

void dispatch_async_f(dispatch_queue_t q, void *context, dispatch_function_t fn) {
    submit(q, NULL, fn, context, NULL);
}

static void wait_for(dispatch_queue_t q, dispatch_block_t block, dispatch_function_t fn, void *context) {
    if (q->serial) {
        pthread_mutex_lock(&q->lock);
        bool own = q->running && pthread_equal(q->runner, pthread_self());
        pthread_mutex_unlock(&q->lock);
        STRICT(!own, "dispatch", "dispatch_sync on a queue that this thread is running deadlocks");
    }
    struct parker done = {0};
    submit(q, block, fn, context, &done);
    pool_blocking(1);
    park(&done);
    pool_blocking(-1);
}

void dispatch_sync(dispatch_queue_t q, dispatch_block_t block) {
    wait_for(q, block, NULL, NULL);
}

void dispatch_sync_f(dispatch_queue_t q, void *context, dispatch_function_t fn) {
    wait_for(q, NULL, fn, context);
}

// The main queue belongs to the default process; a pretended one just waits.
void dispatch_main(void) {
    static _Atomic bool taken;
    launch_settled();
    if (process_current() != xs_process_default() || atomic_exchange(&taken, true))
        for (;;) pause();
    for (;;) {
        park(&main_parker);
        pthread_mutex_lock(&main_queue.lock);
        struct item *it;
        while ((it = pop(&main_queue))) {
            pthread_mutex_unlock(&main_queue.lock);
            busy_add();
            it->fn(it);
            busy_done();
            pthread_mutex_lock(&main_queue.lock);
        }
        pthread_mutex_unlock(&main_queue.lock);
    }
}

dispatch_time_t dispatch_time(dispatch_time_t when, int64_t delta) {
    if (when == DISPATCH_TIME_FOREVER) return when;
    if (when == DISPATCH_TIME_NOW) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        when = (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
    }
    return when + (uint64_t)delta;
}

dispatch_semaphore_t dispatch_semaphore_create(intptr_t value) {
    dispatch_semaphore_t s = calloc(1, sizeof *s);
    pthread_condattr_t attr;
    atomic_init(&s->refs, 1);
    s->semaphore = true;
    s->value = value;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->cond, &attr);
    pthread_condattr_destroy(&attr);
    return s;
}

intptr_t dispatch_semaphore_wait(dispatch_semaphore_t s, dispatch_time_t timeout) {
    struct timespec t = {.tv_sec = (time_t)(timeout / NSEC_PER_SEC), .tv_nsec = (long)(timeout % NSEC_PER_SEC)};
    int error = 0;
    pool_blocking(1);
    pthread_mutex_lock(&s->lock);
    while (s->value <= 0 && !error)
        error = timeout == DISPATCH_TIME_FOREVER ? pthread_cond_wait(&s->cond, &s->lock)
                                                 : pthread_cond_timedwait(&s->cond, &s->lock, &t);
    bool got = s->value > 0;
    if (got) s->value--;
    pthread_mutex_unlock(&s->lock);
    pool_blocking(-1);
    return got ? 0 : 1;
}

intptr_t dispatch_semaphore_signal(dispatch_semaphore_t s) {
    pthread_mutex_lock(&s->lock);
    s->value++;
    pthread_cond_signal(&s->cond);
    pthread_mutex_unlock(&s->lock);
    return 0;
}
