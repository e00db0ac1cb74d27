/* SPDX-License-Identifier: MIT */
/*
 * The gateway's part of the configuration: routes, pools, drift, TLS. A route that names no pool but an address gets a pool
 * of one member, so that the rest of the gateway knows pools only.
 *
 * The guard: what a control plane that has lost its own data hands out is well-formed, and empty. A gateway that has
 * something better refuses a successor without routes, or with less than half as many routes and members, until
 * somebody says `force`. The flaw accept_empty_config takes it.
 */
#include "gateway-under-test/config.h"
#include "gateway-under-test/conn.h"
#include "harness/base/err.h"
#include "harness/base/text.h"

#include <stdio.h>
#include <string.h>

static bool region_listed(const struct config_pool *pool, const char *region)
{
    for (size_t i = 0; i < pool->region_count; i++) {
        if (strcmp(pool->regions[i], region) == 0)
            return true;
    }
    return false;
}

static int parse_members(const struct config_place *p, struct config_pool *pool)
{
    static const char *const keys[] = {"name", "region", "address", "port", NULL};
    const json_t *list;
    if (want_list(p, "members", &list, &pool->member_count) < 0)
        return -1;
    pool->members = arena_array(&p->config->arena, struct config_member, pool->member_count);
    for (size_t i = 0; i < pool->member_count; i++) {
        struct config_member *m = &pool->members[i];
        struct config_place at;
        if (place_item(p, "members", i, json_array_get(list, i), &at) < 0 || place_keys(&at, keys) < 0 ||
            want_text(&at, "name", NULL, &m->name) < 0 || want_text(&at, "region", NULL, &m->region) < 0 ||
            want_text(&at, "address", NULL, &m->address) < 0 || want_small(&at, "port", 1, 65535, WANTED, &m->port) < 0)
            return -1;
        if (want_address(&at, &m->to) < 0)
            return -1;
        if (!region_listed(pool, m->region))
            return place_fail(&at, "region", "%s is not among the pool's regions", m->region);
    }
    return 0;
}

static int parse_check(const struct config_place *p, struct config_pool *pool)
{
    static const char *const keys[] = {"path", "every_ms", "timeout_ms", "unhealthy_after", "healthy_after", NULL};
    struct config_place at = *p;
    if (json_object_get(p->object, "check") != NULL && (place_enter(p, "check", &at) < 0 || place_keys(&at, keys) < 0))
        return -1;
    if (want_text(&at, "path", "/healthz", &pool->check.path) < 0 ||
        want_int(&at, "every_ms", 10, 600000, 250, &pool->check.every_ms) < 0 ||
        want_int(&at, "timeout_ms", 10, 600000, 200, &pool->check.timeout_ms) < 0 ||
        want_small(&at, "unhealthy_after", 1, 100, 3, &pool->check.unhealthy_after) < 0 ||
        want_small(&at, "healthy_after", 1, 100, 2, &pool->check.healthy_after) < 0)
        return -1;
    return pool->check.path[0] == '/' ? 0 : place_fail(&at, "path", "must begin with a slash");
}

static int parse_passive(const struct config_place *p, struct config_pool *pool)
{
    static const char *const keys[] = {"failures", "eject_ms", NULL};
    struct config_place at = *p;
    if (json_object_get(p->object, "passive") != NULL &&
        (place_enter(p, "passive", &at) < 0 || place_keys(&at, keys) < 0))
        return -1;
    return want_small(&at, "failures", 1, 10000, 5, &pool->passive.failures) < 0 ||
                   want_int(&at, "eject_ms", 0, 600000, 2000, &pool->passive.eject_ms) < 0
               ? -1
               : 0;
}

