/* SPDX-License-Identifier: MIT */
/*
 * The tail at or beyond k is summed term by term from lgamma(3), starting at k and walking away from the mean, where
 * terms only shrink; it stops when they no longer count. k is implausible when its tail is below half of what
 * confidence leaves.
 */
#include "injectors/binomial.h"

#include <math.h>

static double term(uint64_t k, uint64_t n, double p)
{
    double dk = (double)k, dn = (double)n;
    return exp(lgamma(dn + 1) - lgamma(dk + 1) - lgamma(dn - dk + 1) + dk * log(p) + (dn - dk) * log1p(-p));
}

bool binomial_plausible(uint64_t k, uint64_t n, double p, double confidence)
{
    if (k > n || p <= 0 || p >= 1) {
        return (p <= 0 && k == 0) || (p >= 1 && k == n);
    }
    bool low = (double)k < (double)n * p;
    double tail = 0;
    for (uint64_t i = k; i <= n; i = low ? i - 1 : i + 1) {
        double t = term(i, n, p);
        tail += t;
        if ((low && i == 0) || t < tail * 1e-12) {
            break;
        }
    }
    return tail >= (1 - confidence) / 2;
}
