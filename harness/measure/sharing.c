/* SPDX-License-Identifier: MIT */
/*
 * A user is a key that is read: where gateways stick to servers by key, each key is one. Its server in a span of time
 * is the node that gave most of the good answers, for a single retry may lead elsewhere. The span before is the
 * baseline up to the first fault; the one during it is the second half of the fault, when everybody has noticed.
 */
#include "harness/measure/sharing.h"

#include "harness/base/scoped.h"

#include <stdlib.h>

enum { USERS_MAX = 4096 };

struct tally {
    size_t nodes;
    uint32_t *count; /* by user and node */
};

static void count_span(const struct study *s, int64_t from, int64_t to, struct tally *t)
{
    for (size_t i = 0; i < s->stream_count; i++) {
        const struct stream_view *v = &s->streams[i];
        for (size_t j = stream_from(v, from); j < v->len && v->at[j]->planned_ns < to; j++) {
            const struct sample *x = v->at[j];
            bool counts =
                sample_good(x) && x->write == WRITE_NONE && x->key < USERS_MAX && x->node > 0 && x->node <= t->nodes;
            if (counts)
                t->count[x->key * t->nodes + x->node - 1]++;
        }
    }
}

/* The node that served a user most, NO_INDEX without any. */
static size_t server_of(const struct tally *t, size_t user)
{
    const uint32_t *count = t->count + user * t->nodes;
    size_t best = NO_INDEX;
    for (size_t n = 0; n < t->nodes; n++) {
        if (count[n] > 0 && (best == NO_INDEX || count[n] > count[best]))
            best = n;
    }
    return best;
}

static void count_moves(const struct study *s, struct sharing *out)
{
    size_t nodes = s->plan->topology->node_count;
    scoped_free uint32_t *first = xcalloc(USERS_MAX * nodes + 1, sizeof(*first));
    scoped_free uint32_t *second = xcalloc(USERS_MAX * nodes + 1, sizeof(*second));
    struct tally before = {nodes, first}, during = {nodes, second};
    int64_t ib = s->first_ib_ns, end = fault_end(s, &s->faults[0]);
    count_span(s, 0, ib, &before);
    count_span(s, ib + (end - ib) / 2, end, &during);
    for (size_t user = 0; user < USERS_MAX; user++) {
        size_t was = server_of(&before, user), is = server_of(&during, user);
        out->users += was != NO_INDEX && is != NO_INDEX;
        out->moved += was != NO_INDEX && is != NO_INDEX && was != is;
    }
}

void sharing_measure(const struct study *s, const struct availability *a, struct sharing *out)
{
    for (size_t i = 0; a->any && i < s->stream_count; i++) {
        const struct stream_view *v = &s->streams[i];
        for (size_t j = stream_from(v, a->from_ns); j < v->len && v->at[j]->planned_ns < a->to_ns; j++) {
            out->attempts += v->at[j]->attempts;
            out->answers += v->at[j]->attempts > 0;
        }
    }
    if (s->applied_count > 0 && s->plan->topology)
        count_moves(s, out);
}
