// Endpoints, peers, launchd, interruption: rows 12-14, 123-173.
#include "test.h"

static void ask(xpc_connection_t k, const char *text, struct log *log) {
    xpc_object_t m = message(text);
    xpc_connection_send_message_with_reply(k, m, NULL, ^(xpc_object_t r) {
        note(log, "reply:%s", name_of(r));
    });
    xpc_release(m);
}

static xpc_connection_t mach_client(const char *name, struct log *l) {
    xpc_connection_t k = xpc_connection_create_mach_service(name, NULL, 0);
    logging(k, l);
    xpc_connection_activate(k);
    return k;
}

static void stop(xs_job_t j) {
    xs_wait_idle();
    xs_process_exit(xs_job_process(j));
}

ROW(45, messages_before_the_death_come_first) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xs_job_t j = service(&s, "com.test.svc", XS_USER);
    xpc_connection_t k = mach_client("com.test.svc", &c);
    say(k, "one");
    await(&s, "one");
    xs_wait_idle(); // a handler that still runs may hold the sends back (K-3)
    xpc_connection_suspend(k);
    xs_enter(xs_job_process(j));
    say(last_peer, "a"), say(last_peer, "b");
    xs_leave();
    xs_process_crash(xs_job_process(j));
    xpc_connection_resume(k);
    await(&c, "a b interrupted");
    finish(k);
}

ROW(87, crash_interrupts_the_requests) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xs_job_t j = service(&s, "com.test.svc", XS_USER);
    xs_set_knob(XS_KNOB_DROPPED_HANGS, 1);
    xpc_connection_t k = mach_client("com.test.svc", &c);
    ask(k, "quiet", &c);
    await(&s, "quiet");
    xs_process_crash(xs_job_process(j));
    await_any(&c, "interrupted reply:interrupted", "reply:interrupted interrupted");
    finish(k);
}

ROW(88, crash_while_messages_wait) {
    static struct log s, c, b;
    log_init(&s), log_init(&c), log_init(&b);
    xs_job_t j = service(&s, "com.test.svc", XS_USER);
    xpc_connection_t k = mach_client("com.test.svc", &c);
    say(k, "one");
    await(&s, "one");
    xpc_connection_suspend(k);
    say(k, "lost");
    ask(k, "ask", &b);
    xs_process_crash(xs_job_process(j));
    await(&b, "reply:interrupted"); // row 32: also while suspended
    xpc_connection_resume(k);
    await(&c, "interrupted");
    xs_wait_idle();
    SAME(s.text, "one");
    finish(k);
}

ROW(108, crash_releases_a_synchronous_send) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xs_job_t j = service(&s, "com.test.svc", XS_USER);
    xs_set_knob(XS_KNOB_DROPPED_HANGS, 1);
    xpc_connection_t k = mach_client("com.test.svc", &c);
    dispatch_async(dispatch_get_global_queue(0, 0), ^{
        xpc_object_t m = message("quiet");
        note(&c, "sync:%s", name_of(xpc_connection_send_message_with_reply_sync(k, m)));
        xpc_release(m);
    });
    await(&s, "quiet");
    xs_process_crash(xs_job_process(j));
    await_part(&c, "sync:interrupted");
    finish(k);
}

ROW(12, every_connection_is_a_peer_of_its_own) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = server(&s), a = client_of(l, &c), b = client_of(l, &c);
    say(a, "one");
    await(&s, "one");
    xpc_connection_t first = last_peer;
    say(b, "two");
    await(&s, "one two");
    CHECK(last_peer != first);
    finish(a), finish(b), finish(l);
    await_part(&s, "listener-invalid");
}

ROW(133, launched_again_by_the_next_message) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xs_job_t j = service(&s, "com.test.svc", XS_USER);
    xpc_connection_t k = mach_client("com.test.svc", &c), idle = mach_client("com.test.svc", &c);
    say(k, "0");
    await(&s, "0");
    for (unsigned i = 1; i <= 3; i++) {
        xs_process_crash(xs_job_process(j));
        char want[64], text[8];
        snprintf(want, sizeof want, "%.*s", (int)(12 * i - 1), "interrupted interrupted interrupted");
        await(&c, want); // row 134; row 137: nothing to the idle one
        snprintf(text, sizeof text, "%u", i);
        say(k, text);
        snprintf(want, sizeof want, "%.*s", (int)(2 * i + 1), "0 1 2 3");
        await(&s, want);
        CHECK(xs_job_launches(j) == i + 1);
    }
    finish(k), finish(idle);
    await(&s, "0 1 2 3 invalid");
    stop(j);
}

