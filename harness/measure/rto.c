/* SPDX-License-Identifier: MIT */
/*
 * From the search for stable service to the RTO interval.
 *
 * One search counts suspects as good and gives the lower end (last bad request sent before service was back), another
 * counts them as bad and gives the upper end (first stable good reply seen). A loss period is charged to the last fault
 * that had begun when its first bad request completed; one that begins after the heal with nothing in force belongs to
 * the failback.
 *
 * A later fault ends what can be said about an earlier one. If service was stable by then, whatever follows is the
 * later fault's. If it had come back but not for a whole hold, nobody can tell whether it would have lasted: the lower
 * end then takes that return, the upper end looks on across the later fault, and the interval is as wide as our
 * ignorance.
 */
#include "harness/measure/rto.h"

#include "harness/base/text.h"

const char *const recovered_by_words[] = {"failover", "operator", "heal", "never", NULL};

struct window {
    const struct fault_view *fault;
    int64_t end_ns;  /* E */
    int64_t cut_ns;  /* where a later fault begins, at most E */
    int64_t hold_ns;
};

static struct window window_of(const struct study *s, const struct fault_view *f)
{
    int64_t end = fault_end(s, f);
    return (struct window){f, end, ns_min(end, next_fault_after(s, f->ib)), f->step->hold_ns};
}

/* Does a loss period that begins with this bad request belong to the fault? */
static bool charged(const struct study *s, const struct fault_view *f, const struct sample *ff)
{
    int64_t seen = sample_seen(ff);
    if (seen >= next_fault_after(s, f->ib))
        return false;
    return f->hb == NS_NONE || seen <= f->hb || any_fault_in_force(s, seen);
}

/* ff left after the fault was healed, while another one held: the time that counts is the other's. */
static void move_window(const struct study *s, struct window *w, const struct sample *ff)
{
    if (ff->planned_ns < w->end_ns)
        return;
    for (size_t i = 0; i < s->applied_count; i++)
        if (fault_in_force(&s->faults[i], sample_seen(ff)))
            w->end_ns = ns_max(w->end_ns, fault_end(s, &s->faults[i]));
    w->cut_ns = ns_min(w->end_ns, next_fault_after(s, sample_seen(ff)));
}

/* The upper end counts from the fault, or from an earlier one that held when ff left before this one began. */
static int64_t upper_origin(const struct study *s, const struct fault_view *f, const struct sample *ff)
{
    int64_t left = sample_left(ff);
    if (left < f->ib)
        for (size_t i = 0; i < s->applied_count; i++)
            if (fault_in_force(&s->faults[i], left))
                return s->faults[i].ib;
    return f->ib;
}

/* Left while the fault held, failed after the heal: a loss of the failback, but no sign that nothing had happened. */
static bool failed_late(const struct window *w, const struct sample *ff)
{
    return ff && ff->planned_ns < w->end_ns && w->cut_ns == w->end_ns;
}

struct finding {
    bool hurt;
    size_t ff, fg;
    struct window window;
};

static struct finding find(const struct study *s, const struct track *t, const struct fault_view *f, bool lower)
{
    struct window w = window_of(s, f);
    struct finding r = {.ff = track_first_bad(t, 0, f->ib), .window = w};
    const struct sample *ff = r.ff == NO_INDEX ? NULL : t->stream->at[r.ff];
    if (!ff || ff->planned_ns >= s->end_ns || !charged(s, f, ff)) {
        r.fg = failed_late(&w, ff) ? track_stable(t, f->ib, w.cut_ns, w.hold_ns, false)
                                   : track_unhurt(t, f->ib, w.cut_ns, w.hold_ns);
        return r;
    }
    move_window(s, &r.window, ff);
    w = r.window;
    if (ff->planned_ns >= w.end_ns) {
        r.fg = track_unhurt(t, f->ib, w.cut_ns, w.hold_ns);
        return r;
    }
    r.fg = track_stable(t, f->ib, w.cut_ns, w.hold_ns, false);
    if (r.fg == NO_INDEX && w.cut_ns < w.end_ns && lower)
        r.fg = track_stable(t, f->ib, w.cut_ns, w.hold_ns, true);
    if (r.fg == NO_INDEX && w.cut_ns < w.end_ns)
        r.fg = track_stable(t, f->ib, w.end_ns, w.hold_ns, false);
    r.hurt = r.fg == NO_INDEX || r.ff < r.fg;
    return r;
}

