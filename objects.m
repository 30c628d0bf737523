//go:build (darwin && !ios) || xpcstandin

// From the flat form to objects.

#include "flat.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct reader {
	const uint8_t *p, *end;
	const struct xb_resource *resources;
	size_t count, next; // resources are used once each, in order
	int status;
};

static inline const uint8_t *
take(struct reader *r, size_t n)
{
	const uint8_t *p = r->p;
	if (__builtin_expect((size_t)(r->end - p) < n || r->status != XB_OK, 0)) {
		if (r->status == XB_OK)
			r->status = XB_MALFORMED;
		return NULL;
	}
	r->p = p + n;
	return p;
}

static inline bool
take_u32(struct reader *r, uint32_t *v)
{
	const uint8_t *p = take(r, 4);
	if (p != NULL)
		memcpy(v, p, 4);
	return p != NULL;
}

static inline uint64_t
take_u64(struct reader *r)
{
	uint64_t v = 0;
	const uint8_t *p = take(r, 8);
	if (p != NULL)
		memcpy(&v, p, 8);
	return v;
}

static inline bool
zero_in(uint64_t v)
{
	return ((v - 0x0101010101010101) & ~v & 0x8080808080808080) != 0;
}

// is_text tells whether the first NUL is that after n bytes.
static inline bool
is_text(const uint8_t *p, size_t n)
{
	uint64_t v;
	const uint8_t *end = p + n;
	if (*end != 0)
		return false;
	if (n < 8) {
		for (; p < end; p++)
			if (*p == 0)
				return false;
		return true;
	}
	for (; p < end - 8; p += 8) {
		memcpy(&v, p, 8);
		if (zero_in(v))
			return false;
	}
	memcpy(&v, end - 8, 8);
	return !zero_in(v);
}

static inline const char *
take_text(struct reader *r)
{
	uint32_t n;
	if (!take_u32(r, &n))
		return NULL;
	const uint8_t *p = take(r, (size_t)n + 1);
	if (p == NULL)
		return NULL;
	if (!is_text(p, n)) {
		r->status = XB_MALFORMED;
		return NULL;
	}
	return (const char *)p;
}

static const struct xb_resource *
take_resource(struct reader *r, uint8_t tag)
{
	static const int32_t kinds[] = {
		[TAG_FD] = XB_RESOURCE_FD,
		[TAG_ENDPOINT] = XB_RESOURCE_ENDPOINT,
		[TAG_SHMEM] = XB_RESOURCE_SHMEM,
		[TAG_BIG_DATA] = XB_RESOURCE_DATA,
	};
	uint32_t i;
	if (!take_u32(r, &i))
		return NULL;
	if (i != r->next || i >= r->count || r->resources[i].kind != kinds[tag]) {
		r->status = XB_MALFORMED;
		return NULL;
	}
	return &r->resources[r->next++];
}

static xpc_object_t build(struct reader *r, int depth);

static void build_array(struct reader *r, xpc_object_t a, uint32_t n, int depth);
static void build_entries(struct reader *r, xpc_object_t d, uint32_t n, int depth);

// build_container reads what follows the tag of an array or a dictionary.
static xpc_object_t
build_container(struct reader *r, uint8_t tag, int depth)
{
	uint32_t size, n;
	if (!take_u32(r, &size) || !take_u32(r, &n))
		return NULL;
	if (size > (size_t)(r->end - r->p))
		r->status = XB_MALFORMED;
	else if (depth <= 0)
		r->status = XB_DEPTH;
	if (r->status != XB_OK)
		return NULL;
	const uint8_t *outer = r->end, *end = r->p + size;
	r->end = end;
	xpc_object_t o;
	if (tag == TAG_ARRAY) {
		o = xpc_array_create(NULL, 0);
		build_array(r, o, n, depth);
	} else {
		o = xpc_dictionary_create(NULL, NULL, 0);
		build_entries(r, o, n, depth);
		if (r->status == XB_OK && xpc_dictionary_get_count(o) != n)
			r->status = XB_MALFORMED; // a key came twice
	}
	if (r->status == XB_OK && r->p != end)
		r->status = XB_MALFORMED;
	r->end = outer;
	if (r->status != XB_OK) {
		xpc_release(o);
		return NULL;
	}
	return o;
}

