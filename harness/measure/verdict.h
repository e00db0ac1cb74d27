/* SPDX-License-Identifier: MIT */
/* Verdicts (measurement section 10): of an interval against a target, and of a run. */
#pragma once
#include "harness/measure/gates.h"
#include "harness/measure/result.h"

/* Never by the midpoint. lo or hi NAN: an end that is open, or not known. */
enum verdict judge_at_most(double lo, double hi, double target);
enum verdict judge_at_least(double lo, double hi, double target);

/* Void, interruption, counts, run verdict, reason, status and exit code, from objectives and checks. */
void verdict_of_run(struct result *out, const struct gates *g);
