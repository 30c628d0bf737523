#include "test.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct test *tests, **last = &tests;
static const char *running = "";
static int seconds = 20;
extern char **environ;

void test_add(struct test *t) {
    *last = t;
    last = &t->next;
}

static void seed(void) {
    const char *s = getenv("XS_SEED");
    if (s) fprintf(stderr, "XS_SEED=%s\n", s);
}

void check_failed(const char *file, int line, const char *what) {
    fprintf(stderr, "FAIL %s: %s:%d: %s\n", running, file, line, what);
    seed();
    exit(1);
}

static void *watchdog(void *unused) {
    (void)unused;
    static const char *seen;
    static int age;
    for (;;) {
        struct timespec t = {.tv_sec = 1};
        nanosleep(&t, NULL);
        const char *now = __atomic_load_n(&running, __ATOMIC_RELAXED);
        if (now != seen) seen = now, age = 0;
        if (++age > 2 * seconds) {
            fprintf(stderr, "FAIL %s: no end after %d s\n", now, age);
            seed();
            xs_report();
            _exit(1);
        }
    }
}

// Runs one test in a process of its own and reads what it says.
static bool dies(const char *self, struct test *t) {
    int fds[2], status;
    char said[65536];
    size_t n = 0;
    if (pipe(fds)) return false;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 2);
    posix_spawn_file_actions_addclose(&actions, fds[0]);
    char *argv[] = {(char *)self, (char *)"-child", (char *)t->name, NULL};
    pid_t pid;
    int error = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    if (error) return false;
    for (ssize_t r; n < sizeof said - 1 && (r = read(fds[0], said + n, sizeof said - 1 - n)) > 0; n += (size_t)r)
        ;
    said[n] = 0;
    close(fds[0]);
    waitpid(pid, &status, 0);
    char want[256];
    snprintf(want, sizeof want, "XPC API Misuse: %s", t->dies);
    bool ok = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(said, want);
    if (!ok) fprintf(stderr, "FAIL %s: status %x, wanted \"%s\", said:\n%s\n", t->name, status, want, said);
    return ok;
}

static bool chosen(const char *name, int argc, char **argv) {
    if (argc < 2) return true;
    for (int i = 1; i < argc; i++)
        if (strstr(name, argv[i])) return true;
    return false;
}

int main(int argc, char **argv) {
    bool child = argc == 3 && !strcmp(argv[1], "-child");
    int failed = 0, n = 0;
    pthread_t t;
    pthread_create(&t, NULL, watchdog, NULL);
    pthread_detach(t);
    for (struct test *test = tests; test; test = test->next) {
        if (child ? strcmp(test->name, argv[2]) != 0 : !chosen(test->name, argc, argv)) continue;
        if (test->dies && !xs_is_strict()) continue;
        __atomic_store_n(&running, test->name, __ATOMIC_RELAXED);
        n++;
        if (test->dies && !child) {
            bool ok = dies(argv[0], test);
            printf("%s %s\n", ok ? "ok" : "FAIL", test->name);
            failed += !ok;
            continue;
        }
        struct xs_counters before, after;
        xs_get_counters(&before);
        test->fn();
        if (child) return 0;
        if (!xs_wait_idle_for(10000)) check_failed(__FILE__, __LINE__, "idle after the test");
        xs_get_counters(&after);
        long leaks = after.objects - before.objects + after.blocks - before.blocks + after.fds - before.fds +
                     after.queues - before.queues + after.requests - before.requests;
        if (leaks) {
            xs_report();
            fprintf(stderr, "FAIL %s: leaks %ld objects, %ld blocks, %ld fds, %ld queues, %ld requests\n", test->name,
                    after.objects - before.objects, after.blocks - before.blocks, after.fds - before.fds,
                    after.queues - before.queues, after.requests - before.requests);
            failed++;
        }
        printf("%s %s\n", leaks ? "FAIL" : "ok", test->name);
        fflush(stdout);
        xs_reset();
    }
    printf("%d tests, %d failed\n", n, failed);
    if (failed) seed();
    return failed != 0;
}

// --- Logs

void log_init(struct log *l) {
    pthread_condattr_t attr;
    memset(l, 0, sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&l->cond, &attr);
    pthread_condattr_destroy(&attr);
}

void note(struct log *l, const char *format, ...) {
    va_list arguments;
    pthread_mutex_lock(&l->lock);
    size_t n = strlen(l->text);
    if (n) l->text[n++] = ' ';
    va_start(arguments, format);
    vsnprintf(l->text + n, sizeof l->text - n, format, arguments);
    va_end(arguments);
    pthread_cond_broadcast(&l->cond);
    pthread_mutex_unlock(&l->lock);
}

