/* SPDX-License-Identifier: MIT */
/*
 * `drtest explain TOPIC`: what a key, a verb, a target or an error code means, from the tables that the loader reads
 * by.
 */
#pragma once
#include "harness/spec/action.h"

struct err;
struct text;

/* topic: a path of keys (workload.reads.rate, timeline.partition, timeline.kill.how, timeline.at, suite.scenarios), a
 * verb (kill), a target (rto) or the code of something wrong with a file (DR0103). Unknown: -1 with ERR_USAGE and, if
 * some topic of this room is near, a help that names it. */
int spec_explain(struct text *out, const char *topic, const struct action_type *const *types, size_t n, struct err *e);

/* Call see for every topic but the codes. Keys that steps of several verbs have (timeline.at) are told once. */
void spec_topics(const struct action_type *const *types, size_t n, void (*see)(void *arg, const char *topic),
                 void *arg);
