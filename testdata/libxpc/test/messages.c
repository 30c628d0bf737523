// Sending, replies, barriers, target queues: rows 37-114.
#include "test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define WORLD                                                                                                          \
    static struct log s, c;                                                                                            \
    log_init(&s), log_init(&c);                                                                                        \
    xpc_connection_t l = server(&s), k = client_of(l, &c)
#define END finish(k), finish(l), await_part(&s, "listener-invalid")

static void ask(xpc_connection_t k, const char *text, dispatch_queue_t q, struct log *log) {
    xpc_object_t m = message(text);
    xpc_connection_send_message_with_reply(k, m, q, ^(xpc_object_t r) {
        note(log, "reply:%s", name_of(r));
    });
    xpc_release(m);
}

static xpc_object_t ask_sync(xpc_connection_t k, const char *text) {
    xpc_object_t m = message(text), r = xpc_connection_send_message_with_reply_sync(k, m);
    xpc_release(m);
    return r;
}

// A peer that keeps requests in *kept.
static void keeping(xpc_connection_t l, struct log *s, xpc_object_t *kept) {
    xpc_connection_set_event_handler(l, ^(xpc_object_t peer) {
        if (xpc_get_type(peer) != XPC_TYPE_CONNECTION) {
            note(s, "listener-%s", name_of(peer));
            return;
        }
        last_peer = (xpc_connection_t)peer;
        xpc_connection_set_event_handler(peer, ^(xpc_object_t e) {
            if (xpc_get_type(e) == XPC_TYPE_DICTIONARY) *kept = xpc_retain(e);
            note(s, "%s", name_of(e));
        });
        xpc_connection_activate(peer);
    });
    xpc_connection_activate(l);
}

ROW(37, handler_never_overlaps_itself) {
    WORLD;
    static _Atomic int inside, most, seen;
    inside = most = seen = 0;
    say(k, "one");
    await(&s, "one");
    dispatch_queue_t q = dispatch_queue_create("c", DISPATCH_QUEUE_CONCURRENT);
    xpc_connection_t peer = last_peer;
    xpc_connection_set_target_queue(peer, q);
    xpc_connection_set_event_handler(peer, ^(xpc_object_t e) {
        int now = ++inside;
        if (now > most) most = now;
        if (xpc_get_type(e) == XPC_TYPE_DICTIONARY && ++seen == 200) note(&s, "all");
        --inside;
    });
    for (int i = 0; i < 200; i++) say(k, "x");
    await_part(&s, "all");
    CHECK(most == 1);
    dispatch_release(q);
    END;
}

ROW(38, messages_keep_their_order) {
    WORLD;
    static _Atomic int next, wrong;
    next = wrong = 0;
    say(k, "one");
    await(&s, "one");
    xpc_connection_set_event_handler(last_peer, ^(xpc_object_t e) {
        if (xpc_get_type(e) != XPC_TYPE_DICTIONARY) return;
        if (xpc_dictionary_get_int64(e, "n") != next++) wrong++;
        if (next == 1000) note(&s, "all");
    });
    for (int i = 0; i < 1000; i++) {
        xpc_object_t m = xpc_dictionary_create(NULL, NULL, 0);
        xpc_dictionary_set_int64(m, "n", i);
        xpc_connection_send_message(k, m);
        xpc_release(m);
    }
    await_part(&s, "all");
    CHECK(wrong == 0);
    END;
}

ROW(47, serial_target_queue_excludes) {
    static struct log s, c;
    static _Atomic int inside, most;
    log_init(&s), log_init(&c);
    inside = most = 0;
    dispatch_queue_t q = dispatch_queue_create("shared", DISPATCH_QUEUE_SERIAL);
    void (^step)(void) = ^{
        int now = ++inside;
        if (now > most) most = now;
        --inside;
    };
    xpc_connection_t l = server(&s), k[4];
    for (int i = 0; i < 4; i++) {
        k[i] = client_of(l, &c);
        xpc_connection_set_target_queue(k[i], q);
        xpc_connection_set_event_handler(k[i], ^(xpc_object_t e) {
            (void)e;
            step();
        });
        for (int n = 0; n < 20; n++) {
            xpc_object_t m = message("ask");
            xpc_connection_send_message_with_reply(k[i], m, q, ^(xpc_object_t r) {
                (void)r;
                step();
            });
            xpc_release(m);
            dispatch_async(q, step);
        }
    }
    xs_wait_idle();
    CHECK(most == 1);
    for (int i = 0; i < 4; i++) finish(k[i]);
    finish(l);
    await_part(&s, "listener-invalid");
    dispatch_release(q);
}

