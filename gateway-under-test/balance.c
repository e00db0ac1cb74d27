/* SPDX-License-Identifier: MIT */
/*
 * Which member gets the next attempt of a request. Order: usable ones only, unless the pool is in panic; known good
 * ones before those of which nothing is known; the region that leads before the others in their listed order; among
 * those that are left the policy decides. A member is tried once per round.
 *
 * A round ends when all have been tried. Those that answered "not the leader" are worth asking again shortly; those
 * that could not be reached or failed are asked again only when there is nobody else.
 *
 * A region with a share u of its members usable can carry min(1, 1.4 u) of the load: up to 28 % of it may be missing
 * before the rest is short of room. With spill_over what it cannot carry goes to the next region at once. When all
 * regions together cannot carry the load and less than panic_below of the members are usable, the checks are more
 * likely wrong than the members (or nothing can be saved): the pool is in panic, and either asks everybody, or refuses
 * at once.
 *
 * ip_hash: modulo counts the members that are usable, so that nearly every user moves when one goes; rendezvous gives a
 * user to the member with the highest mixed hash of both, so that only the users of the one that went move, and come
 * back with it.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/pool.h"

#include <string.h>
#include <sys/socket.h>

#define FAILED_LATER 100
#define SPILLED_LATER 100
#define UNKNOWN_LATER 1000
#define OVERPROVISION 1.4

static int region_rank(const struct pool *p, size_t region)
{
    return p->leader_region != NULL && p->leader_region == p->cfg->regions[region] ? 0 : (int)region + 1;
}

/* What the members that are usable can carry. */
struct reach {
    double share[CONFIG_LIST_MAX], sum; /* of its own load, by region; over all of them */
    size_t usable;
};

static void reckon(const struct pool *p, struct reach *r)
{
    size_t well[CONFIG_LIST_MAX] = {0}, all[CONFIG_LIST_MAX] = {0};
    int64_t now = loop_now(p->table->node->loop);
    r->sum = 0;
    r->usable = 0;
    for (size_t i = 0; i < p->count; i++) {
        bool fine = member_usable(&p->members[i], now);
        all[p->members[i].region]++;
        well[p->members[i].region] += fine;
        r->usable += fine;
    }
    for (size_t i = 0; i < p->cfg->region_count; i++) {
        double carries = all[i] > 0 ? OVERPROVISION * (double)well[i] / (double)all[i] : 0;
        r->share[i] = carries < 1 ? carries : 1;
        r->sum += r->share[i];
    }
}

static bool in_panic(const struct pool *p, const struct reach *r)
{
    return r->usable == 0 || (r->sum < 1 && r->usable * 100 < (size_t)p->cfg->panic_below * p->count);
}

static bool all_usable(const struct pool *p)
{
    int64_t now = loop_now(p->table->node->loop);
    for (size_t i = 0; i < p->count; i++) {
        if (!member_usable(&p->members[i], now))
            return false;
    }
    return true;
}

/* The region that comes first for everybody, among those that have members. */
static size_t first_region(const struct pool *p)
{
    size_t first = p->members[0].region;
    for (size_t i = 1; i < p->count; i++) {
        if (region_rank(p, p->members[i].region) < region_rank(p, first))
            first = p->members[i].region;
    }
    return first;
}

/* Every request leaves behind what the first region cannot carry of it; whenever that makes a whole one, it goes on. */
static int spill(struct pool *p, const struct reach *r)
{
    size_t first = first_region(p);
    p->owed += 1 - r->share[first];
    if (p->owed < 1)
        return -1;
    p->owed -= 1;
    return (int)first;
}

struct plight {
    bool panic;
    int spilled; /* the region that this request is to leave out at first, -1: none */
};

static struct plight look(struct pool *p, const struct asking *a)
{
    struct reach r;
    struct plight plight = {.spilled = -1};
    if (all_usable(p))
        return plight;
    reckon(p, &r);
    plight.panic = in_panic(p, &r);
    if (p->cfg->spill_over && !plight.panic && !a->again)
        plight.spilled = spill(p, &r);
    return plight;
}

bool balance_refuses(const struct pool *p)
{
    struct reach r;
    if (p->cfg->panic != PANIC_FAIL_FAST || all_usable(p))
        return false;
    reckon(p, &r);
    return in_panic(p, &r);
}

/* Did this request fail at some member of the region? */
static bool failed_in(const struct pool *p, const struct asking *a, size_t region)
{
    for (size_t i = 0; i < p->count; i++) {
        if ((a->tried[i] == TRIED_AWAY || a->tried[i] == TRIED_FAILED) && p->members[i].region == region)
            return true;
    }
    return false;
}

