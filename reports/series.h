/* SPDX-License-Identifier: MIT */
/*
 * Requests over time: the samples of a run gathered into equal buckets by planned send.
 *
 * Made once per report from the evidence, read by the charts, the lanes and the data tables. Owns its arrays;
 * a zeroed struct series is empty. Seconds of run time throughout; a latency that no good request gives is NAN.
 */
#pragma once
#include "harness/evidence/evidence_read.h"
#include "harness/spec/plan.h"

#define SERIES_BUCKETS_MAX 2000

struct series_bucket {
    uint32_t good, bad;
    uint32_t acked, refused, unknown; /* writes: acknowledged, provably not applied, may or may not have happened */
    double p50_s, p95_s, p99_s, max_s;
};

/* One vantage in one bucket. */
struct series_cell {
    uint32_t good, bad;
};

struct series {
    double from_s, width_s;
    size_t count;
    struct series_bucket *buckets;   /* count */
    size_t sites;                    /* number of sites of the plan; the two tables below have count * sites cells */
    struct series_cell *by_vantage;  /* [bucket * sites + vantage] */
    uint32_t *served;                /* [bucket * sites + region]: good answers that the region gave */
    double rate_max;                 /* largest good + bad of a bucket, per second */
    double latency_min_s, latency_max_s; /* over p50 and p99; NAN without any */
};

/* Buckets of a round width, at most `want` of them, over [from_s, to_s). */
void series_make(struct series *s, const struct evidence *ev, const struct plan *plan, double from_s, double to_s,
                 size_t want);
void series_deinit(struct series *s);
#define scoped_series __attribute__((cleanup(series_deinit)))
