/* SPDX-License-Identifier: MIT */
/* What each moment of a plan looks like: a list for JSON, and the table for people made of that list. */
#pragma once
#include "harness/spec/plan.h"

struct err;
/* [{"at_s", "begins": [..], "ends": [..], "links": [{"from", "to", "state"}], "nodes": [{"node", "state"}],
 *   "also": [..]}]: links and nodes that are not as at the start; also are faults of which only the steps can tell. New
 * reference; NULL after an error. */
json_t *moments_json(const struct plan *p, struct err *e);
void moments_print(const json_t *moments);
