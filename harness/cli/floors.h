/* SPDX-License-Identifier: MIT */
/*
 * Targets against floors, before anything runs: what the configuration alone takes (measuring.md, Floors).
 */
#pragma once
#include "harness/measure/measure.h"
#include "harness/spec/diag.h"
#include <jansson.h>

struct floor floor_of_target(const struct plan *p, enum target_key key); /* NAN where there is none */

json_t *floor_json(struct floor f); /* {min_s, mean_s, max_s}, null where there is none */

/* What the floor means for a target: NULL where it is out of its way. */
const char *floor_says(const struct plan_target *t, struct floor f);

/* Warn of each target that the configuration puts out of reach. suite: the file of the suite that p comes from, or
 * NULL. */
void floor_warn(const struct plan *p, const struct source *suite, struct diag_list *diags);
