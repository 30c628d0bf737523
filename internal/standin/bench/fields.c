//go:build cgo && xpcstandin

#include "fields.h"

#include <stdlib.h>
#include <string.h>

struct record {
	const char *a0;
	int64_t a1;
	uint64_t a2;
	bool a3;
	const char *b0;
	int64_t b1;
	uint64_t b2;
	double b3;
	const char *c0;
	int64_t c1;
	uint8_t c2[16];
	const void *c3;
	size_t c3_length;
	const char *d0;
	int64_t d1;
	int64_t d2;
	bool d3;
};

struct small {
	const char *name;
	int64_t id;
	uint64_t size;
	bool on;
};

struct nested {
	int64_t id;
	struct small user, items[3];
	const char *tags[4];
};

static const struct record record = {
	"a string", -1, 2, true, "another string", 5, 6, 7.5, "x", 1700000000000000005, {1, 2, 3}, "some data", 9,
	"the last string", 1000000000, -9, true,
};
static const struct small small = {"name", 1, 2, true};
static const char *const tags[] = {"red", "green", "blue", "a longer tag"};

#define PUT(d, r, p) \
	do { \
		xpc_dictionary_set_string(d, p "a0", (r)->a0); \
		xpc_dictionary_set_int64(d, p "a1", (r)->a1); \
		xpc_dictionary_set_uint64(d, p "a2", (r)->a2); \
		xpc_dictionary_set_bool(d, p "a3", (r)->a3); \
		xpc_dictionary_set_string(d, p "b0", (r)->b0); \
		xpc_dictionary_set_int64(d, p "b1", (r)->b1); \
		xpc_dictionary_set_uint64(d, p "b2", (r)->b2); \
		xpc_dictionary_set_double(d, p "b3", (r)->b3); \
		xpc_dictionary_set_string(d, p "c0", (r)->c0); \
		xpc_dictionary_set_date(d, p "c1", (r)->c1); \
		xpc_dictionary_set_uuid(d, p "c2", (r)->c2); \
		xpc_dictionary_set_data(d, p "c3", (r)->c3, (r)->c3_length); \
		xpc_dictionary_set_string(d, p "d0", (r)->d0); \
		xpc_dictionary_set_int64(d, p "d1", (r)->d1); \
		xpc_dictionary_set_int64(d, p "d2", (r)->d2); \
		xpc_dictionary_set_bool(d, p "d3", (r)->d3); \
	} while (0)

#define TAKE(d, r, p) \
	do { \
		(r)->a0 = xpc_dictionary_get_string(d, p "a0"); \
		(r)->a1 = xpc_dictionary_get_int64(d, p "a1"); \
		(r)->a2 = xpc_dictionary_get_uint64(d, p "a2"); \
		(r)->a3 = xpc_dictionary_get_bool(d, p "a3"); \
		(r)->b0 = xpc_dictionary_get_string(d, p "b0"); \
		(r)->b1 = xpc_dictionary_get_int64(d, p "b1"); \
		(r)->b2 = xpc_dictionary_get_uint64(d, p "b2"); \
		(r)->b3 = xpc_dictionary_get_double(d, p "b3"); \
		(r)->c0 = xpc_dictionary_get_string(d, p "c0"); \
		(r)->c1 = xpc_dictionary_get_date(d, p "c1"); \
		const uint8_t *uuid = xpc_dictionary_get_uuid(d, p "c2"); \
		if (uuid != NULL) \
			memcpy((r)->c2, uuid, 16); \
		(r)->c3 = xpc_dictionary_get_data(d, p "c3", &(r)->c3_length); \
		(r)->d0 = xpc_dictionary_get_string(d, p "d0"); \
		(r)->d1 = xpc_dictionary_get_int64(d, p "d1"); \
		(r)->d2 = xpc_dictionary_get_int64(d, p "d2"); \
		(r)->d3 = xpc_dictionary_get_bool(d, p "d3"); \
	} while (0)

