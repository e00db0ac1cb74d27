/* SPDX-License-Identifier: MIT */
/* What the faults of links have in common: layers on paths, read-back, canaries. Private to this room. */
#pragma once
#include "injectors/injector.h"

#define LINK_LOOK_DATAGRAMS 10

int link_apply(struct injection *in, const struct path_state *wish, struct err *e);
int link_heal(struct injection *in, struct err *e);

/* Does the kernel say what all faults together want, on every path that this one hits? */
bool link_reads_back(struct injection *in, bool cut_only);
/* How long a datagram of the path may be under way. */
int64_t link_allowance(const struct injection *in, uint16_t path);
/* Nothing can be seen on it: a cut, a gate for all, a stall, a device that is down, an end without power. */
bool link_hidden(const struct injection *in, uint16_t path);
/* All datagrams lost lately on every path that it hits and canaries watch. */
enum proof link_all_lost(struct injection *in);
/* A path whose end another fault has unplugged carries nothing, and proves nothing either way. */
bool link_end_unplugged(const struct injection *in, uint16_t path);
/* PROVEN: the path that no fault hits is well (or there is none to compare with). */
enum proof link_control(struct injection *in, int64_t since_ns);
/* Since then: the paths that nobody cuts or rejects as a whole carry datagrams. */
enum proof link_carries(struct injection *in, int64_t since_ns);

/* Knocks (link_knock.c) on a TCP port across the links that it hits, in the directions that it hits or (both_ways)
 * in both: does each meet what all faults together put in its way? A round of some 300 ms; PENDING until it is over.
 * In a lab without knocks on ports always PROVEN. *knocks (out) is how many there were. */
enum proof link_knocks(struct injection *in, uint16_t port, bool both_ways, bool healed, size_t *knocks);
