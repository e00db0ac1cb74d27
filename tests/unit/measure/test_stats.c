/* SPDX-License-Identifier: MIT */
/* Bounds from one set of runs: every figure of the table in measuring.md, and the definitions done the slow way. */
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/measure/stats.h"
#include "tests/unit/runner.h"

#include <math.h>

static void the_median_interval_has_the_ranks_of_the_table(void)
{
    static const size_t rows[][2] = {{6, 1}, {9, 2}, {10, 2}, {15, 4}, {20, 6}, {30, 10}, {59, 22}};
    for (size_t n = 0; n <= 5; n++)
        CU_ASSERT_EQUAL(stats_median_rank(n), 0);
    for (size_t i = 0; i < array_len(rows); i++)
        CU_ASSERT_EQUAL(stats_median_rank(rows[i][0]), rows[i][1]);
    double x[59];
    for (size_t i = 0; i < 59; i++)
        x[i] = (double)((i * 37) % 59) + 1; /* 1..59, shuffled */
    struct stats_interval m = stats_median(x, 59);
    CU_ASSERT_EQUAL(m.value, 30);
    CU_ASSERT_EQUAL(m.lower, 22);
    CU_ASSERT_EQUAL(m.upper, 38);
    CU_ASSERT_EQUAL(x[1], 38); /* left as they were */
    static const double even[] = {4, 1, 3, 2};
    m = stats_median(even, 4);
    CU_ASSERT_EQUAL(m.value, 2.5);
    CU_ASSERT(isnan(m.lower) && isnan(m.upper));
    CU_ASSERT(isnan(stats_median(NULL, 0).value));
}

static void censored_runs_open_the_interval_not_the_median(void)
{
    static const double x[] = {1, 2, 3, 4, 5, 6, INFINITY, INFINITY, INFINITY};
    struct stats_interval m = stats_median(x, 9);
    CU_ASSERT_EQUAL(m.value, 5);
    CU_ASSERT_EQUAL(m.lower, 2);
    CU_ASSERT(isinf(m.upper));
    m = stats_median(x + 5, 4);
    CU_ASSERT(isinf(m.value));
}

static void the_bound_of_a_quantile_needs_the_runs_of_the_table(void)
{
    CU_ASSERT_EQUAL(stats_bound_rank(58, 0.95), 0);
    CU_ASSERT_EQUAL(stats_bound_rank(59, 0.95), 1);
    CU_ASSERT_EQUAL(stats_bound_rank(92, 0.95), 1);
    CU_ASSERT_EQUAL(stats_bound_rank(93, 0.95), 2);
    CU_ASSERT_EQUAL(stats_bound_rank(123, 0.95), 2);
    CU_ASSERT_EQUAL(stats_bound_rank(124, 0.95), 3);
    CU_ASSERT_EQUAL(stats_bound_rank(28, 0.90), 0);
    CU_ASSERT_EQUAL(stats_bound_rank(29, 0.90), 1);
    double x[93];
    for (size_t i = 0; i < 93; i++)
        x[i] = (double)i;
    CU_ASSERT_EQUAL(stats_bound(x, 93, 0.95), 91);
    CU_ASSERT(isnan(stats_bound(x, 58, 0.95)));
}

static void so_many_met_of_so_many_support_the_chance_of_the_table(void)
{
    static const struct {
        size_t n;
        double percent;
    } rows[] = {{1, 5.0}, {3, 36.8}, {4, 47.3}, {5, 54.9}, {10, 74.1}, {20, 86.1}, {30, 90.5}, {59, 95.0}, {299, 99.0}};
    for (size_t i = 0; i < array_len(rows); i++)
        CU_ASSERT_DOUBLE_EQUAL(100 * stats_met_lower(rows[i].n, 0), rows[i].percent, 0.0501);
    CU_ASSERT_EQUAL(stats_met_lower(7, 7), 0);
    CU_ASSERT_EQUAL(stats_met_lower(7, 9), 0);
    CU_ASSERT(isnan(stats_met_lower(0, 0)));
}

