/* SPDX-License-Identifier: MIT */
/*
 * drtest history: the runs of each scenario, and whether they got worse.
 *
 * A trend is looked for among the runs that are comparable with the newest one (four digests equal) and count. They are
 * cut in two halves by time, before any of them is looked at, so that the cut is no choice; with four a side shift and
 * exact test are printed, from ten a side a trend is claimed. Comparing across versions is what `compare` is for.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/history.h"
#include "harness/cli/statistics.h"
#include "reports/format.h"

#include <math.h>

struct history_flags {
    const char *output, *history;
    int64_t last;
};

#define AT(member) .offset = offsetof(struct history_flags, member)
static const struct option_row options[] = {
    OPTION_OUTPUT(struct history_flags, "folder whose history is read"),
    OPTION_HISTORY(struct history_flags),
    {.name = "last",
     .kind = OPTION_COUNT,
     AT(last),
     .value = "N",
     .fallback = "20",
     .help = "show so many runs of each scenario (0: all); the test takes all"},
};
#undef AT

static const char *const tested[] = {"rto", "rpo"};

struct chapter {
    const char *scenario;
    vec_of(const struct pool_run *) runs;
    struct pool earlier, later;
    size_t comparable;
    struct pool_change changes[array_len(tested)];
    bool has_change[array_len(tested)];
};

struct chapters {
    struct chapter *at;
    size_t len, cap;
};

static void gather(struct chapters *all, const struct history_runs *runs, const char *only)
{
    for (size_t i = 0; i < runs->len; i++) {
        const struct pool_run *r = &runs->at[i];
        struct chapter *c = NULL;
        for (size_t k = 0; k < all->len && !c; k++) {
            c = text_eq(all->at[k].scenario, r->scenario) ? &all->at[k] : NULL;
        }
        if (only && !text_eq(only, r->scenario)) {
            continue;
        }
        if (!c) {
            c = vec_push(all);
            c->scenario = r->scenario;
        }
        *vec_push(&c->runs) = r;
    }
}

/* The two halves of what is comparable with the newest run that counts. */
static void split(struct chapter *c, struct arena *a)
{
    const struct pool_run **in = arena_array(a, const struct pool_run *, c->runs.len + 1), *newest = NULL;
    for (size_t i = c->runs.len; i > 0 && !newest; i--) {
        newest = pool_left_out(c->runs.at[i - 1]) ? NULL : c->runs.at[i - 1];
    }
    for (size_t i = 0; newest && i < c->runs.len; i++) {
        if (!pool_left_out(c->runs.at[i]) && pool_same(c->runs.at[i], newest)) {
            in[c->comparable++] = c->runs.at[i];
        }
    }
    size_t n = c->comparable > 2 * STATS_SIDE_MAX ? 2 * STATS_SIDE_MAX : c->comparable;
    in += c->comparable - n;
    c->earlier = pool_of(a, in, n / 2, newest);
    c->later = pool_of(a, in + n / 2, n - n / 2, newest);
    for (size_t i = 0; i < array_len(tested); i++) {
        const struct pool_series *x = pool_series_find(&c->earlier, tested[i]);
        const struct pool_series *y = pool_series_find(&c->later, tested[i]);
        c->has_change[i] = x && y && x->n >= STATS_SIDE_MIN && y->n >= STATS_SIDE_MIN;
        if (c->has_change[i]) {
            c->changes[i] = pool_compare(x, y);
        }
    }
}

static void correct(struct chapters *all)
{
    for (size_t i = 0; i < array_len(tested); i++) {
        vec_of(struct pool_change *) family = {0};
        for (size_t k = 0; k < all->len; k++) {
            if (all->at[k].has_change[i]) {
                *vec_push(&family) = &all->at[k].changes[i];
            }
        }
        pool_holm(family.at, family.len);
        vec_deinit(&family);
    }
}

static const struct pool_objective *find(const struct pool_run *r, const char *name)
{
    for (size_t i = 0; i < r->objectives.len; i++) {
        if (text_eq(r->objectives.at[i].name, name)) {
            return &r->objectives.at[i];
        }
    }
    return NULL;
}

static void print_cell(const struct pool_run *r, const char *name)
{
    scoped_text struct text t = {0};
    const struct pool_objective *o = find(r, name);
    if (o && !(isnan(o->lower) && isnan(o->upper))) {
        format_interval(&t, o->lower, o->upper, o->unit);
    } else {
        text_add(&t, "-");
    }
    printf("  %-20s", text_str(&t));
}

static void print_run(const struct pool_run *r, const struct pool_run *before)
{
    scoped_text struct text changed = {0};
    for (int d = 0; before && d < POOL_DIGESTS; d++) {
        if (!text_eq(r->digest[d], before->digest[d])) {
            text_addf(&changed, "%s%s", changed.len ? ", " : "", pool_digest_words[d]);
        }
    }
    if (changed.len) {
        printf("  -- changed here: %s\n", text_str(&changed));
    }
    printf("  %-44s %-12s", r->run_id, verdict_words[r->verdict]);
    for (size_t i = 0; i < array_len(tested); i++) {
        print_cell(r, tested[i]);
    }
    const char *out = pool_left_out(r);
    printf("  %s%s%s\n", r->lab ? r->lab : "", out ? ", does not count: " : "", out ? out : "");
}

