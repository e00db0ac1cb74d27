/* SPDX-License-Identifier: MIT */
/*
 * Method: both documents are copied with lists of named things turned into objects, then walked side by side along the
 * sorted union of their keys. What is an object on both sides is walked into; anything else is compared as a value, so
 * that a thing that is missing or too much is one row, not one for each of its fields.
 */
#include "harness/base/json_compare.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <stdlib.h>
#include <string.h>

const char *const json_standing_words[] = {"changed", "missing", "unexpected", NULL};

static const char *name_of(const json_t *item)
{
    return json_is_object(item) ? json_string_value(json_object_get(item, "name")) : NULL;
}

static bool all_named(const json_t *list)
{
    scoped_json json_t *names = json_object();
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        const char *name = name_of(item);
        if (!name || json_object_get(names, name)) {
            return false;
        }
        json_object_set_new(names, name, json_true());
    }
    return json_array_size(list) > 0;
}

static json_t *keyed(const json_t *doc);

static json_t *keyed_object(const json_t *doc)
{
    json_t *out = json_object(), *value;
    const char *key;
    json_object_foreach((json_t *)doc, key, value)
    {
        json_object_set_new(out, key, keyed(value));
    }
    return out;
}

static json_t *keyed_list(const json_t *doc)
{
    bool named = all_named(doc);
    json_t *out = named ? json_object() : json_array(), *item;
    size_t i;
    json_array_foreach(doc, i, item)
    {
        if (named) {
            json_object_set_new(out, name_of(item), keyed(item));
        } else {
            json_array_append_new(out, keyed(item));
        }
    }
    return out;
}

static json_t *keyed(const json_t *doc)
{
    return json_is_object(doc) ? keyed_object(doc) : json_is_array(doc) ? keyed_list(doc) : json_deep_copy(doc);
}

static char *path_below(const char *path, const char *key)
{
    struct text t = {0};
    text_addf(&t, "%s%s", path, *path ? "/" : "");
    for (; *key; key++) {
        text_add_bytes(&t, *key == '~' ? "~0" : *key == '/' ? "~1" : key, *key == '~' || *key == '/' ? 2 : 1);
    }
    return text_steal(&t);
}

static void add_row(struct json_comparison *c, enum json_standing standing, const char *path, const json_t *desired,
                    const json_t *actual)
{
    *vec_push(&c->rows) = (struct json_row){standing, xstrdup(path), desired, actual};
    c->count[standing]++;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of both, each once, sorted; heap. */
static const char **union_of(const json_t *a, const json_t *b, size_t *n)
{
    const char **keys = xcalloc(json_object_size(a) + json_object_size(b) + 1, sizeof(*keys));
    const char *key;
    json_t *value;
    *n = 0;
    json_object_foreach((json_t *)a, key, value)
    {
        keys[(*n)++] = key;
    }
    json_object_foreach((json_t *)b, key, value)
    {
        if (!json_object_get(a, key)) {
            keys[(*n)++] = key;
        }
    }
    qsort(keys, *n, sizeof(*keys), by_name);
    return keys;
}

static void compare(struct json_comparison *c, const char *path, const json_t *desired, const json_t *actual)
{
    if (!desired || !actual) {
        add_row(c, desired ? JSON_MISSING : JSON_UNEXPECTED, path, desired, actual);
    } else if (json_is_object(desired) && json_is_object(actual)) {
        size_t n;
        const char **keys = union_of(desired, actual, &n);
        for (size_t i = 0; i < n; i++) {
            scoped_free char *below = path_below(path, keys[i]);
            compare(c, below, json_object_get(desired, keys[i]), json_object_get(actual, keys[i]));
        }
        free(keys);
    } else if (json_equal(desired, actual)) {
        c->same++;
    } else {
        add_row(c, JSON_CHANGED, path, desired, actual);
    }
}

void json_compare(struct json_comparison *c, const json_t *desired, const json_t *actual)
{
    c->desired = keyed(desired);
    c->actual = keyed(actual);
    compare(c, "", c->desired, c->actual);
}

void json_comparison_deinit(struct json_comparison *c)
{
    for (size_t i = 0; i < c->rows.len; i++) {
        free(c->rows.at[i].path);
    }
    vec_deinit(&c->rows);
    json_decref(c->desired);
    json_decref(c->actual);
    *c = (struct json_comparison){0};
}
