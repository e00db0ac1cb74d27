/* SPDX-License-Identifier: MIT */
/*
 * A header is taken when its name matches without regard to case (RFC 9110 section 5.1) and its value, trimmed of
 * blanks, is wholly a number of the right base and range. Anything else must not look like a match: a malformed
 * nonce or check is present with an impossible value, so the answer is wrong and not merely unverified.
 */
#include "harness/load/answer_head.h"

#include <string.h>
#include <strings.h>

struct value {
    const char *at;
    size_t len;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool take_value(const char *line, size_t len, const char *name, struct value *out)
{
    size_t n = strlen(name);
    if (len <= n || line[n] != ':' || strncasecmp(line, name, n) != 0) {
        return false;
    }
    const char *from = line + n + 1, *to = line + len;
    while (from < to && is_blank(*from)) {
        from++;
    }
    while (to > from && is_blank(to[-1])) {
        to--;
    }
    *out = (struct value){from, (size_t)(to - from)};
    return true;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

static bool number(const struct value *v, unsigned base, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;
    for (size_t i = 0; i < v->len; i++) {
        unsigned digit = (unsigned)digit_of(v->at[i]);
        if (digit >= base || n > (max - digit) / base) {
            return false;
        }
        n = n * base + digit;
    }
    *out = n;
    return v->len > 0;
}

static uint64_t decimal(const struct value *v, uint64_t max)
{
    uint64_t n;
    return number(v, 10, max, &n) ? n : 0;
}

static void take_nonce(struct answer_head *h, const struct value *v)
{
    h->has_nonce = true;
    h->nonce_malformed = v->len != 16 || !number(v, 16, UINT64_MAX, &h->nonce);
}

static void take_check(struct answer_head *h, const struct value *v)
{
    uint64_t n = 0;
    h->has_check = true;
    h->check_malformed = v->len != 8 || !number(v, 16, UINT32_MAX, &n);
    h->check = (uint32_t)n;
}

static void take_name(char *to, size_t size, const struct value *v)
{
    bool fits = v->len < size;
    memcpy(to, v->at, fits ? v->len : 0);
    to[fits ? v->len : 0] = '\0';
}

void answer_head_line(struct answer_head *h, const char *line, size_t len)
{
    struct value v;
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        *h = (struct answer_head){0};
    } else if (len < 5 || strncasecmp(line, "X-DR-", 5) != 0) {
        return;
    } else if (take_value(line, len, "X-DR-Nonce", &v)) {
        take_nonce(h, &v);
    } else if (take_value(line, len, "X-DR-Check", &v)) {
        take_check(h, &v);
    } else if (take_value(line, len, "X-DR-Region", &v)) {
        take_name(h->region, sizeof(h->region), &v);
    } else if (take_value(line, len, "X-DR-Node", &v)) {
        take_name(h->node, sizeof(h->node), &v);
    } else if (take_value(line, len, "X-DR-Epoch", &v)) {
        h->epoch = (uint32_t)decimal(&v, UINT32_MAX);
    } else if (take_value(line, len, "X-DR-LSN", &v)) {
        h->lsn = decimal(&v, UINT64_MAX);
    } else if (take_value(line, len, "X-DR-Attempt", &v)) {
        h->attempts = (uint16_t)decimal(&v, UINT16_MAX);
    } else if (take_value(line, len, "X-DR-Not-Forwarded", &v)) {
        h->not_forwarded = v.len == 1 && *v.at == '1';
    }
}
