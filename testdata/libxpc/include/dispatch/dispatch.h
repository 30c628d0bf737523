// The few calls of libdispatch that a user of libxpc makes.
#ifndef DISPATCH_DISPATCH_H
#define DISPATCH_DISPATCH_H

#include <Block.h>
#include <os/object.h>
#include <xpc/base.h>

typedef struct dispatch_queue_s *dispatch_queue_t;
typedef struct dispatch_queue_s *dispatch_queue_main_t;
typedef struct dispatch_queue_s *dispatch_queue_global_t;
typedef struct dispatch_queue_s *dispatch_queue_serial_t;
typedef struct dispatch_queue_s *dispatch_queue_concurrent_t;
typedef struct dispatch_queue_attr_s *dispatch_queue_attr_t;
typedef struct dispatch_semaphore_s *dispatch_semaphore_t;

// Any dispatch object may be retained and released.
typedef union {
    struct dispatch_queue_s *queue;
    struct dispatch_semaphore_s *semaphore;
    void *any;
} dispatch_object_t __attribute__((transparent_union));

typedef void (^dispatch_block_t)(void);
typedef void (*dispatch_function_t)(void *context);
typedef uint64_t dispatch_time_t;

#define DISPATCH_TIME_NOW 0ull
#define DISPATCH_TIME_FOREVER (~0ull)
#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull

XS_API struct dispatch_queue_attr_s _dispatch_queue_attr_concurrent;
#define DISPATCH_QUEUE_SERIAL ((dispatch_queue_attr_t)0)
#define DISPATCH_QUEUE_CONCURRENT (&_dispatch_queue_attr_concurrent)
#define DISPATCH_TARGET_QUEUE_DEFAULT ((dispatch_queue_t)0)

#define DISPATCH_QUEUE_PRIORITY_HIGH 2
#define DISPATCH_QUEUE_PRIORITY_DEFAULT 0
#define DISPATCH_QUEUE_PRIORITY_LOW (-2)
#define DISPATCH_QUEUE_PRIORITY_BACKGROUND (-32768)

typedef unsigned int qos_class_t;
enum {
    QOS_CLASS_USER_INTERACTIVE = 0x21,
    QOS_CLASS_USER_INITIATED = 0x19,
    QOS_CLASS_DEFAULT = 0x15,
    QOS_CLASS_UTILITY = 0x11,
    QOS_CLASS_BACKGROUND = 0x09,
    QOS_CLASS_UNSPECIFIED = 0x00,
};

XS_API void dispatch_retain(dispatch_object_t object);
XS_API void dispatch_release(dispatch_object_t object);

XS_API dispatch_queue_t dispatch_queue_create(const char *label, dispatch_queue_attr_t attr);
XS_API const char *dispatch_queue_get_label(dispatch_queue_t queue);
XS_API dispatch_queue_global_t dispatch_get_global_queue(intptr_t priority, uintptr_t flags);
XS_API dispatch_queue_main_t dispatch_get_main_queue(void);

XS_API void dispatch_async(dispatch_queue_t queue, dispatch_block_t block);
XS_API void dispatch_async_f(dispatch_queue_t queue, void *context, dispatch_function_t work);
XS_API void dispatch_sync(dispatch_queue_t queue, dispatch_block_t block);
XS_API void dispatch_sync_f(dispatch_queue_t queue, void *context, dispatch_function_t work);
XS_API void dispatch_main(void) XS_NORETURN;

XS_API dispatch_time_t dispatch_time(dispatch_time_t when, int64_t delta);
XS_API dispatch_semaphore_t dispatch_semaphore_create(intptr_t value);
XS_API intptr_t dispatch_semaphore_wait(dispatch_semaphore_t semaphore, dispatch_time_t timeout);
XS_API intptr_t dispatch_semaphore_signal(dispatch_semaphore_t semaphore);

#endif
