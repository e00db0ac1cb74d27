/* SPDX-License-Identifier: MIT */
/*
 * Vantage by vantage: the interval of its fresh reads as rto.c found it in samples.bin, beside the one that second.c
 * finds in crosscheck.csv. Of several faults each end is the largest. The two agree when
 *
 *     the intervals overlap (widened by sigma and parting), and the upper ends are no further apart than
 *
 *         Delta_1 + Delta_2          each may see the end of the outage up to its own probe gap late
 *         + sigma_1 + sigma_2        how late each ran itself between the fault and its first stable answer
 *         + service time             by how much longer the later one's first stable answer took: an upper end is a
 *                                    completion, and a request that finds a gateway still trying the dead side is good,
 *                                    but slow
 *         + the clients' own parting, in the direction it points: each prober is a client with an endpoint list and
 *           health checks of its own, and one whose client went elsewhere x ms later may see service return up to x ms
 *           later. Both clients' last changes before that return are on record. At most one health-check period and the
 *           requests it takes to notice are granted: more is no matter of phase.
 *
 * Where both say that service was not back, the lower ends are compared instead. Where only one says so, they disagree.
 * What the service did not differ in, neither may the probers; so there is no case in which being apart is passed over.
 *
 * Failure paths: the record is missing or damaged, a vantage has none, requests of the second prober did not leave, it
 * ran too late itself: not confirmed, in words.
 */
#include "harness/measure/crosscheck.h"

#include "harness/base/text.h"
#include "harness/measure/second.h"

#define NOTHING_TO_COMPARE "no fault was applied: there was nothing to compare"

/* What one prober says about one vantage. */
struct verdict_of {
    int64_t lo_ns, hi_ns;          /* the largest over the faults */
    const struct fault_view *fault; /* the one that hi_ns is about; NULL: none was applied */
    int64_t back_ns;               /* send of its first stable request; NS_NONE */
    int64_t took_ns;               /* how long that one took */
    int64_t changed_ns;            /* its client's last change before that; NS_NONE */
    int64_t late_ns;               /* sigma */
};

struct comparison {
    int64_t difference_ns, allowed_ns;
    bool overlap;
};

struct slice {
    const struct cross_record *at;
    size_t len;
};

static bool requested(const struct study *s)
{
    const struct event *header = s->ev->event_count ? &s->ev->events[0] : NULL;
    return header && header->kind == EVENT_HEADER && json_is_true(json_object_get(header->data, "crosscheck"));
}

static struct slice of_vantage(const struct cross_record *at, size_t count, uint16_t vantage, int64_t end_ns)
{
    struct slice out = {0};
    for (size_t i = 0; i < count; i++) {
        if (at[i].vantage != vantage || at[i].planned_ns >= end_ns)
            continue;
        out.at = out.at ? out.at : &at[i];
        out.len++;
    }
    return out;
}

/* from_ns, to_ns: send and completion of the first stable request, NS_NONE without one. */
static void take(struct verdict_of *v, int64_t lo_ns, int64_t hi_ns, const struct fault_view *fault, int64_t from_ns,
                 int64_t to_ns)
{
    v->lo_ns = ns_max(v->lo_ns, lo_ns);
    if (v->fault && hi_ns <= v->hi_ns)
        return;
    v->hi_ns = hi_ns;
    v->fault = fault;
    v->back_ns = from_ns;
    v->took_ns = from_ns == NS_NONE ? 0 : to_ns - from_ns;
}

/* Until when this one looked for service: until it was back, or until its fault's time was over. */
static int64_t looked_until(const struct study *s, const struct verdict_of *v)
{
    return v->hi_ns == NS_OPEN ? fault_end(s, v->fault) : ns_add(v->fault->ib, v->hi_ns);
}

