/* SPDX-License-Identifier: MIT */
/*
 * RPO in time and count, per severing fault.
 *
 * A lost write is lost_after when it was acknowledged while a severing fault held and either left after the fault was
 * complete or was acknowledged later than an answer already on the wire could have arrived: that is a split brain, not
 * the price of a fail-over. Every other lost write is lost_before of the first severing fault that it did not outlive.
 *
 *     w* = lost_before with the smallest t_ack;  p = survivor with the largest t_ack before w*
 *     RPO = [ max(0, t_ib - t_ack(w*)), t_ie - min(t_inv(p), min t_inv of lost_before) ]      no p: open above
 *
 * Nothing lost is [0, 0], worth as much as the resolution (how old the newest surviving write was) and the exposure
 * (how many writes stood at risk) say. Whether that is enough is asked by rpo_bars_met.
 */
#include "harness/measure/rpo.h"

#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/measure/set_aside.h"

#include <inttypes.h>

enum { ON_THE_WIRE_NS = 2 * 1000 * 1000, UNKNOWN_PERCENT = 20, EXPOSED_WRITES = 5, RESOLVED_WRITES = 10,
       LISTED_LOSSES = 1000 };

/* Largest planned one-way time on the way to the vantage of a writing client, degradations included. */
static int64_t wire_ns(const struct study *s, uint16_t client)
{
    const struct topology *topo = s->plan->topology;
    int64_t worst = 0;
    for (size_t i = 0; topo && i < s->plan->stream_count; i++) {
        const struct plan_stream *p = &s->plan->streams[i];
        if (p->kind != STREAM_WRITE || p->client != client)
            continue;
        for (uint16_t link = 0; link < topo->link_count; link++) {
            const struct topo_link *l = &topo->links[link];
            if (l->a != p->vantage && l->b != p->vantage)
                continue;
            int64_t way = path_slowest_ns(&l->baseline), more = 0;
            for (size_t k = 0; k < s->plan->step_count; k++) {
                const struct action *a = &s->plan->steps[k].action;
                if (action_hits_link(topo, a, link))
                    more = ns_max(more, path_slowest_ns(&a->shape));
            }
            worst = ns_max(worst, ns_add(way, more));
        }
    }
    return worst;
}

static bool lost_after(const struct study *s, const struct write *w)
{
    for (size_t i = 0; i < s->applied_count; i++) {
        const struct fault_view *f = &s->faults[i];
        if (!f->severing || (f->hb != NS_NONE && w->ack_ns > f->hb))
            continue;
        int64_t late = ns_add(ns_add(f->ie, wire_ns(s, w->client)), ON_THE_WIRE_NS);
        if (w->inv_ns > f->ie)
            return true;
        if (w->ack_ns > late && w->ack_ns > ns_add(late, lateness_in(s, w->inv_ns, w->ack_ns)))
            return true;
    }
    return false;
}

/* The severing fault a lost write is charged to; NULL: it counts as lost after. */
static const struct fault_view *fault_of(const struct study *s, const struct write *w)
{
    if (lost_after(s, w))
        return NULL;
    for (size_t i = 0; i < s->applied_count; i++)
        if (s->faults[i].severing && w->inv_ns <= s->faults[i].ie)
            return &s->faults[i];
    return NULL;
}

static const struct fault_view *first_severing(const struct study *s)
{
    for (size_t i = 0; i < s->applied_count; i++)
        if (s->faults[i].severing)
            return &s->faults[i];
    return NULL;
}

/* The survivor acknowledged last, by this instant; of several at once the one invoked first, which claims least. */
static const struct write *newest_survivor(const struct ledger_view *l, int64_t acked_by_ns)
{
    const struct write *newest = NULL;
    for (size_t i = 0; i < l->acked_count && l->acked[i]->ack_ns <= acked_by_ns; i++) {
        const struct write *w = l->acked[i];
        if (write_survived(w) && (!newest || w->ack_ns > newest->ack_ns || w->inv_ns < newest->inv_ns))
            newest = w;
    }
    return newest;
}

