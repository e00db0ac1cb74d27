/* SPDX-License-Identifier: MIT */
/*
 * The head is collected until its empty line, every LF being checked for its CR on the way, and then cut into fields in
 * one pass. Only then is it known how the body is framed. A body of known length needs no look at all; a chunked body
 * is a little state machine that moves the payload to the front, so that afterwards both kinds lie at head_len.
 *
 * Requests smuggled past one parser and understood by another live on leniency, so there is none here: what is not
 * plainly right is HTTP_BAD, and the connection is closed by the caller.
 */
#include "gateway-under-test/http1.h"

#include <string.h>

enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_CR,
    CHUNK_LF,
    CHUNK_END_CR,
    CHUNK_END_LF
};

void http_begin_request(struct http_message *m)
{
    memset(m, 0, offsetof(struct http_message, fields));
    m->field_count = 0;
    memset(&m->has_length, 0, sizeof(*m) - offsetof(struct http_message, has_length));
    m->state = HTTP_HEAD;
}

void http_begin_response(struct http_message *m, bool bodiless)
{
    http_begin_request(m);
    m->response = true;
    m->bodiless = bodiless;
}

static enum http_progress bad(struct http_message *m, const char *why)
{
    m->why = why;
    return HTTP_BAD;
}

static enum http_progress large(struct http_message *m, const char *why)
{
    m->why = why;
    return HTTP_LARGE;
}

