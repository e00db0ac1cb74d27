/* SPDX-License-Identifier: MIT */
/* Targets as people write them: value with unit, "rto at most 5s", lists of them. */
#pragma once
#include "harness/base/units.h"
#include "harness/spec/plan.h"

struct text;
char *target_print(const struct plan_target *t, char out[UNIT_MAX]); /* returns out */
/* "rto 5s, rpo 1s, availability 95%"; implied ones left out */
void target_list_text(struct text *out, const struct plan *p);
