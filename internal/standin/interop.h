// Messages made and read by plain C calls, as a peer that knows nothing of Go
// does it. The values are those of the table in interop_test.go.

#ifndef INTEROP_H
#define INTEROP_H

#include <xpc/xpc.h>

// ci_fill puts a value of each type into a dictionary; ci_check finds the first
// value that is not as ci_fill makes it, and says so in text to be freed. Both
// leave shared memory with "C was here" in it.
void ci_fill(xpc_object_t d);
char *ci_check(xpc_object_t d);

// ci_answer checks a request, and fills the reply; what is wrong with the request
// is the string "wrong" in it.
void ci_answer(xpc_object_t request, xpc_object_t reply);

// ci_ask connects to the "endpoint" in d, sends a message of every type and
// checks the reply.
char *ci_ask(xpc_object_t d);

#endif