ROW(138, send_inside_the_interrupted_handler) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xs_job_t j = service(&s, "com.test.svc", XS_USER);
    xpc_connection_t k = xpc_connection_create_mach_service("com.test.svc", NULL, 0);
    xpc_connection_set_event_handler(k, ^(xpc_object_t e) {
        note(&c, "%s", name_of(e));
        if (e == XPC_ERROR_CONNECTION_INTERRUPTED) say(k, "again");
    });
    xpc_connection_activate(k);
    say(k, "one");
    await(&s, "one");
    xs_process_crash(xs_job_process(j));
    await(&s, "one again");
    finish(k);
    await(&s, "one again invalid");
    stop(j);
}

ROW(141, unloading) {
    static struct log s, c, d;
    log_init(&s), log_init(&c), log_init(&d);
    xs_job_t j = service(&s, "com.test.svc", XS_USER);
    xpc_connection_t k = mach_client("com.test.svc", &c);
    say(k, "one");
    await(&s, "one");
    static struct log q;
    log_init(&q);
    xpc_connection_t silent = mach_client("com.test.svc", &q);
    xs_job_unload(j);
    await(&c, "interrupted invalid");
    xs_wait_idle();
    await(&q, ""); // it had nothing to lose yet
    say(silent, "lost");
    await(&q, "invalid");
    finish(silent);
    xs_job_load(j); // row 142
    say(k, "lost");
    xpc_connection_t fresh = mach_client("com.test.svc", &d);
    say(fresh, "two");
    await(&s, "one two");
    finish(k), finish(fresh);
    await(&s, "one two invalid");
    await(&d, "invalid");
    stop(j);
}

ROW(144, endpoint_client_of_a_dead_process) {
    for (int knob = 0; knob < 2; knob++) {
        static struct log s, c;
        log_init(&s), log_init(&c);
        xs_set_knob(XS_KNOB_ENDPOINT_INTERRUPTED, knob);
        xs_process_t p = xs_process_create("p");
        xs_enter(p);
        xpc_connection_t l = server(&s);
        xpc_endpoint_t e = xpc_endpoint_create(l);
        xs_leave();
        xpc_connection_t k = xpc_connection_create_from_endpoint(e);
        logging(k, &c);
        xpc_connection_activate(k);
        say(k, "one");
        await(&s, "one");
        xs_wait_idle();
        xs_process_crash(p);
        if (knob)
            await(&c, "interrupted invalid");
        else
            await_any(&c, "invalid", "interrupted invalid"); // K-9
        xpc_connection_t late = xpc_connection_create_from_endpoint(e); // row 161
        logging(late, &c);
        xpc_connection_activate(late);
        await_part(&c, "invalid invalid");
        SAME(s.text, "one"); // nothing runs in a dead process
        finish(k), finish(late);
        xpc_release(e), xpc_release(l);
    }
}

ROW(146, peer_cancelled_listener_lives) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = server(&s), k = client_of(l, &c);
    say(k, "one");
    await(&s, "one");
    xpc_connection_cancel(last_peer);
    await(&c, "interrupted");
    await(&s, "one invalid");
    say(k, "two");
    await(&s, "one invalid two");
    finish(k), finish(l);
    await_part(&s, "listener-invalid");
}

ROW(149, peer_lives_without_references) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = server(&s), k = client_of(l, &c);
    for (int i = 0; i < 3; i++) {
        xs_wait_idle();
        say(k, "x");
    }
    await(&s, "x x x");
    finish(k);
    await(&s, "x x x invalid");
    struct xs_counters n;
    xs_wait_idle();
    xs_get_counters(&n);
    CHECK(!xs_is_strict() || n.connections == 1);
    finish(l);
    await_part(&s, "listener-invalid");
}

ROW(150, peer_refused_in_the_listener_handler) {
    static struct log c;
    log_init(&c);
    xpc_connection_t l = xpc_connection_create(NULL, NULL);
    xpc_connection_set_event_handler(l, ^(xpc_object_t peer) {
        if (xpc_get_type(peer) == XPC_TYPE_CONNECTION) xpc_connection_cancel(peer);
    });
    xpc_connection_activate(l);
    xpc_connection_t k = client_of(l, &c);
    say(k, "one");
    await(&c, "interrupted");
    finish(k), finish(l);
    await_part(&c, "invalid");
}