static bool is_token(unsigned char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return true;
    return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* HTTP/1.0 or HTTP/1.1 at s, eight bytes. */
static int read_version(const char *s, size_t len)
{
    if (len != 8 || memcmp(s, "HTTP/1.", 7) != 0 || (s[7] != '0' && s[7] != '1'))
        return -1;
    return s[7] - '0';
}

static enum http_progress read_request_line(struct http_message *m, const char *b, size_t len)
{
    size_t i = 0;
    while (i < len && is_token((unsigned char)b[i]))
        i++;
    if (i == 0 || i > 16 || i >= len || b[i] != ' ')
        return bad(m, "malformed method");
    m->method_len = (uint32_t)i;
    size_t from = ++i;
    while (i < len && (unsigned char)b[i] > 0x20 && (unsigned char)b[i] < 0x7f)
        i++;
    if (i >= len || b[i] != ' ' || b[from] != '/')
        return bad(m, "malformed target");
    m->target_at = (uint32_t)from;
    m->target_len = (uint32_t)(i - from);
    m->minor = read_version(b + i + 1, len - i - 1);
    return m->minor < 0 ? bad(m, "malformed version") : HTTP_MORE;
}

static enum http_progress read_status_line(struct http_message *m, const char *b, size_t len)
{
    if (len < 12 || (m->minor = read_version(b, 8)) < 0 || b[8] != ' ')
        return bad(m, "malformed status line");
    for (size_t i = 9; i < 12; i++) {
        if (b[i] < '0' || b[i] > '9')
            return bad(m, "malformed status");
        m->status = m->status * 10 + (b[i] - '0');
    }
    if ((len > 12 && b[12] != ' ') || m->status < 200 || m->status > 599)
        return bad(m, "status outside 200 to 599");
    return HTTP_MORE;
}

static bool list_has(struct http_span s, const char *word)
{
    while (s.len > 0) {
        const char *comma = memchr(s.at, ',', s.len);
        struct http_span item = {s.at, comma ? (size_t)(comma - s.at) : s.len};
        size_t step = comma ? item.len + 1 : item.len;
        while (item.len > 0 && (item.at[0] == ' ' || item.at[0] == '\t'))
            item.at++, item.len--;
        while (item.len > 0 && (item.at[item.len - 1] == ' ' || item.at[item.len - 1] == '\t'))
            item.len--;
        if (span_is_nocase(item, word))
            return true;
        s.at += step;
        s.len -= step;
    }
    return false;
}

/* Whatever its fields say (RFC 9112 section 6.3). */
static bool has_no_body(const struct http_message *m)
{
    return m->response && (m->bodiless || m->status == 204 || m->status == 304);
}

/* What a field says about the framing of the message or the life of the connection. */
static enum http_progress note_field(struct http_message *m, struct http_span name, struct http_span value, int *hosts)
{
    if (span_is_nocase(name, "content-length")) {
        int64_t n = 0;
        if (m->has_length)
            return bad(m, "second Content-Length");
        if (!span_int(value, &n))
            return bad(m, "malformed Content-Length");
        if ((uint64_t)n > HTTP_BODY_MAX && !has_no_body(m))
            return large(m, "body too large");
        m->has_length = true;
        m->told_len = m->body_len = (size_t)n;
    } else if (span_is_nocase(name, "transfer-encoding")) {
        if (m->chunked || !span_is_nocase(value, "chunked") || m->minor == 0)
            return bad(m, "unsupported Transfer-Encoding");
        m->chunked = true;
    } else if (span_is_nocase(name, "connection")) {
        if (list_has(value, "close"))
            m->keep_alive = false;
    } else if (span_is_nocase(name, "host")) {
        (*hosts)++;
    } else if (span_is_nocase(name, "expect")) {
        m->expects_continue = span_is_nocase(value, "100-continue");
    }
    return HTTP_MORE;
}

static enum http_progress read_field(struct http_message *m, const char *b, size_t from, size_t to, int *hosts)
{
    if (b[from] == ' ' || b[from] == '\t')
        return bad(m, "folded field");
    size_t colon = from;
    while (colon < to && is_token((unsigned char)b[colon]))
        colon++;
    if (colon == from || colon >= to || b[colon] != ':')
        return bad(m, "malformed field name");
    size_t start = colon + 1, end = to;
    while (start < end && (b[start] == ' ' || b[start] == '\t'))
        start++;
    while (end > start && (b[end - 1] == ' ' || b[end - 1] == '\t'))
        end--;
    for (size_t i = start; i < end; i++) {
        unsigned char c = (unsigned char)b[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return bad(m, "control character in a field");
    }
    if (m->field_count == HTTP_FIELDS_MAX)
        return large(m, "too many fields");
    m->fields[m->field_count++] =
        (struct http_field){(uint32_t)from, (uint32_t)(colon - from), (uint32_t)start, (uint32_t)(end - start)};
    return note_field(m, (struct http_span){b + from, colon - from}, (struct http_span){b + start, end - start}, hosts);
}

static enum http_progress decide_framing(struct http_message *m)
{
    if (m->chunked && m->has_length)
        return bad(m, "Content-Length with Transfer-Encoding");
    if (has_no_body(m)) {
        m->body_len = 0;
        m->state = HTTP_BODY_LENGTH;
    } else if (m->chunked) {
        m->state = HTTP_BODY_CHUNKED;
        m->scanned = m->head_len;
        m->chunk_state = CHUNK_SIZE;
    } else if (m->has_length || !m->response) {
        m->state = HTTP_BODY_LENGTH;
    } else {
        m->state = HTTP_BODY_UNTIL_CLOSE;
        m->keep_alive = false;
    }
    return HTTP_MORE;
}

static enum http_progress read_head(struct http_message *m, const char *b)
{
    size_t from = 0, last = m->head_len - 2;
    int hosts = 0;
    for (bool first = true; from < last; first = false) {
        const char *cr = memchr(b + from, '\r', m->head_len - from);
        size_t to = (size_t)(cr - b);
        enum http_progress p;
        if (first) {
            p = m->response ? read_status_line(m, b, to) : read_request_line(m, b, to);
            m->keep_alive = m->minor == 1;
        } else {
            p = read_field(m, b, from, to, &hosts);
        }
        if (p != HTTP_MORE)
            return p;
        from = to + 2;
    }
    if (!m->response && (hosts > 1 || (hosts == 0 && m->minor == 1)))
        return bad(m, "Host missing or given twice");
    return decide_framing(m);
}

/* Look for the empty line. Each LF needs its CR and each CR its LF. */
static enum http_progress find_head(struct http_message *m, const char *b, size_t len)
{
    size_t limit = len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX;
    for (; m->scanned < limit; m->scanned++) {
        size_t i = m->scanned;
        bool after_cr = i > 0 && b[i - 1] == '\r';
        if ((b[i] == '\n') != after_cr)
            return bad(m, "bare CR or LF");
        if (b[i] == '\0')
            return bad(m, "NUL in the head");
        if (b[i] == '\n' && i == 1)
            return bad(m, "empty first line");
        if (b[i] == '\n' && i >= 3 && b[i - 2] == '\n') {
            m->head_len = i + 1;
            return read_head(m, b);
        }
    }
    return len >= HTTP_HEAD_MAX ? large(m, "head too large") : HTTP_MORE;
}

static enum http_progress chunk_size_digit(struct http_message *m, unsigned char c)
{
    int digit = hex_digit(c);
    if (digit >= 0) {
        if (++m->chunk_line > 8)
            return bad(m, "chunk size too long");
        m->chunk_left = m->chunk_left * 16 + (size_t)digit;
        return m->chunk_left > HTTP_BODY_MAX ? large(m, "chunk too large") : HTTP_MORE;
    }
    if (m->chunk_line == 0 || (c != ';' && c != '\r'))
        return bad(m, "malformed chunk size");
    m->chunk_state = c == ';' ? CHUNK_EXTENSION : CHUNK_SIZE_LF;
    return HTTP_MORE;
}

/* One byte of a chunked body that is not payload. */
static enum http_progress chunk_step(struct http_message *m, unsigned char c)
{
    switch ((enum chunk_state)m->chunk_state) {
    case CHUNK_SIZE:
        return chunk_size_digit(m, c);
    case CHUNK_EXTENSION:
        if (c == '\r')
            m->chunk_state = CHUNK_SIZE_LF;
        else if (++m->chunk_line > 256 || (c < 0x20 && c != '\t') || c == 0x7f)
            return bad(m, "malformed chunk extension");
        return HTTP_MORE;
    case CHUNK_SIZE_LF:
        if (c != '\n')
            return bad(m, "malformed chunk line");
        m->chunk_line = 0;
        m->chunk_state = m->chunk_left > 0 ? CHUNK_DATA : CHUNK_END_CR;
        return HTTP_MORE;
    case CHUNK_CR:
        m->chunk_state = CHUNK_LF;
        return c == '\r' ? HTTP_MORE : bad(m, "chunk longer than its size");
    case CHUNK_LF:
        m->chunk_state = CHUNK_SIZE;
        return c == '\n' ? HTTP_MORE : bad(m, "malformed chunk end");
    case CHUNK_END_CR:
        m->chunk_state = CHUNK_END_LF;
        return c == '\r' ? HTTP_MORE : bad(m, "trailers are refused");
    case CHUNK_END_LF:
        return c == '\n' ? HTTP_DONE : bad(m, "malformed end of body");
    case CHUNK_DATA:
        break;
    }
    return HTTP_MORE;
}

static enum http_progress read_chunked(struct http_message *m, char *b, size_t len)
{
    size_t end = len < HTTP_RAW_MAX ? len : HTTP_RAW_MAX;
    while (m->scanned < end) {
        if (m->chunk_state == CHUNK_DATA) {
            size_t n = end - m->scanned < m->chunk_left ? end - m->scanned : m->chunk_left;
            if (m->body_len + n > HTTP_BODY_MAX)
                return large(m, "body too large");
            memmove(b + m->head_len + m->body_len, b + m->scanned, n);
            m->body_len += n;
            m->scanned += n;
            m->chunk_left -= n;
            if (m->chunk_left == 0)
                m->chunk_state = CHUNK_CR;
            continue;
        }
        enum http_progress p = chunk_step(m, (unsigned char)b[m->scanned++]);
        if (p == HTTP_DONE) {
            m->used = m->scanned;
            m->state = HTTP_END;
        }
        if (p != HTTP_MORE)
            return p;
    }
    return m->scanned < HTTP_RAW_MAX ? HTTP_MORE : large(m, "too many chunks");
}

enum http_progress http_read(struct http_message *m, char *bytes, size_t len)
{
    if (m->state == HTTP_HEAD) {
        enum http_progress p = find_head(m, bytes, len);
        if (p != HTTP_MORE || m->state == HTTP_HEAD)
            return p;
    }
    switch (m->state) {
    case HTTP_BODY_CHUNKED:
        return read_chunked(m, bytes, len);
    case HTTP_BODY_LENGTH:
        if (len - m->head_len < m->body_len)
            return HTTP_MORE;
        m->used = m->head_len + m->body_len;
        m->state = HTTP_END;
        return HTTP_DONE;
    case HTTP_BODY_UNTIL_CLOSE:
        return len - m->head_len > HTTP_BODY_MAX ? large(m, "body too large") : HTTP_MORE;
    case HTTP_HEAD:
    case HTTP_END:
        break;
    }
    return HTTP_DONE;
}

enum http_progress http_read_end(struct http_message *m, size_t len)
{
    if (m->state != HTTP_BODY_UNTIL_CLOSE)
        return bad(m, "connection closed in mid-message");
    m->body_len = len - m->head_len;
    m->used = len;
    m->state = HTTP_END;
    return HTTP_DONE;
}
