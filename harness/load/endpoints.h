/* SPDX-License-Identifier: MIT */
/*
 * The ordered list of endpoints of one vantage, and which of them new requests go to. Pure: results in, an index out.
 *
 * A real client of a multi-region service has such a list; its rules are the topology's failover section. The current
 * endpoint is the first healthy one in list order; when none is healthy, the first.
 */
#pragma once
#include "harness/spec/topology.h"

struct endpoint {
    uint16_t node;       /* index of the gateway in the topology */
    const char *address; /* dotted IPv4 */
    bool unhealthy;
    int64_t since_ns;                        /* last change of health */
    int64_t request_failures;                /* in a row, while it was the current one */
    int64_t probe_failures, probe_successes; /* in a row */
};

struct endpoints {
    struct endpoint *at; /* by position in the list */
    size_t count;
    size_t current;
    const struct topo_failover *rules;
};

/* addresses (by position) override the topology's; NULL: none does. Borrows topology and addresses. */
void endpoints_init(struct endpoints *list, const struct topology *t, const char *const *addresses);
void endpoints_deinit(struct endpoints *list);
/* A request that was sent to endpoint i at sent_ns ended. True when the current endpoint changed by it. */
bool endpoints_request(struct endpoints *list, size_t i, bool failed, int64_t sent_ns, int64_t now_ns);
/* A probe of endpoint i ended. True when the current endpoint changed by it. */
bool endpoints_probe(struct endpoints *list, size_t i, bool failed, int64_t now_ns);
