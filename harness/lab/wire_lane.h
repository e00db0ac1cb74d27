/* SPDX-License-Identifier: MIT */
/*
 * The lanes of a wired path: shapers of their own for the packets of single ports. Pure, like wire_shape.h. A packet
 * first meets what all meet, then its lane, so that a narrow place of the path is shared by all in the order in which
 * they came.
 */
#pragma once
#include "harness/lab/wire_shape.h"

struct wire_lanes {
    uint16_t count;
    struct {
        uint16_t port;
        struct wire_shaper shaper;
    } at[PATH_LANES_MAX];
};

/* The lanes of a state; dice and memory of those that stay go on. */
void wire_lanes_set(struct wire_lanes *lanes, uint64_t seed, uint16_t path, const struct path_state *state);
void wire_lanes_get(const struct wire_lanes *lanes, struct path_state *state);
/* What becomes of a packet with this fate behind its lane, if it has one. */
struct wire_fate wire_lanes_decide(struct wire_lanes *lanes, const struct wire_fate *fate, const unsigned char *frame,
                                   size_t len);
