/* SPDX-License-Identifier: MIT */
/*
 * Where the second prober's client sends its next request: an ordered list of endpoints and what it thinks of each.
 *
 * Pure. The rules are the topology's failover section, as the method states them, written a second time on purpose
 * (harness/load/endpoints.c is the first; neither looks at the other).
 */
#pragma once
#include "harness/spec/topology.h"

struct cross_place {
    uint16_t node;
    const char *address;
    bool out;                     /* not asked while another is in */
    int64_t judged_ns;            /* when it last went out or came back */
    int64_t request_run;          /* failed requests in a row */
    int64_t probe_run;            /* probes in a row: above 0 good ones, below 0 failed ones */
};

struct cross_route {
    struct cross_place *places;
    size_t count, here; /* here: where requests go now */
    int64_t lose_after, regain_after;
};

/* Borrows topology and addresses (by position; NULL: the topology's). */
void cross_route_init(struct cross_route *r, const struct topology *t, const char *const *addresses);
void cross_route_deinit(struct cross_route *r);

/* A request or a probe of this place ended. True: requests go elsewhere from now on. */
bool cross_route_request(struct cross_route *r, size_t place, bool failed, int64_t sent_ns, int64_t now_ns);
bool cross_route_probe(struct cross_route *r, size_t place, bool failed, int64_t now_ns);
