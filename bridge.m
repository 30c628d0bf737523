//go:build (darwin && !ios) || xpcstandin

#define _GNU_SOURCE // RTLD_DEFAULT
#include "flat.h"

#include <Block.h>
#include <dispatch/dispatch.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __APPLE__
#include <pthread.h>
#else
#include <sys/syscall.h>
extern void *_NSConcreteStackBlock[32]; // Block.h of Linux leaves it out
#endif

// PAYLOAD is what a function got as XB_PAYLOAD.
#define PAYLOAD ((struct xb_payload){body, length, resources, count})

static _Atomic int64_t live_blocks, live_connections, live_objects;

void
xb_counters(struct xb_counts *out)
{
	out->blocks = atomic_load(&live_blocks);
	out->connections = atomic_load(&live_connections);
	out->objects = atomic_load(&live_objects);
}

// object counts one that Go holds from here on.
static uintptr_t
object(const void *o)
{
	if (o != NULL)
		atomic_fetch_add_explicit(&live_objects, 1, memory_order_relaxed);
	return (uintptr_t)o;
}

static uintptr_t
connection(xpc_connection_t c)
{
	if (c != NULL)
		atomic_fetch_add_explicit(&live_connections, 1, memory_order_relaxed);
	return (uintptr_t)c;
}

static void
object_gone(void)
{
	atomic_fetch_sub_explicit(&live_objects, 1, memory_order_relaxed);
}

// Blocks.

// A block that captures only an integer has no dispose helper when the compiler
// makes it, and the handle must go with the block, so these are laid out by
// hand after the public block ABI.
struct xb_descriptor {
	unsigned long reserved;
	unsigned long size;
	void (*copy)(void *to, const void *from);
	void (*dispose)(const void *block);
};

struct xb_block {
	void *isa;
	int32_t flags;
	int32_t reserved;
	void (*invoke)(void);
	const struct xb_descriptor *descriptor;
	uintptr_t handle;
	uintptr_t connection; // to recognise a call from its own handler; not retained
};

#define XB_BLOCK_HAS_COPY_DISPOSE (1 << 25)

static void
block_copied(void *to, const void *from)
{
	(void)to, (void)from;
	atomic_fetch_add_explicit(&live_blocks, 1, memory_order_relaxed);
}

// Runs wherever the last reference goes, also inside a call of ours into libxpc.
static void
block_disposed(const void *block)
{
	goxpcFree(((const struct xb_block *)block)->handle);
	atomic_fetch_sub_explicit(&live_blocks, 1, memory_order_relaxed);
}

static const struct xb_descriptor block_descriptor = {
	0, sizeof(struct xb_block), block_copied, block_disposed,
};

// new_block moves the block to the heap here, so that there is one of it however
// often libxpc copies, and its handle is freed once. The caller releases it.
static void *
new_block(void (*invoke)(void), uintptr_t handle, uintptr_t connection)
{
	struct xb_block b = {
		.isa = &_NSConcreteStackBlock,
		.flags = XB_BLOCK_HAS_COPY_DISPOSE,
		.invoke = invoke,
		.descriptor = &block_descriptor,
		.handle = handle,
		.connection = connection,
	};
	return _Block_copy(&b);
}

// Events.

// The connections whose event handlers or barriers this thread is inside of.
struct frame {
	uintptr_t connection;
	struct frame *outer;
};
static __thread struct frame *handlers;

static int32_t
error_code(xpc_object_t e)
{
	if (e == (xpc_object_t)XPC_ERROR_CONNECTION_INVALID)
		return 2;
	if (e == (xpc_object_t)XPC_ERROR_TERMINATION_IMMINENT)
		return 3;
	if (e == (xpc_object_t)XPC_ERROR_PEER_CODE_SIGNING_REQUIREMENT)
		return 4;
	return 1; // interrupted, and whatever a later system may add: not the last event
}

// describe tells what an object is.
static struct xb_event
describe(xpc_object_t o)
{
	xpc_type_t t = xpc_get_type(o);
	struct xb_event ev = {.kind = XB_MESSAGE, .object = (uintptr_t)o};
	if (t == XPC_TYPE_CONNECTION) {
		ev.kind = XB_PEER;
	} else if (t == XPC_TYPE_ERROR) {
		ev.kind = XB_ERROR;
		ev.code = error_code(o);
	} else {
		ev.empty = t == XPC_TYPE_DICTIONARY && xpc_dictionary_get_count(o) == 0;
	}
	return ev;
}

