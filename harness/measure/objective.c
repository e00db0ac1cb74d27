/* SPDX-License-Identifier: MIT */
/*
 * Judging the objectives.
 *
 * Every target key has a row: how it is measured and a function that puts the achieved interval, resolution, floors,
 * flags and evidence into the objective. The verdict follows from the interval alone; then come the two gates of single
 * objectives. G8: what the data cannot support may not be met (a miss stands). G9: a value below the floor is not
 * believed. A measure without evidence has no interval and a reason, and is inconclusive. A fault of the plan that was
 * never applied leaves what depends on it unmet as well.
 */
#include "harness/measure/objective.h"

#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/measure/measure.h"
#include "harness/measure/verdict.h"

#include <string.h>

struct judging {
    const struct findings *f;
    const struct plan_target *target;
    struct result_objective *o;
    const char *bar;     /* why it may not be met (G8), NULL */
    const char *blind;   /* why nothing is known, NULL */
    const char *untold;  /* why nobody could know: it is skipped, NULL */
    const char *forced;  /* missed for this reason whatever the interval says, NULL */
    double floored;      /* the value G9 compares with the floor; NAN: the upper end */
    bool no_floor_gate;
};

static struct arena *arena_of(const struct judging *j)
{
    return j->f->study->arena;
}

static void flag(const struct judging *j, const char *word)
{
    *arena_push(arena_of(j), &j->o->flags) = word;
}

static void cite(const struct judging *j, const char *file, int64_t seq, const char *what)
{
    *arena_push(arena_of(j), &j->o->evidence) = (struct result_evidence){file, seq, what};
}

static void achieved(const struct judging *j, double lo, double hi)
{
    j->o->achieved_lower = lo;
    j->o->achieved_upper = hi;
}

static void floors(const struct judging *j, struct floor f)
{
    j->o->floor = f.min;
    j->o->floor_mean = f.mean;
    j->o->floor_max = f.max;
}

static void cite_proofs(const struct judging *j)
{
    const struct study *s = j->f->study;
    for (size_t i = 0; i < s->applied_count; i++)
        if (s->faults[i].proof)
            cite(j, "timeline.jsonl", s->faults[i].proof->seq, "fault proven");
}

static void cite_sample(const struct judging *j, const struct sample *x, const char *what)
{
    const struct evidence *ev = j->f->study->ev;
    cite(j, "samples.bin", x - ev->samples, what);
}

/* ---- service ---- */

static void of_rto(struct judging *j)
{
    const struct rto_run *r = &j->f->rto;
    const struct study *s = j->f->study;
    if (!r->any) {
        j->blind = "no fault was applied while fresh requests or writes were running";
        return;
    }
    achieved(j, seconds(r->lo_ns), seconds(r->hi_ns));
    floors(j, floor_rto(s->plan, NULL));
    j->o->resolution = seconds(s->interval_ns);
    if (r->hurt || r->by != BY_FAILOVER) /* else there was nothing to recover from */
        j->o->recovered_by = recovered_by_words[r->by];
    j->o->fault_id = r->worst->fault->step->id;
    j->no_floor_gate = r->worst->fault->nothing;
    if (s->interval_ns > j->target->value / 100)
        flag(j, "coarse");
    int64_t to = r->worst->fg == NO_INDEX ? fault_end(s, r->worst->fault) : r->worst->fault->ib + r->worst->hi_ns;
    if (lateness_in(s, r->worst->fault->ib, to) > s->interval_ns)
        flag(j, "degraded");
    if (r->flapped)
        flag(j, "flapped");
    if (r->hold_cut)
        flag(j, "hold_cut");
    cite_proofs(j);
    if (r->latest->lb != NO_INDEX)
        cite_sample(j, r->latest->stream->at[r->latest->lb], "last bad request");
    if (r->worst->stable != NO_INDEX)
        cite_sample(j, r->worst->stream->at[r->worst->stable], "first request of stable service");
}

static void of_failback(struct judging *j)
{
    const struct failback *b = &j->f->failback;
    if (!b->any) {
        j->blind = "no fault was healed within the observation";
        return;
    }
    achieved(j, seconds(b->lo_ns), seconds(b->hi_ns));
    j->o->resolution = seconds(j->f->study->interval_ns);
    j->o->fault_id = b->fault->step->id;
    if (b->fault->heal)
        cite(j, "timeline.jsonl", b->fault->heal->seq, "fault healed");
}

static void of_availability(struct judging *j)
{
    const struct availability *a = &j->f->availability;
    if (!a->any || a->intended == 0) {
        j->blind = "no request was planned after the first fault";
        return;
    }
    achieved(j, (double)a->good / (double)a->intended, (double)(a->good + a->suspects) / (double)a->intended);
    if (!a->whole)
        j->bar = "observation ended before the drill's window did";
}