ROW(151, peer_activated_later) {
    static struct log s, c;
    static xpc_connection_t peer;
    log_init(&s), log_init(&c);
    xpc_connection_t l = xpc_connection_create(NULL, NULL);
    xpc_connection_set_event_handler(l, ^(xpc_object_t p) {
        if (xpc_get_type(p) != XPC_TYPE_CONNECTION) return;
        peer = xpc_retain(p);
        note(&s, "peer");
    });
    xpc_connection_activate(l);
    xpc_connection_t k = client_of(l, &c);
    say(k, "one"), say(k, "two");
    await(&s, "peer");
    xs_wait_idle();
    logging(peer, &s);
    xpc_connection_activate(peer);
    await(&s, "peer one two");
    xpc_release(peer);
    finish(k), finish(l);
    await(&s, "peer one two invalid");
}

DIES(153, peer_left_alone, "A peer was neither activated, cancelled nor retained") {
    static struct log c;
    log_init(&c);
    xpc_connection_t l = xpc_connection_create(NULL, NULL);
    xpc_connection_set_event_handler(l, ^(xpc_object_t p) { (void)p; });
    xpc_connection_activate(l);
    say(client_of(l, &c), "one");
    xs_wait_idle();
}

DIES(155, endpoint_of_a_peer, "An endpoint cannot be made from a peer connection") {
    static struct log s, c;
    log_init(&s), log_init(&c);
    say(client_of(server(&s), &c), "one");
    await(&s, "one");
    xpc_endpoint_create(last_peer);
}

DIES(163, endpoint_of_a_client, "An endpoint of a client connection has no meaning") {
    xpc_endpoint_create(xpc_connection_create("x", NULL));
}

ROW(158, endpoint_travels_in_a_message) {
    static struct log s, c, d;
    log_init(&s), log_init(&c), log_init(&d);
    static xpc_connection_t made;
    xpc_connection_t l = server(&s), k = client_of(l, &c), other = server(&d);
    say(k, "one");
    await(&s, "one");
    xpc_connection_set_event_handler(last_peer, ^(xpc_object_t e) {
        if (xpc_get_type(e) != XPC_TYPE_DICTIONARY) return;
        CHECK(!xpc_dictionary_create_connection(e, "none") && !xpc_dictionary_create_connection(e, "m")); // row 160
        made = xpc_dictionary_create_connection(e, "ep");
        note(&s, "got");
    });
    xpc_object_t m = message("x");
    xpc_dictionary_set_connection(m, "ep", other); // row 159
    CHECK(xpc_get_type(xpc_dictionary_get_value(m, "ep")) == XPC_TYPE_ENDPOINT);
    xpc_connection_send_message(k, m);
    xpc_release(m);
    await_part(&s, "got");
    logging(made, &c);
    xpc_connection_activate(made);
    say(made, "through");
    await(&d, "through");
    xpc_endpoint_t e1 = xpc_endpoint_create(other), e2 = xpc_endpoint_create(other), e3 = xpc_endpoint_create(l);
    CHECK(xpc_equal(e1, e2) && xpc_hash(e1) == xpc_hash(e2) && !xpc_equal(e1, e3)); // row 164
    xpc_release(e1), xpc_release(e2), xpc_release(e3);
    finish(made), finish(k), finish(l), finish(other);
    await_part(&d, "listener-invalid");
}

ROW(162, endpoint_of_an_inactive_listener) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = xpc_connection_create(NULL, NULL), k = client_of(l, &c);
    say(k, "one");
    xs_wait_idle();
    serve(l, &s);
    await(&s, "one");
    finish(k), finish(l);
    await_part(&s, "listener-invalid");
}

ROW(166, names) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = server(&s), k = client_of(l, &c);
    say(k, "one");
    await(&s, "one");
    CHECK(!xpc_connection_get_name(last_peer) && !xpc_connection_get_name(l) && !xpc_connection_get_name(k));
    finish(k), finish(l);
    await_part(&s, "listener-invalid");
}

static void identify(xs_process_t p, uintptr_t arg) {
    (void)arg;
    xs_process_set_ids(p, 4321, 501, 20, 7);
}

