/* SPDX-License-Identifier: MIT */
/*
 * Framing between stores. What does not decode is FRAME_BAD, upon which the connection is closed: the peer dials again
 * and both begin from a known state.
 */
#include "gateway-under-test/frame.h"

#include "gateway-under-test/own.h"
#include "harness/base/text.h"

#include <string.h>

size_t frame_begin(struct text *out, enum frame_type type, int64_t epoch)
{
    unsigned char head[FRAME_HEAD + 9] = {0};
    size_t at = out->len;
    head[FRAME_HEAD] = (unsigned char)type;
    put_u64(head + FRAME_HEAD + 1, (uint64_t)epoch);
    text_add_bytes(out, head, sizeof(head));
    return at;
}

void frame_end(struct text *out, size_t at)
{
    unsigned char *frame = (unsigned char *)out->at + at;
    size_t len = out->len - at - FRAME_HEAD;
    put_u32(frame, (uint32_t)len);
    put_u32(frame + 4, crc32c(0, frame + FRAME_HEAD, len));
}

void frame_add_u64(struct text *out, int64_t v)
{
    unsigned char bytes[8];
    put_u64(bytes, (uint64_t)v);
    text_add_bytes(out, bytes, sizeof(bytes));
}

void frame_add_region(struct text *out, const char *region)
{
    unsigned char len = (unsigned char)strlen(region);
    text_add_bytes(out, &len, 1);
    text_add_bytes(out, region, len);
}

enum frame_read frame_read(const char *bytes, size_t len, struct frame *f, size_t *used)
{
    const unsigned char *b = (const unsigned char *)bytes;
    if (len < FRAME_HEAD)
        return FRAME_SHORT;
    size_t n = get_u32(b);
    if (n < 9 || n > FRAME_MAX)
        return FRAME_BAD;
    if (len < FRAME_HEAD + n)
        return FRAME_SHORT;
    uint64_t epoch = get_u64(b + FRAME_HEAD + 1);
    unsigned type = b[FRAME_HEAD];
    if (crc32c(0, b + FRAME_HEAD, n) != get_u32(b + 4) || epoch > EPOCH_MAX || type < FRAME_HELLO ||
        type > FRAME_VOUCHED)
        return FRAME_BAD;
    *f = (struct frame){(enum frame_type)type, (int64_t)epoch, bytes + FRAME_HEAD + 9, n - 9};
    *used = FRAME_HEAD + n;
    return FRAME_OK;
}

int frame_take_u64(struct frame *f, int64_t *out)
{
    if (f->len < 8 || get_u64((const unsigned char *)f->body) > INT64_MAX)
        return -1;
    *out = (int64_t)get_u64((const unsigned char *)f->body);
    f->body += 8;
    f->len -= 8;
    return 0;
}

int frame_take_u8(struct frame *f, int *out)
{
    if (f->len < 1)
        return -1;
    *out = (unsigned char)*f->body++;
    f->len--;
    return 0;
}

int frame_take_region(struct frame *f, char out[64])
{
    int n;
    if (frame_take_u8(f, &n) < 0 || n < 1 || n > 63 || f->len < (size_t)n || memchr(f->body, '\0', (size_t)n) != NULL)
        return -1;
    memcpy(out, f->body, (size_t)n);
    out[n] = '\0';
    f->body += n;
    f->len -= (size_t)n;
    return 0;
}
