/* SPDX-License-Identifier: MIT */
/*
 * Growing arrays: the one function behind vec_push.
 *
 * The element about to be handed out is zeroed here, every time, since a vector that was shortened by its owner
 * (len = 0) still has old bytes in it.
 */
#include "harness/base/vec.h"

#include "harness/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *vec_grow(void *at, size_t len, size_t *cap, size_t size)
{
    if (len >= *cap) {
        size_t more = *cap ? *cap : 4;
        if (more > SIZE_MAX - *cap || *cap + more > SIZE_MAX / size) {
            abort();
        }
        at = xrealloc(at, (*cap + more) * size);
        *cap += more;
    }
    memset((unsigned char *)at + len * size, 0, size);
    return at;
}

void vec_free(void *at)
{
    free(at);
}
