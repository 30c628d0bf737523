#include "world.h"

void xs_misuse(const char *row, const char *rule) {
    fprintf(stderr, "XPC API Misuse: %s (%s)\n", rule, row);
    uint64_t seed = atomic_load(&xs_seed);
    if (seed) fprintf(stderr, "XS_SEED=%llu\n", (unsigned long long)seed);
    abort();
}

bool xs_is_strict(void) {
    return XS_STRICT;
}
