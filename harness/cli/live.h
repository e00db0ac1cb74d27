/* SPDX-License-Identifier: MIT */
/*
 * A page of the running drill (run --live): served on a loopback port by a process of its own, fed with what the person
 * at the terminal sees, and gone with the run. When the run is judged, the page turns into its report.
 *
 * The conductor tells and never waits; a page that nobody looks at costs a datagram a second.
 */
#pragma once
#include "harness/cli/listener.h"
#include "harness/cli/live_lanes.h"
#include "harness/evidence/event.h"
#include "harness/measure/result.h"
#include "harness/run/run.h"
#include "harness/spec/plan.h"

struct live {
    struct listener server;
    struct live_lanes *lanes;
    const struct topology *topology; /* borrowed */
    char url[64];
};

/* on false: no page, and the other functions do nothing. The page is there when this returns; url says where. */
int live_begin(struct live *l, bool on, const struct plan *plan, const char *run_path, struct err *e);
void live_event(struct live *l, const struct event *ev, double run_s);
void live_view(struct live *l, const struct run_view *v);
/* The reports are written. Waits until the pages that were open have fetched it, some seconds at most. */
void live_end(struct live *l, const struct result *r);
void live_close(struct live *l); /* in any case */

/* {"from", "to", "p50", "p99", "sites": [[good, bad, served], ...], "moves": [[vantage, "eu-west/1", at], ...]}, as a
 * view has it; sites are numbers in the page's `about`. New reference. */
json_t *live_second(const struct run_second *s, const struct topology *t);
