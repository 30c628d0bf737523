// A client and a service in plain C: the measure for what the binding adds, and
// the peers that know nothing of Go.

#ifndef CPEER_H
#define CPEER_H

#include <stddef.h>
#include <stdint.h>
#include <xpc/xpc.h>

// A service behind an anonymous listener. Each request is answered with what the
// function puts into the reply; cp_echo puts the data of the request, if any.
typedef void (*cp_answer_t)(xpc_object_t request, xpc_object_t reply);
void cp_echo(xpc_object_t request, xpc_object_t reply);

typedef struct cp_service *cp_service_t;
cp_service_t cp_service_start(cp_answer_t answer);
xpc_endpoint_t cp_service_endpoint(cp_service_t s);
void cp_service_stop(cp_service_t s);

// A client of such a service.
typedef struct cp_client *cp_client_t;
cp_client_t cp_client_start(xpc_endpoint_t e);
void cp_client_stop(cp_client_t c);

// n synchronous round trips with size bytes each way.
void cp_client_sync(cp_client_t c, size_t n, size_t size);
// n round trips by reply handlers, at most window of them under way.
void cp_client_async(cp_client_t c, size_t n, size_t size, size_t window);
// n one-way messages and a barrier after the last.
void cp_client_send(cp_client_t c, size_t n, size_t size);

#endif