static void measure_fault(const struct study *s, const struct ledger_view *l, const struct fault_view *f,
                          struct rpo *out)
{
    const struct write *oldest = NULL, *newest = newest_survivor(l, f->ie);
    int64_t began = NS_OPEN, holes = 0, lo = 0, hi = 0;
    for (size_t i = 0; i < l->acked_count; i++) {
        const struct write *w = l->acked[i];
        if (!write_lost(w) || fault_of(s, w) != f)
            continue;
        oldest = oldest ? oldest : w;
        began = ns_min(began, w->inv_ns);
        holes += newest && w->ack_ns < newest->ack_ns;
    }
    if (oldest) {
        const struct write *before = newest_survivor(l, oldest->ack_ns - 1);
        lo = ns_max(0, f->ib - oldest->ack_ns);
        hi = before ? f->ie - ns_min(before->inv_ns, began) : NS_OPEN;
    } else {
        out->resolution_ns = ns_max(out->resolution_ns, newest ? f->ie - newest->inv_ns : NS_OPEN);
    }
    if (!out->fault || hi > out->hi_ns) {
        out->fault = f;
        out->oldest_lost = oldest;
        out->holes = holes;
        out->newest_age_ns = newest ? f->ie - newest->ack_ns : NS_NONE;
    }
    out->lo_ns = ns_max(out->lo_ns, lo);
    out->hi_ns = ns_max(out->hi_ns, hi);
}

static void count_losses(const struct study *s, const struct ledger_view *l, struct rpo *out)
{
    const struct fault_view *first = first_severing(s);
    int64_t last = NS_NONE;
    for (size_t i = 0; i < l->write_count; i++)
        out->bracket_hi += l->writes[i].outcome != WRITE_FAIL && !l->writes[i].everywhere;
    for (size_t i = 0; i < l->acked_count; i++) {
        const struct write *w = l->acked[i];
        if (!write_lost(w))
            continue;
        if (fault_of(s, w)) {
            out->before++;
        } else {
            out->after++;
            last = ns_max(last, w->ack_ns);
        }
    }
    out->span_ns = !first ? NS_NONE : last == NS_NONE ? 0 : ns_max(0, last - first->ib);
}

/* X_w: how far before the fault a write may have been acknowledged and still be at risk. */
static int64_t exposure_ns(const struct study *s, double lag_s)
{
    double rate = plan_rate_writes(s->plan);
    double window = rate > 0 ? EXPOSED_WRITES / rate : 0;
    window = !isnan(lag_s) && lag_s > window ? lag_s : window;
    return (int64_t)(window * 1e9);
}

static void measure_exposure(const struct study *s, const struct ledger_view *l, struct rpo *out)
{
    int64_t window = exposure_ns(s, out->lag_s);
    out->exposed = JSON_NONE;
    for (size_t i = 0; i < s->applied_count; i++) {
        const struct fault_view *f = &s->faults[i];
        int64_t n = 0;
        for (size_t j = 0; f->severing && j < l->acked_count; j++)
            n += l->acked[j]->ack_ns >= f->ib - window && l->acked[j]->ack_ns <= f->ib;
        if (f->severing && (out->exposed == JSON_NONE || n < out->exposed))
            out->exposed = n;
    }
}

