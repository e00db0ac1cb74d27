/* SPDX-License-Identifier: MIT */
/*
 * drtest explain TOPIC: what a key of a file, a target, a measure or an error code means. Everything printed comes from
 * the tables that the loader, the measures and the messages use themselves.
 *
 * A topic is looked for as an error code, a target, a verb (`partition`, `timeline.partition`), a map of the file
 * (`topology.failover`), a key in one of these (`timeline.partition.direction`), and a measure, in this order.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/measure/result.h"
#include "harness/spec/scenario.h"
#include "injectors/injector.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int code;
    const char *text;
} general_codes[] = {
    {1, "The command line is not one that drtest understands. Nothing was started. Exit code 2."},
    {100, "A file could not be read as what it claims to be. Nothing was started. Exit code 3."},
    {200, "A file reads well but makes no sense. Nothing was started. Exit code 3."},
    {300, "This machine cannot do what was asked; `drtest doctor` says what is missing. Exit code 5."},
    {400, "Something failed while a run was going on; what it measured until then is judged. Exit code 4."},
    {500, "Results could not be written. Exit code 4."},
    {900, "A defect in drtest itself. Please report it with the run directory. Exit code 4."},
};

static const char *const measures[] = {
#define X(name) #name,
    RESULT_MEASURES(X, X)
#undef X
};

static bool explain_code(const char *topic)
{
    if (toupper((unsigned char)topic[0]) != 'D' || toupper((unsigned char)topic[1]) != 'R' ||
        strspn(topic + 2, "0123456789") != 4 || topic[6]) {
        return false;
    }
    int code = atoi(topic + 2);
    const char *text = diag_code_text(code);
    for (size_t i = 0; i < array_len(general_codes) && !text; i++) {
        text = general_codes[i].code == code ? general_codes[i].text : NULL;
    }
    if (text) {
        printf("DR%04d: %s\n", code, text);
    }
    return text != NULL;
}

static const char *form_of(enum field_kind kind)
{
    switch (kind) {
    case FIELD_DURATION:
        return "duration, e.g. 250ms";
    case FIELD_RATIO:
        return "ratio, e.g. 99.9%";
    case FIELD_RATE:
        return "rate, e.g. 200/s";
    case FIELD_BANDWIDTH:
        return "bandwidth, e.g. 10mbit";
    case FIELD_COUNT:
        return "count";
    case FIELD_NAME:
        return "name";
    case FIELD_TEXT:
        return "text";
    case FIELD_BOOL:
        return "true or false";
    case FIELD_ENUM:
        return "word";
    case FIELD_REGION:
        return "name of a region";
    case FIELD_TEXTS:
        return "list of words";
    case FIELD_JSON:
        return "JSON value";
    case FIELD_MAP:
    case FIELD_DICT:
        return "map";
    case FIELD_LIST:
        return "list";
    case FIELD_NODE:
        return "see its own topic";
    }
    return "";
}

static void print_field(const struct field *f)
{
    printf("  %-16s %s", f->key, form_of(f->kind));
    const char *separator = ": ";
    for (size_t i = 0; f->words && f->words[i]; i++) {
        if (f->words[i][0]) {
            printf("%s%s", separator, f->words[i]);
            separator = ", ";
        }
    }
    if (f->preset) {
        printf(" (%s)", f->preset);
    }
    printf("%s\n%19s%s\n", f->required ? ", required" : "", "", f->doc ? f->doc : "");
}

static const struct field *field_in(const struct field *fields, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++) {
        if (text_eq(fields[i].key, key)) {
            return &fields[i];
        }
    }
    return NULL;
}

static void print_set(const struct field_set *set)
{
    printf("%s%s%s\n", set->name, set->summary ? ": " : "", set->summary ? set->summary : "");
    for (size_t i = 0; i < set->count; i++) {
        print_field(&set->fields[i]);
    }
}

/* A verb, or one of its keys. */
static bool explain_verb(const char *verb, const char *key)
{
    size_t n = 0;
    const struct action_type *const *types = injector_types(&n);
    const struct action_type *type = step_verb(types, n, verb);
    if (!type) {
        return false;
    }
    struct scenario_step nowhere = {0};
    struct step_table table = {0};
    step_table(&table, type, &nowhere);
    if (!key) {
        printf("%s: %s\n", table.topic, type->summary);
    }
    bool found = !key;
    for (size_t i = 0; i < array_len(table.parts); i++) {
        const struct field_part *part = &table.parts[i];
        const struct field *one = key ? field_in(part->fields, part->count, key) : NULL;
        for (size_t k = 0; k < part->count; k++) {
            if (!key || one == &part->fields[k]) {
                print_field(&part->fields[k]);
                found = true;
            }
        }
    }
    return found;
}

