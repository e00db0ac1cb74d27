/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 messages, read incrementally and strictly (RFC 9110, RFC 9112).
 *
 * Called by server.c (requests) and upstream.c (responses). The caller keeps the bytes of one message in one buffer
 * that grows at its end and calls http_read after each arrival with the whole of it. The parser owns nothing and
 * allocates nothing; places are kept as offsets, so that the buffer may move. A chunked body is joined in place, hence
 * the buffer is writable. Invariant: whatever the bytes, and however they are split, the result is the same.
 *
 * Refused: Content-Length with Transfer-Encoding, two Content-Length, folded fields, bare LF or CR, control characters,
 * space before a colon, a transfer coding other than chunked, trailers, targets that do not begin with a slash, a
 * missing or second Host, heads over HTTP_HEAD_MAX, bodies over HTTP_BODY_MAX.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define HTTP_HEAD_MAX ((size_t)16 * 1024)
#define HTTP_BODY_MAX ((size_t)1024 * 1024)
#define HTTP_RAW_MAX (HTTP_HEAD_MAX + 2 * HTTP_BODY_MAX) /* as it may lie in the buffer, chunk lines included */
#define HTTP_FIELDS_MAX 64

enum http_progress {
    HTTP_MORE,  /* feed me */
    HTTP_DONE,  /* the message ends at `used` */
    HTTP_BAD,   /* malformed: 400; `why` says how */
    HTTP_LARGE, /* a limit is exceeded: 431 for the head, 413 for the body */
};

enum http_state { HTTP_HEAD, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_UNTIL_CLOSE, HTTP_END };

struct http_span {
    const char *at; /* NULL: absent. Not NUL-terminated */
    size_t len;
};

struct http_field {
    uint32_t name_at, name_len, value_at, value_len;
};

struct http_message {
    bool response;
    bool bodiless; /* a response to HEAD */
    enum http_state state;
    size_t scanned;  /* head: bytes looked at; chunked body: raw bytes consumed */
    size_t head_len; /* bytes of the head, its empty line included */
    size_t used;     /* raw bytes of the whole message once HTTP_DONE */
    uint32_t method_len, target_at, target_len;
    int status, minor; /* HTTP/1.minor */
    struct http_field fields[HTTP_FIELDS_MAX];
    size_t field_count;
    bool has_length, chunked, keep_alive, expects_continue;
    size_t body_len; /* the body lies at head_len once HTTP_DONE */
    size_t told_len; /* has_length: what Content-Length said, also where no body comes */
    size_t chunk_left;
    int chunk_state;
    size_t chunk_line;
    const char *why; /* static text */
};

void http_begin_request(struct http_message *m);
void http_begin_response(struct http_message *m, bool bodiless);
enum http_progress http_read(struct http_message *m, char *bytes, size_t len);
/* The peer closed its side: HTTP_DONE where the body was to last until then, else HTTP_BAD. */
enum http_progress http_read_end(struct http_message *m, size_t len);

struct http_span http_method(const struct http_message *m, const char *bytes);
struct http_span http_target(const struct http_message *m, const char *bytes);
struct http_span http_body(const struct http_message *m, const char *bytes);
struct http_span http_field(const struct http_message *m, const char *bytes, const char *name); /* the first of it */

/* Inline, so that the length of a constant is one, too. */
static inline bool span_is(struct http_span s, const char *text)
{
    return s.at != NULL && strlen(text) == s.len && memcmp(s.at, text, s.len) == 0;
}

static inline bool span_is_nocase(struct http_span s, const char *text)
{
    return s.at != NULL && strlen(text) == s.len && strncasecmp(s.at, text, s.len) == 0;
}

bool span_starts(struct http_span s, const char *prefix);
/* Value of a query parameter in a target: /v1/ops?from=1&limit=2. No percent decoding. */
struct http_span span_query(struct http_span target, const char *name);
bool span_int(struct http_span s, int64_t *out); /* decimal digits only, at most 18 */
/* A field that is about one connection only and is never passed on (RFC 9110 section 7.6.1). */
bool http_hop_by_hop(struct http_span name);
const char *http_reason(int status);
