// Spelling helpers that the other headers share.
#ifndef XPC_BASE_H
#define XPC_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

// Apple's system headers declare these; on Linux nobody does.
#ifndef XS_HAVE_UUID_T
#define XS_HAVE_UUID_T
typedef unsigned char uuid_t[16];
#endif

#ifdef __cplusplus
#define XS_API extern "C" __attribute__((visibility("default")))
#else
#define XS_API extern __attribute__((visibility("default")))
#endif
#define XS_NORETURN __attribute__((noreturn))

#endif
