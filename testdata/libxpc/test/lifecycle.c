// Creation, activation, suspension, cancellation, release: rows 1-33, 115-131,
// 174-178, 207, 208.
#include "test.h"

ROW(1, creation_does_not_look_up) {
    static struct log c;
    log_init(&c);
    xpc_connection_t k = xpc_connection_create_mach_service("nobody", NULL, 0), b = xpc_connection_create("nobody", NULL);
    CHECK(k && b);
    SAME(xpc_connection_get_name(k), "nobody");
    xs_wait_idle();
    SAME(c.text, "");
    logging(k, &c), logging(b, &c);
    xpc_connection_activate(k), xpc_connection_activate(b);
    await(&c, "invalid invalid");
    finish(k), finish(b);
}

ROW(5, nothing_moves_before_activation) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = server(&s);
    xpc_endpoint_t e = xpc_endpoint_create(l);
    xpc_connection_t k = xpc_connection_create_from_endpoint(e);
    xpc_release(e);
    logging(k, &c);
    say(k, "one"), say(k, "two");
    xs_wait_idle();
    SAME(s.text, "");
    xpc_connection_activate(k);
    await(&s, "one two");
    xpc_connection_activate(k); // row 17: no effect
    finish(k), finish(l);
    await_part(&s, "listener-invalid");
}

ROW(8, privileged_looks_in_the_system_domain) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    service(&s, "com.test.agent", XS_USER);
    xpc_connection_t k =
        xpc_connection_create_mach_service("com.test.agent", NULL, XPC_CONNECTION_MACH_SERVICE_PRIVILEGED);
    logging(k, &c);
    xpc_connection_activate(k);
    await(&c, "invalid");
    finish(k);
}

ROW(9, undeclared_listener_is_invalid) {
    static struct log s;
    log_init(&s);
    xpc_connection_t l =
        xpc_connection_create_mach_service("com.test.x", NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER);
    serve(l, &s);
    await(&s, "listener-invalid");
    finish(l);
}

static struct log bundle_log;
static void bundle_peer(xpc_connection_t peer) {
    logging(peer, &bundle_log);
    xpc_connection_activate(peer);
}
static void bundle_main(xs_process_t p, uintptr_t arg) {
    (void)p, (void)arg;
    xpc_main(bundle_peer);
}

ROW(11, bundled_service_is_for_its_application) {
    static struct log c;
    log_init(&bundle_log), log_init(&c);
    xs_process_t app = xs_process_create("app");
    xs_job_t j = xs_bundle_declare(app, "com.test.helper", bundle_main, 0);
    xpc_connection_t stranger = xpc_connection_create("com.test.helper", NULL);
    logging(stranger, &c);
    xpc_connection_activate(stranger);
    await(&c, "invalid");
    xs_enter(app);
    xpc_connection_t k = xpc_connection_create("com.test.helper", NULL);
    xs_leave();
    logging(k, &c);
    xpc_connection_activate(k);
    say(k, "hello");
    await(&bundle_log, "hello");
    xs_wait_idle();
    xs_process_crash(xs_job_process(j));
    await(&c, "invalid interrupted");
    finish(k), finish(stranger);
}

DIES(15, activation_needs_a_handler, "A connection is activated without an event handler") {
    xpc_connection_activate(xpc_connection_create("x", NULL));
}

ROW(18, resume_of_an_inactive_connection_activates) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t k = xpc_connection_create("nobody", NULL);
    logging(k, &c);
    xpc_connection_resume(k);
    await(&c, "invalid");
    finish(k);
}

ROW(19, suspend_and_resume_leave_it_inactive) {
    static struct log c;
    log_init(&c);
    xpc_connection_t k = xpc_connection_create("nobody", NULL);
    logging(k, &c);
    xpc_connection_suspend(k);
    xpc_connection_resume(k);
    xs_wait_idle();
    SAME(c.text, "");
    xpc_connection_resume(k);
    await(&c, "invalid");
    finish(k);
}

ROW(20, activation_while_suspended_waits) {
    static struct log c, r;
    log_init(&c), log_init(&r);
    xpc_connection_t k = xpc_connection_create("nobody", NULL);
    logging(k, &c);
    xpc_connection_suspend(k);
    xpc_connection_activate(k);
    xpc_object_t m = message("ask");
    xpc_connection_send_message_with_reply(k, m, NULL, ^(xpc_object_t reply) { note(&r, "%s", name_of(reply)); });
    xpc_release(m);
    xs_wait_idle();
    SAME(c.text, ""), SAME(r.text, "");
    xpc_connection_resume(k);
    await(&c, "invalid"), await(&r, "invalid");
    finish(k);
}

