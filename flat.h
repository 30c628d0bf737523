// The C half of package wire, where the form is described.

#ifndef GOXPC_FLAT_H
#define GOXPC_FLAT_H

#include "bridge.h"

// The tags of package wire.
enum {
	TAG_NULL = 1, TAG_FALSE, TAG_TRUE, TAG_INT64, TAG_UINT64, TAG_DOUBLE,
	TAG_DATE, TAG_DATA, TAG_STRING, TAG_UUID, TAG_FD, TAG_SHMEM, TAG_ARRAY,
	TAG_DICTIONARY, TAG_ENDPOINT, TAG_BIG_DATA, TAG_ERROR, TAG_UNSUPPORTED,
};

struct xb_flat {
	uint8_t *bytes;
	size_t length, capacity, limit;
	size_t free_until; // the lower of the last two
	uintptr_t *resources;
	size_t count, room;
	int status;
	uint8_t inline_bytes[1024];
	uintptr_t inline_resources[8];
};

// xb_flatten writes the flat form of an object; the resources in it are the
// object's own, not retained. f is initialised before and freed after.
void xb_flat_init(struct xb_flat *f);
void xb_flatten(struct xb_flat *f, xpc_object_t o);
void xb_flat_free(struct xb_flat *f);

struct xb_payload {
	const uint8_t *body;
	size_t length;
	const struct xb_resource *resources;
	size_t count;
};

// xb_make builds a whole payload; the caller releases the object.
xpc_object_t xb_make(const struct xb_payload *payload, int *status);

// xb_fill puts the entries of a payload into an empty dictionary, which is empty
// again if it fails.
int xb_fill(xpc_object_t d, const struct xb_payload *payload);

#endif
