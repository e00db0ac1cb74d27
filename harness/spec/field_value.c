/* SPDX-License-Identifier: MIT */
/*
 * Method: a scalar is text until its field says what it is. The parsers of base/units.h name what they found and how to
 * write it; their words become the message and the help of the diagnostic.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/spec/field.h"
#include <stdio.h>
#include <string.h>

void field_words(struct text *out, const char *const *words)
{
    const char *between = "";
    for (; *words; words++) {
        if (**words) {
            text_addf(out, "%s%s", between, *words);
            between = ", ";
        }
    }
}

/* "x5", or a rate. */
static int parse_pace(const char *s, int64_t *v, struct err *e)
{
    if (*s != 'x') {
        return unit_parse_rate(s, v, e);
    }
    int64_t times = 0;
    if (unit_parse_count(s + 1, &times, e) != 0) {
        return -1;
    }
    if (times < 2 || times > 1000) {
        err_set(e, ERR_READING, NULL, "`%.60s` is no multiple from x2 to x1000", s);
        return err_help(e, "write x5, or a rate such as 500/s");
    }
    *v = -times * PPM;
    return 0;
}

static int parse_number(const struct field *f, const char *s, int64_t *v, struct err *e)
{
    switch (f->kind) {
    case FIELD_DURATION:
        return unit_parse_duration(s, v, e);
    case FIELD_RATIO:
        return unit_parse_ratio(s, v, e);
    case FIELD_RATE:
        return unit_parse_rate(s, v, e);
    case FIELD_PACE:
        return parse_pace(s, v, e);
    case FIELD_BANDWIDTH:
        return unit_parse_bandwidth(s, v, e);
    case FIELD_BYTES:
        return unit_parse_bytes(s, v, e);
    case FIELD_STEP:
        return unit_parse_step(s, v, e);
    case FIELD_FACTOR:
        return unit_parse_factor(s, v, e);
    default:
        return unit_parse_count(s, v, e);
    }
}

static const char *print_number(const struct field *f, int64_t v, char out[UNIT_MAX])
{
    switch (f->kind) {
    case FIELD_DURATION:
        return unit_print_duration(v, out);
    case FIELD_RATIO:
        return unit_print_ratio(v, out);
    case FIELD_RATE:
    case FIELD_PACE:
        return unit_print_rate(v, out);
    case FIELD_BANDWIDTH:
        return unit_print_bandwidth(v, out);
    case FIELD_BYTES:
        return unit_print_bytes(v, out);
    case FIELD_STEP:
        return unit_print_step(v, out);
    case FIELD_FACTOR:
        return unit_print_factor(v, out);
    default:
        snprintf(out, UNIT_MAX, "%lld", (long long)v);
        return out;
    }
}

static bool is_bare(const char *s)
{
    return *s && !s[strspn(s, "0123456789.")];
}

/* The unit that a key is usually written with, by its example or its default. NULL: there is none. */
static const char *usual_unit(const struct field *f)
{
    const char *example = f->example ? f->example : f->preset;
    size_t digits = example ? strspn(example, "0123456789.") : 0;
    return digits > 0 && !strpbrk(example + digits, "0123456789 ") && example[digits] ? example + digits : NULL;
}

/* A number without its unit gets that of the key; 0.99 as a share is hardly meant as 0.99 %. */
static void help_number(struct diag *d, const struct field *f, const char *s, const char *otherwise)
{
    char with_unit[64], share[UNIT_MAX];
    int64_t ppm = 0;
    snprintf(with_unit, sizeof(with_unit), "%.60s%%", s);
    bool fraction = f->kind == FIELD_RATIO && is_bare(s) && s[0] == '0' && s[1] == '.' &&
                    unit_parse_ratio(with_unit, &ppm, NULL) == 0 && ppm > 0;
    if (fraction) {
        diag_help(d, "write %s, which is %s of the whole", unit_print_ratio(100 * ppm, share), s);
    } else if (is_bare(s) && usual_unit(f)) {
        diag_help(d, "write %s%s", s, usual_unit(f));
    } else if (*otherwise) {
        diag_help(d, "%s", otherwise);
    }
}

