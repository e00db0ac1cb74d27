/* SPDX-License-Identifier: MIT */
/*
 * Statistics over repeats and trends (measuring.md, Repeats and trends). Pure arithmetic, no assumption about the shape
 * of a distribution, no mean anywhere.
 *
 * Values are such that larger is worse; a run that never recovered (censored) is INFINITY and ranks above all others.
 * Confidence is 95 % throughout: one-sided bounds 0.05, two-sided intervals 0.025 at each end. NAN: there is none.
 * Functions that take values leave their order alone.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define STATS_ALPHA 0.025     /* of the one-sided test for a regression */
#define STATS_SIDE_MIN 4      /* 3 + 3 runs can never reach alpha */
#define STATS_SIDE_CLAIM 10   /* below, a shift of half a check interval mostly goes unseen */
#define STATS_SIDE_MAX 100    /* exact tests are made up to here */

double *stats_sorted(const double *x, size_t n); /* a copy on the heap, ascending */

/* P(X <= k) for X ~ Bin(n, p). */
long double stats_binomial(size_t n, long double p, size_t k);

/* The interval [x_k, x_(n+1-k)] of n sorted values holds the median: k, 0 for n <= 5. */
size_t stats_median_rank(size_t n);
struct stats_interval {
    double value, lower, upper;
};
struct stats_interval stats_median(const double *x, size_t n);

/* The k-th largest of n is an upper bound of quantile q: k, 0 where even the largest is not. */
size_t stats_bound_rank(size_t n, double q);
double stats_bound(const double *x, size_t n, double q);

/* Lower bound of P(met) when all but `misses` of n runs met; and how many runs support p with so many misses. */
double stats_met_lower(size_t n, size_t misses);
size_t stats_runs_needed(double p, size_t misses);

/* Lag-1 autocorrelation in the order given; NAN for less than 3 values, equal ones, or censored ones. */
double stats_lag1(const double *x, size_t n);

/* One-sided exact Mann-Whitney: the share of all relabellings of the runs into m earlier and n later ones for which
 * the later ones look at least as bad as they do. Ties and INFINITY included. NAN above STATS_SIDE_MAX or for an
 * empty side. */
double stats_rank_p(const double *earlier, size_t m, const double *later, size_t n);

/* Hodges-Lehmann: the median of all later - earlier, and its interval from the k-th smallest to the k-th largest
 * difference (k by stats_shift_rank, 0: no interval). All NAN with a censored value. */
size_t stats_shift_rank(size_t m, size_t n);
struct stats_interval stats_shift(const double *earlier, size_t m, const double *later, size_t n);

/* Holm's step-down over several tests: adjusted[i] <= alpha rejects; NAN stays and does not count. */
void stats_holm(const double *p, size_t n, double *adjusted);

/* p <= alpha and theta above both the resolution and 10 % of the earlier median. theta NAN (censored): p alone. */
bool stats_regressed(double p, double theta, double resolution, double earlier_median);