static void of_p99(struct judging *j)
{
    if (isnan(j->f->drill_p99_ms)) {
        j->blind = "no good reply has a latency";
        return;
    }
    achieved(j, latency_drill_ms(j->f->study, &j->f->availability, 99, j->target->value), j->f->drill_p99_ms);
    if (!j->f->availability.whole)
        j->bar = "observation ended before the drill's window did";
}

static void of_retries(struct judging *j)
{
    const struct sharing *w = &j->f->sharing;
    if (w->answers == 0) {
        j->blind = "no answer says how many attempts it took";
        return;
    }
    double ratio = (double)(w->attempts - w->answers) / (double)w->answers;
    achieved(j, ratio, ratio);
    if (!j->f->availability.whole)
        j->bar = "observation ended before the drill's window did";
}

static void of_moved_users(struct judging *j)
{
    const struct sharing *w = &j->f->sharing;
    if (w->users == 0) {
        j->blind = "no key was read before and during the fault from origins that gave their names";
        return;
    }
    double ratio = (double)w->moved / (double)w->users;
    achieved(j, ratio, ratio);
}

/* ---- data ---- */

static bool data_known(struct judging *j)
{
    const struct findings *f = j->f;
    if (!f->ledger)
        j->blind = "there is no ledger";
    else if (!f->rpo.any)
        j->blind = f->study->applied_count ? f->ledger->missing : "no fault was applied";
    return !j->blind;
}

static const struct plan_target *allowance(const struct study *s)
{
    const struct plan_target *t = plan_target_find(s->plan, TARGET_LOST_AFTER);
    return t && !t->implied ? t : NULL;
}

static void of_rpo(struct judging *j)
{
    const struct rpo *r = &j->f->rpo;
    const struct study *s = j->f->study;
    if (!data_known(j))
        return;
    achieved(j, seconds(r->lo_ns), seconds(r->hi_ns));
    floors(j, floor_rpo(s->plan, NULL));
    double rate = plan_rate_writes(s->plan);
    bool nothing_lost = r->before == 0;
    j->o->resolution = nothing_lost ? seconds(r->resolution_ns) : rate > 0 ? 1 / rate : NAN;
    j->floored = nothing_lost ? seconds(r->resolution_ns) : j->o->achieved_upper;
    j->no_floor_gate = nothing_lost && isnan(j->floored);
    j->bar = rpo_bars_met(s, j->f->ledger, r, j->target->value, j->target->value == 0);
    const struct plan_target *allowed = allowance(s);
    if (r->after > (allowed ? allowed->value : 0))
        j->forced = arena_printf(arena_of(j), "%lld acknowledged writes were lost after the fault",
                                 (long long)r->after);
    if (r->fault)
        j->o->fault_id = r->fault->step->id;
    if (r->oldest_lost)
        cite(j, "ledger.bin", (int64_t)r->oldest_lost->id, "oldest lost write");
}

static void count(struct judging *j, int64_t n)
{
    achieved(j, (double)n, (double)n);
    if (!j->f->ledger->complete)
        j->bar = j->f->ledger->missing;
}

static void of_lost_writes(struct judging *j)
{
    const struct rpo *r = &j->f->rpo;
    if (!data_known(j))
        return;
    count(j, r->before + r->after);
    j->bar = rpo_bars_met(j->f->study, j->f->ledger, r, 0, j->target->value == 0);
    if (r->oldest_lost)
        cite(j, "ledger.bin", (int64_t)r->oldest_lost->id, "oldest lost write");
}

static void of_lost_after(struct judging *j)
{
    if (data_known(j))
        count(j, j->f->rpo.after);
}

static void of_conflicting(struct judging *j)
{
    if (data_known(j))
        count(j, (int64_t)j->f->ledger->conflicting_count);
}

static void of_duplicated(struct judging *j)
{
    const struct ledger_view *l = j->f->ledger;
    int64_t twice = 0;
    if (!data_known(j))
        return;
    for (size_t i = 0; i < l->write_count; i++)
        twice += l->writes[i].twice;
    count(j, twice);
}

static void of_stale(struct judging *j)
{
    const struct stale *t = &j->f->stale;
    if (!j->f->ledger) {
        j->blind = "there is no ledger";
    } else if (t->could == 0) {
        j->blind = "no read could have been stale";
    } else {
        double ratio = (double)t->count / (double)t->could;
        achieved(j, ratio, ratio);
        if (!j->f->ledger->complete)
            j->bar = j->f->ledger->missing;
    }
}

/* ---- polls ---- */

