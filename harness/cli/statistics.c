/* SPDX-License-Identifier: MIT */
/*
 * One rule for both forms: what so few runs cannot support is said to be so, and never replaced by a weaker number. A
 * mean time to recover is never printed. An open value (the run did not recover while its fault lasted) is null in JSON
 * and "open" in words.
 */
#include "harness/cli/statistics.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "reports/format.h"

#include <math.h>

json_t *statistics_number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static struct suite_json_series series_row(const struct pool_series *s)
{
    json_t *values = json_array();
    for (size_t i = 0; i < s->n; i++) {
        json_array_append_new(values, statistics_number(pool_value(s, s->x[i])));
    }
    return (struct suite_json_series){.name = s->name,
                                      .unit = s->unit,
                                      .target = s->target,
                                      .pooled_count = (int64_t)s->n,
                                      .excluded_count = (int64_t)s->excluded,
                                      .censored_count = (int64_t)s->censored,
                                      .met_count = (int64_t)s->met,
                                      .median = s->median.value,
                                      .median_lower = s->median.lower,
                                      .median_upper = s->median.upper,
                                      .worst = s->worst,
                                      .p95_bound = s->p95,
                                      .autocorrelation = s->lag1,
                                      .values = values};
}

struct suite_json_statistics statistics_row(const struct pool *p)
{
    const char *const none[POOL_DIGESTS] = {NULL}, *const *digest = p->first ? p->first->digest : none;
    struct suite_json_statistics row = {.scenario = p->scenario,
                                        .run_count = (int64_t)p->runs,
                                        .pooled_count = (int64_t)p->n,
                                        .excluded_count = (int64_t)p->excluded,
                                        .met_count = (int64_t)p->met,
                                        .met_lower_ratio = p->met_lower,
                                        .tool_sha256 = digest[DIGEST_TOOL],
                                        .scenario_sha256 = digest[DIGEST_SCENARIO],
                                        .system_sha256 = digest[DIGEST_SYSTEM],
                                        .config_sha256 = digest[DIGEST_CONFIG]};
    for (size_t i = 0; i < p->series.len; i++) {
        *vec_push(&row.objectives) = series_row(&p->series.at[i]);
    }
    return row;
}

void statistics_row_deinit(struct suite_json_statistics *row)
{
    for (size_t i = 0; i < row->objectives.len; i++) {
        json_decref(row->objectives.at[i].values);
    }
    vec_deinit(&row->objectives);
}

json_t *statistics_json(const struct pool *p)
{
    struct suite_json_statistics row = statistics_row(p);
    json_t *o = json_of_struct(&suite_statistics_shape, &row);
    statistics_row_deinit(&row);
    return o;
}

static void value(struct text *t, double v, const char *unit)
{
    if (isinf(v)) {
        text_add(t, "open");
    } else {
        format_value(t, v, unit);
    }
}

static void interval(struct text *t, double lower, double upper, const char *unit)
{
    if (isfinite(lower) && isfinite(upper)) {
        format_interval(t, lower, upper, unit);
        return;
    }
    value(t, lower, unit);
    text_add(t, " to ");
    value(t, upper, unit);
}

static void median_text(struct text *t, const struct pool_series *s)
{
    text_add(t, "median ");
    value(t, s->median.value, s->unit);
    if (isnan(s->median.lower)) {
        text_addf(t, ", no 95 %% interval from fewer than 6 runs");
    } else {
        text_add(t, ", 95 % interval ");
        interval(t, s->median.lower, s->median.upper, s->unit);
    }
}

static void series_text(struct text *t, const struct pool_series *s)
{
    text_addf(t, "  %-14s ", s->name);
    if (s->n == 0) {
        text_addf(t, "no run counts (%zu left out)\n", s->excluded);
        return;
    }
    median_text(t, s);
    text_addf(t, " (%zu run%s, %zu censored", s->n, s->n == 1 ? "" : "s", s->censored);
    if (s->excluded) {
        text_addf(t, ", %zu left out by a gate", s->excluded);
    }
    text_addf(t, ")\n%17s", "");
    const char *tail = s->at_least ? "p5" : "p95";
    if (isnan(s->p95)) {
        text_addf(t, "%s not estimable from %zu runs, %s = ", tail, s->n, s->at_least ? "min" : "max");
        value(t, s->worst, s->unit);
    } else {
        text_addf(t, "%s %s ", tail, s->at_least ? ">=" : "<=");
        value(t, s->p95, s->unit);
        text_add(t, " at 95 %");
    }
    if (!isnan(s->lag1)) {
        text_addf(t, "; lag-1 autocorrelation %.2f%s", s->lag1,
                  fabs(s->lag1) > 2 / sqrt((double)s->n) ? ": the runs are not independent" : "");
    }
    text_add(t, "\n");
}

