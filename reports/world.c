/* SPDX-License-Identifier: MIT */
/*
 * A link's state is asked anew at every instant at which a fault began or ended: of all faults then in force, what is
 * left of either direction. Nothing passes both ways: cut; one way only: one way; something is slower, lossy or turned
 * away for some: impaired. Which paths a fault hits is the plan's knowledge (action_hits_path); a fault whose step is
 * not in the plan changes no link.
 */
#include "reports/world.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <math.h>
#include <stdlib.h>

enum { BUCKETS = 300, SITES_MAX = 24 };

const char *const link_state_words[LINK_STATES] = {"well", "impaired", "one way", "cut"};

static const struct plan_step *step_of(const struct plan *plan, int64_t id)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i].id == id) {
            return &plan->steps[i];
        }
    }
    return NULL;
}

static bool in_force(const struct result_fault *f, double at_s)
{
    return isfinite(f->t_ib_s) && f->t_ib_s <= at_s && !(f->t_he_s <= at_s);
}

static enum link_state state_at(const struct report_input *in, uint16_t link, double at_s)
{
    bool hit = false, blocked[2] = {false, false};
    for (size_t i = 0; i < in->result->faults.len; i++) {
        const struct result_fault *f = &in->result->faults.at[i];
        const struct plan_step *step = in_force(f, at_s) ? step_of(in->plan, f->id) : NULL;
        if (!step || step->action.target != TARGET_LINK) {
            continue;
        }
        for (int way = 0; way < 2; way++) {
            if (action_hits_path(in->plan->topology, &step->action, path_of(link, way))) {
                hit = true;
                blocked[way] = blocked[way] || !path_passes(&step->action.shape, 0);
            }
        }
    }
    return blocked[0] && blocked[1]   ? LINK_CUT
           : blocked[0] || blocked[1] ? LINK_ONE_WAY
           : hit                      ? LINK_IMPAIRED
                                      : LINK_WELL;
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct instants {
    double *at;
    size_t len, cap;
};

static void collect(struct instants *t, const struct result *r)
{
    *vec_push(t) = 0;
    for (size_t i = 0; i < r->faults.len; i++) {
        if (isfinite(r->faults.at[i].t_ib_s)) {
            *vec_push(t) = r->faults.at[i].t_ib_s;
        }
        if (isfinite(r->faults.at[i].t_he_s)) {
            *vec_push(t) = r->faults.at[i].t_he_s;
        }
    }
    qsort(t->at, t->len, sizeof(*t->at), by_time);
}

static void make_links(struct world *w, const struct report_input *in, double end_s)
{
    struct instants t = {0};
    collect(&t, in->result);
    w->link_count = in->plan->topology->link_count;
    w->links = xcalloc(w->link_count + 1, sizeof(*w->links));
    for (size_t l = 0; l < w->link_count; l++) {
        struct link_lane *lane = &w->links[l];
        for (size_t i = 0; i < t.len; i++) {
            enum link_state now = state_at(in, (uint16_t)l, t.at[i]);
            size_t n = lane->spans.len;
            lane->hit = lane->hit || now != LINK_WELL;
            if (n > 0 && lane->spans.at[n - 1].state == now) {
                continue;
            }
            if (n > 0) {
                lane->spans.at[n - 1].to_s = t.at[i];
            }
            *vec_push(&lane->spans) = (struct link_span){t.at[i], end_s, now};
        }
    }
    vec_deinit(&t);
}

static void make_flows(struct world *w, const struct report_input *in, double end_s)
{
    const struct plan *plan = in->plan;
    w->sites = plan->topology->site_count;
    w->buckets = BUCKETS;
    w->width_s = end_s / BUCKETS;
    w->asked = xcalloc(w->buckets * w->sites + 1, sizeof(*w->asked));
    w->served = w->sites <= SITES_MAX ? xcalloc(w->buckets * w->sites * w->sites + 1, sizeof(*w->served)) : NULL;
    for (size_t i = 0; in->evidence && i < in->evidence->sample_count; i++) {
        const struct sample_brief s = evidence_brief(in->evidence, i);
        size_t vantage = s.stream < plan->stream_count ? plan->streams[s.stream].vantage : w->sites;
        if (vantage >= w->sites || s.planned_ns < 0) {
            continue;
        }
        size_t cell = world_bucket(w, (double)s.planned_ns / (double)NS_PER_S) * w->sites + vantage;
        w->asked[cell].intended++;
        if (s.outcome == OUTCOME_GOOD) {
            w->asked[cell].good++;
            if (w->served && s.region < w->sites) {
                w->served[cell * w->sites + s.region]++;
            }
        }
    }
}

void world_make(struct world *w, const struct report_input *in, double end_s)
{
    *w = (struct world){0};
    if (in->plan && in->plan->topology && end_s > 0) {
        make_links(w, in, end_s);
        make_flows(w, in, end_s);
    }
}

void world_deinit(struct world *w)
{
    for (size_t l = 0; l < w->link_count; l++) {
        vec_deinit(&w->links[l].spans);
    }
    free(w->links);
    free(w->asked);
    free(w->served);
    *w = (struct world){0};
}

enum link_state world_link_at(const struct world *w, size_t link, double at_s)
{
    const struct link_lane *lane = &w->links[link];
    for (size_t i = lane->spans.len; i > 0; i--) {
        if (lane->spans.at[i - 1].from_s <= at_s) {
            return lane->spans.at[i - 1].state;
        }
    }
    return LINK_WELL;
}

double world_share(const struct world *w, size_t bucket, uint16_t vantage, uint16_t region)
{
    size_t cell = bucket * w->sites + vantage;
    return w->served && w->asked[cell].intended
               ? (double)w->served[cell * w->sites + region] / w->asked[cell].intended
               : (double)NAN;
}

double world_good(const struct world *w, size_t bucket, uint16_t vantage)
{
    const struct flow_cell *c = &w->asked[bucket * w->sites + vantage];
    return c->intended ? (double)c->good / c->intended : (double)NAN;
}

size_t world_bucket(const struct world *w, double at_s)
{
    double b = at_s / w->width_s;
    return b >= (double)w->buckets ? w->buckets - 1 : b > 0 ? (size_t)b : 0;
}
