/* SPDX-License-Identifier: MIT */
/* A request is handed over in one piece, so that each callback for a name or a value brings all of it. */
#include "tests/unit/gateway/http1_peer.h"

#include <http_parser.h>

static int on_url(http_parser *p, const char *at, size_t len)
{
    text_add_bytes(&((struct reading *)p->data)->target, at, len);
    return 0;
}

static int on_name(http_parser *p, const char *at, size_t len)
{
    text_add_bytes(&((struct reading *)p->data)->fields, at, len);
    return 0;
}

/* Trailing blanks are not part of a value. */
static int on_value(http_parser *p, const char *at, size_t len)
{
    struct reading *r = p->data;
    while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
        len--;
    text_add(&r->fields, ":");
    text_add_bytes(&r->fields, at, len);
    text_add(&r->fields, "\n");
    return 0;
}

static int on_body(http_parser *p, const char *at, size_t len)
{
    text_add_bytes(&((struct reading *)p->data)->body, at, len);
    return 0;
}

static int on_complete(http_parser *p)
{
    struct reading *r = p->data;
    r->end = TAKEN;
    r->keep_alive = http_should_keep_alive(p) != 0;
    text_add(&r->method, http_method_str((enum http_method)p->method));
    http_parser_pause(p, 1); /* the first request only */
    return 0;
}

void peer_read(struct reading *r, const struct text *raw)
{
    http_parser parser;
    http_parser_settings settings;
    http_parser_init(&parser, HTTP_REQUEST);
    http_parser_settings_init(&settings);
    settings.on_url = on_url;
    settings.on_header_field = on_name;
    settings.on_header_value = on_value;
    settings.on_body = on_body;
    settings.on_message_complete = on_complete;
    parser.data = r;
    r->end = UNFINISHED;
    r->used = http_parser_execute(&parser, &settings, text_str(raw), raw->len);
    if (r->end != TAKEN && HTTP_PARSER_ERRNO(&parser) != HPE_OK)
        r->end = REFUSED;
}
