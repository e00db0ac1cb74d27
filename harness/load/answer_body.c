/* SPDX-License-Identifier: MIT */
/*
 * Two readers that must agree. jansson reads everything that is JSON. Before it is asked, one pass looks whether the
 * body is plain: one object, no white space, no escapes, printable ASCII, values that are texts, naturals below 10^18
 * or words. Then its members are where they stand and nothing has to be built. The bundled gateway always answers so;
 * at thousands of requests a second building the document was a sixth of what a request cost. Whatever is not plain,
 * right or wrong, is left to jansson.
 *
 * A member that comes twice counts as it stands last, in both.
 */
#include "harness/load/answer_body.h"

#include "harness/base/scoped.h"

#include <string.h>

enum { MAX_ANSWER = 64 << 10, MAX_DIGITS = 18 };

/* What follows a colon. */
struct value {
    struct answer_word text;
    int64_t number;
};

static bool is_plain(char c)
{
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* The text at *at, between its quotes. */
static bool take_text(const char **at, const char *end, struct answer_word *w)
{
    const char *s = *at;
    if (s == end || *s != '"') {
        return false;
    }
    const char *first = ++s;
    while (s < end && is_plain(*s)) {
        s++;
    }
    *w = (struct answer_word){first, (size_t)(s - first)};
    *at = s + 1;
    return s < end && *s == '"';
}

static bool take_natural(const char **at, const char *end, int64_t *number)
{
    const char *s = *at;
    while (s < end && *s >= '0' && *s <= '9' && s - *at < MAX_DIGITS) {
        *number = *number * 10 + (*s++ - '0');
    }
    bool fine = s > *at && (**at != '0' || s == *at + 1);
    *at = s; /* a digit more stands where a comma or brace would have to */
    return fine;
}

static bool take_word(const char **at, const char *end)
{
    static const char *const words[] = {"null", "true", "false"};
    for (size_t i = 0; i < array_len(words); i++) {
        size_t len = strlen(words[i]);
        if ((size_t)(end - *at) >= len && memcmp(*at, words[i], len) == 0) {
            *at += len;
            return true;
        }
    }
    return false;
}

static bool take_value(const char **at, const char *end, struct value *v)
{
    *v = (struct value){0};
    if (*at == end) {
        return false;
    }
    return **at == '"' ? take_text(at, end, &v->text) : take_natural(at, end, &v->number) || take_word(at, end);
}

static bool is_called(const struct answer_word *w, const char *name)
{
    return w->len == strlen(name) && memcmp(w->at, name, w->len) == 0;
}

static void keep(struct answer_body *b, const struct answer_word *name, const struct value *v)
{
    if (is_called(name, "key")) {
        b->key = v->text;
    } else if (is_called(name, "op")) {
        b->op = v->text;
    } else if (is_called(name, "value")) {
        b->value = v->text;
    } else if (is_called(name, "version")) {
        b->version = v->number;
    } else if (is_called(name, "lsn")) {
        b->lsn = v->number;
    }
}

static bool read_plain(struct answer_body *b, const char *at, const char *end)
{
    struct answer_word name;
    struct value v;
    if (end - at < 2 || *at++ != '{') {
        return false;
    }
    if (*at == '}') {
        return at + 1 == end;
    }
    for (;;) {
        if (!take_text(&at, end, &name) || at == end || *at++ != ':' || !take_value(&at, end, &v) || at == end) {
            return false;
        }
        keep(b, &name, &v);
        if (*at == '}') {
            return at + 1 == end;
        }
        if (*at++ != ',') {
            return false;
        }
    }
}

static struct answer_word word_of(const json_t *doc, const char *member)
{
    const json_t *v = json_object_get(doc, member);
    return (struct answer_word){json_string_value(v), json_string_length(v)};
}

bool answer_body_read(struct answer_body *b, const char *body, size_t len)
{
    *b = (struct answer_body){0};
    if (!body || len == 0 || len > MAX_ANSWER) {
        return false;
    }
    if (read_plain(b, body, body + len)) {
        return true;
    }
    *b = (struct answer_body){.doc = json_loadb(body, len, 0, NULL)};
    if (!json_is_object(b->doc)) {
        return false;
    }
    b->key = word_of(b->doc, "key");
    b->op = word_of(b->doc, "op");
    b->value = word_of(b->doc, "value");
    b->version = json_integer_value(json_object_get(b->doc, "version"));
    b->lsn = json_integer_value(json_object_get(b->doc, "lsn"));
    return true;
}

void answer_body_deinit(struct answer_body *b)
{
    json_decref(b->doc);
    b->doc = NULL;
}
