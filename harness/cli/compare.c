/* SPDX-License-Identifier: MIT */
/*
 * drtest compare: is the later side worse than the earlier one?
 *
 * Two single runs are compared objective by objective: worse is what the two intervals cannot explain. So are the runs
 * of a side with those that a history has as the newest of their scenarios. Otherwise each
 * side is pooled per scenario and the exact test decides, corrected over the scenarios; a regression also has to be
 * larger than the resolution and 10 % of the earlier median. Within a side all digests must be equal; between the sides
 * they may differ, for that is what one compares, and every difference is printed. The scenario itself should not: that
 * it does is said on standard error as well.
 *
 * One JSON document is built and the exit code comes from it: 1 when anything got worse.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/side.h"
#include "harness/cli/statistics.h"
#include "reports/format.h"

#include <math.h>

struct compare_flags {
    const char *output;
};

static const struct option_row options[] = {
    OPTION_OUTPUT(struct compare_flags, "folder in which run ids, sets and latest are looked up"),
};

/* One scenario on both sides. */
struct pair {
    const char *earlier_name, *later_name;
    struct pool earlier, later;
    vec_of(struct pool_change) changes;
};

struct comparison {
    struct call *call;
    struct side earlier, later;
    vec_of(struct pair) pairs;
    struct text said;
    json_t *scenarios;
    size_t worse;
};

/* ---- what differs ---- */

static json_t *differences(struct comparison *c, const struct pool_run *a, const struct pool_run *b)
{
    json_t *all = json_array();
    for (int d = 0; a && b && d < POOL_DIGESTS; d++) {
        if (!text_eq(a->digest[d], b->digest[d])) {
            text_addf(&c->said, "%s%s", json_array_size(all) ? ", " : "  the sides differ in: ", pool_digest_words[d]);
            json_array_append_new(all, json_string(pool_digest_words[d]));
        }
    }
    text_add(&c->said, json_array_size(all) ? "\n" : "");
    if (a && b && !text_eq(a->digest[DIGEST_SCENARIO], b->digest[DIGEST_SCENARIO])) {
        say_warning(&c->call->err, "not the same scenario on both sides: %s was changed or overridden between the runs",
                    b->scenario);
    }
    return all;
}

/* ---- two runs ---- */

static void interval_text(struct text *t, const struct pool_objective *o)
{
    if (isnan(o->lower) && isnan(o->upper)) {
        text_add(t, "not measured");
    } else {
        format_interval(t, o->lower, o->upper, o->unit);
    }
}

static json_t *compare_objective(struct comparison *c, const struct pool_objective *a, const struct pool_objective *b)
{
    static const char *const words[] = {"better", "none_shown", "worse"};
    static const char *const said[] = {"better", "no difference beyond the intervals", "worse"};
    int change = pool_worse(a, b);
    c->worse += change > 0;
    text_addf(&c->said, "  %-14s ", b->name);
    interval_text(&c->said, a);
    text_add(&c->said, ", then ");
    interval_text(&c->said, b);
    text_addf(&c->said, ": %s", said[change + 1]);
    if (a->verdict != b->verdict) {
        text_addf(&c->said, " (%s, then %s)", verdict_words[a->verdict], verdict_words[b->verdict]);
    }
    text_add(&c->said, "\n");
    return json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:s,s:s}", "name", b->name, "unit", b->unit, "change",
                     words[change + 1], "earlier_lower", statistics_number(a->lower), "earlier_upper",
                     statistics_number(a->upper), "later_lower", statistics_number(b->lower), "later_upper",
                     statistics_number(b->upper), "earlier_verdict", verdict_words[a->verdict], "later_verdict",
                     verdict_words[b->verdict]);
}