/* Largest share of unknown outcomes just before a severing fault. */
static double unknown_ratio(const struct study *s, const struct ledger_view *l, double lag_s, int64_t target_ns)
{
    int64_t back = ns_max(NS_PER_S, target_ns);
    double worst = NAN;
    if (!isnan(lag_s))
        back = ns_max(back, (int64_t)(lag_s * 1e9));
    for (size_t i = 0; i < s->applied_count; i++) {
        const struct fault_view *f = &s->faults[i];
        int64_t ok = 0, unknown = 0;
        for (size_t j = 0; f->severing && j < l->write_count; j++) {
            const struct write *w = &l->writes[j];
            if (w->inv_ns < ns_add(f->ib, -back) || w->inv_ns > f->ie)
                continue;
            ok += w->outcome == WRITE_OK;
            unknown += w->outcome == WRITE_UNKNOWN;
        }
        double ratio = ok + unknown ? (double)unknown / (double)(ok + unknown) : NAN;
        if (!isnan(ratio) && (isnan(worst) || ratio > worst))
            worst = ratio;
    }
    return worst;
}

/* T_dual and stale epochs: what the acknowledgements themselves say about who led when. */
static void measure_epochs(const struct ledger_view *l, struct rpo *out)
{
    uint32_t highest = 0;
    int64_t highest_since = 0;
    for (size_t i = 0; i < l->acked_count; i++) {
        const struct write *w = l->acked[i];
        if (w->epoch > highest) {
            highest = w->epoch;
            highest_since = w->ack_ns;
        } else if (w->epoch && w->epoch < highest) {
            out->stale_epoch_acks++;
            out->dual_ns = ns_max(out->dual_ns, w->ack_ns - highest_since);
        }
    }
}

void rpo_measure(const struct study *s, struct ledger_view *l, struct rpo *out)
{
    const struct plan_target *target = plan_target_find(s->plan, TARGET_RPO);
    *out = (struct rpo){.lo_ns = NS_NONE, .hi_ns = NS_NONE, .resolution_ns = NS_NONE, .newest_age_ns = NS_NONE,
                        .span_ns = NS_NONE, .exposed = JSON_NONE, .lag_s = NAN, .unknown_ratio = NAN};
    size_t speaking = 0;
    for (size_t i = 0; i < l->read_count; i++)
        speaking += l->reads[i].number != 0;
    out->lag_s = replication_lag_s(s, l);
    out->unknown_ratio = unknown_ratio(s, l, out->lag_s, target ? target->value : 0);
    measure_exposure(s, l, out);
    measure_epochs(l, out);
    if (!speaking || !first_severing(s))
        return;
    out->any = true;
    count_losses(s, l, out);
    for (size_t i = 0; i < s->applied_count; i++)
        if (s->faults[i].severing)
            measure_fault(s, l, &s->faults[i], out);
}

const char *rpo_bars_met(const struct study *s, const struct ledger_view *l, const struct rpo *r, int64_t target_ns,
                         bool zero_loss)
{
    double rate = plan_rate_writes(s->plan);
    if (!l->complete)
        return l->missing;
    if (r->exposed <= 0)
        return "no write was acknowledged just before the fault, so none stood at risk";
    if (zero_loss && isnan(r->lag_s))
        return "the replication lag before the fault is not known";
    if (zero_loss && r->lag_s > 0 && rate * r->lag_s < EXPOSED_WRITES)
        return arena_printf(s->arena, "%.3g writes fall into the replication lag of %.3f s, %d are needed",
                            rate * r->lag_s, r->lag_s, (int)EXPOSED_WRITES);
    if (target_ns > 0 && rate * (double)target_ns / 1e9 < RESOLVED_WRITES)
        return arena_printf(s->arena, "%.3g writes fall into the target of %.3f s, %d are needed",
                            rate * (double)target_ns / 1e9, (double)target_ns / 1e9, (int)RESOLVED_WRITES);
    double unknown = unknown_ratio(s, l, r->lag_s, target_ns);
    if (isnan(unknown) || unknown * 100 > UNKNOWN_PERCENT)
        return isnan(unknown)
                   ? "no write before the fault has a known outcome"
                   : arena_printf(s->arena, "the outcome of %.1f %% of the writes before the fault is unknown",
                                  unknown * 100);
    return NULL;
}

