/* SPDX-License-Identifier: MIT */
/*
 * Method: follow the path through the tree, making maps where there are none, and put the value in. Whether the key
 * exists is not asked here: the binder knows all keys and points at the argument, since the nodes that are made here
 * have their places in it.
 *
 * Failure paths: an argument without an equals sign, a path through a scalar, or an index beyond a list is reported and
 * changes nothing.
 */
#include "harness/spec/override.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include <string.h>

struct walk {
    struct yaml_tree *tree;
    struct diag_list *diags;
    const struct source *source; /* an argument; NULL: a key of a file, which stands at `key` */
    struct place key;
    const char *path;
    size_t end;       /* of the path */
    size_t from, len; /* the component at hand */
};

static struct place here(const struct walk *w)
{
    if (!w->source) {
        return w->key;
    }
    struct place p = source_place(w->source, w->from);
    p.length = w->len ? (int)w->len : 1;
    return p;
}

static struct yaml_node *no_such_item(struct walk *w, const struct yaml_node *list)
{
    struct diag *d = diag_error(w->diags, DIAG_OVERRIDE, here(w), "the list has %zu entries", list->count);
    diag_help(d, "count them from 0");
    return NULL;
}

/* The list index at hand, or -1 after reporting. */
static int64_t index_at(struct walk *w, const struct yaml_node *list, const char *word)
{
    int64_t i;
    if (unit_parse_count(word, &i, NULL) != 0 || (uint64_t)i >= list->count) {
        no_such_item(w, list);
        return -1;
    }
    return i;
}

/* The node below n that the component names; a map that lacks it gets an empty map there. NULL after reporting. */
static struct yaml_node *descend(struct walk *w, struct yaml_node *n, const char *word)
{
    if (n->kind == NODE_LIST) {
        int64_t i = index_at(w, n, word);
        return i < 0 ? NULL : node_item(n, (size_t)i);
    }
    struct yaml_node *child = node_get(n, word);
    bool nothing = child && child->kind == NODE_SCALAR && child->plain && !child->text[0];
    if (!child || nothing) {
        child = node_new(&w->tree->arena, NODE_MAP, NULL, here(w));
        node_put(&w->tree->arena, n, word, here(w), child);
    }
    if (child->kind == NODE_SCALAR) {
        struct diag *d = diag_error(w->diags, DIAG_OVERRIDE, here(w), "`%s` is %s, nothing is below it", word,
                                    node_kind_name(child));
        diag_help(d, "end the key here");
        return NULL;
    }
    return child;
}

static void put_value(struct walk *w, struct yaml_node *n, const char *word, struct yaml_node *value)
{
    if (n->kind == NODE_LIST) {
        int64_t i = index_at(w, n, word);
        if (i >= 0) {
            node_replace(n, (size_t)i, value);
        }
        return;
    }
    node_put(&w->tree->arena, n, word, here(w), value);
}

/* What was read from the blanked copy stands at the same place of the argument. */
static void move_places(struct yaml_node *n, const struct source *s)
{
    n->place.source = s;
    for (struct yaml_node *c = n->first; c; c = c->next) {
        if (c->key) {
            c->key->place.source = s;
        }
        move_places(c, s);
    }
}

/* The value behind the equals sign; brackets make it YAML, read where it stands so that places are right. */
static struct yaml_node *read_value(struct walk *w, size_t at)
{
    const struct source *s = w->source;
    if (s->text[at] == '[' || s->text[at] == '{') {
        char *blanked = arena_strdup(&w->tree->arena, s->text);
        memset(blanked, ' ', at);
        struct yaml_node *n = yaml_tree_graft(w->tree, s->name, blanked, s->len, w->diags);
        if (n) {
            move_places(n, s);
        }
        return n;
    }
    struct source value = {.text = s->text + at, .len = s->len - at};
    struct place p = source_place(s, at);
    p.length = source_place(&value, value.len).column - 1;
    struct yaml_node *n = node_new(&w->tree->arena, NODE_SCALAR, s->text + at, p);
    n->override = true;
    return n;
}

static struct source *keep_argument(struct yaml_tree *t, const char *assignment)
{
    struct source *s = arena_new(&t->arena, struct source);
    s->name = "--set";
    s->text = arena_strdup(&t->arena, assignment);
    s->len = strlen(s->text);
    s->argument = true;
    return s;
}

/* Follow the path from the root and put the value where it ends. */
static void follow(struct walk *w, struct yaml_node *value)
{
    struct yaml_node *n = w->tree->root;
    while (n) {
        size_t rest = w->end - w->from;
        const char *dot = memchr(w->path + w->from, '.', rest);
        w->len = dot ? (size_t)(dot - w->path) - w->from : rest;
        char *word = arena_strndup(&w->tree->arena, w->path + w->from, w->len);
        if (w->from + w->len >= w->end) {
            put_value(w, n, word, value);
            return;
        }
        n = descend(w, n, word);
        w->from += w->len + 1;
    }
}

void override_put(struct yaml_tree *t, const struct yaml_node *path, const struct yaml_node *value,
                  struct diag_list *diags)
{
    struct walk w = {.tree = t, .diags = diags, .key = path->place, .path = path->text, .end = strlen(path->text)};
    follow(&w, node_clone(&t->arena, value));
}

void override_apply(struct yaml_tree *t, const char *assignment, struct diag_list *diags)
{
    size_t end = strcspn(assignment, "=");
    struct walk w = {
        .tree = t, .diags = diags, .source = keep_argument(t, assignment), .path = assignment, .end = end};
    size_t bad = source_first_bad(w.source);
    if (bad < w.source->len) {
        diag_error(diags, DIAG_ENCODING, source_place(w.source, bad), "this byte cannot be part of a scenario");
        return;
    }
    if (assignment[end] != '=' || end == 0) {
        struct diag *d =
            diag_error(diags, DIAG_OVERRIDE, source_place(w.source, 0), "`%s` assigns nothing", assignment);
        diag_help(d, "write KEY=VALUE, such as targets.rto=3s");
        return;
    }
    struct yaml_node *value = read_value(&w, end + 1);
    if (value) {
        follow(&w, value);
    }
}

void override_merge(struct arena *a, struct yaml_node *onto, const struct yaml_node *over, bool replace)
{
    for (const struct yaml_node *c = over->first; c; c = c->next) {
        struct yaml_node *mine = node_get(onto, c->key->text);
        if (mine && mine->kind == NODE_MAP && c->kind == NODE_MAP) {
            override_merge(a, mine, c, replace);
        } else if (!mine || replace) {
            struct yaml_node *copy = node_clone(a, c);
            copy->fallback = !replace;
            node_put(a, onto, c->key->text, c->key->place, copy);
        }
    }
}

void override_record(json_t *record, const char *prefix, const struct yaml_node *n)
{
    for (const struct yaml_node *c = n->first; n->kind == NODE_MAP && c; c = c->next) {
        scoped_text struct text path = {0};
        text_addf(&path, "%s%s%s", prefix, *prefix ? "." : "", c->key->text);
        if (c->kind == NODE_MAP) {
            override_record(record, text_str(&path), c);
        } else {
            json_object_set_new(record, text_str(&path), c->kind == NODE_SCALAR ? json_string(c->text) : node_json(c));
        }
    }
}

void override_record_assignment(json_t *record, const char *assignment)
{
    size_t key = strcspn(assignment, "=");
    scoped_text struct text path = {0};
    text_add_bytes(&path, assignment, key);
    json_object_set_new(record, text_str(&path), json_string(assignment[key] ? assignment + key + 1 : ""));
}
