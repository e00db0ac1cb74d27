/* SPDX-License-Identifier: MIT */
/*
 * Read anew from the front after each arrival: an answer has at most 64 KiB and mostly comes in one piece. A body that
 * is not JSON, longer than announced or cut short is none; the status stands by itself.
 */
#include "harness/lab/ask_answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RETRY_AFTER_MAX_S 86400

int ask_answer_status(const struct text *t)
{
    const char *s = text_str(t);
    if (t->len < 12 || !text_starts(s, "HTTP/1.") || s[8] != ' ') {
        return 0;
    }
    int status = 0;
    for (int i = 9; i < 12; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return 0;
        }
        status = 10 * status + (s[i] - '0');
    }
    return status;
}

/* A field of the head that is a number from 0 to max, the last of its name; -1 if there is none. */
static long number_field(const char *s, const char *end, const char *name, long max)
{
    long found = -1;
    size_t len = strlen(name);
    for (const char *line = strstr(s, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, len) == 0) {
            char *rest;
            long n = strtol(line + 2 + len, &rest, 10);
            found = n >= 0 && n <= max && *rest == '\r' ? n : -1;
        }
    }
    return found;
}

/* Where the body begins; 0 while the head is incomplete. *length: as announced, -1 if it was not. */
static size_t body_of(const struct text *t, long *length)
{
    const char *s = text_str(t);
    const char *end = strstr(s, "\r\n\r\n");
    *length = end ? number_field(s, end, "content-length:", ASK_ANSWER_MAX) : -1;
    return end ? (size_t)(end - s) + 4 : 0;
}

int64_t ask_answer_retry_after(const struct text *t)
{
    const char *s = text_str(t), *end = strstr(s, "\r\n\r\n");
    return end ? number_field(s, end, "retry-after:", RETRY_AFTER_MAX_S) : -1;
}

size_t ask_answer_body_len(const struct text *t)
{
    long length;
    size_t at = body_of(t, &length);
    return at > 0 ? t->len - at : 0;
}

bool ask_answer_complete(const struct text *t)
{
    long length;
    size_t at = body_of(t, &length);
    return at > 0 && length >= 0 && t->len >= at + (size_t)length;
}

json_t *ask_answer_body(const struct text *t)
{
    long length;
    size_t at = body_of(t, &length);
    size_t left = t->len - at;
    if (at == 0 || left == 0 || (length >= 0 && left != (size_t)length)) {
        return NULL;
    }
    return json_loadb(text_str(t) + at, left, JSON_REJECT_DUPLICATES, NULL);
}