static bool explain_timeline(const char *topic)
{
    char word[64];
    snprintf(word, sizeof(word), "%s", text_starts(topic, "timeline.") ? topic + strlen("timeline.") : topic);
    char *dot = strchr(word, '.');
    if (dot) {
        *dot = '\0';
    }
    return explain_verb(word, dot ? dot + 1 : NULL);
}

static bool explain_map(const char *topic)
{
    const struct field_set *set = scenario_set_find(topic);
    if (set) {
        print_set(set);
        return true;
    }
    char parent[128];
    snprintf(parent, sizeof(parent), "%s", topic);
    char *dot = strrchr(parent, '.');
    if (dot) {
        *dot = '\0';
    }
    set = dot ? scenario_set_find(parent) : &scenario_set;
    const struct field *f = set ? field_in(set->fields, set->count, dot ? dot + 1 : parent) : NULL;
    if (f) {
        printf("%s\n", topic);
        print_field(f);
    }
    return f != NULL;
}

static bool explain_target(const char *topic)
{
    static const char *const units[] = {"duration", "duration", "ratio", "count"};
    const char *key = text_starts(topic, "targets.") ? topic + strlen("targets.") : topic;
    for (size_t i = 0; i < TARGET_KEYS; i++) {
        const struct target_type *t = &target_types[i];
        if (text_eq(t->key, key)) {
            printf("targets.%s: %s\n  good is at %s the target; written as a %s\n", t->key, t->summary,
                   t->at_least ? "least" : "most", units[t->unit]);
            return true;
        }
    }
    return false;
}

static bool explain_measure(const char *topic)
{
    static const struct {
        const char *end, *text;
    } units[] = {{"_s", "seconds"}, {"_ms", "milliseconds"}, {"_ratio", "a ratio from 0 to 1"}, {"_count", "a count"}};
    for (size_t i = 0; i < array_len(measures); i++) {
        if (!text_eq(measures[i], topic)) {
            continue;
        }
        const char *unit = "a number", *end = strrchr(topic, '_');
        for (size_t k = 0; end && k < array_len(units); k++) {
            unit = text_eq(end, units[k].end) ? units[k].text : unit;
        }
        printf("%s: a measure of result.json (`measures`), %s, null when it was not measured\n", topic, unit);
        return true;
    }
    return false;
}

static const char *nearest_topic(const char *topic)
{
    const char *names[256];
    size_t n = 0, verbs = 0;
    const struct action_type *const *types = injector_types(&verbs);
    for (size_t i = 0; i < verbs; i++) {
        names[n++] = types[i]->verb;
    }
    for (size_t i = 0; i < TARGET_KEYS; i++) {
        names[n++] = target_types[i].key;
    }
    for (size_t i = 0; i < scenario_set.count; i++) {
        names[n++] = scenario_set.fields[i].key;
    }
    for (size_t i = 0; i < array_len(measures) && n < array_len(names); i++) {
        names[n++] = measures[i];
    }
    return text_nearest(topic, names, n);
}

static int run(struct call *c)
{
    const char *topic = c->operands.at[0];
    if (explain_code(topic) || explain_target(topic) || explain_timeline(topic) || explain_map(topic) ||
        explain_measure(topic)) {
        return 0;
    }
    struct err e = {0};
    err_set(&e, ERR_USAGE, "command line", "nothing is called `%s`", topic);
    const char *near = nearest_topic(topic);
    if (near) {
        err_help(&e, "did you mean `drtest explain %s`?", near);
    } else {
        err_help(&e, "try a key (timeline.partition), a target (rto) or a code (DR0103)");
    }
    return say_error(&c->err, &e);
}

const struct command command_explain = {
    .name = "explain", .operands = "TOPIC", .summary = "a key (timeline.partition), a measure (rto) or a code (DR0103)",
    .exits = "0 2", .operands_min = 1, .operands_max = 1, .run = run};
