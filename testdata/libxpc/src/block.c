#include "world.h"

void *block_copy(const void *block) {
    count(N_BLOCKS, 1);
    return _Block_copy(block);
}

void block_release(const void *block) {
    if (!block) return;
    _Block_release(block);
    count(N_BLOCKS, -1);
}
