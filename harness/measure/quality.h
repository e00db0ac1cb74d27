/* SPDX-License-Identifier: MIT */
/* How good the measurement itself was; sigma is lateness_in of study.h. */
#pragma once
#include "harness/measure/result.h"
#include "harness/measure/study.h"

void quality_prepare(struct study *s); /* collects stalls and slips, then marks the suspects */

struct clock_finding {
    size_t readings;          /* usable clock samples */
    bool suspended, backward;
    double slew_ppm;          /* MONOTONIC against RAW, NAN unknown */
};
struct clock_finding clock_check(const struct study *s);

/* The table that the last self-test event of the timeline carries; at most 64 rows, what is no row is left out. */
void quality_selftest(const struct study *s, struct result_quality *q);

/* Everything in the block but valid, selftest_ok, replication lag, exposure and unknown ratio. */
void quality_fill(const struct study *s, struct result_quality *q);
