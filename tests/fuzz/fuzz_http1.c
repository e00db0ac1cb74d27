/* SPDX-License-Identifier: MIT */
/*
 * The gateway's HTTP parser. The first byte chooses request or response and how the rest is split; whole and split must
 * come to the same end, nothing may be read outside the exact-size blocks, and what was parsed lies inside them.
 */
#include "gateway-under-test/http1.h"

#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

struct reading {
    struct http_message m;
    char *held;
    size_t len;
};

static enum http_progress feed(struct reading *r, const uint8_t *data, size_t size, size_t step, bool response)
{
    enum http_progress p = HTTP_MORE;
    *r = (struct reading){0};
    if (response)
        http_begin_response(&r->m, false);
    else
        http_begin_request(&r->m);
    while (p == HTTP_MORE && r->len < size) {
        size_t more = size - r->len < step ? size : r->len + step;
        char *block = malloc(more);
        fuzz_must(block != NULL);
        if (r->len > 0)
            memcpy(block, r->held, r->len);
        memcpy(block + r->len, data + r->len, more - r->len);
        free(r->held);
        r->held = block;
        r->len = more;
        p = http_read(&r->m, r->held, r->len);
    }
    return p == HTTP_MORE ? http_read_end(&r->m, r->len) : p;
}

static void inside(const struct reading *r, struct http_span s)
{
    fuzz_must(s.at == NULL || (s.at >= r->held && s.at + s.len <= r->held + r->len));
}

static void look(const struct reading *r, bool response)
{
    fuzz_must(r->m.used <= r->len && r->m.head_len + r->m.body_len <= r->m.used);
    inside(r, http_body(&r->m, r->held));
    inside(r, http_field(&r->m, r->held, "Host"));
    for (size_t i = 0; i < r->m.field_count; i++) {
        const struct http_field *f = &r->m.fields[i];
        inside(r, (struct http_span){r->held + f->value_at, f->value_len});
        (void)http_hop_by_hop((struct http_span){r->held + f->name_at, f->name_len});
    }
    if (response) {
        fuzz_must(r->m.status >= 100 && r->m.status <= 999);
        return;
    }
    inside(r, http_method(&r->m, r->held));
    struct http_span target = http_target(&r->m, r->held);
    fuzz_must(target.len > 0 && target.at[0] == '/');
    inside(r, target);
    int64_t n = 0;
    (void)span_int(span_query(target, "from"), &n);
    fuzz_must(n >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reading whole, split;
    if (size < 2)
        return 0;
    bool response = data[0] & 1;
    size_t step = 1 + (data[0] >> 1);
    enum http_progress a = feed(&whole, data + 1, size - 1, size, response);
    enum http_progress b = feed(&split, data + 1, size - 1, step, response);
    fuzz_must(a == b);
    if (a == HTTP_DONE) {
        fuzz_must(whole.m.used == split.m.used && whole.m.body_len == split.m.body_len);
        fuzz_must(memcmp(whole.held, split.held, whole.m.head_len + whole.m.body_len) == 0);
        look(&whole, response);
        look(&split, response);
    }
    free(whole.held);
    free(split.held);
    return 0;
}
