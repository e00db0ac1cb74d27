/* SPDX-License-Identifier: MIT */
/*
 * The struct binding: one table, walked in both directions.
 *
 * Writing cannot fail. What JSON has no word for becomes null: NAN and infinities, JSON_NONE, NULL texts, an enum
 * outside its words. Text that is not UTF-8 (a name from a socket) is written with U+FFFD for each bad byte.
 *
 * Reading is strict, since the document may come from anyone: a key that is missing or has another type, a null where
 * the field has no null, an unknown enum word are ERR_READING, with the way to the field in the message. The struct
 * is zeroed first. After a failure it is half filled, but safe to deinit: references taken by JB_JSON fields are in
 * it.
 *
 * Vectors are read and written through struct any_vec, the layout that vec_of gives to a vector of anything.
 */
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <math.h>
#include <string.h>

struct any_vec {
    void *at;
    size_t len, cap;
};

static json_t *text_to_json(const char *s)
{
    if (!s) {
        return json_null();
    }
    json_t *plain = json_string(s);
    if (plain) {
        return plain;
    }
    scoped_text struct text clean = {0};
    for (size_t left = strlen(s); left > 0;) {
        uint32_t codepoint;
        size_t n = utf8_decode(s, left, &codepoint);
        text_add_bytes(&clean, n ? s : "\xef\xbf\xbd", n ? n : 3);
        s += n ? n : 1;
        left -= n ? n : 1;
    }
    return json_string(text_str(&clean));
}

static json_t *enum_to_json(const char *const *words, int value)
{
    for (int i = 0; words[i]; i++) {
        if (i == value) {
            return json_string(words[i]);
        }
    }
    return json_null();
}

static json_t *list_to_json(const struct json_field *f, const struct any_vec *v)
{
    json_t *list = json_array();
    for (size_t i = 0; i < v->len; i++) {
        json_array_append_new(list, f->kind == JB_TEXTS ? text_to_json(((const char *const *)v->at)[i])
                                                        : json_of_struct(f->of, (const char *)v->at + i * f->of->size));
    }
    return list;
}

static bool is_present(const struct json_field *f, const void *from)
{
    return f->present_offset == 0 || *(const bool *)((const char *)from + f->present_offset);
}

static json_t *field_to_json(const struct json_field *f, const void *from)
{
    const void *at = (const char *)from + f->offset;
    switch (f->kind) {
    case JB_TEXT:
        return text_to_json(*(const char *const *)at);
    case JB_NUMBER: {
        double x = *(const double *)at;
        return json_finite(x);
    }
    case JB_INT: {
        int64_t n = *(const int64_t *)at;
        return n == JSON_NONE ? json_null() : json_integer(n);
    }
    case JB_BOOL:
        return json_boolean(*(const bool *)at);
    case JB_OBJECT:
        return is_present(f, from) ? json_of_struct(f->of, at) : json_null();
    case JB_LIST:
    case JB_TEXTS:
        return list_to_json(f, at);
    case JB_JSON: {
        json_t *doc = *(json_t *const *)at;
        return doc ? json_incref(doc) : json_null();
    }
    case JB_ENUM:
        return enum_to_json(f->words, *(const int *)at);
    }
    return json_null();
}

json_t *json_of_struct(const struct json_shape *shape, const void *from)
{
    json_t *object = json_object();
    for (size_t i = 0; i < shape->count; i++) {
        json_object_set_new(object, shape->fields[i].name, field_to_json(&shape->fields[i], from));
    }
    return object;
}

/* Reading. The way to the current value is a text like "rto.windows[2].from". */

struct reader {
    struct arena *arena;
    const char *at;
    struct text way;
    struct err *e;
};

static int read_struct(struct reader *r, const struct json_shape *shape, const json_t *doc, void *to);

static int wanted(struct reader *r, const char *what)
{
    const char *way = r->way.len ? text_str(&r->way) : "the document";
    return err_set(r->e, ERR_READING, r->at, "`%.300s` is not %s", way, what);
}

static void way_back(struct reader *r, size_t len)
{
    r->way.len = len;
    r->way.at[len] = '\0';
}

static int read_text(struct reader *r, const json_t *v, const char **to)
{
    if (!json_is_string(v) && !json_is_null(v)) {
        return wanted(r, "a text");
    }
    *to = arena_strdup(r->arena, json_string_value(v));
    return 0;
}