static void wait_on(struct log *l, bool (^done)(void), const char *want) {
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += seconds;
    pthread_mutex_lock(&l->lock);
    int error = 0;
    while (!done() && error != ETIMEDOUT) error = pthread_cond_timedwait(&l->cond, &l->lock, &end);
    bool ok = done();
    if (!ok) {
        fprintf(stderr, "FAIL %s: wanted \"%s\", got \"%s\"\n", running, want, l->text);
        seed();
        xs_report();
        exit(1);
    }
    pthread_mutex_unlock(&l->lock);
}

void await(struct log *l, const char *text) {
    wait_on(l, ^bool { return !strcmp(l->text, text); }, text);
}

void await_any(struct log *l, const char *a, const char *b) {
    wait_on(l, ^bool { return !strcmp(l->text, a) || !strcmp(l->text, b); }, a);
}

void await_part(struct log *l, const char *part) {
    wait_on(l, ^bool { return strstr(l->text, part) != NULL; }, part);
}

bool has(struct log *l, const char *part) {
    pthread_mutex_lock(&l->lock);
    bool found = strstr(l->text, part) != NULL;
    pthread_mutex_unlock(&l->lock);
    return found;
}

void gate_init(gate *g) {
    log_init(&g->log);
}
void gate_open(gate *g) {
    note(&g->log, "open");
}
void gate_wait(gate *g) {
    await_part(&g->log, "open");
}

const char *name_of(xpc_object_t e) {
    if (e == XPC_ERROR_CONNECTION_INTERRUPTED) return "interrupted";
    if (e == XPC_ERROR_CONNECTION_INVALID) return "invalid";
    if (e == XPC_ERROR_TERMINATION_IMMINENT) return "terminating";
    if (e == XPC_ERROR_PEER_CODE_SIGNING_REQUIREMENT) return "unsigned";
    const char *m = xpc_dictionary_get_string(e, "m");
    return m ? m : xpc_type_get_name(xpc_get_type(e));
}

// --- Frequent pieces

xpc_connection_t last_peer;

xpc_object_t message(const char *text) {
    xpc_object_t m = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_string(m, "m", text);
    return m;
}

void say(xpc_connection_t c, const char *text) {
    xpc_object_t m = message(text);
    xpc_connection_send_message(c, m);
    xpc_release(m);
}

void logging(xpc_connection_t c, struct log *l) {
    xpc_connection_set_event_handler(c, ^(xpc_object_t e) {
        note(l, "%s", name_of(e));
    });
}

void finish(xpc_connection_t c) {
    xpc_connection_cancel(c);
    xpc_release(c);
}

void reply_to(xpc_object_t request, const char *text) {
    xpc_object_t reply = xpc_dictionary_create_reply(request);
    if (!reply) return;
    xpc_dictionary_set_string(reply, "m", text);
    xpc_connection_send_message(xpc_dictionary_get_remote_connection(reply), reply);
    xpc_release(reply);
}

void serve(xpc_connection_t listener, struct log *l) {
    xpc_connection_set_event_handler(listener, ^(xpc_object_t peer) {
        if (xpc_get_type(peer) != XPC_TYPE_CONNECTION) {
            note(l, "listener-%s", name_of(peer));
            return;
        }
        __atomic_store_n(&last_peer, (xpc_connection_t)peer, __ATOMIC_RELEASE);
        xpc_connection_set_event_handler(peer, ^(xpc_object_t e) {
            note(l, "%s", name_of(e));
            if (!strncmp(name_of(e), "ask", 3)) reply_to(e, "answer");
        });
        xpc_connection_activate(peer);
    });
    xpc_connection_activate(listener);
}

xpc_connection_t server(struct log *l) {
    xpc_connection_t listener = xpc_connection_create(NULL, NULL);
    serve(listener, l);
    return listener;
}

xpc_connection_t client_of(xpc_connection_t anonymous, struct log *l) {
    xpc_endpoint_t e = xpc_endpoint_create(anonymous);
    xpc_connection_t c = xpc_connection_create_from_endpoint(e);
    xpc_release(e);
    logging(c, l);
    xpc_connection_activate(c);
    return c;
}

static char service_name[64];

static void service_main(xs_process_t p, uintptr_t arg) {
    (void)p;
    xpc_connection_t l =
        xpc_connection_create_mach_service(service_name, NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER);
    serve(l, (struct log *)arg);
}

xs_job_t service(struct log *l, const char *name, int domain) {
    snprintf(service_name, sizeof service_name, "%s", name);
    const char *names[] = {service_name};
    return xs_job_declare("svc", domain, names, 1, service_main, (uintptr_t)l);
}