static void
put_small(xpc_object_t d, const struct small *r)
{
	xpc_dictionary_set_string(d, "name", r->name);
	xpc_dictionary_set_int64(d, "id", r->id);
	xpc_dictionary_set_uint64(d, "size", r->size);
	xpc_dictionary_set_bool(d, "on", r->on);
}

static void
take_small(xpc_object_t d, struct small *r)
{
	r->name = xpc_dictionary_get_string(d, "name");
	r->id = xpc_dictionary_get_int64(d, "id");
	r->size = xpc_dictionary_get_uint64(d, "size");
	r->on = xpc_dictionary_get_bool(d, "on");
}

static void
put_nested(xpc_object_t d)
{
	xpc_dictionary_set_int64(d, "id", 7);
	xpc_object_t user = xpc_dictionary_create(NULL, NULL, 0);
	put_small(user, &small);
	xpc_dictionary_set_value(d, "user", user);
	xpc_release(user);
	xpc_object_t items = xpc_array_create(NULL, 0);
	for (int i = 0; i < 3; i++) {
		xpc_object_t item = xpc_dictionary_create(NULL, NULL, 0);
		put_small(item, &small);
		xpc_array_append_value(items, item);
		xpc_release(item);
	}
	xpc_dictionary_set_value(d, "items", items);
	xpc_release(items);
	xpc_object_t list = xpc_array_create(NULL, 0);
	for (int i = 0; i < 4; i++)
		xpc_array_set_string(list, XPC_ARRAY_APPEND, tags[i]);
	xpc_dictionary_set_value(d, "tags", list);
	xpc_release(list);
}

static void
take_nested(xpc_object_t d, struct nested *r)
{
	r->id = xpc_dictionary_get_int64(d, "id");
	take_small(xpc_dictionary_get_dictionary(d, "user"), &r->user);
	xpc_object_t items = xpc_dictionary_get_array(d, "items");
	for (size_t i = 0, n = xpc_array_get_count(items); i < n && i < 3; i++)
		take_small(xpc_array_get_dictionary(items, i), &r->items[i]);
	xpc_object_t list = xpc_dictionary_get_array(d, "tags");
	for (size_t i = 0, n = xpc_array_get_count(list); i < n && i < 4; i++)
		r->tags[i] = xpc_array_get_string(list, i);
}

// opaque keeps the compiler from leaving out what nobody reads.
#define opaque(p) __asm__ volatile("" : : "r"(p) : "memory")

void
cf_encode(int shape, size_t n)
{
	for (; n > 0; n--) {
		const struct record *r = &record;
		opaque(r);
		xpc_object_t d = xpc_dictionary_create(NULL, NULL, 0);
		switch (shape) {
		case SHAPE_4:
			put_small(d, &small);
			break;
		case SHAPE_64:
			PUT(d, r, "x_");
			PUT(d, r, "y_");
			PUT(d, r, "z_"); // fall through
		case SHAPE_16:
			PUT(d, r, "");
			break;
		default:
			put_nested(d);
		}
		xpc_release(d);
	}
}

void
cf_decode(int shape, xpc_object_t d, size_t n)
{
	for (; n > 0; n--) {
		struct record r[4];
		struct small s;
		struct nested t;
		switch (shape) {
		case SHAPE_4:
			take_small(d, &s);
			break;
		case SHAPE_64: {
			{ TAKE(d, &r[1], "x_"); }
			{ TAKE(d, &r[2], "y_"); }
			{ TAKE(d, &r[3], "z_"); }
		} // fall through
		case SHAPE_16: {
			TAKE(d, &r[0], "");
			break;
		}
		default:
			take_nested(d, &t);
		}
		opaque(r);
		opaque(&s);
		opaque(&t);
	}
}

void benchReceived(uintptr_t handle, xpc_object_t d);

void
cf_deliver(xpc_object_t d, uintptr_t handle, size_t n)
{
	for (; n > 0; n--)
		benchReceived(handle, d);
}
