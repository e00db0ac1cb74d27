/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target for the gateway's HTTP parser. The first byte chooses request or response and how the rest is split;
 * whole and split must come to the same end, and nothing may be read outside the exact-size blocks.
 */
#include "gateway-under-test/http1.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum http_progress feed(struct http_message *m, const uint8_t *data, size_t size, size_t step, bool response)
{
    enum http_progress p = HTTP_MORE;
    char *held = NULL;
    if (response)
        http_begin_response(m, false);
    else
        http_begin_request(m);
    for (size_t n = 0; p == HTTP_MORE && n < size;) {
        size_t more = size - n < step ? size : n + step;
        char *block = malloc(more);
        if (block == NULL)
            abort();
        if (n > 0)
            memcpy(block, held, n);
        memcpy(block + n, data + n, more - n);
        free(held);
        held = block;
        n = more;
        p = http_read(m, held, n);
    }
    if (p == HTTP_DONE && (m->used > size || m->head_len + m->body_len > m->used))
        abort();
    free(held);
    return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_message whole, split;
    if (size < 2)
        return 0;
    bool response = data[0] & 1;
    size_t step = 1 + (data[0] >> 1);
    enum http_progress a = feed(&whole, data + 1, size - 1, size, response);
    enum http_progress b = feed(&split, data + 1, size - 1, step, response);
    if (a != b || (a == HTTP_DONE && (whole.used != split.used || whole.body_len != split.body_len)))
        abort();
    return 0;
}
