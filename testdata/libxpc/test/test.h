// A small harness: each test is one row of the table, named for it.
#ifndef TEST_H
#define TEST_H

#include <pthread.h>
#include <standin.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test {
    const char *name, *dies; // dies: the text that must precede its SIGABRT
    void (*fn)(void);
    struct test *next;
};
void test_add(struct test *t);

#define TEST_AT(name_, dies_)                                                                                          \
    static void name_(void);                                                                                           \
    __attribute__((constructor)) static void name_##_add(void) {                                                       \
        static struct test t = {.name = #name_, .dies = dies_, .fn = name_};                                           \
        test_add(&t);                                                                                                  \
    }                                                                                                                  \
    static void name_(void)
#define ROW(number, words) TEST_AT(row_##number##_##words, NULL)
#define DIES(number, words, text) TEST_AT(row_##number##_##words, text)

void check_failed(const char *file, int line, const char *what) __attribute__((noreturn));
#define CHECK(x) ((x) ? (void)0 : check_failed(__FILE__, __LINE__, #x))
#define SAME(a, b) CHECK(!strcmp((a), (b)))

// A log of events that a test waits on; every wait has the watchdog's limit.
struct log {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    char text[4096];
};
void log_init(struct log *l);
void note(struct log *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
void await(struct log *l, const char *text);           // exactly this
void await_any(struct log *l, const char *a, const char *b);
bool has(struct log *l, const char *part);
void await_part(struct log *l, const char *part);
const char *name_of(xpc_object_t event); // "interrupted", "invalid", …, or a dictionary's string "m"

struct gate {
    struct log log;
};
typedef struct gate gate;
void gate_init(gate *g);
void gate_open(gate *g);
void gate_wait(gate *g);

// --- Frequent pieces
xpc_object_t message(const char *text);        // a dictionary with string "m"
void say(xpc_connection_t c, const char *text); // sends one
// Client that logs its events, activated.
xpc_connection_t client_of(xpc_connection_t anonymous, struct log *l);
void logging(xpc_connection_t c, struct log *l);
void finish(xpc_connection_t c); // cancel and release
// Anonymous listener in the process p. Peers log their events to l and answer
// requests that say "ask…" with "answer".
xpc_connection_t server(struct log *l);
void serve(xpc_connection_t listener, struct log *l);
void reply_to(xpc_object_t request, const char *text);
bool wants_reply(xpc_object_t request, xpc_object_t *reply);
// A job "svc" whose main is server-like; names com.test.svc.
xs_job_t service(struct log *l, const char *name, int domain);
extern xpc_connection_t last_peer; // the most recent peer of serve, retained by nobody

#endif
