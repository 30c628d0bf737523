// The four well-known errors: constants that dictionary getters can read.
#include "world.h"

const struct _xpc_type_s _xpc_type_error = {.name = "error"};
const char *const _xpc_error_key_description = "XPCErrorDescription";

#define KEY "XPCErrorDescription"

// The hash is 0 here: lookups in errors go by the key alone.
#define ERROR(name, string)                                                                                            \
    static struct {                                                                                                    \
        struct obj o;                                                                                                  \
        size_t length;                                                                                                 \
        char b[sizeof string];                                                                                         \
    } name##_text = {{.type = XPC_TYPE_STRING, .refs = FOREVER}, sizeof string - 1, string};                           \
    static struct {                                                                                                    \
        struct entry *next, *prev, *chain;                                                                             \
        struct obj *value;                                                                                             \
        size_t hash;                                                                                                   \
        char key[sizeof KEY];                                                                                          \
    } name##_entry = {.value = &name##_text.o, .key = KEY};                                                            \
    const struct _xpc_dictionary_s name = {                                                                            \
        .o = {.type = XPC_TYPE_ERROR, .refs = FOREVER}, .first = (void *)&name##_entry, .count = 1};

ERROR(_xpc_error_connection_interrupted, "Connection interrupted")
ERROR(_xpc_error_connection_invalid, "Connection invalid")
ERROR(_xpc_error_termination_imminent, "Termination imminent")
ERROR(_xpc_error_peer_code_signing_requirement, "Peer code signing requirement not met")
