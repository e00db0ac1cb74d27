/* SPDX-License-Identifier: MIT */
/*
 * A growing string, and what several rooms ask of strings.
 *
 * text_nearest is Levenshtein's distance with neighbouring swaps counted as one (optimal string alignment), on bytes,
 * over words of at most WORD_MAX bytes; a candidate is "meant" when at most a third of the longer word, and never
 * more than three letters, differ. utf8_decode follows the table of RFC 3629 section 4 byte by byte: overlong forms,
 * surrogates and anything above U+10FFFF are invalid.
 */
#include "harness/base/text.h"

#include "harness/base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 64, NAME_MAX_LEN = 40 };

void text_deinit(struct text *t)
{
    free(t->at);
    *t = (struct text){0};
}

void text_clear(struct text *t)
{
    t->len = 0;
    if (t->at) {
        t->at[0] = '\0';
    }
}

void text_room(struct text *t, size_t more)
{
    if (more > SIZE_MAX / 2 - t->len - 1) {
        abort();
    }
    size_t need = t->len + more + 1;
    if (need <= t->cap) {
        return;
    }
    size_t cap = t->cap ? t->cap : 64;
    while (cap < need) {
        cap *= 2;
    }
    t->at = xrealloc(t->at, cap);
    t->cap = cap;
}

void text_add(struct text *t, const char *s)
{
    text_add_bytes(t, s, strlen(s));
}

void text_add_bytes(struct text *t, const void *s, size_t len)
{
    text_room(t, len);
    if (len) {
        memcpy(t->at + t->len, s, len);
    }
    t->len += len;
    t->at[t->len] = '\0';
}

void text_add_int(struct text *t, int64_t n)
{
    char digits[24], *at = digits + sizeof(digits);
    uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (n < 0) {
        *--at = '-';
    }
    text_add_bytes(t, at, (size_t)(digits + sizeof(digits) - at));
}

void text_addf(struct text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    text_vaddf(t, fmt, ap);
    va_end(ap);
}

void text_vaddf(struct text *t, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    size_t room = t->cap - t->len;
    int len = vsnprintf(room > 0 ? t->at + t->len : NULL, room, fmt, ap);
    if (len < 0) {
        abort();
    }
    if ((size_t)len >= room) {
        text_room(t, (size_t)len);
        vsnprintf(t->at + t->len, (size_t)len + 1, fmt, again);
    }
    va_end(again);
    t->len += (size_t)len;
}

const char *text_str(const struct text *t)
{
    return t->at ? t->at : "";
}

char *text_steal(struct text *t)
{
    text_room(t, 0);
    char *s = t->at;
    s[t->len] = '\0';
    *t = (struct text){0};
    return s;
}

bool text_eq(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool text_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

const char *text_behind_bom(const char *s)
{
    return text_starts(s, "\xEF\xBB\xBF") ? s + 3 : s;
}

bool text_is_name(const char *s)
{
    size_t len = 0;
    for (char before = '-'; s[len]; before = s[len++]) {
        bool alnum = (s[len] >= 'a' && s[len] <= 'z') || (s[len] >= '0' && s[len] <= '9');
        if (len == NAME_MAX_LEN || (!alnum && (s[len] != '-' || before == '-'))) {
            return false;
        }
    }
    return len > 0 && s[len - 1] != '-';
}

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits that turn a into b; both at most WORD_MAX bytes. Three rows of the classic table are alive at a time. */
static size_t distance(const char *a, size_t alen, const char *b, size_t blen)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *two_up = rows[0], *up = rows[1], *row = rows[2];
    for (size_t j = 0; j <= blen; j++) {
        up[j] = j;
    }
    for (size_t i = 1; i <= alen; i++) {
        row[0] = i;
        for (size_t j = 1; j <= blen; j++) {
            size_t changed = up[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = min(changed, min(up[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = min(row[j], two_up[j - 2] + 1);
            }
        }
        size_t *oldest = two_up;
        two_up = up;
        up = row;
        row = oldest;
    }
    return up[blen];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t n)
{
    size_t len = strnlen(word, WORD_MAX + 1);
    const char *best = NULL;
    size_t best_edits = 0;
    for (size_t i = 0; len <= WORD_MAX && i < n; i++) {
        size_t clen = candidates[i] ? strnlen(candidates[i], WORD_MAX + 1) : 0;
        if (clen == 0 || clen > WORD_MAX) {
            continue;
        }
        size_t edits = distance(word, len, candidates[i], clen);
        size_t longer = len > clen ? len : clen;
        size_t allowed = min(longer <= 3 ? 1 : longer / 3, 3);
        if (edits <= allowed && edits < longer && (!best || edits < best_edits)) {
            best = candidates[i];
            best_edits = edits;
        }
    }
    return best;
}

size_t utf8_decode(const char *s, size_t len, uint32_t *codepoint)
{
    const unsigned char *u = (const unsigned char *)s;
    if (len == 0) {
        return 0;
    }
    if (u[0] < 0x80) {
        *codepoint = u[0];
        return 1;
    }
    size_t bytes = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
    if (u[0] < 0xc2 || u[0] > 0xf4 || bytes > len) {
        return 0;
    }
    /* The second byte alone decides about overlong forms, surrogates and the upper end. */
    unsigned low = u[0] == 0xe0 ? 0xa0 : u[0] == 0xf0 ? 0x90 : 0x80;
    unsigned high = u[0] == 0xed ? 0x9f : u[0] == 0xf4 ? 0x8f : 0xbf;
    if (u[1] < low || u[1] > high) {
        return 0;
    }
    uint32_t c = u[0] & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) {
        if ((u[i] & 0xc0) != 0x80) {
            return 0;
        }
        c = c << 6 | (u[i] & 0x3fu);
    }
    *codepoint = c;
    return bytes;
}