ROW(23, activation_launches_nothing) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xs_job_t j = service(&s, "com.test.svc", XS_USER);
    xpc_connection_t k = xpc_connection_create_mach_service("com.test.svc", NULL, 0);
    logging(k, &c);
    xpc_connection_activate(k);
    xs_wait_idle();
    CHECK(xs_job_launches(j) == 0);
    say(k, "one");
    await(&s, "one");
    CHECK(xs_job_launches(j) == 1);
    finish(k);
    await(&s, "one invalid");
    xs_wait_idle();
    xs_process_exit(xs_job_process(j));
}

ROW(24, cancelled_while_inactive) {
    static struct log c;
    log_init(&c);
    xpc_connection_t k = xpc_connection_create("nobody", NULL);
    logging(k, &c);
    xpc_connection_cancel(k);
    xs_wait_idle();
    SAME(c.text, "");
    xpc_connection_activate(k);
    await(&c, "invalid");
    xpc_release(k);
}

ROW(28, suspensions_are_counted) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = server(&s), k = client_of(l, &c);
    say(k, "one");
    await(&s, "one");
    xpc_connection_t peer = last_peer;
    xpc_connection_suspend(peer);
    xpc_connection_suspend(peer);
    say(k, "two"), say(k, "three");
    xs_wait_idle();
    SAME(s.text, "one");
    xpc_connection_resume(peer);
    xs_wait_idle();
    SAME(s.text, "one");
    xpc_connection_resume(peer);
    await(&s, "one two three"); // row 30
    xpc_connection_suspend(k);  // row 27
    say(k, "four");
    xs_wait_idle();
    SAME(s.text, "one two three");
    xpc_connection_resume(k);
    await(&s, "one two three four");
    finish(k), finish(l);
    await_part(&s, "listener-invalid");
}

DIES(29, over_resume, "Over-resume of a connection") {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_resume(client_of(server(&s), &c));
}

ROW(33, cancelled_while_suspended) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = server(&s), k = client_of(l, &c);
    xpc_connection_suspend(k);
    xpc_connection_cancel(k);
    xs_wait_idle();
    SAME(c.text, "");
    xpc_connection_resume(k);
    await(&c, "invalid");
    xpc_release(k), finish(l);
    await(&s, "listener-invalid");
}

ROW(40, handler_set_inside_the_handler) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = server(&s), k = client_of(l, &c);
    say(k, "one");
    await(&s, "one");
    xpc_connection_t peer = last_peer;
    xpc_connection_set_event_handler(peer, ^(xpc_object_t e) {
        note(&s, "old:%s", name_of(e));
        xpc_connection_set_event_handler(peer, ^(xpc_object_t next) {
            note(&s, "new:%s", name_of(next));
        });
    });
    say(k, "two"), say(k, "three");
    await(&s, "one old:two new:three");
    finish(k), finish(l);
    await_part(&s, "new:invalid");
}

ROW(116, one_invalid_after_cancel) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = server(&s), k = client_of(l, &c);
    say(k, "one");
    await(&s, "one");
    xpc_connection_cancel(k), xpc_connection_cancel(k);
    say(k, "lost"); // row 60
    await(&s, "one invalid");
    xpc_connection_cancel(k);
    xs_wait_idle();
    SAME(c.text, "invalid");
    xpc_release(k), finish(l);
    await_part(&s, "listener-invalid");
}

ROW(119, cancel_drops_what_was_not_delivered) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = server(&s), k = client_of(l, &c);
    say(k, "one");
    await(&s, "one");
    xpc_connection_t peer = last_peer;
    xpc_connection_suspend(peer);
    say(k, "two");
    xpc_connection_cancel(peer);
    xpc_connection_resume(peer);
    await(&s, "one invalid");
    await(&c, "interrupted"); // row 123
    say(k, "three");          // row 124
    await(&s, "one invalid three");
    finish(k), finish(l);
    await_part(&s, "listener-invalid");
}

