/* SPDX-License-Identifier: MIT */
/*
 * When each request of a stream leaves: the open loop, as arithmetic. Pure; a stream asks it and nobody else decides.
 *
 * The invariant: due instants come from plan_due_ns alone, each is handed out exactly once, in order, whatever
 * became of the requests before.
 */
#pragma once
#include "harness/spec/plan.h"

struct pacer {
    const struct plan_stream *stream;
    int64_t first_ns; /* s_0 */
    uint64_t next;    /* number of the next request */
};

/* The seeded offset of a stream's first request, uniform in [0, Delta): consumer "pacer/<vantage>/<stream>". */
int64_t pacer_offset_ns(const struct plan *plan, size_t stream);
void pacer_init(struct pacer *p, const struct plan *plan, size_t stream, int64_t start_ns);
int64_t pacer_next_ns(const struct pacer *p);
/* True when request *k is due by now; *due_ns is its planned instant. Call again until false. */
bool pacer_take(struct pacer *p, int64_t now_ns, uint64_t *k, int64_t *due_ns);