static void list_losses(const struct study *s, const struct ledger_view *l, struct result_ledger *out)
{
    const struct topology *topo = s->plan->topology;
    for (size_t i = 0; i < l->acked_count; i++) {
        const struct write *w = l->acked[i];
        if (!write_lost(w))
            continue;
        if (out->lost.len == LISTED_LOSSES) {
            out->lost_truncated = true;
            return;
        }
        struct result_lost *lost = arena_push(s->arena, &out->lost);
        lost->id = (int64_t)w->id;
        lost->acked_at_s = seconds(w->ack_ns);
        lost->region = topo && w->region < topo->site_count ? topo->sites[w->region].name : NULL;
        lost->when = fault_of(s, w) ? "before" : "after";
        lost->key = arena_printf(s->arena, "k%u", (unsigned)w->key);
        lost->value = arena_printf(s->arena, "%016" PRIx64, w->value);
        lost->class = w->anywhere ? "stranded" : "gone";
        lost->set_aside = w->aside;
    }
}

static void fill_ledger(const struct study *s, const struct ledger_view *l, const struct rpo *r,
                        struct result_ledger *out)
{
    const struct topology *topo = s->plan->topology;
    *out = (struct result_ledger){.file = "ledger.bin", .chain_sha256 = s->ev->ledger_chain_sha256};
    out->chain_sha256 = arena_strdup(s->arena, s->ev->ledger_chain_sha256);
    out->write_count = (int64_t)l->write_count;
    out->acked_count = (int64_t)l->acked_count;
    for (size_t i = 0; i < l->write_count; i++) {
        const struct write *w = &l->writes[i];
        out->failed_count += w->outcome == WRITE_FAIL;
        out->unknown_count += w->outcome == WRITE_UNKNOWN;
        out->gone_count += r->any && write_lost(w) && !w->anywhere;
        out->stranded_count += r->any && write_lost(w) && w->anywhere;
        out->landed_count += w->outcome == WRITE_UNKNOWN && w->everywhere;
        out->vanished_count += r->any && w->outcome == WRITE_UNKNOWN && !w->everywhere;
        out->contradicted_count += w->outcome == WRITE_FAIL && w->anywhere;
        out->duplicated_count += w->twice;
        out->corrupt_count += w->corrupt;
    }
    out->lost_before_count = r->before;
    out->lost_after_count = r->after;
    out->lost_most_count = r->any ? r->bracket_hi : JSON_NONE;
    out->foreign_count = (int64_t)l->foreign_count;
    out->conflicting_count = (int64_t)l->conflicting_count;
    out->final_read_complete = l->complete;
    for (size_t i = 0; i < l->read_count; i++)
        if (l->reads[i].number && l->reads[i].region != NO_SITE && l->reads[i].pass == PASS_LIVE)
            *arena_push(s->arena, &out->regions_read) = topo->sites[l->reads[i].region].name;
    set_aside_fill(s, l, r->any, out);
    if (r->any)
        list_losses(s, l, out);
}

void rpo_fill(const struct study *s, const struct ledger_view *l, const struct rpo *r, struct result *out)
{
    struct result_measures *m = &out->measures;
    out->has_ledger = true;
    fill_ledger(s, l, r, &out->ledger);
    out->quality.replication_lag_ms = r->lag_s * 1e3;
    out->quality.exposure_write_count = r->exposed;
    out->quality.unknown_ratio = r->unknown_ratio;
    m->stale_epoch_ack_count = r->stale_epoch_acks;
    m->dual_primary_s = seconds(r->dual_ns);
    if (!r->any)
        return;
    m->rpo_lower_s = seconds(r->lo_ns);
    m->rpo_upper_s = seconds(r->hi_ns);
    m->newest_survivor_age_s = seconds(r->newest_age_ns);
    m->hole_count = r->holes;
    m->lost_after_span_s = seconds(r->span_ns);
    if (r->before + r->after == 0 && r->exposed > 0)
        m->loss_bound_ratio = r->exposed > 3 ? 3.0 / (double)r->exposed : 1.0;
}
