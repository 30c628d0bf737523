// Seeded disorder: everything that the contract leaves open is drawn by lot.
#include "world.h"

#include <sched.h>
#include <time.h>

_Atomic uint64_t xs_seed;
static _Atomic uint64_t state;

void xs_set_adversarial(uint64_t seed) {
    atomic_store(&state, seed * 0x9e3779b97f4a7c15ull + 1);
    atomic_store(&xs_seed, seed);
}

__attribute__((constructor)) static void from_environment(void) {
    const char *seed = getenv("XS_SEED");
    if (seed && *seed) xs_set_adversarial(strtoull(seed, NULL, 0));
}

uint64_t chance(uint64_t n) {
    uint64_t x = atomic_fetch_add(&state, 0x9e3779b97f4a7c15ull);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return (x ^ (x >> 31)) % n;
}

void jitter(void) {
    if (!adversarial()) return;
    switch (chance(6)) {
    case 0: {
        struct timespec t = {.tv_nsec = (long)chance(200) * 1000};
        nanosleep(&t, NULL);
        break;
    }
    case 1:
    case 2:
        sched_yield();
        break;
    }
}
