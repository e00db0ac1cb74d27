/* SPDX-License-Identifier: MIT */
/* What the faults of the plan may touch: result.blast_radius, by name. */
#pragma once
#include "harness/measure/result.h"
#include "harness/measure/study.h"

void blast_fill(const struct study *s, struct result *out);
