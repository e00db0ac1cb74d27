/* SPDX-License-Identifier: MIT */
/*
 * Bounds from one set of runs.
 *
 * Order statistics: of n independent runs the number below the median is Bin(n, 1/2), below quantile q it is Bin(n, q).
 * The rank that an interval starts from is the largest for which that count falls short with at most the allowed
 * probability. P(met) is bounded as Clopper and Pearson do: the smallest p under which that few misses still have a
 * chance of 5 %; without a miss that is 0.05^(1/n).
 *
 * Binomial terms are made from logarithms of factorials in long double, so that thousands of runs neither overflow nor
 * underflow.
 */
#include "harness/measure/stats.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"

#include <math.h>
#include <string.h>

#define MISS 0.05L   /* of one-sided bounds */
#define SIDE 0.025L  /* of each end of an interval */

long double stats_binomial(size_t n, long double p, size_t k)
{
    if (k >= n || p <= 0)
        return 1;
    if (p >= 1)
        return 0;
    long double sum = 0, all = lgammal((long double)n + 1);
    for (size_t i = 0; i <= k; i++)
        sum += expl(all - lgammal((long double)i + 1) - lgammal((long double)(n - i) + 1) + (long double)i * logl(p) +
                    (long double)(n - i) * log1pl(-p));
    return sum > 1 ? 1 : sum;
}

size_t stats_median_rank(size_t n)
{
    size_t k = 0;
    while (k < n && stats_binomial(n, 0.5L, k) <= SIDE)
        k++;
    return k;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double *stats_sorted(const double *x, size_t n)
{
    double *copy = xcalloc(n + 1, sizeof(*copy));
    if (n > 0) {
        memcpy(copy, x, n * sizeof(*copy));
        qsort(copy, n, sizeof(*copy), ascending);
    }
    return copy;
}

struct stats_interval stats_median(const double *x, size_t n)
{
    struct stats_interval m = {NAN, NAN, NAN};
    scoped_free double *s = stats_sorted(x, n);
    size_t k = stats_median_rank(n);
    if (n > 0)
        m.value = n % 2 ? s[n / 2] : (s[n / 2 - 1] + s[n / 2]) / 2;
    if (k > 0) {
        m.lower = s[k - 1];
        m.upper = s[n - k];
    }
    return m;
}

size_t stats_bound_rank(size_t n, double q)
{
    size_t k = 0; /* the k-th largest is below q when at most k - 1 of n lie above q */
    while (k < n && stats_binomial(n, 1 - (long double)q, k) <= MISS)
        k++;
    return k;
}

double stats_bound(const double *x, size_t n, double q)
{
    size_t k = stats_bound_rank(n, q);
    scoped_free double *s = stats_sorted(x, n);
    return k ? s[n - k] : NAN;
}

double stats_met_lower(size_t n, size_t misses)
{
    if (misses >= n)
        return n ? 0 : NAN;
    if (misses == 0)
        return (double)powl(MISS, 1 / (long double)n);
    long double low = 0, high = 1;
    for (int i = 0; i < 100; i++) {
        long double p = (low + high) / 2;
        if (stats_binomial(n, 1 - p, misses) > MISS)
            high = p;
        else
            low = p;
    }
    return (double)low;
}

size_t stats_runs_needed(double p, size_t misses)
{
    size_t n = misses + 1;
    if (!(p > 0 && p < 1))
        return 0;
    while (stats_binomial(n, 1 - (long double)p, misses) > MISS)
        n++;
    return n;
}

double stats_lag1(const double *x, size_t n)
{
    double level = 0, around = 0, along = 0;
    for (size_t i = 0; i < n; i++)
        level += x[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        around += (x[i] - level) * (x[i] - level);
        along += i ? (x[i] - level) * (x[i - 1] - level) : 0;
    }
    return n >= 3 && isfinite(around) && around > 0 ? along / around : NAN;
}
