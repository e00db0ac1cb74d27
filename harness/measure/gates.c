/* SPDX-License-Identifier: MIT */
/*
 * May the numbers be believed?
 *
 * Six checks, each met or inconclusive, never missed: steady_state (G1), fault_proof (G2), harness (G4 self-test, G5
 * errors of our own, G6 clocks, G7 stalls, G10 targets, a second prober that disagrees), ledger (G3), completed,
 * rollback. Each begins as inconclusive and has to find its evidence; what is absent is named. The first thing found
 * wrong is the detail, for a reader needs one reason and not a list. One of the first four failing makes the run void.
 * Where the machine was unfit, nothing ran and no check applies.
 */
#include "harness/measure/gates.h"

#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/measure/crosscheck.h"
#include "harness/measure/measure.h"
#include "harness/measure/quality.h"

#include <signal.h>

static const struct event *last_event(const struct study *s, enum event_kind kind)
{
    for (size_t i = s->ev->event_count; i > 0; i--)
        if (s->ev->events[i - 1].kind == kind)
            return &s->ev->events[i - 1];
    return NULL;
}

static bool add(const struct study *s, struct result *out, const char *name, const char *wrong, const char *right)
{
    *arena_push(s->arena, &out->checks) =
        (struct result_check){.name = name, .verdict = wrong ? INCONCLUSIVE : MET, .detail = wrong ? wrong : right};
    return !wrong;
}

/* ---- G1 ---- */

static bool steady_state(const struct study *s, struct result *out)
{
    const char *wrong = NULL, *right = NULL;
    char why[160];
    struct baseline b = {.intended = 0};
    if (s->base_from_ns != NS_NONE)
        b = baseline_of(s->ev->samples, s->ev->sample_count, s->base_from_ns, s->base_to_ns);
    if (!s->baseline)
        wrong = "the timeline has no baseline";
    else if (!text_eq(s->baseline->outcome, "met"))
        wrong = s->baseline->detail ? s->baseline->detail : "the steady state was not reached in time";
    else if (s->base_from_ns == NS_NONE)
        wrong = "the baseline has no time";
    else if (s->baseline->at_ns < s->baseline->end_ns && !baseline_met(s->plan, &b, why))
        wrong = arena_printf(s->arena, "the records do not bear the baseline out: %s", why);
    else if (b.intended && b.p99_ns >= 0)
        right = arena_printf(s->arena, "%.4g %% good and p99 %.3g ms for %.3g s",
                             100.0 * (double)b.good / (double)b.intended, (double)b.p99_ns / 1e6,
                             (double)(s->base_to_ns - s->base_from_ns) / 1e9);
    else
        right = "reached";
    return add(s, out, "steady_state", wrong, right);
}

/* ---- G2 ---- */

static const char *fault_unproven(const struct study *s, const struct fault_view *f, bool interrupted)
{
    const struct action_type *type = f->step->action.type;
    const char *text = f->step->text ? f->step->text : "a fault";
    if (f->nothing)
        return NULL;
    if (f->ib == NS_NONE)
        return interrupted ? NULL : arena_printf(s->arena, "%s was never applied", text);
    if (!f->proof || !text_eq(f->proof->outcome, "proven"))
        return arena_printf(s->arena, "%s is %s", text,
                            f->proof && f->proof->outcome ? f->proof->outcome : "without proof");
    if (f->lapse && !(type && type->proven_once) && (f->hb == NS_NONE || f->lapse->at_ns < f->hb))
        return arena_printf(s->arena, "%s was not in force all the time: it lapsed at %.3f s", text,
                            seconds(f->lapse->at_ns));
    if (f->hb == NS_NONE && f->heal)
        return arena_printf(s->arena, "%s was healed before it was applied", text);
    if (f->hb != NS_NONE && (!f->heal_proof || !text_eq(f->heal_proof->outcome, "proven")))
        return arena_printf(s->arena, "the heal of %s is %s", text,
                            f->heal_proof && f->heal_proof->outcome ? f->heal_proof->outcome : "without proof");
    return NULL;
}

static bool fault_proof(const struct study *s, struct result *out, bool interrupted)
{
    const char *wrong = NULL;
    size_t faults = 0;
    for (size_t i = 0; i < s->fault_count; i++) {
        faults += !s->faults[i].nothing;
        wrong = wrong ? wrong : fault_unproven(s, &s->faults[i], interrupted);
    }
    if (faults == 0)
        return true;
    return add(s, out, "fault_proof", wrong, arena_printf(s->arena, "%zu of %zu proven", faults, faults));
}

/* ---- G4, G5, G6, G7, G10 ---- */