ROW(168, credentials) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xs_job_t j = service(&s, "com.test.svc", XS_USER);
    xs_job_set_prepare(j, identify, 0);
    xpc_connection_t k = mach_client("com.test.svc", &c);
    CHECK(xpc_connection_get_pid(k) == 0 && xpc_connection_get_euid(k) == (uid_t)-1);
    CHECK(xpc_connection_get_egid(k) == (gid_t)-1 && xpc_connection_get_asid(k) == AU_ASSIGN_ASID);
    say(k, "one");
    await(&s, "one");
    CHECK(xpc_connection_get_pid(k) == 0);              // row 169
    CHECK(xpc_connection_get_pid(last_peer) == getpid()); // row 170
    xpc_object_t m = message("ask"), r = xpc_connection_send_message_with_reply_sync(k, m);
    CHECK(xpc_connection_get_pid(k) == 4321 && xpc_connection_get_euid(k) == 501);
    CHECK(xpc_connection_get_egid(k) == 20 && xpc_connection_get_asid(k) == 7);
    xpc_release(r), xpc_release(m);
    xs_process_set_ids(xs_job_process(j), 9, 9, 9, 9);
    CHECK(xpc_connection_get_euid(k) == 501); // row 171
    xs_wait_idle();
    xs_process_crash(xs_job_process(j));
    await(&c, "interrupted");
    xs_wait_idle();
    CHECK(xpc_connection_get_pid(k) == 0); // row 173
    finish(k);
}

ROW(129, listener_cancel_and_its_peers) {
    for (int knob = 0; knob < 2; knob++) {
        static struct log s, c;
        log_init(&s), log_init(&c);
        xs_set_knob(XS_KNOB_LISTENER_TAKES_PEERS, knob);
        const char *names[] = {"com.test.own"};
        xs_job_t j = xs_job_declare("own", XS_USER, names, 1, NULL, 0);
        xs_job_attach(j, xs_process_default());
        xpc_connection_t l =
            xpc_connection_create_mach_service("com.test.own", NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER);
        serve(l, &s);
        SAME(xpc_connection_get_name(l), "com.test.own"); // row 165
        xpc_connection_t k = mach_client("com.test.own", &c);
        xpc_object_t m = message("ask"), r = xpc_connection_send_message_with_reply_sync(k, m);
        SAME(name_of(r), "answer");
        CHECK(xpc_connection_get_pid(k) == getpid()); // row 172
        xpc_release(r), xpc_release(m);
        finish(l);
        await_part(&s, "invalid");
        if (knob) {
            await(&c, "interrupted");
        } else {
            say(k, "still");
            await(&s, "ask listener-invalid still");
        }
        finish(k);
        xs_wait_idle();
        xs_job_unload(j);
    }
}

ROW(203, termination_is_imminent) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xs_job_t j = service(&s, "com.test.svc", XS_USER);
    xpc_connection_t k = mach_client("com.test.svc", &c);
    say(k, "one");
    await(&s, "one");
    xs_process_terminate(xs_job_process(j));
    xs_process_terminate(xs_job_process(j)); // row 205
    await(&s, "one terminating");
    say(k, "unheard"); // row 204
    xs_wait_idle();
    SAME(s.text, "one terminating");
    say(last_peer, "bye");
    await(&c, "bye");
    xpc_connection_cancel(last_peer); // row 206
    await(&s, "one terminating invalid");
    finish(k);
    stop(j);
}

ROW(197, transactions_hold_the_process) {
    static struct log s, c;
    static xpc_object_t kept, reply;
    log_init(&s), log_init(&c);
    xs_process_t p = xs_process_create("p");
    xs_enter(p);
    xpc_connection_t l = xpc_connection_create(NULL, NULL);
    xpc_connection_set_event_handler(l, ^(xpc_object_t peer) {
        if (xpc_get_type(peer) != XPC_TYPE_CONNECTION) return;
        xpc_connection_set_event_handler(peer, ^(xpc_object_t e) {
            if (xpc_get_type(e) == XPC_TYPE_DICTIONARY) kept = xpc_retain(e);
            note(&s, "%s", name_of(e));
        });
        xpc_connection_activate(peer);
    });
    xpc_connection_activate(l);
    xs_leave();
    xpc_connection_t k = client_of(l, &c);
    say(k, "one");
    await(&s, "one");
    xs_wait_idle();
    CHECK(xs_process_transactions(p) == 1 && !xs_process_idle_exit(p));
    xpc_release(kept); // row 198
    CHECK(xs_process_transactions(p) == 0);
    ask(k, "ask", &c);
    await(&s, "one ask");
    xs_wait_idle();
    reply = xpc_dictionary_create_reply(kept);
    xpc_release(kept);
    CHECK(xs_process_transactions(p) == 1);
    xpc_connection_send_message(xpc_dictionary_get_remote_connection(reply), reply); // row 199
    CHECK(xs_process_transactions(p) == 0);
    xpc_release(reply);
    await(&c, "reply:dictionary");
    xs_enter(p);
    xpc_transaction_begin(); // row 200
    CHECK(!xs_process_idle_exit(p));
    xpc_transaction_end();
    xs_leave();
    xs_wait_idle();
    CHECK(xs_process_idle_exit(p)); // row 201
    await_part(&c, "invalid");
    finish(k), xpc_release(l);
}

