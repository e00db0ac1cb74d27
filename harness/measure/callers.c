/* SPDX-License-Identifier: MIT */
/*
 * Only what patrols got decides; what gateways say of their lists and counters is never asked.
 *
 *     let in       a 2xx answer, however late
 *     turned away  any other status: refused (401, 403), or not served for another reason, in which case it is not told
 *                  whether the key still holds
 *     nothing      no answer; says nothing about the key
 *
 * Revoked, for one gateway, [t_ib, t_ie] being the bracket of the order, a the last request it let in that was sent
 * since t_ib, r the first one after it that was turned away:
 *
 *     ( max(0, a_a - t_ie) , c_r - t_ib ]          nothing let in: lower end 0
 *
 * The upper end holds only if the last answer of the gateway within the observation was a refusal; else it is open,
 * since a gateway that serves nobody has not shown that it knows. Each end of the run's interval is the largest such
 * end over the gateways. A gateway that did not let the key in before the order has shown nothing.
 *
 * Overshoot: requests of the limited key that were let in while faults lasted, over what its rate allows for that time,
 * less one. The window is from the begin of the first fault to the end of the last; since each of these is a bracket
 * itself, the lower end counts what certainly fell into it over the longest that it can have been, the upper end the
 * other way round. The key had been sending more than its limit before, so no bucket is full when the window begins.
 */
#include "harness/measure/callers.h"

#include "harness/base/text.h"

struct patrol_view {
    const struct plan_patrol *plan;
    const struct sample **at;
    size_t len;
};

static bool let_in(const struct sample *x)
{
    return x->status / 100 == 2;
}

static bool refused(const struct sample *x)
{
    return x->status == 401 || x->status == 403;
}

/* The requests of one patrol within the observation; false: some are missing. */
static bool gather(const struct study *s, size_t patrol, struct patrol_view *v)
{
    const struct evidence *ev = s->ev;
    bool whole = true;
    *v = (struct patrol_view){.plan = &s->plan->patrols[patrol],
                              .at = arena_array(s->arena, const struct sample *, ev->patrol_count + 1)};
    for (size_t i = 0; i < ev->patrol_count; i++) {
        const struct sample *x = &ev->patrols[i];
        if (x->stream != patrol || x->planned_ns >= s->end_ns)
            continue;
        bool possible = x->done_ns < NS_LIMIT && x->planned_ns >= 0 && x->done_ns >= x->planned_ns;
        whole = whole && possible && x->k == v->len;
        if (possible)
            v->at[v->len++] = x;
    }
    return whole && v->len > 0;
}

static const char *gateway_of(const struct study *s, const struct plan_patrol *p)
{
    return s->plan->topology->nodes[p->gateway].name;
}

/* ---- revoked ---- */

static const struct event *order_of(const struct study *s)
{
    for (size_t i = 0; i < s->plan->step_count; i++) {
        const struct plan_step *step = &s->plan->steps[i];
        for (size_t k = 0; step->action.type->of_identity && k < s->ev->event_count; k++) {
            const struct event *e = &s->ev->events[k];
            if (e->kind == EVENT_ACTION && e->code == step->id && e->at_ns >= 0 && e->at_ns <= e->end_ns &&
                e->end_ns < NS_LIMIT)
                return e;
        }
    }
    return NULL;
}

static void of_gateway(const struct study *s, const struct patrol_view *v, struct revoked *out)
{
    const struct event *order = out->order;
    const struct sample *last_in = NULL, *turned_away = NULL, *last_word = NULL;
    bool before = false;
    for (size_t i = 0; i < v->len; i++) {
        const struct sample *x = v->at[i];
        before = before || (let_in(x) && x->done_ns < order->at_ns);
        if (x->status == 0 || sample_left(x) < order->at_ns)
            continue;
        last_word = x;
        if (let_in(x)) {
            last_in = x;
            turned_away = NULL;
        } else if (!turned_away) {
            turned_away = x;
        }
    }
    if (!before) {
        out->found.blind =
            arena_printf(s->arena, "%s did not let the key in before it was revoked", gateway_of(s, v->plan));
        return;
    }
    int64_t lo = last_in ? ns_max(0, sample_left(last_in) - order->end_ns) : 0;
    bool for_good = turned_away && refused(last_word);
    if (last_in && lo >= out->lo_ns)
        out->gateway = gateway_of(s, v->plan);
    out->lo_ns = ns_max(out->lo_ns, lo);
    out->hi_ns = ns_max(out->hi_ns, for_good ? turned_away->done_ns - order->at_ns : NS_OPEN);
}

void revoked_measure(const struct study *s, struct revoked *out)
{
    *out = (struct revoked){.order = order_of(s)};
    if (!out->order || !text_eq(out->order->outcome, "ok")) {
        out->found.blind = "no revocation was acknowledged";
        return;
    }
    out->found.blind = "nobody showed the key";
    for (size_t i = 0, seen = 0; i < s->plan->patrol_count; i++) {
        const struct plan_patrol *p = &s->plan->patrols[i];
        struct patrol_view v;
        if (p->who != CALLER_LEAKED)
            continue;
        if (seen++ == 0)
            out->found.blind = NULL;
        if (!gather(s, i, &v))
            out->found.bar = "requests of a patrol are missing";
        out->interval_ns = ns_max(out->interval_ns, plan_interval_ns(&p->stream));
        of_gateway(s, &v, out);
    }
}

/* ---- overshoot ---- */

/* All faults of the run as one bracketed span. */
struct span {
    int64_t ib, ie, hb, he;
};

static struct span faults_of(const struct study *s)
{
    struct span w = {NS_NONE, NS_NONE, NS_NONE, NS_NONE};
    for (size_t i = 0; i < s->applied_count; i++) {
        const struct fault_view *f = &s->faults[i];
        int64_t end = fault_end(s, f);
        if (i == 0)
            w = (struct span){f->ib, f->ie, end, end};
        w.hb = ns_max(w.hb, end);
        w.he = ns_max(w.he, f->he == NS_NONE ? end : ns_min(f->he, s->end_ns));
    }
    return w;
}

void overshoot_measure(const struct study *s, struct overshoot *out)
{
    const struct span w = faults_of(s);
    double rate = (double)s->plan->topology->limits.rate_micro / 1e6;
    int64_t surely = 0, perhaps = 0, sent = 0;
    *out = (struct overshoot){.lo = NAN, .hi = NAN, .offered = NAN};
    if (w.ib == NS_NONE || w.hb <= w.ie) {
        out->found.blind = "no fault was applied";
        return;
    }
    for (size_t i = 0; i < s->plan->patrol_count; i++) {
        struct patrol_view v;
        if (s->plan->patrols[i].who != CALLER_BULK)
            continue;
        if (!gather(s, i, &v))
            out->found.bar = "requests of a patrol are missing";
        for (size_t k = 0; k < v.len; k++) {
            const struct sample *x = v.at[k];
            int64_t left = sample_left(x);
            sent += left >= w.ie && left <= w.hb;
            surely += let_in(x) && left >= w.ie && x->done_ns <= w.hb;
            perhaps += let_in(x) && x->done_ns >= w.ib && left <= w.he;
        }
    }
    double least = rate * (double)(w.hb - w.ie) / 1e9, most = rate * (double)(w.he - w.ib) / 1e9;
    out->lo = fmax(0, (double)surely / most - 1);
    out->hi = fmax(0, (double)perhaps / least - 1);
    out->offered = (double)sent / most - 1;
}
