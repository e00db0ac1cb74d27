/* SPDX-License-Identifier: MIT */
/* What clients got over the whole drill: failback, availability, latency (measurement section 8). */
#pragma once
#include "harness/measure/result.h"
#include "harness/measure/rto.h"

struct failback {
    bool any;                 /* some fault was healed within observation */
    int64_t lo_ns, hi_ns;
    bool headless;            /* some stream's home is unknown: good replies alone counted */
    const struct fault_view *fault; /* the one with the largest upper end */
    int64_t back_ns;          /* run time of the first stable reply from home, NS_NONE */
};
void failback_measure(const struct study *s, struct failback *out);

struct availability {
    bool any, whole;          /* whole: observation covers the window */
    int64_t from_ns, to_ns;
    int64_t intended, good;
    int64_t suspects;         /* bad, but perhaps only by our own lateness */
};
/* Fills the measures of availability, impairment tiles and losses, and the block `requests`. */
void availability_measure(const struct study *s, const struct rto_run *rto, struct availability *a,
                          struct result_measures *m, struct result_requests *requests);

/* Nearest-rank quantiles of good latencies in ms. Those above credit_ns are shortened by our own lateness meanwhile
 * (INT64_MAX: none), which is all that a lower end has to know to be compared with that value. NAN without any. */
double latency_drill_ms(const struct study *s, const struct availability *a, int percent, int64_t credit_ns);
void latency_measure(const struct study *s, const struct rto_run *rto, struct result_measures *m);
