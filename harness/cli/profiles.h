/* SPDX-License-Identifier: MIT */
/*
 * What each profile would make of a scenario's bound: the time without service that the configuration alone explains.
 * Used by plan.
 */
#pragma once
#include "harness/cli/batch.h"
#include <jansson.h>

/* [{name, rto_floor {min_s, mean_s, max_s}}] by profile; null where the profile
 * does not fit the scenario. New reference. */
json_t *profiles_json(const struct batch *b, const struct plan *p);
void profiles_print(const json_t *profiles);