static struct verdict_of first_says(const struct study *s, const struct rto_run *rto, const struct stream_view *stream)
{
    struct verdict_of v = {.lo_ns = 0, .hi_ns = 0, .back_ns = NS_NONE, .changed_ns = NS_NONE};
    for (size_t i = 0; i < rto->len; i++) {
        const struct stream_rto *r = &rto->at[i];
        if (r->stream != stream)
            continue;
        const struct sample *fg = r->fg == NO_INDEX ? NULL : stream->at[r->fg];
        take(&v, r->lo_ns, r->hi_ns, r->fault, fg ? sample_left(fg) : NS_NONE, fg ? sample_seen(fg) : NS_NONE);
    }
    for (size_t i = 0; v.back_ns != NS_NONE && i < s->ev->switch_count; i++) {
        const struct sample *x = &s->ev->switches[i];
        if (x->stream == stream->plan->vantage && x->done_ns > v.fault->ib && x->done_ns <= v.back_ns)
            v.changed_ns = ns_max(v.changed_ns, x->done_ns);
    }
    v.late_ns = v.fault ? lateness_in(s, v.fault->ib, looked_until(s, &v)) : 0;
    return v;
}

static struct second_fault question(const struct study *s, const struct fault_view *f)
{
    int64_t end = fault_end(s, f), next = next_fault_after(s, f->ib);
    int64_t charge = next == NS_OPEN ? NS_OPEN : next - 1;
    if (f->hb != NS_NONE && !any_fault_in_force(s, f->hb))
        charge = ns_min(charge, f->hb);
    return (struct second_fault){f->ib, f->ie, end, ns_min(end, next), charge, f->step->hold_ns};
}

static int64_t lateness(const struct slice *records, int64_t from_ns, int64_t to_ns)
{
    int64_t worst = 0;
    for (size_t i = 0; i < records->len; i++) {
        const struct cross_record *r = &records->at[i];
        if (r->sent_ns >= from_ns && r->planned_ns <= to_ns)
            worst = ns_max(worst, r->sent_ns - r->planned_ns);
    }
    return worst;
}

static struct verdict_of second_says(const struct study *s, const struct slice *requests, const struct slice *changes)
{
    const struct second_rules rules = {s->plan->window_ns, s->plan->good_ratio_ppm, s->plan->baseline_p99_ns};
    struct verdict_of v = {.lo_ns = 0, .hi_ns = 0, .back_ns = NS_NONE, .changed_ns = NS_NONE};
    for (size_t i = 0; i < s->applied_count; i++) {
        const struct second_fault f = question(s, &s->faults[i]);
        struct second_answer a;
        second_rto(requests->at, requests->len, &rules, &f, &a);
        if (a.overtaken)
            continue;
        const struct cross_record *fg = a.fg == SIZE_MAX ? NULL : &requests->at[a.fg];
        take(&v, a.lo_ns, a.hi_ns, &s->faults[i], fg ? fg->sent_ns : NS_NONE, fg ? fg->done_ns : NS_NONE);
    }
    for (size_t i = 0; v.back_ns != NS_NONE && i < changes->len; i++)
        if (changes->at[i].done_ns > v.fault->ib && changes->at[i].done_ns <= v.back_ns)
            v.changed_ns = ns_max(v.changed_ns, changes->at[i].done_ns);
    v.late_ns = v.fault ? lateness(requests, v.fault->ib, looked_until(s, &v)) : 0;
    return v;
}

/* By how much later the first's client went elsewhere for good, within what phases explain; below 0: earlier. */
static int64_t parting(const struct study *s, const struct verdict_of *a, const struct verdict_of *b, int64_t gaps_ns)
{
    const struct topo_failover *rules = &s->plan->topology->failover;
    int64_t most = 0;
    if (a->fault != b->fault || a->changed_ns == NS_NONE || b->changed_ns == NS_NONE ||
        __builtin_mul_overflow(rules->unhealthy_after, gaps_ns, &most))
        return 0;
    most = ns_add(most, rules->probe_every_ns);
    return ns_max(-most, ns_min(most, a->changed_ns - b->changed_ns));
}

/* What speaks for the first being ahead, or behind, as far as it points where it is. */
static int64_t in_direction(int64_t ahead_ns, int64_t reason_ns)
{
    if (ahead_ns > 0)
        return ns_max(0, reason_ns);
    return ns_max(0, -reason_ns);
}

