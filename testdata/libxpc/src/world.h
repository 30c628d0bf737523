// Private declarations of the stand-in.
#ifndef XS_WORLD_H
#define XS_WORLD_H

#include <pthread.h>
#include <standin.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef XS_BENCH
#define XS_STRICT 0
#else
#define XS_STRICT 1
#endif

// --- misuse.c
void xs_misuse(const char *row, const char *rule) __attribute__((noreturn, cold));
#if XS_STRICT
#define STRICT(condition, row, rule) ((condition) ? (void)0 : xs_misuse(row, rule))
#else
#define STRICT(condition, row, rule) ((void)sizeof((condition) ? 1 : 0))
#endif

// --- object.c
struct obj {
    xpc_type_t type;
    _Atomic int refs; // FOREVER: a constant
#if XS_STRICT
    _Atomic int held; // references of containers and of the runtime
    uint64_t serial, owner;
    struct obj *prev, *next;
    void **trace;
#endif
};
enum { FOREVER = -1 };

struct _xpc_type_s {
    const char *name;
    void (*finalize)(struct obj *o); // frees what hangs on it, not o
};

void *obj_new(xpc_type_t type, size_t size);
void obj_free(struct obj *o);
void obj_hold(void *o);    // a reference that the user must not give back
void obj_unhold(void *o);  // outside of the world lock
void obj_release(void *o); // a plain reference, outside of the world lock
void obj_set_owner(void *o, struct xs_process *p);
struct obj *obj_check(const void *o); // aborts on what is no living object
static inline bool is(const void *o, xpc_type_t type) {
    return o && obj_check(o)->type == type;
}
extern const struct _xpc_type_s xs_type_dead;

// --- registry.c
void registry_add(struct obj *o);
void registry_remove(struct obj *o);
void registry_bury(struct obj *o);
void registry_owner(struct obj *o, uint64_t owner);
void registry_reap(uint64_t owner);
enum count { N_OBJECTS, N_CONNECTIONS, N_BLOCKS, N_FDS, N_QUEUES, N_REQUESTS, N_COUNT };
#if XS_STRICT
extern _Atomic long xs_counts[N_COUNT];
static inline void count(enum count what, long by) {
    atomic_fetch_add_explicit(&xs_counts[what], by, memory_order_relaxed);
}
#else
static inline void count(enum count what, long by) {
    (void)what, (void)by;
}
#endif

// --- block.c: copies of blocks, counted
void *block_copy(const void *block);
void block_release(const void *block);

// --- lock.c: the world lock, and what must wait until it is dropped
void world_lock(void);
void world_unlock(void); // then releases what was put off
bool world_locked(void);
void later_release(void *object); // obj_release
void later_unhold(void *object);
void later_block(const void *block);
void later_conn(struct _xpc_connection_s *c); // conn_drop
struct later {
    struct later *next;
    void (*fn)(void *);
    void *argument;
    bool embedded;
};
void later_call(void (*fn)(void *), void *argument);
void later_embedded(struct later *l, void (*fn)(void *), void *argument); // l is part of argument
struct parker;
void later_wake(struct parker *p); // at once without the world lock
extern int xs_knobs[XS_KNOB_COUNT];

// --- adversary.c
extern _Atomic uint64_t xs_seed;
static inline bool adversarial(void) {
    return __builtin_expect(atomic_load_explicit(&xs_seed, memory_order_relaxed) != 0, 0);
}
uint64_t chance(uint64_t n); // 0..n-1
static inline bool maybe(uint64_t one_in) {
    return adversarial() && chance(one_in) == 0;
}
void jitter(void); // perhaps a delay

// --- pool.c: threads
struct item {
    struct item *next;
    void (*fn)(struct item *);
};
void pool_push(struct item *item);
void pool_blocking(int by); // +1 before a wait, -1 after
void busy_add(void);        // work that xs_wait_idle waits for
void busy_done(void);
void pool_thread(void (*fn)(void *), void *argument); // a detached thread outside of the pool
#if XS_STRICT
void user_begin(void); // busy work calls the user's code from here
void user_end(void);   // to here
void sync_waits(int by);
#else
static inline void user_begin(void) {
}
static inline void user_end(void) {
}
static inline void sync_waits(int by) {
    (void)by;
}
#endif

struct parker {
    _Atomic int state;
};
void park(struct parker *p);
bool park_until(struct parker *p, const struct timespec *deadline);
void unpark(struct parker *p);

