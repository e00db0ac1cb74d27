/* SPDX-License-Identifier: MIT */
/*
 * A plan by hand: regions "here" and "there" with one gateway each, and the vantage "clients" between them. Endpoints:
 * position 0 is here/1, 1 is there/1.
 */
#pragma once
#include "harness/spec/plan.h"

enum { FIXTURE_VANTAGE = 2, FIXTURE_STREAMS = 3 };

struct plan_fixture {
    struct plan plan;
    struct topology topology;
    struct topo_site sites[3];
    struct topo_node nodes[3];
    uint16_t endpoints[2];
    struct plan_stream streams[FIXTURE_STREAMS]; /* fresh reads, kept-alive reads, writes */
};

/* rate per second of each stream, 0: leave it out. */
void plan_fixture_init(struct plan_fixture *f, int64_t fresh, int64_t kept, int64_t writes, int64_t timeout_ns);
