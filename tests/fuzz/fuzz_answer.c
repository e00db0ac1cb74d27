/* SPDX-License-Identifier: MIT */
/* What customers are answered: header lines (with their breaks), and the whole
 * input as the body of a read and a write. */
#include "harness/base/scoped.h"
#include "harness/load/answer_head.h"
#include "harness/load/order.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void head(const uint8_t *data, size_t size)
{
    struct answer_head h = {0};
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end ? (size_t)(end - data) + 1 : size;
        char *line = malloc(len); /* no NUL behind it */
        fuzz_must(line != NULL);
        memcpy(line, data, len);
        answer_head_line(&h, line, len);
        free(line);
        fuzz_must(memchr(h.region, '\0', sizeof(h.region)) != NULL);
        fuzz_must(!h.nonce_malformed || h.has_nonce);
        fuzz_must(!h.check_malformed || h.has_check);
        data += len;
        size -= len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct order asked = {.client = 1, .key = 2, .seq = 3, .value = 0x0123456789abcdef};
    scoped_free char *body = fuzz_text(data, size);
    uint16_t number;
    uint64_t seq;
    head(data, size);
    (void)order_read_answer(body, size, &asked, true);
    (void)order_read_answer(body, size, &asked, false);
    if (order_read_name(body, &number, &seq)) {
        char name[ORDER_NAME];
        const struct order named = {.client = number, .seq = seq};
        fuzz_must(strcmp(order_name(&named, name), body) == 0);
    }
    (void)order_read_key(body, &number);
    (void)order_read_value(body, &seq);
    return 0;
}
