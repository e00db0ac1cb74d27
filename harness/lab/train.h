/* SPDX-License-Identifier: MIT */
/*
 * A train: datagrams that leave at once, twice as many as fit through at once where a path has a rate. How fast its
 * second half arrives is the rate of the path, or less where others want to pass as well.
 *
 * Made before the baseline, one per path of a step with a rate, so that its sockets stand; the proofs let it run. It
 * costs whoever else is on the path up to its own length of time, so nobody lets it run without need. Lives on the
 * lab's loop and owns its sockets.
 */
#pragma once
#include "harness/lab/lab.h"

#define TRAIN_RATE_MAX_BPS INT64_C(20000000) /* what a slow machine can still outrun */
#define TRAIN_DATAGRAMS_MAX 96
#define TRAINS_JUDGED 3 /* the newest; of long ones the newest alone */

struct train_size {
    size_t datagrams, ip_bytes;  /* of each */
    int64_t passage_ns;          /* of all of them at the rate */
};
/* Of a train for this rate; datagrams 0: the rate is too high to be shown by one. */
struct train_size train_size_for(int64_t rate_bps);

struct train;
int train_new(struct train **out, struct lab *lab, uint16_t path, uint16_t port, int64_t rate_bps, struct err *e);
void train_free(struct train *t);
/* Let one run, unless one is under way. It is over when all has come, or way_ns and twice its passage at the rate
 * that is in force have gone by. */
void train_run(struct train *t, int64_t rate_bps, int64_t way_ns);

struct train_view {
    bool under_way;
    unsigned passed;     /* that tell a speed */
    unsigned held_up;    /* whose datagrams did not get away at once, so that they tell none */
    int64_t departure_ns; /* how long the datagrams of the newest took to get away */
    int64_t speed_bps;   /* the median of the newest that passed, at most so many as are judged; 0 none */
};
/* Of those that began since. */
struct train_view train_look(const struct train *t, int64_t since_ns, unsigned judged);

/* The speed of the second half: datagrams that arrived at these instants (-1: did not), each of so many bytes on the
 * link. -1: too few to say; INT64_MAX: at once. */
int64_t train_speed_bps(const int64_t *at_ns, size_t n, size_t link_bytes);
