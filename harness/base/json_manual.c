/* SPDX-License-Identifier: MIT */
/*
 * A table of keys as sections of a man page: the keys of the file, then each map below it under the way to it, in the
 * order in which they are named; [] behind a name says that there are several. A map that was told already is not told
 * again.
 */
#include "harness/base/json_doc.h"
#include "harness/base/roff.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

enum { SHAPES_MAX = 64 };

struct told {
    const struct json_shape *at[SHAPES_MAX];
    size_t count;
};

static bool tell_once(struct told *t, const struct json_shape *shape)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->at[i] == shape) {
            return false;
        }
    }
    if (t->count < SHAPES_MAX) {
        t->at[t->count++] = shape;
    }
    return true;
}

static void add_key(struct text *out, const struct json_field *f)
{
    scoped_text struct text kind = {0};
    json_field_kind(&kind, f);
    text_add(out, ".TP\n.BR ");
    roff_add(out, f->name);
    text_add(out, " \" (");
    roff_add(out, text_str(&kind));
    text_add(out, ")\"\n");
    roff_add(out, f->doc ? f->doc : "");
    text_add(out, ".\n");
    for (const struct json_word *w = f->means; w && w->word; w++) {
        text_add(out, ".br\n.IR ");
        roff_add(out, w->word);
        text_add(out, " :\n");
        roff_add(out, w->doc);
        text_add(out, w[1].word ? ";\n" : ".\n");
    }
}

static void add_maps(struct text *out, const struct json_shape *shape, const char *way, struct told *told);

static void add_map(struct text *out, const struct json_field *f, const char *way, struct told *told)
{
    scoped_text struct text here = {0};
    text_addf(&here, "%s%s%s%s", way, *way ? "." : "", f->name, f->kind == JB_LIST ? "[]" : "");
    text_add(out, ".SS ");
    roff_line(out, text_str(&here));
    for (size_t i = 0; i < f->of->count; i++) {
        add_key(out, &f->of->fields[i]);
    }
    add_maps(out, f->of, text_str(&here), told);
}

static void add_maps(struct text *out, const struct json_shape *shape, const char *way, struct told *told)
{
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->fields[i].of && tell_once(told, shape->fields[i].of)) {
            add_map(out, &shape->fields[i], way, told);
        }
    }
}

void json_doc_manual(struct text *out, const struct json_doc *d)
{
    struct told told = {.count = 0};
    text_add(out, ".SH ");
    roff_line(out, d->file);
    roff_line(out, d->summary);
    for (size_t i = 0; i < d->shape->count; i++) {
        add_key(out, &d->shape->fields[i]);
    }
    add_maps(out, d->shape, "", &told);
}
