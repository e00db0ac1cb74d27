/* SPDX-License-Identifier: MIT */
/*
 * From plan and evidence to the result: pure functions, no clock, no kernel, no randomness.
 *
 * measure_run computes every measure, judges every target and applies the gates. What the evidence cannot decide is
 * inconclusive. The same evidence gives the same result byte for byte, a year later. Facts that are not in the evidence
 * (tool, history) come in through struct measure_context.
 */
#pragma once
#include "harness/evidence/evidence_read.h"
#include "harness/measure/result.h"
#include "harness/spec/plan.h"

struct measure_context {
    const char *run_id, *suite;        /* suite may be NULL */
    int64_t repeat_index, repeat_count;
    const char *tool_version, *tool_commit, *tool_build_flags, *tool_sha256;
};

/* Never fails on poor evidence: the result is inconclusive then and says why. *out is owned by the caller. */
int measure_run(const struct plan *plan, const struct evidence *ev, const struct measure_context *ctx,
                struct result **out, struct err *e);

/* Floors that the configuration alone explains, for `plan` and for the objectives; NAN where there is none.
 * Seconds. step may be NULL for the whole scenario (the worst). */
struct floor {
    double min, mean, max;
};
struct floor floor_rto(const struct plan *plan, const struct plan_step *step);
struct floor floor_rpo(const struct plan *plan, const struct plan_step *step);

/* The good ratio that a spotless hold supports at 95 %, 1 - 3 / (Lambda * H), where the hold was capped and that is
 * less than the required one; else NAN. */
double floor_hold_support(const struct plan *plan, int64_t hold_ns);

/* The baseline gate: over the requests planned in [from_ns, to_ns), the good ratio and latency percentiles. */
struct baseline {
    int64_t from_ns, to_ns;
    uint64_t intended, good;
    int64_t p50_ns, p95_ns, p99_ns; /* nearest rank over good requests; -1 without any */
};
struct baseline baseline_of(const struct sample *samples, size_t n, int64_t from_ns, int64_t to_ns);
/* Whether it satisfies the plan's steady_state.expect; why (may be NULL) gets a sentence when not. */
bool baseline_met(const struct plan *plan, const struct baseline *b, char why[160]);
