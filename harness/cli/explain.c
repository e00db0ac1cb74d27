/* SPDX-License-Identifier: MIT */
/*
 * drtest explain TOPIC: what a key of a file, a verb, a target, a measure or an error code means. Every topic has one
 * source: keys, verbs, targets and the codes of files are explained by the spec room from the tables that it reads by,
 * the codes of everything else by say.c, which prints them; here are the measures of result.json.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/measure/result.h"
#include "harness/spec/explain.h"
#include "injectors/injector.h"

#include <stdio.h>
#include <string.h>

static const char *const measures[] = {
#define X(name) #name,
    RESULT_MEASURES(X, X, X)
#undef X
};

static bool explain_code(const char *topic)
{
    const char *text = text_starts(topic, "DR") && strspn(topic + 2, "0123456789") == 4 && !topic[6]
                           ? say_code_text((int)strtol(topic + 2, NULL, 10))
                           : NULL;
    if (text) {
        printf("%s: %s\n", topic, text);
    }
    return text != NULL;
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
        const char *near = text_nearest(topic, measures, array_len(measures));
        if (near) {
            err_help(&e, "use `drtest explain %s`", near);
        }
        err_help(&e, "ask for a key such as targets.rto, a verb such as kill, a measure such as rto_upper_s, or a code "
                     "such as DR0103");
        return say_error(&c->err, &e);
    }
    fputs(text_str(&t), stdout);
    return 0;
}

const struct command command_explain = {.name = "explain",
                                        .operands = "TOPIC",
                                        .summary = "a key (timeline.partition), a target (rto), a measure or a code (DR0103)",
                                        .exits = "0 2",
                                        .operands_min = 1,
                                        .operands_max = 1,
                                        .run = run};
