/* SPDX-License-Identifier: MIT */
/* Two sets against each other: figures of measuring.md, and all relabellings tried one by one. */
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/measure/stats.h"
#include "tests/unit/runner.h"

#include <math.h>

/* Twice the pairs with a better later run, ties once. Bit i of `late` set: run i is a later one. */
static unsigned pairs(const double *all, size_t n, unsigned late)
{
    unsigned u = 0;
    for (size_t y = 0; y < n; y++)
        for (size_t x = 0; x < n; x++)
            if ((late >> y & 1) && !(late >> x & 1))
                u += all[y] < all[x] ? 2 : !(all[y] > all[x]);
    return u;
}

static double slow_p(const double *all, size_t m, size_t n)
{
    unsigned observed = pairs(all, m + n, ((1u << n) - 1) << m), ways = 0, as_bad = 0;
    for (unsigned late = 0; late < 1u << (m + n); late++)
        if ((size_t)__builtin_popcount(late) == n) {
            ways++;
            as_bad += pairs(all, m + n, late) <= observed;
        }
    return (double)as_bad / ways;
}

static void the_test_agrees_with_all_relabellings(void)
{
    struct rng r;
    rng_init(&r, 24, "relabellings");
    for (int round = 0; round < 250; round++) {
        size_t m = 1 + rng_below(&r, 6), n = 1 + rng_below(&r, 6);
        uint64_t values = 2 + rng_below(&r, 40); /* few: many ties */
        double all[12];
        for (size_t i = 0; i < m + n; i++)
            all[i] = rng_below(&r, 8) == 0 ? INFINITY : (double)rng_below(&r, values) / 4;
        CU_ASSERT_DOUBLE_EQUAL(stats_rank_p(all, m, all + m, n), slow_p(all, m, n), 1e-12);
    }
}

