#include "world.h"

#include <execinfo.h>

void xs_misuse(const char *row, const char *rule) {
    fprintf(stderr, "XPC API Misuse: %s (%s)\n", rule, row);
    uint64_t seed = atomic_load(&xs_seed);
    if (seed) fprintf(stderr, "XS_SEED=%llu\n", (unsigned long long)seed);
    if (getenv("XS_BACKTRACE")) {
        void *trace[24];
        backtrace_symbols_fd(trace, backtrace(trace, 24), 2);
    }
    abort();
}

bool xs_is_strict(void) {
    return XS_STRICT;
}
