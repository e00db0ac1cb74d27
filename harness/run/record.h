/* SPDX-License-Identifier: MIT */
/*
 * The conductor's pen: every line of the timeline passes here, so that the person watching and the file see the same.
 *
 * Instants given and returned are run time. A failure to write is sticky and read by the conductor at the end.
 */
#pragma once
#include "harness/base/err.h"
#include "harness/base/loop.h"
#include "harness/run/run.h"

struct recorder {
    struct timeline *timeline;
    struct loop *loop;     /* the lab's; NULL before it is open and after it is closed */
    int64_t zero_ns;       /* loop time of run time 0; 0 in a run on virtual time */
    int64_t last_ns;       /* run time when a virtual loop was let go */
    struct progress *progress;
    struct err failure;
};

int64_t record_now(const struct recorder *r);  /* the instant of this turn of the loop */
int64_t record_tick(struct recorder *r);       /* read the clock now */
int64_t record_add(struct recorder *r, const struct event *ev); /* returns the line's seq */
/* The common shape: an instant, texts (NULL where empty), a number. */
int64_t record_fact(struct recorder *r, enum event_kind kind, const char *subject, const char *outcome,
                    const char *detail, int64_t code);
void record_release(struct recorder *r); /* the loop is about to go away */
void record_clock(struct recorder *r, const char *when); /* the clock quadruple */
