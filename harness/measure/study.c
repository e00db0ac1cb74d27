/* SPDX-License-Identifier: MIT */
/*
 * From records in any order to streams, faults and windows.
 *
 * Method: one pass over the samples counts per stream, a second fills; each stream is then sorted by planned instant.
 * A fault is put together from the events that carry its step's id. The end of observation is the begin of the quiesce
 * phase, or what the last recorded request reaches when the run did not get that far: requests recorded later belong to
 * no measure. Damage is met with arithmetic that cannot overflow: instants outside [0, 36 years] never get in.
 *
 * The baseline window is the one the baseline event brackets; an event that is only an instant stands for the hold that
 * was over one time-out before it, since younger requests had no outcome yet. Home of a stream is the region that
 * answered most of its good baseline requests.
 */
#include "harness/measure/study.h"

#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/measure/measure.h"

#include <stdlib.h>
#include <string.h>

void *arena_grow(struct arena *a, void *at, size_t len, size_t *cap, size_t size)
{
    if (len < *cap)
        return at;
    size_t more = *cap ? *cap * 2 : 8;
    void *grown = arena_alloc(a, more * size);
    if (len)
        memcpy(grown, at, len * size);
    *cap = more;
    return grown;
}

static bool sane(int64_t ns)
{
    return ns >= 0 && ns < NS_LIMIT;
}

bool stream_connects(const struct plan_stream *p)
{
    return p->kind == STREAM_READ_FRESH || p->kind == STREAM_WRITE;
}

bool stream_decides(const struct plan_stream *p)
{
    return stream_connects(p) && p->dns == DNS_HONOURS;
}

