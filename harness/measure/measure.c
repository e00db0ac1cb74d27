/* SPDX-License-Identifier: MIT */
/*
 * The composition: evidence to study, study to findings, findings to objectives, gates, verdict.
 *
 * The order is the whole method: quality first, since it says which requests are suspects; then the measures, which
 * know nothing of targets; then the objectives, which know nothing of each other; then the gates, which may take every
 * verdict back. Nothing here asks a clock, the kernel or chance, and what was not measured stays NAN.
 */
#include "harness/measure/measure.h"

#include "harness/base/units.h"
#include "harness/measure/blast.h"
#include "harness/measure/crosscheck.h"
#include "harness/measure/facts.h"
#include "harness/measure/gates.h"
#include "harness/measure/objective.h"
#include "harness/measure/quality.h"
#include "harness/measure/result_shape.h"
#include "harness/measure/verdict.h"

static void measures_init(struct result_measures *m)
{
#define X(name, doc) m->name = NAN;
#define I(name, doc) m->name = JSON_NONE;
    RESULT_MEASURES(X, I, X)
#undef X
#undef I
}

/* The first failure and the first success after it, over the streams that decide; counted from the first fault. */
struct firsts {
    int64_t sent_ns, seen_ns, success_ns;
    const struct stream_view *failed, *succeeded;
};

static struct firsts find_firsts(const struct study *s)
{
    struct firsts f = {NS_NONE, NS_NONE, NS_NONE, NULL, NULL};
    for (size_t i = 0; s->first_ib_ns != NS_NONE && i < s->stream_count; i++) {
        const struct stream_view *v = &s->streams[i];
        const struct sample *ff = NULL, *fs = NULL;
        if (!stream_decides(v->plan))
            continue;
        for (size_t j = 0; j < v->len && v->at[j]->planned_ns < s->end_ns && !fs; j++) {
            const struct sample *x = v->at[j];
            if (!ff && !sample_good(x) && sample_seen(x) > s->first_ib_ns)
                ff = x;
            else if (ff && sample_good(x))
                fs = x;
        }
        if (ff && (!f.failed || ff->planned_ns < f.sent_ns)) {
            f.sent_ns = ff->planned_ns;
            f.failed = v;
        }
        if (ff && (f.seen_ns == NS_NONE || sample_seen(ff) < f.seen_ns))
            f.seen_ns = sample_seen(ff);
        if (fs && sample_seen(fs) > f.success_ns) {
            f.success_ns = sample_seen(fs);
            f.succeeded = v;
        }
    }
    return f;
}

static const char *vantage_of(const struct study *s, const struct stream_view *v)
{
    const struct topology *t = s->plan->topology;
    return v && t && v->plan->vantage < t->site_count ? arena_strdup(s->arena, t->sites[v->plan->vantage].name) : NULL;
}

static void add_event(const struct study *s, struct result *out, const char *name, int64_t at_ns, const char *subject)
{
    if (at_ns != NS_NONE && at_ns != NS_OPEN)
        *arena_push(s->arena, &out->events) =
            (struct result_event){name, seconds(at_ns), arena_strdup(s->arena, subject)};
}

/* When service was stable again in the stream that took longest; NS_NONE if it was not hurt or did not come back. */
static int64_t recovered_ns(const struct rto_run *rto, bool seen)
{
    const struct stream_rto *w = rto->worst;
    if (!w || !w->hurt || w->stable == NO_INDEX)
        return NS_NONE;
    return seen ? sample_seen(w->stream->at[w->stable]) : w->stream->at[w->stable]->planned_ns;
}

static void list_events(const struct findings *f, const struct firsts *first, struct result *out)
{
    const struct study *s = f->study;
    const struct stream_rto *worst = f->rto.worst;
    add_event(s, out, "first_failure", first->sent_ns, vantage_of(s, first->failed));
    add_event(s, out, "detected", f->detected.seen_ns, f->detected.subject);
    add_event(s, out, "alerted", f->alerted.seen_ns, f->alerted.subject);
    add_event(s, out, "first_success", first->success_ns, vantage_of(s, first->succeeded));
    add_event(s, out, "recovered", recovered_ns(&f->rto, true), vantage_of(s, worst ? worst->stream : NULL));
    add_event(s, out, "failed_back", f->failback.back_ns, NULL);
    add_event(s, out, "repaired", f->repaired.seen_ns, f->repaired.subject);
    add_event(s, out, "converged", f->converged.seen_ns, NULL);
}

