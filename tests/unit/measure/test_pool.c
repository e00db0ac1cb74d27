/* SPDX-License-Identifier: MIT */
/* Which runs are put together, what is said of them, and how two sets and two runs compare. */
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/measure/pool.h"
#include "harness/measure/study.h"
#include "tests/unit/runner.h"

#include <math.h>
#include <string.h>

static struct arena memory;

static int tear_down(void)
{
    arena_deinit(&memory);
    return 0;
}

static struct pool_objective rto(double lower, double upper, enum verdict v)
{
    return (struct pool_objective){.name = "rto", .unit = "s", .target = 2, .lower = lower, .upper = upper,
                                   .resolution = 0.02, .verdict = v};
}

/* A whole run with that RTO; judged against 2 s. */
static struct pool_run *drill(double lower, double upper)
{
    struct pool_run *r = arena_new(&memory, struct pool_run);
    enum verdict v = upper <= 2 ? MET : lower > 2 ? MISSED : INCONCLUSIVE;
    *r = (struct pool_run){.run_id = "r", .scenario = "s", .status = "completed", .verdict = v,
                           .digest = {"t", "s", "y", "c"}};
    *arena_push(&memory, &r->objectives) = rto(lower, upper, v);
    return r;
}

static struct pool_run **drills(const double *upper, size_t n)
{
    struct pool_run **all = arena_array(&memory, struct pool_run *, n);
    for (size_t i = 0; i < n; i++)
        all[i] = drill(isinf(upper[i]) ? 2.5 : upper[i] - 0.02, isinf(upper[i]) ? NAN : upper[i]);
    return all;
}

static struct pool pooled(struct pool_run **runs, size_t n)
{
    return pool_of(&memory, (const struct pool_run *const *)runs, n, NULL);
}

static void a_set_supports_what_the_table_says(void)
{
    static const double x[] = {1.0, 0.9, 1.1, 0.95, 1.05, 1.2, 0.85, 1.15, 1.02, 0.98};
    struct pool p = pooled(drills(x, 10), 10);
    CU_ASSERT_EQUAL(p.n, 10);
    CU_ASSERT_EQUAL(p.met, 10);
    CU_ASSERT_DOUBLE_EQUAL(p.met_lower, 0.741, 0.0005);
    const struct pool_series *s = pool_series_find(&p, "rto");
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_DOUBLE_EQUAL(s->median.value, 1.01, 1e-12);
    CU_ASSERT_EQUAL(s->median.lower, 0.9);
    CU_ASSERT_EQUAL(s->median.upper, 1.15);
    CU_ASSERT_EQUAL(s->worst, 1.2);
    CU_ASSERT(isnan(s->p95));
    CU_ASSERT_PTR_NULL(pool_series_find(&p, "rpo"));
}

static void what_a_gate_took_back_is_left_out_and_counted(void)
{
    static const double x[] = {1, 1, 1, 1, 1, 1, 1};
    struct pool_run **runs = drills(x, 7);
    runs[0]->status = "void";
    runs[0]->verdict = INCONCLUSIVE;
    runs[1]->status = "interrupted";
    runs[2]->verdict = SKIPPED;
    runs[3]->verdict = runs[3]->objectives.at[0].verdict = INCONCLUSIVE; /* would be met: below the floor, say */
    runs[4]->status = NULL;
    CU_ASSERT_STRING_EQUAL(pool_left_out(runs[0]), "void");
    CU_ASSERT_PTR_NOT_NULL(pool_left_out(runs[4]));
    struct pool p = pooled(runs, 7);
    CU_ASSERT_EQUAL(p.n, 2);
    CU_ASSERT_EQUAL(p.excluded, 5);
    CU_ASSERT_EQUAL(p.met, 2);
    p = pooled(runs, 5);
    CU_ASSERT_EQUAL(p.n, 0);
    CU_ASSERT_PTR_NULL(p.first);
    CU_ASSERT(isnan(p.met_lower));
    p = pooled(NULL, 0);
    CU_ASSERT_EQUAL(p.runs, 0);
}

static void astride_is_no_pass_but_counts(void)
{
    struct pool_run *runs[] = {drill(1.9, 2.1), drill(1, 1.1), drill(1, 1.1)};
    struct pool p = pooled(runs, 3);
    CU_ASSERT_EQUAL(p.n, 3);
    CU_ASSERT_EQUAL(p.met, 2);
    CU_ASSERT_EQUAL(p.series.at[0].n, 3);
}

