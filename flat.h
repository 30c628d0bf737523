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
