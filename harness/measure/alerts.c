/* SPDX-License-Identifier: MIT */
/*
 * Alerts that the system raised by itself: how soon after a fault the right one, and how many without one.
 *
 * A gateway's status tells for each of its rules how many alerts it has raised so far, so that one that came and went
 * between two polls is not missed. Between an observation of a gateway and the one before, alerts were raised if a
 * number grew; a gateway seen for the first time began with none. Observations are changes only, so the time of the
 * last poll without it is in the event itself.
 *
 * Which alert is the right one the step says (`alert`). Where no step of the timeline says so, any alert will do.
 */
#include "harness/measure/poll.h"

#include "harness/base/text.h"

static bool usable(const struct event *e)
{
    return e->kind == EVENT_OBSERVED && e->subject && json_is_object(e->data) && e->due_ns >= 0 &&
           e->at_ns >= e->due_ns && e->end_ns >= e->at_ns && e->end_ns < NS_LIMIT;
}

static int64_t raised(const json_t *status, const char *rule)
{
    const json_t *of_rule = json_object_get(json_object_get(status, "alerts"), rule);
    json_int_t n = json_integer_value(json_object_get(of_rule, "raised"));
    return n > 0 ? n : 0; /* the gateway's word, and it may be any */
}

/* How many of this rule (NULL: of any) the i-th event shows to be new. */
static int64_t news(const struct study *s, size_t i, const char *wanted)
{
    const json_t *now = s->ev->events[i].data, *before = observed_before(s, i);
    int64_t more = 0;
    const char *rule;
    json_t *value;
    json_object_foreach(json_object_get(now, "alerts"), rule, value)
    {
        int64_t here = raised(now, rule), there = raised(before, rule);
        if ((!wanted || text_eq(wanted, rule)) && here > there)
            more = ns_add(more, here - there);
    }
    return more;
}

/* Does any gateway tell of its alerts at all? One that watches nothing does: it says so. */
static bool anybody_tells(const struct study *s)
{
    for (size_t i = 0; i < s->ev->event_count; i++)
        if (usable(&s->ev->events[i]) && json_object_get(s->ev->events[i].data, "alerts"))
            return true;
    return false;
}

static bool rule_given(const struct study *s)
{
    for (size_t i = 0; i < s->plan->step_count; i++)
        if (s->plan->steps[i].action.alert != TOPO_ALERT_NONE)
            return true;
    return false;
}

static struct polled alerted_by(const struct study *s, const struct fault_view *f)
{
    struct polled one = {.any = true, .lo_ns = NS_NONE, .hi_ns = NS_OPEN, .seen_ns = NS_NONE, .fault = f};
    int64_t end = fault_end(s, f);
    const char *wanted = f->step->action.alert != TOPO_ALERT_NONE ? topo_alert_words[f->step->action.alert] : NULL;
    for (size_t i = 0; i < s->ev->event_count; i++) {
        const struct event *e = &s->ev->events[i];
        if (!usable(e) || e->end_ns <= f->ib || e->at_ns >= end || news(s, i, wanted) == 0 ||
            e->end_ns - f->ib >= one.hi_ns)
            continue;
        one.event = e;
        one.subject = e->subject;
        one.seen_ns = e->end_ns;
        one.hi_ns = e->end_ns - f->ib;
        one.lo_ns = ns_min(one.hi_ns, ns_max(0, e->due_ns - f->ie));
    }
    if (!one.event)
        one.lo_ns = ns_max(0, end - f->ie);
    return one;
}

void poll_alerted(const struct study *s, struct polled *out)
{
    bool given = rule_given(s);
    *out = (struct polled){.lo_ns = NS_NONE, .hi_ns = NS_NONE, .seen_ns = NS_NONE, .untold = !anybody_tells(s)};
    for (size_t i = 0; i < s->applied_count && !out->untold; i++) {
        const struct fault_view *f = &s->faults[i];
        if (f->nothing || (given && f->step->action.alert == TOPO_ALERT_NONE))
            continue;
        struct polled one = alerted_by(s, f);
        one.lo_ns = ns_max(one.lo_ns, out->lo_ns);
        if (!out->any || one.hi_ns > out->hi_ns)
            *out = one;
        else
            out->lo_ns = one.lo_ns;
    }
}

void count_false_alarms(const struct study *s, struct false_alarms *out)
{
    int64_t quiet_until = s->end_ns;
    *out = (struct false_alarms){.untold = !anybody_tells(s)};
    for (size_t i = s->applied_count; i-- > 0;)
        if (!s->faults[i].nothing)
            quiet_until = s->faults[i].ib;
    for (size_t i = 0; i < s->ev->event_count; i++) {
        const struct event *e = &s->ev->events[i];
        int64_t more = usable(e) && e->end_ns <= quiet_until ? news(s, i, NULL) : 0;
        out->count = ns_add(out->count, more);
        if (more && !out->first)
            out->first = e;
    }
}
