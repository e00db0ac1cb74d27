/* SPDX-License-Identifier: MIT */
/*
 * Method: the formulas of the measuring rules, in integers of 128 bits, rounded down to the nanosecond: the same plan
 * gives the same holds on every machine. A rate of zero (no stream) makes the term that divides by it vanish.
 */
#include "harness/spec/hold.h"

__extension__ typedef __int128 wide;

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t clamp(wide v)
{
    return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

/* n requests at this rate */
static int64_t time_of_ns(int64_t n, int64_t rate_micro)
{
    return rate_micro > 0 ? clamp((wide)n * 1000000000000000 / rate_micro) : 0;
}

int64_t hold_window_ns(int64_t rate_min_micro)
{
    return larger(1000000000, time_of_ns(5, rate_min_micro));
}

int64_t hold_rule_of_three_ns(int64_t epsilon_ppm, int64_t rate_total_micro)
{
    if (epsilon_ppm <= 0 || rate_total_micro <= 0) {
        return INT64_MAX;
    }
    return clamp((wide)3000000000 * 1000000000000 / ((wide)epsilon_ppm * rate_total_micro));
}

int64_t hold_recovery_ns(const struct hold_terms *t)
{
    int64_t cap =
        t->duration_ns == INT64_MAX ? HOLD_CAP_NS : larger(0, smaller(HOLD_CAP_NS, t->duration_ns - t->rto_ns));
    int64_t hold = larger(t->asked_ns, time_of_ns(5 * t->upstreams, t->rate_min_micro));
    hold = larger(hold, t->readmit_ns);
    hold = larger(hold, 2 * hold_window_ns(t->rate_min_micro));
    return larger(hold, smaller(hold_rule_of_three_ns(t->epsilon_ppm, t->rate_total_micro), cap));
}

int64_t hold_baseline_ns(int64_t asked_ns, int64_t epsilon_ppm, int64_t rate_total_micro)
{
    return larger(asked_ns, smaller(hold_rule_of_three_ns(epsilon_ppm, rate_total_micro), HOLD_CAP_NS));
}