static void print_chapter(const struct chapter *c, int64_t last)
{
    size_t from = last > 0 && (size_t)last < c->runs.len ? c->runs.len - (size_t)last : 0;
    printf("%s: %zu run%s\n", c->scenario, c->runs.len, c->runs.len == 1 ? "" : "s");
    printf("  %-44s %-12s  %-20s  %-20s  lab\n", "run", "verdict", "rto", "rpo");
    if (from) {
        printf("  (%zu earlier ones are not shown)\n", from);
    }
    for (size_t i = from; i < c->runs.len; i++) {
        print_run(c->runs.at[i], i > from ? c->runs.at[i - 1] : NULL);
    }
    if (c->comparable < 2 * STATS_SIDE_MIN) {
        printf("  trend: %zu run%s comparable with the newest; a test takes %d\n", c->comparable,
               c->comparable == 1 ? " is" : "s are", 2 * STATS_SIDE_MIN);
        return;
    }
    printf("  trend over the %zu runs comparable with the newest, earlier half against later half\n", c->comparable);
    bool few = false;
    for (size_t i = 0; i < array_len(tested); i++) {
        scoped_text struct text t = {0};
        if (c->has_change[i]) {
            change_text(&t, &c->changes[i], true);
            few |= change_few(&c->changes[i]);
            fputs(text_str(&t), stdout);
        }
    }
    if (few) {
        printf("  %s\n", change_few_text);
    }
}

static json_t *run_json(const struct pool_run *r)
{
    json_t *objectives = json_object();
    for (size_t i = 0; i < r->objectives.len; i++) {
        const struct pool_objective *o = &r->objectives.at[i];
        json_object_set_new(objectives, o->name,
                            json_pack("{s:o,s:o,s:o,s:s,s:s}", "target", statistics_number(o->target), "lower",
                                      statistics_number(o->lower), "upper", statistics_number(o->upper), "unit",
                                      o->unit, "verdict", verdict_words[o->verdict]));
    }
    return json_pack("{s:s,s:s?,s:s,s:s?,s:s?,s:s?,s:I,s:o}", "run_id", r->run_id, "started_at", r->started_at,
                     "verdict", verdict_words[r->verdict], "status", r->status, "left_out", pool_left_out(r), "lab",
                     r->lab, "seed", (json_int_t)r->seed, "objectives", objectives);
}

static json_t *chapter_json(const struct chapter *c, int64_t last)
{
    size_t from = last > 0 && (size_t)last < c->runs.len ? c->runs.len - (size_t)last : 0;
    json_t *runs = json_array(), *trend = json_array();
    for (size_t i = from; i < c->runs.len; i++) {
        json_array_append_new(runs, run_json(c->runs.at[i]));
    }
    for (size_t i = 0; i < array_len(tested); i++) {
        if (c->has_change[i]) {
            json_array_append_new(trend, change_json(&c->changes[i]));
        }
    }
    return json_pack("{s:s,s:I,s:I,s:o,s:o}", "scenario", c->scenario, "run_count", (json_int_t)c->runs.len,
                     "comparable_count", (json_int_t)c->comparable, "runs", runs, "trend", trend);
}

static void show(const struct chapters *all, bool json, int64_t last, const char *scenario)
{
    scoped_json json_t *list = json_array();
    for (size_t i = 0; i < all->len; i++) {
        if (json) {
            json_array_append_new(list, chapter_json(&all->at[i], last));
        } else {
            fputs(i ? "\n" : "", stdout);
            print_chapter(&all->at[i], last);
        }
    }
    if (json) {
        scoped_json json_t *doc = json_pack("{s:i,s:O}", "schema_version", 1, "scenarios", list);
        scoped_free char *text = json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(15));
        puts(text ? text : "{}");
    } else if (all->len == 0) {
        printf("no run%s%s is on record\n", scenario ? " of " : "", scenario ? scenario : "");
    }
}

static int run(struct call *call)
{
    const struct history_flags *f = call->flags;
    struct err e = {0};
    scoped_text struct text path = {0};
    struct history_runs runs = {0};
    struct chapters all = {0};
    const char *scenario = call->operands.len ? call->operands.at[0] : NULL;
    text_addf(&path, "%s%s", f->history ? f->history : f->output, f->history ? "" : "/history.jsonl");
    int rc = history_read_runs(&runs, &call->arena, text_str(&path), &e);
    if (rc == 0) {
        gather(&all, &runs, scenario);
        for (size_t i = 0; i < all.len; i++) {
            split(&all.at[i], &call->arena);
        }
        correct(&all);
        show(&all, call->globals.json, f->last, scenario);
    }
    for (size_t i = 0; i < all.len; i++) {
        vec_deinit(&all.at[i].runs);
    }
    vec_deinit(&all);
    history_runs_deinit(&runs);
    return rc < 0 ? say_error(&call->err, &e) : 0;
}

const struct command command_history = {
    .name = "history",
    .operands = "[SCENARIO]",
    .summary = "runs so far with verdict, RTO and RPO, and whether they got worse",
    .text = "With four comparable runs a side (equal digests of drtest, scenario, system and configuration) the later "
            "half is tested against the earlier one; from ten a side a trend is claimed.",
    .exits = "0 3",
    .options = options,
    .option_count = array_len(options),
    .flags_size = sizeof(struct history_flags),
    .operands_max = 1,
    .run = run};