static void compare_runs(struct comparison *c, const struct pool_run *a, const struct pool_run *b)
{
    json_t *objectives = json_array();
    text_addf(&c->said, "%s, then %s\n", a->run_id, b->run_id);
    json_t *differ = differences(c, a, b);
    const char *out = pool_left_out(a) ? pool_left_out(a) : pool_left_out(b);
    if (out) {
        text_addf(&c->said, "  not compared: %s is %s\n", pool_left_out(a) ? a->run_id : b->run_id, out);
    }
    for (size_t i = 0; i < b->objectives.len && !out; i++) {
        for (size_t k = 0; k < a->objectives.len; k++) {
            if (text_eq(a->objectives.at[k].name, b->objectives.at[i].name)) {
                json_array_append_new(objectives, compare_objective(c, &a->objectives.at[k], &b->objectives.at[i]));
            }
        }
    }
    json_array_append_new(c->scenarios, json_pack("{s:s,s:s,s:s,s:o,s:s?,s:o}", "scenario", b->scenario,
                                                  "earlier_run_id", a->run_id, "later_run_id", b->run_id, "differs",
                                                  differ, "left_out", out, "objectives", objectives));
}

static bool one_of_each(const struct side *s)
{
    return s->runs.len == s->scenarios.len;
}

/* A side beside a history: the runs of the same scenarios. */
static int compare_each(struct comparison *c, struct err *e)
{
    size_t compared = 0;
    for (size_t i = 0; i < c->later.runs.len; i++) {
        const struct pool_run *b = &c->later.runs.at[i], *a = side_newest(&c->earlier, b->scenario);
        if (a) {
            compare_runs(c, a, b);
            compared++;
        } else if (!c->later.newest) {
            text_addf(&c->said, "%s: no run of it on the other side, not compared\n", b->scenario);
        }
    }
    return compared ? 0 : err_set(e, ERR_MEANING, c->later.word, "the two sides have no scenario in common");
}

/* ---- two sets ---- */

static int add_pair(struct comparison *c, const char *earlier, const char *later, struct err *e)
{
    struct pair *p = vec_push(&c->pairs);
    *p = (struct pair){.earlier_name = earlier, .later_name = later};
    if (side_pool(&c->earlier, earlier, &p->earlier, e) < 0 || side_pool(&c->later, later, &p->later, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < p->later.series.len; i++) {
        const struct pool_series *s = pool_series_find(&p->earlier, p->later.series.at[i].name);
        if (s) {
            *vec_push(&p->changes) = pool_compare(s, &p->later.series.at[i]);
        }
    }
    return 0;
}

static bool has(const struct side *s, const char *scenario)
{
    for (size_t i = 0; i < s->scenarios.len; i++) {
        if (text_eq(s->scenarios.at[i], scenario)) {
            return true;
        }
    }
    return false;
}

static int pair_up(struct comparison *c, struct err *e)
{
    for (size_t i = 0; i < c->later.scenarios.len; i++) {
        const char *name = c->later.scenarios.at[i];
        if (has(&c->earlier, name) && add_pair(c, name, name, e) < 0) {
            return -1;
        }
    }
    if (c->pairs.len > 0) {
        return 0;
    }
    if (c->earlier.scenarios.len == 1 && c->later.scenarios.len == 1) {
        return add_pair(c, c->earlier.scenarios.at[0], c->later.scenarios.at[0], e);
    }
    return err_set(e, ERR_MEANING, c->later.word, "the two sides have no scenario in common");
}

/* The changes of one objective over the scenarios are one family of tests. */
static void correct(struct comparison *c, const char *name)
{
    vec_of(struct pool_change *) family = {0};
    for (size_t i = 0; i < c->pairs.len; i++) {
        for (size_t k = 0; k < c->pairs.at[i].changes.len; k++) {
            struct pool_change *change = &c->pairs.at[i].changes.at[k];
            if (text_eq(change->later->name, name)) {
                *vec_push(&family) = change;
            }
        }
    }
    pool_holm(family.at, family.len);
    vec_deinit(&family);
}

static void say_pair(struct comparison *c, const struct pair *p)
{
    json_t *objectives = json_array();
    bool few = false;
    text_addf(&c->said, "%s: %zu runs (%zu left out), then %zu runs (%zu left out)\n", p->later_name, p->earlier.n,
              p->earlier.excluded, p->later.n, p->later.excluded);
    json_t *differ = differences(c, p->earlier.first, p->later.first);
    for (size_t i = 0; i < p->changes.len; i++) {
        change_text(&c->said, &p->changes.at[i], false);
        json_array_append_new(objectives, change_json(&p->changes.at[i]));
        c->worse += p->changes.at[i].regressed;
        few |= change_few(&p->changes.at[i]);
    }
    if (few) {
        text_addf(&c->said, "  %s\n", change_few_text);
    }
    json_array_append_new(c->scenarios, json_pack("{s:s,s:o,s:o,s:o,s:o}", "scenario", p->later_name, "earlier",
                                                  statistics_json(&p->earlier), "later", statistics_json(&p->later),
                                                  "differs", differ, "objectives", objectives));
}

/* What only one side has cannot be compared; that must not look like a comparison without a finding. */
static void say_unpaired(struct comparison *c)
{
    const struct side *sides[] = {&c->earlier, &c->later};
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < sides[k]->scenarios.len; i++) {
            const char *name = sides[k]->scenarios.at[i];
            if (!has(sides[1 - k], name) && c->pairs.len > 0 &&
                !(text_eq(c->pairs.at[0].earlier_name, name) || text_eq(c->pairs.at[0].later_name, name))) {
                text_addf(&c->said, "%s: only among the %s runs, not compared\n", name, k ? "later" : "earlier");
            }
        }
    }
}

