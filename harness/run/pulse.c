/* SPDX-License-Identifier: MIT */
/*
 * Two tables of sites, turn about: one is counted into while the other one is looked at.
 */
#include "harness/run/pulse.h"

#include "harness/base/err.h"
#include "harness/base/units.h"
#include "harness/measure/rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct pulse {
    const struct plan *plan;
    size_t site_count;
    struct run_site *counting, *told;
    struct rank took_ns; /* of good answers */
    struct run_second second;
};

struct pulse *pulse_new(const struct plan *plan)
{
    struct pulse *p = xcalloc(1, sizeof(*p));
    p->plan = plan;
    p->site_count = plan->topology->site_count;
    p->counting = xcalloc(p->site_count + 1, sizeof(*p->counting));
    p->told = xcalloc(p->site_count + 1, sizeof(*p->told));
    return p;
}

void pulse_take(struct pulse *p, const struct sample *s)
{
    bool good = s->outcome == OUTCOME_GOOD;
    size_t vantage = s->stream < p->plan->stream_count ? p->plan->streams[s->stream].vantage : p->site_count;
    if (vantage < p->site_count) {
        p->counting[vantage].good += good;
        p->counting[vantage].bad += !good;
    }
    if (!good)
        return;
    if (s->region < p->site_count)
        p->counting[s->region].served++;
    rank_add(&p->took_ns, s->done_ns - s->planned_ns);
}

static double quantile_ms(struct pulse *p, int percent)
{
    return p->took_ns.len ? (double)rank_at(&p->took_ns, percent) / (double)NS_PER_MS : NAN;
}

const struct run_second *pulse_turn(struct pulse *p, double now_s)
{
    if (now_s - p->second.to_s < 1)
        return NULL;
    struct run_site *full = p->counting;
    p->second = (struct run_second){.from_s = p->second.to_s,
                                    .to_s = now_s,
                                    .sites = full,
                                    .site_count = p->site_count,
                                    .p50_ms = quantile_ms(p, 50),
                                    .p99_ms = quantile_ms(p, 99)};
    p->counting = p->told;
    p->told = full;
    memset(p->counting, 0, p->site_count * sizeof(*p->counting));
    p->took_ns.len = 0;
    p->took_ns.sorted = false;
    return &p->second;
}

void pulse_free(struct pulse *p)
{
    if (!p)
        return;
    rank_deinit(&p->took_ns);
    free(p->counting);
    free(p->told);
    free(p);
}
