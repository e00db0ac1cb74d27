/* SPDX-License-Identifier: MIT */
/*
 * Following a drill from outside, by the lines that it writes, and striking it at a chosen moment.
 *
 * A moment is a line of timeline.jsonl or undo.jsonl and a time after it. A line is named by its kind and what tells it
 * from its like: "phase.begin/fault", "fault.apply/3", "undo.open/3". After "scenario.zero" time is counted from
 * scenario time 0, after all other lines from when the line was seen; "" is the start of the program.
 */
#pragma once
#include "harness/base/child.h"

struct moment {
    char line[64];
    int64_t after_ns;
};

struct flight {
    struct child runner;
    char run_path[256]; /* once it is known */
    const char *output;
    char known[4096];   /* names of the runs that were there before */
    int64_t clock_zero_ns; /* CLOCK_MONOTONIC of run time 0, once it is known */
    long read[2];       /* how far the two files have been read */
};

/* Start `drtest run scenario -o output`; what it says goes to log. */
int flight_start(struct flight *f, const char *drtest, const char *scenario, const char *output, const char *log);
/* Wait for the moment. False: it did not come (the run ended, or half a minute passed). */
bool flight_await(struct flight *f, const struct moment *m);
int flight_end(struct flight *f, int64_t bound_ns); /* wait for its end; wait status, -1 it does not end */

/* Each whole line of the timeline of a run, in order; false: one of them is no
 * event. seen gets NULL-terminated json. */
struct event_line {
    char line[64];
    int64_t at_ns, end_ns;
    char outcome[32];
};
int timeline_lines(const char *run_path, struct event_line *lines, int max); /* how many; -1: damaged */
