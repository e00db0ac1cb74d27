/* SPDX-License-Identifier: MIT */
/*
 * The wire: a process that carries the frames of shaped links between two devices each, where the kernel has no netem.
 * netns_wire.c makes its network namespace and the devices; this is how it is started, asked and driven.
 *
 * It dies with the process that opened it and holds a bounded number of frames. Every call is bounded in time; a wire
 * that is gone or does not answer is an error of ours (ERR_RUN), never of the system under test.
 */
#pragma once
#include "harness/spec/topology.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct wire;

/* What became of the frames; of one path, or of all. came + duplicated = left + lost + limited + overflow + waiting. */
#define WIRE_COUNTS(X)                                                                  \
    X(came)       /* read from the ring */                                              \
    X(left)       /* handed back to the kernel */                                       \
    X(lost)       /* as asked */                                                        \
    X(duplicated)                                                                       \
    X(early)      /* skipped the delay ("reorder") */                                   \
    X(corrupted)                                                                        \
    X(limited)    /* no room in a queue that was made narrow: rate or limit */          \
    X(overflow)   /* lost though nobody asked: no room, no ring, the kernel refused */  \
    X(waiting)                                                                          \
    X(waiting_max)
struct wire_counts {
#define X(name) uint64_t name;
    WIRE_COUNTS(X)
#undef X
    int64_t late_max_ns; /* the longest that a frame waited beyond its instant */
    int64_t late_from_ns, late_to_ns; /* totals only: the worst since last asked, CLOCK_MONOTONIC; 0 0: none left */
};

struct wire_options {
    uint64_t seed;
    const uint16_t *links; /* those that are wired; kept by nobody after the call */
    size_t link_count;
    int first_index; /* link i's devices are first_index + 2 i on the side of its site a, and + 1 on that of b */
};

/* In the caller's network namespace, where the devices are, and its pid namespace for children. */
int wire_open(struct wire **out, const struct wire_options *o, struct err *e);
void wire_close(struct wire *w);
void wire_forget(struct wire *w); /* in a forked child: lets go without ending it */

/* Drive a path; *got is what the wire then says is in force. Read it back. The cut of a state is not the wire's. */
int wire_set(struct wire *w, uint16_t path, const struct path_state *wanted, struct path_state *got, struct err *e);
int wire_get(struct wire *w, uint16_t path, struct path_state *got, struct wire_counts *counts, struct err *e);
int wire_totals(struct wire *w, struct wire_counts *counts, struct err *e);
int wire_check(struct wire *w, struct err *e); /* -1 and how: it has died, or did not answer once */
pid_t wire_pid(const struct wire *w);