ROW(120, cancel_inside_the_handler) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = server(&s), k = client_of(l, &c);
    xpc_connection_set_event_handler(k, ^(xpc_object_t e) {
        note(&c, "in:%s", name_of(e));
        if (xpc_get_type(e) == XPC_TYPE_DICTIONARY) xpc_connection_cancel(k);
        note(&c, "out");
    });
    say(k, "one");
    await(&s, "one");
    say(last_peer, "hello");
    await(&c, "in:hello out in:invalid out");
    xpc_release(k), finish(l);
    await_part(&s, "listener-invalid");
}

ROW(128, cancelled_anonymous_listener) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = server(&s), k = client_of(l, &c), idle = client_of(l, &c);
    say(k, "one");
    await(&s, "one");
    finish(l);
    await(&c, "invalid invalid");
    await_part(&s, "listener-invalid");
    finish(k), finish(idle);
}

// Dropping the peers that it never handed out must not interrupt them.
ROW(128, cancelled_with_waiting_clients) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = server(&s);
    xpc_connection_suspend(l);
    xpc_connection_t k = client_of(l, &c);
    say(k, "one");
    xs_wait_idle();
    xpc_connection_cancel(l);
    await(&c, "invalid");
    xpc_connection_resume(l);
    await(&s, "listener-invalid");
    xpc_release(l), finish(k);
}

ROW(131, silent_end_of_an_active_connection) {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t l = server(&s), k = client_of(l, &c);
    say(k, "one");
    await(&s, "one");
    xpc_release(k);
    await(&s, "one invalid");
    xs_wait_idle();
    SAME(c.text, "");
    finish(l);
    await_part(&s, "listener-invalid");
}

static struct log finals;
static void finalizer(void *context) {
    note(&finals, "final:%s", (char *)context);
}

ROW(176, finalizer_runs_once_with_the_current_context) {
    static struct log c;
    log_init(&c), log_init(&finals);
    xpc_connection_t k = xpc_connection_create("nobody", NULL);
    CHECK(!xpc_connection_get_context(k)); // row 174
    logging(k, &c);
    xpc_connection_set_finalizer_f(k, finalizer);
    xpc_connection_set_context(k, (void *)"a");
    xpc_connection_set_context(k, (void *)"b"); // row 175
    SAME(xpc_connection_get_context(k), "b");
    xpc_connection_activate(k);
    await(&c, "invalid");
    xs_wait_idle();
    SAME(finals.text, "");
    xpc_release(k);
    await(&finals, "final:b");
}

ROW(177, finalizer_without_a_context_is_skipped) {
    static struct log c;
    log_init(&c), log_init(&finals);
    for (int knob = 0; knob < 2; knob++) {
        xs_set_knob(XS_KNOB_FINALIZE_NULL, knob);
        xpc_connection_t k = xpc_connection_create("nobody", NULL);
        logging(k, &c);
        xpc_connection_set_finalizer_f(k, finalizer);
        xpc_connection_activate(k);
        await(&c, knob ? "invalid invalid" : "invalid");
        xpc_release(k);
        xs_wait_idle();
        CHECK(has(&finals, "final") == (knob == 1));
    }
}

ROW(178, finalizer_runs_on_the_target_queue) {
    static struct log c;
    static gate g;
    log_init(&c), log_init(&finals), gate_init(&g);
    dispatch_queue_t q = dispatch_queue_create("q", NULL);
    xpc_connection_t k = xpc_connection_create("nobody", q);
    logging(k, &c);
    xpc_connection_set_finalizer_f(k, finalizer);
    xpc_connection_set_context(k, (void *)"x");
    xpc_connection_activate(k);
    await(&c, "invalid");
    dispatch_async(q, ^{ gate_wait(&g); });
    xpc_release(k);
    SAME(finals.text, "");
    gate_open(&g);
    await(&finals, "final:x");
    dispatch_release(q);
}

DIES(207, release_of_an_inactive_connection, "Release of the last reference of a connection that was never activated") {
    xpc_release(xpc_connection_create("x", NULL));
}

DIES(208, release_of_a_suspended_connection, "Release of the last reference of a suspended connection") {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t k = client_of(server(&s), &c);
    xpc_connection_suspend(k);
    xpc_release(k);
}

DIES(215, over_release_of_a_connection, "An object is used after its last reference was released") {
    static struct log s, c;
    log_init(&s), log_init(&c);
    xpc_connection_t k = client_of(server(&s), &c);
    xpc_release(k);
    xs_wait_idle();
    xpc_release(k);
}

DIES(209, wrong_type_as_a_connection, "A connection is needed here") {
    xpc_connection_cancel((xpc_connection_t)xpc_int64_create(1));
}
