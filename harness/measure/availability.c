/* SPDX-License-Identifier: MIT */
/*
 * Availability and impairment over the drill: [t_ib of the first fault, + T_drill), every stream. T_drill is the
 * planned timeline from that fault on, and the failback window.
 *
 * A counts planned requests, so that what was never sent is bad. Tiles of length w from t_ib over all streams together
 * say how long service was degraded (too few good replies, or a wrong one) and out (no good reply at all); the last
 * tile may be shorter. The full-outage equivalent is the loss method of RFC 6414: bad requests of loss periods over the
 * rate. Loss periods of several streams that overlap are one.
 */
#include "harness/measure/service.h"

#include "harness/base/units.h"

#include <stdlib.h>

enum { BUDGET_DAYS = 30 }; /* the period a budget share refers to */

static void count_outcome(const struct sample *x, struct result_requests *r)
{
    int64_t *const by_outcome[OUTCOMES] = {
        [OUTCOME_GOOD] = &r->good_count,           [OUTCOME_LATE] = &r->late_count,
        [OUTCOME_WRONG] = &r->wrong_count,         [OUTCOME_HTTP_STATUS] = &r->http_status_count,
        [OUTCOME_REFUSED] = &r->refused_count,     [OUTCOME_RESET] = &r->reset_count,
        [OUTCOME_TIMEOUT] = &r->timeout_count,     [OUTCOME_UNSENT] = &r->unsent_count,
        [OUTCOME_TLS] = &r->tls_count};
    r->intended_count++;
    r->sent_count += x->outcome != OUTCOME_UNSENT;
    r->bad_count += x->outcome != OUTCOME_GOOD;
    (*by_outcome[x->outcome])++;
}

static void vantage_rto(const struct rto_run *rto, uint16_t vantage, struct result_vantage *out)
{
    int64_t lo = NS_NONE, hi = NS_NONE;
    for (size_t i = 0; i < rto->len; i++) {
        const struct stream_rto *r = &rto->at[i];
        if (r->stream->plan->vantage != vantage || !stream_connects(r->stream->plan))
            continue;
        lo = ns_max(lo, r->lo_ns);
        hi = ns_max(hi, r->hi_ns);
    }
    out->rto_lower_s = seconds(lo);
    out->rto_upper_s = seconds(hi);
}

static void count_vantages(const struct study *s, const struct rto_run *rto, const struct availability *a,
                           struct result_requests *r)
{
    const struct topology *topo = s->plan->topology;
    for (size_t site = 0; topo && site < topo->site_count; site++) {
        if (topo->sites[site].kind != SITE_VANTAGE)
            continue;
        struct result_vantage *v = arena_push(s->arena, &r->by_vantage);
        v->vantage = topo->sites[site].name;
        v->dns = topo_dns_node(topo) != TOPO_NONE ? topo_dns_words[topo->sites[site].dns] : NULL;
        vantage_rto(rto, (uint16_t)site, v);
        for (size_t i = 0; i < s->stream_count; i++) {
            const struct stream_view *stream = &s->streams[i];
            if (stream->plan->vantage != site)
                continue;
            for (size_t j = stream_from(stream, a->from_ns); j < stream_from(stream, a->to_ns); j++) {
                v->intended_count++;
                v->good_count += sample_good(stream->at[j]);
                v->bad_count += !sample_good(stream->at[j]);
            }
        }
    }
}

struct tile {
    int64_t all, good, wrong;
};

static struct tile count_tile(const struct study *s, int64_t from, int64_t to)
{
    struct tile t = {0};
    for (size_t i = 0; i < s->stream_count; i++) {
        const struct stream_view *v = &s->streams[i];
        for (size_t j = stream_from(v, from); j < v->len && v->at[j]->planned_ns < to; j++) {
            t.all++;
            t.good += sample_good(v->at[j]);
            t.wrong += v->at[j]->outcome == OUTCOME_WRONG;
        }
    }
    return t;
}