/* Service that came back only after the heal, or whose hold the heal cut short. */
static void look_past_heal(const struct study *s, const struct track *t, const struct finding *up, struct stream_rto *r)
{
    int64_t heal = up->window.end_ns, end = ns_min(s->end_ns, next_fault_after(s, heal));
    r->by = BY_NEVER;
    r->stable = track_stable(t, r->fault->ib, end, up->window.hold_ns, false);
    if (r->stable == NO_INDEX || r->fault->hb == NS_NONE)
        return;
    r->by = BY_HEAL;
    r->hold_cut = t->stream->at[r->stable]->planned_ns < heal;
    r->after_heal_ns = ns_max(0, sample_seen(t->stream->at[r->stable]) - heal);
}

static void add_loss(struct study *s, struct rto_run *out, const struct track *t, size_t ff, size_t end, int64_t to_ns)
{
    if (end == NO_INDEX)
        end = stream_from(t->stream, to_ns);
    if (end <= ff)
        return;
    for (size_t i = 0; i < out->losses.len; i++) /* one outage under two faults is one loss period */
        if (out->losses.at[i].stream == t->stream && ff < out->losses.at[i].end && out->losses.at[i].ff < end)
            return;
    *arena_push(s->arena, &out->losses) = (struct loss){
        .stream = t->stream, .ff = ff, .end = end, .bad_count = t->bad[end] - t->bad[ff],
        .from_ns = t->stream->at[ff]->planned_ns,
        .to_ns = end < t->len ? t->stream->at[end]->planned_ns : to_ns};
}

/* Bad requests after the heal that no fault has to answer for. */
static void failback_loss(struct study *s, struct rto_run *out, const struct track *t, const struct stream_rto *r)
{
    int64_t heal = r->fault->hb, end = heal == NS_NONE ? NS_NONE : ns_min(s->end_ns, next_fault_after(s, heal));
    if (heal == NS_NONE || r->by == BY_NEVER || end <= heal)
        return;
    size_t ff = track_first_bad(t, r->stable == NO_INDEX ? 0 : r->stable, heal);
    if (ff == NO_INDEX || t->stream->at[ff]->planned_ns >= end || any_fault_in_force(s, sample_seen(t->stream->at[ff])))
        return;
    size_t back = track_stable(t, ns_max(heal, 0), end, r->fault->step->hold_ns, true);
    if (back == NO_INDEX || back > ff)
        add_loss(s, out, t, ff, back, end);
}

/* fail_over and fail_back do when they succeed; to revoke a credential does not. */
static bool moves_service(const struct study *s, const struct event *e)
{
    for (size_t i = 0; i < s->plan->step_count; i++) {
        const struct plan_step *step = &s->plan->steps[i];
        if (step->id == e->code && step->action.type)
            return text_eq(e->outcome, "ok") && !step->action.type->of_identity;
    }
    return text_eq(e->outcome, "ok");
}

/* Did an operator move the service between the fault and its return? Then it did not come back by itself. */
static bool operator_helped(const struct study *s, const struct fault_view *f, int64_t back_ns)
{
    for (size_t i = 0; i < s->ev->event_count; i++) {
        const struct event *e = &s->ev->events[i];
        if (e->kind == EVENT_ACTION && e->at_ns >= f->ib && e->at_ns < back_ns && moves_service(s, e))
            return true;
    }
    return false;
}

static void measure_stream(struct study *s, struct rto_run *out, const struct track tracks[2], struct stream_rto *r)
{
    const struct track *low = &tracks[SUSPECTS_GOOD], *up = &tracks[SUSPECTS_BAD];
    const struct fault_view *f = r->fault;
    struct finding lower = find(s, low, f, true), upper = find(s, up, f, false);
    int64_t end = upper.window.end_ns;

    r->hurt = upper.hurt;
    r->ff = upper.ff;
    r->fg = r->stable = upper.fg;
    r->by = BY_FAILOVER;
    r->client_lo_ns = r->client_hi_ns = r->after_heal_ns = NS_NONE;
    if (upper.fg == NO_INDEX)
        look_past_heal(s, up, &upper, r);

    size_t before = lower.fg == NO_INDEX ? stream_from(r->stream, lower.window.end_ns) : lower.fg;
    r->lb = lower.hurt ? track_last_bad(low, before, f->ib) : NO_INDEX;
    while (r->lb != NO_INDEX && lower.fg == NO_INDEX && sample_left(r->stream->at[r->lb]) >= lower.window.end_ns)
        r->lb = track_last_bad(low, r->lb, f->ib);
    r->lo_ns = r->lb == NO_INDEX ? 0 : ns_max(0, sample_left(r->stream->at[r->lb]) - f->ie);

    r->hi_ns = NS_OPEN;
    if (r->fg != NO_INDEX) {
        const struct sample *fg = r->stream->at[r->fg];
        if (r->hurt && r->by == BY_FAILOVER && operator_helped(s, f, sample_seen(fg)))
            r->by = BY_OPERATOR;
        r->hi_ns = sample_seen(fg) - (r->hurt ? upper_origin(s, f, r->stream->at[r->ff]) : f->ib);
        r->lo_ns = ns_min(r->lo_ns, r->hi_ns);
        r->blips = up->bad[stream_from(r->stream, upper.window.cut_ns)] - up->bad[r->fg];
        r->blips = ns_max(0, r->blips);
    }
    if (!r->hurt)
        return;
    int64_t sent = r->stream->at[r->ff]->planned_ns;
    r->client_lo_ns = r->lb == NO_INDEX ? 0 : ns_max(0, sample_left(r->stream->at[r->lb]) - sent);
    r->client_hi_ns = r->fg == NO_INDEX ? NS_OPEN : sample_seen(r->stream->at[r->fg]) - sent;
    r->flapped = track_relapsed(up, r->ff + 1, r->fg == NO_INDEX ? r->stream->len : r->fg, end, upper.window.hold_ns);
    add_loss(s, out, up, r->ff, r->stable, ns_min(s->end_ns, next_fault_after(s, end)));
}