// deliver describes an object to f. libxpc holds it meanwhile: Go retains a message
// that it keeps, and is given the peer.
static void
deliver(xpc_object_t o, bool request, uintptr_t handle, int (*f)(uintptr_t, struct xb_event *))
{
	struct xb_event ev = describe(o);
	if (ev.kind == XB_PEER)
		connection((xpc_connection_t)xpc_retain(o));
	else if (request && ev.kind == XB_MESSAGE)
		ev.reply = object(xpc_dictionary_create_reply(o));
	if (!f(handle, &ev) && ev.reply != 0)
		xb_release(ev.reply);
}

const char *
xb_error_text(uintptr_t error)
{
	return xpc_dictionary_get_string((xpc_object_t)error, XPC_ERROR_KEY_DESCRIPTION);
}

static void
invoke_event(struct xb_block *b, xpc_object_t o)
{
	struct frame here = {b->connection, handlers};
	handlers = &here;
	deliver(o, true, b->handle, goxpcEvent);
	// Nothing of b from here on: its last reference may be gone.
	handlers = here.outer;
}

static void
invoke_reply(struct xb_block *b, xpc_object_t o)
{
	deliver(o, false, b->handle, goxpcReply);
}

// A barrier, or a function on a queue, which has no connection.
static void
invoke_function(struct xb_block *b)
{
	struct frame here = {b->connection, handlers};
	handlers = &here;
	goxpcRun(b->handle);
	handlers = here.outer;
}

static void
finalize(void *context)
{
	goxpcFinalize((uintptr_t)context);
}

// Connections.

uintptr_t
xb_create(const char *name, uintptr_t queue)
{
	return connection(xpc_connection_create(name, (dispatch_queue_t)queue));
}

uintptr_t
xb_create_mach_service(const char *name, uintptr_t queue, uint64_t flags)
{
	return connection(xpc_connection_create_mach_service(name, (dispatch_queue_t)queue, flags));
}

uintptr_t
xb_create_from_endpoint(uintptr_t endpoint)
{
	return connection(xpc_connection_create_from_endpoint((xpc_endpoint_t)endpoint));
}

// xb_adopt ties the Go half to a connection, new or received.
void
xb_adopt(uintptr_t c, uintptr_t handle)
{
	xpc_connection_set_context((xpc_connection_t)c, (void *)handle);
	xpc_connection_set_finalizer_f((xpc_connection_t)c, finalize);
}

uintptr_t
xb_context(uintptr_t c)
{
	return (uintptr_t)xpc_connection_get_context((xpc_connection_t)c);
}

void
xb_set_handler(uintptr_t c, uintptr_t handle)
{
	void *b = new_block((void (*)(void))invoke_event, handle, c);
	xpc_connection_set_event_handler((xpc_connection_t)c, (xpc_handler_t)b);
	_Block_release(b);
}

void
xb_set_target_queue(uintptr_t c, uintptr_t queue)
{
	xpc_connection_set_target_queue((xpc_connection_t)c, (dispatch_queue_t)queue);
}

void
xb_activate(uintptr_t c)
{
	xpc_connection_activate((xpc_connection_t)c);
}

void
xb_suspend(uintptr_t c)
{
	xpc_connection_suspend((xpc_connection_t)c);
}

void
xb_resume(uintptr_t c)
{
	xpc_connection_resume((xpc_connection_t)c);
}

void
xb_cancel(uintptr_t c)
{
	xpc_connection_cancel((xpc_connection_t)c);
}

int
xb_send(uintptr_t c, XB_PAYLOAD)
{
	int status;
	xpc_object_t m = xb_make(&PAYLOAD, &status);
	if (m == NULL)
		return status;
	xpc_connection_send_message((xpc_connection_t)c, m);
	xpc_release(m);
	return XB_OK;
}

