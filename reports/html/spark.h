/* SPDX-License-Identifier: MIT */
/*
 * A sparkline: what one objective came to in the last runs, a dot per run in the colour of its verdict, with the target
 * as a line. Called by the cards of a run and by the rows of a suite. Owns nothing.
 */
#pragma once
#include "harness/measure/pool.h"
#include "reports/html/svg.h"

enum { SPARK_RUNS = 12 };

struct spark {
    struct spark_dot {
        double value; /* the end that is judged; INFINITY: open */
        enum verdict verdict;
    } dots[SPARK_RUNS]; /* oldest first */
    size_t count;
    double target;
    bool at_least;
};

/* The last runs that have the objective; room is left for `room` dots more. */
struct spark spark_of(const struct pool_run *runs, size_t count, const char *objective, size_t room);
void spark_add(struct spark *s, const struct pool_objective *o); /* may be NULL: nothing */
void spark_draw(struct text *t, const struct spark *s);