static void widen(int64_t *lo, int64_t *hi, int64_t by_lo, int64_t by_hi)
{
    *lo = ns_max(*lo, by_lo); /* NS_NONE is the smallest */
    *hi = ns_max(*hi, by_hi);
}

static void add_to_run(struct rto_run *out, const struct stream_rto *r)
{
    const struct plan_stream *p = r->stream->plan;
    if (p->dns != DNS_HONOURS)
        return; /* shown with its vantage */
    if (!stream_connects(p)) {
        widen(&out->keepalive_lo_ns, &out->keepalive_hi_ns, r->lo_ns, r->hi_ns);
        return;
    }
    out->any = true;
    out->hurt = out->hurt || r->hurt;
    if (!out->worst || r->hi_ns > out->worst->hi_ns || (r->hi_ns == out->worst->hi_ns && r->lo_ns > out->worst->lo_ns))
        out->worst = r;
    if (!out->latest || r->lo_ns > out->latest->lo_ns)
        out->latest = r;
    widen(&out->lo_ns, &out->hi_ns, r->lo_ns, r->hi_ns);
    widen(&out->client_lo_ns, &out->client_hi_ns, r->client_lo_ns, r->client_hi_ns);
    out->after_heal_ns = ns_max(out->after_heal_ns, r->after_heal_ns);
    out->by = r->by > out->by ? r->by : out->by;
    out->flapped = out->flapped || r->flapped;
    out->hold_cut = out->hold_cut || r->hold_cut;
}

/* A later fault began before the stream's next request: of this one there is nothing to tell. */
static bool overtaken(const struct study *s, const struct stream_rto *r)
{
    int64_t next = next_fault_after(s, r->fault->ib);
    return !r->hurt && r->fg == NO_INDEX && next < fault_end(s, r->fault) &&
           stream_from(r->stream, r->fault->ib) >= stream_from(r->stream, next);
}

void rto_measure(struct study *s, struct rto_run *out)
{
    *out = (struct rto_run){.lo_ns = NS_NONE, .hi_ns = NS_NONE, .keepalive_lo_ns = NS_NONE, .keepalive_hi_ns = NS_NONE,
                            .client_lo_ns = NS_NONE, .client_hi_ns = NS_NONE, .after_heal_ns = NS_NONE};
    struct track(*tracks)[2] = arena_alloc(s->arena, sizeof(*tracks) * (s->stream_count + 1));
    for (size_t i = 0; i < s->stream_count; i++)
        for (int as = SUSPECTS_GOOD; as <= SUSPECTS_BAD; as++)
            track_make(&tracks[i][as], s, &s->streams[i], (enum suspects)as, NO_SITE);

    out->at = arena_array(s->arena, struct stream_rto, s->applied_count * s->stream_count + 1);
    for (size_t i = 0; i < s->applied_count; i++) {
        for (size_t j = 0; j < s->stream_count; j++) {
            struct stream_rto *r = &out->at[out->len];
            r->fault = &s->faults[i];
            r->stream = &s->streams[j];
            measure_stream(s, out, tracks[j], r);
            failback_loss(s, out, &tracks[j][SUSPECTS_BAD], r);
            out->len += !overtaken(s, r);
        }
    }
    for (size_t i = 0; i < out->len; i++)
        add_to_run(out, &out->at[i]);
}
