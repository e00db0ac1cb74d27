/* SPDX-License-Identifier: MIT */
/*
 * RTO as an interval (measurement section 8): per stream and fault, and for the run.
 *
 * Ends are ns; hi_ns is NS_OPEN where service did not come back by itself. Indexes point into the stream.
 */
#pragma once
#include "harness/measure/recovery.h"
#include "harness/base/vec.h"

enum recovered_by { BY_FAILOVER, BY_OPERATOR, BY_HEAL, BY_NEVER }; /* by badness */
extern const char *const recovered_by_words[];

/* Outage of one stream: its bad requests from ff to before `end`. */
struct loss {
    const struct stream_view *stream;
    size_t ff, end, bad_count;
    int64_t from_ns, to_ns;          /* planned sends of ff and of the first stable request (or the end) */
};

struct stream_rto {
    const struct stream_view *stream;
    const struct fault_view *fault;
    bool hurt;                       /* a loss period is charged to this fault */
    size_t ff, lb, fg;               /* NO_INDEX: none; lb by the search of the lower end, the rest of the upper */
    size_t stable;                   /* fg, or where service became stable after the heal */
    int64_t lo_ns, hi_ns;
    int64_t client_lo_ns, client_hi_ns; /* NS_NONE when not hurt */
    int64_t after_heal_ns;           /* NS_NONE unless by BY_HEAL */
    int64_t blips;
    enum recovered_by by;
    bool flapped, hold_cut;
};

struct rto_run {
    struct stream_rto *at;           /* by fault, then stream; every stream, keep-alive ones, too */
    size_t len;
    vec_of(struct loss) losses;      /* in the arena; of faults and of failbacks */
    bool any;                        /* some fault was applied and some stream decides */
    bool hurt;                       /* some stream that decides had a loss period */
    int64_t lo_ns, hi_ns;            /* over fresh reads and writes: the run's value */
    int64_t keepalive_lo_ns, keepalive_hi_ns; /* NS_NONE without such streams */
    int64_t client_lo_ns, client_hi_ns, after_heal_ns;
    enum recovered_by by;
    bool flapped, hold_cut;
    const struct stream_rto *worst;  /* the one with the largest upper end; NULL if !any */
    const struct stream_rto *latest; /* the one with the largest lower end */
};

void rto_measure(struct study *s, struct rto_run *out);