// It is not settled whether a bad descriptor gives NULL or an object without
// one (K-6).
static void
check_fd(struct reader *r, xpc_object_t o)
{
	int fd = xpc_fd_dup(o);
	if (fd < 0)
		r->status = XB_FD;
	else
		close(fd);
}

static xpc_object_t
build_resource(struct reader *r, uint8_t tag)
{
	const struct xb_resource *res = take_resource(r, tag);
	if (res == NULL)
		return NULL;
	xpc_object_t o = NULL;
	switch (tag) {
	case TAG_FD:
		o = xpc_fd_create(res->fd);
		if (o == NULL)
			r->status = XB_FD;
		else
			check_fd(r, o);
		break;
	case TAG_BIG_DATA:
		if (take_u64(r) != res->length)
			r->status = XB_MALFORMED;
		if (r->status == XB_OK)
			o = xpc_data_create(res->data, (size_t)res->length);
		break;
	default: // endpoint, shared memory
		o = xpc_retain((xpc_object_t)res->object);
	}
	return o;
}

static xpc_object_t
build_data(struct reader *r)
{
	uint32_t n;
	const uint8_t *p;
	if (!take_u32(r, &n) || (p = take(r, n)) == NULL)
		return NULL;
	return xpc_data_create(p, n);
}

static double
bits_to_double(uint64_t v)
{
	double d;
	memcpy(&d, &v, sizeof(d));
	return d;
}

// build makes one object, or sets the reader's status.
static xpc_object_t
build(struct reader *r, int depth)
{
	const uint8_t *p = take(r, 1);
	if (p == NULL)
		return NULL;
	uint64_t v;
	const char *s;
	switch (*p) {
	case TAG_NULL:
		return xpc_null_create();
	case TAG_FALSE:
		return xpc_bool_create(false);
	case TAG_TRUE:
		return xpc_bool_create(true);
	case TAG_INT64:
		v = take_u64(r);
		return r->status == XB_OK ? xpc_int64_create((int64_t)v) : NULL;
	case TAG_UINT64:
		v = take_u64(r);
		return r->status == XB_OK ? xpc_uint64_create(v) : NULL;
	case TAG_DOUBLE:
		v = take_u64(r);
		return r->status == XB_OK ? xpc_double_create(bits_to_double(v)) : NULL;
	case TAG_DATE:
		v = take_u64(r);
		return r->status == XB_OK ? xpc_date_create((int64_t)v) : NULL;
	case TAG_DATA:
		return build_data(r);
	case TAG_STRING:
		s = take_text(r);
		return s ? xpc_string_create(s) : NULL;
	case TAG_UUID:
		p = take(r, 16);
		return p ? xpc_uuid_create(p) : NULL;
	case TAG_ARRAY:
	case TAG_DICTIONARY:
		return build_container(r, *p, depth);
	case TAG_FD:
	case TAG_SHMEM:
	case TAG_ENDPOINT:
	case TAG_BIG_DATA:
		return build_resource(r, *p);
	}
	r->status = XB_MALFORMED;
	return NULL;
}

// The frequent types go through the primitive setters, which spare the program
// a reference to count.

static void
build_array(struct reader *r, xpc_object_t a, uint32_t n, int depth)
{
	for (; n > 0 && r->status == XB_OK; n--) {
		xpc_object_t o = build(r, depth - 1);
		if (o != NULL) {
			xpc_array_append_value(a, o);
			xpc_release(o);
		}
	}
}

