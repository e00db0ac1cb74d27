/* SPDX-License-Identifier: MIT */
/* What the faults of links have in common: layers on paths, read-back, canaries. Private to this room. */
#pragma once
#include "injectors/injector.h"

#define LINK_PATHS_MAX 2
#define LINK_LOOK_DATAGRAMS 10

int link_apply(struct injection *in, const struct path_state *wish, struct err *e);
int link_heal(struct injection *in, struct err *e);

/* Does the kernel say what all faults together want, on every path that this one hits? */
bool link_reads_back(struct injection *in, bool cut_only);
/* How long a datagram of the path may be under way. */
int64_t link_allowance(const struct injection *in, uint16_t path);
/* Nothing can be seen on it: a cut, a stall, a device that is down, an end without power. */
bool link_hidden(const struct injection *in, uint16_t path);
/* The newest datagrams were all lost, on each path that this fault hits. */
enum proof link_all_lost(struct injection *in);
/* A path whose end another fault has unplugged carries nothing, and proves nothing either way. */
bool link_end_unplugged(const struct injection *in, uint16_t path);
/* PROVEN: the path that no fault hits is well (or there is none to compare with). */
enum proof link_control(struct injection *in, int64_t since_ns);
/* After the heal: the paths that nobody cuts carry datagrams again. */
enum proof link_carries(struct injection *in, int64_t since_ns);
