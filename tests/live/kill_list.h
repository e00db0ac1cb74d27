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

/* steps: the timeline of a drill that was let alone. How many there are. */
int all_points(struct point points[POINTS_MAX], const struct event_line *steps, int step_count);
int few_points(struct point points[POINTS_MAX]);
