/* SPDX-License-Identifier: MIT */
/* What the live page says of the plan before anything has happened. For live_serve.c. */
#pragma once
#include "harness/spec/plan.h"

/* {"name", "title", "description", "tags", "run", "good_ratio", "objectives": [{"label", "target", "implied"}],
 *   "faults": {"1": "kill us-east"}, "states": words, "lanes": as live_lanes_list, "sites": [{"name", "kind", "role"}]}
 * as text; heap. */
char *live_about(const struct plan *plan, const char *run_path);