static int compare_sets(struct comparison *c, struct err *e)
{
    if (pair_up(c, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < c->pairs.len; i++) {
        for (size_t k = 0; k < c->pairs.at[i].changes.len; k++) {
            correct(c, c->pairs.at[i].changes.at[k].later->name);
        }
    }
    for (size_t i = 0; i < c->pairs.len; i++) {
        say_pair(c, &c->pairs.at[i]);
    }
    say_unpaired(c);
    return 0;
}

static int compare(struct comparison *c, const char *output, struct err *e)
{
    struct arena *a = &c->call->arena;
    if (side_load(&c->earlier, a, output, c->call->operands.at[0], e) < 0 ||
        side_load(&c->later, a, output, c->call->operands.at[1], e) < 0) {
        return -1;
    }
    bool single = c->earlier.single && c->later.single;
    bool each = (c->earlier.newest || c->later.newest) && one_of_each(&c->earlier) && one_of_each(&c->later);
    if (single) {
        compare_runs(c, &c->earlier.runs.at[0], &c->later.runs.at[0]);
    } else if (each ? compare_each(c, e) < 0 : compare_sets(c, e) < 0) {
        return -1;
    }
    int code = c->worse > 0 ? 1 : 0;
    if (!c->call->globals.json) {
        fputs(text_str(&c->said), stdout);
        return code;
    }
    scoped_json json_t *doc =
        json_pack("{s:i,s:s,s:I,s:i,s:O}", "schema_version", 1, "kind", single || each ? "runs" : "sets", "worse_count",
                  (json_int_t)c->worse, "exit_code", code, "scenarios", c->scenarios);
    scoped_free char *text = json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(15));
    puts(text ? text : "{}");
    return code;
}

static int run(struct call *call)
{
    const struct compare_flags *f = call->flags;
    struct err e = {0};
    struct comparison c = {.call = call, .scenarios = json_array()};
    int code = compare(&c, f->output, &e);
    for (size_t i = 0; i < c.pairs.len; i++) {
        vec_deinit(&c.pairs.at[i].changes);
    }
    vec_deinit(&c.pairs);
    side_deinit(&c.earlier);
    side_deinit(&c.later);
    text_deinit(&c.said);
    json_decref(c.scenarios);
    return code < 0 ? say_error(&call->err, &e) : code;
}

const struct command command_compare = {
    .name = "compare",
    .operands = "EARLIER LATER",
    .summary = "did the later run, or set of runs, get worse?",
    .text = "EARLIER and LATER are each a run (directory, run id or latest), a set (the folder that a suite or "
            "--repeat leaves), a file that was kept of one (a result.json by any name, or a history, which stands for "
            "the newest run of each scenario), or several of these joined by commas. Two runs are compared by their "
            "intervals, sets by the exact Mann-Whitney test with the Hodges-Lehmann shift.",
    .exits = "0 1 3",
    .options = options,
    .option_count = array_len(options),
    .flags_size = sizeof(struct compare_flags),
    .operands_min = 2,
    .operands_max = 2,
    .run = run};
