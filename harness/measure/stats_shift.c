/* SPDX-License-Identifier: MIT */
/*
 * Did it get worse? Two sets of runs against each other.
 *
 * Mann-Whitney: U, the pairs in which the later run is better (ties count half), is small when the later runs are
 * worse. U and the sum of the earlier runs' ranks differ by a constant, so the share of relabellings with U at most as
 * observed is the share of ways to pick m of the m + n ranks with at most the observed sum. Those ways are counted, not
 * drawn: picking run by run, ways[k][s] is the number of choices of k runs with rank sum s. Tied runs share the middle
 * of their ranks; ranks are doubled so that a half is whole. This is the exact distribution with ties and censored runs
 * as well as without, in m * (m + n) * sum steps; doubles hold the counts exactly up to 2^53 and to 15 digits beyond.
 */
#include "harness/measure/stats.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"

#include <math.h>

/* ways[s], s = 0..limit: how many choices of k of the n ranks have sum s. */
static double *subset_sums(const size_t *ranks, size_t n, size_t k, size_t limit)
{
    size_t width = limit + 1;
    scoped_free double *table = xcalloc((k + 1) * width, sizeof(*table));
    table[0] = 1;
    for (size_t i = 0; i < n; i++) {
        for (size_t taken = i < k ? i + 1 : k; taken > 0; taken--) {
            const double *without = table + (taken - 1) * width;
            double *with = table + taken * width;
            for (size_t s = ranks[i]; s < width; s++)
                with[s] += without[s - ranks[i]];
        }
    }
    double *ways = xcalloc(width, sizeof(*ways));
    for (size_t s = 0; s < width; s++)
        ways[s] = table[k * width + s];
    return ways;
}

static double choices(size_t n, size_t k)
{
    double c = 1;
    for (size_t i = 1; i <= k; i++)
        c = round(c * (double)(n - k + i) / (double)i);
    return c;
}

/* Twice the middle rank of each value among all of them. */
static size_t *doubled_ranks(const double *all, size_t n)
{
    scoped_free double *s = stats_sorted(all, n);
    size_t *ranks = xcalloc(n, sizeof(*ranks));
    for (size_t i = 0; i < n; i++) {
        size_t below = 0, upto = 0;
        while (below < n && s[below] < all[i])
            below++;
        for (upto = below; upto < n && !(s[upto] > all[i]); upto++) {
        }
        ranks[i] = below + 1 + upto;
    }
    return ranks;
}

static bool sides_fit(size_t m, size_t n)
{
    return m > 0 && n > 0 && m <= STATS_SIDE_MAX && n <= STATS_SIDE_MAX;
}

double stats_rank_p(const double *earlier, size_t m, const double *later, size_t n)
{
    if (!sides_fit(m, n))
        return NAN;
    double all[2 * STATS_SIDE_MAX];
    for (size_t i = 0; i < m + n; i++)
        all[i] = i < m ? earlier[i] : later[i - m];
    scoped_free size_t *ranks = doubled_ranks(all, m + n);
    size_t observed = 0;
    for (size_t i = 0; i < m; i++)
        observed += ranks[i];
    scoped_free double *ways = subset_sums(ranks, m + n, m, observed);
    double at_most = 0;
    for (size_t s = 0; s <= observed; s++)
        at_most += ways[s];
    return fmin(1, at_most / choices(m + n, m));
}

size_t stats_shift_rank(size_t m, size_t n)
{
    if (!sides_fit(m, n))
        return 0;
    size_t ranks[2 * STATS_SIDE_MAX], least = m * (m + 1) / 2, limit = least + m * n / 2, k = 0;
    for (size_t i = 0; i < m + n; i++)
        ranks[i] = i + 1;
    scoped_free double *ways = subset_sums(ranks, m + n, m, limit);
    double share = 0, all = choices(m + n, m);
    while (least + k <= limit && (share += ways[least + k] / all) <= STATS_ALPHA)
        k++;
    return k;
}

struct stats_interval stats_shift(const double *earlier, size_t m, const double *later, size_t n)
{
    struct stats_interval shift = {NAN, NAN, NAN};
    size_t count = m * n, k = stats_shift_rank(m, n);
    if (!sides_fit(m, n))
        return shift;
    scoped_free double *d = xcalloc(count, sizeof(*d));
    for (size_t i = 0; i < count; i++) {
        d[i] = later[i % n] - earlier[i / n];
        if (!isfinite(d[i]))
            return shift;
    }
    scoped_free double *s = stats_sorted(d, count);
    shift.value = count % 2 ? s[count / 2] : (s[count / 2 - 1] + s[count / 2]) / 2;
    if (k > 0) {
        shift.lower = s[k - 1];
        shift.upper = s[count - k];
    }
    return shift;
}

void stats_holm(const double *p, size_t n, double *adjusted)
{
    size_t tests = 0, done = 0;
    double least = 0;
    for (size_t i = 0; i < n; i++) {
        tests += isnan(p[i]) ? 0 : 1;
        adjusted[i] = NAN;
    }
    for (; done < tests; done++) { /* smallest first; a later one is never below an earlier one */
        size_t next = n;
        for (size_t i = 0; i < n; i++)
            if (!isnan(p[i]) && isnan(adjusted[i]) && (next == n || p[i] < p[next]))
                next = i;
        least = fmax(least, fmin(1, p[next] * (double)(tests - done)));
        adjusted[next] = least;
    }
}

bool stats_regressed(double p, double theta, double resolution, double earlier_median)
{
    if (!(p <= STATS_ALPHA))
        return false;
    double enough = fmax(isnan(resolution) ? 0 : resolution, isfinite(earlier_median) ? 0.1 * fabs(earlier_median) : 0);
    return isnan(theta) || theta > enough;
}