// --- queue.c
struct dispatch_queue_s {
    _Atomic int refs;
    bool not_queue; // in the place where a semaphore says what it is
    bool serial, constant, main;
    bool busy;
    pthread_mutex_t lock;
    struct item *head, *tail;
    struct item drain;
    pthread_t runner;
    bool running;
    char *label;
#if XS_STRICT
    struct dispatch_queue_s *prev, *next;
    uint64_t owner;
#endif
};
dispatch_queue_t queue_or_default(dispatch_queue_t q);
void queue_retain(dispatch_queue_t q);
void queue_release(dispatch_queue_t q);
void queue_submit(dispatch_queue_t q, struct item *item); // the item must keep q alive until it runs
long queue_report(void);

// --- process.c
struct entitlement {
    struct entitlement *next;
    char *key;
    xpc_type_t type;
    int64_t number;
    char *text;
};
struct xs_process {
    _Atomic int refs;
    uint64_t serial;
    char *name;
    pid_t pid;
    uid_t euid;
    gid_t egid;
    au_asid_t asid;
    char *signing, *team;
    bool platform, system;
    struct entitlement *entitlements;
    _Atomic bool dead;
    bool unwinds; // dead, but its handlers still get an INVALID (XS_KNOB_CRASH_UNWINDS)
    bool handled; // the tester's handle is out
    bool terminating;
    _Atomic long transactions;
    struct xs_job *job;
    struct _xpc_connection_s *connections;
    struct xs_process *prev, *next;
};
void process_retain(struct xs_process *p);
void process_release(struct xs_process *p);
struct xs_process *process_current(void);
struct frame {
    struct xs_process *process;
    struct frame *below;
    bool heap; // made by xs_enter
};
void process_enter(struct frame *f, struct xs_process *p); // as xs_enter, for code that surely comes back
void process_leave(struct frame *f);
struct xs_process *process_new(const char *name);
void process_kill_locked(struct xs_process *p);
bool process_mute(const struct xs_process *p); // its handlers must not run
void process_drop_later(struct xs_process *p);
bool process_serial_dead(uint64_t serial);
long process_count(void);

// --- launchd.c
struct port { // a receive right: a service name's or an anonymous listener's
    _Atomic int refs;
    bool dead;
    char *name;          // NULL: anonymous
    struct xs_job *job;  // whose name it is
    struct port *next;   // next name of the job
    struct _xpc_connection_s *listener;
    uint64_t served_by; // the last process that listened
    struct _xpc_connection_s *pending; // peers that no listener has claimed
    struct _xpc_connection_s *pending_last;
    struct _xpc_connection_s *clients; // active clients that hold a send right
};
struct xs_job {
    struct xs_job *next;
    char *label;
    int domain;
    struct xs_process *app; // of a bundled service
    bool loaded;
    xs_main_t main, prepare;
    uintptr_t arg, prepare_arg;
    struct port *ports;
    struct xs_process *process;
    unsigned long launches;
};
struct port *port_new(const char *name, struct xs_job *job);
void port_retain(struct port *p);
void port_release(struct port *p);
struct port *lookup(struct xs_process *p, const char *name, bool bundled, bool privileged);
struct port *lookup_own(struct xs_process *p, const char *name);
void launch_locked(struct xs_job *job);
void launchd_reset(void);
void launch_settled(void);

// --- connection.c
enum kind { BUNDLED, MACH, FROM_ENDPOINT, LISTENER, ANONYMOUS, PEER };
enum event_kind { EV_MESSAGE, EV_ERROR, EV_PEER, EV_FINAL };
struct event {
    struct event *next;
    enum event_kind kind;
    void *object;               // held dictionary, error, or peer (one internal reference)
    struct xs_process *sender;  // of a message
    uint64_t generation;
};
enum op_kind { OP_MESSAGE, OP_REQUEST, OP_REPLY, OP_BARRIER };
struct op {
    struct op *next;
    enum op_kind kind;
    struct _xpc_dictionary_s *message;
    struct request *request;
    dispatch_block_t barrier;
};
struct credentials {
    bool known;
    uint64_t generation;
    pid_t pid;
    uid_t euid;
    gid_t egid;
    au_asid_t asid;
};
struct _xpc_connection_s {
    struct obj o;             // refs: what the user holds
    _Atomic int internal;     // what keeps the memory: each user reference is one
    enum kind kind;
    struct xs_process *process;
    struct _xpc_connection_s *prev, *next; // of the process
    char *name;
    bool privileged;

    // Under the world lock from here.
    bool active, started, invalid, cancelled, silent, final_queued, final_done;
    bool running, scheduled, barrier_busy, announced, kept, told, terminating, moody;
    int suspended;
    const char *reason;
    xpc_handler_t handler;
    xpc_connection_handler_t main_handler;
    dispatch_queue_t target, scheduled_on;
    struct item item;
    struct event *events, *events_last, *parked;
    struct op *ops, *ops_last;
    struct request *requests;

