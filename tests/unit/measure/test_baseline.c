/* SPDX-License-Identifier: MIT */
/* The baseline gate and nearest-rank quantiles. */
#include "harness/measure/rank.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

static struct sample row(double planned, double done, enum outcome outcome)
{
    return (struct sample){.kind = SAMPLE_REQUEST, .outcome = (uint8_t)outcome, .planned_ns = MS(planned),
                           .sent_ns = MS(planned), .done_ns = MS(done)};
}

static void quantiles_are_nearest_ranks(void)
{
    scoped_rank struct rank r = {0};
    for (int64_t i = 100; i > 0; i--)
        rank_add(&r, i);
    CU_ASSERT_EQUAL(rank_at(&r, 50), 50);
    CU_ASSERT_EQUAL(rank_at(&r, 99), 99);
    CU_ASSERT_EQUAL(rank_at(&r, 100), 100);
    CU_ASSERT_EQUAL(rank_at(&r, 0), 1);
    rank_add(&r, 101);
    CU_ASSERT_EQUAL(rank_at(&r, 99), 100); /* ceil(0.99 * 101) */
    scoped_rank struct rank one = {0};
    CU_ASSERT_EQUAL(rank_at(&one, 50), 0);
    rank_add(&one, -5);
    CU_ASSERT_EQUAL(rank_at(&one, 99), -5);
}

static void the_window_is_half_open_and_counts_the_plan(void)
{
    struct sample at[] = {row(99.999, 101, OUTCOME_GOOD), row(100, 110, OUTCOME_GOOD), row(150, 155, OUTCOME_RESET),
                          row(199.999, 205, OUTCOME_GOOD), row(200, 201, OUTCOME_GOOD)};
    struct baseline b = baseline_of(at, 5, MS(100), MS(200));
    CU_ASSERT_EQUAL(b.intended, 3);
    CU_ASSERT_EQUAL(b.good, 2);
    CU_ASSERT_EQUAL(b.p50_ns, MS(5.001));
    CU_ASSERT_EQUAL(b.p99_ns, MS(10));
}

static void impossible_latencies_are_not_good(void)
{
    struct sample at[] = {row(100, 110, OUTCOME_GOOD), row(101, 90, OUTCOME_GOOD), row(102, 110, OUTCOME_GOOD),
                          row(103, 110, OUTCOME_GOOD)};
    at[2].done_ns = INT64_MAX - 1;
    at[3].planned_ns = INT64_MIN + 1;
    struct baseline b = baseline_of(at, 4, INT64_MIN, INT64_MAX);
    CU_ASSERT_EQUAL(b.intended, 4);
    CU_ASSERT_EQUAL(b.good, 1);
    CU_ASSERT_EQUAL(b.p99_ns, MS(10));
}

static void nothing_is_not_met(void)
{
    struct plan plan = {.good_ratio_ppm = 999000};
    struct baseline b = baseline_of(NULL, 0, 0, 100);
    char why[160];
    CU_ASSERT_EQUAL(b.p99_ns, -1);
    CU_ASSERT_FALSE(baseline_met(&plan, &b, why));
    CU_ASSERT(strstr(why, "no request") != NULL);
    CU_ASSERT_FALSE(baseline_met(&plan, &b, NULL));
}

static void the_ratio_is_exact_at_its_limit(void)
{
    struct plan plan = {.good_ratio_ppm = 999000};
    struct baseline b = {.intended = 1000, .good = 999};
    char why[160];
    CU_ASSERT(baseline_met(&plan, &b, why));
    CU_ASSERT_STRING_EQUAL(why, "");
    b.good = 998;
    CU_ASSERT_FALSE(baseline_met(&plan, &b, why));
    CU_ASSERT(strstr(why, "99.8") != NULL);
}

static void every_quantile_with_a_limit_must_keep_it(void)
{
    struct plan plan = {.good_ratio_ppm = 500000, .baseline_p95_ns = MS(20)};
    struct baseline b = {.intended = 10, .good = 10, .p50_ns = MS(90), .p95_ns = MS(20), .p99_ns = MS(900)};
    char why[160];
    CU_ASSERT(baseline_met(&plan, &b, why));
    b.p95_ns++;
    CU_ASSERT_FALSE(baseline_met(&plan, &b, why));
    CU_ASSERT(strstr(why, "p95") != NULL);
    b.p95_ns = -1; /* no good request, so no latency to show */
    CU_ASSERT_FALSE(baseline_met(&plan, &b, why));
}

void suite_baseline(void)
{
    runner_suite(NULL, NULL);
    runner_test(quantiles_are_nearest_ranks);
    runner_test(the_window_is_half_open_and_counts_the_plan);
    runner_test(impossible_latencies_are_not_good);
    runner_test(nothing_is_not_met);
    runner_test(the_ratio_is_exact_at_its_limit);
    runner_test(every_quantile_with_a_limit_must_keep_it);
}
