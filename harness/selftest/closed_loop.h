/* SPDX-License-Identifier: MIT */
/*
 * The prober that drtest is not: it sends, waits for the answer or the time-out, and only then thinks of the next.
 *
 * It watches the same outages through the same client, at most one request per gap, and exists to show by how much such
 * a prober understates an outage. Nothing of it is evidence and nothing of it reaches a verdict.
 */
#pragma once
#include "harness/load/client.h"

struct closed_loop;
struct closed_loop_config {
    const char *address, *target;
    uint16_t port;
    int64_t gap_ns, timeout_ns;
    uint64_t seed;
};
/* Borrows all it is given; begins at once. */
void closed_loop_new(struct closed_loop **out, const struct closed_loop_config *c, struct loop *l, struct transport *t);
void closed_loop_stop(struct closed_loop *c); /* no further request */
bool closed_loop_idle(const struct closed_loop *c);
void closed_loop_free(struct closed_loop *c); /* NULL is fine */

struct closed_loop_count {
    int64_t bad, all;
};
/* Of the requests sent in [from, to), loop time. */
struct closed_loop_count closed_loop_count(const struct closed_loop *c, int64_t from_ns, int64_t to_ns);
