//go:build cgo && xpcstandin

#include "interop.h"

#include "cpeer.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LARGE 100000
#define NAN_BITS 0xfff0000000000001u // a signalling one

static const uint8_t bytes[] = {0, 1, 0xff, 0};
static const uuid_t uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const char content[] = "of a file";

static double
signalling(void)
{
	uint64_t bits = NAN_BITS;
	double d;
	memcpy(&d, &bits, sizeof(d));
	return d;
}

static int
file(void)
{
	int ends[2];
	if (pipe(ends) != 0 || write(ends[1], content, sizeof(content) - 1) < 0)
		abort();
	close(ends[1]);
	return ends[0];
}

static void
pong(xpc_object_t request, xpc_object_t reply)
{
	xpc_dictionary_set_int64(reply, "pong", xpc_dictionary_get_int64(request, "ping") + 1);
}

// ping_service answers for as long as the program runs.
static xpc_endpoint_t
ping_service(void)
{
	static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
	static cp_service_t service;
	pthread_mutex_lock(&mu);
	if (service == NULL)
		service = cp_service_start(pong);
	pthread_mutex_unlock(&mu);
	return cp_service_endpoint(service);
}

static void
fill_resources(xpc_object_t d)
{
	int fd = file();
	xpc_dictionary_set_fd(d, "fd", fd);
	close(fd);
	xpc_dictionary_set_value(d, "endpoint", (xpc_object_t)ping_service());
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *region = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	strcpy(region, "C was here");
	xpc_object_t shmem = xpc_shmem_create(region, size);
	xpc_dictionary_set_value(d, "shmem", shmem);
	xpc_release(shmem);
	munmap(region, size);
}

static xpc_object_t
fill_array(void)
{
	xpc_object_t a = xpc_array_create(NULL, 0), o = xpc_null_create();
	xpc_array_append_value(a, o);
	xpc_release(o);
	xpc_array_set_bool(a, XPC_ARRAY_APPEND, true);
	xpc_array_set_int64(a, XPC_ARRAY_APPEND, -1);
	xpc_array_set_uint64(a, XPC_ARRAY_APPEND, 1);
	xpc_array_set_double(a, XPC_ARRAY_APPEND, -0.0);
	xpc_array_set_date(a, XPC_ARRAY_APPEND, INT64_MIN);
	xpc_array_set_data(a, XPC_ARRAY_APPEND, bytes, sizeof(bytes));
	xpc_array_set_string(a, XPC_ARRAY_APPEND, "text");
	xpc_array_set_uuid(a, XPC_ARRAY_APPEND, uuid);
	o = xpc_array_create(NULL, 0);
	xpc_array_append_value(a, o);
	xpc_release(o);
	o = xpc_dictionary_create(NULL, NULL, 0);
	xpc_array_append_value(a, o);
	xpc_release(o);
	return a;
}

void
ci_fill(xpc_object_t d)
{
	xpc_object_t o = xpc_null_create();
	xpc_dictionary_set_value(d, "null", o);
	xpc_release(o);
	xpc_dictionary_set_bool(d, "true", true);
	xpc_dictionary_set_bool(d, "false", false);
	xpc_dictionary_set_int64(d, "int64", INT64_MIN);
	xpc_dictionary_set_uint64(d, "uint64", UINT64_MAX);
	xpc_dictionary_set_double(d, "double", 1.5);
	xpc_dictionary_set_double(d, "nan", signalling());
	xpc_dictionary_set_date(d, "date", -1);
	xpc_dictionary_set_data(d, "data", bytes, sizeof(bytes));
	xpc_dictionary_set_data(d, "no data", NULL, 0);
	uint8_t *large = malloc(LARGE);
	for (size_t i = 0; i < LARGE; i++)
		large[i] = (uint8_t)i;
	xpc_dictionary_set_data(d, "large", large, LARGE);
	free(large);
	xpc_dictionary_set_string(d, "string", "gr\xc3\xbc\xc3\x9f" "e");
	xpc_dictionary_set_string(d, "no string", "");
	xpc_dictionary_set_string(d, "", "no key");
	xpc_dictionary_set_uuid(d, "uuid", uuid);
	o = fill_array();
	xpc_dictionary_set_value(d, "array", o);
	xpc_release(o);
	o = xpc_dictionary_create(NULL, NULL, 0);
	xpc_object_t deep = xpc_dictionary_create(NULL, NULL, 0);
	xpc_dictionary_set_int64(deep, "deep", 1);
	xpc_dictionary_set_value(o, "nested", deep);
	xpc_dictionary_set_value(d, "dictionary", o);
	xpc_release(deep);
	xpc_release(o);
	fill_resources(d);
}

