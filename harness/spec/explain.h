/* SPDX-License-Identifier: MIT */
/*
 * `drtest explain TOPIC`: what a key, a verb, a target or an error code means, from the tables that the loader reads
 * by.
 */
#pragma once
#include "harness/spec/action.h"

struct err;
struct text;

/* topic: a path of keys (workload.reads.rate, timeline.partition, timeline.kill.how, suite.scenarios), a target (rto)
 * or a code (DR0103). Unknown: -1 with ERR_USAGE and the nearest topic as help. */
int spec_explain(struct text *out, const char *topic, const struct action_type *const *types, size_t n, struct err *e);
