//go:build (darwin && !ios) || xpcstandin

// Single fields of a received dictionary.

#include "flat.h"

#include <string.h>

// A reader reads the field that keys names, and calls the reader of the next one. It
// gives what is left of the bytes that strings and data may have, or less than 0. (A
// loop with a switch is slower: from one place that all fields come by, a processor
// does not foresee well where it goes on.)
typedef int64_t reader(xpc_object_t d, const uint8_t *keys, struct xb_field *f, int64_t left);

static reader *const readers[TAG_UUID + 1];

#if __has_attribute(musttail)
#define TAIL_CALL __attribute__((musttail)) return
#else
#define TAIL_CALL return
#endif

#define KEY ((const char *)keys + 2)
#define NEXT TAIL_CALL readers[keys[keys[1]]](d, keys + keys[1], f + 1, left)

// fits tells whether a value is missing or of its type, where the getter gave what it
// gives for a missing one (row 291).
static bool
fits(xpc_object_t d, const uint8_t *keys, xpc_type_t type, struct xb_field *f)
{
	xpc_object_t v = xpc_dictionary_get_value(d, KEY);
	f->found = v != NULL;
	return v == NULL || xpc_get_type(v) == type;
}

// READER reads a value of fixed size. It is sure of one that the getter does not give
// for a missing key, or for another type.
#define READER(name, type, get, sure) \
	static int64_t \
	name(xpc_object_t d, const uint8_t *keys, struct xb_field *f, int64_t left) \
	{ \
		uint64_t v = get; \
		f->value = v; \
		f->found = true; \
		if (__builtin_expect(!(sure), 0) && !fits(d, keys, type, f)) \
			return -1; \
		NEXT; \
	}

static inline uint64_t
bits(double d)
{
	uint64_t v;
	memcpy(&v, &d, sizeof(v));
	return v;
}

READER(read_bool, XPC_TYPE_BOOL, xpc_dictionary_get_bool(d, KEY), v != 0)
READER(read_int64, XPC_TYPE_INT64, (uint64_t)xpc_dictionary_get_int64(d, KEY), v != 0)
READER(read_uint64, XPC_TYPE_UINT64, xpc_dictionary_get_uint64(d, KEY), v != 0)
READER(read_date, XPC_TYPE_DATE, (uint64_t)xpc_dictionary_get_date(d, KEY), v != 0)
READER(read_uuid, XPC_TYPE_UUID, (uintptr_t)xpc_dictionary_get_uuid(d, KEY), v != 0)

// Neither 0 nor no number: without its sign, up to infinity.
READER(read_double, XPC_TYPE_DOUBLE, bits(xpc_dictionary_get_double(d, KEY)),
	v << 1 != 0 && v << 1 <= 0xffe0000000000000)

// take_bytes takes what has a length. What is left stays less than 0 once it is.
static inline int64_t
take_bytes(xpc_object_t d, const uint8_t *keys, xpc_type_t type, struct xb_field *f, const void *p, size_t length, int64_t left)
{
	f->value = (uintptr_t)p;
	f->length = (uint32_t)length;
	f->found = true;
	if (length > (size_t)left || (p == NULL && !fits(d, keys, type, f)))
		return -1;
	return left - (int64_t)length;
}

static int64_t
read_string(xpc_object_t d, const uint8_t *keys, struct xb_field *f, int64_t left)
{
	const char *s = xpc_dictionary_get_string(d, KEY);
	left = take_bytes(d, keys, XPC_TYPE_STRING, f, s, s ? strlen(s) : 0, left);
	NEXT;
}

static int64_t
read_data(xpc_object_t d, const uint8_t *keys, struct xb_field *f, int64_t left)
{
	size_t length = 0;
	const void *p = xpc_dictionary_get_data(d, KEY, &length);
	left = take_bytes(d, keys, XPC_TYPE_DATA, f, p, length, left);
	NEXT;
}

static int64_t
read_nothing(xpc_object_t d, const uint8_t *keys, struct xb_field *f, int64_t left)
{
	(void)d, (void)keys, (void)f;
	return left;
}

static reader *const readers[TAG_UUID + 1] = {
	[0] = read_nothing,
	[TAG_TRUE] = read_bool,
	[TAG_INT64] = read_int64,
	[TAG_UINT64] = read_uint64,
	[TAG_DOUBLE] = read_double,
	[TAG_DATE] = read_date,
	[TAG_DATA] = read_data,
	[TAG_STRING] = read_string,
	[TAG_UUID] = read_uuid,
};

int64_t
xb_read_fields(uintptr_t dictionary, size_t limit, const uint8_t *keys, struct xb_field *fields)
{
	int64_t most = limit < UINT32_MAX ? (int64_t)limit : UINT32_MAX; // lengths are 32 bits wide
	int64_t left = readers[*keys]((xpc_object_t)dictionary, keys, fields, most);
	return left < 0 ? left : most - left;
}
