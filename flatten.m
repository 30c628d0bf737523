//go:build (darwin && !ios) || xpcstandin

// From a received object to the flat form.

#include "flat.h"

#include <stdlib.h>
#include <string.h>

#define BIG_DATA (64 << 10)
#define MAX_FLAT UINT32_MAX // lengths are 32 bits wide

struct flat {
	uint8_t *bytes;
	size_t length, capacity, limit;
	size_t free_until; // the lower of the last two
	uintptr_t *resources;
	size_t count, room;
	int status;
	uint8_t *given_bytes;
	uintptr_t *given_resources;
};

// grow moves an array from the given place to the heap, or to a larger one.
static void *
grow(void *old, const void *given, size_t used, size_t *capacity, size_t need, size_t size)
{
	size_t n = *capacity;
	while (n < need)
		n *= 2;
	void *p = old == given ? malloc(n * size) : realloc(old, n * size);
	if (p == NULL)
		return NULL;
	if (old == given)
		memcpy(p, given, used * size);
	*capacity = n;
	return p;
}

static bool
more_room(struct flat *f, size_t n)
{
	if (f->status == XB_OK && n > f->limit - f->length)
		f->status = XB_SIZE;
	if (f->status != XB_OK)
		return false;
	if (n <= f->capacity - f->length)
		return true;
	void *p = grow(f->bytes, f->given_bytes, f->length, &f->capacity, f->length + n, 1);
	if (p == NULL) {
		f->status = XB_MEMORY;
		return false;
	}
	f->bytes = p;
	return true;
}

// room gives a place for n more bytes, NULL after a failure.
static inline uint8_t *
room(struct flat *f, size_t n)
{
	if (__builtin_expect(n > f->free_until - f->length, 0)) {
		if (!more_room(f, n))
			return NULL;
		f->free_until = f->capacity < f->limit ? f->capacity : f->limit;
	}
	uint8_t *p = f->bytes + f->length;
	f->length += n;
	return p;
}

static inline void
put_tag(struct flat *f, uint8_t tag)
{
	uint8_t *p = room(f, 1);
	if (p != NULL)
		*p = tag;
}

static inline void
put_fixed(struct flat *f, uint8_t tag, const void *v)
{
	uint8_t *p = room(f, 9);
	if (p != NULL) {
		p[0] = tag;
		memcpy(p + 1, v, 8);
	}
}

// copy is memcpy, without a call for most keys.
static inline void
copy(uint8_t *to, const uint8_t *from, size_t n)
{
	if (n >= 8 && n <= 16) {
		memcpy(to, from, 8);
		memcpy(to + n - 8, from + n - 8, 8);
	} else if (n >= 4 && n < 8) {
		memcpy(to, from, 4);
		memcpy(to + n - 4, from + n - 4, 4);
	} else if (n > 16) {
		memcpy(to, from, n);
	} else {
		while (n-- > 0)
			*to++ = *from++;
	}
}

// put_counted writes a tag, if it is not 0, a length, n bytes and, for texts, a NUL.
static inline void
put_counted(struct flat *f, uint8_t tag, const void *bytes, size_t n, size_t nul)
{
	size_t head = tag != 0 ? 5 : 4;
	uint32_t length = (uint32_t)n;
	uint8_t *p = room(f, n < MAX_FLAT ? head + n + nul : SIZE_MAX);
	if (p == NULL)
		return;
	*p = tag;
	p += head;
	memcpy(p - 4, &length, 4);
	copy(p, bytes, n);
	if (nul)
		p[n] = 0;
}

static inline void
put_text(struct flat *f, uint8_t tag, const char *s)
{
	put_counted(f, tag, s, s ? strlen(s) : 0, 1);
}

static void
put_resource(struct flat *f, uint8_t tag, xpc_object_t o)
{
	if (f->status != XB_OK)
		return;
	if (f->count == f->room) {
		void *p = grow(f->resources, f->given_resources, f->count, &f->room, f->count + 1, sizeof(uintptr_t));
		if (p == NULL) {
			f->status = XB_MEMORY;
			return;
		}
		f->resources = p;
	}
	uint32_t n = (uint32_t)f->count;
	uint8_t *p = room(f, 5);
	if (p == NULL)
		return;
	p[0] = tag;
	memcpy(p + 1, &n, 4);
	f->resources[f->count++] = (uintptr_t)o;
}

static void flatten(struct flat *f, xpc_object_t o, int depth);

// container opens an array or a dictionary; closed fills in its size and count.
static size_t
container(struct flat *f, uint8_t tag)
{
	uint8_t *p = room(f, 9);
	if (p != NULL)
		*p = tag;
	return f->length;
}

static void
closed(struct flat *f, size_t start, size_t count)
{
	if (f->status != XB_OK)
		return;
	uint32_t size = (uint32_t)(f->length - start), n = (uint32_t)count;
	memcpy(f->bytes + start - 8, &size, 4);
	memcpy(f->bytes + start - 4, &n, 4);
}