static void of_poll(struct judging *j, const struct polled *p, double resolution_s, const char *nothing,
                    const char *blind)
{
    j->o->resolution = resolution_s;
    if (!p->any) {
        j->blind = p->blind ? blind : nothing;
        return;
    }
    achieved(j, seconds(p->lo_ns), seconds(p->hi_ns));
    if (p->blind)
        j->bar = blind;
    if (p->fault)
        j->o->fault_id = p->fault->step->id;
    if (p->event)
        cite(j, "timeline.jsonl", p->event->seq, "first poll that showed it");
}

static void of_detected(struct judging *j)
{
    of_poll(j, &j->f->detected, 0.1, "no fault was applied", "the nodes could not be observed");
}

static void of_repaired(struct judging *j)
{
    of_poll(j, &j->f->repaired, 0.1, "no drift was applied", "no observation shows the drift itself");
}

static void of_converged(struct judging *j)
{
    const struct polled *p = &j->f->converged;
    of_poll(j, p, 1, "no fault was applied", "the regions were not polled after the fault");
    if (p->any && p->capped)
        j->forced = "the regions still differed when the polls ended";
}

/* ---- callers ---- */

static void of_revoked(struct judging *j)
{
    const struct revoked *r = &j->f->revoked;
    j->blind = r->found.blind;
    j->bar = r->found.bar;
    j->o->resolution = seconds(r->interval_ns);
    if (!j->blind)
        achieved(j, seconds(r->lo_ns), seconds(r->hi_ns));
    if (r->order)
        cite(j, "timeline.jsonl", r->order->seq, "key revoked");
}

static void of_overshoot(struct judging *j)
{
    const struct overshoot *o = &j->f->overshoot;
    j->blind = o->found.blind;
    j->bar = o->found.bar;
    if (o->offered * (double)PPM <= (double)j->target->value)
        j->bar = "too little was sent with the limited key to go beyond the target";
    if (!j->blind)
        achieved(j, o->lo, o->hi);
    cite_proofs(j);
}

static const char untold[] = "the gateways do not tell of alerts";

static void of_alerted(struct judging *j)
{
    j->untold = j->f->alerted.untold ? untold : NULL;
    of_poll(j, &j->f->alerted, 0.1, "no fault was applied that an alert is asked for", NULL);
}

static void of_false_alarms(struct judging *j)
{
    const struct false_alarms *a = &j->f->false_alarms;
    j->untold = a->untold ? untold : NULL;
    achieved(j, (double)a->count, (double)a->count);
    if (a->first)
        cite(j, "timeline.jsonl", a->first->seq, "first poll that showed one");
}

static const struct measure_row {
    const char *method;
    void (*fill)(struct judging *j);
} rows[TARGET_KEYS] = {
    [TARGET_RTO] = {"timestamp", of_rto},
    [TARGET_RPO] = {"ledger", of_rpo},
    [TARGET_LOST_WRITES] = {"ledger", of_lost_writes},
    [TARGET_LOST_AFTER] = {"ledger", of_lost_after},
    [TARGET_CONFLICTING_WRITES] = {"ledger", of_conflicting},
    [TARGET_STALE_READS] = {"ledger", of_stale},
    [TARGET_CONVERGED] = {"poll", of_converged},
    [TARGET_FAILBACK] = {"timestamp", of_failback},
    [TARGET_AVAILABILITY] = {"window", of_availability},
    [TARGET_P99] = {"window", of_p99},
    [TARGET_DETECTED] = {"poll", of_detected},
    [TARGET_REPAIRED] = {"poll", of_repaired},
    [TARGET_DUPLICATED_WRITES] = {"ledger", of_duplicated},
    [TARGET_RETRIES] = {"window", of_retries},
    [TARGET_MOVED_USERS] = {"window", of_moved_users},
    [TARGET_REVOKED] = {"timestamp", of_revoked},
    [TARGET_OVERSHOOT] = {"window", of_overshoot},
    [TARGET_ALERTED] = {"poll", of_alerted},
    [TARGET_FALSE_ALARMS] = {"poll", of_false_alarms},
};

static double in_unit(enum target_unit unit, int64_t value)
{
    switch (unit) {
    case TARGET_S:
        return (double)value / 1e9;
    case TARGET_MS:
        return (double)value / 1e6;
    case TARGET_RATIO:
        return (double)value / (double)PPM;
    case TARGET_COUNT:
        break;
    }
    return (double)value;
}

static const char *title_of(struct arena *a, const struct target_type *type, int64_t value)
{
    char printed[UNIT_MAX];
    const char *gap = strstr(type->title, "%s");
    if (type->unit == TARGET_COUNT)
        return arena_printf(a, "%.*s%lld%s", gap ? (int)(gap - type->title) : 0, type->title, (long long)value,
                            gap ? gap + 2 : type->title);
    if (type->unit == TARGET_RATIO)
        unit_print_ratio(value, printed);
    else
        unit_print_duration(value, printed);
    return gap ? arena_printf(a, "%.*s%s%s", (int)(gap - type->title), type->title, printed, gap + 2) : type->title;
}