static const char *selftest_wrong(const struct study *s, const struct result *out)
{
    const struct event *e = last_event(s, EVENT_SELFTEST);
    if (e && text_eq(e->outcome, "met"))
        return NULL;
    if (e && text_eq(e->outcome, "skipped") && text_eq(out->lab.kind, "sim"))
        return NULL; /* the model's truth is known by construction; there is no prober to test */
    if (e && text_eq(e->outcome, "skipped") && e->detail)
        return arena_strdup(s->arena, e->detail);
    return e ? "the self-test did not pass" : "no self-test is recorded for this binary on this machine";
}

static const char *errors_wrong(const struct study *s, const struct result *out)
{
    const struct event *e = NULL;
    for (size_t i = 0; i < s->ev->event_count && !e; i++)
        if (s->ev->events[i].kind == EVENT_HARNESS && text_eq(s->ev->events[i].outcome, "error"))
            e = &s->ev->events[i];
    if (e)
        return arena_printf(s->arena, "harness error: %s", e->detail ? e->detail : "without words");
    if (s->ev->timeline_damage)
        return arena_printf(s->arena, "the timeline is damaged: %s", s->ev->timeline_damage);
    if (s->ev->plan_damage)
        return arena_printf(s->arena, "plan.yaml is damaged: %s", s->ev->plan_damage);
    if (s->ev->samples_damage)
        return arena_printf(s->arena, "the request records are damaged: %s", s->ev->samples_damage);
    if (s->strange_count)
        return arena_printf(s->arena, "%zu records or events are out of range", s->strange_count);
    if (s->missing_count)
        return arena_printf(s->arena, "planned requests without a record in %zu places", s->missing_count);
    if (out->quality.harness_error_count)
        return arena_printf(s->arena, "%lld planned requests were not sent or were stopped on our side",
                            (long long)out->quality.harness_error_count);
    if (out->quality.wire_overflow_count)
        return arena_printf(s->arena, "the wire lost %lld frames that nobody asked it to lose",
                            (long long)out->quality.wire_overflow_count);
    return NULL;
}

/* Every stream has to reach from the first fault to the end: a silent one has lost its process. */
static const char *streams_wrong(const struct study *s)
{
    if (s->stream_count == 0)
        return "the plan has no stream of requests";
    for (size_t i = 0; i < s->stream_count; i++) {
        const struct stream_view *v = &s->streams[i];
        int64_t slack = ns_add(NS_PER_S, ns_add(plan_interval_ns(v->plan), plan_interval_ns(v->plan)));
        if (v->len == 0)
            return arena_printf(s->arena, "stream %zu has no records", i);
        if (ns_add(v->at[v->len - 1]->planned_ns, slack) < s->end_ns ||
            (s->first_ib_ns != NS_NONE && v->at[0]->planned_ns > s->first_ib_ns))
            return arena_printf(s->arena, "stream %zu has records from %.3f to %.3f s only", i,
                                seconds(v->at[0]->planned_ns), seconds(v->at[v->len - 1]->planned_ns));
    }
    return NULL;
}

static const char *clock_wrong(const struct study *s)
{
    struct clock_finding clock = clock_check(s);
    if (clock.readings < 2)
        return "the clocks were not sampled at start and end";
    if (clock.suspended)
        return "the host was suspended during the run";
    if (clock.backward || s->backward_count)
        return "a timestamp runs backwards";
    return NULL;
}

static const char *stall_wrong(const struct study *s, const struct rto_run *rto)
{
    const struct plan_target *target = plan_target_find(s->plan, TARGET_RTO);
    for (size_t i = 0; target && target->value > 0 && i < rto->len; i++) {
        const struct stream_rto *r = &rto->at[i];
        if (!stream_decides(r->stream->plan))
            continue;
        int64_t to = r->fg == NO_INDEX ? fault_end(s, r->fault) : sample_seen(r->stream->at[r->fg]);
        int64_t late = lateness_in(s, r->fault->ib, to);
        if (late > target->value / 10)
            return arena_printf(s->arena, "drtest itself was %.1f ms late during the recovery, more than 10 %% of the "
                                          "target", (double)late / 1e6);
    }
    return NULL;
}

static const char *named_hash(const struct event *e, const char *key)
{
    return e && e->data ? json_string_value(json_object_get(e->data, key)) : NULL;
}

static const char *targets_wrong(const struct study *s)
{
    const struct event *header = s->ev->event_count ? &s->ev->events[0] : NULL;
    const char *begun = named_hash(header, "scenario_sha256"), *ended = named_hash(s->end, "scenario_sha256");
    if (!header || header->kind != EVENT_HEADER || !begun)
        return "the timeline does not say which scenario it belongs to";
    if (!text_eq(begun, s->plan->sha256) || (ended && !text_eq(ended, begun)))
        return "the scenario was changed after the run began";
    return NULL;
}

