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
    return all || config_flaw(p->table->config, FLAW_sticky_dead_upstream) || member_usable(m, now);
}

/* The lower, the sooner; the load decides among equals under least_conn. */
struct urgency {
    int rank, load;
};

static bool sooner(struct urgency a, struct urgency b)
{
    return a.rank != b.rank ? a.rank < b.rank : a.load < b.load;
}

static struct urgency urgency_of(const struct member *m, const unsigned char *tried, bool spread)
{
    const struct pool *p = m->pool;
    int rank = spread ? 0 : region_rank(p, m->cfg->region);
    if (m->health == HEALTH_UNKNOWN)
        rank += UNKNOWN_LATER;
    if (failed_in(p, tried, m->cfg->region))
        rank += FAILED_LATER;
    return (struct urgency){rank, p->cfg->policy == POLICY_LEAST_CONN ? m->up.active : 0};
}

struct member *balance_pick(struct pool *p, const unsigned char tried[POOL_MEMBERS_MAX], bool is_read)
{
    int64_t now = loop_now(p->table->node->loop);
    bool all = !pool_usable(p), spread = is_read && config_flaw(p->table->config, FLAW_stale_follower_read);
    struct member *equals[POOL_MEMBERS_MAX];
    struct urgency best = {0};
    unsigned count = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct member *m = &p->members[i];
        if (tried[i] != TRIED_NOT || !eligible(m, all, now))
            continue;
        struct urgency u = urgency_of(m, tried, spread);
        if (count > 0 && sooner(best, u))
            continue;
        if (count == 0 || sooner(u, best))
            count = 0;
        best = u;
        equals[count++] = m;
    }
    return count > 0 ? equals[p->turn++ % count] : NULL;
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