static void
build_entry(struct reader *r, xpc_object_t d, const char *key, int depth)
{
	if (r->p == r->end) {
		r->status = XB_MALFORMED;
		return;
	}
	const uint8_t *start = r->p++, *p;
	const char *s;
	uint32_t n;
	uint64_t v;
	switch (*start) {
	case TAG_FALSE:
	case TAG_TRUE:
		xpc_dictionary_set_bool(d, key, *start == TAG_TRUE);
		return;
	case TAG_INT64:
		v = take_u64(r);
		if (r->status == XB_OK)
			xpc_dictionary_set_int64(d, key, (int64_t)v);
		return;
	case TAG_UINT64:
		v = take_u64(r);
		if (r->status == XB_OK)
			xpc_dictionary_set_uint64(d, key, v);
		return;
	case TAG_DOUBLE:
		v = take_u64(r);
		if (r->status == XB_OK)
			xpc_dictionary_set_double(d, key, bits_to_double(v));
		return;
	case TAG_DATE:
		v = take_u64(r);
		if (r->status == XB_OK)
			xpc_dictionary_set_date(d, key, (int64_t)v);
		return;
	case TAG_STRING:
		s = take_text(r);
		if (s != NULL)
			xpc_dictionary_set_string(d, key, s);
		return;
	case TAG_DATA:
		if (take_u32(r, &n) && (p = take(r, n)) != NULL)
			xpc_dictionary_set_data(d, key, p, n);
		return;
	case TAG_UUID:
		if ((p = take(r, 16)) != NULL)
			xpc_dictionary_set_uuid(d, key, p);
		return;
	}
	r->p = start;
	xpc_object_t o = build(r, depth - 1);
	if (o != NULL) {
		xpc_dictionary_set_value(d, key, o);
		xpc_release(o);
	}
}

static void
build_entries(struct reader *r, xpc_object_t d, uint32_t n, int depth)
{
	for (; n > 0 && r->status == XB_OK; n--) {
		const char *key = take_text(r);
		if (key != NULL)
			build_entry(r, d, key, depth);
	}
}

static void
reader_init(struct reader *r, const struct xb_payload *payload)
{
	r->p = r->end = payload->body;
	r->resources = payload->resources;
	r->count = payload->count;
	r->next = 0;
	r->status = XB_MALFORMED;
	if (payload->length > 0) {
		r->end += payload->length;
		r->status = XB_OK;
	}
}

xpc_object_t
xb_make(const struct xb_payload *payload, int *status)
{
	struct reader r;
	reader_init(&r, payload);
	xpc_object_t o = build(&r, XB_MAX_DEPTH);
	if (r.status == XB_OK && (r.p != r.end || r.next != r.count))
		r.status = XB_MALFORMED;
	if (r.status != XB_OK && o != NULL) {
		xpc_release(o);
		o = NULL;
	}
	*status = r.status;
	return o;
}

static int
fill(xpc_object_t d, const struct xb_payload *payload)
{
	struct reader r;
	uint32_t size, n;
	reader_init(&r, payload);
	const uint8_t *tag = take(&r, 1);
	if (tag == NULL || *tag != TAG_DICTIONARY || !take_u32(&r, &size) || !take_u32(&r, &n) ||
	    size != (size_t)(r.end - r.p))
		return XB_MALFORMED;
	build_entries(&r, d, n, XB_MAX_DEPTH);
	if (r.status == XB_OK && (r.p != r.end || r.next != r.count || xpc_dictionary_get_count(d) != n))
		r.status = XB_MALFORMED;
	return r.status;
}

// empty undoes a fill that failed, so that the reply can be tried again.
static void
empty(xpc_object_t d)
{
	while (xpc_dictionary_get_count(d) > 0) {
		__block char *key = NULL;
		xpc_dictionary_apply(d, ^bool(const char *k, xpc_object_t value) {
			(void)value;
			key = strdup(k);
			return false;
		});
		if (key == NULL)
			return;
		xpc_dictionary_set_value(d, key, NULL);
		free(key);
	}
}

int
xb_fill(xpc_object_t d, const struct xb_payload *payload)
{
	int status = fill(d, payload);
	if (status != XB_OK)
		empty(d);
	return status;
}
