/* SPDX-License-Identifier: MIT */
/*
 * Method: walk down the tables along the topic. Two keys need help on the way, since their values are no plain maps:
 * below `topology` is its own table, below `timeline` are the verbs with the keys that a step of that verb may have.
 */
#include "harness/spec/explain.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/spec/diag.h"
#include "harness/spec/scenario.h"
#include "harness/spec/suite_spec.h"
#include "harness/spec/topology_spec.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const char *const kind_words[] = {
    [FIELD_DURATION] = "duration (250ms, 1m30s)", [FIELD_RATIO] = "ratio (99.9%)", [FIELD_RATE] = "rate (200/s)",
    [FIELD_PACE] = "rate (200/s) or multiple (x5)",
    [FIELD_BANDWIDTH] = "bandwidth (10mbit)", [FIELD_BYTES] = "bytes (10kB)", [FIELD_COUNT] = "whole number",
    [FIELD_STEP] = "duration with a sign (-1h)", [FIELD_FACTOR] = "factor (1.01)", [FIELD_NAME] = "name",
    [FIELD_TEXT] = "text",
    [FIELD_BOOL] = "true or false", [FIELD_ENUM] = "word", [FIELD_REGION] = "region", [FIELD_TEXTS] = "list of words",
    [FIELD_JSON] = "any value", [FIELD_MAP] = "map", [FIELD_DICT] = "map of names", [FIELD_LIST] = "list of maps",
    [FIELD_NODE] = "see below",
};

/* clang-format on */

void field_explain_key(struct text *out, const char *path, const struct field *f)
{
    text_addf(out, "%s: %s\n  ", path, f->doc ? f->doc : "");
    if (f->words && f->kind != FIELD_TEXTS) {
        text_add(out, "one of ");
        field_words(out, f->words);
    } else {
        text_add(out, kind_words[f->kind]);
        if (f->words) {
            text_add(out, " out of ");
            field_words(out, f->words);
        }
    }
    if (f->required) {
        text_add(out, "; required");
    } else if (f->preset) {
        text_addf(out, "; default %s", f->preset);
    }
    if (f->with) {
        text_addf(out, "; only beside `%s`", f->with);
    }
    if (f->choice == FIELD_ONE) {
        text_add(out, "; one key of its kind");
    }
    if (f->example) {
        text_addf(out, "; such as %s", f->example);
    }
    text_add(out, "\n");
}

static void explain_fields(struct text *out, const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        field_explain_key(out, fields[i].key, &fields[i]);
    }
}

void field_explain(struct text *out, const struct field_set *set)
{
    text_addf(out, "%s: %s\n\n", set->topic, set->summary);
    explain_fields(out, set->fields, set->count);
}