static struct comparison compare(const struct study *s, const struct verdict_of *a, const struct verdict_of *b,
                                 int64_t gaps_ns)
{
    bool open = a->hi_ns == NS_OPEN && b->hi_ns == NS_OPEN;
    int64_t apart = open ? 0 : parting(s, a, b, gaps_ns), longer = open ? 0 : a->took_ns - b->took_ns;
    int64_t ahead = open ? a->lo_ns - b->lo_ns : a->hi_ns - b->hi_ns; /* of the first's end */
    struct comparison c = {.difference_ns = ahead < 0 ? -ahead : ahead};
    int64_t slack = ns_add(ns_add(a->late_ns, b->late_ns), in_direction(ahead, apart));
    c.allowed_ns = ns_add(gaps_ns, ns_add(slack, in_direction(ahead, longer)));
    c.overlap = a->lo_ns <= ns_add(b->hi_ns, slack) && b->lo_ns <= ns_add(a->hi_ns, slack);
    return c;
}

/* ---- the run ---- */

struct tally {
    const struct study *s;
    struct result_crosscheck *out;
    int64_t lo_ns, hi_ns, gap_ns;
    int64_t left_ns; /* least that was left of what is allowed */
    const char *objection;
};

static void object(struct tally *t, const char *why)
{
    t->objection = t->objection ? t->objection : why;
}

static const char *in_words(const struct study *s, int64_t lo_ns, int64_t hi_ns)
{
    return hi_ns == NS_OPEN ? arena_printf(s->arena, "over %.3f s", (double)lo_ns / 1e9)
                            : arena_printf(s->arena, "%.3f to %.3f s", (double)lo_ns / 1e9, (double)hi_ns / 1e9);
}

static const char *unsent(const struct study *s, const struct slice *requests, const char *name)
{
    for (size_t i = 0; i < requests->len; i++)
        if (requests->at[i].outcome == OUTCOME_UNSENT)
            return arena_printf(s->arena, "%s: request %llu of the second prober could not leave this machine", name,
                                (unsigned long long)requests->at[i].number);
    return NULL;
}

/* It has to have been there from the first fault to the end of observation. */
static const char *silent(const struct study *s, const struct slice *requests, int64_t gap_ns, const char *name)
{
    int64_t slack = ns_add(1000000000, ns_add(gap_ns, gap_ns));
    if (requests->len == 0)
        return arena_printf(s->arena, "%s: the second prober left no record", name);
    if (requests->at[0].planned_ns > s->first_ib_ns ||
        ns_add(requests->at[requests->len - 1].planned_ns, slack) < s->end_ns)
        return arena_printf(s->arena, "%s: the second prober was not there all the time", name);
    return NULL;
}

/* The rule for stalls of the first prober (gate G7), for the second: lateness
 * widens what is allowed, but not at will. */
static const char *stalled(const struct study *s, const struct verdict_of *b, const char *name)
{
    const struct plan_target *target = plan_target_find(s->plan, TARGET_RTO);
    if (!target || target->value <= 0 || b->late_ns <= target->value / 10)
        return NULL;
    return arena_printf(s->arena,
                        "%s: the second prober itself was %.1f ms late during the recovery, more than 10 %% of "
                        "the target",
                        name, (double)b->late_ns / 1e6);
}

