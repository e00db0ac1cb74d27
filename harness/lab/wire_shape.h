/* SPDX-License-Identifier: MIT */
/*
 * What the wire does to each packet of one path. Pure: a shape, a seed and the packets' instants and lengths give the
 * fates, on every machine the same. Called by wire_loop.c and by tests.
 *
 * Every packet throws the same number of dice whatever the shape, so packet k of a path meets the same dice in each
 * run of a seed, and a fault changes only what they are read as.
 */
#pragma once
#include "harness/base/rng.h"
#include "harness/spec/topology.h"

struct wire_shaper {
    struct rng dice;
    struct path_state shape; /* cut is not ours: rules cut */
    bool bad;                /* Gilbert-Elliott: in the lossy state */
    bool lost;               /* what became of the packet before */
    int64_t free_ns;         /* with a rate: when the narrow place is free again */
    int64_t last_due_ns;
};

struct wire_copy {
    int64_t due_ns; /* when it leaves */
    bool early;     /* it skips the delay ("reorder") */
    bool corrupt;   /* one bit of it is flipped: */
    uint64_t bit;   /* this one, modulo the bits that may be hit */
};

struct wire_fate {
    unsigned copies; /* 0: lost; 2: duplicated */
    struct wire_copy copy[2];
};

void wire_shaper_init(struct wire_shaper *s, uint64_t seed, uint16_t path);
/* Takes effect with the next packet; packets already decided keep their instants. */
void wire_shaper_set(struct wire_shaper *s, const struct path_state *shape);
struct wire_fate wire_shaper_decide(struct wire_shaper *s, int64_t arrived_ns, size_t len);
