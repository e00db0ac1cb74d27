/* SPDX-License-Identifier: MIT */
/*
 * Method: everything is found by walking the text from its start. Places are looked up a few times per file at most
 * (twenty diagnostics), so that no index of lines is worth keeping.
 *
 * libyaml counts characters, so columns here are characters too; only char_columns knows about terminals. The table
 * of wide characters is coarse (whole blocks): a caret one column off under a rare symbol is not worth a Unicode
 * library.
 */
#include "harness/spec/source.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include <string.h>

size_t source_break(const char *s, size_t len)
{
    const unsigned char *u = (const unsigned char *)s;
    if (len == 0 || (u[0] > '\r' && u[0] < 0xC2)) {
        return 0;
    }
    if (len >= 2 && u[0] == '\r' && u[1] == '\n') {
        return 2;
    }
    if (len >= 1 && (u[0] == '\r' || u[0] == '\n')) {
        return 1;
    }
    if (len >= 2 && u[0] == 0xC2 && u[1] == 0x85) {
        return 2;
    }
    if (len >= 3 && u[0] == 0xE2 && u[1] == 0x80 && (u[2] == 0xA8 || u[2] == 0xA9)) {
        return 3;
    }
    return 0;
}

size_t source_line(const struct source *s, int line, const char **at)
{
    size_t i = 0;
    for (int n = 1; n < line && i < s->len;) {
        size_t gap = source_break(s->text + i, s->len - i);
        i += gap ? gap : 1;
        n += gap ? 1 : 0;
    }
    size_t end = i;
    while (end < s->len && source_break(s->text + end, s->len - end) == 0) {
        end++;
    }
    *at = s->text + i;
    return end - i;
}

struct place source_place(const struct source *s, size_t offset)
{
    struct place p = {.source = s, .line = 1, .column = 1, .length = 1};
    for (size_t i = 0; i < offset && i < s->len;) {
        size_t gap = source_break(s->text + i, s->len - i);
        if (gap) {
            p.line++;
            p.column = 1;
            i += gap;
            continue;
        }
        uint32_t c;
        size_t bytes = utf8_decode(s->text + i, s->len - i, &c);
        i += bytes ? bytes : 1;
        p.column++;
    }
    return p;
}

/* YAML 1.1, c-printable */
static bool printable(uint32_t c)
{
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0x7E) || c == 0x85 || (c >= 0xA0 && c <= 0xD7FF) ||
           (c >= 0xE000 && c <= 0xFFFD) || (c >= 0x10000 && c <= 0x10FFFF);
}

size_t source_first_bad(const struct source *s)
{
    for (size_t i = 0; i < s->len;) {
        uint32_t c;
        size_t bytes = utf8_decode(s->text + i, s->len - i, &c);
        if (bytes == 0 || !printable(c)) {
            return i;
        }
        i += bytes;
    }
    return s->len;
}

int char_columns(uint32_t c)
{
    static const struct {
        uint32_t from, to;
        int columns;
    } ranges[] = {
        {0x0300, 0x036F, 0},   {0x0483, 0x0489, 0},   {0x0591, 0x05BD, 0},   {0x064B, 0x065F, 0},
        {0x1100, 0x115F, 2},   {0x1AB0, 0x1AFF, 0},   {0x200B, 0x200F, 0},   {0x202A, 0x202E, 0},
        {0x20D0, 0x20F0, 0},   {0x231A, 0x231B, 2},   {0x23E9, 0x23EC, 2},   {0x2E80, 0x303E, 2},
        {0x3041, 0xA4CF, 2},   {0xA960, 0xA97F, 2},   {0xAC00, 0xD7A3, 2},   {0xF900, 0xFAFF, 2},
        {0xFE00, 0xFE0F, 0},   {0xFE20, 0xFE2F, 0},   {0xFE30, 0xFE6F, 2},   {0xFEFF, 0xFEFF, 0},
        {0xFF00, 0xFF60, 2},   {0xFFE0, 0xFFE6, 2},   {0x1F300, 0x1F64F, 2}, {0x1F680, 0x1F6FF, 2},
        {0x1F900, 0x1F9FF, 2}, {0x20000, 0x3FFFD, 2}, {0xE0100, 0xE01EF, 0},
    };
    for (size_t i = 0; i < array_len(ranges) && c >= ranges[i].from; i++) {
        if (c <= ranges[i].to) {
            return ranges[i].columns;
        }
    }
    return 1;
}
