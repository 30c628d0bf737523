#ifndef XPC_CONNECTION_H
#define XPC_CONNECTION_H

#ifndef XPC_XPC_H
#error "include <xpc/xpc.h>"
#endif

// The well-known errors: fixed objects, compared by address.
struct _xpc_dictionary_s;
XS_API const struct _xpc_dictionary_s _xpc_error_connection_interrupted;
XS_API const struct _xpc_dictionary_s _xpc_error_connection_invalid;
XS_API const struct _xpc_dictionary_s _xpc_error_termination_imminent;
XS_API const struct _xpc_dictionary_s _xpc_error_peer_code_signing_requirement;
#define XPC_ERROR_CONNECTION_INTERRUPTED ((xpc_object_t)&_xpc_error_connection_interrupted)
#define XPC_ERROR_CONNECTION_INVALID ((xpc_object_t)&_xpc_error_connection_invalid)
#define XPC_ERROR_TERMINATION_IMMINENT ((xpc_object_t)&_xpc_error_termination_imminent)
#define XPC_ERROR_PEER_CODE_SIGNING_REQUIREMENT ((xpc_object_t)&_xpc_error_peer_code_signing_requirement)

#define XPC_CONNECTION_MACH_SERVICE_LISTENER 1u
#define XPC_CONNECTION_MACH_SERVICE_PRIVILEGED 2u

typedef void (*xpc_finalizer_t)(void *context);

XS_API xpc_connection_t xpc_connection_create(const char *name, dispatch_queue_t target);
XS_API xpc_connection_t xpc_connection_create_mach_service(const char *name, dispatch_queue_t target, uint64_t flags);
XS_API xpc_connection_t xpc_connection_create_from_endpoint(xpc_endpoint_t endpoint);

XS_API void xpc_connection_set_target_queue(xpc_connection_t c, dispatch_queue_t target);
XS_API void xpc_connection_set_event_handler(xpc_connection_t c, xpc_handler_t handler);
XS_API void xpc_connection_activate(xpc_connection_t c);
XS_API void xpc_connection_suspend(xpc_connection_t c);
XS_API void xpc_connection_resume(xpc_connection_t c);
XS_API void xpc_connection_cancel(xpc_connection_t c);

XS_API void xpc_connection_send_message(xpc_connection_t c, xpc_object_t message);
XS_API void xpc_connection_send_barrier(xpc_connection_t c, dispatch_block_t barrier);
XS_API void xpc_connection_send_message_with_reply(xpc_connection_t c, xpc_object_t message, dispatch_queue_t replies,
                                                   xpc_handler_t handler);
XS_API xpc_object_t xpc_connection_send_message_with_reply_sync(xpc_connection_t c, xpc_object_t message);

XS_API const char *xpc_connection_get_name(xpc_connection_t c);
XS_API uid_t xpc_connection_get_euid(xpc_connection_t c);
XS_API gid_t xpc_connection_get_egid(xpc_connection_t c);
XS_API pid_t xpc_connection_get_pid(xpc_connection_t c);
XS_API au_asid_t xpc_connection_get_asid(xpc_connection_t c);

XS_API void xpc_connection_set_context(xpc_connection_t c, void *context);
XS_API void *xpc_connection_get_context(xpc_connection_t c);
XS_API void xpc_connection_set_finalizer_f(xpc_connection_t c, xpc_finalizer_t finalizer);

// macOS 12.
XS_API int xpc_connection_set_peer_code_signing_requirement(xpc_connection_t c, const char *requirement);
XS_API char *xpc_connection_copy_invalidation_reason(xpc_connection_t c);

// macOS 14.4.
XS_API int xpc_connection_set_peer_entitlement_exists_requirement(xpc_connection_t c, const char *entitlement);
XS_API int xpc_connection_set_peer_entitlement_matches_value_requirement(xpc_connection_t c, const char *entitlement,
                                                                         xpc_object_t value);
XS_API int xpc_connection_set_peer_team_identity_requirement(xpc_connection_t c, const char *signing_identifier);
XS_API int xpc_connection_set_peer_platform_identity_requirement(xpc_connection_t c, const char *signing_identifier);
XS_API int xpc_connection_set_peer_lightweight_code_requirement(xpc_connection_t c, xpc_object_t requirement);

#endif
