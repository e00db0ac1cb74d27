/* SPDX-License-Identifier: MIT */
/*
 * Reading options by table.
 *
 * Method: words are taken in order. `--name=value`, `--name value`, `-abc`, `-o value` and `-ovalue` are understood,
 * `--` ends the options, a lone `-` is an operand. Names are never abbreviated: a script that says --out today must not
 * mean something else when --output-style arrives. An unknown name fails with the nearest known one as help.
 *
 * No value is empty. Whatever is wrong with the command line is ERR_USAGE, also when the parser of a unit calls it
 * something else.
 */
#include "harness/cli/option.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <string.h>

#define NAMES_MAX 128

static void *slot(const struct option_set *set, size_t row)
{
    return (char *)set->values + set->rows[row].offset;
}

void option_list_add(struct option_list *l, const char *text)
{
    if (l->len == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 8;
        l->at = xrealloc(l->at, l->cap * sizeof(*l->at));
    }
    l->at[l->len++] = text;
}

void option_list_deinit(struct option_list *l)
{
    free(l->at);
    *l = (struct option_list){0};
}

void options_init(struct option_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct option_row *row = &set->rows[i];
        if (row->kind == OPTION_COUNT || row->kind == OPTION_DURATION) {
            *(int64_t *)slot(set, i) = -1;
        }
        if (row->fallback) {
            options_give(set, i, row->fallback, ORIGIN_BUILTIN, row->name, NULL);
        }
        set->origins[i] = ORIGIN_BUILTIN;
    }
}

void options_deinit(struct option_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->rows[i].kind == OPTION_LIST) {
            option_list_deinit(slot(set, i));
        }
    }
}

int options_find(const struct option_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (text_eq(set->rows[i].name, name)) {
            return (int)i;
        }
    }
    return -1;
}

/* A unit parser speaks of a file; here its message becomes one about the command line. */
static int bad_value(const struct err *inner, const char *at, struct err *e)
{
    err_set(e, ERR_USAGE, at, "%s", inner->msg);
    return inner->help[0] ? err_help(e, "%s", inner->help) : -1;
}

static int give_switch(bool *out, const char *text, const char *at, struct err *e)
{
    if (text_eq(text, "true") || text_eq(text, "1")) {
        *out = true;
    } else if (text_eq(text, "false") || text_eq(text, "0")) {
        *out = false;
    } else {
        err_set(e, ERR_USAGE, at, "`%s` is neither true nor false", text);
        return err_help(e, "write true or false");
    }
    return 0;
}

static int check_choice(const struct option_row *row, const char *text, const char *at, struct err *e)
{
    scoped_text struct text all = {0};
    for (size_t i = 0; row->choices[i]; i++) {
        if (text_eq(row->choices[i], text)) {
            return 0;
        }
        text_addf(&all, "%s%s", i ? ", " : "", row->choices[i]);
    }
    err_set(e, ERR_USAGE, at, "`%s` is not a value of --%s", text, row->name);
    return err_help(e, "write one of %s", text_str(&all));
}

/* A variable that a script forgot to set arrives as nothing, and as a path it would mean the root of all files. */
static int check_not_empty(const char *text, const char *at, struct err *e)
{
    if (*text) {
        return 0;
    }
    err_set(e, ERR_USAGE, at, "an empty value");
    return err_help(e, "give it a value, or leave it out");
}

int options_give(struct option_set *set, size_t row_at, const char *text, enum option_origin origin, const char *at,
                 struct err *e)
{
    const struct option_row *row = &set->rows[row_at];
    if (set->origins[row_at] > origin) {
        return 0;
    }
    if (check_not_empty(text, at, e) < 0 || (row->choices && check_choice(row, text, at, e) < 0)) {
        return -1;
    }
    struct err inner = {0};
    void *out = slot(set, row_at);
    int failed = 0;
    switch (row->kind) {
    case OPTION_SWITCH:
        if (give_switch(out, text, at, e) < 0) {
            return -1;
        }
        break;
    case OPTION_TEXT:
        *(const char **)out = text;
        break;
    case OPTION_COUNT:
        failed = unit_parse_count(text, out, &inner);
        break;
    case OPTION_DURATION:
        failed = unit_parse_duration(text, out, &inner);
        break;
    case OPTION_LIST:
        if (set->origins[row_at] != origin) {
            ((struct option_list *)out)->len = 0;
        }
        option_list_add(out, text);
        break;
    }
    if (failed < 0) {
        return bad_value(&inner, at, e);
    }
    set->origins[row_at] = origin;
    return 0;
}

