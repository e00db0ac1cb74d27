/* SPDX-License-Identifier: MIT */
/*
 * Method: walk down the tables along the topic. A few keys need help on the way, since their values are no plain maps:
 * below `topology` is its own table, below `scenarios` that of an entry, below `timeline` are the verbs with the keys
 * that a step of that verb may have, and the keys that steps of many verbs share.
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

static const struct field *shared_key(const char *key)
{
    const struct field *f;
    for (size_t i = 0; (f = step_shared_key(i)) && strcmp(f->key, key) != 0; i++) {
    }
    return f;
}

/* Nothing is known about a key of a step; of those that it may have one may be meant. */
static int no_step_key(struct err *e, const char *topic, const char *key, const struct step_table *t)
{
    const char *names[64];
    size_t n = 0;
    for (size_t part = 0; part < array_len(t->parts); part++) {
        for (size_t i = 0; i < t->parts[part].count && n < array_len(names); i++) {
            names[n++] = t->parts[part].fields[i].key;
        }
    }
    return no_topic(e, topic, key, strlen(key), names, n);
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
    const struct field *shared = type ? NULL : shared_key(rest);
    if (shared) {
        field_explain_key(out, topic, shared);
        return 0;
    }
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
        return no_step_key(e, topic, key, &t);
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

/* The table of the map, or of the maps, that the key holds; NULL if it holds none. */
static const struct field_set *set_below(const struct field *f)
{
    if (f->kind == FIELD_NODE && strcmp(f->key, "topology") == 0) {
        return &topology_set;
    }
    return f->kind == FIELD_NODE && strcmp(f->key, "scenarios") == 0 ? &suite_entry_set : f->of;
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
        const struct field_set *below = set_below(f);
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

/* Topics. */

struct topics {
    struct text way;
    void (*see)(void *arg, const char *topic);
    void *arg;
};

static void see_below(struct topics *t, const char *key)
{
    size_t len = t->way.len;
    text_addf(&t->way, "%s%s", len ? "." : "", key);
    t->see(t->arg, text_str(&t->way));
    t->way.len = len;
    text_add(&t->way, "");
}

static void see_set(struct topics *t, const struct field_set *set)
{
    size_t len = t->way.len;
    for (size_t i = 0; i < set->count; i++) {
        const struct field *f = &set->fields[i];
        see_below(t, f->key);
        if (set_below(f)) {
            text_addf(&t->way, "%s%s", len ? "." : "", f->key);
            see_set(t, set_below(f));
            t->way.len = len;
            text_add(&t->way, "");
        }
    }
}

static void see_steps(struct topics *t, const struct action_type *const *types, size_t n)
{
    const struct field *f;
    text_add(&t->way, "timeline");
    for (size_t i = 0; (f = step_shared_key(i)); i++) {
        see_below(t, f->key);
    }
    for (size_t i = 0; i < n; i++) {
        see_below(t, types[i]->verb);
        text_addf(&t->way, ".%s", types[i]->verb);
        for (size_t k = 0; k < types[i]->field_count; k++) {
            see_below(t, types[i]->fields[k].key);
        }
        t->way.len = strlen("timeline");
        text_add(&t->way, "");
    }
    text_clear(&t->way);
}

void spec_topics(const struct action_type *const *types, size_t n, void (*see)(void *arg, const char *topic), void *arg)
{
    struct topics t = {.see = see, .arg = arg};
    see(arg, "scenario");
    see_set(&t, &scenario_set);
    see_steps(&t, types, n);
    for (size_t i = 0; i < n; i++) {
        see(arg, types[i]->verb);
    }
    for (size_t i = 0; i < TARGET_KEYS; i++) {
        see(arg, target_types[i].key);
    }
    see(arg, "suite");
    text_add(&t.way, "suite");
    see_set(&t, &suite_set);
    text_deinit(&t.way);
}
