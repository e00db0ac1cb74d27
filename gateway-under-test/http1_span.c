/* SPDX-License-Identifier: MIT */
/*
 * Questions about a message that has been read: spans of its bytes, never copies. Names of fields are compared without
 * regard to case; everything else as it stands.
 */
#include "gateway-under-test/http1.h"

#include "harness/base/scoped.h"

#include <string.h>

struct http_span http_method(const struct http_message *m, const char *bytes)
{
    return (struct http_span){bytes, m->method_len};
}

struct http_span http_target(const struct http_message *m, const char *bytes)
{
    return (struct http_span){bytes + m->target_at, m->target_len};
}

struct http_span http_body(const struct http_message *m, const char *bytes)
{
    return (struct http_span){bytes + m->head_len, m->body_len};
}

struct http_span http_field(const struct http_message *m, const char *bytes, const char *name)
{
    for (size_t i = 0; i < m->field_count; i++) {
        const struct http_field *f = &m->fields[i];
        if (span_is_nocase((struct http_span){bytes + f->name_at, f->name_len}, name))
            return (struct http_span){bytes + f->value_at, f->value_len};
    }
    return (struct http_span){NULL, 0};
}

bool span_starts(struct http_span s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.at != NULL && s.len >= n && memcmp(s.at, prefix, n) == 0;
}

struct http_span span_query(struct http_span target, const char *name)
{
    const char *at = target.len > 0 ? memchr(target.at, '?', target.len) : NULL;
    const char *end = target.at + target.len;
    size_t n = strlen(name);
    while (at != NULL) {
        at++;
        const char *next = memchr(at, '&', (size_t)(end - at));
        size_t len = (size_t)((next ? next : end) - at);
        if (len > n && memcmp(at, name, n) == 0 && at[n] == '=')
            return (struct http_span){at + n + 1, len - n - 1};
        at = next;
    }
    return (struct http_span){NULL, 0};
}

bool span_int(struct http_span s, int64_t *out)
{
    int64_t n = 0;
    if (s.len == 0 || s.len > 18)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        n = n * 10 + (s.at[i] - '0');
    }
    *out = n;
    return true;
}

#define NAME(text) {sizeof(text) - 1, text}

bool http_hop_by_hop(struct http_span name)
{
    static const struct {
        size_t len;
        const char *text;
    } names[] = {NAME("connection"), NAME("keep-alive"),        NAME("proxy-connection"), NAME("te"),
                 NAME("trailer"),    NAME("transfer-encoding"), NAME("upgrade"),          NAME("content-length"),
                 NAME("expect"),     NAME("proxy-authenticate"), NAME("proxy-authorization")};
    for (size_t i = 0; i < array_len(names); i++) {
        if (name.len == names[i].len && strncasecmp(name.at, names[i].text, name.len) == 0)
            return true;
    }
    return false;
}

const char *http_reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 413:
        return "Content Too Large";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    default:
        return "-";
    }
}
