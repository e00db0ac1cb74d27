/* SPDX-License-Identifier: MIT */
/*
 * Hyphens are minus signs that can be copied into a shell; backslashes are printed; a dot or an apostrophe that would
 * begin a line is hidden behind a character of no width.
 */
#include "harness/base/roff.h"
#include "harness/base/text.h"

void roff_add(struct text *out, const char *s)
{
    for (; *s; s++) {
        bool first = out->len == 0 || out->at[out->len - 1] == '\n';
        if (first && (*s == '.' || *s == '\'')) {
            text_add(out, "\\&");
        }
        if (*s == '-') {
            text_add(out, "\\-");
        } else if (*s == '\\') {
            text_add(out, "\\e");
        } else {
            text_add_bytes(out, s, 1);
        }
    }
}

void roff_line(struct text *out, const char *s)
{
    roff_add(out, s);
    text_add(out, "\n");
}