DIES(202, too_many_transactions_ended, "More transactions ended than were begun") {
    xpc_transaction_end();
}

static void nobody(xpc_connection_t peer) {
    (void)peer;
}
static void wrong_main(xs_process_t p, uintptr_t arg) {
    (void)p, (void)arg;
    xpc_main(nobody);
}
DIES(195, xpc_main_in_a_mach_service_job, "A job that declares MachServices must not call xpc_main") {
    static struct log c;
    log_init(&c);
    const char *names[] = {"com.test.m"};
    xs_job_declare("m", XS_USER, names, 1, wrong_main, 0);
    say(mach_client("com.test.m", &c), "one");
    xs_wait_idle();
}

// --- Requirements

#define SIGNED(call, want_events)                                                                                      \
    static struct log s, c;                                                                                            \
    log_init(&s), log_init(&c);                                                                                        \
    xs_job_t j = service(&s, "com.test.svc", XS_USER);                                                                 \
    xs_job_set_prepare(j, sign, 0);                                                                                    \
    xpc_connection_t k = xpc_connection_create_mach_service("com.test.svc", NULL, 0);                                  \
    logging(k, &c);                                                                                                    \
    CHECK(call == 0);                                                                                                  \
    xpc_connection_activate(k);                                                                                        \
    ask(k, "ask", &c);                                                                                                 \
    await(&c, want_events);                                                                                            \
    finish(k);                                                                                                         \
    stop(j)

static void sign(xs_process_t p, uintptr_t arg) {
    (void)arg;
    xs_process_set_code(p, "com.test.svc", "TEAM1", false);
    xpc_object_t v = xpc_string_create("v"), n = xpc_int64_create(7);
    xs_process_set_entitlement(p, "com.test.yes", XPC_BOOL_TRUE);
    xs_process_set_entitlement(p, "com.test.text", v);
    xs_process_set_entitlement(p, "com.test.number", n);
    xpc_release(v), xpc_release(n);
}

ROW(182, code_signing_requirement_met) {
    SIGNED(xpc_connection_set_peer_code_signing_requirement(
               k, "identifier \"com.test.svc\" and anchor apple generic and certificate leaf[subject.OU] = TEAM1"),
           "reply:answer");
}

ROW(182, code_signing_requirement_not_met) {
    SIGNED(xpc_connection_set_peer_code_signing_requirement(k, "identifier com.test.other or anchor apple"),
           "reply:unsigned");
}

ROW(184, entitlement_exists) {
    SIGNED(xpc_connection_set_peer_entitlement_exists_requirement(k, "com.test.yes"), "reply:answer");
}

ROW(184, entitlement_matches) {
    xpc_object_t n = xpc_int64_create(7);
    SIGNED(xpc_connection_set_peer_entitlement_matches_value_requirement(k, "com.test.number", n), "reply:answer");
    xpc_release(n);
}

ROW(184, entitlement_does_not_match) {
    xpc_object_t v = xpc_string_create("w");
    SIGNED(xpc_connection_set_peer_entitlement_matches_value_requirement(k, "com.test.text", v), "reply:unsigned");
    xpc_release(v);
}

ROW(184, team) {
    xs_process_set_code(xs_process_default(), "me", "TEAM1", false);
    SIGNED(xpc_connection_set_peer_team_identity_requirement(k, NULL), "reply:answer");
}

ROW(184, another_team) {
    xs_process_set_code(xs_process_default(), "me", "TEAM2", false);
    SIGNED(xpc_connection_set_peer_team_identity_requirement(k, "com.test.svc"), "reply:unsigned");
}

ROW(184, platform) {
    SIGNED(xpc_connection_set_peer_platform_identity_requirement(k, NULL), "reply:unsigned");
}

ROW(179, malformed_requirement) {
    static struct log c;
    log_init(&c);
    xpc_connection_t k = xpc_connection_create("nobody", NULL);
    CHECK(xpc_connection_set_peer_code_signing_requirement(k, "identifier and (") != 0);
    logging(k, &c);
    xpc_connection_activate(k);
    await(&c, "invalid");
    finish(k);
}