static void the_runs_needed_are_those_of_the_table(void)
{
    static const struct {
        double p;
        size_t need[3];
    } rows[] = {{0.80, {14, 22, 30}}, {0.90, {29, 46, 61}}, {0.95, {59, 93, 124}}, {0.99, {299, 473, 628}}};
    for (size_t i = 0; i < array_len(rows); i++)
        for (size_t misses = 0; misses < 3; misses++) {
            size_t n = rows[i].need[misses];
            CU_ASSERT_EQUAL(stats_runs_needed(rows[i].p, misses), n);
            CU_ASSERT(stats_met_lower(n, misses) >= rows[i].p);
            CU_ASSERT(stats_met_lower(n - 1, misses) < rows[i].p);
        }
    CU_ASSERT_EQUAL(stats_runs_needed(1, 0), 0);
    CU_ASSERT_EQUAL(stats_runs_needed(0, 0), 0);
}

/* P(X <= k) by Pascal's triangle. */
static long double slow_binomial(size_t n, long double p, size_t k)
{
    long double term[64] = {1};
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 2; j-- > 0;)
            term[j] = (j <= i ? term[j] * (1 - p) : 0) + (j > 0 ? term[j - 1] * p : 0);
    long double sum = 0;
    for (size_t j = 0; j <= k && j <= n; j++)
        sum += term[j];
    return sum;
}

static void binomial_sums_agree_with_the_triangle(void)
{
    for (size_t n = 0; n <= 60; n++)
        for (size_t k = 0; k <= n; k++)
            for (int q = 0; q <= 20; q++) {
                long double p = (long double)q / 20;
                CU_ASSERT_DOUBLE_EQUAL((double)stats_binomial(n, p, k), (double)slow_binomial(n, p, k), 1e-14);
            }
    CU_ASSERT_DOUBLE_EQUAL((double)stats_binomial(10000, 0.5L, 4999), 0.496, 0.0005); /* neither over- nor underflow */
}

/* The interval must cover the true median in 95 % of sets at least, whatever the distribution. */
static void the_interval_covers_the_median(void)
{
    struct rng r;
    rng_init(&r, 15, "coverage");
    for (size_t n = 6; n <= 24; n += 3) {
        int covered = 0;
        enum { SETS = 4000 };
        for (int s = 0; s < SETS; s++) {
            double x[24];
            for (size_t i = 0; i < n; i++)
                x[i] = -log(1 - rng_unit(&r)); /* exponential: median ln 2 */
            struct stats_interval m = stats_median(x, n);
            covered += m.lower <= log(2) && log(2) <= m.upper;
        }
        CU_ASSERT(covered >= (int)(0.94 * SETS));
    }
}

static void the_autocorrelation_tells_order(void)
{
    static const double up[] = {1, 2, 3, 4, 5}, saw[] = {1, 5, 1, 5, 1, 5}, flat[] = {2, 2, 2},
                        open[] = {1, 2, INFINITY};
    CU_ASSERT_DOUBLE_EQUAL(stats_lag1(up, 5), 0.4, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(stats_lag1(saw, 6), -5.0 / 6, 1e-12);
    CU_ASSERT(isnan(stats_lag1(flat, 3)));
    CU_ASSERT(isnan(stats_lag1(open, 3)));
    CU_ASSERT(isnan(stats_lag1(up, 2)));
    CU_ASSERT(isnan(stats_lag1(NULL, 0)));
}

void suite_stats(void)
{
    runner_suite(NULL, NULL);
    runner_test(the_median_interval_has_the_ranks_of_the_table);
    runner_test(censored_runs_open_the_interval_not_the_median);
    runner_test(the_bound_of_a_quantile_needs_the_runs_of_the_table);
    runner_test(so_many_met_of_so_many_support_the_chance_of_the_table);
    runner_test(the_runs_needed_are_those_of_the_table);
    runner_test(binomial_sums_agree_with_the_triangle);
    runner_test(the_interval_covers_the_median);
    runner_test(the_autocorrelation_tells_order);
}
