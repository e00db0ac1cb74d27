/* SPDX-License-Identifier: MIT */
/* The lanes of a path: what the packets of one port meet on top of what all meet. Pure; shape.c merges with it. */
#pragma once
#include "harness/spec/topology.h"

/* Lanes of a wish into those of a sum. False: there is no room for another port. */
bool lanes_add(struct path_state *sum, const struct path_state *wish);
void lanes_copy(struct path_state *to, const struct path_state *from);
bool lanes_same(const struct path_state *a, const struct path_state *b);
/* What a packet of the port meets in all; port 0, or one without a lane: what all meet. */
struct path_state lane_met(const struct path_state *s, uint16_t port);