ROW(50, new_target_queue_is_a_barrier) {
    WORLD;
    static gate g;
    gate_init(&g);
    dispatch_queue_t q1 = dispatch_queue_create("q1", NULL), q2 = dispatch_queue_create("q2", NULL);
    say(k, "one");
    await(&s, "one");
    xpc_connection_t peer = last_peer;
    xpc_connection_set_target_queue(peer, q1);
    xpc_connection_set_event_handler(peer, ^(xpc_object_t e) {
        if (xpc_get_type(e) != XPC_TYPE_DICTIONARY) return;
        note(&s, "in:%s", name_of(e));
        if (!strcmp(name_of(e), "two")) gate_wait(&g);
        note(&s, "out");
    });
    say(k, "two");
    await_part(&s, "in:two");
    xpc_connection_set_target_queue(peer, q2); // row 49: returns at once
    say(k, "three");
    dispatch_sync(q2, ^{ note(&s, "q2-free"); });
    gate_open(&g);
    await(&s, "one in:two q2-free out in:three out");
    dispatch_release(q1), dispatch_release(q2);
    END;
}

DIES(54, only_dictionaries_are_messages, "Only a dictionary can be sent as a message") {
    WORLD;
    (void)l;
    xpc_connection_send_message(k, xpc_array_create(NULL, 0));
}

ROW(55, message_is_copied_at_the_call) {
    WORLD;
    static xpc_object_t kept;
    keeping(l, &s, &kept);
    xpc_object_t m = message("before"), inner = message("x");
    xpc_dictionary_set_value(m, "d", inner);
    xpc_connection_suspend(k);
    xpc_connection_send_message(k, m);
    xpc_object_t same = xpc_copy(m);
    xpc_dictionary_set_string(m, "m", "after");
    xpc_dictionary_set_string(inner, "m", "y");
    xpc_connection_resume(k);
    await(&s, "before");
    CHECK(xpc_equal(kept, same) && kept != same); // row 46
    xpc_dictionary_set_bool(kept, "mutable", true);
    xpc_release(kept), xpc_release(m), xpc_release(inner), xpc_release(same);
    END;
}

ROW(57, threads_keep_their_own_order) {
    WORLD;
    static _Atomic int wrong, seen, last[4];
    wrong = seen = 0;
    for (int i = 0; i < 4; i++) last[i] = -1;
    say(k, "one");
    await(&s, "one");
    xpc_connection_set_event_handler(last_peer, ^(xpc_object_t e) {
        if (xpc_get_type(e) != XPC_TYPE_DICTIONARY) return;
        int64_t t = xpc_dictionary_get_int64(e, "t"), n = xpc_dictionary_get_int64(e, "n");
        if (n != last[t] + 1) wrong++;
        last[t] = (int)n;
        if (++seen == 400) note(&s, "all");
    });
    for (int t = 0; t < 4; t++)
        dispatch_async(dispatch_get_global_queue(0, 0), ^{
            for (int i = 0; i < 100; i++) {
                xpc_object_t m = xpc_dictionary_create(NULL, NULL, 0);
                xpc_dictionary_set_int64(m, "t", t);
                xpc_dictionary_set_int64(m, "n", i);
                xpc_connection_send_message(k, m);
                xpc_release(m);
            }
        });
    await_part(&s, "all");
    CHECK(wrong == 0);
    END;
}

DIES(63, sending_on_a_listener, "A listener connection cannot send") {
    WORLD;
    (void)k;
    say(l, "x");
}

DIES(64, sending_a_connection, "A connection cannot be sent, only its endpoint") {
    WORLD;
    xpc_object_t m = message("x");
    xpc_dictionary_set_value(m, "c", l);
    xpc_connection_send_message(k, m);
}

DIES(65, reply_on_the_wrong_connection, "Attempt to send a message expecting a reply to the wrong connection") {
    WORLD;
    static xpc_object_t kept;
    keeping(l, &s, &kept);
    ask(k, "ask", NULL, &c);
    await(&s, "ask");
    xpc_connection_send_message(k, xpc_dictionary_create_reply(kept));
}

ROW(67, barrier_follows_the_messages) {
    WORLD;
    xpc_connection_suspend(k);
    say(k, "one");
    xpc_connection_send_barrier(k, ^{ note(&c, "barrier1"); });
    say(k, "two");
    xpc_connection_send_barrier(k, ^{ note(&c, "barrier2"); });
    xs_wait_idle(); // row 78
    SAME(c.text, "");
    xpc_connection_resume(k);
    await(&c, "barrier1 barrier2"); // row 74
    await(&s, "one two");
    END;
}

