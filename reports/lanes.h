/* SPDX-License-Identifier: MIT */
/*
 * Lanes: what state each region and node was in over time, and who led, as seen from outside.
 *
 * Made from the events NODE and OBSERVED and from the faults of the result; or, while a run goes on, by a walk that is
 * told of both as they come. Owns its spans. A region comes before its nodes; vantages have no lane here, theirs is
 * drawn from the samples.
 */
#pragma once
#include "harness/base/vec.h"
#include "reports/report.h"

enum lane_state {
    LANE_ABSENT,
    LANE_STARTING,
    LANE_UP,
    LANE_DRIFTED,
    LANE_DEGRADED,
    LANE_FROZEN,
    LANE_DOWN,
    LANE_STATES
};
extern const char *const lane_state_words[LANE_STATES];

struct lane_span {
    double from_s, to_s;
    enum lane_state state;
};

struct lane {
    const char *name;                  /* borrowed from the plan */
    uint16_t site, node;               /* node TOPO_NONE: the region as a whole */
    vec_of(struct lane_span) spans;    /* without gaps from the first to the end of the run; merged */
    vec_of(struct lane_span) leads;    /* while it (or an origin of it) said that it leads; state is LANE_UP */
};

struct lanes {
    vec_of(struct lane) all;
};

/* Where clients went that changed to endpoint k of the topology's list, for people. */
const char *lanes_endpoint(const struct topology *topo, uint64_t k);

void lanes_make(struct lanes *l, const struct report_input *in, double end_s);
/* The walk borrows lanes, which it makes empty, and topology. In order of time; then the last span of a lane is its
 * state by now, and it leads while the last of its leads is open (to infinity). */
struct lanes_walk *lanes_walk_new(struct lanes *l, const struct topology *topo);
void lanes_walk_event(struct lanes_walk *w, const struct event *ev);
/* Of the fault only its verb and its subject are read. */
void lanes_walk_fault(struct lanes_walk *w, double at_s, const struct result_fault *fault, bool begins);
void lanes_walk_free(struct lanes_walk *w);

void lanes_deinit(struct lanes *l);
#define scoped_lanes __attribute__((cleanup(lanes_deinit)))
