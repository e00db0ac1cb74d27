/* SPDX-License-Identifier: MIT */
/* What the live page's lanes show, followed event by event as the report will have it. For live.c. */
#pragma once
#include "harness/evidence/event.h"
#include "harness/spec/plan.h"

struct live_lanes;
struct live_lanes *live_lanes_new(const struct plan *plan);
/* {"kind":"lanes", "t", "states", "leads"}: a digit per lane, in the order of the page's `about`; the state is a place
 * in lane_state_words. All lanes at each change, so that a message that was lost does no lasting harm. New reference;
 * NULL when nothing changed. */
json_t *live_lanes_take(struct live_lanes *l, const struct event *ev);
void live_lanes_free(struct live_lanes *l);

json_t *live_lanes_list(const struct plan *plan); /* [{"name", "site", "node"}]; new reference */
