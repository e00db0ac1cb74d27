/* SPDX-License-Identifier: MIT */
/*
 * JSON Pointer (RFC 6901) and what compares, merges and subtracts documents.
 *
 * A diff walks both documents together. Lists lose their common head and tail first; what remains is compared element
 * by element, the rest appended or removed from the end. That is not the shortest possible patch, but it is always
 * right, and the configurations compared here keep their lists of named things as objects.
 */
#include "harness/base/json_pointer.h"

#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <string.h>

bool pointer_valid(const char *pointer)
{
    if (pointer[0] != '\0' && pointer[0] != '/') {
        return false;
    }
    for (const char *c = pointer; (c = strchr(c, '~')); c++) {
        if (c[1] != '0' && c[1] != '1') {
            return false;
        }
    }
    return true;
}

/* Read the token behind the slash at *at without its escapes, and step over it. */
static void next_token(const char **at, struct text *token)
{
    text_clear(token);
    const char *c = *at + 1;
    while (*c && *c != '/') {
        size_t plain = strcspn(c, "/~");
        text_add_bytes(token, c, plain);
        c += plain;
        if (*c == '~') {
            text_add(token, c[1] == '1' ? "/" : "~");
            c += 2;
        }
    }
    *at = c;
}

json_t *pointer_child(const json_t *parent, const char *token)
{
    size_t i;
    if (json_is_object(parent)) {
        return json_object_get(parent, token);
    }
    if (json_is_array(parent) && pointer_index(token, json_array_size(parent), &i)) {
        return json_array_get(parent, i);
    }
    return NULL;
}

json_t *pointer_parent(json_t *doc, const char *pointer, struct text *last)
{
    const char *at = pointer;
    next_token(&at, last);
    while (doc && *at) {
        doc = pointer_child(doc, text_str(last));
        next_token(&at, last);
    }
    return doc;
}

bool pointer_index(const char *token, size_t len, size_t *index)
{
    if (strcmp(token, "-") == 0) {
        *index = len;
        return true;
    }
    if (token[0] == '\0' || (token[0] == '0' && token[1] != '\0')) {
        return false;
    }
    size_t i = 0;
    for (const char *c = token; *c; c++) {
        if (*c < '0' || *c > '9' || i > len) {
            return false;
        }
        i = i * 10 + (size_t)(*c - '0');
    }
    *index = i;
    return i <= len;
}

void pointer_add(struct text *pointer, const char *token)
{
    text_add(pointer, "/");
    while (*token) {
        size_t plain = strcspn(token, "/~");
        text_add_bytes(pointer, token, plain);
        token += plain;
        if (*token) {
            text_add(pointer, *token == '/' ? "~1" : "~0");
            token++;
        }
    }
}

const json_t *json_at(const json_t *doc, const char *pointer)
{
    if (!pointer_valid(pointer)) {
        return NULL;
    }
    scoped_text struct text token = {0};
    for (const char *at = pointer; doc && *at;) {
        next_token(&at, &token);
        doc = pointer_child(doc, text_str(&token));
    }
    return doc;
}

static bool same_members(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)a, key, value)
    {
        const json_t *other = json_object_get(b, key);
        if (!other || !json_same(value, other)) {
            return false;
        }
    }
    return json_object_size(a) == json_object_size(b);
}

bool json_same(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b) && json_typeof(a) != json_typeof(b)) {
        return json_number_value(a) == json_number_value(b);
    }
    if (json_typeof(a) != json_typeof(b)) {
        return false;
    }
    if (json_is_object(a)) {
        return same_members(a, b);
    }
    if (!json_is_array(a)) {
        return json_equal(a, b);
    }
    size_t n = json_array_size(a);
    bool same = n == json_array_size(b);
    for (size_t i = 0; same && i < n; i++) {
        same = json_same(json_array_get(a, i), json_array_get(b, i));
    }
    return same;
}

/* Merge into target (stolen, may be NULL), which nobody else holds. */
static json_t *merge_into(json_t *target, const json_t *merge)
{
    if (!json_is_object(merge)) {
        json_decref(target);
        return json_deep_copy(merge);
    }
    if (!json_is_object(target)) {
        json_decref(target);
        target = json_object();
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)merge, key, value)
    {
        if (json_is_null(value)) {
            json_object_del(target, key);
        } else {
            json_t *old = json_incref(json_object_get(target, key));
            json_object_set_new(target, key, merge_into(old, value));
        }
    }
    return target;
}

json_t *json_merge(const json_t *doc, const json_t *merge)
{
    return merge_into(json_deep_copy(doc), merge);
}

static void emit(json_t *patch, const char *op, const char *path, const json_t *value)
{
    json_t *step = json_pack("{s:s, s:s}", "op", op, "path", path);
    if (value) {
        json_object_set_new(step, "value", json_deep_copy(value));
    }
    json_array_append_new(patch, step);
}

static void diff_value(json_t *patch, struct text *path, const json_t *from, const json_t *to);

static void step_back(struct text *path, size_t len)
{
    path->len = len;
    path->at[len] = '\0';
}

static void diff_objects(json_t *patch, struct text *path, const json_t *from, const json_t *to)
{
    size_t len = path->len;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)from, key, value)
    {
        pointer_add(path, key);
        const json_t *other = json_object_get(to, key);
        if (other) {
            diff_value(patch, path, value, other);
        } else {
            emit(patch, "remove", text_str(path), NULL);
        }
        step_back(path, len);
    }
    json_object_foreach((json_t *)(uintptr_t)to, key, value)
    {
        if (!json_object_get(from, key)) {
            pointer_add(path, key);
            emit(patch, "add", text_str(path), value);
            step_back(path, len);
        }
    }
}

static void diff_lists(json_t *patch, struct text *path, const json_t *from, const json_t *to)
{
    size_t len = path->len, m = json_array_size(from), n = json_array_size(to), head = 0;
    while (head < m && head < n && json_equal(json_array_get(from, head), json_array_get(to, head))) {
        head++;
    }
    while (m > head && n > head && json_equal(json_array_get(from, m - 1), json_array_get(to, n - 1))) {
        m--;
        n--;
    }
    /* From here m and n end the parts that differ. */
    for (size_t i = head; i < m && i < n; i++) {
        text_addf(path, "/%zu", i);
        diff_value(patch, path, json_array_get(from, i), json_array_get(to, i));
        step_back(path, len);
    }
    for (size_t i = m; i > n; i--) {
        text_addf(path, "/%zu", i - 1);
        emit(patch, "remove", text_str(path), NULL);
        step_back(path, len);
    }
    for (size_t i = m; i < n; i++) {
        text_addf(path, "/%zu", i);
        emit(patch, "add", text_str(path), json_array_get(to, i));
        step_back(path, len);
    }
}

static void diff_value(json_t *patch, struct text *path, const json_t *from, const json_t *to)
{
    if (json_is_object(from) && json_is_object(to)) {
        diff_objects(patch, path, from, to);
    } else if (json_is_array(from) && json_is_array(to)) {
        diff_lists(patch, path, from, to);
    } else if (!json_equal(from, to)) {
        emit(patch, "replace", text_str(path), to);
    }
}

json_t *json_diff(const json_t *from, const json_t *to)
{
    json_t *patch = json_array();
    scoped_text struct text path = {0};
    text_add(&path, "");
    diff_value(patch, &path, from, to);
    return patch;
}
