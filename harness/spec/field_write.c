/* SPDX-License-Identifier: MIT */
/*
 * Method: what counts is the tree with the presets of the tables filled in; it is written in the order of the tables.
 * Maps of scalars go on one line, others are indented. Plain scalars stay plain when nothing in them could mean
 * something else inside a flow collection; all others are double-quoted, which libyaml reads back to the same bytes.
 */
#include "harness/base/text.h"
#include "harness/spec/field.h"
#include <ctype.h>
#include <string.h>

static bool plain_is_safe(const struct yaml_node *n)
{
    const char *s = n->text;
    if (!n->plain || !*s || !(isalnum((unsigned char)*s) || *s == '/' || (*s == '-' && isdigit((unsigned char)s[1])))) {
        return false;
    }
    return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./%+-") == strlen(s);
}

static void write_quoted(struct text *out, const char *s)
{
    size_t len = strlen(s);
    text_add(out, "\"");
    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        size_t bytes = utf8_decode(s + i, len - i, &c);
        if (c == '"' || c == '\\') {
            text_addf(out, "\\%c", (int)c);
        } else if (c == '\n') {
            text_add(out, "\\n");
        } else if (c == '\t') {
            text_add(out, "\\t");
        } else if (c == 0x85 || c == 0x2028 || c == 0x2029 || c == 0xFEFF || (c >= 0x80 && c < 0xA0) || c == 0xFFFE ||
                   c == 0xFFFF) {
            text_addf(out, "\\u%04X", (unsigned)c);
        } else {
            text_add_bytes(out, s + i, bytes ? bytes : 1);
        }
        i += bytes ? bytes : 1;
    }
    text_add(out, "\"");
}

static void write_scalar(struct text *out, const struct yaml_node *n)
{
    if (plain_is_safe(n)) {
        text_add(out, n->text);
    } else {
        write_quoted(out, n->text);
    }
}

void field_write_node(struct text *out, const struct yaml_node *n)
{
    if (n->kind == NODE_SCALAR) {
        write_scalar(out, n);
        return;
    }
    text_add(out, n->kind == NODE_MAP ? "{" : "[");
    for (const struct yaml_node *c = n->first; c; c = c->next) {
        if (c->key && n->kind == NODE_MAP) {
            write_scalar(out, c->key);
            text_add(out, ": ");
        }
        field_write_node(out, c);
        text_add(out, c->next ? ", " : "");
    }
    text_add(out, n->kind == NODE_MAP ? "}" : "]");
}

/* A list of words that an override gave as one scalar becomes a list again. */
static void write_texts(struct text *out, const struct yaml_node *n)
{
    if (n->kind != NODE_SCALAR) {
        field_write_node(out, n);
        return;
    }
    text_add(out, "[");
    for (const char *s = n->text; *s;) {
        size_t len = strcspn(s, ",");
        text_add_bytes(out, s, len);
        s += len;
        if (*s) {
            text_add(out, ", ");
            s++;
        }
    }
    text_add(out, "]");
}

static void write_value(struct text *out, const struct field *f, const struct yaml_node *n)
{
    if (!n) {
        text_add(out, f->preset);
    } else if (f->kind == FIELD_TEXTS) {
        write_texts(out, n);
    } else if ((f->kind == FIELD_MAP || f->kind == FIELD_DICT) && n->kind == NODE_MAP) {
        const struct field_part part = {.fields = f->of->fields, .count = f->of->count};
        field_write_flow(out, &part, 1, n);
    } else {
        field_write_node(out, n);
    }
}

void field_write_flow(struct text *out, const struct field_part *parts, size_t n, const struct yaml_node *map)
{
    const char *between = "{";
    for (size_t p = 0; p < n; p++) {
        for (size_t i = 0; i < parts[p].count; i++) {
            const struct field *f = &parts[p].fields[i];
            const struct yaml_node *value = node_get(map, f->key);
            if (value || (f->preset && !(f->with && !node_get(map, f->with)))) {
                text_addf(out, "%s%s: ", between, f->key);
                write_value(out, f, value);
                between = ", ";
            }
        }
    }
    text_add(out, *between == '{' ? "{}" : "}");
}

static bool nested(const struct field_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->fields[i].kind == FIELD_MAP) {
            return true;
        }
    }
    return false;
}

static void write_items(struct text *out, const struct field *f, const struct yaml_node *n, int indent)
{
    const struct field_part part = {.fields = f->of->fields, .count = f->of->count};
    for (const struct yaml_node *c = n->first; c; c = c->next) {
        if (f->kind == FIELD_DICT) {
            text_addf(out, "%*s%s: ", indent, "", c->key->text);
        } else {
            text_addf(out, "%*s- ", indent, "");
        }
        field_write_flow(out, &part, 1, c);
        text_add(out, "\n");
    }
}

void field_write(struct text *out, const struct field_set *set, const struct yaml_node *map, int indent)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct field *f = &set->fields[i];
        const struct yaml_node *n = node_get(map, f->key);
        bool always = f->preset || (f->kind == FIELD_MAP && f->given == 0);
        if (!n && !always) {
            continue;
        }
        text_addf(out, "%*s%s:", indent, "", f->key);
        if (n && n->count > 0 && (f->kind == FIELD_DICT || f->kind == FIELD_LIST)) {
            text_add(out, "\n");
            write_items(out, f, n, indent + 2);
        } else if (f->kind == FIELD_MAP && nested(f->of)) {
            text_add(out, "\n");
            field_write(out, f->of, n, indent + 2);
        } else if (f->kind == FIELD_MAP) {
            const struct field_part part = {.fields = f->of->fields, .count = f->of->count};
            text_add(out, " ");
            field_write_flow(out, &part, 1, n);
            text_add(out, "\n");
        } else {
            text_add(out, " ");
            write_value(out, f, n);
            text_add(out, "\n");
        }
    }
}
