/* SPDX-License-Identifier: MIT */
/*
 * How long is long enough: evaluation window, holds of recovery and of the baseline. Pure arithmetic on what is known
 * before a run; used by plan_compile. Times in ns, rates in millionths per second, ratios in millionths.
 */
#pragma once
#include <stdint.h>

#define HOLD_CAP_NS INT64_C(30000000000)

/* w = max(1 s, 5 / lambda_min) */
int64_t hold_window_ns(int64_t rate_min_micro);

/* 3 / (epsilon * Lambda), the rule of three: that many spotless requests support the ratio at 95 %. INT64_MAX for an
 * epsilon of zero. */
int64_t hold_rule_of_three_ns(int64_t epsilon_ppm, int64_t rate_total_micro);

struct hold_terms {
    int64_t asked_ns;                          /* recovery.hold */
    int64_t upstreams;                         /* n_u: able to serve while the fault holds */
    int64_t rate_min_micro, rate_total_micro;  /* lambda_min, Lambda */
    int64_t readmit_ns;                        /* r * I */
    int64_t epsilon_ppm;                       /* 1 - rho */
    int64_t duration_ns;                       /* planned length of the fault, INT64_MAX if nothing heals it */
    int64_t rto_ns;                            /* target, 0 without one */
};
/* H = max(asked, 5 n_u / lambda_min, r I, 2 w, min(rule of three, cap)) */
int64_t hold_recovery_ns(const struct hold_terms *t);

/* B = max(asked, min(rule of three, 30 s)) */
int64_t hold_baseline_ns(int64_t asked_ns, int64_t epsilon_ppm, int64_t rate_total_micro);
