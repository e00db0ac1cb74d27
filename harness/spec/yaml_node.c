/* SPDX-License-Identifier: MIT */
/*
 * Nodes once they exist: looking things up, grafting, and the step from a scalar to JSON. Lists are linked, so that a
 * node costs the same whether it has one child or thousands; the parser has limited their number.
 */
#include "harness/spec/yaml_tree.h"
#include <jansson.h>
#include <string.h>

struct yaml_node *node_get(const struct yaml_node *map, const char *key)
{
    if (!map || map->kind != NODE_MAP) {
        return NULL;
    }
    for (struct yaml_node *n = map->first; n; n = n->next) {
        if (strcmp(n->key->text, key) == 0) {
            return n;
        }
    }
    return NULL;
}

struct yaml_node *node_item(const struct yaml_node *list, size_t index)
{
    struct yaml_node *n = list ? list->first : NULL;
    while (n && index-- > 0) {
        n = n->next;
    }
    return n;
}

const char *node_kind_name(const struct yaml_node *n)
{
    return n->kind == NODE_MAP ? "a map" : n->kind == NODE_LIST ? "a list" : "a plain value";
}

struct place node_place(const struct yaml_node *n)
{
    return n->key && (n->kind != NODE_SCALAR || !n->text[0]) ? n->key->place : n->place;
}

struct yaml_node *node_new(struct arena *a, enum node_kind kind, const char *text, struct place at)
{
    struct yaml_node *n = arena_new(a, struct yaml_node);
    n->kind = kind;
    n->place = at;
    n->text = kind == NODE_SCALAR ? arena_strdup(a, text) : NULL;
    n->plain = true;
    return n;
}

void node_append(struct yaml_node *parent, struct yaml_node *child)
{
    child->next = NULL;
    if (parent->last) {
        parent->last->next = child;
    } else {
        parent->first = child;
    }
    parent->last = child;
    parent->count++;
}

void node_put(struct arena *a, struct yaml_node *map, const char *key, struct place key_at, struct yaml_node *value)
{
    value->key = node_new(a, NODE_SCALAR, key, key_at);
    struct yaml_node *before = NULL;
    for (struct yaml_node *n = map->first; n; before = n, n = n->next) {
        if (strcmp(n->key->text, key) == 0) {
            value->next = n->next;
            *(before ? &before->next : &map->first) = value;
            map->last = map->last == n ? value : map->last;
            return;
        }
    }
    node_append(map, value);
}

void node_remove(struct yaml_node *map, const char *key)
{
    struct yaml_node *before = NULL;
    for (struct yaml_node *n = map->first; n; before = n, n = n->next) {
        if (strcmp(n->key->text, key) == 0) {
            *(before ? &before->next : &map->first) = n->next;
            map->last = map->last == n ? before : map->last;
            map->count--;
            return;
        }
    }
}

void node_replace(struct yaml_node *list, size_t index, struct yaml_node *value)
{
    struct yaml_node *old = node_item(list, index), *before = index > 0 ? node_item(list, index - 1) : NULL;
    value->next = old->next;
    *(before ? &before->next : &list->first) = value;
    list->last = list->last == old ? value : list->last;
}

struct yaml_node *node_clone(struct arena *a, const struct yaml_node *n)
{
    struct yaml_node *copy = arena_new(a, struct yaml_node);
    *copy = *n;
    copy->first = copy->last = copy->next = NULL;
    copy->count = 0;
    for (const struct yaml_node *c = n->first; c; c = c->next) {
        node_append(copy, node_clone(a, c));
    }
    return copy;
}

/* The grammar of numbers in JSON (RFC 8259 section 6). */
static bool is_number(const char *s, bool *integer)
{
    *integer = true;
    s += *s == '-';
    size_t digits = strspn(s, "0123456789");
    if (digits == 0 || (digits > 1 && s[0] == '0')) {
        return false;
    }
    s += digits;
    if (*s == '.') {
        *integer = false;
        digits = strspn(++s, "0123456789");
        if (digits == 0) {
            return false;
        }
        s += digits;
    }
    if (*s == 'e' || *s == 'E') {
        *integer = false;
        s++;
        s += *s == '+' || *s == '-';
        digits = strspn(s, "0123456789");
        s += digits;
        return digits > 0 && *s == '\0';
    }
    return *s == '\0';
}

static json_t *scalar_json(const struct yaml_node *n)
{
    bool integer;
    if (n->plain && strcmp(n->text, "true") == 0) {
        return json_true();
    }
    if (n->plain && strcmp(n->text, "false") == 0) {
        return json_false();
    }
    if (n->plain && strcmp(n->text, "null") == 0) {
        return json_null();
    }
    if (n->plain && is_number(n->text, &integer)) {
        json_t *number = json_loads(n->text, JSON_DECODE_ANY, NULL); /* locale-independent; refuses overflow */
        if (number) {
            return number;
        }
    }
    return json_string(n->text);
}

json_t *node_json(const struct yaml_node *n)
{
    if (n->kind == NODE_SCALAR) {
        return scalar_json(n);
    }
    json_t *j = n->kind == NODE_MAP ? json_object() : json_array();
    for (const struct yaml_node *c = n->first; c; c = c->next) {
        if (n->kind == NODE_MAP) {
            json_object_set_new(j, c->key->text, node_json(c));
        } else {
            json_array_append_new(j, node_json(c));
        }
    }
    return j;
}
