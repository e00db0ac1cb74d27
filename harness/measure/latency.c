/* SPDX-License-Identifier: MIT */
/*
 * Latencies of good requests, counted from the planned send, by nearest rank: in the baseline, after the recovery, and
 * over the drill. "Recovered" is [t_rec, t_rec + H] of each stream that decides the RTO, pooled.
 *
 * What a request waited because somebody of ours was late is no property of the service. Nobody knows how much of its
 * latency that is, at most all of the lateness in its time: hence a lower end of the drill's quantile.
 */
#include "harness/measure/service.h"

#include "harness/measure/rank.h"

static int64_t latency_of(const struct study *s, const struct sample *x, int64_t credit_ns)
{
    int64_t took = x->done_ns - x->planned_ns;
    return took > credit_ns ? ns_max(0, took - lateness_in(s, x->planned_ns, x->done_ns)) : took;
}

static void collect(const struct study *s, const struct stream_view *v, int64_t from, int64_t to, int64_t credit_ns,
                    struct rank *all)
{
    for (size_t i = stream_from(v, from); i < v->len && v->at[i]->planned_ns < to; i++)
        if (sample_good(v->at[i]))
            rank_add(all, latency_of(s, v->at[i], credit_ns));
}

static double in_ms(struct rank *r, int percent)
{
    return r->len ? (double)rank_at(r, percent) / 1e6 : NAN;
}

double latency_drill_ms(const struct study *s, const struct availability *a, int percent, int64_t credit_ns)
{
    scoped_rank struct rank all = {0};
    for (size_t i = 0; a->any && i < s->stream_count; i++)
        collect(s, &s->streams[i], a->from_ns, a->to_ns, credit_ns, &all);
    return in_ms(&all, percent);
}

void latency_measure(const struct study *s, const struct rto_run *rto, struct result_measures *m)
{
    scoped_rank struct rank all = {0};
    if (s->base_p50_ns >= 0) {
        m->baseline_p50_ms = (double)s->base_p50_ns / 1e6;
        m->baseline_p99_ms = (double)s->base_p99_ns / 1e6;
    }
    for (size_t i = 0; i < rto->len; i++) {
        const struct stream_rto *r = &rto->at[i];
        if (r->fg == NO_INDEX || !stream_decides(r->stream->plan))
            continue;
        int64_t recovered = r->stream->at[r->fg]->planned_ns;
        collect(s, r->stream, recovered, ns_add(ns_add(recovered, r->fault->step->hold_ns), 1), INT64_MAX, &all);
    }
    m->recovered_p50_ms = in_ms(&all, 50);
    m->recovered_p99_ms = in_ms(&all, 99);
}