static int unknown_option(const struct option_set *sets, size_t set_count, const char *word, size_t name_len,
                          struct err *e)
{
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (size_t s = 0; s < set_count; s++) {
        for (size_t i = 0; i < sets[s].count && n < NAMES_MAX; i++) {
            names[n++] = sets[s].rows[i].name;
        }
    }
    scoped_free char *name = strndup(word, name_len);
    const char *near = name ? text_nearest(name, names, n) : NULL;
    err_set(e, ERR_USAGE, "command line", "unknown option `--%s`", name ? name : word);
    return near ? err_help(e, "did you mean --%s?", near) : err_help(e, "--help lists the options");
}

/* One long option, name and perhaps `=value`. Returns how many words it took, -1 on failure. */
static int parse_long(struct option_set *sets, size_t set_count, char *const *words, struct err *e)
{
    const char *word = words[0] + 2;
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    for (size_t s = 0; s < set_count; s++) {
        for (size_t i = 0; i < sets[s].count; i++) {
            const struct option_row *row = &sets[s].rows[i];
            if (strlen(row->name) != len || strncmp(row->name, word, len) != 0) {
                continue;
            }
            char at[64];
            snprintf(at, sizeof(at), "--%s", row->name);
            if (row->kind == OPTION_SWITCH) {
                const char *value = equals ? equals + 1 : "true";
                return options_give(&sets[s], i, value, ORIGIN_FLAG, at, e) < 0 ? -1 : 1;
            }
            const char *value = equals ? equals + 1 : words[1];
            if (!value) {
                err_set(e, ERR_USAGE, at, "a value is missing");
                return err_help(e, "write %s %s", at, row->value ? row->value : "VALUE");
            }
            return options_give(&sets[s], i, value, ORIGIN_FLAG, at, e) < 0 ? -1 : equals ? 1 : 2;
        }
    }
    return unknown_option(sets, set_count, word, len, e);
}

/* A bundle of letters, the last of which may take a value. Returns how many words it took. */
static int parse_short(struct option_set *sets, size_t set_count, char *const *words, struct err *e)
{
    for (const char *c = words[0] + 1; *c; c++) {
        struct option_set *set = NULL;
        size_t row = 0;
        for (size_t s = 0; s < set_count && !set; s++) {
            for (row = 0; row < sets[s].count && sets[s].rows[row].letter != *c; row++) {
            }
            set = row < sets[s].count ? &sets[s] : NULL;
        }
        char at[8];
        snprintf(at, sizeof(at), "-%c", *c);
        if (!set) {
            err_set(e, ERR_USAGE, "command line", "unknown option `%s`", at);
            return err_help(e, "--help lists the options");
        }
        if (set->rows[row].kind == OPTION_SWITCH) {
            if (options_give(set, row, "true", ORIGIN_FLAG, at, e) < 0) {
                return -1;
            }
            continue;
        }
        const char *value = c[1] ? c + 1 : words[1];
        if (!value) {
            err_set(e, ERR_USAGE, at, "a value is missing");
            return err_help(e, "write %s %s", at, set->rows[row].value ? set->rows[row].value : "VALUE");
        }
        return options_give(set, row, value, ORIGIN_FLAG, at, e) < 0 ? -1 : c[1] ? 1 : 2;
    }
    return 1;
}

int options_parse(struct option_set *sets, size_t set_count, char *const *words, bool stop_at_operand,
                  struct option_list *operands, struct err *e)
{
    bool ended = false;
    while (*words) {
        const char *word = *words;
        int took = 1;
        if (ended || word[0] != '-' || word[1] == '\0') {
            ended = ended || stop_at_operand;
            option_list_add(operands, word);
        } else if (text_eq(word, "--")) {
            ended = true;
        } else {
            took = word[1] == '-' ? parse_long(sets, set_count, words, e) : parse_short(sets, set_count, words, e);
        }
        if (took < 0) {
            return -1;
        }
        words += took;
    }
    return 0;
}
