/* SPDX-License-Identifier: MIT */
/*
 * What a gateway that was told to leave (stop) took along, seen by those who had asked it. Its own count of what it cut
 * off is not asked for: it says so when it is about to go, to nobody.
 *
 * A request was under way while it left if it was sent before the end of the bracket [t_ib, t_ie] and over after its
 * begin; the bracket is as wide as the leaving took. It was
 *
 *     answered     whatever the status: the gateway has finished it
 *     cut          broken off after a byte of it had left
 *     unanswered   not over in its time
 *
 * A connection that was refused, or did not come about, was never let in, and belongs to none of these.
 */
#include "harness/measure/facts.h"

static bool let_in(const struct sample *x)
{
    return x->sent_ns > 0 && !(x->flags & SAMPLE_NO_CONNECT) && x->outcome != OUTCOME_UNSENT &&
           x->outcome != OUTCOME_REFUSED && x->outcome != OUTCOME_TLS;
}

static void count(struct result_stop *stop, const struct sample *x)
{
    stop->under_way_count++;
    stop->cut_count += x->outcome == OUTCOME_RESET;
    stop->unanswered_count += x->outcome == OUTCOME_TIMEOUT;
    stop->answered_count += x->outcome != OUTCOME_RESET && x->outcome != OUTCOME_TIMEOUT;
}

static bool asked_there(const struct study *s, const struct fault_view *f, const struct sample *x)
{
    const struct topology *t = s->plan->topology;
    return x->endpoint < t->node_count && action_hits_node(t, &f->step->action, x->endpoint) && let_in(x) &&
           x->sent_ns <= f->ie && x->done_ns >= f->ib;
}

static bool hits_a_gateway(const struct topology *t, const struct action *a)
{
    for (uint16_t n = 0; n < t->node_count; n++)
        if (t->nodes[n].role == NODE_GATEWAY && action_hits_node(t, a, n))
            return true;
    return false;
}

static void add_stop(const struct study *s, const struct fault_view *f, struct result *out)
{
    struct result_stop *stop = arena_push(s->arena, &out->stops);
    *stop = (struct result_stop){.fault_id = f->step->id};
    for (size_t i = 0; i < s->stream_count; i++)
        for (size_t k = 0; k < s->streams[i].len; k++)
            if (asked_there(s, f, s->streams[i].at[k]))
                count(stop, s->streams[i].at[k]);
}

void facts_leaving(const struct study *s, struct result *out)
{
    for (size_t i = 0; i < s->applied_count; i++)
        if (fault_is(&s->faults[i], "stop") && hits_a_gateway(s->plan->topology, &s->faults[i].step->action))
            add_stop(s, &s->faults[i], out);
}
