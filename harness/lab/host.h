/* SPDX-License-Identifier: MIT */
/*
 * The host as it stands, as sorted lines of text, and what differs between two looks at it. Seen from the namespaces of
 * the caller, without privilege. Private to this room; residue.h is for others.
 *
 *     network   links, queueing disciplines, rules, permanent neighbours, nftables (nl.h)
 *     mounts    all that our mount namespace shows
 *     cgroups   below our own, and whatever bears our name
 *     processes below a given one (whose children, and whose orphans, all of a run are), or whose command line names a
 *               folder
 *     listeners held by those processes
 *     clocks    CLOCK_REALTIME and CLOCK_BOOTTIME against CLOCK_MONOTONIC
 */
#pragma once
#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "harness/base/vec.h"

#include <sys/types.h>

struct host_line {
    char *text;
    bool ours; /* bears our name or mark: nobody else's, whenever it was made */
};

struct host {
    vec_of(struct host_line) lines; /* sorted */
    struct clock_quad clock;
};

struct host_scope {
    pid_t root;         /* the process below which all of the run is */
    pid_t self;         /* left out: the one who looks */
    const char *folder; /* on the command line of processes, wherever they are; "" none */
    const char *disk;   /* a mount here or below is ours; "" none */
    const char *groups; /* how the names of the run's control groups begin; "" none */
};

int host_look(struct host *h, const struct host_scope *scope, struct err *e); /* h zeroed */
void host_deinit(struct host *h);
/* What the second has and the first has not, or the other way round, and what is ours in the second: a line each. */
void host_differ(const struct host *before, const struct host *after, struct text *found);
