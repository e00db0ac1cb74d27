/* SPDX-License-Identifier: MIT */
/*
 * The shape of a path (struct path_state) as numbers: how wishes merge, when two shapes are the same, and what the loss
 * in bursts is, packet by packet. Pure; the fabric, the mechanisms (netem, wire) and the proofs all reckon with it.
 *
 * Merging wishes, in whatever order they came:
 *
 *     cut, down, block_new,
 *     stalled                     one is enough
 *     delay, jitter               sums; spread and correlation are those of the widest jitter
 *     loss, duplicate, reorder,
 *     corrupt                     1 - (1 - p)(1 - q)
 *     reorder gap                 the smallest of those that reorder
 *     rate, limit, mtu            the smallest that there is
 *     lanes                       one per port, each merged for itself (harness/lab/lane.h)
 *     gates                       one per port, the strongest; hidden under a cut unless they drop (harness/lab/gate.h)
 *     bursts                      the longest keeps its spells. All other losses count as independent and fall both
 *                                 within and between the spells. That is exact for one burst; of two, the share is
 *                                 exact and the pattern that of the longer.
 */
#pragma once
#include "harness/spec/topology.h"

struct shape_sum {
    struct path_state total;
    double loss, duplicate, reorder, corrupt; /* chances so far */
    double plain;                             /* loss outside of the burst kept */
    struct path_state burst;                  /* its wish */
    int64_t widest_jitter_ns;
};
void shape_add(struct shape_sum *sum, const struct path_state *wish); /* sum zeroed before the first */
struct path_state shape_total(const struct shape_sum *sum);

/* Are they the same to a mechanism that counts rates in bytes and chances in 2^-32? A cut hides loss and bursts. */
bool shape_same(const struct path_state *a, const struct path_state *b);

/*
 * Loss in bursts as the chain of Gilbert and Elliott: a packet that meets the calm state is lost with chance `calm` and
 * starts a spell with chance `begin`; one that meets a spell is lost with chance `within` and ends it with chance
 * `end`. Where the packet falls is decided by the state that it meets. A path starts calm.
 */
struct shape_chain {
    double begin, end, within, calm;
};
/* False: losses are independent, with a chance of loss_ppm. */
bool shape_chain(const struct path_state *s, struct shape_chain *chain);
/* The four members of the loss from a chain, as mechanisms read it back. */
void shape_from_chain(struct path_state *s, const struct shape_chain *chain);

/* By how much bursts widen the spread of a count of losses, as the ratio of
 * variances over many packets; 1: not at all. */
double shape_lumps(const struct path_state *s);

/* What a bucket for this rate holds and so lets through at once: 20 ms of it, two full packets at least and 64 KiB
 * at most, which is also for no rate (0). */
int64_t shape_bucket_bytes(int64_t rate_bps);

/* The burst of losses that lean on each other: lag-1 correlation c of a loss of share p. Thousandths of a packet. */
int64_t shape_correlated_burst(int64_t loss_ppm, int64_t correlation_ppm);
/* The least burst_milli whose spells can carry the loss; INT64_MAX: none, the loss is not between calm and within. */
int64_t shape_shortest_burst(const struct path_state *s);

/* Where in its spread a draw falls, as a multiple of jitter: u in (0, 1) to [-4, 4], mean 0 over u. */
double shape_spread(enum path_spread spread, double u);
