#ifndef XPC_ENDPOINT_H
#define XPC_ENDPOINT_H

#ifndef XPC_XPC_H
#error "include <xpc/xpc.h>"
#endif

XS_API xpc_endpoint_t xpc_endpoint_create(xpc_connection_t connection);

#endif
