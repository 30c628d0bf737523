// The C half of the native backend. Objects cross into Go as integers, never as
// pointers, and blocks hold integers ("handles") of Go's table, never Go pointers.

#ifndef GOXPC_BRIDGE_H
#define GOXPC_BRIDGE_H

// XPC objects are plain pointers here, retained and released by name: with the
// Objective-C default, a block in a .m file would retain what it captures on
// macOS and not on Linux, and other code would be tested than ships.
#undef OS_OBJECT_USE_OBJC
#define OS_OBJECT_USE_OBJC 0

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xpc/xpc.h>

// Outcomes of the calls that take a flat form.
enum {
	XB_OK = 0,
	XB_MALFORMED, // the flat form breaks its rules
	XB_FD,        // libxpc made no object of a descriptor
	XB_MEMORY,
	XB_DEPTH,
	XB_SIZE,
	XB_OWN_HANDLER, // synchronous send from the connection's own handler or barrier
};

// XB_MAX_DEPTH is wire.MaxDepth. Lower limits are the Go side's to check.
#define XB_MAX_DEPTH 256

// The kinds of driver.ResourceKind.
enum { XB_RESOURCE_FD = 1, XB_RESOURCE_ENDPOINT, XB_RESOURCE_SHMEM, XB_RESOURCE_DATA };

// A resource is what the flat form refers to by number.
struct xb_resource {
	int32_t kind;
	int32_t fd;
	uintptr_t object; // endpoint or shared memory
	const void *data; // big data
	uint64_t length;
};

// A payload is a flat form on its way to libxpc, package wire on the Go side. It
// comes as arguments: these may be Go memory, and need no pinning.
#define XB_PAYLOAD \
	const uint8_t *body, size_t length, const struct xb_resource *resources, size_t count

enum { XB_MESSAGE = 1, XB_PEER, XB_ERROR };

// What an event or an outcome is. In an event a message or an error is lent until the
// callback returns, and a peer is given; in an outcome either is given.
struct xb_event {
	int32_t kind;
	int32_t code;     // XB_ERROR: driver.ErrorCode
	uintptr_t object; // the message, the peer or the error; 0 for an empty outcome
	uintptr_t reply;  // the reply that is owed, if one is; Go writes back what is left of it
	bool empty;       // XB_MESSAGE: there is nothing in it
};

// What a synchronous send comes to. By value: Go then needs no memory for it that
// its collector has to look after.
struct xb_outcome {
	int status;
	struct xb_event event; // if status is XB_OK
};

// A flat form that C has made. It stands in the memory that was given for it or,
// where that was too small, at bytes and resources, which xb_flattened_free frees.
struct xb_flattened {
	uintptr_t bytes;
	size_t length;
	uintptr_t resources; // the objects that it refers to, not retained
	size_t count;
	bool released;
};

// A field of a dictionary, as xb_read_fields finds it.
struct xb_field {
	uint64_t value; // of fixed size, or where the bytes are
	uint32_t length;
	uint32_t found;
};

struct xb_credentials {
	uint32_t euid, egid;
	int32_t pid, asid;
};

// The Go functions that blocks call, exported by xpc_darwin.go.
int goxpcEvent(uintptr_t handle, struct xb_event *event);
int goxpcReply(uintptr_t handle, struct xb_event *event);
void goxpcRun(uintptr_t handle);
void goxpcFree(uintptr_t handle);
void goxpcFinalize(uintptr_t handle);
void goxpcMainPeer(uintptr_t peer);

// Connections.
uintptr_t xb_create(const char *name, uintptr_t queue);
uintptr_t xb_create_mach_service(const char *name, uintptr_t queue, uint64_t flags);
uintptr_t xb_create_from_endpoint(uintptr_t endpoint);
void xb_adopt(uintptr_t connection, uintptr_t handle);
uintptr_t xb_context(uintptr_t connection);
void xb_set_handler(uintptr_t connection, uintptr_t handle);
void xb_set_target_queue(uintptr_t connection, uintptr_t queue);
void xb_activate(uintptr_t connection);
void xb_suspend(uintptr_t connection);
void xb_resume(uintptr_t connection);
void xb_cancel(uintptr_t connection);
int xb_send(uintptr_t connection, XB_PAYLOAD);
int xb_reply(uintptr_t message, uintptr_t reply, XB_PAYLOAD);
void xb_send_barrier(uintptr_t connection, uintptr_t handle);
int xb_send_with_reply(uintptr_t connection, XB_PAYLOAD, uintptr_t queue, uintptr_t handle);
struct xb_outcome xb_send_with_reply_sync(uintptr_t connection, XB_PAYLOAD);
const char *xb_name(uintptr_t connection);
void xb_get_credentials(uintptr_t connection, struct xb_credentials *out);
uintptr_t xb_endpoint(uintptr_t connection);
char *xb_invalidation_reason(uintptr_t connection);
void xb_release_connection(uintptr_t connection);

// What libxpc answers to a peer requirement: 0, or anything else for an error.
// missing: this system lacks the call; bad: why the value could not be made.
int xb_require(uintptr_t connection, int kind, const char *text, XB_PAYLOAD, bool *missing, int *bad);

// Received dictionaries.

// xb_flatten writes the flat form of an object, up to a size. With release it gives
// the object back in the same call, if there is nothing in it that the form refers to.
int xb_flatten(uintptr_t object, size_t limit, bool release, uint8_t *bytes, size_t room, uintptr_t *resources,
	size_t resource_room, struct xb_flattened *out);
void xb_flattened_free(const struct xb_flattened *f);

// xb_read_fields reads the fields of a dictionary that keys names, up to a 0: for
// each a tag of package wire, how many bytes all this takes, and the key with its
// NUL. What is not there is not found. It gives the length of all strings and data,
// or less than 0 if a value has another type, or they are larger than the limit. The
// bytes are the dictionary's own.
int64_t xb_read_fields(uintptr_t dictionary, size_t limit, const uint8_t *keys, struct xb_field *fields);

// xb_error_text is the description in an error, which the error owns.
const char *xb_error_text(uintptr_t error);

// Objects.
void xb_release(uintptr_t object);
bool xb_equal(uintptr_t a, uintptr_t b);
int xb_dup_fd(uintptr_t fd);
void xb_data(uintptr_t data, const void **bytes, size_t *length);
uintptr_t xb_retain(uintptr_t object);
uintptr_t xb_shmem_create(void *region, size_t length);
size_t xb_shmem_map(uintptr_t shmem, void **region);
int xb_unmap(void *region, size_t length);

// For tests: an object of a payload, and what a reply handler makes of one.
uintptr_t xb_build(XB_PAYLOAD, int *status);
void xb_deliver(uintptr_t object, uintptr_t handle);

// Queues, the process.
uintptr_t xb_queue_create(const char *label, bool concurrent);
void xb_queue_async(uintptr_t queue, uintptr_t handle);
uintptr_t xb_queue_retain(uintptr_t queue);
void xb_queue_release(uintptr_t queue);
bool xb_main_thread(void);
void xb_main(void);
void xb_transaction_begin(void);
void xb_transaction_end(void);

// Counters of what is alive, for tests.
struct xb_counts {
	int64_t blocks, connections, objects;
};
void xb_counters(struct xb_counts *out);

#endif