static double since(int64_t at_ns, int64_t from_ns)
{
    return at_ns == NS_NONE || from_ns == NS_NONE ? NAN : seconds(at_ns - from_ns);
}

static void fill_service(const struct findings *f, const struct firsts *first, struct result_measures *m)
{
    const struct rto_run *r = &f->rto;
    int64_t from = f->study->first_ib_ns;
    m->time_to_first_failure_s = since(first->sent_ns, from);
    m->first_failure_seen_s = since(first->seen_ns, from);
    m->first_success_s = since(first->success_ns, from);
    m->rto_lower_s = seconds(r->lo_ns);
    m->rto_upper_s = seconds(r->hi_ns);
    m->rto_client_lower_s = seconds(r->client_lo_ns);
    m->rto_client_upper_s = seconds(r->client_hi_ns);
    m->rto_keepalive_lower_s = seconds(r->keepalive_lo_ns);
    m->rto_keepalive_upper_s = seconds(r->keepalive_hi_ns);
    m->rto_after_heal_s = seconds(r->after_heal_ns);
    m->failback_lower_s = seconds(f->failback.lo_ns);
    m->failback_upper_s = seconds(f->failback.hi_ns);
    split_rto(f->study, r, m);
}

static void fill_polls(const struct findings *f, struct result_measures *m)
{
    m->detected_lower_s = f->detected.any ? seconds(f->detected.lo_ns) : NAN;
    m->detected_upper_s = f->detected.any ? seconds(f->detected.hi_ns) : NAN;
    m->repaired_lower_s = f->repaired.any ? seconds(f->repaired.lo_ns) : NAN;
    m->repaired_upper_s = f->repaired.any ? seconds(f->repaired.hi_ns) : NAN;
    m->converged_lower_s = f->converged.any ? seconds(f->converged.lo_ns) : NAN;
    m->converged_upper_s = f->converged.any ? seconds(f->converged.hi_ns) : NAN;
    m->reconcile_s = since(f->converged.seen_ns, recovered_ns(&f->rto, false));
}

static void fill_callers(struct findings *f, struct result_measures *m)
{
    revoked_measure(f->study, &f->revoked);
    overshoot_measure(f->study, &f->overshoot);
    m->revoked_lower_s = f->revoked.found.blind ? NAN : seconds(f->revoked.lo_ns);
    m->revoked_upper_s = f->revoked.found.blind ? NAN : seconds(f->revoked.hi_ns);
    if (f->study->plan->topology->limits.given) {
        m->overshoot_lower_ratio = f->overshoot.lo;
        m->overshoot_upper_ratio = f->overshoot.hi;
    }
}

static void fill_stale(const struct stale *t, struct result_measures *m)
{
    m->stale_read_count = t->count;
    m->stale_read_ratio = t->could ? (double)t->count / (double)t->could : NAN;
    m->max_staleness_s = seconds(t->worst_ns);
}

/* A hold that the end of a fault cut short supports less than the ratio that service was held against. */
static void remark_hold(const struct study *s, struct result *out)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < s->applied_count; i++)
        least = s->faults[i].step->hold_ns < least ? s->faults[i].step->hold_ns : least;
    double supported = least == INT64_MAX ? NAN : floor_hold_support(s->plan, least);
    if (!isnan(supported))
        *arena_push(s->arena, &out->limits) =
            arena_printf(s->arena,
                         "The hold of %.1f s supports only a good ratio >= %.2f %% (1 - 3/(requests in it), 95 %%), "
                         "not the %.4g %% that was asked for.",
                         (double)least / 1e9, 100 * supported, 100 * (double)s->plan->good_ratio_ppm / (double)PPM);
}

