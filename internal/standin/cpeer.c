//go:build cgo && xpcstandin

#include "cpeer.h"

#include <Block.h>
#include <pthread.h>
#include <stdlib.h>

struct cp_service {
	cp_answer_t answer;
	xpc_connection_t listener;
	xpc_endpoint_t endpoint;
	pthread_mutex_t mu;
	pthread_cond_t quiet;
	int open; // connections that have not seen their last event
};

// opened and over count connections, so that stop can wait for the last event
// of each.
static void
opened(struct cp_service *s)
{
	pthread_mutex_lock(&s->mu);
	s->open++;
	pthread_mutex_unlock(&s->mu);
}

static void
over(struct cp_service *s)
{
	pthread_mutex_lock(&s->mu);
	if (--s->open == 0)
		pthread_cond_broadcast(&s->quiet);
	pthread_mutex_unlock(&s->mu);
}

void
cp_echo(xpc_object_t request, xpc_object_t reply)
{
	size_t n = 0;
	const void *data = xpc_dictionary_get_data(request, "d", &n);
	if (data != NULL)
		xpc_dictionary_set_data(reply, "d", data, n);
}

static void
answer(struct cp_service *s, xpc_connection_t peer, xpc_object_t request)
{
	xpc_object_t reply = xpc_dictionary_create_reply(request);
	if (reply == NULL)
		return;
	s->answer(request, reply);
	xpc_connection_send_message(peer, reply);
	xpc_release(reply);
}

static void
accept_peer(struct cp_service *s, xpc_connection_t peer)
{
	opened(s);
	xpc_connection_set_event_handler(peer, ^(xpc_object_t event) {
		if (xpc_get_type(event) == XPC_TYPE_DICTIONARY)
			answer(s, peer, event);
		else if (event == (xpc_object_t)XPC_ERROR_CONNECTION_INVALID)
			over(s);
	});
	xpc_connection_activate(peer);
}

cp_service_t
cp_service_start(cp_answer_t answer)
{
	struct cp_service *s = calloc(1, sizeof(*s));
	s->answer = answer;
	pthread_mutex_init(&s->mu, NULL);
	pthread_cond_init(&s->quiet, NULL);
	s->listener = xpc_connection_create(NULL, NULL);
	opened(s);
	xpc_connection_set_event_handler(s->listener, ^(xpc_object_t event) {
		if (xpc_get_type(event) == XPC_TYPE_CONNECTION)
			accept_peer(s, (xpc_connection_t)event);
		else
			over(s);
	});
	xpc_connection_activate(s->listener);
	s->endpoint = xpc_endpoint_create(s->listener);
	return s;
}

xpc_endpoint_t
cp_service_endpoint(cp_service_t s)
{
	return s->endpoint;
}

// Clients are stopped first.
void
cp_service_stop(cp_service_t s)
{
	xpc_connection_cancel(s->listener);
	pthread_mutex_lock(&s->mu);
	while (s->open > 0)
		pthread_cond_wait(&s->quiet, &s->mu);
	pthread_mutex_unlock(&s->mu);
	xpc_release(s->endpoint);
	xpc_release(s->listener);
	free(s);
}

struct cp_client {
	xpc_connection_t connection;
	uint8_t *data;
	size_t size;
	pthread_mutex_t mu;
	pthread_cond_t changed;
	size_t under_way;
	int invalid;
};

cp_client_t
cp_client_start(xpc_endpoint_t e)
{
	struct cp_client *c = calloc(1, sizeof(*c));
	pthread_mutex_init(&c->mu, NULL);
	pthread_cond_init(&c->changed, NULL);
	c->connection = xpc_connection_create_from_endpoint(e);
	xpc_connection_set_event_handler(c->connection, ^(xpc_object_t event) {
		if (event != (xpc_object_t)XPC_ERROR_CONNECTION_INVALID)
			return;
		pthread_mutex_lock(&c->mu);
		c->invalid = 1;
		pthread_cond_broadcast(&c->changed);
		pthread_mutex_unlock(&c->mu);
	});
	xpc_connection_activate(c->connection);
	return c;
}

void
cp_client_stop(cp_client_t c)
{
	xpc_connection_cancel(c->connection);
	pthread_mutex_lock(&c->mu);
	while (!c->invalid)
		pthread_cond_wait(&c->changed, &c->mu);
	pthread_mutex_unlock(&c->mu);
	xpc_release(c->connection);
	free(c->data);
	free(c);
}

static xpc_object_t
message(cp_client_t c, size_t size)
{
	xpc_object_t m = xpc_dictionary_create(NULL, NULL, 0);
	if (size > 0) {
		if (size > c->size) {
			c->data = realloc(c->data, size);
			c->size = size;
		}
		xpc_dictionary_set_data(m, "d", c->data, size);
	}
	return m;
}

void
cp_client_sync(cp_client_t c, size_t n, size_t size)
{
	for (; n > 0; n--) {
		xpc_object_t m = message(c, size);
		xpc_object_t reply = xpc_connection_send_message_with_reply_sync(c->connection, m);
		xpc_release(m);
		xpc_release(reply);
	}
}

void
cp_client_async(cp_client_t c, size_t n, size_t size, size_t window)
{
	for (; n > 0; n--) {
		pthread_mutex_lock(&c->mu);
		while (c->under_way == window)
			pthread_cond_wait(&c->changed, &c->mu);
		c->under_way++;
		pthread_mutex_unlock(&c->mu);
		xpc_object_t m = message(c, size);
		xpc_connection_send_message_with_reply(c->connection, m, NULL, ^(xpc_object_t reply) {
			(void)reply;
			pthread_mutex_lock(&c->mu);
			c->under_way--;
			pthread_cond_signal(&c->changed);
			pthread_mutex_unlock(&c->mu);
		});
		xpc_release(m);
	}
	pthread_mutex_lock(&c->mu);
	while (c->under_way > 0)
		pthread_cond_wait(&c->changed, &c->mu);
	pthread_mutex_unlock(&c->mu);
}

void
cp_client_send(cp_client_t c, size_t n, size_t size)
{
	for (; n > 0; n--) {
		xpc_object_t m = message(c, size);
		xpc_connection_send_message(c->connection, m);
		xpc_release(m);
	}
	pthread_mutex_lock(&c->mu);
	c->under_way = 1;
	pthread_mutex_unlock(&c->mu);
	xpc_connection_send_barrier(c->connection, ^{
		pthread_mutex_lock(&c->mu);
		c->under_way = 0;
		pthread_cond_broadcast(&c->changed);
		pthread_mutex_unlock(&c->mu);
	});
	pthread_mutex_lock(&c->mu);
	while (c->under_way > 0)
		pthread_cond_wait(&c->changed, &c->mu);
	pthread_mutex_unlock(&c->mu);
}
