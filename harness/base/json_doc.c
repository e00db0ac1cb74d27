/* SPDX-License-Identifier: MIT */
/*
 * Method: one walk over the tables, which keeps the way from the root as a text; maps and lists of maps are told apart
 * by their kind only, since the keys below them read the same.
 *
 * Units are read off the end of a key, as everybody else has to do it.
 */
#include "harness/base/json_doc.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <string.h>

enum { TABLES_MAX = 64 };

static const struct {
    const char *end, *words;
} units[] = {
    {"_s", "seconds"},   {"_ms", "milliseconds"},       {"_ratio", "ratio, 1 is all"}, {"_count", "count"},
    {"_bytes", "bytes"}, {"_ppm", "parts per million"}, {"sha256", "SHA-256 in hex"},  {"_at", "time, RFC 3339 UTC"}};

bool json_name_ends(const struct json_field *f, const char *end)
{
    size_t n = strlen(f->name), m = strlen(end);
    return n >= m && strcmp(f->name + n - m, end) == 0;
}

static const char *unit_words(const struct json_field *f, const char *otherwise)
{
    for (size_t i = 0; i < array_len(units); i++) {
        if (json_name_ends(f, units[i].end)) {
            return units[i].words;
        }
    }
    return otherwise;
}

bool json_field_nullable(const struct json_field *f)
{
    return (f->kind <= JB_INT && !f->never_null) || (f->kind == JB_OBJECT && f->present_offset != 0);
}

static const char *kind_words(const struct json_field *f)
{
    static const char *const kinds[] = {
        [JB_TEXT] = "text",      [JB_NUMBER] = "number",     [JB_INT] = "whole number",
        [JB_OBJECT] = "map",     [JB_LIST] = "list of maps", [JB_TEXTS] = "list of texts",
        [JB_JSON] = "any value", [JB_ENUM] = "word",         [JB_BOOL] = "true or false"};
    if (f->means) {
        return f->kind == JB_TEXTS ? "list of words" : "word";
    }
    if (f->kind == JB_JSON && f->of) {
        return "map of names, each with a map";
    }
    return f->kind <= JB_INT ? unit_words(f, kinds[f->kind]) : kinds[f->kind];
}

void json_field_kind(struct text *out, const struct json_field *f)
{
    text_addf(out, "%s%s", kind_words(f), json_field_nullable(f) ? " or null" : "");
}

static void explain_field(struct text *out, const char *topic, const struct json_field *f, const char *file)
{
    text_addf(out, "%s: %s\n  ", topic, f->doc ? f->doc : "");
    json_field_kind(out, f);
    text_addf(out, "%s%s\n", file ? ", in " : "", file ? file : "");
    for (const struct json_word *w = f->means; w && w->word; w++) {
        text_addf(out, "    %s: %s\n", w->word, w->doc);
    }
}

static void explain_fields(struct text *out, const struct json_shape *shape)
{
    for (size_t i = 0; i < shape->count; i++) {
        explain_field(out, shape->fields[i].name, &shape->fields[i], NULL);
    }
}

static const struct json_field *find_key(const struct json_shape *shape, const char *key, size_t len)
{
    for (size_t i = 0; shape && i < shape->count; i++) {
        if (strlen(shape->fields[i].name) == len && strncmp(shape->fields[i].name, key, len) == 0) {
            return &shape->fields[i];
        }
    }
    return NULL;
}

/* What follows the name of the file; NULL if the topic is of another. */
static const char *within_file(const struct json_doc *d, const char *topic)
{
    size_t len = strlen(d->file);
    if (strncmp(topic, d->file, len) == 0 && (topic[len] == '.' || topic[len] == '\0')) {
        return topic + len + (topic[len] == '.');
    }
    return d->bare ? topic : NULL;
}

bool json_doc_explain(struct text *out, const struct json_doc *d, const char *topic)
{
    const char *rest = within_file(d, topic);
    const struct json_shape *shape = d->shape;
    const struct json_field *f = NULL;
    if (!rest) {
        return false;
    }
    if (!*rest) {
        text_addf(out, "%s: %s\n\n", d->file, d->summary);
        explain_fields(out, shape);
        return true;
    }
    for (const char *key = rest; key; key = strchr(key, '.') ? strchr(key, '.') + 1 : NULL) {
        f = find_key(shape, key, strcspn(key, "."));
        if (!f) {
            return false;
        }
        shape = f->of;
    }
    explain_field(out, topic, f, d->file);
    if (shape) {
        text_add(out, "\n");
        explain_fields(out, shape);
    }
    return true;
}

/* The walk. */

struct walk {
    struct text way;
    void (*field)(struct walk *w, const struct json_field *f);
    void (*see)(void *arg, const char *what);
    void *arg;
    const char *file, *wanted;
    struct text *out;
    const struct json_word *seen[TABLES_MAX];
    size_t seen_count;
};

static void walk_shape(struct walk *w, const struct json_shape *shape)
{
    size_t len = w->way.len;
    for (size_t i = 0; i < shape->count; i++) {
        const struct json_field *f = &shape->fields[i];
        text_addf(&w->way, "%s%s", len ? "." : "", f->name);
        w->field(w, f);
        if (f->of) {
            walk_shape(w, f->of);
        }
        w->way.len = len;
        text_add(&w->way, "");
    }
}

static void topic_of(struct walk *w, const struct json_field *f)
{
    (void)f;
    w->see(w->arg, text_str(&w->way));
}

void json_doc_topics(const struct json_doc *d, void (*see)(void *arg, const char *topic), void *arg)
{
    struct walk w = {.field = topic_of, .see = see, .arg = arg};
    see(arg, d->file);
    if (!d->bare) {
        text_add(&w.way, d->file);
    }
    walk_shape(&w, d->shape);
    text_deinit(&w.way);
}

/* A table of words that was not seen before; NULL if there is none. */
static const struct json_word *new_words(struct walk *w, const struct json_field *f)
{
    for (size_t i = 0; i < w->seen_count; i++) {
        if (w->seen[i] == f->means) {
            return NULL;
        }
    }
    if (f->means && w->seen_count < TABLES_MAX) {
        w->seen[w->seen_count++] = f->means;
    }
    return f->means;
}

static void words_of(struct walk *w, const struct json_field *f)
{
    for (const struct json_word *word = new_words(w, f); word && word->word; word++) {
        w->see(w->arg, word->word);
    }
}

void json_doc_words(const struct json_doc *d, void (*see)(void *arg, const char *word), void *arg)
{
    struct walk w = {.field = words_of, .see = see, .arg = arg};
    walk_shape(&w, d->shape);
    text_deinit(&w.way);
}

static void meaning_of(struct walk *w, const struct json_field *f)
{
    for (const struct json_word *word = new_words(w, f); word && word->word; word++) {
        if (strcmp(word->word, w->wanted) == 0) {
            text_addf(w->out, "%s%s: %s\n  a word of `%s` in %s\n", w->out->len ? "\n" : "", word->word, word->doc,
                      text_str(&w->way), w->file);
        }
    }
}

bool json_doc_word(struct text *out, const struct json_doc *const *docs, size_t n, const char *word)
{
    struct walk w = {.field = meaning_of, .wanted = word, .out = out};
    size_t before = out->len;
    for (size_t i = 0; i < n; i++) {
        w.file = docs[i]->file;
        walk_shape(&w, docs[i]->shape);
    }
    text_deinit(&w.way);
    return out->len > before;
}