DIES(180, second_requirement, "Only one peer requirement can be set on a connection") {
    xpc_connection_t k = xpc_connection_create("nobody", NULL);
    xpc_connection_set_peer_code_signing_requirement(k, "anchor apple");
    xpc_connection_set_peer_platform_identity_requirement(k, NULL);
}

ROW(181, listener_drops_unwelcome_clients) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = xpc_connection_create(NULL, NULL);
    CHECK(!xpc_connection_set_peer_code_signing_requirement(l, "identifier com.test.friend"));
    serve(l, &s);
    xpc_connection_t k = client_of(l, &c);
    say(k, "unheard");
    ask(k, "ask", &c);
    await(&c, "reply:interrupted");
    xs_process_set_code(xs_process_default(), "com.test.friend", NULL, false);
    say(k, "one");
    await(&s, "one");
    xs_process_set_code(xs_process_default(), "com.test.foe", NULL, false);
    say(k, "two"); // every message is checked
    xs_wait_idle();
    SAME(s.text, "one");
    finish(k), finish(l);
    await_part(&s, "listener-invalid");
}

ROW(183, plain_message_of_an_unwelcome_sender) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = server(&s);
    xpc_endpoint_t e = xpc_endpoint_create(l);
    xpc_connection_t k = xpc_connection_create_from_endpoint(e);
    xpc_release(e);
    logging(k, &c);
    CHECK(!xpc_connection_set_peer_code_signing_requirement(k, "identifier com.test.friend"));
    xpc_connection_activate(k);
    say(k, "one");
    await(&s, "one");
    say(last_peer, "hello");
    await(&c, "unsigned");
    finish(k), finish(l);
    await_part(&s, "listener-invalid");
}

ROW(185, invalidation_reason) {
    static struct log c;
    log_init(&c);
    xpc_connection_t k = xpc_connection_create("nobody", NULL);
    logging(k, &c);
    CHECK(!xpc_connection_copy_invalidation_reason(k));
    xpc_connection_activate(k);
    await(&c, "invalid");
    char *reason = xpc_connection_copy_invalidation_reason(k);
    CHECK(reason && *reason);
    free(reason);
    finish(k);
}

// --- Of the stand-in itself

static void touch(void *at) {
    note(at, "final");
}

TEST_AT(standin_crash_mutes_the_process, NULL) {
    static struct log s, c;
    static gate g;
    log_init(&s), log_init(&c), gate_init(&g);
    xs_process_t p = xs_process_create("p");
    xs_enter(p);
    xpc_connection_t l = server(&s), out = client_of(l, &s);
    xpc_connection_set_finalizer_f(out, touch);
    xpc_connection_set_context(out, &c);
    xpc_connection_send_barrier(out, ^{ gate_wait(&g); });
    dispatch_async(dispatch_get_global_queue(0, 0), ^{ note(&c, "before"); });
    xs_leave();
    await(&c, "before");
    xs_process_crash(p);
    gate_open(&g);
    xs_wait_idle();
    xs_enter(p);
    say(out, "x");
    dispatch_async(dispatch_get_global_queue(0, 0), ^{ note(&c, "after"); });
    CHECK(xpc_connection_send_message_with_reply_sync(out, XPC_ERROR_CONNECTION_INVALID ? message("y") : NULL) ==
          XPC_ERROR_CONNECTION_INVALID);
    xs_leave();
    xs_wait_idle();
    SAME(s.text, ""), SAME(c.text, "before");
    xs_process_reap(p); // l, out and a message
    await(&c, "before final");
    xs_process_forget(p);
}

TEST_AT(standin_crash_can_unwind, NULL) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xs_set_knob(XS_KNOB_CRASH_UNWINDS, 1);
    xs_process_t p = xs_process_create("p");
    xs_enter(p);
    xpc_connection_t l = server(&s);
    xs_leave();
    xpc_connection_t k = client_of(l, &c);
    say(k, "one");
    await(&s, "one");
    xs_process_crash(p);
    await_part(&c, "invalid");
    await_any(&s, "one invalid listener-invalid", "one listener-invalid invalid");
    finish(k), xpc_release(l);
    xs_process_forget(p);
}

TEST_AT(standin_report_counts_what_lives, NULL) {
    if (!xs_is_strict()) return;
    struct xs_counters before, after;
    xs_get_counters(&before);
    xpc_object_t m = message("x");
    xs_get_counters(&after);
    CHECK(after.objects == before.objects + 2);
    xpc_release(m);
}
