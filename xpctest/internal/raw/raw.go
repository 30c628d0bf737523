//go:build cgo && (darwin || xpcstandin)

package raw

/*
#cgo CFLAGS: -fblocks
#cgo darwin CFLAGS: -mmacosx-version-min=12.0
#cgo darwin LDFLAGS: -mmacosx-version-min=12.0
#include <dispatch/dispatch.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xpc/xpc.h>

#ifdef __APPLE__
static const char *queue_label(void) { return dispatch_queue_get_label(DISPATCH_CURRENT_QUEUE_LABEL); }
#else
static const char *queue_label(void) { return "(not told here)"; }
#endif

static void say_event(const char *who, xpc_object_t ev)
{
	const char *what = "something else";
	if (xpc_get_type(ev) == XPC_TYPE_DICTIONARY)
		what = "a dictionary";
	else if (ev == XPC_ERROR_CONNECTION_INTERRUPTED)
		what = "INTERRUPTED";
	else if (ev == XPC_ERROR_CONNECTION_INVALID)
		what = "INVALID";
	else if (xpc_get_type(ev) == XPC_TYPE_CONNECTION)
		what = "a peer";
	printf("%s: %s, on queue %s\n", who, what, queue_label());
	fflush(stdout);
}

// joined makes a client of an anonymous listener, whose peers handle requests.
static xpc_connection_t joined(dispatch_queue_t q, void (^request)(xpc_connection_t peer, xpc_object_t m))
{
	xpc_connection_t l = xpc_connection_create(NULL, NULL);
	xpc_connection_set_event_handler(l, ^(xpc_object_t peer) {
		if (xpc_get_type(peer) != XPC_TYPE_CONNECTION)
			return;
		xpc_connection_t p = (xpc_connection_t)peer;
		xpc_connection_set_event_handler(p, ^(xpc_object_t m) {
			say_event("peer", m);
			if (xpc_get_type(m) == XPC_TYPE_DICTIONARY)
				request(p, m);
		});
		xpc_connection_activate(p);
	});
	xpc_connection_activate(l);
	xpc_endpoint_t e = xpc_endpoint_create(l);
	xpc_connection_t c = xpc_connection_create_from_endpoint(e);
	xpc_release(e);
	if (q != NULL)
		xpc_connection_set_target_queue(c, q);
	xpc_connection_set_event_handler(c, ^(xpc_object_t ev) { say_event("client", ev); });
	xpc_connection_activate(c);
	return c;
}

static void ask(xpc_connection_t c, dispatch_queue_t q)
{
	xpc_object_t m = xpc_dictionary_create(NULL, NULL, 0);
	xpc_connection_send_message_with_reply(c, m, q, ^(xpc_object_t reply) { say_event("reply handler", reply); });
	xpc_release(m);
}

static void null_reply_queue(void)
{
	dispatch_queue_t q = dispatch_queue_create("the target queue", DISPATCH_QUEUE_SERIAL);
	xpc_connection_t c = joined(q, ^(xpc_connection_t p, xpc_object_t m) {
		xpc_object_t r = xpc_dictionary_create_reply(m);
		xpc_connection_send_message(p, r);
		xpc_release(r);
	});
	ask(c, NULL);
	sleep(1);
}

static void reply_twice(void)
{
	xpc_connection_t c = joined(NULL, ^(xpc_connection_t p, xpc_object_t m) {
		xpc_object_t r = xpc_dictionary_create_reply(m);
		xpc_connection_send_message(p, r);
		printf("the reply was sent once\n");
		fflush(stdout);
		xpc_connection_send_message(p, r);
		printf("the reply was sent twice\n");
		fflush(stdout);
	});
	ask(c, NULL);
	sleep(1);
	printf("alive one second later\n");
	fflush(stdout);
}

static void finalized(void *context)
{
	printf("the finalizer, with context %s, on queue %s\n", context == NULL ? "NULL" : (const char *)context, queue_label());
	fflush(stdout);
}

static void finalizer(const char *context)
{
	dispatch_queue_t q = dispatch_queue_create("the target queue", DISPATCH_QUEUE_SERIAL);
	xpc_connection_t c = xpc_connection_create(NULL, q);
	xpc_connection_set_event_handler(c, ^(xpc_object_t ev) { say_event("listener", ev); });
	if (context != NULL)
		xpc_connection_set_context(c, (void *)context);
	xpc_connection_set_finalizer_f(c, finalized);
	xpc_connection_activate(c);
	xpc_connection_cancel(c);
	usleep(200 * 1000);
	printf("release\n");
	fflush(stdout);
	xpc_release(c);
	printf("released\n");
	fflush(stdout);
	sleep(1);
}

static void finalizers(void)
{
	finalizer("a context");
	finalizer(NULL);
}

static void compare(const char *what, xpc_object_t a, xpc_object_t b)
{
	printf("%s: equal %d, hashes equal %d\n", what, xpc_equal(a, b), xpc_hash(a) == xpc_hash(b));
	fflush(stdout);
}

static void equality(void)
{
	xpc_object_t nan1 = xpc_double_create(NAN), nan2 = xpc_double_create(NAN);
	compare("NaN with itself", nan1, nan1);
	compare("two NaN of one bit pattern", nan1, nan2);
	compare("0.0 and -0.0", xpc_double_create(0.0), xpc_double_create(-0.0));
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *region = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_ANON | MAP_SHARED, -1, 0);
	xpc_object_t s1 = xpc_shmem_create(region, page), s2 = xpc_shmem_create(region, page);
	compare("shared memory with itself", s1, s1);
	compare("two shared memories of one region", s1, s2);
}
*/
import "C"

// NullReplyQueue is Q6: on which queue a reply handler runs that was given none.
func NullReplyQueue() { C.null_reply_queue() }

// ReplyTwice is Q8: one reply, sent twice.
func ReplyTwice() { C.reply_twice() }

// Finalizers is Q15: finalizers with and without a context.
func Finalizers() { C.finalizers() }

// Equality is Q16: xpc_equal and xpc_hash where nothing is documented.
func Equality() { C.equality() }
