/* SPDX-License-Identifier: MIT */
/*
 * timeline.jsonl back into events. Called by evidence_load; texts go to the evidence's arena, data to its holder.
 */
#pragma once
#include "harness/evidence/evidence_read.h"

int timeline_read(struct evidence *ev, struct err *e);

struct json_holder;
void json_holder_free(struct json_holder *h); /* NULL is fine */
