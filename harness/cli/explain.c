/* SPDX-License-Identifier: MIT */
/*
 * drtest explain TOPIC: what a key of a file, a target, a measure or an error code means. Keys, targets and the codes
 * of files are explained by the spec room from the tables that it reads by; here are the measures of result.json and
 * the codes of everything else.
 */
#include "harness/spec/explain.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/measure/result.h"
#include "harness/spec/plan.h"
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
    for (size_t i = 0; i < array_len(general_codes); i++) {
        if (general_codes[i].code == atoi(topic + 2)) {
            printf("DR%04d: %s\n", general_codes[i].code, general_codes[i].text);
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

/* A verb, target or measure that may have been meant; the spec room looks at paths of keys only. */
static const char *nearest(const char *topic, const struct action_type *const *types, size_t n)
{
    const char *names[256];
    size_t count = 0;
    for (size_t i = 0; i < n && count < array_len(names); i++) {
        names[count++] = types[i]->verb;
    }
    for (size_t i = 0; i < TARGET_KEYS && count < array_len(names); i++) {
        names[count++] = target_types[i].key;
    }
    for (size_t i = 0; i < array_len(measures) && count < array_len(names); i++) {
        names[count++] = measures[i];
    }
    return text_nearest(topic, names, count);
}

static int run(struct call *c)
{
    const char *topic = c->operands.at[0];
    if (explain_code(topic) || explain_measure(topic)) {
        return 0;
    }
    struct err e = {0};
    scoped_text struct text t = {0};
    size_t n = 0;
    const struct action_type *const *types = injector_types(&n);
    if (spec_explain(&t, topic, types, n, &e) < 0) {
        const char *near = nearest(topic, types, n);
        if (near) {
            snprintf(e.help, sizeof(e.help), "did you mean `drtest explain %s`?", near);
        }
        return say_error(&c->err, &e);
    }
    fputs(text_str(&t), stdout);
    return 0;
}

const struct command command_explain = {.name = "explain",
                                        .operands = "TOPIC",
                                        .summary = "a key (timeline.partition), a measure (rto) or a code (DR0103)",
                                        .exits = "0 2",
                                        .operands_min = 1,
                                        .operands_max = 1,
                                        .run = run};