    struct port *port; // clients: where to connect; listeners: their own; peers: where they came from
    struct _xpc_connection_s *port_prev, *port_next; // clients of the port, or its pending peers
    bool on_port;
    struct _xpc_connection_s *link; // the other end
    uint64_t generation;
    struct credentials credentials;
    struct requirement *requirement, *listener_requirement;
    bool requirement_called;

    void *context;
    xpc_finalizer_t finalizer;
};
typedef struct _xpc_connection_s conn;
extern _Thread_local conn *handler_of; // whose event handler this thread runs
conn *conn_new(enum kind kind, struct xs_process *p, dispatch_queue_t target);
conn *conn_check(const void *c);
void conn_adopt(conn *c, struct xs_process *p);
void conn_keep(conn *c);
void conn_drop(conn *c);
void conn_user_retain(conn *c);
void conn_user_release(conn *c);
conn *connection_from_port(struct port *p);

// --- lane.c: events to handlers
void lane_push(conn *c, enum event_kind kind, void *object, struct xs_process *sender);
void lane_kick(conn *c);
void lane_clear(conn *c, bool keep_final);

// --- link.c: the two ends
void client_activated(conn *c);
void listener_activated(conn *c);
conn *client_connect(conn *c);
void interrupt(conn *c);                          // a client lost its other end
void invalidate(conn *c, const char *reason, xpc_object_t error); // requests get error
void cancel_locked(conn *c, const char *reason);
void conn_kill(conn *c); // its process died
void port_die(struct port *p, const char *reason, xpc_object_t error, bool interrupt_first);
void discard_pending(struct port *p);
void off_port(conn *c);

// --- send.c
void send_flush(conn *c);
void send_discard(conn *c, xpc_object_t error);
void op_free_later(struct op *op);

// --- request.c
struct request {
    _Atomic int refs;
    conn *connection;
    struct request *prev, *next;
    bool listed, done, sync, on_queue;
    uint64_t generation;
    xpc_handler_t handler;
    dispatch_queue_t queue;
    xpc_object_t result;
    struct parker parker;
    struct item item;
    struct later later;
    int hops;
};
struct request *request_new(conn *c, xpc_handler_t handler, dispatch_queue_t q);
void request_retain(struct request *r);
void request_release(struct request *r);
void request_list(struct request *r);
// Takes over the reference to result. sender: whose reply it is, else NULL.
void request_complete(struct request *r, xpc_object_t result, struct xs_process *sender);
void request_dropped(struct request *r);
xpc_object_t request_wait(struct request *r);
void requests_fail(conn *c, xpc_object_t error);
void requests_forget(conn *c);

// --- dictionary.c
enum { DICT_LOCAL, DICT_MESSAGE, DICT_REPLY, DICT_ANSWER };
struct entry {
    struct entry *next, *prev, *chain;
    struct obj *value;
    size_t hash;
    char key[];
};
struct _xpc_dictionary_s {
    struct obj o;
    struct entry *first, *last, **buckets;
    size_t count, mask;
    _Atomic int iterating;
    int role;                        // DICT_REPLY: made by create_reply; DICT_ANSWER: received as a reply
    _Atomic(struct request *) right; // to answer once
    bool answered;
    conn *remote;
    _Atomic(struct xs_process *) transaction; // open while the message is
};
typedef struct _xpc_dictionary_s dict;
dict *dict_new(void);
void dict_put(dict *d, const char *key, size_t hash, size_t length, void *value); // takes the reference over
size_t dict_hash_key(const char *key, size_t *length);
void dict_end_transaction(dict *d);

// --- array.c
struct array {
    struct obj o;
    size_t count, room;
    struct obj **items;
};
struct array *array_new(size_t room);
void array_push(struct array *a, void *value); // takes the reference over

// --- copy.c
void *copy_deep(const void *o, bool sending);
bool contains(const void *outer, const void *inner);

// --- values
struct number {
    struct obj o;
    union {
        int64_t i;
        uint64_t u;
        double d;
    } v;
};
struct bytes { // data, string, uuid
    struct obj o;
    size_t length;
    unsigned char b[];
};
struct fd {
    struct obj o;
    int fd;
};
struct shmem {
    struct obj o;
    void *base;
    size_t length;
    uint64_t region;
};
struct _xpc_endpoint_s {
    struct obj o;
    struct port *port;
};
void *fd_copy(const struct fd *f);
void *shmem_copy(const struct shmem *s);
void *endpoint_new(struct port *p);

// --- requirement.c
struct requirement;
void requirement_retain(struct requirement *r);
void requirement_release(struct requirement *r);
bool requirement_met(const struct requirement *r, const struct xs_process *p);

// --- transaction.c
void transaction_open(struct xs_process *p);
void transaction_close(struct xs_process *p);

#endif