static void
flatten_dictionary(struct flat *f, xpc_object_t o, int depth)
{
	size_t start = container(f, TAG_DICTIONARY);
	__block size_t n = 0;
	xpc_dictionary_apply(o, ^bool(const char *key, xpc_object_t value) {
		put_text(f, 0, key);
		flatten(f, value, depth - 1);
		n++;
		return f->status == XB_OK;
	});
	closed(f, start, n);
}

static void
flatten_array(struct flat *f, xpc_object_t o, int depth)
{
	size_t start = container(f, TAG_ARRAY), n = xpc_array_get_count(o);
	for (size_t i = 0; i < n && f->status == XB_OK; i++)
		flatten(f, xpc_array_get_value(o, i), depth - 1);
	closed(f, start, n);
}

static void
flatten_data(struct flat *f, xpc_object_t o)
{
	size_t n = xpc_data_get_length(o);
	if (n >= BIG_DATA) {
		uint64_t length = n;
		put_resource(f, TAG_BIG_DATA, o);
		uint8_t *p = room(f, sizeof(length));
		if (p != NULL)
			memcpy(p, &length, sizeof(length));
		return;
	}
	put_counted(f, TAG_DATA, xpc_data_get_bytes_ptr(o), n, 0);
}

static void
flatten_other(struct flat *f, xpc_object_t o, xpc_type_t t)
{
	const char *name = xpc_type_get_name(t);
	char *text = xpc_copy_description(o);
	put_tag(f, TAG_UNSUPPORTED);
	put_text(f, 0, name);
	put_text(f, 0, text);
	free(text);
}

static void
flatten(struct flat *f, xpc_object_t o, int depth)
{
	xpc_type_t t = xpc_get_type(o);
	if (t == XPC_TYPE_STRING) {
		put_counted(f, TAG_STRING, xpc_string_get_string_ptr(o), xpc_string_get_length(o), 1);
	} else if (t == XPC_TYPE_INT64) {
		int64_t v = xpc_int64_get_value(o);
		put_fixed(f, TAG_INT64, &v);
	} else if (t == XPC_TYPE_UINT64) {
		uint64_t v = xpc_uint64_get_value(o);
		put_fixed(f, TAG_UINT64, &v);
	} else if (t == XPC_TYPE_BOOL) {
		put_tag(f, xpc_bool_get_value(o) ? TAG_TRUE : TAG_FALSE);
	} else if (t == XPC_TYPE_DATA) {
		flatten_data(f, o);
	} else if (t == XPC_TYPE_DICTIONARY || t == XPC_TYPE_ARRAY) {
		if (depth <= 0)
			f->status = XB_DEPTH;
		else if (t == XPC_TYPE_DICTIONARY)
			flatten_dictionary(f, o, depth);
		else
			flatten_array(f, o, depth);
	} else if (t == XPC_TYPE_DOUBLE) {
		double v = xpc_double_get_value(o);
		put_fixed(f, TAG_DOUBLE, &v);
	} else if (t == XPC_TYPE_DATE) {
		int64_t v = xpc_date_get_value(o);
		put_fixed(f, TAG_DATE, &v);
	} else if (t == XPC_TYPE_UUID) {
		uint8_t *p = room(f, 17);
		if (p != NULL) {
			p[0] = TAG_UUID;
			memcpy(p + 1, xpc_uuid_get_bytes(o), 16);
		}
	} else if (t == XPC_TYPE_NULL) {
		put_tag(f, TAG_NULL);
	} else if (t == XPC_TYPE_FD) {
		put_resource(f, TAG_FD, o);
	} else if (t == XPC_TYPE_SHMEM) {
		put_resource(f, TAG_SHMEM, o);
	} else if (t == XPC_TYPE_ENDPOINT) {
		put_resource(f, TAG_ENDPOINT, o);
	} else if (t == XPC_TYPE_ERROR) {
		put_text(f, TAG_ERROR, xpc_dictionary_get_string(o, XPC_ERROR_KEY_DESCRIPTION));
	} else {
		flatten_other(f, o, t);
	}
}

int
xb_flatten(uintptr_t object, size_t limit, bool release, uint8_t *bytes, size_t room, uintptr_t *resources,
	size_t resource_room, struct xb_flattened *out)
{
	struct flat f = {
		.bytes = bytes,
		.given_bytes = bytes,
		.capacity = room,
		.limit = limit < MAX_FLAT ? limit : MAX_FLAT,
		.resources = resources,
		.given_resources = resources,
		.room = resource_room,
		.status = XB_OK,
	};
	f.free_until = f.capacity < f.limit ? f.capacity : f.limit;
	flatten(&f, (xpc_object_t)object, XB_MAX_DEPTH);
	*out = (struct xb_flattened){
		.bytes = f.bytes == bytes ? 0 : (uintptr_t)f.bytes,
		.length = f.length,
		.resources = f.resources == resources ? 0 : (uintptr_t)f.resources,
		.count = f.count,
		.released = release && f.status == XB_OK && f.count == 0,
	};
	if (f.status != XB_OK) {
		xb_flattened_free(out);
		*out = (struct xb_flattened){0};
	}
	if (out->released)
		xb_release(object);
	return f.status;
}

void
xb_flattened_free(const struct xb_flattened *f)
{
	free((void *)f->bytes);
	free((void *)f->resources);
}
