/* SPDX-License-Identifier: MIT */
/*
 * The second prober's HTTP reading. The first byte says how the rest is torn; whole and torn must come to the same end,
 * and nothing may be read outside the exact-size blocks.
 */
#include "harness/crosscheck/exchange.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static enum cross_reply_state feed(struct cross_reply *r, const uint8_t *data, size_t size, size_t step)
{
    enum cross_reply_state state = CROSS_REPLY_MORE;
    memset(r, 0, sizeof(*r));
    for (size_t at = 0; at < size && state == CROSS_REPLY_MORE; at += step) {
        size_t n = size - at < step ? size - at : step;
        char *block = malloc(n);
        fuzz_must(block != NULL);
        memcpy(block, data + at, n);
        state = cross_reply_take(r, block, n, false);
        free(block);
    }
    return state == CROSS_REPLY_MORE ? cross_reply_take(r, NULL, 0, true) : state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cross_reply whole, torn;
    if (size < 2)
        return 0;
    enum cross_reply_state end = feed(&whole, data + 1, size - 1, size - 1);
    fuzz_must(end != CROSS_REPLY_MORE);
    fuzz_must(feed(&torn, data + 1, size - 1, (size_t)data[0] % 32 + 1) == end);
    if (end == CROSS_REPLY_WHOLE) {
        fuzz_must(whole.status >= 200 && whole.status <= 999 && torn.status == whole.status);
        fuzz_must(whole.length <= CROSS_BODY_MAX && torn.has_nonce == whole.has_nonce);
        fuzz_must(cross_outcome_of(&whole, 1) == cross_outcome_of(&torn, 1));
    }
    return 0;
}
