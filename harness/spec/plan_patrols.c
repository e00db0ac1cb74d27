/* SPDX-License-Identifier: MIT */
/*
 * A patrol asks each gateway, for a gateway that was told late is what it is there to find. It goes from the vantage
 * whose home is the gateway's region, so that a cut between regions does not stand between the two, else from the first
 * one; and for something that every origin can give alone, so that the answer is about the key and not about who leads.
 */
#include "harness/spec/plan.h"

#include "harness/base/units.h"

static uint16_t nearest_vantage(const struct topology *t, uint16_t region)
{
    uint16_t first = TOPO_NONE;
    for (uint16_t i = 0; i < t->site_count; i++) {
        if (t->sites[i].kind == SITE_VANTAGE && t->sites[i].home == region) {
            return i;
        }
        first = first == TOPO_NONE && t->sites[i].kind == SITE_VANTAGE ? i : first;
    }
    return first;
}

static void add(struct plan *p, enum caller who, uint16_t gateway, int64_t rate_micro)
{
    const struct topology *t = p->topology;
    if (rate_micro > 0) {
        p->patrols[p->patrol_count++] =
            (struct plan_patrol){.who = who,
                                 .gateway = gateway,
                                 .stream = {.kind = STREAM_READ_FRESH,
                                            .vantage = nearest_vantage(t, t->nodes[gateway].site),
                                            .rate_micro = rate_micro,
                                            .timeout_ns = NS_PER_S,
                                            .path = "/bytes/64"}};
    }
}

void plan_make_patrols(struct plan *p)
{
    const struct topology *t = p->topology;
    p->patrols = arena_array(&p->arena, struct plan_patrol, 2 * t->endpoint_count + 1);
    for (size_t i = 0; t->identity.asked && i < t->endpoint_count; i++) {
        add(p, CALLER_LEAKED, t->endpoints[i], t->identity.patrol_micro);
        add(p, CALLER_BULK, t->endpoints[i], t->limits.given ? t->limits.offered_micro : 0);
    }
}