// WANT returns what is not so.
#define WANT(what) \
	do { \
		if (!(what)) \
			return strdup(#what); \
	} while (0)

static bool
typed(xpc_object_t d, const char *key, xpc_type_t type)
{
	xpc_object_t o = xpc_dictionary_get_value(d, key);
	return o != NULL && xpc_get_type(o) == type;
}

static bool
is_data(const void *p, size_t n)
{
	return n == sizeof(bytes) && memcmp(p, bytes, n) == 0;
}

static char *
check_array(xpc_object_t a)
{
	size_t n = 0;
	WANT(xpc_array_get_count(a) == 11);
	WANT(xpc_get_type(xpc_array_get_value(a, 0)) == XPC_TYPE_NULL);
	WANT(xpc_array_get_bool(a, 1));
	WANT(xpc_array_get_int64(a, 2) == -1 && xpc_array_get_uint64(a, 2) == 0);
	WANT(xpc_array_get_uint64(a, 3) == 1 && xpc_array_get_int64(a, 3) == 0);
	WANT(xpc_array_get_double(a, 4) == 0 && signbit(xpc_array_get_double(a, 4)));
	WANT(xpc_array_get_date(a, 5) == INT64_MIN);
	const void *p = xpc_array_get_data(a, 6, &n);
	WANT(is_data(p, n));
	WANT(strcmp(xpc_array_get_string(a, 7), "text") == 0);
	WANT(memcmp(xpc_array_get_uuid(a, 8), uuid, 16) == 0);
	WANT(xpc_array_get_count(xpc_array_get_array(a, 9)) == 0);
	WANT(xpc_dictionary_get_count(xpc_array_get_dictionary(a, 10)) == 0);
	return NULL;
}

static char *
check_scalars(xpc_object_t d)
{
	size_t n = 0;
	WANT(typed(d, "null", XPC_TYPE_NULL));
	WANT(typed(d, "true", XPC_TYPE_BOOL) && xpc_dictionary_get_bool(d, "true"));
	WANT(typed(d, "false", XPC_TYPE_BOOL) && !xpc_dictionary_get_bool(d, "false"));
	WANT(xpc_dictionary_get_int64(d, "int64") == INT64_MIN);
	WANT(xpc_dictionary_get_uint64(d, "int64") == 0);
	WANT(xpc_dictionary_get_uint64(d, "uint64") == UINT64_MAX);
	WANT(xpc_dictionary_get_int64(d, "uint64") == 0);
	WANT(xpc_dictionary_get_double(d, "double") == 1.5);
	double nan = xpc_dictionary_get_double(d, "nan"), want = signalling();
	WANT(typed(d, "nan", XPC_TYPE_DOUBLE) && memcmp(&nan, &want, sizeof(nan)) == 0);
	WANT(xpc_dictionary_get_date(d, "date") == -1);
	WANT(xpc_dictionary_get_int64(d, "date") == 0);
	const uint8_t *p = xpc_dictionary_get_data(d, "data", &n);
	WANT(is_data(p, n));
	WANT(typed(d, "no data", XPC_TYPE_DATA) && xpc_data_get_length(xpc_dictionary_get_value(d, "no data")) == 0);
	p = xpc_dictionary_get_data(d, "large", &n);
	WANT(n == LARGE);
	for (size_t i = 0; i < LARGE; i++)
		WANT(p[i] == (uint8_t)i);
	WANT(strcmp(xpc_dictionary_get_string(d, "string"), "gr\xc3\xbc\xc3\x9f" "e") == 0);
	WANT(strcmp(xpc_dictionary_get_string(d, "no string"), "") == 0);
	WANT(strcmp(xpc_dictionary_get_string(d, ""), "no key") == 0);
	WANT(memcmp(xpc_dictionary_get_uuid(d, "uuid"), uuid, 16) == 0);
	return NULL;
}

static char *
check_file(xpc_object_t d)
{
	char text[sizeof(content)] = "";
	int fd = xpc_dictionary_dup_fd(d, "fd");
	WANT(fd >= 0);
	ssize_t n = read(fd, text, sizeof(text));
	close(fd);
	WANT(n == sizeof(content) - 1 && strcmp(text, content) == 0);
	return NULL;
}

static char *
check_memory(xpc_object_t d)
{
	void *region = NULL;
	WANT(typed(d, "shmem", XPC_TYPE_SHMEM));
	size_t size = xpc_shmem_map(xpc_dictionary_get_value(d, "shmem"), &region);
	WANT(size == (size_t)sysconf(_SC_PAGESIZE));
	bool known = strcmp(region, "C was here") == 0 || strcmp(region, "Go was here") == 0;
	strcpy(region, "C was here");
	munmap(region, size);
	WANT(known);
	return NULL;
}

static xpc_connection_t
connect_to(xpc_object_t d)
{
	xpc_connection_t c = xpc_dictionary_create_connection(d, "endpoint");
	if (c != NULL) {
		xpc_connection_set_event_handler(c, ^(xpc_object_t event) {
			(void)event;
		});
		xpc_connection_activate(c);
	}
	return c;
}

static void
disconnect(xpc_connection_t c)
{
	xpc_connection_cancel(c);
	xpc_release(c);
}

static char *
check_endpoint(xpc_object_t d)
{
	WANT(typed(d, "endpoint", XPC_TYPE_ENDPOINT));
	xpc_connection_t c = connect_to(d);
	xpc_object_t m = xpc_dictionary_create(NULL, NULL, 0);
	xpc_dictionary_set_int64(m, "ping", 41);
	xpc_object_t reply = xpc_connection_send_message_with_reply_sync(c, m);
	int64_t answer = xpc_dictionary_get_int64(reply, "pong");
	xpc_release(m);
	xpc_release(reply);
	disconnect(c);
	WANT(answer == 42);
	return NULL;
}

char *
ci_check(xpc_object_t d)
{
	WANT(xpc_dictionary_get_count(d) == 20);
	xpc_object_t nested = xpc_dictionary_get_dictionary(xpc_dictionary_get_dictionary(d, "dictionary"), "nested");
	WANT(xpc_dictionary_get_int64(nested, "deep") == 1);
	char *wrong = check_scalars(d);
	if (wrong == NULL)
		wrong = check_array(xpc_dictionary_get_array(d, "array"));
	if (wrong == NULL)
		wrong = check_file(d);
	if (wrong == NULL)
		wrong = check_memory(d);
	if (wrong == NULL)
		wrong = check_endpoint(d);
	return wrong;
}

void
ci_answer(xpc_object_t request, xpc_object_t reply)
{
	char *wrong = ci_check(request);
	ci_fill(reply);
	if (wrong != NULL)
		xpc_dictionary_set_string(reply, "wrong", wrong);
	free(wrong);
}

char *
ci_ask(xpc_object_t d)
{
	xpc_connection_t c = connect_to(d);
	WANT(c != NULL);
	xpc_object_t m = xpc_dictionary_create(NULL, NULL, 0);
	ci_fill(m);
	xpc_object_t reply = xpc_connection_send_message_with_reply_sync(c, m);
	char *wrong = ci_check(reply);
	xpc_release(m);
	xpc_release(reply);
	disconnect(c);
	return wrong;
}
