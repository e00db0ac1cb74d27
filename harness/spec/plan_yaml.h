/* SPDX-License-Identifier: MIT */
/*
 * plan.yaml of a run directory: the scenario as run, which can be run again, and in a comment at its end where it came
 * from (file, text, hashes, lines), so that reports made a year later show the scenario as it was written.
 */
#pragma once
#include "harness/spec/action.h"
#include "harness/spec/plan.h"

struct err;
struct text;

void plan_yaml(const struct plan *p, struct text *out);

/* Read plan.yaml back: equal to the plan that was written. spec_load takes such a file, too, but as a scenario of its
 * own. Without the comment (somebody removed it) the plan refers to plan.yaml itself. */
int plan_load(const char *path, const struct action_type *const *types, size_t n, struct plan **out, struct err *e);
