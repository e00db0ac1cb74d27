/* SPDX-License-Identifier: MIT */
/* The moments at which a drill with six faults is ended, and by what. */
#pragma once
#include "tests/live/kill_watch.h"

enum { POINTS_MAX = 200 };

struct point {
    struct moment moment;
    int signal; /* 0: the disk becomes full */
    bool twice; /* and once more, while the first is being answered */
};

/* of: the timeline of a drill that was let alone, n lines. How many there are. */
int all_points(struct point to[POINTS_MAX], const struct event_line *of, int n);
int few_points(struct point to[POINTS_MAX]);