static void weigh(struct tally *t, const char *name, const struct verdict_of *a, const struct verdict_of *b)
{
    const struct study *s = t->s;
    const char *first = in_words(s, a->lo_ns, a->hi_ns), *second = in_words(s, b->lo_ns, b->hi_ns);
    const char *both = arena_printf(s->arena, "%s %s beside %s", name, second, first);
    t->lo_ns = ns_max(t->lo_ns, b->lo_ns);
    t->hi_ns = ns_max(t->hi_ns, b->hi_ns);
    t->out->detail = t->out->detail ? arena_printf(s->arena, "%.400s; %s", t->out->detail, both) : both;
    if ((a->hi_ns == NS_OPEN) != (b->hi_ns == NS_OPEN)) {
        object(t, arena_printf(s->arena, "%s: the first prober says %s, the second %s: only one saw service come back",
                               name, first, second));
        return;
    }
    struct comparison c = compare(s, a, b, 2 * t->gap_ns);
    int64_t left = c.allowed_ns - c.difference_ns;
    if (left < t->left_ns) {
        t->left_ns = left;
        t->out->difference_ms = (double)c.difference_ns / 1e6;
        t->out->allowed_ms = (double)c.allowed_ns / 1e6;
    }
    if (left < 0 || !c.overlap)
        object(t,
               arena_printf(s->arena, "%s: the first prober says %s, the second %s: %.3f ms apart, %.3f are allowed%s",
                            name, first, second, (double)c.difference_ns / 1e6, (double)c.allowed_ns / 1e6,
                            c.overlap ? "" : ", and the intervals do not overlap"));
}

static void vantage(struct tally *t, const struct rto_run *rto, const struct stream_view *stream)
{
    const struct study *s = t->s;
    uint16_t site = stream->plan->vantage;
    const struct topology *topo = s->plan->topology;
    const char *name = topo && site < topo->site_count ? topo->sites[site].name : "a vantage";
    struct slice requests = of_vantage(s->ev->cross, s->ev->cross_count, site, s->end_ns);
    struct slice changes = of_vantage(s->ev->cross_changes, s->ev->cross_change_count, site, s->end_ns);
    t->gap_ns = plan_interval_ns(stream->plan);
    t->out->interval_ms = fmax(isnan(t->out->interval_ms) ? 0 : t->out->interval_ms, (double)t->gap_ns / 1e6);
    const char *why = silent(s, &requests, t->gap_ns, name);
    why = why ? why : unsent(s, &requests, name);
    if (why) {
        object(t, why);
        return;
    }
    struct verdict_of first = first_says(s, rto, stream), second = second_says(s, &requests, &changes);
    weigh(t, name, &first, &second);
    object(t, stalled(s, &second, name));
}

void crosscheck_measure(const struct study *s, const struct rto_run *rto, struct result_quality *q)
{
    struct result_crosscheck *out = &q->crosscheck;
    *out = (struct result_crosscheck){.requested = requested(s), .lower_s = NAN, .upper_s = NAN, .interval_ms = NAN,
                                      .difference_ms = NAN, .allowed_ms = NAN};
    q->has_crosscheck = out->requested;
    if (!out->requested)
        return;
    struct tally t = {.s = s, .out = out, .lo_ns = NS_NONE, .hi_ns = NS_NONE, .left_ns = NS_OPEN};
    size_t streams = 0;
    if (!s->ev->has_cross)
        object(&t, "the record of the second prober is missing");
    else if (s->ev->cross_damage)
        object(&t, arena_printf(s->arena, "the record of the second prober is damaged: %s", s->ev->cross_damage));
    else if (!text_eq(s->ev->cross_scenario_sha256, s->plan->sha256))
        object(&t, "the record of the second prober belongs to another scenario");
    for (size_t i = 0; s->ev->has_cross && s->applied_count && i < s->stream_count; i++) {
        if (s->streams[i].plan->kind != STREAM_READ_FRESH || s->streams[i].len == 0)
            continue;
        vantage(&t, rto, &s->streams[i]);
        streams++;
    }
    if (s->applied_count && streams == 0)
        object(&t, "there are no fresh reads to compare the second prober with");
    out->lower_s = seconds(t.lo_ns);
    out->upper_s = seconds(t.hi_ns);
    out->agrees = !t.objection && s->applied_count > 0;
    if (t.objection)
        out->detail = t.objection;
    else if (s->applied_count == 0)
        out->detail = NOTHING_TO_COMPARE;
}

const char *crosscheck_wrong(const struct study *s, const struct result_quality *q)
{
    const struct result_crosscheck *c = &q->crosscheck;
    if (!q->has_crosscheck || c->agrees || text_eq(c->detail, NOTHING_TO_COMPARE))
        return NULL;
    return arena_printf(s->arena, "the second prober does not confirm the first: %s", c->detail);
}
