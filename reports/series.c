/* SPDX-License-Identifier: MIT */
/*
 * Bucketing in two passes: count per bucket, then gather the latencies of each bucket in one shared array (offsets from
 * the counts) and take nearest-rank quantiles of the sorted slices. Samples that name a stream or site the plan does
 * not know still count in the totals; they have no vantage.
 */
#include "reports/series.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <math.h>
#include <stdlib.h>

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

/* The smallest round width that covers the span in `want` buckets. */
static double round_width(double span_s, size_t want)
{
    static const double steps[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5,
                                   1,     2,     5,     10,   15,   30,   60,  120, 300,  600};
    for (size_t i = 0; i < array_len(steps); i++) {
        if (span_s <= steps[i] * (double)want) {
            return steps[i];
        }
    }
    return span_s / (double)want;
}

static bool bucket_of(const struct series *s, const struct sample_brief *r, size_t *bucket)
{
    double at = (seconds(r->planned_ns) - s->from_s) / s->width_s;
    if (!(at >= 0) || at >= (double)s->count) {
        return false;
    }
    *bucket = (size_t)at;
    return true;
}

static void count_sample(struct series *s, const struct plan *plan, const struct sample_brief *r, size_t b)
{
    struct series_bucket *bucket = &s->buckets[b];
    bool good = r->outcome == OUTCOME_GOOD;
    bucket->good += good;
    bucket->bad += !good;
    bucket->acked += r->write == WRITE_OK;
    bucket->refused += r->write == WRITE_FAIL;
    bucket->unknown += r->write == WRITE_UNKNOWN;
    size_t vantage = plan && r->stream < plan->stream_count ? plan->streams[r->stream].vantage : s->sites;
    if (vantage < s->sites) {
        s->by_vantage[b * s->sites + vantage].good += good;
        s->by_vantage[b * s->sites + vantage].bad += !good;
    }
    if (good && r->region < s->sites) {
        s->served[b * s->sites + r->region]++;
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double rank(const double *sorted, size_t n, unsigned permille)
{
    size_t r = (n * permille + 999) / 1000;
    return sorted[r ? r - 1 : 0];
}

static void latencies(struct series *s, const struct evidence *ev)
{
    scoped_free size_t *start = xcalloc(s->count + 1, sizeof(*start));
    for (size_t b = 0; b < s->count; b++) {
        start[b + 1] = start[b] + s->buckets[b].good;
    }
    scoped_free double *took = xcalloc(start[s->count] + 1, sizeof(*took));
    scoped_free size_t *fill = xcalloc(s->count + 1, sizeof(*fill));
    for (size_t i = 0; i < ev->sample_count; i++) {
        const struct sample_brief r = evidence_brief(ev, i);
        size_t b = 0;
        if (r.outcome == OUTCOME_GOOD && bucket_of(s, &r, &b)) {
            took[start[b] + fill[b]++] = seconds(r.took_ns);
        }
    }
    for (size_t b = 0; b < s->count; b++) {
        struct series_bucket *bucket = &s->buckets[b];
        size_t n = fill[b];
        bucket->p50_s = bucket->p95_s = bucket->p99_s = bucket->max_s = (double)NAN;
        if (n == 0) {
            continue;
        }
        double *slice = took + start[b];
        qsort(slice, n, sizeof(*slice), by_value);
        bucket->p50_s = rank(slice, n, 500);
        bucket->p95_s = rank(slice, n, 950);
        bucket->p99_s = rank(slice, n, 990);
        bucket->max_s = slice[n - 1];
        s->latency_min_s = fmin(s->latency_min_s, bucket->p50_s); /* fmin and fmax pass over NAN */
        s->latency_max_s = fmax(s->latency_max_s, bucket->p99_s);
    }
}

void series_make(struct series *s, const struct evidence *ev, const struct plan *plan, double from_s, double to_s,
                 size_t want)
{
    *s = (struct series){.from_s = from_s, .latency_min_s = (double)NAN, .latency_max_s = (double)NAN};
    if (!ev || !isfinite(from_s) || !(to_s > from_s)) {
        return;
    }
    s->width_s = round_width(to_s - from_s, want > SERIES_BUCKETS_MAX ? SERIES_BUCKETS_MAX : want);
    s->count = (size_t)ceil((to_s - from_s) / s->width_s - 1e-9);
    s->sites = plan && plan->topology ? plan->topology->site_count : 0;
    s->buckets = xcalloc(s->count, sizeof(*s->buckets));
    s->by_vantage = xcalloc(s->count * s->sites + 1, sizeof(*s->by_vantage));
    s->served = xcalloc(s->count * s->sites + 1, sizeof(*s->served));
    for (size_t i = 0; i < ev->sample_count; i++) {
        const struct sample_brief r = evidence_brief(ev, i);
        size_t b = 0;
        if (bucket_of(s, &r, &b)) {
            count_sample(s, plan, &r, b);
        }
    }
    for (size_t b = 0; b < s->count; b++) {
        s->rate_max = fmax(s->rate_max, (s->buckets[b].good + s->buckets[b].bad) / s->width_s);
    }
    latencies(s, ev);
}

void series_deinit(struct series *s)
{
    free(s->buckets);
    free(s->by_vantage);
    free(s->served);
    *s = (struct series){0};
}
