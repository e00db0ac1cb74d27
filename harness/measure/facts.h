/* SPDX-License-Identifier: MIT */
/* What is not measured but recorded: identity, course, mechanisms, limits, drift, age of configurations, stops. */
#pragma once
#include "harness/measure/measure.h"
#include "harness/measure/study.h"

void facts_identity(const struct study *s, const struct measure_context *ctx, struct result *out);
void facts_course(const struct study *s, struct result *out);
void facts_drift(const struct study *s, struct result *out);
/* Whom an action hits, by name: a region, a node, or all ends of links. */
void facts_subjects(struct arena *arena, const struct topology *t, const struct action *a, struct texts *out);
void facts_leaving(const struct study *s, struct result *out);    /* requests under way at gateways told to go */
void facts_config_age(const struct study *s, struct result *out); /* of the region that took over */
