/* SPDX-License-Identifier: MIT */
/*
 * Method: walk the map once to find keys that no table knows, then walk the tables to bind what is there, to apply
 * presets and to miss what is required. Errors never stop the binding, so that all of them come out together; whoever
 * uses the result asks the list of diagnostics first. Nodes marked broken have been reported and stay silent.
 */
#include "harness/spec/field.h"
#include "harness/base/text.h"
#include <stdio.h>
#include <string.h>

enum { CANDIDATES = 64, LIST_MAX = 600 };

static void *at_offset(void *base, size_t offset)
{
    return (char *)base + offset;
}

struct diag *field_unknown(struct binder *b, enum diag_code code, struct place at, const char *what, const char *word,
                           const char *const *candidates, size_t n)
{
    struct diag *d = diag_error(b->diags, code, at, "unknown %s `%s`", what, word);
    if (!d->arena) {
        return d; /* not kept: spare the search for what is near */
    }
    const char *near = text_nearest(word, candidates, n);
    if (near) {
        diag_help(d, "use `%s`", near);
        return d;
    }
    scoped_text struct text list = {0};
    for (size_t i = 0; i < n && list.len < LIST_MAX; i++) {
        text_addf(&list, "%s`%s`", i == 0 ? "" : i + 1 == n ? " or " : ", ", candidates[i]);
    }
    if (n > 0 && list.len < LIST_MAX) {
        diag_help(d, "use %s", text_str(&list));
    }
    return d;
}

static size_t collect_keys(const struct field_part *parts, size_t n, const char *keys[CANDIDATES])
{
    size_t count = 0;
    for (size_t p = 0; p < n; p++) {
        for (size_t i = 0; i < parts[p].count && count < CANDIDATES; i++) {
            keys[count++] = parts[p].fields[i].key;
        }
    }
    return count;
}

static void unknown_key(struct binder *b, const struct field_set *set, const struct field_part *parts, size_t n,
                        const struct yaml_node *member)
{
    const char *keys[CANDIDATES];
    size_t count = collect_keys(parts, n, keys);
    const char *key = member->key->text;
    struct diag *d =
        diag_error(b->diags, DIAG_UNKNOWN_KEY, member->key->place, "unknown key `%s` in %s", key, set->name);
    if (!d->arena) {
        return;
    }
    const char *tick = strchr(set->name, '`');
    diag_label(d, "not a key of %.*s", tick ? (int)(strcspn(tick + 1, "`") + 2) : (int)strlen(set->name),
               tick ? tick : set->name);
    const char *near = text_nearest(key, keys, count);
    if (near) {
        diag_help(d, "use `%s`", near);
    }
    diag_note(d, "`drtest explain %s` lists the keys", set->topic);
}

