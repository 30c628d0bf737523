// A libFuzzer driver for the C half of the flat form: any bytes either become an
// object that has the very same flat form again, or are refused.
//
//	objects corpus …
//
// Input: how many resources (by 8), a kind for each, then the flat form.

#include "../../../flat.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST 8

// That of bridge.m counts, for Go.
void
xb_release(uintptr_t object)
{
	xpc_release((xpc_object_t)object);
}

static struct xb_resource table[4]; // one of each kind
static uint8_t large[MOST];

static void
prepare(void)
{
	long page = sysconf(_SC_PAGESIZE);
	void *region = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	xpc_connection_t listener = xpc_connection_create(NULL, NULL);
	xpc_connection_set_event_handler(listener, ^(xpc_object_t event) {
		(void)event;
	});
	xpc_connection_activate(listener);
	table[0] = (struct xb_resource){.kind = XB_RESOURCE_FD, .fd = open("/dev/null", O_RDONLY)};
	table[1] = (struct xb_resource){.kind = XB_RESOURCE_ENDPOINT, .object = (uintptr_t)xpc_endpoint_create(listener)};
	table[2] = (struct xb_resource){.kind = XB_RESOURCE_SHMEM, .object = (uintptr_t)xpc_shmem_create(region, (size_t)page)};
	table[3] = (struct xb_resource){.kind = XB_RESOURCE_DATA, .data = large};
}

// flat is a flat form, in memory of its own.
struct flat {
	uint8_t *bytes;
	size_t length;
	uintptr_t *resources;
	size_t count;
};

// flatten_into gives C rooms of these sizes, at whose ends the sanitizer watches.
static int
flatten_into(xpc_object_t o, size_t limit, size_t room, size_t resource_room, struct flat *f)
{
	uint8_t *bytes = malloc(room);
	uintptr_t *resources = malloc(resource_room * sizeof(*resources));
	struct xb_flattened out;
	int status = xb_flatten((uintptr_t)o, limit, false, bytes, room, resources, resource_room, &out);
	if (status != XB_OK && (out.bytes != 0 || out.resources != 0 || out.length != 0 || out.count != 0))
		abort();
	*f = (struct flat){malloc(out.length + 1), out.length, calloc(out.count + 1, sizeof(uintptr_t)), out.count};
	memcpy(f->bytes, out.bytes ? (void *)out.bytes : bytes, out.length);
	memcpy(f->resources, out.resources ? (void *)out.resources : resources, out.count * sizeof(uintptr_t));
	xb_flattened_free(&out);
	free(bytes);
	free(resources);
	return status;
}

static void
drop(struct flat *f)
{
	free(f->bytes);
	free(f->resources);
}

// again builds what was flattened, of the objects that it refers to.
static xpc_object_t
again(const struct flat *f, int *status)
{
	struct xb_resource *resources = calloc(f->count + 1, sizeof(*resources));
	int *fds = calloc(f->count + 1, sizeof(*fds));
	for (size_t i = 0; i < f->count; i++) {
		xpc_object_t o = (xpc_object_t)f->resources[i];
		xpc_type_t t = xpc_get_type(o);
		fds[i] = -1;
		if (t == XPC_TYPE_FD)
			resources[i] = (struct xb_resource){.kind = XB_RESOURCE_FD, .fd = fds[i] = xpc_fd_dup(o)};
		else if (t == XPC_TYPE_ENDPOINT)
			resources[i] = (struct xb_resource){.kind = XB_RESOURCE_ENDPOINT, .object = (uintptr_t)o};
		else if (t == XPC_TYPE_SHMEM)
			resources[i] = (struct xb_resource){.kind = XB_RESOURCE_SHMEM, .object = (uintptr_t)o};
		else
			resources[i] = (struct xb_resource){.kind = XB_RESOURCE_DATA, .data = xpc_data_get_bytes_ptr(o), .length = xpc_data_get_length(o)};
	}
	struct xb_payload p = {.body = f->bytes, .length = f->length, .resources = resources, .count = f->count};
	xpc_object_t o = xb_make(&p, status);
	for (size_t i = 0; i < f->count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(fds);
	free(resources);
	return o;
}

static bool
alike(const struct flat *a, const struct flat *b)
{
	return a->length == b->length && a->count == b->count && memcmp(a->bytes, b->bytes, a->length) == 0;
}

// limited flattens under limits that the form is beyond, and just within.
static void
limited(xpc_object_t o, size_t length)
{
	struct flat f;
	for (size_t limit = 0; limit < length; limit += 1 + limit / 8) {
		if (flatten_into(o, limit, 16, 1, &f) != XB_SIZE)
			abort();
		drop(&f);
	}
	if (flatten_into(o, length, 16, 1, &f) != XB_OK || f.length != length)
		abort();
	drop(&f);
}

static void
check(xpc_object_t o)
{
	struct flat a, b;
	// Room enough, or so little that some forms fit and some do not.
	if (flatten_into(o, SIZE_MAX, 4096, MOST, &a) != XB_OK)
		abort();
	int status;
	xpc_object_t p = again(&a, &status);
	if (p == NULL)
		abort();
	if (flatten_into(p, SIZE_MAX, 64, 2, &b) != XB_OK || !alike(&a, &b))
		abort();
	if (a.count == 0 && !xpc_equal(o, p))
		abort();
	limited(o, a.length);
	xpc_release(p);
	drop(&a);
	drop(&b);
}

// fill puts the same payload into a reply: all of it, or nothing.
static void
fill(const struct xb_payload *payload, bool made)
{
	xpc_object_t d = xpc_dictionary_create(NULL, NULL, 0);
	int status = xb_fill(d, payload);
	if (status != XB_OK && xpc_dictionary_get_count(d) != 0)
		abort();
	if ((status == XB_OK) != made)
		abort();
	xpc_release(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static bool ready;
	if (!ready)
		prepare();
	ready = true;
	struct xb_resource resources[MOST];
	struct xb_payload p = {.resources = resources};
	if (length > 0) {
		p.count = bytes[0] % MOST;
		bytes++, length--;
	}
	if (length < p.count)
		return 0;
	for (size_t i = 0; i < p.count; i++) {
		resources[i] = table[bytes[i] % 4];
		if (resources[i].kind == XB_RESOURCE_DATA)
			resources[i].length = i;
	}
	// At the end of memory of its own, so that a read past it is found.
	p.length = length - p.count;
	uint8_t *body = malloc(p.length + 1);
	memcpy(body, bytes + p.count, p.length);
	p.body = realloc(body, p.length > 0 ? p.length : 1);
	int status = -1;
	xpc_object_t o = xb_make(&p, &status);
	if ((o != NULL) != (status == XB_OK))
		abort();
	if (o != NULL)
		check(o);
	fill(&p, o != NULL && xpc_get_type(o) == XPC_TYPE_DICTIONARY);
	if (o != NULL)
		xpc_release(o);
	free((void *)p.body);
	return 0;
}
