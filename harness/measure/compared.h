/* SPDX-License-Identifier: MIT */
/*
 * A run beside one earlier run, objective by objective: what it did differently that the intervals cannot explain.
 */
#pragma once
#include "harness/measure/pool.h"
#include "harness/measure/result.h"

/* The newest of these runs (of one scenario, oldest first) that counts and was of the same configuration and kind of
 * lab; NULL: none was. Tool, scenario file and gateway may be others: that is what one wants to know about. */
const struct pool_run *compared_previous(const struct pool_run *runs, size_t n, const struct pool_run *mine);

/* Add result.comparisons[]. mine is the run of the result, as pools know it; with is `previous` or `baseline`, source
 * the file that told of the earlier run. */
void compared_add(struct result *r, const struct pool_run *mine, const struct pool_run *earlier, const char *with,
                  const char *source);
