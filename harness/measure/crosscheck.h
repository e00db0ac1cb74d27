/* SPDX-License-Identifier: MIT */
/*
 * Does the second prober confirm the first? (Measurement section 14: intervals overlap, upper ends within the sum of
 * the two probe gaps.) Where a run was asked for it, a second prober that disagrees, died or left a damaged record
 * voids it.
 */
#pragma once
#include "harness/measure/result.h"
#include "harness/measure/rto.h"

/* Fills q->crosscheck; q->has_crosscheck stays false where no cross-check was asked for. */
void crosscheck_measure(const struct study *s, const struct rto_run *rto, struct result_quality *q);
/* A sentence for the check `harness`, NULL where nothing speaks against the run. */
const char *crosscheck_wrong(const struct study *s, const struct result_quality *q);
