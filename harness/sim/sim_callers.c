/* SPDX-License-Identifier: MIT */
/*
 * Callers in the model: whose key is let in where. A region knows what the leading region's store knows while that can
 * reach it, and how long ago that last was; its gateways know the same. The shared counter is one bucket that every
 * gateway draws from which reaches the leader; one that does not goes by its share, as in the other modes each by his
 * own.
 */
#include "harness/base/arena.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/sim/sim.h"
#include <string.h>

struct bucket {
    double tokens;
    int64_t filled_ns;
};

struct sim_callers {
    bool revoked;
    struct region {
        bool knows;
        int64_t fresh_ns;
    } *regions;              /* by site */
    struct bucket shared, *own; /* own: by node */
};

void sim_callers_new(struct sim *s)
{
    s->callers = xcalloc(1, sizeof(*s->callers));
    s->callers->regions = xcalloc(s->topology->site_count, sizeof(*s->callers->regions));
    s->callers->own = xcalloc(s->topology->node_count, sizeof(*s->callers->own));
}

void sim_callers_free(struct sim *s)
{
    free(s->callers->regions);
    free(s->callers->own);
    free(s->callers);
}

static bool hears_leader(const struct sim *s, uint16_t site)
{
    if (s->leader == TOPO_NONE || !sim_serving(s, sim_store_node(s, site)))
        return false;
    return site == s->leader || (sim_serving(s, sim_store_node(s, s->leader)) &&
                                 sim_path_open(s, s->leader, site, TOPO_PORT_REPLICATION));
}

void sim_callers_tick(struct sim *s, int64_t now)
{
    for (uint16_t site = 0; site < s->topology->site_count; site++) {
        struct region *r = &s->callers->regions[site];
        if (s->topology->sites[site].kind == SITE_REGION && hears_leader(s, site)) {
            r->knows = s->callers->revoked;
            r->fresh_ns = now;
        }
    }
}

int sim_callers_revoke(struct sim *s, uint16_t node)
{
    bool leads = s->topology->nodes[node].site == s->leader;
    s->callers->revoked = s->callers->revoked || leads;
    return leads ? 200 : 409;
}

static bool draw(struct bucket *b, double per_s, int64_t now)
{
    double most = per_s > 1 ? per_s : 1;
    b->tokens += (double)(now - b->filled_ns) / (double)NS_PER_S * per_s;
    b->tokens = b->tokens > most ? most : b->tokens;
    b->filled_ns = now;
    if (b->tokens < 1)
        return false;
    b->tokens -= 1;
    return true;
}

static bool within_limit(struct sim *s, uint16_t gateway, int64_t now)
{
    const struct topo_limits *l = &s->topology->limits;
    double rate = (double)l->rate_micro / (double)PPM;
    if (l->mode == LIMITS_LOCAL || sim_flaw(s, "limiter_local_only"))
        return draw(&s->callers->own[gateway], rate, now);
    if (l->mode == LIMITS_SHARED && hears_leader(s, s->topology->nodes[gateway].site))
        return draw(&s->callers->shared, rate, now);
    return draw(&s->callers->own[gateway], rate / (double)s->topology->endpoint_count, now);
}

static bool shows(const struct sim *s, const char *key, enum caller who)
{
    return key && text_eq(key, s->topology->callers[who].key);
}

int sim_callers_rule(struct sim *s, uint16_t gateway, const char *key)
{
    const struct topo_identity *id = &s->topology->identity;
    const struct region *r = &s->callers->regions[s->topology->nodes[gateway].site];
    int64_t now = loop_now(s->loop);
    bool leaked = shows(s, key, CALLER_LEAKED), bulk = shows(s, key, CALLER_BULK);
    if (!id->asked)
        return 0;
    if (!leaked && !bulk && !shows(s, key, CALLER_CUSTOMER))
        return 401;
    if (!sim_flaw(s, "revocation_ignored")) {
        if (leaked && r->knows)
            return 403;
        if (id->when_stale == STALE_FAIL_CLOSED && now - r->fresh_ns > id->stale_after_ns)
            return 503;
    }
    return bulk && s->topology->limits.given && !within_limit(s, gateway, now) ? 429 : 0;
}