static bool bind_number(struct binder *b, const struct field *f, const struct yaml_node *n, int64_t *to)
{
    struct err e = {0};
    int64_t v = 0;
    char limit[UNIT_MAX];
    if (parse_number(f, n->text, &v, &e) != 0) {
        struct diag *d = diag_error(b->diags, DIAG_BAD_VALUE, n->place, "`%s`: %s", f->key, e.msg);
        help_number(d, f, n->text, e.help);
        return false;
    }
    bool multiple = f->kind == FIELD_PACE && v < 0;
    if ((v < f->min && !multiple) || (f->max > 0 && v > f->max)) {
        bool low = v < f->min;
        struct diag *d =
            diag_error(b->diags, DIAG_RANGE, n->place, "`%s: %s` is too %s", f->key, n->text, low ? "small" : "large");
        diag_help(d, "write at %s %s", low ? "least" : "most", print_number(f, low ? f->min : f->max, limit));
        return false;
    }
    *to = v;
    return true;
}

static bool bind_name(struct binder *b, const struct field *f, const struct yaml_node *n, const char **to)
{
    if (!text_is_name(n->text)) {
        struct diag *d = diag_error(b->diags, DIAG_BAD_VALUE, n->place, "`%s` is not a name", n->text);
        diag_label(d, "as a name in `%s`", f->key);
        diag_help(d, "use small letters, digits and single dashes between them, at most 40 characters");
        return false;
    }
    *to = arena_strdup(b->arena, n->text);
    return true;
}

static int find_word(const char *const *words, const char *word, size_t *count)
{
    int found = -1;
    for (*count = 0; words[*count]; ++*count) {
        if (words[*count][0] && strcmp(words[*count], word) == 0) {
            found = (int)*count;
        }
    }
    return found;
}

static bool bind_word(struct binder *b, const struct field *f, const struct yaml_node *n, int *to)
{
    static const char *const truth[] = {"false", "true", NULL};
    const char *const *words = f->words ? f->words : truth;
    size_t count;
    int found = find_word(words, n->text, &count);
    if (found >= 0) {
        *to = found;
        return true;
    }
    scoped_text struct text all = {0};
    field_words(&all, words);
    struct diag *d = diag_error(b->diags, DIAG_BAD_VALUE, n->place, "`%s` cannot be `%s`", f->key, n->text);
    diag_label(d, "%s%s belongs here", count > 1 ? "one of " : "", text_str(&all));
    const char *near = text_nearest(n->text, words, count);
    if (near) {
        diag_help(d, "write `%s: %s`", f->key, near);
    }
    return false;
}

static bool bind_region(struct binder *b, const struct yaml_node *n, uint16_t *to)
{
    *to = TOPO_NONE;
    if (!b->topology) {
        return true;
    }
    const char *regions[TOPO_MAX_SITES];
    size_t count = 0;
    for (size_t i = 0; i < b->topology->site_count; i++) {
        if (b->topology->sites[i].kind == SITE_REGION) {
            regions[count++] = b->topology->sites[i].name;
            if (strcmp(n->text, b->topology->sites[i].name) == 0) {
                *to = (uint16_t)i;
                return true;
            }
        }
    }
    uint16_t site = topo_site_find(b->topology, n->text);
    if (site != TOPO_NONE && b->topology->sites[site].kind == SITE_VANTAGE) {
        struct diag *d = diag_error(b->diags, DIAG_CLIENT, n->place, "`%s` is where clients stand", n->text);
        diag_help(d, "name a region: clients are never targets");
        return false;
    }
    diag_label(field_unknown(b, DIAG_NO_SUCH, n->place, "region", n->text, regions, count), "not in the topology");
    return false;
}

bool field_scalar(struct binder *b, const struct field *f, const struct yaml_node *n, void *to)
{
    int word = 0;
    bool nothing = n->plain && !n->text[0] && !n->broken;
    if (nothing) {
        struct diag *d = diag_error(b->diags, DIAG_BAD_VALUE, node_place(n), "`%s` has no value", f->key);
        const char *example = f->example ? f->example : f->preset;
        if (example) {
            diag_help(d, "write `%s: %s`", f->key, example);
        }
        return false;
    }
    switch (f->kind) {
    case FIELD_DURATION:
    case FIELD_RATIO:
    case FIELD_RATE:
    case FIELD_PACE:
    case FIELD_BANDWIDTH:
    case FIELD_BYTES:
    case FIELD_COUNT:
    case FIELD_STEP:
    case FIELD_FACTOR:
        return bind_number(b, f, n, to);
    case FIELD_NAME:
        return bind_name(b, f, n, to);
    case FIELD_TEXT:
        *(const char **)to = arena_strdup(b->arena, n->text);
        return true;
    case FIELD_REGION:
        return bind_region(b, n, to);
    case FIELD_BOOL:
        if (!bind_word(b, f, n, &word)) {
            return false;
        }
        *(bool *)to = word == 1;
        return true;
    case FIELD_ENUM:
        return bind_word(b, f, n, to);
    default:
        return false;
    }
}
