/* SPDX-License-Identifier: MIT */
/*
 * Encoding and strict decoding. RECORD_SHORT means "more bytes might help"; a reader at the end of a file takes it as
 * a torn tail, a reader of a stream waits. Everything else that is not right is RECORD_BAD.
 */
#include "gateway-under-test/record.h"

#include "gateway-under-test/own.h"
#include "harness/base/text.h"

#include <string.h>

bool record_text(char *to, size_t size, const char *from, size_t len)
{
    if (from == NULL || len == 0 || len >= size)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = from[i];
        bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c != '\0' && strchr("._:/-", c) != NULL);
        if (!fine)
            return false;
    }
    memcpy(to, from, len);
    to[len] = '\0';
    return true;
}

static unsigned char *put_text(unsigned char *at, const char *s)
{
    size_t len = strlen(s);
    *at++ = (unsigned char)len;
    memcpy(at, s, len);
    return at + len;
}

void record_write(const struct record *r, struct text *out)
{
    unsigned char bytes[RECORD_MAX], *at = bytes + RECORD_HEAD;
    *at = r->revocation ? RECORD_REVOCATION : RECORD_ORDER;
    put_u64(at + 1, (uint64_t)r->epoch);
    put_u64(at + 9, (uint64_t)r->lsn);
    put_u64(at + 17, (uint64_t)r->time_ns);
    at = put_text(at + 25, r->key);
    at = put_text(at, r->op);
    at = put_text(at, r->idem);
    at = put_text(at, r->value);
    size_t len = (size_t)(at - bytes) - RECORD_HEAD;
    put_u32(bytes, (uint32_t)len);
    put_u32(bytes + 4, crc32c(0, bytes + RECORD_HEAD, len));
    text_add_bytes(out, bytes, len + RECORD_HEAD);
}

/* A text field at *at; NULL stays NULL. */
static const unsigned char *get_text(const unsigned char *at, const unsigned char *end, char *to, size_t size)
{
    if (at == NULL || at >= end || (size_t)(end - at) < (size_t)at[0] + 1 ||
        !record_text(to, size, (const char *)at + 1, at[0]))
        return NULL;
    return at + 1 + at[0];
}

enum record_read record_read(const char *bytes, size_t len, struct record *r, size_t *used)
{
    const unsigned char *b = (const unsigned char *)bytes;
    if (len < RECORD_HEAD)
        return RECORD_SHORT;
    size_t n = get_u32(b);
    if (n < 25 + 4 || n > RECORD_MAX - RECORD_HEAD)
        return RECORD_BAD;
    if (len < RECORD_HEAD + n)
        return RECORD_SHORT;
    const unsigned char *at = b + RECORD_HEAD, *end = at + n;
    uint64_t epoch = get_u64(at + 1), lsn = get_u64(at + 9), time_ns = get_u64(at + 17);
    if (crc32c(0, at, n) != get_u32(b + 4) || (at[0] != RECORD_ORDER && at[0] != RECORD_REVOCATION) ||
        epoch > EPOCH_MAX || lsn == 0 || lsn > INT64_MAX || time_ns > INT64_MAX)
        return RECORD_BAD;
    *r = (struct record){.epoch = (int64_t)epoch,
                         .lsn = (int64_t)lsn,
                         .time_ns = (int64_t)time_ns,
                         .revocation = at[0] == RECORD_REVOCATION};
    at = get_text(at + 25, end, r->key, sizeof(r->key));
    at = get_text(at, end, r->op, sizeof(r->op));
    at = get_text(at, end, r->idem, sizeof(r->idem));
    at = get_text(at, end, r->value, sizeof(r->value));
    if (at != end)
        return RECORD_BAD;
    *used = RECORD_HEAD + n;
    return RECORD_OK;
}
