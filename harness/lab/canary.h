/* SPDX-License-Identifier: MIT */
/*
 * Datagrams that show what a path really does. Both ends of every path stand in this process, so one clock gives exact
 * one-way delay and loss. 50 datagrams a second per watched path; each carries path, sequence and send time.
 *
 * A canary is started before the baseline (it needs a baseline of its own) on every path that a network fault will hit
 * and on one control path that none hits, and runs until the end. It lives on the lab's loop.
 */
#pragma once
#include "harness/lab/lab.h"

struct canary;
int canary_new(struct canary **out, struct lab *lab, uint16_t path, uint16_t port, struct err *e); /* port 0: any */
/* One whose datagrams are IP packets of so many bytes; ten a second. */
int canary_new_long(struct canary **out, struct lab *lab, uint16_t path, size_t ip_bytes, struct err *e);
void canary_free(struct canary *c);
/* So many datagrams at each beat from now on, to count what is rare; 1 is what a canary begins with. */
void canary_thicken(struct canary *c, unsigned per_beat);

struct canary_view {
    uint64_t sent, received;
    uint64_t lost_in_a_row;       /* the newest of them, in a row without arrival */
    int64_t delay_median_ns;      /* of those received; -1 none */
    uint64_t reordered, duplicated;
    uint64_t early;               /* came in less than half of the median delay */
};
/* What was seen of datagrams sent in [from_ns, to_ns), run time, without those that may still be under way: sent less
 * than allowance_ns ago. */
struct canary_view canary_look(const struct canary *c, int64_t from_ns, int64_t to_ns, int64_t allowance_ns);
/* Has any of the datagrams sent before this instant arrived? One of which none did shows nothing of a loss. */
bool canary_arrived_before(const struct canary *c, int64_t at_ns);
uint16_t canary_path(const struct canary *c);
uint16_t canary_port(const struct canary *c); /* 0: none that anybody singles out */