static const char *value_text(struct arena *a, double value, const char *unit)
{
    if (isnan(value))
        return "an open end";
    if (text_eq(unit, "ratio"))
        return arena_printf(a, "%.4g %%", value * 100);
    if (text_eq(unit, "count"))
        return arena_printf(a, "%.0f", value);
    return arena_printf(a, "%.3f %s", value, unit);
}

static const char *reason_of(const struct judging *j)
{
    static const char *const units[] = {"s", "ms", "ratio", "count"};
    struct arena *a = arena_of(j);
    const struct result_objective *o = j->o;
    const char *unit = units[target_types[j->target->key].unit], *target = value_text(a, o->target, unit);
    bool least = target_types[j->target->key].at_least;
    if (o->verdict == MET)
        return NULL;
    if (o->verdict == MISSED)
        return arena_printf(a, "%s is %s %s", value_text(a, least ? o->achieved_upper : o->achieved_lower, unit),
                            least ? "below" : "above", target);
    if (text_eq(o->recovered_by, "heal") || text_eq(o->recovered_by, "never"))
        return arena_printf(a, "service had not come back by itself for %s, the target is %s",
                            value_text(a, o->achieved_lower, unit), target);
    return arena_printf(a, "between %s and %s, the target is %s", value_text(a, o->achieved_lower, unit),
                        value_text(a, o->achieved_upper, unit), target);
}

static void decide(struct judging *j)
{
    const struct study *s = j->f->study;
    struct result_objective *o = j->o;
    const char *why = NULL;
    bool least = target_types[j->target->key].at_least;
    o->verdict = least ? judge_at_least(o->achieved_lower, o->achieved_upper, o->target)
                       : judge_at_most(o->achieved_lower, o->achieved_upper, o->target);
    double floored = isnan(j->floored) ? o->achieved_upper : j->floored;
    if (j->untold) {
        o->verdict = SKIPPED;
        o->achieved_lower = o->achieved_upper = NAN;
        why = j->untold;
    } else if (j->blind) {
        o->verdict = INCONCLUSIVE;
        why = j->blind;
    } else if (j->forced) {
        o->verdict = MISSED;
        why = j->forced;
    } else if (!j->no_floor_gate && floored < o->floor) {
        o->verdict = INCONCLUSIVE;
        why = arena_printf(arena_of(j), "%.3f s is below the floor of %.3f s: the fault did not bite as planned",
                           floored, o->floor);
    } else if (o->verdict == MET && s->applied_count < s->fault_count) {
        o->verdict = INCONCLUSIVE;
        why = "not every fault of the plan was applied";
    } else if (o->verdict != MISSED && j->bar) {
        o->verdict = INCONCLUSIVE;
        why = j->bar;
    }
    o->reason = why ? why : reason_of(j);
}

/* How near the achieved value comes to what the configuration alone takes. */
static void against_floor(struct result_objective *o)
{
    if (o->achieved_upper > 0) {
        o->efficiency = o->floor_mean / o->achieved_upper;
        o->excess = o->achieved_upper - o->floor_max;
    }
}

void objectives_judge(const struct findings *f, struct result *out)
{
    static const char *const units[] = {"s", "ms", "ratio", "count"};
    const struct plan *plan = f->study->plan;
    for (size_t i = 0; i < plan->target_count; i++) {
        const struct plan_target *t = &plan->targets[i];
        if ((unsigned)t->key >= TARGET_KEYS)
            continue;
        const struct target_type *type = &target_types[t->key];
        struct result_objective *o = arena_push(f->study->arena, &out->objectives);
        *o = (struct result_objective){
            .name = type->key, .title = title_of(f->study->arena, type, t->value),
            .direction = type->at_least ? "at_least" : "at_most", .target = in_unit(type->unit, t->value),
            .achieved_lower = NAN, .achieved_upper = NAN, .unit = units[type->unit], .resolution = NAN, .floor = NAN,
            .floor_mean = NAN, .floor_max = NAN, .efficiency = NAN, .excess = NAN, .method = rows[t->key].method,
            .fault_id = JSON_NONE,
            .implied = t->implied, .file = arena_strdup(f->study->arena, t->file),
            .assignment = arena_strdup(f->study->arena, t->assignment), .line = t->line, .column = t->column};
        struct judging j = {.f = f, .target = t, .o = o, .floored = NAN};
        rows[t->key].fill(&j);
        against_floor(o);
        decide(&j);
    }
}
