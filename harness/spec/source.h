/* SPDX-License-Identifier: MIT */
/*
 * A text that people wrote, and places in it: what diagnostics point at.
 *
 * A source borrows its text. Lines count from 1 and end as in YAML 1.1 (LF, CR, CRLF, NEL, LS, PS); columns count
 * characters from 1, never bytes. A place of line 0 is the source as a whole.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source {
    const char *name; /* as the user gave it: a path, "--set" */
    const char *text; /* UTF-8, unless a diagnostic says that it is not */
    size_t len;
    bool argument; /* what --set says, KEY=VALUE; no file */
};

struct place {
    const struct source *source;
    int line, column;
    int length; /* in characters; 0 counts as 1 */
};
#define PLACE_TO_LINE_END (-1) /* as a length */

/* Bytes of the line break at s, 0 if there is none. */
size_t source_break(const char *s, size_t len);
/* The line without its break; beyond the end the empty string. Returns its bytes. */
size_t source_line(const struct source *s, int line, const char **at);
/* The place of a byte offset, one character long; invalid bytes count as one character each. */
struct place source_place(const struct source *s, size_t offset);
/* Offset of the first byte that is not the text of a YAML stream (bad UTF-8, control characters), or len. */
size_t source_first_bad(const struct source *s);

/* Columns that a terminal uses for a character: 0, 1 or 2 (Unicode TR 11, wide and fullwidth; combining marks 0). */
int char_columns(uint32_t codepoint);
