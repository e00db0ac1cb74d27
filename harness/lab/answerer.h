/* SPDX-License-Identifier: MIT */
/*
 * The answerer: a process that says to the senders what a gate keeps from them is not delivered, where rules alone
 * would be silent, or (the kernel counts its own ICMP errors) answer once a second. It listens in the routers of sites
 * whose links a fault of the run rejects, and answers exactly what its orders name.
 *
 * It dies with the process that opened it. Every call is bounded in time; one that is gone or does not answer is an
 * error of ours (ERR_RUN), never of the system under test.
 */
#pragma once
#include "harness/spec/topology.h"
#include <sys/types.h>

struct err;
struct answerer;

struct answerer_options {
    const int *routers; /* by site: network namespaces to listen in; -1 where nothing is rejected */
    size_t site_count;
};
/* In the caller's pid namespace for children. */
int answerer_open(struct answerer **out, const struct answerer_options *o, struct err *e);
void answerer_close(struct answerer *a);
void answerer_forget(struct answerer *a); /* in a forked child: lets go without ending it */

/* For whom it answers on a path: packets that the router of a site gets for
 * 10.<to site + 1>.0.0/16 and that meet a gate. */
struct answerer_order {
    uint16_t path, site;
    uint32_t to; /* host byte order */
    uint16_t gate_count;
    struct path_gate gates[PATH_GATES_MAX]; /* as in struct path_state */
};
/* Replace the order of the path. When it returns, nothing is answered any more that the new order does not name. */
int answerer_set(struct answerer *a, const struct answerer_order *order, struct err *e);
/* The order in force, as the process says; `answered` (may be NULL) counts what it said on this path. */
int answerer_get(struct answerer *a, uint16_t path, struct answerer_order *order, uint64_t *answered, struct err *e);