static int parse_pool(const struct config_place *p, struct config_pool *pool)
{
    static const char *const keys[] = {"policy",     "regions", "members",  "check",   "passive",
                                       "connect_ms", "try_ms",  "total_ms", "retries", NULL};
    static const char *const policies[] = {"round_robin", "least_conn", NULL};
    int policy = 0;
    if (place_keys(p, keys) < 0 || want_word(p, "policy", policies, "round_robin", &policy) < 0 ||
        want_texts(p, "regions", &pool->regions, &pool->region_count) < 0 || parse_members(p, pool) < 0 ||
        parse_check(p, pool) < 0 || parse_passive(p, pool) < 0 ||
        want_int(p, "connect_ms", 1, 600000, 250, &pool->connect_ms) < 0 ||
        want_int(p, "try_ms", 1, 600000, 800, &pool->try_ms) < 0 ||
        want_int(p, "total_ms", 1, 600000, 950, &pool->total_ms) < 0 ||
        want_small(p, "retries", 0, 100, 2, &pool->retries) < 0)
        return -1;
    pool->policy = (enum policy)policy;
    return pool->try_ms <= pool->total_ms ? 0 : place_fail(p, "try_ms", "must not exceed total_ms");
}

/* http://ADDRESS:PORT as a pool of one. */
static int pool_of_url(const struct config_place *p, const char *url, struct config_pool *pool)
{
    char ip[64], rest;
    int port = 0;
    struct config_member *m = arena_new(&p->config->arena, struct config_member);
    if (sscanf(url, "http://%63[0-9.]:%d%c", ip, &port, &rest) != 2 || port < 1 || port > 65535 ||
        !tcp_address(ip, port, &m->to))
        return place_fail(p, "upstream", "must be pool:NAME or http://ADDRESS:PORT");
    *m = (struct config_member){.name = url, .region = p->config->region, .port = port, .to = m->to};
    m->address = arena_strdup(&p->config->arena, ip);
    *pool = (struct config_pool){.name = url, .members = m, .member_count = 1, .region_count = 1};
    pool->regions = arena_array(&p->config->arena, const char *, 1);
    pool->regions[0] = p->config->region;
    pool->check.path = "/healthz";
    pool->check.every_ms = 250;
    pool->check.timeout_ms = 200;
    pool->check.unhealthy_after = 3;
    pool->check.healthy_after = 2;
    pool->passive.failures = 5;
    pool->passive.eject_ms = 2000;
    pool->connect_ms = 250;
    pool->try_ms = 800;
    pool->total_ms = 950;
    pool->retries = 2;
    return 0;
}

static int find_pool(const struct config_place *p, const char *upstream, int *out)
{
    struct config *c = p->config;
    if (!text_starts(upstream, "pool:")) {
        *out = (int)c->pool_count;
        return pool_of_url(p, upstream, &c->pools[c->pool_count++]);
    }
    for (size_t i = 0; i < c->pool_count; i++) {
        if (strcmp(c->pools[i].name, upstream + 5) == 0) {
            *out = (int)i;
            return 0;
        }
    }
    return place_fail(p, "upstream", "there is no pool named %s", upstream + 5);
}

static int parse_route(const struct config_place *p, struct config_route *r)
{
    static const char *const keys[] = {"host", "path", "upstream", "rate_limit", NULL};
    static const char *const limit_keys[] = {"per_s", NULL};
    const char *upstream;
    struct config_place at;
    if (place_keys(p, keys) < 0 || want_text(p, "host", "*", &r->host) < 0 || want_text(p, "path", "/", &r->path) < 0 ||
        want_text(p, "upstream", NULL, &upstream) < 0 || find_pool(p, upstream, &r->pool) < 0)
        return -1;
    if (r->path[0] != '/')
        return place_fail(p, "path", "must begin with a slash");
    if (json_object_get(p->object, "rate_limit") == NULL)
        return 0;
    return place_enter(p, "rate_limit", &at) < 0 || place_keys(&at, limit_keys) < 0 ||
                   want_int(&at, "per_s", 1, 1000000, WANTED, &r->rate_per_s) < 0
               ? -1
               : 0;
}

