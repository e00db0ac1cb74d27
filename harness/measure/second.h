/* SPDX-License-Identifier: MIT */
/*
 * The RTO of one stream and one fault a second time, straight from the definitions (measurement sections 7 and 8).
 *
 * Meant to be read beside the method and to be slow where rto.c and recovery.c are clever; it shares nothing with them.
 * Works on the second prober's records, which know no suspects. Pure.
 */
#pragma once
#include "harness/evidence/cross.h"

#include <stdbool.h>

struct second_rules {
    int64_t window_ns; /* w */
    int64_t good_ppm;  /* rho */
    int64_t p99_ns;    /* L_p99; 0: no such condition */
};

struct second_fault {
    int64_t ib_ns, ie_ns;
    int64_t end_ns;    /* E */
    int64_t cut_ns;    /* begin of the next fault, or E where that is earlier */
    int64_t charge_ns; /* an outage whose first bad request completes later than this is not this fault's */
    int64_t hold_ns;   /* H */
};

struct second_answer {
    bool hurt;            /* something bad was sent before E, completed after t_ib, and is charged to the fault */
    int64_t lo_ns, hi_ns; /* hi_ns: INT64_MAX where service was not back by E */
    size_t fg;            /* SIZE_MAX likewise */
    bool overtaken;       /* the next fault began before a request could tell of this one: there is no answer */
};

/* at: of one vantage, by number. */
void second_rto(const struct cross_record *at, size_t len, const struct second_rules *rules,
                const struct second_fault *fault, struct second_answer *out);