/* Clients that take answers of the DNS in another way are measured like the others, and judged by nobody. */
static void remark_dns(const struct study *s, const struct rto_run *rto, struct result *out)
{
    static const char *const who_words[DNS_CLASSES] = {
        [DNS_CLAMPS] = "keep an answer of the DNS for 30 s at least",
        [DNS_PINS] = "keep the first answer of the DNS for ever",
        [DNS_SEVERAL] = "try all addresses of an answer of the DNS"};
    for (int kept = DNS_CLAMPS; kept < DNS_CLASSES; kept++) {
        int64_t lo = NS_NONE, hi = NS_NONE;
        for (size_t i = 0; i < rto->len; i++) {
            const struct stream_rto *r = &rto->at[i];
            if ((int)r->stream->plan->dns != kept || !stream_connects(r->stream->plan))
                continue;
            lo = ns_max(lo, r->lo_ns);
            hi = ns_max(hi, r->hi_ns);
        }
        const char *who = who_words[kept];
        if (hi == NS_OPEN)
            *arena_push(s->arena, &out->limits) = arena_printf(
                s->arena, "Clients that %s had no service for more than %.3f s; beside the verdict.", who, seconds(lo));
        else if (hi != NS_NONE)
            *arena_push(s->arena, &out->limits) =
                arena_printf(s->arena, "Clients that %s had service again after %.3f to %.3f s; beside the verdict.",
                             who, seconds(lo), seconds(hi));
    }
}

/* What a reader should know although it decides nothing. */
static void add_remarks(const struct findings *f, struct result *out)
{
    const struct study *s = f->study;
    remark_hold(s, out);
    const struct plan_target *rto = plan_target_find(s->plan, TARGET_RTO);
    if (f->failback.any && f->failback.headless)
        *arena_push(s->arena, &out->limits) =
            "Some answers named no region: failback was judged by their goodness alone.";
    if (rto && f->rto.keepalive_hi_ns > rto->value)
        *arena_push(s->arena, &out->limits) =
            "Connections that were kept alive needed longer than the RTO target; the verdict is about new connections.";
    remark_dns(s, &f->rto, out);
    for (size_t i = 0; i < f->rto.len; i++) {
        if (f->rto.at[i].blips <= 0)
            continue;
        *arena_push(s->arena, &out->limits) =
            "Single bad requests after the recovery were tolerated; they count in the availability.";
        break;
    }
}

int measure_run(const struct plan *plan, const struct evidence *ev, const struct measure_context *ctx,
                struct result **out, struct err *e)
{
    (void)e; /* poor evidence is a result, and memory aborts */
    struct result *r = xcalloc(1, sizeof(*r));
    struct study study;
    struct findings f = {.study = &study, .drill_p99_ms = NAN};
    struct ledger_view ledger;
    struct gates gates;

    study_make(&study, plan, ev, &r->arena);
    quality_prepare(&study);
    measures_init(&r->measures);
    r->quality = (struct result_quality){.replication_lag_ms = NAN, .exposure_write_count = JSON_NONE,
                                         .unknown_ratio = NAN};
    facts_identity(&study, ctx, r);
    blast_fill(&study, r);
    facts_course(&study, r);
    facts_drift(&study, r);
    facts_config_age(&study, r);
    facts_leaving(&study, r);
    quality_fill(&study, &r->quality);

    rto_measure(&study, &f.rto);
    failback_measure(&study, &f.failback);
    availability_measure(&study, &f.rto, &f.availability, &r->measures, &r->requests);
    latency_measure(&study, &f.rto, &r->measures);
    f.drill_p99_ms = latency_drill_ms(&study, &f.availability, 99, INT64_MAX);
    sharing_measure(&study, &f.availability, &f.sharing);
    poll_detected(&study, &f.detected);
    poll_repaired(&study, &f.repaired);
    poll_converged(&study, &f.converged);
    if (plan->patrol_count > 0)
        fill_callers(&f, &r->measures);
    poll_alerted(&study, &f.alerted);
    count_false_alarms(&study, &f.false_alarms);
    if (ev->has_ledger) {
        ledger_join(&study, &ledger);
        f.ledger = &ledger;
        rpo_measure(&study, &ledger, &f.rpo);
        stale_measure(&study, &ledger, &f.stale);
        rpo_fill(&study, &ledger, &f.rpo, r);
        fill_stale(&f.stale, &r->measures);
    }
    struct firsts first = find_firsts(&study);
    fill_service(&f, &first, &r->measures);
    fill_polls(&f, &r->measures);
    list_events(&f, &first, r);
    add_remarks(&f, r);

    crosscheck_measure(&study, &f.rto, &r->quality);
    objectives_judge(&f, r);
    gates_apply(&study, &f.rto, f.ledger, r, &gates);
    verdict_of_run(r, &gates);
    result_round(r);
    *out = r;
    return 0;
}
