/* SPDX-License-Identifier: MIT */
/*
 * The gateway's part of the configuration: routes, drift, TLS; its pools are read in config_pool.c. A route that names
 * no pool but an address gets a pool of one member, so that the rest of the gateway knows pools only.
 *
 * The guard: what a control plane that has lost its own data hands out is well-formed, and empty. A gateway that has
 * something better refuses a successor without routes, or with less than half as many routes and members, until
 * somebody says `force`. The flaw accept_empty_config takes it.
 */
#include "gateway-under-test/config.h"
#include "harness/base/err.h"
#include "harness/base/text.h"

#include <string.h>

static int find_pool(const struct config_place *p, const char *upstream, int *out)
{
    struct config *c = p->config;
    if (!text_starts(upstream, "pool:")) {
        *out = (int)c->pool_count;
        return config_pool_of_url(p, upstream, &c->pools[c->pool_count++]);
    }
    for (size_t i = 0; i < c->pool_count; i++) {
        if (strcmp(c->pools[i].name, upstream + 5) == 0) {
            *out = (int)i;
            return 0;
        }
    }
    return place_fail(p, "upstream", "there is no pool named %s", upstream + 5);
}

#define METHOD_MAX 16 /* as in http1.c */

static int parse_methods(const struct config_place *p, struct config_route *r)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-";
    if (json_object_get(p->object, "methods") == NULL)
        return 0;
    if (want_texts(p, "methods", &r->methods, &r->method_count) < 0)
        return -1;
    for (size_t i = 0; i < r->method_count; i++) {
        size_t len = strlen(r->methods[i]);
        if (len > METHOD_MAX || strspn(r->methods[i], letters) != len)
            return place_fail(p, "methods", "%s is no method: capital letters and dashes, 16 at most", r->methods[i]);
    }
    return 0;
}

static int parse_route(const struct config_place *p, struct config_route *r)
{
    static const char *const keys[] = {"host", "path", "methods", "upstream", "rate_limit", "identity", NULL};
    static const char *const limit_keys[] = {"per_s", NULL};
    const char *upstream;
    struct config_place at;
    if (place_keys(p, keys) < 0 || want_text(p, "host", "*", &r->host) < 0 || want_text(p, "path", "/", &r->path) < 0 ||
        want_text(p, "upstream", NULL, &upstream) < 0 || find_pool(p, upstream, &r->pool) < 0)
        return -1;
    if (r->path[0] != '/')
        return place_fail(p, "path", "must begin with a slash");
    if (parse_methods(p, r) < 0 || config_parse_route_identity(p, r) < 0)
        return -1;
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
        if (place_enter(&pools, name, &at) < 0 || config_parse_pool(&at, pool) < 0)
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

static int parse_secrets(const struct config_place *top)
{
    struct config *c = top->config;
    if (json_object_get(top->object, "secrets") == NULL)
        return 0;
    if (want_text(top, "secrets", NULL, &c->secrets) < 0)
        return -1;
    bool print = strlen(c->secrets) == SHA256_HEX - 1 && strspn(c->secrets, "0123456789abcdef") == SHA256_HEX - 1;
    return print ? 0 : place_fail(top, "secrets", "must be 64 hex digits, as drgateway --check-config prints them");
}

int config_parse_gateway(struct config_place *top)
{
    static const char *const keys[] = {"node",       "role",      "region",  "listen",   "admin",  "flaws",
                                       "drain_ms",   "finish_ms", "routes",  "pools",    "drift",  "force",
                                       "tls",        "in_flight", "control", "identity", "limits", "alerts",
                                       "access_log", "secrets",   NULL};
    static const char *const drift_keys[] = {"check_ms", "policy", "revert_after_ms", NULL};
    static const char *const policies[] = {"alert", "revert", "quarantine", NULL};
    struct config *c = top->config;
    struct config_place at = *top;
    if (place_keys(top, keys) < 0 || want_bool(top, "force", false, &c->forced) < 0 ||
        want_small(top, "in_flight", 0, 1000000, 0, &c->in_flight) < 0 || parse_tls(top) < 0 ||
        config_parse_platform(top) < 0 || config_parse_watch(top) < 0 || parse_pools_and_routes(top) < 0 ||
        config_parse_identity(top) < 0 || parse_secrets(top) < 0)
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
    c->drift.quarantine = policy == 2;
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
