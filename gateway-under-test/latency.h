/* SPDX-License-Identifier: MIT */
/*
 * Durations counted: a histogram that is fine enough for quantiles (3 % of the value), and the coarse one of /metrics.
 *
 * Used by alerts.c. Owns nothing; zeroed is empty.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct text;

#define LATENCY_PER_OCTAVE 32
#define LATENCY_SLOTS (24 * LATENCY_PER_OCTAVE)

struct latency { /* from a microsecond to ten seconds and more */
    int64_t total;
    uint32_t slots[LATENCY_SLOTS];
};

void latency_add(struct latency *l, int64_t us);
int64_t latency_quantile(const struct latency *l, int percent); /* us, the upper end of its slot; 0: empty */

#define LATENCY_BOUNDS 12
struct latency_series { /* for Prometheus: since the process began */
    int64_t below[LATENCY_BOUNDS]; /* by bound, not cumulated */
    int64_t total, sum_us;
};
void latency_series_add(struct latency_series *s, int64_t us);
void latency_series_print(const struct latency_series *s, struct text *out);
