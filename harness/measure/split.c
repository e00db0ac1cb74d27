/* SPDX-License-Identifier: MIT */
/*
 * The recovery in parts: detect, decide, act, propagate, warm.
 *
 * Milestones on the way from t_ib to the first stable good reply: the first reaction of the system; the first change of
 * leader, epoch or lease; the first gateway that knew of the new leader; the last client that moved to another
 * endpoint. A part is the time between two neighbouring milestones that were both seen inside the recovery; whatever
 * lies between others stays unattributed, so that no part is ever a guess. One that was passed before its predecessor
 * (polls are 100 ms apart, and some things happen side by side) cost no time of its own.
 */
#include "harness/measure/poll.h"

enum { MILESTONES = 6 };

static int64_t first_reaction(const struct study *s, unsigned wanted, int64_t from, int64_t to)
{
    int64_t first = NS_NONE;
    for (size_t i = 0; i < s->ev->event_count; i++) {
        const struct event *e = &s->ev->events[i];
        if (e->kind != EVENT_OBSERVED || e->end_ns <= from || e->end_ns > to || !json_is_object(e->data))
            continue;
        if ((observe_reaction(observed_before(s, i), e->data) & wanted) && (first == NS_NONE || e->end_ns < first))
            first = e->end_ns;
    }
    return first;
}

static int64_t last_switch(const struct study *s, int64_t from, int64_t to)
{
    int64_t last = NS_NONE;
    for (size_t i = 0; i < s->ev->switch_count; i++)
        if (s->ev->switches[i].done_ns > from && s->ev->switches[i].done_ns <= to)
            last = ns_max(last, s->ev->switches[i].done_ns);
    return last;
}

void split_rto(const struct study *s, const struct rto_run *rto, struct result_measures *m)
{
    const struct stream_rto *worst = rto->worst;
    if (!worst || !worst->hurt || worst->fg == NO_INDEX)
        return;
    int64_t from = worst->fault->ib, to = from + worst->hi_ns, attributed = 0;
    int64_t at[MILESTONES] = {from,
                              first_reaction(s, REACTION_UNHEALTHY | REACTION_ROLE, from, to),
                              first_reaction(s, REACTION_ROLE, from, to),
                              first_reaction(s, REACTION_ROUTE, from, to),
                              last_switch(s, from, to),
                              to};
    double *const part[MILESTONES] = {NULL,           &m->rto_detect_s,    &m->rto_decide_s,
                                      &m->rto_act_s, &m->rto_propagate_s, &m->rto_warm_s};
    for (size_t i = 1; i < MILESTONES; i++) {
        if (at[i] == NS_NONE || at[i - 1] == NS_NONE)
            continue;
        at[i] = ns_max(at[i], at[i - 1]);
        *part[i] = seconds(at[i] - at[i - 1]);
        attributed += at[i] - at[i - 1];
    }
    m->rto_unattributed_s = seconds(ns_max(0, worst->hi_ns - attributed));
}
