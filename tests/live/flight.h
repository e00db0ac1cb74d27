/* SPDX-License-Identifier: MIT */
/*
 * Datagrams over one path of an open lab, both ends in this process, each with its times: what a shape does, seen from
 * outside. Nobody else's traffic is on the path as long as no node was started.
 */
#pragma once
#include "harness/lab/lab.h"

enum { FLIGHT_BYTES_MIN = 8, FLIGHT_BYTES_MAX = 1400 };

struct flight {
    int64_t sent_ns, taken_ns; /* taken_ns: how long the first copy took, -1 none came */
    int copies;
    int place; /* in the order of arrival, from 0 */
    bool damaged;   /* its first copy differs from what was sent */
    bool disturbed; /* it was taken right after the machine had stood still, so that its time says little */
};

struct flight_plan {
    uint16_t path;
    size_t bytes;     /* of payload, 0: FLIGHT_BYTES_MIN */
    int64_t gap_ns;   /* between two, never less: a machine that stood still is not made up for by a rush */
    int64_t tail_ns;  /* waited for the last */
    bool unchecked;   /* without UDP checksums */
};

/* Send n datagrams and watch them; flights has room for n. -1: the sockets failed. */
int flight_watch(struct lab *lab, const struct flight_plan *plan, struct flight *flights, int n, struct err *e);

int flight_arrived(const struct flight *flights, int n);
int64_t flight_median_ns(const struct flight *flights, int n); /* of those that arrived undisturbed; -1 none */
