/* SPDX-License-Identifier: MIT */
/*
 * Replication lag in the baseline: how long after its acknowledgement a write is visible in the standby.
 *
 * Position events say when an origin was first seen to have applied a log position. For every write acknowledged in the
 * baseline with a position of its own, and every origin of another region, the lag is the send of the first poll that
 * showed at least that position, minus t_ack. A poll gap is the finest that can be told: if no sample exceeds it the
 * lag is 0, else it is the median, and the slowest standby counts.
 */
#include "harness/measure/rpo.h"

#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/measure/rank.h"

enum { POLL_NS = 20 * 1000 * 1000 };

/* The first event at or after *from that shows the node to have applied this position; *from moves on to it. */
static const struct event *next_with(const struct study *s, const char *node, uint64_t lsn, size_t *from)
{
    for (; *from < s->ev->event_count; (*from)++) {
        const struct event *e = &s->ev->events[*from];
        if (e->kind == EVENT_POSITION && text_eq(e->subject, node) && e->code >= 0 && (uint64_t)e->code >= lsn)
            return e;
    }
    return NULL;
}

/* The lag seen at one standby; -1 without a sample. */
static int64_t lag_at(const struct study *s, const struct ledger_view *l, const struct topo_node *node)
{
    scoped_rank struct rank lags = {0};
    bool beyond_poll = false;
    size_t from = 0;
    for (size_t i = 0; i < l->acked_count; i++) {
        const struct write *w = l->acked[i];
        if (w->ack_ns < s->base_from_ns || w->ack_ns >= s->base_to_ns || w->lsn == 0 || w->region == node->site)
            continue;
        const struct event *e = next_with(s, node->name, w->lsn, &from);
        if (!e || e->at_ns < 0 || e->at_ns >= NS_LIMIT || e->due_ns < 0 || e->due_ns > e->at_ns)
            break;
        int64_t lag = ns_max(0, e->at_ns - w->ack_ns);
        beyond_poll = beyond_poll || lag > ns_max(POLL_NS, e->at_ns - e->due_ns);
        rank_add(&lags, lag);
    }
    if (lags.len == 0)
        return -1;
    return beyond_poll ? rank_at(&lags, 50) : 0;
}

double replication_lag_s(const struct study *s, const struct ledger_view *l)
{
    const struct topology *topo = s->plan->topology;
    int64_t worst = -1;
    if (!topo || s->base_from_ns == NS_NONE)
        return NAN;
    for (size_t i = 0; i < topo->node_count; i++)
        if (topo->nodes[i].role == NODE_ORIGIN)
            worst = ns_max(worst, lag_at(s, l, &topo->nodes[i]));
    return worst < 0 ? NAN : (double)worst / 1e9;
}