int
xb_reply(uintptr_t message, uintptr_t reply, XB_PAYLOAD)
{
	int status = xb_fill((xpc_object_t)reply, &PAYLOAD);
	if (status != XB_OK)
		return status;
	xpc_connection_t remote = xpc_dictionary_get_remote_connection((xpc_object_t)message);
	if (remote != NULL)
		xpc_connection_send_message(remote, (xpc_object_t)reply);
	xb_release(reply);
	return XB_OK;
}

void
xb_send_barrier(uintptr_t c, uintptr_t handle)
{
	void *b = new_block((void (*)(void))invoke_function, handle, c);
	xpc_connection_send_barrier((xpc_connection_t)c, (dispatch_block_t)b);
	_Block_release(b);
}

// The handle is freed with the block, also when nothing is sent.
int
xb_send_with_reply(uintptr_t c, XB_PAYLOAD, uintptr_t queue, uintptr_t handle)
{
	int status;
	void *b = new_block((void (*)(void))invoke_reply, handle, c);
	xpc_object_t m = xb_make(&PAYLOAD, &status);
	if (m != NULL) {
		xpc_connection_send_message_with_reply((xpc_connection_t)c, m, (dispatch_queue_t)queue, (xpc_handler_t)b);
		xpc_release(m);
	}
	_Block_release(b);
	return status;
}

struct xb_outcome
xb_send_with_reply_sync(uintptr_t c, XB_PAYLOAD)
{
	struct xb_outcome out = {XB_OWN_HANDLER, {0}};
	for (struct frame *f = handlers; f != NULL; f = f->outer)
		if (f->connection == c)
			return out;
	xpc_object_t m = xb_make(&PAYLOAD, &out.status);
	if (m == NULL)
		return out;
	xpc_object_t reply = xpc_connection_send_message_with_reply_sync((xpc_connection_t)c, m);
	xpc_release(m);
	out.event = describe(reply);
	if (out.event.empty) {
		xpc_release(reply);
		out.event.object = 0;
	} else {
		object(reply);
	}
	return out;
}

const char *
xb_name(uintptr_t c)
{
	return xpc_connection_get_name((xpc_connection_t)c);
}

void
xb_get_credentials(uintptr_t c, struct xb_credentials *out)
{
	out->pid = xpc_connection_get_pid((xpc_connection_t)c);
	out->euid = xpc_connection_get_euid((xpc_connection_t)c);
	out->egid = xpc_connection_get_egid((xpc_connection_t)c);
	out->asid = xpc_connection_get_asid((xpc_connection_t)c);
}

uintptr_t
xb_endpoint(uintptr_t c)
{
	return object(xpc_endpoint_create((xpc_connection_t)c));
}

void
xb_release_connection(uintptr_t c)
{
	xpc_release((xpc_object_t)c);
	atomic_fetch_sub_explicit(&live_connections, 1, memory_order_relaxed);
}

