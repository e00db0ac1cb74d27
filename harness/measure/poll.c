/* SPDX-License-Identifier: MIT */
/*
 * Detected, repaired, converged.
 *
 * Detected is the first reaction of the system itself that the admin ports showed while the fault held: an upstream or
 * peer marked down, a change of leader, epoch, lease or replica set; for a drift, that a gateway it was made on says
 * so. Repaired is the end of that: the same gateway again without drift, with the fingerprint it had before, in its
 * file as well where it tells about that, still before anything was restored. Something that was not seen within its
 * time is open above, from the time that was given; a node nobody could observe says nothing at all. The run's value
 * takes the largest ends over the faults.
 */
#include "harness/measure/poll.h"

#include "harness/base/text.h"
#include "harness/base/units.h"

static bool usable(const struct event *e)
{
    return e->kind == EVENT_OBSERVED && e->subject && json_is_object(e->data) && e->due_ns >= 0 &&
           e->at_ns >= e->due_ns && e->end_ns >= e->at_ns && e->end_ns < NS_LIMIT;
}

/* Was the configuration changed on this node? */
static bool drifted_node(const struct study *s, const struct fault_view *f, const char *node)
{
    const struct topology *topo = s->plan->topology;
    uint16_t index = topo ? topo_node_find(topo, node) : TOPO_NONE;
    if (index == TOPO_NONE)
        return false;
    return f->step->action.target == TARGET_NODE ? f->step->action.node == index
                                                  : topo->nodes[index].site == f->step->action.site;
}

static void never(struct polled *one, const struct fault_view *f, int64_t end_ns)
{
    one->lo_ns = ns_max(0, end_ns - f->ie);
    one->hi_ns = NS_OPEN;
}

static void seen(struct polled *one, const struct fault_view *f, const struct event *e)
{
    one->event = e;
    one->subject = e->subject;
    one->seen_ns = e->end_ns;
    one->hi_ns = e->end_ns - f->ib;
    one->lo_ns = ns_min(one->hi_ns, ns_max(0, e->due_ns - f->ie));
}

static void merge(struct polled *run, const struct polled *one)
{
    run->blind = run->blind || one->blind;
    if (one->blind)
        return;
    if (!run->any || one->hi_ns > run->hi_ns) {
        run->seen_ns = one->seen_ns;
        run->event = one->event;
        run->subject = one->subject;
        run->fault = one->fault;
    }
    run->any = true;
    run->lo_ns = ns_max(run->lo_ns, one->lo_ns);
    run->hi_ns = ns_max(run->hi_ns, one->hi_ns);
}

static struct polled nothing_yet(const struct fault_view *f)
{
    return (struct polled){.lo_ns = NS_NONE, .hi_ns = NS_NONE, .seen_ns = NS_NONE, .fault = f};
}

static struct polled detect(const struct study *s, const struct fault_view *f)
{
    struct polled one = nothing_yet(f);
    bool drift = fault_is(f, "drift");
    unsigned wanted = drift ? REACTION_DRIFT : REACTION_UNHEALTHY | REACTION_ROLE;
    int64_t end = fault_end(s, f);
    one.blind = true;
    for (size_t i = 0; i < s->ev->event_count; i++) {
        const struct event *e = &s->ev->events[i];
        if (!usable(e) || (drift && !drifted_node(s, f, e->subject)))
            continue;
        one.blind = false;
        if (e->end_ns <= f->ib || e->at_ns >= end)
            continue;
        if ((observe_reaction(observed_before(s, i), e->data) & wanted) && observed_held(s, i) &&
            (!one.event || e->end_ns < one.event->end_ns))
            seen(&one, f, e);
    }
    if (!one.event)
        never(&one, f, end);
    return one;
}

void poll_detected(const struct study *s, struct polled *out)
{
    *out = nothing_yet(NULL);
    for (size_t i = 0; i < s->applied_count; i++) {
        if (s->faults[i].nothing)
            continue;
        struct polled one = detect(s, &s->faults[i]);
        merge(out, &one);
    }
}

