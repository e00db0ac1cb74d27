/* SPDX-License-Identifier: MIT */
/*
 * Two ways to the same world, each built and taken down once in a process of its own. Called by world.c alone.
 */
#pragma once
#include "bench/bench.h"
#include "harness/spec/topology.h"

#include <stdbool.h>

struct world_time {
    bool done;
    double open_ms, close_ms;
    struct err e;
};

struct world_size {
    size_t namespaces, pairs, addresses, routes;
};

struct world_size world_size_of(const struct topology *t);

/* NULL: it can be done; else why not. */
const char *peer_missing(void);
/* Write the peer's batch files into folder: make, del, and one per namespace. */
void peer_write(const struct topology *t, const char *folder);
/* Build and remove by iproute2. Takes the calling process into namespaces of its own for good. */
void peer_round(const struct topology *t, const char *folder, struct world_time *out);