static void one_objective_may_be_gated_alone(void)
{
    struct pool_run *runs[] = {drill(1, 1.1), drill(1, 1.1), drill(2.5, 2.6)};
    for (size_t i = 0; i < 3; i++) {
        struct pool_objective *o = arena_push(&memory, &runs[i]->objectives);
        *o = (struct pool_objective){.name = "rpo", .unit = "s", .target = 1, .lower = 0, .upper = 0, .verdict = MET};
    }
    runs[2]->objectives.at[1].verdict = INCONCLUSIVE; /* no exposure: it would have been met */
    struct pool p = pooled(runs, 3);
    CU_ASSERT_EQUAL(p.n, 3);
    CU_ASSERT_EQUAL(pool_series_find(&p, "rto")->n, 3);
    CU_ASSERT_EQUAL(pool_series_find(&p, "rpo")->n, 2);
    CU_ASSERT_EQUAL(pool_series_find(&p, "rpo")->excluded, 1);
}

static void other_digests_are_never_pooled(void)
{
    static const double x[] = {1, 1, 1, 1, 1};
    for (int d = 0; d < POOL_DIGESTS; d++) {
        struct pool_run **runs = drills(x, 5);
        runs[2]->digest[d] = "other";
        runs[3]->digest[d] = NULL;
        struct pool p = pooled(runs, 5);
        CU_ASSERT_EQUAL(p.n, 3);
        CU_ASSERT_EQUAL(p.excluded, 2);
        CU_ASSERT_FALSE(pool_same(runs[3], runs[3])); /* unknown is not equal */
        p = pool_of(&memory, (const struct pool_run *const *)runs, 5, runs[2]);
        CU_ASSERT_EQUAL(p.n, 1);
    }
}

