/* SPDX-License-Identifier: MIT */
/*
 * The head is gathered until its empty line, then read once, line by line; the body is only counted.
 *
 * Strict where a lenient reader could be led to take another answer for ours: a status line of exactly its form, header
 * names that end at a colon, one length (or several equal ones), no transfer coding. A few interim answers (1xx) are
 * skipped. Without a length the body ends with the stream.
 */
#include "harness/crosscheck/reply.h"

#include <string.h>
#include <strings.h>

enum { INTERIM_MAX = 4 };

struct span {
    const char *at;
    size_t len;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK", "HTTP/1.0 200" */
static bool read_status(struct cross_reply *r, struct span line)
{
    const char *s = line.at;
    if (line.len < 12 || memcmp(s, "HTTP/1.", 7) != 0 || (s[7] != '0' && s[7] != '1') || s[8] != ' ' ||
        s[9] < '1' || s[9] > '9' || !is_digit(s[10]) || !is_digit(s[11]) || (line.len > 12 && s[12] != ' ')) {
        return false;
    }
    r->status = (s[9] - '0') * 100 + (s[10] - '0') * 10 + (s[11] - '0');
    return true;
}

static bool read_length(struct cross_reply *r, struct span v)
{
    uint64_t n = 0;
    for (size_t i = 0; i < v.len; i++) {
        if (!is_digit(v.at[i]) || n > CROSS_BODY_MAX) {
            return false;
        }
        n = n * 10 + (uint64_t)(v.at[i] - '0');
    }
    if (v.len == 0 || n > CROSS_BODY_MAX || (r->has_length && r->length != n)) {
        return false;
    }
    r->has_length = true;
    r->length = n;
    return true;
}

static int hex_digit(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static void read_nonce(struct cross_reply *r, struct span v)
{
    uint64_t n = 0;
    bool good = v.len == 16;
    for (size_t i = 0; good && i < v.len; i++) {
        int digit = hex_digit(v.at[i]);
        good = digit >= 0;
        n = n << 4 | (uint64_t)(digit & 15);
    }
    r->bad_nonce = r->bad_nonce || !good || (r->has_nonce && r->nonce != n);
    r->has_nonce = true;
    r->nonce = n;
}

static bool is_called(struct span name, const char *wanted)
{
    return name.len == strlen(wanted) && strncasecmp(name.at, wanted, name.len) == 0;
}

static struct span trimmed(struct span v)
{
    while (v.len > 0 && (*v.at == ' ' || *v.at == '\t')) {
        v.at++;
        v.len--;
    }
    while (v.len > 0 && (v.at[v.len - 1] == ' ' || v.at[v.len - 1] == '\t')) {
        v.len--;
    }
    return v;
}

static bool read_header(struct cross_reply *r, struct span line)
{
    const char *colon = memchr(line.at, ':', line.len);
    if (!colon || colon == line.at || *line.at == ' ' || *line.at == '\t') {
        return false;
    }
    struct span name = {line.at, (size_t)(colon - line.at)};
    struct span value = trimmed((struct span){colon + 1, line.len - name.len - 1});
    if (is_called(name, "Content-Length")) {
        return read_length(r, value);
    }
    if (is_called(name, "Transfer-Encoding")) {
        return false;
    }
    if (is_called(name, "X-DR-Nonce")) {
        read_nonce(r, value);
    }
    return true;
}

/* Head of len bytes, its empty line included. */
static bool read_head(struct cross_reply *r, size_t len)
{
    const char *at = r->head, *end = r->head + len;
    bool first = true;
    if (memchr(at, '\0', len)) {
        return false;
    }
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct span line = {at, (size_t)(stop - at)};
        line.len -= line.len > 0 && line.at[line.len - 1] == '\r';
        if (line.len == 0) {
            return !first;
        }
        if (!(first ? read_status(r, line) : read_header(r, line))) {
            return false;
        }
        first = false;
        at = stop + 1;
    }
    return false;
}

/* Where the head ends: behind the empty line; 0 while that is not there. */
static size_t head_end(struct cross_reply *r)
{
    for (; r->seen < r->head_len; r->seen++) {
        const char *p = r->head + r->seen;
        if (*p != '\n') {
            continue;
        }
        if (r->seen == 0 || p[-1] == '\n' || (p[-1] == '\r' && (r->seen == 1 || p[-2] == '\n'))) {
            return ++r->seen;
        }
    }
    return 0;
}

/* An interim answer is forgotten; what came behind it is the beginning of the next. False: that was one too many. */
static bool drop_interim(struct cross_reply *r, size_t len)
{
    r->head_len -= len;
    memmove(r->head, r->head + len, r->head_len);
    r->seen = 0;
    r->has_length = r->has_nonce = r->bad_nonce = false;
    return ++r->interim <= INTERIM_MAX;
}

static enum cross_reply_state count_body(struct cross_reply *r, size_t len, bool eof)
{
    bool empty = r->status == 204 || r->status == 304;
    r->body += len;
    if (empty || (r->has_length && r->body >= r->length)) {
        return CROSS_REPLY_WHOLE;
    }
    if (r->body > CROSS_BODY_MAX) {
        return CROSS_REPLY_BAD;
    }
    if (eof) {
        return r->has_length ? CROSS_REPLY_SHORT : CROSS_REPLY_WHOLE;
    }
    return CROSS_REPLY_MORE;
}

enum cross_reply_state cross_reply_take(struct cross_reply *r, const char *bytes, size_t len, bool eof)
{
    while (!r->head_done) {
        size_t room = sizeof(r->head) - r->head_len, part = len < room ? len : room;
        if (part > 0) {
            memcpy(r->head + r->head_len, bytes, part);
            r->head_len += part;
            bytes += part;
            len -= part;
        }
        size_t end = head_end(r);
        if (end == 0) {
            bool full = r->head_len == sizeof(r->head);
            return full ? CROSS_REPLY_BAD : eof ? CROSS_REPLY_SHORT : CROSS_REPLY_MORE;
        }
        if (!read_head(r, end)) {
            return CROSS_REPLY_BAD;
        }
        if (r->status < 200) {
            if (!drop_interim(r, end)) {
                return CROSS_REPLY_BAD;
            }
            continue;
        }
        r->head_done = true;
        r->body = r->head_len - end;
    }
    return count_body(r, len, eof);
}
