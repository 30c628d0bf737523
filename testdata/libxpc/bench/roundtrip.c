// Times of the stand-in itself: C client, C service, one process.
#include <standin.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *name, double *us, int n) {
    qsort(us, (size_t)n, sizeof *us, compare);
    printf("%-22s median %8.2f us  (%.2f..%.2f)\n", name, us[n / 2], us[0], us[n - 1]);
}

enum { ROUNDS = 7, N = 20000 };

int main(void) {
    xpc_connection_t l = xpc_connection_create(NULL, NULL);
    xpc_connection_set_event_handler(l, ^(xpc_object_t peer) {
        if (xpc_get_type(peer) != XPC_TYPE_CONNECTION) return;
        xpc_connection_set_event_handler(peer, ^(xpc_object_t m) {
            xpc_object_t r = xpc_dictionary_create_reply(m);
            if (!r) return;
            xpc_connection_send_message((xpc_connection_t)peer, r);
            xpc_release(r);
        });
        xpc_connection_activate(peer);
    });
    xpc_connection_activate(l);
    xpc_endpoint_t e = xpc_endpoint_create(l);
    xpc_connection_t k = xpc_connection_create_from_endpoint(e);
    xpc_connection_set_event_handler(k, ^(xpc_object_t x) { (void)x; });
    xpc_connection_activate(k);
    static char bytes[1 << 16];
    const struct {
        const char *name;
        size_t size;
    } sizes[] = {{"sync null", 0}, {"sync 1 KiB", 1 << 10}, {"sync 64 KiB", 1 << 16}};
    double us[ROUNDS];
    for (int s = 0; s < 3; s++) {
        for (int round = 0; round < ROUNDS; round++) {
            double start = now();
            for (int i = 0; i < N; i++) {
                xpc_object_t m = xpc_dictionary_create(NULL, NULL, 0);
                if (sizes[s].size) xpc_dictionary_set_data(m, "d", bytes, sizes[s].size);
                xpc_release(xpc_connection_send_message_with_reply_sync(k, m));
                xpc_release(m);
            }
            us[round] = (now() - start) / N;
        }
        print(sizes[s].name, us, ROUNDS);
    }
    dispatch_semaphore_t window = dispatch_semaphore_create(64);
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        for (int i = 0; i < N; i++) {
            dispatch_semaphore_wait(window, DISPATCH_TIME_FOREVER);
            xpc_object_t m = xpc_dictionary_create(NULL, NULL, 0);
            xpc_connection_send_message_with_reply(k, m, NULL, ^(xpc_object_t r) {
                (void)r;
                dispatch_semaphore_signal(window);
            });
            xpc_release(m);
        }
        for (int i = 0; i < 64; i++) dispatch_semaphore_wait(window, DISPATCH_TIME_FOREVER);
        for (int i = 0; i < 64; i++) dispatch_semaphore_signal(window);
        us[round] = (now() - start) / N;
    }
    print("async, 64 in flight", us, ROUNDS);
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        xpc_object_t m = xpc_dictionary_create(NULL, NULL, 0);
        for (int i = 0; i < N; i++) xpc_connection_send_message(k, m);
        xpc_release(xpc_connection_send_message_with_reply_sync(k, m));
        xpc_release(m);
        us[round] = (now() - start) / N;
    }
    print("one way", us, ROUNDS);
    xs_reset();
}