static void the_smallest_chances_are_those_of_the_table(void)
{
    static const double low[] = {1, 2, 3, 4}, high[] = {5, 6, 7, 8};
    CU_ASSERT_DOUBLE_EQUAL(stats_rank_p(low, 4, high, 4), 0.0143, 0.00005);
    CU_ASSERT_DOUBLE_EQUAL(stats_rank_p(low, 3, high, 3), 0.05, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(stats_rank_p(high, 4, low, 4), 1, 1e-12); /* better is no regression */
    CU_ASSERT(isnan(stats_rank_p(low, 0, high, 4)));
    CU_ASSERT(isnan(stats_rank_p(low, 4, high, STATS_SIDE_MAX + 1)));
}

static void large_sides_are_exact_too(void)
{
    double x[100], y[100];
    for (size_t i = 0; i < 100; i++) {
        x[i] = (double)(2 * i);
        y[i] = (double)(2 * i + 1);
    }
    double p = stats_rank_p(x, 100, y, 100), z = (4950 - 5000.0 + 0.5) / sqrt(100.0 * 100 * 201 / 12);
    CU_ASSERT_DOUBLE_EQUAL(p, 0.5 * erfc(-z / sqrt(2)), 0.001); /* so near to the normal by then */
    for (size_t i = 0; i < 100; i++)
        x[i] = y[i] = (double)(i % 3); /* hardly anything but ties */
    CU_ASSERT_DOUBLE_EQUAL(stats_rank_p(x, 100, y, 100), 0.5, 0.05);
}

static void half_an_interval_of_shift_is_mostly_caught_by_ten_a_side(void)
{
    struct rng r;
    rng_init(&r, 91, "power");
    enum { SETS = 2000 };
    int caught[2] = {0};
    for (int s = 0; s < SETS; s++)
        for (int big = 0; big < 2; big++) {
            size_t n = big ? 10 : 4;
            double x[10], y[10];
            for (size_t i = 0; i < n; i++) {
                x[i] = rng_unit(&r);
                y[i] = rng_unit(&r) + 0.5;
            }
            caught[big] += stats_rank_p(x, n, y, n) <= STATS_ALPHA;
        }
    CU_ASSERT_DOUBLE_EQUAL((double)caught[1] / SETS, 0.91, 0.03);
    CU_ASSERT_DOUBLE_EQUAL((double)caught[0] / SETS, 0.3, 0.05);
}

static void the_shift_has_the_ranks_of_the_table(void)
{
    CU_ASSERT_EQUAL(stats_shift_rank(5, 5), 3);
    CU_ASSERT_EQUAL(stats_shift_rank(10, 10), 24);
    CU_ASSERT_EQUAL(stats_shift_rank(20, 20), 128);
    CU_ASSERT_EQUAL(stats_shift_rank(3, 3), 0);
    CU_ASSERT_EQUAL(stats_shift_rank(4, 4), 1);
    CU_ASSERT_EQUAL(stats_shift_rank(7, 4), stats_shift_rank(4, 7));
    CU_ASSERT_EQUAL(stats_shift_rank(0, 4), 0);
}

static void the_shift_is_the_median_of_all_differences(void)
{
    static const double x[] = {1, 2, 3, 4, 5}, y[] = {12, 11, 15, 13, 14};
    struct stats_interval s = stats_shift(x, 5, y, 5);
    CU_ASSERT_DOUBLE_EQUAL(s.value, 10, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(s.lower, 7, 1e-12); /* 6 once, 7 twice: the third smallest */
    CU_ASSERT_DOUBLE_EQUAL(s.upper, 13, 1e-12);
    s = stats_shift(x, 2, y, 1);
    CU_ASSERT_DOUBLE_EQUAL(s.value, 10.5, 1e-12);
    CU_ASSERT(isnan(s.lower));
    static const double never[] = {1, INFINITY};
    s = stats_shift(x, 5, never, 2);
    CU_ASSERT(isnan(s.value) && isnan(s.lower) && isnan(s.upper));
    s = stats_shift(never, 2, never, 2);
    CU_ASSERT(isnan(s.value));
}

/* The interval must hold the true shift in 95 % of comparisons at least. */
static void the_interval_covers_the_shift(void)
{
    struct rng r;
    rng_init(&r, 15, "coverage");
    enum { SETS = 3000 };
    int covered = 0;
    for (int s = 0; s < SETS; s++) {
        double x[7], y[6];
        for (size_t i = 0; i < 7; i++)
            x[i] = rng_unit(&r);
        for (size_t i = 0; i < 6; i++)
            y[i] = rng_unit(&r) + 0.3;
        struct stats_interval shift = stats_shift(x, 7, y, 6);
        covered += shift.lower <= 0.3 && 0.3 <= shift.upper;
    }
    CU_ASSERT(covered >= (int)(0.94 * SETS));
}

static void holm_corrects_for_several_scenarios(void)
{
    static const double p[] = {0.03, 0.01, NAN, 0.02, 0.9};
    double a[5];
    stats_holm(p, 5, a);
    CU_ASSERT_DOUBLE_EQUAL(a[1], 0.04, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(a[3], 0.06, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(a[0], 0.06, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(a[4], 0.9, 1e-12);
    CU_ASSERT(isnan(a[2]));
    static const double tied[] = {0.04, 0.001, 0.03};
    stats_holm(tied, 3, a);
    CU_ASSERT_DOUBLE_EQUAL(a[0], 0.06, 1e-12); /* never below the one before it */
    stats_holm(p, 1, a);
    CU_ASSERT_DOUBLE_EQUAL(a[0], 0.03, 1e-12);
    stats_holm(NULL, 0, a);
}

static void a_regression_is_likely_and_large(void)
{
    CU_ASSERT(stats_regressed(0.025, 0.2, 0.02, 1));
    CU_ASSERT_FALSE(stats_regressed(0.026, 0.2, 0.02, 1)); /* may be chance */
    CU_ASSERT_FALSE(stats_regressed(0.01, 0.1, 0.02, 1));  /* 10 % of the median is not above 10 % */
    CU_ASSERT_FALSE(stats_regressed(0.01, 0.2, 0.2, 1));   /* within the resolution */
    CU_ASSERT(stats_regressed(0.01, 0.05, NAN, 0));
    CU_ASSERT_FALSE(stats_regressed(0.01, -1, 0.02, 1));
    CU_ASSERT(stats_regressed(0.01, NAN, 0.02, 1)); /* censored: p alone */
    CU_ASSERT_FALSE(stats_regressed(NAN, 5, 0.02, 1));
}

void suite_stats_shift(void)
{
    runner_suite(NULL, NULL);
    runner_test(the_test_agrees_with_all_relabellings);
    runner_test(the_smallest_chances_are_those_of_the_table);
    runner_test(large_sides_are_exact_too);
    runner_test(half_an_interval_of_shift_is_mostly_caught_by_ten_a_side);
    runner_test(the_shift_has_the_ranks_of_the_table);
    runner_test(the_shift_is_the_median_of_all_differences);
    runner_test(the_interval_covers_the_shift);
    runner_test(holm_corrects_for_several_scenarios);
    runner_test(a_regression_is_likely_and_large);
}