static const struct field *find_key(const struct field *fields, size_t count, const char *key, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(fields[i].key) == len && strncmp(fields[i].key, key, len) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

/* Nothing is known about what stands in the topic at `word`, len bytes long; of the known names one may be meant. */
static int no_topic(struct err *e, const char *topic, const char *word, size_t len, const char *const *known, size_t n)
{
    scoped_free char *wrong = strndup(word, len);
    err_set(e, ERR_USAGE, topic, "nothing is known about `%.60s`", wrong);
    const char *near = text_nearest(wrong, known, n);
    return near ? err_help(e, "use `drtest explain %.*s%s`", (int)(word - topic), topic, near) : -1;
}

static size_t verb_names(const char **names, size_t room, const struct action_type *const *types, size_t n)
{
    size_t count = 0;
    for (; count < n && count < room; count++) {
        names[count] = types[count]->verb;
    }
    return count;
}

/* rest: the part of the topic that begins with the verb. */
static int explain_step(struct text *out, const char *topic, const char *rest, const struct action_type *const *types,
                        size_t n, struct err *e)
{
    char verb[41] = "";
    if (!*rest) {
        text_add(out, "timeline: the steps, each with `at` and one verb in `do`\n\n");
        for (size_t i = 0; i < n; i++) {
            text_addf(out, "%s: %s\n", types[i]->verb, types[i]->summary);
        }
        return 0;
    }
    size_t len = strcspn(rest, ".");
    snprintf(verb, sizeof(verb), "%.*s", (int)(len < sizeof(verb) ? len : sizeof(verb) - 1), rest);
    const struct action_type *type = step_verb(types, n, verb);
    if (!type) {
        const char *verbs[64];
        return no_topic(e, topic, rest, len, verbs, verb_names(verbs, array_len(verbs), types, n));
    }
    struct scenario_step scratch = {0};
    struct step_table t;
    step_table(&t, type, &scratch);
    if (!rest[len]) {
        text_addf(out, "%s: %s\n\n", t.topic, type->summary);
        explain_fields(out, t.parts[0].fields, t.parts[0].count);
        explain_fields(out, t.parts[1].fields, t.parts[1].count);
        return 0;
    }
    const char *key = rest + len + 1;
    const struct field *f = find_key(t.parts[0].fields, t.parts[0].count, key, strlen(key));
    f = f ? f : find_key(t.parts[1].fields, t.parts[1].count, key, strlen(key));
    if (!f) {
        return no_topic(e, topic, key, strlen(key), NULL, 0);
    }
    field_explain_key(out, topic, f);
    return 0;
}

/* What may stand at this place of a topic: the keys of the table; at the very beginning a verb or a target, too. */
static size_t names_of(const char **names, size_t room, const struct field_set *set,
                       const struct action_type *const *types, size_t n, bool first)
{
    size_t count = 0;
    for (; count < set->count && count < room; count++) {
        names[count] = set->fields[count].key;
    }
    if (first) {
        count += verb_names(names + count, room - count, types, n);
        for (size_t i = 0; i < TARGET_KEYS && count < room; i++) {
            names[count++] = target_types[i].key;
        }
    }
    return count;
}

static int explain_path(struct text *out, const char *topic, const char *rest, const struct field_set *set,
                        const struct action_type *const *types, size_t n, struct err *e)
{
    while (*rest) {
        size_t len = strcspn(rest, ".");
        const struct field *f = find_key(set->fields, set->count, rest, len);
        if (!f) {
            const char *names[128];
            size_t count = names_of(names, array_len(names), set, types, n, rest == topic);
            return no_topic(e, topic, rest, len, names, count);
        }
        rest += len + (rest[len] == '.');
        if (f->kind == FIELD_NODE && strcmp(f->key, "timeline") == 0) {
            return explain_step(out, topic, rest, types, n, e);
        }
        const struct field_set *below =
            f->kind == FIELD_NODE && strcmp(f->key, "topology") == 0 ? &topology_set : f->of;
        if (f->kind == FIELD_NODE && strcmp(f->key, "scenarios") == 0) {
            below = &suite_entry_set;
        }
        if (!below) {
            field_explain_key(out, topic, f);
            return *rest ? no_topic(e, topic, rest, strlen(rest), NULL, 0) : 0;
        }
        set = below;
    }
    field_explain(out, set);
    return 0;
}

int spec_explain(struct text *out, const char *topic, const struct action_type *const *types, size_t n, struct err *e)
{
    if (text_starts(topic, "DR") && strspn(topic + 2, "0123456789") == 4 && strlen(topic) == 6) {
        const char *text = diag_code_text((int)strtol(topic + 2, NULL, 10));
        if (!text) {
            return no_topic(e, topic, topic, strlen(topic), NULL, 0);
        }
        text_addf(out, "%s: %s\n", topic, text);
        return 0;
    }
    for (size_t i = 0; i < TARGET_KEYS; i++) {
        if (strcmp(target_types[i].key, topic) == 0) {
            text_addf(out, "%s: %s\n\n", topic, target_types[i].summary);
            field_explain_key(out, topic, find_key(target_set.fields, target_set.count, topic, strlen(topic)));
            return 0;
        }
    }
    size_t len = strcspn(topic, ".");
    if (strncmp(topic, "suite", len) == 0 && len == 5) {
        return explain_path(out, topic, topic + len + (topic[len] == '.'), &suite_set, types, n, e);
    }
    char verb[41];
    snprintf(verb, sizeof(verb), "%.*s", (int)(len < sizeof(verb) ? len : sizeof(verb) - 1), topic);
    if (step_verb(types, n, verb)) {
        return explain_step(out, topic, topic, types, n, e);
    }
    return explain_path(out, topic, strcmp(topic, "scenario") == 0 ? "" : topic, &scenario_set, types, n, e);
}
