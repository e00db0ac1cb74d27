/* SPDX-License-Identifier: MIT */
/*
 * Two tables of sites and two lists of moves, turn about: one is filled while the other one is looked at.
 */
#include "harness/run/pulse.h"

#include "harness/base/err.h"
#include "harness/base/units.h"
#include "harness/measure/rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct filling {
    struct run_site *sites;
    struct run_move moves[RUN_MOVES_MAX];
    size_t move_count;
};

struct pulse {
    const struct plan *plan;
    size_t site_count;
    struct filling halves[2], *counting, *told;
    struct rank took_ns; /* of good answers */
    struct run_second second;
};

struct pulse *pulse_new(const struct plan *plan)
{
    struct pulse *p = xcalloc(1, sizeof(*p));
    p->plan = plan;
    p->site_count = plan->topology->site_count;
    p->counting = &p->halves[0];
    p->told = &p->halves[1];
    p->counting->sites = xcalloc(p->site_count + 1, sizeof(*p->counting->sites));
    p->told->sites = xcalloc(p->site_count + 1, sizeof(*p->told->sites));
    return p;
}

static void take_move(struct filling *f, const struct sample *s)
{
    if (f->move_count < RUN_MOVES_MAX)
        f->moves[f->move_count++] = (struct run_move){s->stream, s->k, (double)s->done_ns / (double)NS_PER_S};
}

static void take_request(struct pulse *p, const struct sample *s)
{
    struct run_site *sites = p->counting->sites;
    bool good = s->outcome == OUTCOME_GOOD;
    size_t vantage = s->stream < p->plan->stream_count ? p->plan->streams[s->stream].vantage : p->site_count;
    if (vantage < p->site_count) {
        sites[vantage].good += good;
        sites[vantage].bad += !good;
    }
    if (!good)
        return;
    if (s->region < p->site_count)
        sites[s->region].served++;
    rank_add(&p->took_ns, s->done_ns - s->planned_ns);
}

void pulse_take(struct pulse *p, const struct sample *s)
{
    if (s->kind == SAMPLE_REQUEST)
        take_request(p, s);
    else if (s->kind == SAMPLE_SWITCH && s->stream < p->site_count)
        take_move(p->counting, s);
}

static double quantile_ms(struct pulse *p, int percent)
{
    return p->took_ns.len ? (double)rank_at(&p->took_ns, percent) / (double)NS_PER_MS : NAN;
}

const struct run_second *pulse_turn(struct pulse *p, double now_s)
{
    if (now_s - p->second.to_s < 1)
        return NULL;
    struct filling *full = p->counting;
    p->second = (struct run_second){.from_s = p->second.to_s,
                                    .to_s = now_s,
                                    .sites = full->sites,
                                    .site_count = p->site_count,
                                    .moves = full->moves,
                                    .move_count = full->move_count,
                                    .p50_ms = quantile_ms(p, 50),
                                    .p99_ms = quantile_ms(p, 99)};
    p->counting = p->told;
    p->told = full;
    memset(p->counting->sites, 0, p->site_count * sizeof(*p->counting->sites));
    p->counting->move_count = 0;
    p->took_ns.len = 0;
    p->took_ns.sorted = false;
    return &p->second;
}

void pulse_free(struct pulse *p)
{
    if (!p)
        return;
    rank_deinit(&p->took_ns);
    free(p->halves[0].sites);
    free(p->halves[1].sites);
    free(p);
}
