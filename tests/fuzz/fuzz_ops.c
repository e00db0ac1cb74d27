/* SPDX-License-Identifier: MIT */
/* Pages of a final read: the first byte is what was asked for, the rest is what came. */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/load/read_content.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    scoped_free char *body = fuzz_text(data + 1, size - 1);
    struct ops_page page = {0};
    struct err e = {0};
    uint64_t from = data[0] % 4;
    if (ops_page_read(&page, body, size - 1, from, "page", &e) == 0) {
        fuzz_must(page.next == 0 || page.next > from);
        struct read_content content = {0};
        char digest[65];
        for (size_t i = 0; i < ops_page_count(&page); i++) {
            struct stored_op op = {0};
            if (ops_page_op(&page, i, &op, "page", &e) == 0)
                read_content_add(&content, &op);
        }
        read_content_digest(&content, digest);
        read_content_fingerprint(&content, digest);
        read_content_deinit(&content);
    }
    ops_page_deinit(&page);
    return 0;
}