static void what_is_missing_to_one_is_pooled_of_a_ratio(void)
{
    static const double a[] = {0.98, 0.97, 0.99, 0.95, 0.985, 0.975};
    struct pool_run *runs[6];
    for (size_t i = 0; i < 6; i++) {
        runs[i] = drill(1, 1.1);
        runs[i]->objectives.at[0] = (struct pool_objective){.name = "availability", .unit = "ratio", .at_least = true,
            .target = 0.9, .lower = a[i], .upper = a[i], .verdict = MET};
    }
    struct pool p = pooled(runs, 6);
    const struct pool_series *s = &p.series.at[0];
    CU_ASSERT_DOUBLE_EQUAL(s->median.value, 0.9775, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(s->median.lower, 0.95, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(s->median.upper, 0.99, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(s->worst, 0.95, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(pool_value(s, s->x[0]), 0.98, 1e-12);
}

static void a_slower_set_is_a_regression_and_a_faster_one_is_not(void)
{
    static const double x[] = {1, 1.1, 1.2, 1.05, 1.15}, y[] = {1.5, 1.6, 1.7, 1.55, 1.65};
    struct pool a = pooled(drills(x, 5), 5), b = pooled(drills(y, 5), 5);
    struct pool_change c = pool_compare(&a.series.at[0], &b.series.at[0]);
    CU_ASSERT(c.regressed);
    CU_ASSERT_DOUBLE_EQUAL(c.shift.value, 0.5, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(c.p, 1.0 / 252, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(c.enough, 0.11, 1e-12);
    c = pool_compare(&b.series.at[0], &a.series.at[0]);
    CU_ASSERT_FALSE(c.regressed);
    a = pooled(drills(x, 3), 3);
    c = pool_compare(&a.series.at[0], &b.series.at[0]);
    CU_ASSERT(isnan(c.p) && !c.regressed); /* too few: no claim */
}

static void sets_that_never_recover_regress_by_rank_alone(void)
{
    static const double x[] = {1, 1.1, 1.2, 1.05}, y[] = {INFINITY, INFINITY, 1.9, INFINITY};
    struct pool a = pooled(drills(x, 4), 4), b = pooled(drills(y, 4), 4);
    struct pool_change c = pool_compare(&a.series.at[0], &b.series.at[0]);
    CU_ASSERT_EQUAL(b.series.at[0].censored, 3);
    CU_ASSERT(isinf(b.series.at[0].worst));
    CU_ASSERT(c.regressed);
    CU_ASSERT(isnan(c.shift.value));
    CU_ASSERT_DOUBLE_EQUAL(c.p, 1.0 / 70, 1e-12);
}

static void several_scenarios_are_corrected_for(void)
{
    static const double x[] = {1, 1.1, 1.2, 1.05}, y[] = {1.5, 1.6, 1.7, 1.55};
    struct pool a = pooled(drills(x, 4), 4), b = pooled(drills(y, 4), 4);
    struct pool_change one = pool_compare(&a.series.at[0], &b.series.at[0]), two = one, few = one;
    struct pool_change *both[] = {&one, &two, &few};
    few.p = NAN;
    CU_ASSERT(one.regressed);
    pool_holm(both, 3);
    CU_ASSERT_DOUBLE_EQUAL(one.p_holm, 2.0 / 70, 1e-12); /* above 0.025 now */
    CU_ASSERT_FALSE(one.regressed);
    CU_ASSERT(isnan(few.p_holm) && !few.regressed);
    pool_holm(NULL, 0);
}

static void two_runs_differ_by_more_than_their_intervals_or_not(void)
{
    struct pool_objective a = rto(1, 1.1, MET), b = rto(1.05, 1.3, MET), c = rto(1.2, 1.3, MET),
                          open = rto(2.5, NAN, MISSED);
    CU_ASSERT_EQUAL(pool_worse(&a, &b), 0);
    CU_ASSERT_EQUAL(pool_worse(&a, &c), 1);
    CU_ASSERT_EQUAL(pool_worse(&c, &a), -1);
    CU_ASSERT_EQUAL(pool_worse(&a, &open), 1);
    CU_ASSERT_EQUAL(pool_worse(&open, &open), 0);
    CU_ASSERT_EQUAL(pool_worse(&open, &a), -1);
    struct pool_objective gated = rto(3, 3.1, INCONCLUSIVE), blind = rto(NAN, NAN, INCONCLUSIVE);
    CU_ASSERT_EQUAL(pool_worse(&a, &gated), 0);
    CU_ASSERT_EQUAL(pool_worse(&a, &blind), 0);
    struct pool_objective high = {.name = "availability", .at_least = true, .target = 0.9, .lower = 0.99, .upper = 0.99,
                                  .verdict = MET}, low = high;
    low.lower = low.upper = 0.95;
    CU_ASSERT_EQUAL(pool_worse(&high, &low), 1);
    CU_ASSERT_EQUAL(pool_worse(&low, &high), -1);
}

static void runs_are_read_from_whatever_is_there(void)
{
    static const char *const words[] = {
        "{}", "[]", "7", "{\"run\":7,\"objectives\":{\"a\":1},\"tool\":[]}",
        "{\"objectives\":[1,null,{\"name\":7},{\"name\":\"rto\",\"achieved_upper\":\"x\"}]}"};
    for (size_t i = 0; i < array_len(words); i++) {
        scoped_json json_t *doc = json_loads(words[i], JSON_DECODE_ANY, NULL);
        struct pool_run r = pool_run_of_result(&memory, doc), line = pool_run_of_line(&memory, doc);
        CU_ASSERT_PTR_NOT_NULL(pool_left_out(&r));
        CU_ASSERT_PTR_NOT_NULL(pool_left_out(&line));
        CU_ASSERT(i < 4 || (r.objectives.len == 1 && isnan(r.objectives.at[0].upper)));
    }
    scoped_json json_t *old = json_loads(
        "{\"run_id\":\"a\",\"scenario\":\"s\",\"verdict\":\"missed\",\"tool_sha256\":\"t\",\"seed\":3,\"objectives\":"
        "{\"rto\":{\"target\":5,\"lower\":6,\"upper\":null,\"unit\":\"s\",\"verdict\":\"missed\"},"
        "\"availability\":{\"lower\":0.5,\"verdict\":\"met\"}}}", 0, NULL);
    scoped_json json_t *rude = json_loads("{\"run_id\":\"a\\u001b[2J\\u009b\\u007fé\",\"tool_sha256\":\"\"}", 0, NULL);
    struct pool_run shown = pool_run_of_line(&memory, rude);
    CU_ASSERT_STRING_EQUAL(shown.run_id, "a?[2J???é");
    CU_ASSERT_PTR_NULL(shown.digest[DIGEST_TOOL]);
    struct pool_run r = pool_run_of_line(&memory, old);
    CU_ASSERT_PTR_NULL(pool_left_out(&r)); /* from before lines had a status, but decided */
    CU_ASSERT_EQUAL(r.seed, 3);
    CU_ASSERT_EQUAL(r.objectives.len, 2);
    for (size_t i = 0; i < r.objectives.len; i++)
        CU_ASSERT_EQUAL(r.objectives.at[i].at_least, strcmp(r.objectives.at[i].name, "availability") == 0);
}

void suite_pool(void)
{
    runner_suite(NULL, tear_down);
    runner_test(a_set_supports_what_the_table_says);
    runner_test(what_a_gate_took_back_is_left_out_and_counted);
    runner_test(astride_is_no_pass_but_counts);
    runner_test(one_objective_may_be_gated_alone);
    runner_test(other_digests_are_never_pooled);
    runner_test(what_is_missing_to_one_is_pooled_of_a_ratio);
    runner_test(a_slower_set_is_a_regression_and_a_faster_one_is_not);
    runner_test(sets_that_never_recover_regress_by_rank_alone);
    runner_test(several_scenarios_are_corrected_for);
    runner_test(two_runs_differ_by_more_than_their_intervals_or_not);
    runner_test(runs_are_read_from_whatever_is_there);
}