// Calls newer than the oldest system are looked up, and typed by the header's
// own declaration so that the compiler checks how they are called.

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunguarded-availability-new"
#define LOOKUP(function) \
	__typeof__(function) *call = (__typeof__(function) *)dlsym(RTLD_DEFAULT, #function)

char *
xb_invalidation_reason(uintptr_t c)
{
	LOOKUP(xpc_connection_copy_invalidation_reason);
	return call ? call((xpc_connection_t)c) : NULL;
}

static int
require_code_signing(xpc_connection_t c, const char *text, bool *missing)
{
	LOOKUP(xpc_connection_set_peer_code_signing_requirement);
	*missing = call == NULL;
	return call ? call(c, text) : 0;
}

static int
require_entitlement(xpc_connection_t c, const char *name, bool *missing)
{
	LOOKUP(xpc_connection_set_peer_entitlement_exists_requirement);
	*missing = call == NULL;
	return call ? call(c, name) : 0;
}

static int
require_entitlement_value(xpc_connection_t c, const char *name, xpc_object_t value, bool *missing)
{
	LOOKUP(xpc_connection_set_peer_entitlement_matches_value_requirement);
	*missing = call == NULL;
	return call ? call(c, name, value) : 0;
}

static int
require_team(xpc_connection_t c, const char *identifier, bool *missing)
{
	LOOKUP(xpc_connection_set_peer_team_identity_requirement);
	*missing = call == NULL;
	return call ? call(c, identifier) : 0;
}

static int
require_platform(xpc_connection_t c, const char *identifier, bool *missing)
{
	LOOKUP(xpc_connection_set_peer_platform_identity_requirement);
	*missing = call == NULL;
	return call ? call(c, identifier) : 0;
}

static int
require_lightweight(xpc_connection_t c, xpc_object_t requirement, bool *missing)
{
	LOOKUP(xpc_connection_set_peer_lightweight_code_requirement);
	*missing = call == NULL;
	return call ? call(c, requirement) : 0;
}
#pragma clang diagnostic pop

// The kinds are those of driver.RequirementKind.
int
xb_require(uintptr_t connection, int kind, const char *text, XB_PAYLOAD, bool *missing, int *bad)
{
	xpc_connection_t c = (xpc_connection_t)connection;
	xpc_object_t v = NULL;
	int status = 0;
	if (length > 0 && (v = xb_make(&PAYLOAD, bad)) == NULL)
		return 0;
	switch (kind) {
	case 1:
		status = require_code_signing(c, text, missing);
		break;
	case 2:
		status = require_entitlement(c, text, missing);
		break;
	case 3:
		status = require_entitlement_value(c, text, v, missing);
		break;
	case 4:
		status = require_team(c, text, missing);
		break;
	case 5:
		status = require_platform(c, text, missing);
		break;
	case 6:
		status = require_lightweight(c, v, missing);
		break;
	}
	if (v != NULL)
		xpc_release(v);
	return status;
}

// Objects.

uintptr_t
xb_build(XB_PAYLOAD, int *status)
{
	return object(xb_make(&PAYLOAD, status));
}

void
xb_deliver(uintptr_t o, uintptr_t handle)
{
	deliver((xpc_object_t)o, false, handle, goxpcReply);
}

void
xb_release(uintptr_t o)
{
	xpc_release((xpc_object_t)o);
	object_gone();
}

uintptr_t
xb_retain(uintptr_t o)
{
	return object(xpc_retain((xpc_object_t)o));
}

bool
xb_equal(uintptr_t a, uintptr_t b)
{
	return xpc_equal((xpc_object_t)a, (xpc_object_t)b);
}

int
xb_dup_fd(uintptr_t fd)
{
	return xpc_fd_dup((xpc_object_t)fd);
}

void
xb_data(uintptr_t data, const void **bytes, size_t *length)
{
	*bytes = xpc_data_get_bytes_ptr((xpc_object_t)data);
	*length = xpc_data_get_length((xpc_object_t)data);
}

uintptr_t
xb_shmem_create(void *region, size_t length)
{
	return object(xpc_shmem_create(region, length));
}

size_t
xb_shmem_map(uintptr_t shmem, void **region)
{
	return xpc_shmem_map((xpc_object_t)shmem, region);
}

int
xb_unmap(void *region, size_t length)
{
	return munmap(region, length);
}

// Queues, the process.

uintptr_t
xb_queue_create(const char *label, bool concurrent)
{
	dispatch_queue_attr_t kind = DISPATCH_QUEUE_SERIAL;
	if (concurrent)
		kind = DISPATCH_QUEUE_CONCURRENT;
	return object(dispatch_queue_create(label, kind));
}

void
xb_queue_async(uintptr_t queue, uintptr_t handle)
{
	void *b = new_block((void (*)(void))invoke_function, handle, 0);
	dispatch_async((dispatch_queue_t)queue, (dispatch_block_t)b);
	_Block_release(b);
}

uintptr_t
xb_queue_retain(uintptr_t queue)
{
	dispatch_retain((dispatch_queue_t)queue);
	return object((void *)queue);
}

void
xb_queue_release(uintptr_t queue)
{
	dispatch_release((dispatch_queue_t)queue);
	object_gone();
}

bool
xb_main_thread(void)
{
#ifdef __APPLE__
	return pthread_main_np() != 0;
#else
	return syscall(SYS_gettid) == getpid();
#endif
}

static void
main_peer(xpc_connection_t peer)
{
	goxpcMainPeer(connection((xpc_connection_t)xpc_retain(peer)));
}

void
xb_main(void)
{
	xpc_main(main_peer);
}

void
xb_transaction_begin(void)
{
	xpc_transaction_begin();
}

void
xb_transaction_end(void)
{
	xpc_transaction_end();
}