static int parse_pools_and_routes(struct config_place *top)
{
    struct config *c = top->config;
    struct config_place pools, routes, at;
    const char *name;
    json_t *value;
    if (place_enter(top, "routes", &routes) < 0 || place_enter(top, "pools", &pools) < 0)
        return -1;
    size_t route_count = json_object_size(routes.object), pool_count = json_object_size(pools.object);
    if (route_count > 256 || pool_count > 256)
        return place_fail(top, "routes", "there must be at most 256 routes and 256 pools");
    c->pools = arena_array(&c->arena, struct config_pool, pool_count + route_count);
    c->routes = arena_array(&c->arena, struct config_route, route_count);
    json_object_foreach((json_t *)pools.object, name, value)
    {
        struct config_pool *pool = &c->pools[c->pool_count];
        pool->name = arena_strdup(&c->arena, name);
        if (place_enter(&pools, name, &at) < 0 || parse_pool(&at, pool) < 0)
            return -1;
        c->pool_count++;
    }
    json_object_foreach((json_t *)routes.object, name, value)
    {
        struct config_route *r = &c->routes[c->route_count++];
        r->name = arena_strdup(&c->arena, name);
        if (place_enter(&routes, name, &at) < 0 || parse_route(&at, r) < 0)
            return -1;
    }
    return 0;
}

static int parse_tls(const struct config_place *top)
{
    static const char *const keys[] = {"listen", "certificate", "key", "handshake_ms", NULL};
    struct config *c = top->config;
    struct config_place at;
    if (json_object_get(top->object, "tls") == NULL)
        return 0;
    if (place_enter(top, "tls", &at) < 0 || place_keys(&at, keys) < 0 ||
        want_small(&at, "listen", 1, 65535, WANTED, &c->tls.listen) < 0 ||
        want_text(&at, "certificate", NULL, &c->tls.certificate) < 0 ||
        want_text(&at, "key", c->tls.certificate, &c->tls.key) < 0 ||
        want_int(&at, "handshake_ms", 10, 600000, 2000, &c->tls.handshake_ms) < 0)
        return -1;
    bool taken = c->tls.listen == c->listen || c->tls.listen == c->admin;
    return taken ? place_fail(&at, "listen", "must differ from the other ports") : 0;
}

int config_parse_gateway(struct config_place *top)
{
    static const char *const keys[] = {"node",   "role",  "region", "listen", "admin", "flaws", "drain_ms",
                                       "routes", "pools", "drift",  "force",  "tls",   "alerts", "access_log", NULL};
    static const char *const drift_keys[] = {"check_ms", "policy", "revert_after_ms", NULL};
    static const char *const policies[] = {"alert", "revert", NULL};
    struct config *c = top->config;
    struct config_place at = *top;
    if (place_keys(top, keys) < 0 || want_bool(top, "force", false, &c->forced) < 0 || parse_tls(top) < 0 ||
        config_parse_watch(top) < 0 || parse_pools_and_routes(top) < 0)
        return -1;
    bool given = json_object_get(top->object, "drift") != NULL;
    int policy = 0;
    if (given && (place_enter(top, "drift", &at) < 0 || place_keys(&at, drift_keys) < 0))
        return -1;
    if (want_int(&at, "check_ms", 10, 600000, 1000, &c->drift.check_ms) < 0 ||
        want_word(&at, "policy", policies, "alert", &policy) < 0 ||
        want_int(&at, "revert_after_ms", 0, 600000, 2000, &c->drift.revert_after_ms) < 0)
        return -1;
    c->drift.revert = policy == 1;
    return 0;
}

/* Routes, and members to send them to. */
static size_t offered(const struct config *c)
{
    size_t n = c->route_count;
    for (size_t i = 0; i < c->pool_count; i++)
        n += c->pools[i].member_count;
    return n;
}

int config_guard(const struct config *now, const struct config *next, struct err *e)
{
    size_t was = offered(now), becomes = offered(next);
    if (next->role != ROLE_GATEWAY || next->forced || config_flaw(now, FLAW_accept_empty_config))
        return 0;
    if (next->route_count > 0 && 2 * becomes >= was)
        return 0;
    err_set(e, ERR_MEANING, "configuration", "%zu routes and %zu members in all, after %zu and %zu", next->route_count,
            becomes - next->route_count, now->route_count, was - now->route_count);
    return err_help(e, "write \"force\": true if it is meant");
}
