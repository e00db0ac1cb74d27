/* SPDX-License-Identifier: MIT */
/*
 * What is known about a member comes from two sides. Active checks say up or down. Passive observation (passive.c)
 * leaves it out for a while, without a check having said anything, and lets it back by itself. Who leads is said by
 * check answers and by acknowledged writes, each with an epoch, and the highest epoch is believed.
 */
#include "gateway-under-test/pool.h"

#include "gateway-under-test/node.h"
#include "harness/base/err.h"
#include "harness/base/units.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_check(const struct config_check *a, const struct config_check *b)
{
    return strcmp(a->path, b->path) == 0 && same_text(a->host, b->host) && a->port == b->port && a->status == b->status;
}

static const struct member *find_like(const struct table *t, const struct config_pool *pool,
                                      const struct config_member *cfg)
{
    for (size_t i = 0; t != NULL && i < t->config->pool_count; i++) {
        const struct pool *p = &t->pools[i];
        for (size_t j = 0; j < p->count; j++) {
            if (memcmp(&p->members[j].cfg->to, &cfg->to, sizeof(cfg->to)) == 0 &&
                same_check(&p->cfg->check, &pool->check))
                return &p->members[j];
        }
    }
    return NULL;
}

static void inherit_leader(struct pool *p, const struct table *old)
{
    for (size_t i = 0; old != NULL && i < old->config->pool_count; i++) {
        const struct pool *o = &old->pools[i];
        if (strcmp(o->cfg->name, p->cfg->name) == 0 && o->leader_region != NULL)
            pool_learn_leader(p, o->leader_region, strlen(o->leader_region), o->leader_epoch);
    }
}

static size_t region_index(const struct config_pool *cfg, const char *region)
{
    size_t i = 0;
    while (i < cfg->region_count && strcmp(cfg->regions[i], region) != 0)
        i++;
    return i;
}

static void member_init(struct member *m, struct pool *p, const struct config_member *cfg)
{
    struct table *t = p->table;
    struct sockaddr_in probed = cfg->to;
    m->cfg = cfg;
    m->pool = p;
    m->region = region_index(p->cfg, cfg->region);
    m->hash = balance_hash(cfg->name, strlen(cfg->name));
    upstream_init(&m->up, t->node->loop, &cfg->to);
    m->up.unseen = config_flaw(t->config, FLAW_keepalive_no_check);
    if (p->cfg->check.port != 0)
        probed.sin_port = htons((uint16_t)p->cfg->check.port);
    upstream_init(&m->probe, t->node->loop, &probed);
}

static void inherit_health(struct member *m, const struct member *like)
{
    if (config_flaw(m->pool->table->config, FLAW_health_reset_on_target_change)) {
        m->health = HEALTH_UP;
        return;
    }
    m->health = like->health;
    m->good_run = like->good_run;
    m->bad_run = like->bad_run;
    m->failures = like->failures;
    m->ejections = like->ejections;
    m->ejected_until = like->ejected_until;
    m->calm_since = like->calm_since;
    m->breaker = like->breaker;
    m->breaker.on_trial = 0; /* trials under way end at the old table's member */
}

static void pool_init(struct pool *p, struct table *t, const struct config_pool *cfg, const struct table *old)
{
    p->cfg = cfg;
    p->table = t;
    p->count = cfg->member_count;
    p->members = arena_array(&t->config->arena, struct member, p->count);
    for (size_t i = 0; i < p->count; i++) {
        struct member *m = &p->members[i];
        const struct member *like = find_like(old, cfg, &cfg->members[i]);
        member_init(m, p, &cfg->members[i]);
        if (like != NULL)
            inherit_health(m, like);
    }
    inherit_leader(p, old);
}