/* Without a last line: how far the evidence goes that is there. */
static const char *killed(const struct study *s)
{
    const struct evidence *ev = s->ev;
    double events = seconds(ev->event_count ? ev->events[ev->event_count - 1].end_ns : 0);
    double requests = seconds(ev->sample_count ? ev->samples[ev->sample_count - 1].planned_ns : 0);
    const char *rest = ev->has_ledger ? arena_printf(s->arena, ", the ledger (%zu entries) up to %.3f s",
                                                     ev->ledger_count, seconds(ev->ledger_newest_ns))
                                      : "";
    return arena_printf(s->arena,
                        "the run has no end: drtest, or a process of its own, died or was killed; on record are "
                        "events up to %.3f s, requests up to %.3f s%s",
                        events, requests, rest);
}

static bool harness(const struct study *s, const struct rto_run *rto, struct result *out)
{
    const char *selftest = selftest_wrong(s, out), *wrong = errors_wrong(s, out);
    out->quality.selftest_ok = !selftest;
    if (!wrong && !s->end)
        wrong = killed(s);
    wrong = wrong ? wrong : streams_wrong(s);
    wrong = wrong ? wrong : clock_wrong(s);
    wrong = wrong ? wrong : stall_wrong(s, rto);
    wrong = wrong ? wrong : targets_wrong(s);
    wrong = wrong ? wrong : crosscheck_wrong(s, &out->quality);
    wrong = wrong ? wrong : selftest;
    return add(s, out, "harness", wrong,
               arena_printf(s->arena, "max slip %.3g ms, max stall %.3g ms", out->quality.max_slip_ms,
                            out->quality.max_stall_ms));
}

/* ---- G3 ---- */

static bool writes_planned(const struct plan *plan)
{
    for (size_t i = 0; i < plan->stream_count; i++)
        if (plan->streams[i].kind == STREAM_WRITE)
            return true;
    return false;
}

static bool ledger(const struct study *s, const struct ledger_view *l, struct result *out)
{
    const char *wrong = NULL;
    if (!writes_planned(s->plan))
        return true;
    if (s->ev->ledger_damage)
        wrong = arena_printf(s->arena, "the ledger is damaged: %s", s->ev->ledger_damage);
    else if (!l)
        wrong = "there is no ledger";
    else if (l->broken)
        wrong = l->broken;
    else if (l->foreign_count)
        wrong = arena_printf(s->arena, "%zu writes are stored that nobody sent", l->foreign_count);
    else if (l->write_count == 0)
        wrong = "the ledger has no writes";
    return add(s, out, "ledger", wrong, arena_printf(s->arena, "%zu entries, chain intact", s->ev->ledger_count));
}

/* ---- completed, rollback ---- */

static void completed(const struct study *s, struct result *out, struct gates *g)
{
    const struct event *abort = last_event(s, EVENT_ABORT);
    const char *wrong = NULL, *outcome = s->end ? s->end->outcome : NULL;
    if (abort)
        wrong = arena_printf(s->arena, "aborted: %s", abort->detail ? abort->detail : "without words");
    else if (!s->end)
        wrong = killed(s);
    else if (text_eq(outcome, "void"))
        wrong = "the run was given up because it could prove nothing";
    else if (!text_eq(outcome, "completed"))
        wrong = arena_printf(s->arena, "the run is %s", outcome ? outcome : "without outcome");
    if (abort && (abort->code == SIGINT || abort->code == SIGTERM))
        g->signal = (int)abort->code;
    if (s->end && text_eq(outcome, "unfit"))
        g->unfit = s->end->detail ? s->end->detail : "this machine cannot do what the scenario asks for";
    g->interrupted = abort || !s->end || text_eq(outcome, "interrupted");
    add(s, out, "completed", wrong, "all phases ran");
}

static void rollback(const struct study *s, struct result *out)
{
    const struct event *e = last_event(s, EVENT_RESIDUE);
    const char *wrong = NULL;
    if (!e || text_eq(e->subject, "before"))
        wrong = "nobody looked for what the run may have left behind";
    else if (!text_eq(e->outcome, "clean"))
        wrong = e->detail ? e->detail : "something was left behind";
    add(s, out, "rollback", wrong, "nothing left behind");
}

void gates_apply(const struct study *s, const struct rto_run *rto, const struct ledger_view *l, struct result *out,
                 struct gates *g)
{
    struct result unlisted = {.checks = {0}};
    *g = (struct gates){.valid = true};
    completed(s, &unlisted, g); /* first, since an interruption explains faults that were never applied */
    if (g->unfit)
        return; /* nothing was started: there is nothing to check */
    g->valid = steady_state(s, out) && g->valid;
    g->valid = fault_proof(s, out, g->interrupted) && g->valid;
    g->valid = harness(s, rto, out) && g->valid;
    g->valid = ledger(s, l, out) && g->valid;
    completed(s, out, g);
    rollback(s, out);
    out->quality.valid = g->valid;
}
