/* SPDX-License-Identifier: MIT */
/*
 * Lateness, measured twice over the same seconds: by the load room's worker and by a loop that does nothing else.
 * Called by slip.c alone.
 */
#pragma once
#include "bench/bench.h"

#include <stdbool.h>
#include <stdint.h>

#define SLIP_LATENESS_MAX 200000 /* of one run of one side */

struct slip_order {
    int64_t rate, start_ns, seconds; /* start_ns: CLOCK_MONOTONIC */
    uint16_t port;
    const char *folder; /* empty, for samples.bin */
};

/* What one side saw, in shared memory. */
struct slip_side {
    bool done;
    struct err e;
    uint64_t count, bad; /* bad: not sent, or not answered well */
    double late_us[SLIP_LATENESS_MAX];
};

void slip_bare(const struct slip_order *o, struct slip_side *out);
void slip_worker(const struct slip_order *o, struct slip_side *out);
