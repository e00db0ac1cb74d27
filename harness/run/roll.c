/* SPDX-License-Identifier: MIT */
/* Method: compare each node's state with the last one called, and name the change. */
#include "harness/run/roll.h"
#include "harness/base/arena.h"
#include <stdlib.h>

struct roll {
    struct drill *drill;
    enum node_state *last;
};

void roll_new(struct roll **out, struct drill *d)
{
    struct roll *r = xcalloc(1, sizeof(*r));
    r->drill = d;
    r->last = xcalloc(d->plan->topology->node_count, sizeof(*r->last));
    *out = r;
}

static const char *change_word(enum node_state before, enum node_state now, const char *down_word)
{
    if (now == NODE_DOWN)
        return down_word;
    if (now == NODE_FROZEN)
        return "stopped";
    return before == NODE_FROZEN ? "continued" : "started";
}

void roll_call(struct roll *r, const char *down_word)
{
    struct drill *d = r->drill;
    const struct topology *t = d->plan->topology;
    for (uint16_t node = 0; node < t->node_count; node++) {
        if (t->nodes[node].role == NODE_CLIENT)
            continue;
        enum node_state now = d->ops->node_state(d->lab, node);
        if (now == r->last[node])
            continue;
        record_fact(&d->rec, EVENT_NODE, t->nodes[node].name, "ok", change_word(r->last[node], now, down_word), 0);
        r->last[node] = now;
    }
}

void roll_free(struct roll *r)
{
    if (!r)
        return;
    free(r->last);
    free(r);
}