static bool known(const struct field_part *parts, size_t n, const char *key)
{
    for (size_t p = 0; p < n; p++) {
        for (size_t i = 0; i < parts[p].count; i++) {
            if (strcmp(parts[p].fields[i].key, key) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* The key that is missed stands there, but misspelt: that has been reported, and one mistake is one message. */
static bool misspelt(const struct field_part *parts, size_t n, const struct yaml_node *map, const char *key)
{
    const char *keys[CANDIDATES];
    size_t count = collect_keys(parts, n, keys), looked = 0;
    for (const struct yaml_node *c = map->first; c && looked < DIAG_MAX; c = c->next) {
        if (!known(parts, n, c->key->text)) {
            looked++;
            if (text_eq(text_nearest(c->key->text, keys, count), key)) {
                return true;
            }
        }
    }
    return false;
}

/* `5s` or, where only maps will do, nothing. */
static const char *example_of(const struct field *f)
{
    return f->example ? f->example : f->preset;
}

static void missing_key(struct binder *b, const struct field_set *set, const struct yaml_node *map,
                        const struct field *f)
{
    struct diag *d =
        diag_error(b->diags, DIAG_MISSING_KEY, node_place(map), "%s lacks the key `%s`", set->name, f->key);
    if (example_of(f)) {
        diag_help(d, "add `%s: %s`", f->key, example_of(f));
    } else {
        diag_help(d, "add `%s:`", f->key);
    }
}

static bool wrong_kind(struct binder *b, const struct field *f, const struct yaml_node *n, enum node_kind want)
{
    if (n->broken) {
        return true;
    }
    if (n->kind == want) {
        return false;
    }
    static const char *const kinds[] = {"a plain value", "a list", "a map"};
    bool nothing = n->kind == NODE_SCALAR && n->plain && !n->text[0];
    struct diag *d = diag_error(b->diags, DIAG_WRONG_KIND, node_place(n), nothing ? "`%s` is empty" : "`%s` is %s",
                                f->key, node_kind_name(n));
    diag_label(d, "%s belongs here", kinds[want]);
    if (example_of(f)) {
        diag_help(d, "write `%s: %s`", f->key, example_of(f));
    }
    return true;
}

static void count_fits(struct binder *b, const struct field *f, const struct yaml_node *n, size_t count)
{
    if (count < (size_t)f->min || (f->max > 0 && count > (size_t)f->max)) {
        struct diag *d = diag_error(b->diags, DIAG_RANGE, node_place(n), "`%s` has %zu entr%s", f->key, count,
                                    count == 1 ? "y" : "ies");
        if (count < (size_t)f->min) {
            diag_help(d, "give at least %lld", (long long)f->min);
        } else {
            diag_help(d, "give at most %lld", (long long)f->max);
        }
    }
}

/* A list of words; from an override also one word or several with commas between. */
static void bind_texts(struct binder *b, const struct field *f, const struct yaml_node *n, struct field_texts *to)
{
    const struct field item = {.key = f->key, .kind = f->words ? FIELD_TEXT : FIELD_NAME, .example = f->example};
    struct yaml_node split = {.kind = NODE_LIST, .place = n->place};
    if (n->override && n->kind == NODE_SCALAR) {
        char *rest = arena_strdup(b->arena, n->text);
        for (char *word; (word = strsep(&rest, ",")) != NULL;) {
            node_append(&split, node_new(b->arena, NODE_SCALAR, word, n->place));
        }
        n = &split;
    }
    if (wrong_kind(b, f, n, NODE_LIST)) {
        return;
    }
    count_fits(b, f, n, n->count);
    to->at = arena_array(b->arena, const char *, n->count + 1);
    for (const struct yaml_node *c = n->first; c; c = c->next) {
        const char *word = NULL;
        size_t words = 0;
        if (wrong_kind(b, &item, c, NODE_SCALAR) || !field_scalar(b, &item, c, &word)) {
            continue;
        }
        while (f->words && f->words[words] && !text_eq(f->words[words], word)) {
            words++;
        }
        if (f->words && !f->words[words]) {
            field_unknown(b, DIAG_BAD_VALUE, c->place, arena_printf(b->arena, "`%s` entry", f->key), word, f->words,
                          words);
            continue;
        }
        to->at[to->len++] = word;
    }
}

struct place field_text_place(const struct yaml_node *list, size_t i)
{
    const struct yaml_node *item = list->kind == NODE_LIST ? node_item(list, i) : NULL;
    return item ? item->place : list->place;
}

static void bind_items(struct binder *b, const struct field *f, const struct yaml_node *n, struct field_items *to)
{
    if (wrong_kind(b, f, n, f->kind == FIELD_DICT ? NODE_MAP : NODE_LIST)) {
        return;
    }
    count_fits(b, f, n, n->count);
    to->at = arena_alloc(b->arena, f->of->size * (n->count + 1));
    for (const struct yaml_node *c = n->first; c; c = c->next) {
        struct field_item *item = at_offset(to->at, f->of->size * to->len);
        if (f->kind == FIELD_DICT) {
            const struct field name = {.key = f->key, .kind = FIELD_NAME};
            if (!field_scalar(b, &name, c->key, &item->name)) {
                continue;
            }
        }
        to->len++;
        item->node = c;
        const struct field member = {.key = f->kind == FIELD_DICT ? item->name : f->key,
                                     .example = f->of->fields[0].example};
        if (f->kind == FIELD_DICT && c->kind == NODE_SCALAR && c->plain && !c->text[0]) {
            field_bind(b, f->of, NULL, item); /* `eu-west:` alone: all defaults */
        } else if (!wrong_kind(b, &member, c, NODE_MAP)) {
            field_bind(b, f->of, c, item);
        }
    }
}

static void bind_value(struct binder *b, const struct field *f, const struct yaml_node *n, void *to)
{
    switch (f->kind) {
    case FIELD_NODE:
        *(const struct yaml_node **)to = n;
        break;
    case FIELD_JSON:
        *(json_t **)to = n->broken ? NULL : node_json(n);
        break;
    case FIELD_MAP:
        if (!wrong_kind(b, f, n, NODE_MAP)) {
            field_bind(b, f->of, n, to);
        }
        break;
    case FIELD_DICT:
    case FIELD_LIST:
        bind_items(b, f, n, to);
        break;
    case FIELD_TEXTS:
        bind_texts(b, f, n, to);
        break;
    default:
        if (!wrong_kind(b, f, n, NODE_SCALAR)) {
            field_scalar(b, f, n, to);
        }
    }
}

static void bind_preset(struct binder *b, const struct field *f, void *to)
{
    if (f->kind == FIELD_MAP && f->given == 0) {
        field_bind(b, f->of, NULL, to);
    } else if (f->preset) {
        static const struct source built_in = {.name = "default", .text = "", .len = 0};
        const struct yaml_node n = {.kind = NODE_SCALAR, .text = f->preset, .place = {.source = &built_in}};
        field_scalar(b, f, &n, to);
    }
}

/* The rules between keys of one table. */
static void check_choices(struct binder *b, const struct field_set *set, const struct field_part *parts, size_t n_parts,
                          const struct field_part *part, const struct yaml_node *map)
{
    bool misspelt_one = false;
    const struct yaml_node *first = NULL;
    char keys[160] = "";
    size_t used = 0;
    enum field_choice choice = FIELD_FREE;
    for (size_t i = 0; i < part->count; i++) {
        const struct field *f = &part->fields[i];
        const struct yaml_node *n = node_get(map, f->key);
        if (f->with && n && !node_get(map, f->with)) {
            diag_help(diag_error(b->diags, DIAG_CHOICE, n->key->place, "`%s` without `%s`", f->key, f->with),
                      "add `%s`, or leave `%s` out", f->with, f->key);
        }
        if (f->choice == FIELD_FREE) {
            continue;
        }
        choice = f->choice;
        int wrote = snprintf(keys + used, sizeof(keys) - used, "%s`%s`", used ? ", " : "", f->key);
        used += wrote > 0 && (size_t)wrote < sizeof(keys) - used ? (size_t)wrote : 0;
        if (n && first && f->choice == FIELD_ONE) {
            struct diag *d = diag_error(b->diags, DIAG_CHOICE, n->key->place, "`%s` beside `%s` in %s", f->key,
                                        first->key->text, set->name);
            diag_note_at(d, first->key->place, "the other one");
            diag_help(d, "keep one of the two");
        }
        first = first ? first : n;
        misspelt_one |= !n && misspelt(parts, n_parts, map, f->key);
    }
    if (choice != FIELD_FREE && !first && !misspelt_one) {
        bool single = strchr(keys, ',') == NULL;
        struct diag *d = diag_error(b->diags, DIAG_CHOICE, node_place(map), "%s needs %s%s", set->name,
                                    single                ? ""
                                    : choice == FIELD_ONE ? "one of "
                                                          : "at least one of ",
                                    keys);
        diag_note(d, "`drtest explain %s` lists the keys", set->topic);
    }
}

void field_bind_parts(struct binder *b, const struct field_set *set, const struct field_part *parts, size_t n,
                      const struct yaml_node *map)
{
    for (const struct yaml_node *c = map ? map->first : NULL; c; c = c->next) {
        if (!c->key->broken && !known(parts, n, c->key->text)) {
            unknown_key(b, set, parts, n, c);
        }
    }
    for (size_t p = 0; p < n; p++) {
        for (size_t i = 0; i < parts[p].count; i++) {
            const struct field *f = &parts[p].fields[i];
            const struct yaml_node *value = node_get(map, f->key);
            void *to = at_offset(parts[p].to, f->offset);
            if (f->given) {
                *(bool *)at_offset(parts[p].to, f->given) = value != NULL;
            }
            if (value) {
                bind_value(b, f, value, to);
            } else if (f->required && map) {
                if (!misspelt(parts, n, map, f->key)) {
                    missing_key(b, set, map, f);
                }
            } else {
                bind_preset(b, f, to);
            }
        }
        if (map) {
            check_choices(b, set, parts, n, &parts[p], map);
        }
    }
}

void field_bind(struct binder *b, const struct field_set *set, const struct yaml_node *map, void *to)
{
    const struct field_part part = {.fields = set->fields, .count = set->count, .to = to};
    field_bind_parts(b, set, &part, 1, map);
}