int table_new(struct node *n, json_t *doc, const struct table *inherit, struct table **out, struct err *e)
{
    struct config *c = NULL;
    if (config_parse(doc, "configuration", &c, e) < 0)
        return -1;
    struct table *t = xcalloc(1, sizeof(*t));
    *t = (struct table){.node = n, .config = c, .refs = 1};
    t->pools = arena_array(&c->arena, struct pool, c->pool_count);
    t->routes = arena_array(&c->arena, struct route, c->route_count);
    for (size_t i = 0; i < c->pool_count; i++)
        pool_init(&t->pools[i], t, &c->pools[i], inherit);
    for (size_t i = 0; i < c->route_count; i++)
        t->routes[i] = (struct route){
            .cfg = &c->routes[i], .tokens = (double)c->routes[i].rate_per_s, .filled_at = loop_now(n->loop)};
    *out = t;
    return 0;
}

void table_ref(struct table *t)
{
    t->refs++;
}

void table_unref(struct table *t)
{
    if (t == NULL || --t->refs > 0)
        return;
    for (size_t i = 0; i < t->config->pool_count; i++) {
        for (size_t j = 0; j < t->pools[i].count; j++) {
            check_stop(&t->pools[i].members[j]);
            upstream_deinit(&t->pools[i].members[j].up);
            upstream_deinit(&t->pools[i].members[j].probe);
        }
    }
    config_free(t->config);
    free(t);
}

void table_start_checks(struct table *t)
{
    for (size_t i = 0; i < t->config->pool_count; i++) {
        for (size_t j = 0; j < t->pools[i].count; j++)
            check_start(&t->pools[i].members[j]);
    }
}

void table_retire(struct table *t)
{
    for (size_t i = 0; t != NULL && i < t->config->pool_count; i++) {
        for (size_t j = 0; j < t->pools[i].count; j++) {
            check_stop(&t->pools[i].members[j]);
            upstream_drop_idle(&t->pools[i].members[j].up);
        }
    }
    table_unref(t);
}

bool member_usable(const struct member *m, int64_t now)
{
    return m->health != HEALTH_DOWN && now >= m->ejected_until &&
           breaker_allows(&m->breaker, &m->pool->cfg->breaker, now);
}

bool pool_ready(const struct pool *p)
{
    int64_t now = loop_now(p->table->node->loop);
    for (size_t i = 0; i < p->count; i++) {
        if (p->members[i].health == HEALTH_UP && member_usable(&p->members[i], now))
            return true;
    }
    return false;
}

void member_set_health(struct member *m, enum health health)
{
    static const char *const words[] = {"unknown", "up", "down"};
    if (m->health == health)
        return;
    node_log(m->pool->table->node, "%s is %s (was %s)", m->cfg->name, words[health], words[m->health]);
    m->health = health;
    if (health == HEALTH_DOWN)
        upstream_host_down(&m->up);
    else
        m->ejected_until = 0;
}

int64_t table_epoch(const struct table *t)
{
    int64_t highest = 0;
    for (size_t i = 0; i < t->config->pool_count; i++)
        highest = t->pools[i].leader_epoch > highest ? t->pools[i].leader_epoch : highest;
    return highest;
}

void pool_learn_leader(struct pool *p, const char *region, size_t len, int64_t epoch)
{
    if (epoch < p->leader_epoch)
        return;
    for (size_t i = 0; i < p->cfg->region_count; i++) {
        const char *known = p->cfg->regions[i];
        if (strlen(known) != len || memcmp(known, region, len) != 0)
            continue;
        if (p->leader_region == NULL || strcmp(p->leader_region, known) != 0)
            node_log(p->table->node, "%s leads %s since epoch %lld", known, p->cfg->name, (long long)epoch);
        p->leader_region = known;
        p->leader_epoch = epoch;
    }
}

void pool_learn_follower(struct pool *p, const char *region, int64_t epoch)
{
    if (p->leader_region != NULL && strcmp(p->leader_region, region) == 0 && epoch >= p->leader_epoch)
        p->leader_region = NULL;
}

bool member_leads(const struct member *m)
{
    return m->pool->leader_region != NULL && strcmp(m->pool->leader_region, m->cfg->region) == 0;
}
