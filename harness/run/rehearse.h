/* SPDX-License-Identifier: MIT */
/*
 * The timeline of a plan gone through without a world: the injectors act on the simulated lab, the fabric merges what
 * they ask for, and whoever wants to know what a moment looks like is called at each of them. Takes milliseconds.
 */
#pragma once
#include "harness/lab/fabric.h"
#include "harness/spec/plan.h"

struct moment {
    int64_t at_ns;                   /* scenario time */
    const struct deed *deeds;        /* what is done then, in that order */
    size_t deed_count;               /* 0 and nothing goes on: observation ends, and with it what is still open */
    const struct plan_step *goes_on; /* no deed: a staggered step takes its next node; else NULL */
    const struct fabric *fabric;     /* after it */
    const struct plan_step **open;   /* the faults in force after it, oldest first */
    size_t open_count;
    const struct plan_step **unseen; /* those of them that could not be rehearsed: what they do is not in the fabric */
    size_t unseen_count;
};
typedef void moment_fn(void *arg, const struct moment *m);

int rehearse(const struct plan *p, moment_fn *each, void *arg, struct err *e);