static int read_number(struct reader *r, const json_t *v, double *to)
{
    if (!json_is_number(v) && !json_is_null(v)) {
        return wanted(r, "a number");
    }
    *to = json_is_null(v) ? (double)NAN : json_number_value(v);
    return 0;
}

static int read_int(struct reader *r, const json_t *v, int64_t *to)
{
    if (!json_is_integer(v) && !json_is_null(v)) {
        return wanted(r, "a whole number");
    }
    *to = json_is_null(v) ? JSON_NONE : (int64_t)json_integer_value(v);
    return 0;
}

static int read_enum(struct reader *r, const json_t *v, const char *const *words, int *to)
{
    const char *word = json_string_value(v);
    for (int i = 0; word && words[i]; i++) {
        if (strcmp(words[i], word) == 0) {
            *to = i;
            return 0;
        }
    }
    scoped_text struct text all = {0};
    for (size_t i = 0; words[i]; i++) {
        text_addf(&all, "%s%s", i ? ", " : "one of ", words[i]);
    }
    return wanted(r, text_str(&all));
}

static int read_list(struct reader *r, const struct json_field *f, const json_t *v, struct any_vec *to)
{
    if (f->added && json_is_null(v)) {
        return 0;
    }
    if (!json_is_array(v)) {
        return wanted(r, "a list");
    }
    size_t n = json_array_size(v), size = f->kind == JB_TEXTS ? sizeof(char *) : f->of->size, len = r->way.len;
    to->at = n ? arena_alloc(r->arena, n * size) : NULL;
    to->len = to->cap = n;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(v, i);
        text_addf(&r->way, "[%zu]", i);
        int rc = f->kind == JB_TEXTS ? read_text(r, item, (const char **)to->at + i)
                                     : read_struct(r, f->of, item, (char *)to->at + i * size);
        if (rc != 0) {
            return -1;
        }
        way_back(r, len);
    }
    return 0;
}

static int read_object(struct reader *r, const struct json_field *f, const json_t *v, void *to)
{
    if (f->present_offset != 0) {
        bool present = !json_is_null(v);
        *(bool *)((char *)to + f->present_offset) = present;
        if (!present) {
            return 0;
        }
    }
    return read_struct(r, f->of, v, (char *)to + f->offset);
}

static int read_field(struct reader *r, const struct json_field *f, json_t *v, void *to)
{
    void *at = (char *)to + f->offset;
    switch (f->kind) {
    case JB_TEXT:
        return read_text(r, v, at);
    case JB_NUMBER:
        return read_number(r, v, at);
    case JB_INT:
        return read_int(r, v, at);
    case JB_BOOL:
        *(bool *)at = json_is_true(v);
        return json_is_boolean(v) || (f->added && json_is_null(v)) ? 0 : wanted(r, "true or false");
    case JB_OBJECT:
        return read_object(r, f, v, to);
    case JB_LIST:
    case JB_TEXTS:
        return read_list(r, f, v, at);
    case JB_JSON:
        *(json_t **)at = json_is_null(v) ? NULL : json_incref(v);
        return 0;
    case JB_ENUM:
        return read_enum(r, v, f->words, at);
    }
    return wanted(r, "of a known kind");
}

static int read_struct(struct reader *r, const struct json_shape *shape, const json_t *doc, void *to)
{
    if (!json_is_object(doc)) {
        return wanted(r, "an object");
    }
    size_t len = r->way.len;
    for (size_t i = 0; i < shape->count; i++) {
        const struct json_field *f = &shape->fields[i];
        text_addf(&r->way, "%s%s", len ? "." : "", f->name);
        json_t *v = json_object_get(doc, f->name);
        if (!v && f->added) {
            v = json_null();
        }
        if (!v) {
            return err_set(r->e, ERR_READING, r->at, "`%.300s` is missing", text_str(&r->way));
        }
        if (read_field(r, f, v, to) != 0) {
            return -1;
        }
        way_back(r, len);
    }
    return 0;
}

int json_to_struct(const struct json_shape *shape, const json_t *doc, void *to, struct arena *a, const char *at,
                   struct err *e)
{
    struct reader r = {.arena = a, .at = at, .e = e};
    memset(to, 0, shape->size);
    int rc = read_struct(&r, shape, doc, to);
    text_deinit(&r.way);
    return rc;
}