void statistics_text(struct text *out, const struct pool *p)
{
    size_t misses = p->n - p->met;
    text_addf(out, "%s: %zu runs", p->scenario ? p->scenario : "?", p->runs);
    if (p->excluded) {
        text_addf(out, ", %zu left out (void, interrupted, inconclusive by a gate, or other digests)", p->excluded);
    }
    text_add(out, "\n");
    if (p->n == 0) {
        return;
    }
    text_addf(out, "  %zu of %zu met supports P(met) >= %.1f %% at 95 %%", p->met, p->n, 100 * p->met_lower);
    if (misses <= 2) {
        static const char *const with[] = {"without a miss", "with one miss", "with two misses"};
        text_addf(out, "; 90 %% takes %zu runs %s", stats_runs_needed(0.9, misses), with[misses]);
    }
    text_add(out, "\n");
    for (size_t i = 0; i < p->series.len; i++) {
        series_text(out, &p->series.at[i]);
    }
}

const char *const change_few_text =
    "with fewer than 10 runs a side a shift of half a check interval mostly goes unseen";

static const char *change_word(const struct pool_change *c)
{
    return isnan(c->p) ? "too_few" : c->regressed ? "regression" : "none_shown";
}

json_t *change_json(const struct pool_change *c)
{
    return json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "name", c->later->name, "unit",
                     c->later->unit, "change", change_word(c), "earlier_count", (json_int_t)c->earlier->n,
                     "later_count", (json_int_t)c->later->n, "earlier_censored_count",
                     (json_int_t)c->earlier->censored, "later_censored_count", (json_int_t)c->later->censored,
                     "earlier_median", statistics_number(c->earlier->median.value), "later_median",
                     statistics_number(c->later->median.value), "shift", statistics_number(c->shift.value),
                     "shift_lower", statistics_number(c->shift.lower), "shift_upper",
                     statistics_number(c->shift.upper), "p", statistics_number(c->p), "p_holm",
                     statistics_number(c->p_holm), "shift_needed", statistics_number(c->enough));
}

static void verdict_text(struct text *t, const struct pool_change *c, bool trend)
{
    if (c->regressed && trend && change_few(c)) {
        text_addf(t, "worse, but no trend is claimed below %d runs a side", STATS_SIDE_CLAIM);
    } else {
        text_add(t, c->regressed ? "regression" : "no regression shown");
    }
}

static void shift_text(struct text *t, const struct pool_change *c)
{
    const char *unit = c->later->unit;
    bool better = c->shift.value < 0;
    if (isnan(c->shift.value)) {
        text_add(t, "no shift is given, as some runs are censored");
        return;
    }
    text_add(t, better ? "better by " : "worse by ");
    format_value(t, fabs(c->shift.value), unit);
    if (!isnan(c->shift.lower)) {
        text_add(t, ", 95 % interval ");
        format_interval(t, better ? -c->shift.upper : c->shift.lower, better ? -c->shift.lower : c->shift.upper, unit);
    }
}

bool change_few(const struct pool_change *c)
{
    return c->earlier->n < STATS_SIDE_CLAIM || c->later->n < STATS_SIDE_CLAIM;
}

void change_text(struct text *t, const struct pool_change *c, bool trend)
{
    text_addf(t, "  %-14s ", c->later->name);
    if (isnan(c->p)) {
        text_addf(t, "%zu and %zu runs: too few to say anything, %d a side are the least\n", c->earlier->n, c->later->n,
                  STATS_SIDE_MIN);
        return;
    }
    text_add(t, "median ");
    value(t, c->earlier->median.value, c->later->unit);
    text_add(t, ", then ");
    value(t, c->later->median.value, c->later->unit);
    text_addf(t, " (%zu and %zu runs, %zu and %zu censored)\n%17s", c->earlier->n, c->later->n, c->earlier->censored,
              c->later->censored, "");
    shift_text(t, c);
    text_addf(t, "; p = %.4f", c->p);
    if (c->p_holm > c->p) {
        text_addf(t, ", %.4f over all scenarios", c->p_holm);
    }
    text_add(t, ": ");
    verdict_text(t, c, trend);
    text_add(t, "\n");
}