ROW(68, nothing_is_sent_during_a_barrier) {
    WORLD;
    static gate g;
    gate_init(&g);
    say(k, "one");
    await(&s, "one");
    xpc_connection_send_barrier(k, ^{
        note(&c, "in");
        gate_wait(&g);
    });
    await(&c, "in");
    say(k, "two");
    SAME(s.text, "one");
    gate_open(&g);
    await(&s, "one two");
    END;
}

ROW(70, barrier_does_not_wait_for_a_reply) {
    WORLD;
    static xpc_object_t kept;
    keeping(l, &s, &kept);
    ask(k, "ask", NULL, &c);
    xpc_connection_send_barrier(k, ^{ note(&c, "barrier"); });
    await(&c, "barrier");
    await(&s, "ask");
    reply_to(kept, "late");
    await(&c, "barrier reply:late");
    xpc_release(kept);
    END;
}

ROW(75, barrier_after_cancel) {
    WORLD;
    xpc_connection_suspend(k);
    xpc_connection_send_barrier(k, ^{ note(&s, "outstanding"); });
    xpc_connection_cancel(k);
    await(&s, "outstanding"); // row 76
    xpc_connection_send_barrier(k, ^{ note(&s, "after"); });
    await(&s, "outstanding after");
    xpc_connection_resume(k);
    await(&c, "invalid");
    END;
}

ROW(77, cancel_inside_a_barrier) {
    WORLD;
    xpc_connection_send_barrier(k, ^{ xpc_connection_cancel(k); });
    await(&c, "invalid");
    END;
}

ROW(80, reply_goes_to_the_reply_queue) {
    WORLD;
    static gate g;
    gate_init(&g);
    dispatch_queue_t q = dispatch_queue_create("replies", NULL);
    dispatch_async(q, ^{ gate_wait(&g); });
    ask(k, "ask", q, &c);
    await(&s, "ask");
    SAME(c.text, "");
    gate_open(&g);
    await(&c, "reply:answer");
    ask(k, "ask", NULL, &c); // row 81
    await(&c, "reply:answer reply:answer");
    dispatch_release(q);
    END;
}

ROW(86, replies_out_of_order) {
    WORLD;
    static xpc_object_t first, second;
    keeping(l, &s, &first);
    ask(k, "a", NULL, &c);
    await(&s, "a");
    xpc_object_t a = first;
    ask(k, "b", NULL, &c);
    await(&s, "a b");
    second = first;
    reply_to(second, "B");
    await(&c, "reply:B");
    reply_to(a, "A"); // row 99
    await(&c, "reply:B reply:A");
    xpc_release(a), xpc_release(second);
    END;
}

ROW(90, cancel_fails_the_requests) {
    WORLD;
    static xpc_object_t kept;
    keeping(l, &s, &kept);
    ask(k, "ask", NULL, &c);
    await(&s, "ask");
    xpc_connection_cancel(k);
    await_any(&c, "reply:invalid invalid", "invalid reply:invalid");
    ask(k, "ask", NULL, &c); // row 89
    await_part(&c, "invalid reply:invalid");
    reply_to(kept, "nobody"); // row 100
    xpc_release(kept);
    END;
}

ROW(92, dropped_request) {
    WORLD;
    ask(k, "quiet", NULL, &c);
    await(&c, "reply:interrupted");
    xs_set_knob(XS_KNOB_DROPPED_HANGS, 1);
    ask(k, "quiet", NULL, &c);
    await(&s, "quiet quiet");
    xs_wait_idle();
    SAME(c.text, "reply:interrupted");
    xs_set_knob(XS_KNOB_DROPPED_HANGS, 0);
    END;
    await_part(&c, "reply:invalid");
}

ROW(95, service_asks_its_client) {
    WORLD;
    xpc_connection_set_event_handler(k, ^(xpc_object_t e) {
        if (xpc_get_type(e) == XPC_TYPE_DICTIONARY) reply_to(e, "from-client");
    });
    say(k, "one");
    await(&s, "one");
    ask(last_peer, "question", NULL, &s);
    await(&s, "one reply:from-client");
    END;
}

ROW(97, create_reply_only_for_requests) {
    WORLD;
    static xpc_object_t kept;
    keeping(l, &s, &kept);
    say(k, "one-way");
    await(&s, "one-way");
    CHECK(!xpc_dictionary_create_reply(kept));
    CHECK(xpc_dictionary_get_remote_connection(kept) == last_peer);
    xpc_release(kept);
    xpc_object_t d = message("x"), n = xpc_int64_create(1);
    CHECK(!xpc_dictionary_create_reply(d) && !xpc_dictionary_create_reply(n));
    CHECK(!xpc_dictionary_get_remote_connection(d)); // row 104
    xpc_release(d), xpc_release(n);
    ask(k, "ask", NULL, &c);
    await(&s, "one-way ask");
    xpc_object_t r = xpc_dictionary_create_reply(kept);
    CHECK(r && xpc_dictionary_get_count(r) == 0); // row 96
    CHECK(!xpc_dictionary_create_reply(kept));    // row 98
    CHECK(xpc_dictionary_get_remote_connection(r) == last_peer);
    xpc_connection_send_message(last_peer, r);
    await(&c, "reply:dictionary");
    xpc_release(r), xpc_release(kept);
    END;
}