/* Does its file say something else than what runs? One that does not tell is not asked. */
static bool file_differs(const json_t *status)
{
    const char *state = json_string_value(json_object_get(status, "file_state"));
    return state &&
           (!text_eq(state, "ok") || !json_equal(json_object_get(status, "file"), json_object_get(status, "config")));
}

/* One gateway: drift seen after the fault, and then gone, with the fingerprint of before. */
static struct polled repair_of(const struct study *s, const struct fault_view *f, const char *node)
{
    struct polled one = nothing_yet(f);
    const json_t *good = NULL;
    bool drifted = false;
    int64_t end = fault_end(s, f);
    for (size_t i = 0; i < s->ev->event_count; i++) {
        const struct event *e = &s->ev->events[i];
        if (!usable(e) || !text_eq(e->subject, node))
            continue;
        const json_t *config = json_object_get(e->data, "config");
        if (e->end_ns <= f->ib) {
            good = config;
            continue;
        }
        if (e->at_ns >= end)
            break;
        bool equal = good ? json_equal((json_t *)config, (json_t *)good)
                          : json_equal((json_t *)config, json_object_get(e->data, "desired"));
        if (json_is_true(json_object_get(e->data, "drift")) || !equal || file_differs(e->data)) {
            drifted = true;
            one.event = NULL;
        } else if (drifted && !one.event && observed_held(s, i)) {
            seen(&one, f, e);
        }
    }
    one.blind = !drifted;
    if (drifted && !one.event) {
        never(&one, f, end);
        one.seen_ns = NS_NONE;
    }
    return one;
}

void poll_repaired(const struct study *s, struct polled *out)
{
    const struct topology *topo = s->plan->topology;
    *out = nothing_yet(NULL);
    for (size_t i = 0; i < s->applied_count; i++) {
        const struct fault_view *f = &s->faults[i];
        for (size_t n = 0; fault_is(f, "drift") && topo && n < topo->node_count; n++) {
            if (topo->nodes[n].role != NODE_GATEWAY || !drifted_node(s, f, topo->nodes[n].name))
                continue;
            struct polled one = repair_of(s, f, topo->nodes[n].name);
            merge(out, &one);
        }
    }
}

/* The cause that replicas have to get over: the last heal, or the end of the writes. */
static bool converge_cause(const struct study *s, int64_t *begin, int64_t *end)
{
    *begin = *end = NS_NONE;
    for (size_t i = 0; i < s->applied_count; i++) {
        if (s->faults[i].hb != NS_NONE && s->faults[i].he > *end) {
            *begin = s->faults[i].hb;
            *end = s->faults[i].he;
        }
    }
    if (*begin == NS_NONE && s->applied_count)
        *begin = *end = s->end_ns;
    return *begin != NS_NONE;
}

void poll_converged(const struct study *s, struct polled *out)
{
    int64_t begin, end, last_without = NS_NONE, last_end = NS_NONE;
    const struct event *first = NULL;
    size_t in_row = 0;
    *out = nothing_yet(NULL);
    if (!converge_cause(s, &begin, &end))
        return;
    out->blind = true;
    for (size_t i = 0; i < s->ev->event_count && in_row < 3; i++) {
        const struct event *e = &s->ev->events[i];
        if (e->kind != EVENT_CONVERGE || e->at_ns < begin || e->end_ns < e->at_ns || e->end_ns >= NS_LIMIT)
            continue;
        out->blind = false;
        last_end = ns_max(last_end, e->end_ns);
        if (text_eq(e->outcome, "equal")) {
            first = in_row++ == 0 ? e : first;
        } else {
            in_row = 0;
            last_without = ns_max(last_without, e->at_ns);
        }
    }
    if (out->blind)
        return;
    out->any = true;
    out->lo_ns = last_without == NS_NONE ? 0 : ns_max(0, last_without - end);
    if (in_row == 3) {
        out->event = first;
        out->seen_ns = first->end_ns;
        out->hi_ns = first->end_ns - begin;
        out->lo_ns = ns_min(out->lo_ns, out->hi_ns);
        return;
    }
    out->hi_ns = NS_OPEN;
    out->capped = last_end - end >= ns_add(s->plan->converge_within_ns, -2 * NS_PER_S);
}