static void measure_tiles(const struct study *s, const struct availability *a, struct result_measures *m)
{
    int64_t degraded = 0, outage = 0, window = ns_max(s->plan->window_ns, NS_PER_MS);
    for (int64_t from = a->from_ns; from < a->to_ns; from = ns_add(from, window)) {
        int64_t to = ns_min(ns_add(from, window), a->to_ns);
        struct tile t = count_tile(s, from, to);
        bool fails = t.all - t.good >= 2 && t.good * PPM < s->plan->good_ratio_ppm * t.all;
        degraded += fails || t.wrong ? to - from : 0;
        outage += t.all && !t.good ? to - from : 0;
    }
    m->degraded_s = seconds(degraded);
    m->outage_s = seconds(outage);
    m->brownout_s = seconds(ns_max(0, degraded - outage));
}

static int by_begin(const void *a, const void *b)
{
    const struct loss *x = a, *y = b;
    return x->from_ns < y->from_ns ? -1 : x->from_ns > y->from_ns;
}

static void measure_losses(const struct study *s, const struct rto_run *rto, struct result_measures *m)
{
    struct loss *sorted = arena_array(s->arena, struct loss, rto->losses.len + 1);
    size_t bad = 0;
    int64_t periods = 0, reach = NS_NONE;
    for (size_t i = 0; i < rto->losses.len; i++) {
        sorted[i] = rto->losses.at[i];
        bad += sorted[i].bad_count;
    }
    qsort(sorted, rto->losses.len, sizeof(*sorted), by_begin);
    for (size_t i = 0; i < rto->losses.len; i++) {
        periods += sorted[i].from_ns > reach;
        reach = ns_max(reach, sorted[i].to_ns);
    }
    double rate = plan_rate_total(s->plan), epsilon = (double)(PPM - s->plan->good_ratio_ppm) / (double)PPM;
    m->loss_period_count = periods;
    m->full_outage_equivalent_s = rate > 0 ? (double)bad / rate : NAN;
    m->budget_share_ratio = epsilon > 0 ? m->full_outage_equivalent_s / (epsilon * BUDGET_DAYS * 86400.0) : NAN;
}

void availability_measure(const struct study *s, const struct rto_run *rto, struct availability *a,
                          struct result_measures *m, struct result_requests *requests)
{
    *a = (struct availability){.from_ns = s->first_ib_ns, .to_ns = s->first_ib_ns};
    if (s->first_ib_ns == NS_NONE) {
        a->from_ns = a->to_ns = 0;
        count_vantages(s, rto, a, requests);
        return;
    }
    int64_t planned_end = ns_add(s->first_ib_ns, s->plan->drill_ns - s->faults[0].step->at_ns);
    a->to_ns = ns_max(a->from_ns, ns_min(planned_end, s->end_ns));
    a->any = a->to_ns > a->from_ns;
    a->whole = a->any && a->to_ns >= ns_add(planned_end, -ns_max(s->plan->window_ns, NS_PER_S));
    for (size_t i = 0; i < s->stream_count; i++) {
        const struct stream_view *v = &s->streams[i];
        for (size_t j = stream_from(v, a->from_ns); j < stream_from(v, a->to_ns); j++) {
            count_outcome(v->at[j], requests);
            a->suspects += v->suspect[j];
        }
    }
    a->intended = requests->intended_count;
    a->good = requests->good_count;
    count_vantages(s, rto, a, requests);
    if (a->intended == 0)
        return;
    double epsilon = (double)(PPM - s->plan->good_ratio_ppm) / (double)PPM;
    m->availability_ratio = (double)a->good / (double)a->intended;
    m->availability_window_s = seconds(a->to_ns - a->from_ns);
    m->burn_rate_ratio = epsilon > 0 ? (1 - m->availability_ratio) / epsilon : NAN;
    measure_tiles(s, a, m);
    measure_losses(s, rto, m);
}
