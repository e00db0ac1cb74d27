/* SPDX-License-Identifier: MIT */
/*
 * Method, target and body stay as they are; framing is always by Content-Length, whatever came in. The length that a
 * response to HEAD or a 304 speaks of is not its own; it is passed on as it was told, or not told (RFC 9110, 8.6).
 */
#include "gateway-under-test/relay.h"

#include "harness/base/text.h"

#define FRAMING_MAX 256 /* what is added to a message: its length, and fields of ours */

static bool skipped(struct http_span name, const char *const *skip)
{
    if (http_hop_by_hop(name))
        return true;
    for (; *skip != NULL; skip++) {
        if (span_is_nocase(name, *skip))
            return true;
    }
    return false;
}

void relay_fields(struct text *out, const struct http_message *m, const char *bytes, const char *const *skip)
{
    for (size_t i = 0; i < m->field_count; i++) {
        const struct http_field *f = &m->fields[i];
        if (skipped((struct http_span){bytes + f->name_at, f->name_len}, skip))
            continue;
        text_add_bytes(out, bytes + f->name_at, f->name_len);
        text_add_bytes(out, ": ", 2);
        text_add_bytes(out, bytes + f->value_at, f->value_len);
        text_add_bytes(out, "\r\n", 2);
    }
}

size_t relay_length(const struct http_message *m)
{
    if (!m->bodiless && m->status != 304)
        return m->body_len;
    return m->has_length ? m->told_len : LENGTH_UNTOLD;
}

void relay_request(struct text *out, const struct exchange *x, const char *const *skip, const char *fields)
{
    struct http_span method = exchange_method(x), target = exchange_target(x), body = exchange_body(x);
    text_clear(out);
    text_room(out, x->req.head_len + body.len + FRAMING_MAX);
    text_add_bytes(out, method.at, method.len);
    text_add_bytes(out, " ", 1);
    text_add_bytes(out, target.at, target.len);
    text_add(out, " HTTP/1.1\r\n");
    relay_fields(out, &x->req, x->conn.in.at, skip);
    text_add(out, fields);
    if (body.len > 0 || span_is(method, "POST") || span_is(method, "PUT")) {
        text_add(out, "Content-Length: ");
        text_add_int(out, (int64_t)body.len);
        text_add_bytes(out, "\r\n", 2);
    }
    text_add_bytes(out, "\r\n", 2);
    text_add_bytes(out, body.at, body.len);
}
