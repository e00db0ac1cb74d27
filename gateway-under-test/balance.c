/* SPDX-License-Identifier: MIT */
/*
 * Which member gets the next attempt of a request. Order: members that are usable before nobody (when none is, all are
 * tried: a wrong check must not be worse than none); known good ones before those of which nothing is known; the region
 * that leads before the others in their listed order; within that by policy. A member is tried once per round.
 *
 * A round ends when all have been tried. Those that answered "not the leader" are worth asking again shortly; those
 * that could not be reached or failed are asked again only when there is nobody else.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/pool.h"

#include <string.h>

#define FAILED_LATER 100
#define UNKNOWN_LATER 1000

static int region_rank(const struct pool *p, const char *region)
{
    if (p->leader_region != NULL && strcmp(p->leader_region, region) == 0)
        return 0;
    for (size_t i = 0; i < p->cfg->region_count; i++) {
        if (strcmp(p->cfg->regions[i], region) == 0)
            return (int)i + 1;
    }
    return (int)p->cfg->region_count + 1;
}

/* Did this request fail at some member of the region? */
static bool failed_in(const struct pool *p, const unsigned char *tried, const char *region)
{
    for (size_t i = 0; i < p->count; i++) {
        if ((tried[i] == TRIED_AWAY || tried[i] == TRIED_FAILED) && strcmp(p->members[i].cfg->region, region) == 0)
            return true;
    }
    return false;
}

static bool eligible(const struct member *m, bool all, int64_t now)
{
    const struct pool *p = m->pool;
    if (config_flaw(p->table->config, FLAW_no_failover) && strcmp(m->cfg->region, p->cfg->regions[0]) != 0)
        return false;
    return all || member_usable(m, now);
}

struct member *balance_pick(struct pool *p, const unsigned char tried[POOL_MEMBERS_MAX], bool is_read)
{
    int64_t now = loop_now(p->table->node->loop);
    bool all = !pool_usable(p), spread = is_read && config_flaw(p->table->config, FLAW_stale_follower_read);
    struct member *best = NULL;
    int best_rank = 0;
    unsigned turn = p->turn++;
    for (size_t i = 0; i < p->count; i++) {
        size_t at = (i + turn) % p->count;
        struct member *m = &p->members[at];
        if (tried[at] != TRIED_NOT || !eligible(m, all, now))
            continue;
        int rank = (spread ? 0 : region_rank(p, m->cfg->region)) + (m->health == HEALTH_UNKNOWN ? UNKNOWN_LATER : 0) +
                   (failed_in(p, tried, m->cfg->region) ? FAILED_LATER : 0);
        bool better = best == NULL || rank < best_rank ||
                      (rank == best_rank && p->cfg->policy == POLICY_LEAST_CONN && m->up.active < best->up.active);
        if (better) {
            best = m;
            best_rank = rank;
        }
    }
    return best;
}

bool balance_again(struct pool *p, unsigned char tried[POOL_MEMBERS_MAX])
{
    bool willing = memchr(tried, TRIED_NOT_LEADER, p->count) != NULL;
    for (size_t i = 0; i < p->count; i++) {
        if (!willing || tried[i] == TRIED_NOT_LEADER)
            tried[i] = TRIED_NOT;
    }
    return p->count > 0;
}
