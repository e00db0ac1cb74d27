/* SPDX-License-Identifier: MIT */
/*
 * JSON Patch (RFC 6902) and the patch that leads back.
 *
 * All work happens on a deep copy of the document, so a patch that fails half-way leaves nothing behind. For every
 * elementary change (set a member, insert, remove, replace) its opposite is noted, with "-" resolved to the index it
 * meant; the opposites in reverse order are the undo patch. A move counts as a removal and an addition.
 *
 * Patches come from files, so `copy` is bounded: without limits thirty copies of the document into itself make 2^30
 * values. A patch may copy at most COPY_MAX values, and no value may end up deeper than DEPTH_MAX, which is what the
 * parser allows and what recursion over the result can bear.
 *
 * A patch that is malformed or does not fit fails with ERR_MEANING, at names the operation ("operation 2 of the
 * patch"), counted from 0 as in its JSON pointer.
 */
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/json_pointer.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <stdio.h>
#include <string.h>

enum { COPY_MAX = 1 << 17, DEPTH_MAX = 2048 };

struct patcher {
    json_t *doc;   /* our copy */
    json_t *undo;  /* opposites in the order in which the changes were made; NULL: not wanted */
    size_t copied; /* values made by `copy` so far */
    char at[64];   /* names the operation */
    struct err *e;
};

static int fail(struct patcher *p, const char *what, const char *pointer)
{
    return err_set(p->e, ERR_MEANING, p->at, "%s: `%.200s`", what, pointer);
}

/* Steals value. */
static void note_undo(struct patcher *p, const char *op, const char *path, json_t *value)
{
    if (!p->undo) {
        json_decref(value);
        return;
    }
    json_t *step = json_pack("{s:s, s:s}", "op", op, "path", path);
    if (value) {
        json_object_set_new(step, "value", value);
    }
    json_array_append_new(p->undo, step);
}

/* Values inside v, itself included, and how deep they go. */
static size_t measure(const json_t *v, size_t *depth)
{
    size_t count = 1, below = 0;
    const char *key;
    json_t *inner;
    size_t i;
    if (json_is_object(v)) {
        json_object_foreach((json_t *)(uintptr_t)v, key, inner)
        {
            size_t d;
            count += measure(inner, &d);
            below = d > below ? d : below;
        }
    } else {
        json_array_foreach(v, i, inner)
        {
            size_t d;
            count += measure(inner, &d);
            below = d > below ? d : below;
        }
    }
    *depth = below + 1;
    return count;
}

static int check_depth(struct patcher *p, const char *path, const json_t *value)
{
    size_t depth;
    measure(value, &depth);
    for (const char *c = path; *c; c++) {
        depth += *c == '/';
    }
    return depth > DEPTH_MAX ? fail(p, "the value would be nested too deeply", path) : 0;
}

static int set_root(struct patcher *p, json_t *value)
{
    note_undo(p, "replace", "", p->doc);
    p->doc = value;
    return 0;
}

static int set_member(struct patcher *p, const char *path, json_t *object, const char *key, json_t *value)
{
    json_t *old = json_object_get(object, key);
    if (old) {
        note_undo(p, "replace", path, json_incref(old));
    } else {
        note_undo(p, "remove", path, NULL);
    }
    return json_object_set_new(object, key, value) == 0 ? 0 : fail(p, "not a usable key", path);
}

/* Insert value (stolen) as `add` does. */
static int insert_value(struct patcher *p, const char *path, json_t *value)
{
    scoped_json json_t *mine = value;
    if (check_depth(p, path, value) != 0) {
        return -1;
    }
    if (path[0] == '\0') {
        return set_root(p, steal(&mine));
    }
    scoped_text struct text key = {0};
    json_t *parent = pointer_parent(p->doc, path, &key);
    if (json_is_object(parent)) {
        return set_member(p, path, parent, text_str(&key), steal(&mine));
    }
    size_t i;
    if (!json_is_array(parent)) {
        return fail(p, "there is nothing to add to", path);
    }
    if (!pointer_index(text_str(&key), json_array_size(parent), &i)) {
        return fail(p, "not an index of this list", path);
    }
    scoped_text struct text exact = {0};
    text_add_bytes(&exact, path, (size_t)(strrchr(path, '/') - path));
    text_addf(&exact, "/%zu", i);
    note_undo(p, "remove", text_str(&exact), NULL);
    return json_array_insert_new(parent, i, steal(&mine)) == 0 ? 0 : fail(p, "cannot insert", path);
}

/* Take the value at path out of the document; a new reference, NULL on failure. */
static json_t *take_value(struct patcher *p, const char *path)
{
    if (path[0] == '\0') {
        fail(p, "the whole document cannot be removed", path);
        return NULL;
    }
    scoped_text struct text key = {0};
    json_t *parent = pointer_parent(p->doc, path, &key);
    json_t *value = parent ? pointer_child(parent, text_str(&key)) : NULL;
    if (!value) {
        fail(p, "there is nothing at", path);
        return NULL;
    }
    json_incref(value);
    size_t i;
    if (json_is_object(parent)) {
        json_object_del(parent, text_str(&key));
    } else if (pointer_index(text_str(&key), json_array_size(parent), &i)) {
        json_array_remove(parent, i);
    }
    return value;
}