size_t stream_from(const struct stream_view *v, int64_t at_ns)
{
    size_t low = 0, high = v->len;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (v->at[mid]->planned_ns < at_ns)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int64_t sample_left(const struct sample *x)
{
    return x->outcome == OUTCOME_UNSENT || x->sent_ns == 0 ? x->planned_ns : x->sent_ns;
}

int64_t sample_seen(const struct sample *x)
{
    return ns_max(x->done_ns, sample_left(x));
}

bool fault_is(const struct fault_view *f, const char *verb)
{
    return f->step->action.type && text_eq(f->step->action.type->verb, verb);
}

bool fault_in_force(const struct fault_view *f, int64_t at_ns)
{
    return f->ib != NS_NONE && f->ib <= at_ns && (f->hb == NS_NONE || at_ns < f->hb);
}

bool any_fault_in_force(const struct study *s, int64_t at_ns)
{
    for (size_t i = 0; i < s->applied_count; i++)
        if (fault_in_force(&s->faults[i], at_ns))
            return true;
    return false;
}

const char *fault_ended_by(const struct fault_view *f)
{
    const char *word = f->hb == NS_NONE ? NULL : json_string_value(json_object_get(f->heal->data, "ended_by"));
    return word || f->hb == NS_NONE ? word : f->heal->detail;
}

int64_t fault_end(const struct study *s, const struct fault_view *f)
{
    return f->hb == NS_NONE ? s->end_ns : ns_min(f->hb, s->end_ns);
}

int64_t next_fault_after(const struct study *s, int64_t at_ns)
{
    for (size_t i = 0; i < s->applied_count; i++)
        if (s->faults[i].ib > at_ns)
            return s->faults[i].ib;
    return NS_OPEN;
}

static int by_plan(const void *a, const void *b)
{
    const struct sample *x = *(const struct sample *const *)a, *y = *(const struct sample *const *)b;
    if (x->planned_ns != y->planned_ns)
        return x->planned_ns < y->planned_ns ? -1 : 1;
    return x->k < y->k ? -1 : x->k > y->k;
}

static bool take_sample(struct study *s, const struct sample *x)
{
    if (x->kind != SAMPLE_REQUEST || x->stream >= s->stream_count || x->outcome >= OUTCOMES ||
        !sane(x->planned_ns) || !sane(x->sent_ns) || !sane(x->done_ns))
        return false;
    return true;
}

static void index_streams(struct study *s)
{
    const struct evidence *ev = s->ev;
    s->stream_count = s->plan->stream_count;
    s->streams = arena_array(s->arena, struct stream_view, s->stream_count + 1);
    for (size_t i = 0; i < s->stream_count; i++)
        s->streams[i] = (struct stream_view){.plan = &s->plan->streams[i], .index = i, .home = NO_SITE};

    for (size_t i = 0; i < ev->sample_count; i++) {
        if (take_sample(s, &ev->samples[i]))
            s->streams[ev->samples[i].stream].len++;
        else
            s->strange_count++;
    }
    for (size_t i = 0; i < s->stream_count; i++) {
        s->streams[i].at = arena_array(s->arena, const struct sample *, s->streams[i].len + 1);
        s->streams[i].suspect = arena_array(s->arena, bool, s->streams[i].len + 1);
        s->streams[i].len = 0;
    }
    for (size_t i = 0; i < ev->sample_count; i++) {
        const struct sample *x = &ev->samples[i];
        if (!take_sample(s, x))
            continue;
        struct stream_view *v = &s->streams[x->stream];
        v->at[v->len++] = x;
        if (x->outcome != OUTCOME_UNSENT && (x->done_ns < sample_left(x) || x->done_ns < x->planned_ns))
            s->backward_count++;
    }
    for (size_t i = 0; i < s->stream_count; i++) {
        struct stream_view *v = &s->streams[i];
        qsort(v->at, v->len, sizeof(*v->at), by_plan);
        for (size_t j = 1; j < v->len; j++)
            if (v->at[j]->k != v->at[j - 1]->k + 1)
                s->missing_count++;
        if (stream_decides(v->plan))
            s->interval_ns = ns_max(s->interval_ns, plan_interval_ns(v->plan));
    }
}

static bool sane_bracket(const struct event *e)
{
    return sane(e->at_ns) && sane(e->end_ns) && e->at_ns <= e->end_ns;
}

/* The first event of this kind about this step whose instants make sense. */
static const struct event *event_of_step(struct study *s, enum event_kind kind, uint16_t id)
{
    for (size_t i = 0; i < s->ev->event_count; i++) {
        const struct event *e = &s->ev->events[i];
        if (e->kind != kind || e->code != id)
            continue;
        if (sane_bracket(e))
            return e;
        s->strange_count++;
    }
    return NULL;
}

static int by_begin(const void *a, const void *b)
{
    const struct fault_view *x = a, *y = b;
    int64_t p = x->ib == NS_NONE ? NS_OPEN : x->ib, q = y->ib == NS_NONE ? NS_OPEN : y->ib;
    if (p != q)
        return p < q ? -1 : 1;
    return x->step->id < y->step->id ? -1 : x->step->id > y->step->id;
}

static void index_faults(struct study *s)
{
    s->faults = arena_array(s->arena, struct fault_view, s->plan->step_count + 1);
    for (size_t i = 0; i < s->plan->step_count; i++) {
        const struct plan_step *step = &s->plan->steps[i];
        const struct action_type *type = step->action.type;
        if (type && type->class != ACTION_FAULT && type->class != ACTION_NOTHING)
            continue;
        struct fault_view *f = &s->faults[s->fault_count++];
        *f = (struct fault_view){.step = step, .ib = NS_NONE, .ie = NS_NONE, .hb = NS_NONE, .he = NS_NONE};
        f->nothing = type && type->class == ACTION_NOTHING;
        f->severing = !type || (action_severs(s->plan->topology, &step->action) && !f->nothing);
        f->apply = event_of_step(s, EVENT_FAULT_APPLY, step->id);
        if (!f->apply && f->nothing)
            f->apply = event_of_step(s, EVENT_ACTION, step->id);
        f->proof = event_of_step(s, EVENT_FAULT_PROOF, step->id);
        f->lapse = event_of_step(s, EVENT_FAULT_LAPSE, step->id);
        f->heal = event_of_step(s, EVENT_FAULT_HEAL, step->id);
        f->heal_proof = event_of_step(s, EVENT_HEAL_PROOF, step->id);
        if (f->apply) {
            f->ib = f->apply->at_ns;
            f->ie = f->apply->end_ns;
            s->applied_count++;
        }
        if (f->apply && f->heal && f->heal->at_ns >= f->ib) {
            f->hb = f->heal->at_ns;
            f->he = f->heal->end_ns;
        }
    }
    qsort(s->faults, s->fault_count, sizeof(*s->faults), by_begin);
    s->first_ib_ns = s->applied_count ? s->faults[0].ib : NS_NONE;

    /* "Without a severing fault the first one counts as such." */
    bool severing = false;
    for (size_t i = 0; i < s->applied_count; i++)
        severing = severing || s->faults[i].severing;
    if (!severing && s->applied_count)
        s->faults[0].severing = true;
}

static int64_t longest_timeout(const struct plan *p)
{
    int64_t longest = 0;
    for (size_t i = 0; i < p->stream_count; i++)
        longest = ns_max(longest, p->streams[i].timeout_ns);
    return longest;
}

static void index_windows(struct study *s)
{
    int64_t reached = 0;
    for (size_t i = 0; i < s->stream_count; i++) {
        const struct stream_view *v = &s->streams[i];
        if (v->len)
            reached = ns_max(reached, ns_add(v->at[v->len - 1]->planned_ns, plan_interval_ns(v->plan)));
    }
    s->end_ns = reached;
    s->zero_ns = s->base_from_ns = s->base_to_ns = NS_NONE;
    for (size_t i = 0; i < s->ev->event_count; i++) {
        const struct event *e = &s->ev->events[i];
        bool usable = sane_bracket(e);
        if (e->kind == EVENT_PHASE_BEGIN && text_eq(e->subject, "quiesce") && usable)
            s->end_ns = ns_min(reached, e->at_ns);
        else if (e->kind == EVENT_SCENARIO_ZERO && usable && s->zero_ns == NS_NONE)
            s->zero_ns = e->at_ns;
        else if (e->kind == EVENT_BASELINE && (!s->baseline || text_eq(e->outcome, "met")))
            s->baseline = e;
        else if (e->kind == EVENT_END)
            s->end = e;
    }
    if (s->baseline && sane_bracket(s->baseline)) {
        bool bracket = s->baseline->at_ns < s->baseline->end_ns;
        s->base_to_ns =
            bracket ? s->baseline->end_ns : ns_max(0, ns_add(s->baseline->at_ns, -longest_timeout(s->plan)));
        s->base_from_ns = bracket ? s->baseline->at_ns : ns_max(0, ns_add(s->base_to_ns, -s->plan->baseline_hold_ns));
    }
}

/* The region that answered most of the good baseline requests of a stream; the lower index on a tie. */
static uint16_t home_of(const struct study *s, const struct stream_view *v)
{
    const struct topology *topo = s->plan->topology;
    size_t sites = topo ? topo->site_count : 0, best = 0;
    uint16_t home = NO_SITE;
    if (s->base_from_ns == NS_NONE || sites == 0 || sites >= NO_SITE)
        return NO_SITE;
    size_t *votes = arena_array(s->arena, size_t, sites);
    for (size_t i = stream_from(v, s->base_from_ns); i < v->len && v->at[i]->planned_ns < s->base_to_ns; i++)
        if (sample_good(v->at[i]) && v->at[i]->region < sites)
            votes[v->at[i]->region]++;
    for (size_t site = 0; site < sites; site++) {
        if (votes[site] > best) {
            best = votes[site];
            home = (uint16_t)site;
        }
    }
    return home;
}

void study_make(struct study *s, const struct plan *plan, const struct evidence *ev, struct arena *a)
{
    *s = (struct study){.plan = plan, .ev = ev, .arena = a, .base_p50_ns = -1, .base_p99_ns = -1};
    index_streams(s);
    index_faults(s);
    index_windows(s);
    for (size_t i = 0; i < s->stream_count; i++)
        s->streams[i].home = home_of(s, &s->streams[i]);
    if (s->base_from_ns != NS_NONE) {
        struct baseline b = baseline_of(ev->samples, ev->sample_count, s->base_from_ns, s->base_to_ns);
        s->base_p50_ns = b.p50_ns;
        s->base_p99_ns = b.p99_ns;
    }
}