DIES(101, reply_sent_twice, "A reply is sent a second time") {
    WORLD;
    static xpc_object_t kept;
    keeping(l, &s, &kept);
    ask(k, "ask", NULL, &c);
    await(&s, "ask");
    xpc_object_t r = xpc_dictionary_create_reply(kept);
    xpc_connection_send_message(last_peer, r);
    xpc_connection_send_message(last_peer, r);
}

ROW(106, synchronous_send) {
    WORLD;
    xpc_object_t r = ask_sync(k, "ask");
    SAME(name_of(r), "answer");
    xpc_release(r);
    r = ask_sync(k, "quiet");
    CHECK(r == XPC_ERROR_CONNECTION_INTERRUPTED);
    xpc_connection_cancel(k);
    CHECK(ask_sync(k, "ask") == XPC_ERROR_CONNECTION_INVALID); // row 109
    END;
}

ROW(110, cancel_releases_a_synchronous_send) {
    WORLD;
    static xpc_object_t kept;
    keeping(l, &s, &kept);
    dispatch_async(dispatch_get_global_queue(0, 0), ^{
        note(&c, "sync:%s", name_of(ask_sync(k, "ask")));
    });
    await(&s, "ask");
    xpc_connection_cancel(k);
    await_part(&c, "sync:invalid");
    xpc_release(kept);
    END;
}

DIES(112, synchronous_send_in_the_own_handler, "A synchronous send from the connection's own event handler") {
    WORLD;
    xpc_connection_set_event_handler(k, ^(xpc_object_t e) {
        (void)e;
        ask_sync(k, "ask");
    });
    say(k, "one");
    await(&s, "one");
    say(last_peer, "now");
    xs_wait_idle();
}

DIES(114, synchronous_send_on_an_inactive_connection, "A synchronous send on an inactive connection") {
    ask_sync(xpc_connection_create("x", NULL), "ask");
}

ROW(114, synchronous_send_waits_for_activation) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xs_set_knob(XS_KNOB_SYNC_WAITS, 1);
    xpc_connection_t l = server(&s);
    xpc_endpoint_t e = xpc_endpoint_create(l);
    xpc_connection_t k = xpc_connection_create_from_endpoint(e);
    xpc_release(e);
    logging(k, &c);
    dispatch_async(dispatch_get_global_queue(0, 0), ^{
        note(&c, "asking");
        xpc_object_t r = ask_sync(k, "ask");
        note(&c, "sync:%s", name_of(r));
        xpc_release(r);
    });
    await(&c, "asking");
    xpc_connection_activate(k);
    await(&c, "asking sync:answer");
    END;
}

ROW(267, descriptors_and_memory_travel) {
    WORLD;
    static xpc_object_t kept;
    keeping(l, &s, &kept);
    int p[2];
    char b;
    CHECK(!pipe(p));
    char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    xpc_object_t m = message("x"), mem = xpc_shmem_create(shared, 4096);
    xpc_dictionary_set_fd(m, "fd", p[1]);
    xpc_dictionary_set_value(m, "mem", mem);
    xpc_connection_send_message(k, m);
    xpc_release(m), xpc_release(mem);
    close(p[1]);
    await(&s, "x");
    int fd = xpc_dictionary_dup_fd(kept, "fd");
    CHECK(write(fd, "y", 1) == 1 && read(p[0], &b, 1) == 1 && b == 'y');
    close(fd);
    void *region = NULL;
    CHECK(xpc_shmem_map(xpc_dictionary_get_value(kept, "mem"), &region) == 4096);
    strcpy(shared, "seen");
    SAME(region, "seen"); // row 274
    munmap(region, 4096), munmap(shared, 4096);
    xpc_release(kept);
    CHECK(read(p[0], &b, 1) == 0);
    close(p[0]);
    END;
}

ROW(48, blocked_handlers_block_nobody_else) {
    WORLD;
    static gate g;
    static _Atomic int in;
    gate_init(&g);
    in = 0;
    for (int i = 0; i < 40; i++)
        dispatch_async(dispatch_get_global_queue(0, 0), ^{
            if (++in == 40) note(&c, "all-in");
            gate_wait(&g);
        });
    await(&c, "all-in");
    ask(k, "ask", NULL, &c);
    await(&c, "all-in reply:answer");
    gate_open(&g);
    END;
}