static int op_remove(struct patcher *p, const char *path)
{
    json_t *old = take_value(p, path);
    if (!old) {
        return -1;
    }
    note_undo(p, "add", path, old);
    return 0;
}

static int op_replace(struct patcher *p, const char *path, const json_t *value)
{
    if (path[0] == '\0') {
        return set_root(p, json_deep_copy(value));
    }
    scoped_text struct text key = {0};
    json_t *parent = pointer_parent(p->doc, path, &key);
    json_t *old = parent ? pointer_child(parent, text_str(&key)) : NULL;
    if (!old) {
        return fail(p, "there is nothing at", path);
    }
    if (check_depth(p, path, value) != 0) {
        return -1;
    }
    if (json_is_object(parent)) {
        return set_member(p, path, parent, text_str(&key), json_deep_copy(value));
    }
    size_t i;
    note_undo(p, "replace", path, json_incref(old));
    return pointer_index(text_str(&key), json_array_size(parent), &i)
               ? json_array_set_new(parent, i, json_deep_copy(value))
               : fail(p, "not an index of this list", path);
}

static int op_copy(struct patcher *p, const char *from, const char *path)
{
    const json_t *value = json_at(p->doc, from);
    if (!value) {
        return fail(p, "there is nothing at", from);
    }
    size_t depth;
    p->copied += measure(value, &depth);
    if (p->copied > COPY_MAX) {
        return fail(p, "the patch copies too much", from);
    }
    return insert_value(p, path, json_deep_copy(value));
}

static int op_move(struct patcher *p, const char *from, const char *path)
{
    size_t len = strlen(from);
    if (strncmp(from, path, len) == 0 && path[len] == '/') {
        return fail(p, "a value cannot move into itself", path);
    }
    if (strcmp(from, path) == 0) {
        return json_at(p->doc, from) ? 0 : fail(p, "there is nothing at", from);
    }
    json_t *value = take_value(p, from);
    if (!value) {
        return -1;
    }
    /* A copy for the way back: later operations may change the value where it went. */
    note_undo(p, "add", from, p->undo ? json_deep_copy(value) : NULL);
    return insert_value(p, path, value);
}

static int op_test(struct patcher *p, const char *path, const json_t *value)
{
    const json_t *found = json_at(p->doc, path);
    if (!found) {
        return fail(p, "there is nothing at", path);
    }
    return json_same(found, value) ? 0 : fail(p, "the value differs from the tested one", path);
}

/* Text member of an operation; NULL (reported) when missing or, for a pointer, malformed. */
static const char *member(struct patcher *p, const json_t *op, const char *name)
{
    const char *s = json_string_value(json_object_get(op, name));
    if (!s) {
        err_set(p->e, ERR_MEANING, p->at, "`%s` is missing or not a text", name);
    } else if (strcmp(name, "op") != 0 && !pointer_valid(s)) {
        fail(p, "not a JSON pointer", s);
        s = NULL;
    }
    return s;
}

static int apply(struct patcher *p, const json_t *op)
{
    const char *verb = member(p, op, "op");
    const char *path = verb ? member(p, op, "path") : NULL;
    if (!path) {
        return -1;
    }
    if (strcmp(verb, "remove") == 0) {
        return op_remove(p, path);
    }
    if (strcmp(verb, "move") == 0 || strcmp(verb, "copy") == 0) {
        const char *from = member(p, op, "from");
        return !from ? -1 : verb[0] == 'm' ? op_move(p, from, path) : op_copy(p, from, path);
    }
    bool add = strcmp(verb, "add") == 0, replace = strcmp(verb, "replace") == 0;
    if (!add && !replace && strcmp(verb, "test") != 0) {
        err_set(p->e, ERR_MEANING, p->at, "unknown operation `%.60s`", verb);
        return err_help(p->e, "use add, remove, replace, move, copy or test");
    }
    const json_t *value = json_object_get(op, "value");
    if (!value) {
        return err_set(p->e, ERR_MEANING, p->at, "`value` is missing");
    }
    return add       ? insert_value(p, path, json_deep_copy(value))
           : replace ? op_replace(p, path, value)
                     : op_test(p, path, value);
}

static json_t *reversed(const json_t *list)
{
    json_t *out = json_array();
    for (size_t i = json_array_size(list); i > 0; i--) {
        json_array_append(out, json_array_get(list, i - 1));
    }
    return out;
}

json_t *json_patch(const json_t *doc, const json_t *patch, json_t **undo, struct err *e)
{
    if (undo) {
        *undo = NULL;
    }
    if (!json_is_array(patch)) {
        err_set(e, ERR_MEANING, "patch", "a JSON patch is a list of operations");
        return NULL;
    }
    struct patcher p = {.doc = json_deep_copy(doc), .undo = undo ? json_array() : NULL, .e = e};
    scoped_json json_t *changes = p.undo;
    for (size_t i = 0; i < json_array_size(patch); i++) {
        snprintf(p.at, sizeof(p.at), "operation %zu of the patch", i);
        if (apply(&p, json_array_get(patch, i)) != 0) {
            json_decref(p.doc);
            return NULL;
        }
    }
    if (undo) {
        *undo = reversed(changes);
    }
    return p.doc;
}