static bool eligible(const struct member *m, bool all, int64_t now)
{
    const struct pool *p = m->pool;
    if (config_flaw(p->table->config, FLAW_no_failover) && m->region != 0)
        return false;
    return all || config_flaw(p->table->config, FLAW_sticky_dead_upstream) || member_usable(m, now);
}

/* The lower, the sooner. */
static int rank_of(const struct member *m, const struct asking *a, const struct plight *plight)
{
    const struct pool *p = m->pool;
    bool spread = a->is_read && config_flaw(p->table->config, FLAW_stale_follower_read);
    int rank = spread ? 0 : region_rank(p, m->region);
    if (m->health == HEALTH_UNKNOWN)
        rank += UNKNOWN_LATER;
    if (failed_in(p, a, m->region))
        rank += FAILED_LATER;
    if ((int)m->region == plight->spilled)
        rank += SPILLED_LATER;
    return rank;
}

static struct member *in_turn(struct pool *p, struct member **equals, size_t count)
{
    return equals[p->turn++ % count];
}

/* Everybody earns its weight, the richest is picked and pays for all: turns are as far apart as they can be. */
static struct member *by_weight(struct member **equals, size_t count)
{
    struct member *best = equals[0];
    int total = 0;
    for (size_t i = 0; i < count; i++) {
        equals[i]->credit += equals[i]->cfg->weight;
        total += equals[i]->cfg->weight;
        if (equals[i]->credit > best->credit)
            best = equals[i];
    }
    best->credit -= total;
    return best;
}

static struct member *least_busy(struct pool *p, struct member **equals, size_t count)
{
    size_t idle = 0;
    for (size_t i = 0; i < count; i++) {
        if (idle > 0 && equals[i]->up.active > equals[0]->up.active)
            continue;
        if (idle > 0 && equals[i]->up.active < equals[0]->up.active)
            idle = 0;
        equals[idle++] = equals[i];
    }
    return in_turn(p, equals, idle);
}

static uint64_t mixed(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static struct member *by_user(const struct pool *p, uint64_t user, struct member **equals, size_t count)
{
    if (p->cfg->hash == HASH_MODULO)
        return equals[user % count];
    struct member *best = equals[0];
    for (size_t i = 1; i < count; i++) {
        if (mixed(user ^ equals[i]->hash) > mixed(user ^ best->hash))
            best = equals[i];
    }
    return best;
}

static struct member *among(struct pool *p, const struct asking *a, struct member **equals, size_t count)
{
    switch (p->cfg->policy) {
    case POLICY_ROUND_ROBIN:
        break;
    case POLICY_WEIGHTED:
        return by_weight(equals, count);
    case POLICY_LEAST_CONN:
        return least_busy(p, equals, count);
    case POLICY_IP_HASH:
        return by_user(p, a->user, equals, count);
    case POLICY_FIRST:
        return equals[0];
    }
    return in_turn(p, equals, count);
}

struct member *balance_pick(struct pool *p, const struct asking *a)
{
    int64_t now = loop_now(p->table->node->loop);
    struct plight plight = look(p, a);
    if (plight.panic && p->cfg->panic == PANIC_FAIL_FAST)
        return NULL;
    struct member *equals[POOL_MEMBERS_MAX];
    size_t count = 0;
    int best = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct member *m = &p->members[i];
        if (a->tried[i] != TRIED_NOT || !eligible(m, plight.panic, now))
            continue;
        int rank = rank_of(m, a, &plight);
        if (count > 0 && rank > best)
            continue;
        if (count > 0 && rank < best)
            count = 0;
        best = rank;
        equals[count++] = m;
    }
    return count > 0 ? among(p, a, equals, count) : NULL;
}

bool balance_again(struct pool *p, struct asking *a)
{
    bool willing = memchr(a->tried, TRIED_NOT_LEADER, p->count) != NULL;
    for (size_t i = 0; i < p->count; i++) {
        if (!willing || a->tried[i] == TRIED_NOT_LEADER)
            a->tried[i] = TRIED_NOT;
    }
    return p->count > 0;
}

uint64_t balance_hash(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++)
        h = (h ^ at[i]) * UINT64_C(0x100000001b3);
    return mixed(h);
}

uint64_t balance_user(const struct config_pool *cfg, const struct exchange *x)
{
    struct sockaddr_in peer = {0};
    socklen_t len = sizeof(peer);
    struct http_span who = {0};
    if (cfg->policy != POLICY_IP_HASH)
        return 0;
    if (cfg->user_by == USER_BY_HEADER)
        who = exchange_field(x, cfg->user_key);
    else if (cfg->user_by == USER_BY_QUERY)
        who = span_query(exchange_target(x), cfg->user_key);
    if (who.at != NULL)
        return balance_hash(who.at, who.len);
    (void)getpeername(x->conn.fd, (struct sockaddr *)&peer, &len);
    return balance_hash(&peer.sin_addr, sizeof(peer.sin_addr));
}
