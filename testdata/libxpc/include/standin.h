// Control calls of the stand-in: what launchd, the kernel and a tester do.
// Nothing here exists in Apple's libxpc.
#ifndef XPC_STANDIN_H
#define XPC_STANDIN_H

#include <xpc/xpc.h>

typedef struct xs_process *xs_process_t;
typedef struct xs_job *xs_job_t;

// --- Processes -------------------------------------------------------------
//
// Each connection belongs to the pretended process in which it was created,
// and its handlers run there. A thread that never entered one is in the
// default process, which has the real pid and ids. A handle stays valid until
// xs_process_forget or xs_reset.

XS_API xs_process_t xs_process_create(const char *name); // a process without a program: enter it
XS_API void xs_process_forget(xs_process_t p);           // gives the handle back, says nothing about its life
XS_API xs_process_t xs_process_default(void);
XS_API xs_process_t xs_process_current(void);
XS_API bool xs_process_alive(xs_process_t p);
XS_API pid_t xs_process_pid(xs_process_t p);

// Switches the calling thread; calls nest. xs_leave goes back one step.
XS_API void xs_enter(xs_process_t p);
XS_API void xs_leave(void);

// The end of a process. A crash and an exit look alike from outside: its
// connections die, its handlers never run again, its objects are nobody's.
XS_API void xs_process_crash(xs_process_t p);
XS_API void xs_process_exit(xs_process_t p);
// Exits if nothing holds it back: no open transaction, no undelivered message.
XS_API bool xs_process_idle_exit(xs_process_t p);
// TERMINATION_IMMINENT to the active peers; the process goes on.
XS_API void xs_process_terminate(xs_process_t p);
XS_API long xs_process_transactions(xs_process_t p);
// Frees what a dead process left behind. Its pointers must not be used again.
XS_API void xs_process_reap(xs_process_t p);

// Who the process pretends to be.
XS_API void xs_process_set_ids(xs_process_t p, pid_t pid, uid_t euid, gid_t egid, au_asid_t asid);
XS_API void xs_process_set_code(xs_process_t p, const char *signing_identifier, const char *team, bool platform);
XS_API void xs_process_set_entitlement(xs_process_t p, const char *key, xpc_object_t value); // NULL removes
XS_API void xs_process_set_system(xs_process_t p, bool system);                               // looks up in the system domain only

// --- launchd ---------------------------------------------------------------

enum { XS_USER = 0, XS_SYSTEM = 1 };

// A program's main. Runs on a thread of its own, inside the process p; when it
// returns, the process goes on serving as after dispatch_main.
typedef void (*xs_main_t)(xs_process_t p, uintptr_t arg);

// With a NULL main nothing can be launched: attach a process instead.
XS_API xs_job_t xs_job_declare(const char *label, int domain, const char *const *names, size_t count, xs_main_t main,
                               uintptr_t arg);
// A bundled service, reachable from the application process app alone.
XS_API xs_job_t xs_bundle_declare(xs_process_t app, const char *identifier, xs_main_t main, uintptr_t arg);
XS_API void xs_job_attach(xs_job_t job, xs_process_t p); // p is the job's running instance
XS_API xs_process_t xs_job_process(xs_job_t job);        // the running instance or NULL
XS_API unsigned long xs_job_launches(xs_job_t job);
XS_API void xs_job_unload(xs_job_t job);
XS_API void xs_job_load(xs_job_t job);
// Called before each main, in the new process: to set an identity, say.
XS_API void xs_job_set_prepare(xs_job_t job, xs_main_t prepare, uintptr_t arg);

// --- Knobs: where the sources are silent ------------------------------------

enum xs_knob {
    XS_KNOB_DROPPED_HANGS,      // row 92: a dropped request hangs; else INTERRUPTED
    XS_KNOB_LISTENER_TAKES_PEERS, // row 129: cancelling a listener cancels its peers
    XS_KNOB_ENDPOINT_INTERRUPTED, // K-9: INTERRUPTED before the INVALID of an endpoint client
    XS_KNOB_HANDLER_BARRIER,    // K-3: no sends while the handler runs
    XS_KNOB_FINALIZE_NULL,      // row 177: call the finaliser without a context too (K-4: no)
    XS_KNOB_SYNC_WAITS,         // row 114: a synchronous send on an inactive connection waits; else misuse
    XS_KNOB_CRASH_UNWINDS,      // a crashed process's own handlers get INVALID, so that a binding can free
    XS_KNOB_KEEP_HANDLER,       // row 43: drop the handler with the connection, not after INVALID
    XS_KNOB_COUNT
};
XS_API void xs_set_knob(enum xs_knob knob, int value);

// Seeded delays and shuffling at every hand-off; 0 switches it off. The
// variable XS_SEED does the same from the start.
XS_API void xs_set_adversarial(uint64_t seed);

// --- Tests -----------------------------------------------------------------

// Returns when no queue has runnable work and no main is starting. Not from a
// handler. false: the time ran out first.
XS_API void xs_wait_idle(void);
XS_API bool xs_wait_idle_for(unsigned milliseconds);
// Returns when all work that is left is inside handlers, finalisers or blocks of
// the user's, and tells of how many, and how many synchronous sends wait: what
// those do is not waited for. The result is the same as before if nothing has
// happened since. The bench build waits until idle.
XS_API unsigned long xs_wait_settled(long *handlers, long *waits);

struct xs_counters {
    long objects; // those of living processes, connections included
    long connections;
    long blocks; // copies of blocks that the library holds
    long fds;    // descriptors inside objects
    long queues;
    long requests;
    long processes; // alive, the default one included
    long dead_objects; // left behind by dead processes
};
XS_API void xs_get_counters(struct xs_counters *c);
XS_API bool xs_is_strict(void);

// Prints what is alive, with the place where it was made if XS_BACKTRACE is
// set, and returns how much it is: objects of living processes, blocks, queues.
XS_API long xs_report(void);
XS_API long xs_check_leaks(void); // waits until idle, prints only if there is something

// Ends every pretended process and forgets all jobs. What the default process
// still holds is freed under it.
XS_API void xs_reset(void);

#endif
