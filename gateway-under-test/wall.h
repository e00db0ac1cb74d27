/* SPDX-License-Identifier: MIT */
/*
 * Wall time as this node takes it: the host's, unless POST /clock says otherwise. It stands in the log, in the origin
 * time of records and in the status. Of what decides only the times in tokens are compared with it: leases are counted
 * on CLOCK_BOOTTIME, time-outs, checks and lags on CLOCK_MONOTONIC; a stepped clock must change neither who leads nor
 * what is acknowledged.
 */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define WALL_SLOTS 16
#define WALL_NAME 24

/* Zeroed: the host's time. */
struct wall {
    struct wall_slot {
        char fault[WALL_NAME];
        int64_t step_ms, rate_ppm; /* a million: as fast as time goes */
        int64_t since_ns;          /* monotonic: runs at this rate since then */
    } slots[WALL_SLOTS];
    size_t count;
};

int64_t wall_ns(const struct wall *w);
/* {"fault":"7","step_ms":-3600000,"rate_ppm":1010000}; without step and rate the
 * slot is given up. HTTP status: 200, 400, 409. */
int wall_order(struct wall *w, const json_t *body);
json_t *wall_status(const struct wall *w); /* null without slots; new reference */
