/* SPDX-License-Identifier: MIT */
/*
 * One pool of upstreams: members, how requests are shared among them, and how one of them is found to be unwell.
 *
 * A health check may also be written in the words of managed DNS health checks (FullyQualifiedDomainName, Port,
 * RequestInterval in seconds, FailureThreshold, SuccessThreshold), so that numbers found there can be tried here as
 * they are; each of them excludes its other spelling.
 */
#include "gateway-under-test/conn.h"
#include "gateway-under-test/pool.h"
#include "harness/base/err.h"
#include "harness/base/text.h"

#include <stdio.h>
#include <string.h>

static const char *const end_words[] = {[ATTEMPT_GOOD] = "good",
                                        [ATTEMPT_REFUSE] = "refuse",
                                        [ATTEMPT_TIMEOUT] = "timeout",
                                        [ATTEMPT_RESET] = "reset",
                                        [ATTEMPT_5XX] = "5xx",
                                        NULL};

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
    static const char *const keys[] = {"name", "region", "address", "port", "weight", NULL};
    const json_t *list;
    if (want_list(p, "members", &list, &pool->member_count) < 0)
        return -1;
    pool->members = arena_array(&p->config->arena, struct config_member, pool->member_count);
    for (size_t i = 0; i < pool->member_count; i++) {
        struct config_member *m = &pool->members[i];
        struct config_place at;
        if (place_item(p, "members", i, json_array_get(list, i), &at) < 0 || place_keys(&at, keys) < 0 ||
            want_text(&at, "name", NULL, &m->name) < 0 || want_text(&at, "region", NULL, &m->region) < 0 ||
            want_text(&at, "address", NULL, &m->address) < 0 ||
            want_small(&at, "port", 1, 65535, WANTED, &m->port) < 0 ||
            want_small(&at, "weight", 1, 1000, 1, &m->weight) < 0)
            return -1;
        if (want_address(&at, &m->to) < 0)
            return -1;
        if (!region_listed(pool, m->region))
            return place_fail(&at, "region", "%s is not among the pool's regions", m->region);
    }
    return 0;
}

/* Enter p's object `key` where there is one; else *at knows no keys, and the defaults hold. */
static int enter_optional(const struct config_place *p, const char *key, const char *const *keys,
                          struct config_place *at)
{
    *at = *p;
    at->object = NULL;
    if (json_object_get(p->object, key) == NULL)
        return 0;
    return place_enter(p, key, at) < 0 ? -1 : place_keys(at, keys);
}

/* The spelling of a key that is used. -1: both are. */
static int spelled(const struct config_place *p, const char *ours, const char *theirs, const char **used)
{
    bool other = json_object_get(p->object, theirs) != NULL;
    *used = other ? theirs : ours;
    return other && json_object_get(p->object, ours) != NULL ? place_fail(p, theirs, "stands beside %s", ours) : 0;
}

static int parse_host(const struct config_place *at, struct config_check *check)
{
    static const char key[] = "FullyQualifiedDomainName";
    return json_object_get(at->object, key) == NULL ? 0 : want_text(at, key, NULL, &check->host);
}

static int parse_check(const struct config_place *p, struct config_check *check)
{
    static const char *const keys[] = {"path",          "every_ms", "timeout_ms",       "unhealthy_after",
                                       "healthy_after", "status",   "FullyQualifiedDomainName",
                                       "Port",          "RequestInterval", "FailureThreshold",
                                       "SuccessThreshold", NULL};
    const char *every, *down, *up;
    struct config_place at;
    if (enter_optional(p, "check", keys, &at) < 0 || spelled(&at, "every_ms", "RequestInterval", &every) < 0 ||
        spelled(&at, "unhealthy_after", "FailureThreshold", &down) < 0 ||
        spelled(&at, "healthy_after", "SuccessThreshold", &up) < 0)
        return -1;
    int64_t unit_ms = strcmp(every, "every_ms") == 0 ? 1 : 1000;
    if (want_text(&at, "path", "/healthz", &check->path) < 0 || parse_host(&at, check) < 0 ||
        want_int(&at, every, unit_ms == 1 ? 10 : 1, 600000 / unit_ms, unit_ms == 1 ? 250 : WANTED, &check->every_ms) <
            0 ||
        want_int(&at, "timeout_ms", 10, 600000, 200, &check->timeout_ms) < 0 ||
        want_small(&at, down, 1, 100, 3, &check->unhealthy_after) < 0 ||
        want_small(&at, up, 1, 100, 2, &check->healthy_after) < 0 ||
        want_small(&at, "Port", 1, 65535, 0, &check->port) < 0 ||
        want_small(&at, "status", 200, 599, 0, &check->status) < 0)
        return -1;
    check->every_ms *= unit_ms;
    return check->path[0] == '/' ? 0 : place_fail(&at, "path", "must begin with a slash");
}

static int parse_passive(const struct config_place *p, struct config_passive *passive)
{
    static const char *const keys[] = {"failures", "eject_ms", "eject_share", NULL};
    struct config_place at;
    return enter_optional(p, "passive", keys, &at) < 0 ||
                   want_small(&at, "failures", 1, 10000, 5, &passive->failures) < 0 ||
                   want_int(&at, "eject_ms", 0, 600000, 2000, &passive->eject_ms) < 0 ||
                   want_small(&at, "eject_share", 1, 100, 50, &passive->eject_share) < 0
               ? -1
               : 0;
}

static int parse_triggers(const struct config_place *at, unsigned *out)
{
    const json_t *list;
    size_t count = 0;
    *out = 1u << ATTEMPT_REFUSE | 1u << ATTEMPT_TIMEOUT | 1u << ATTEMPT_RESET | 1u << ATTEMPT_5XX;
    if (json_object_get(at->object, "triggers") == NULL)
        return 0;
    if (want_list(at, "triggers", &list, &count) < 0)
        return -1;
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        const char *word = json_string_value(json_array_get(list, i));
        int end = ATTEMPT_REFUSE;
        while (word != NULL && end_words[end] != NULL && strcmp(end_words[end], word) != 0)
            end++;
        if (word == NULL || end_words[end] == NULL)
            return place_fail(at, "triggers", "element %zu must be one of refuse, timeout, reset, 5xx", i);
        *out |= 1u << end;
    }
    return 0;
}

static int parse_breaker(const struct config_place *p, struct config_breaker *breaker)
{
    static const char *const keys[] = {"failures", "open_ms", "probes", "triggers", NULL};
    struct config_place at;
    if (json_object_get(p->object, "breaker") == NULL)
        return 0;
    return enter_optional(p, "breaker", keys, &at) < 0 ||
                   want_small(&at, "failures", 1, 10000, 5, &breaker->failures) < 0 ||
                   want_int(&at, "open_ms", 1, 600000, 1000, &breaker->open_ms) < 0 ||
                   want_small(&at, "probes", 1, 100, 2, &breaker->probes) < 0 ||
                   parse_triggers(&at, &breaker->triggers) < 0
               ? -1
               : 0;
}

/* address | header:NAME | query:NAME */
static int parse_user(const struct config_place *p, struct config_pool *pool)
{
    const char *by;
    if (want_text(p, "user", "address", &by) < 0)
        return -1;
    const char *colon = strchr(by, ':');
    pool->user_by = text_starts(by, "header:")  ? USER_BY_HEADER
                    : text_starts(by, "query:") ? USER_BY_QUERY
                                                : USER_BY_ADDRESS;
    pool->user_key = colon ? colon + 1 : "";
    bool named = pool->user_by != USER_BY_ADDRESS && *pool->user_key != '\0';
    return named || strcmp(by, "address") == 0 ? 0
                                               : place_fail(p, "user", "must be address, header:NAME or query:NAME");
}

/* Panic is a choice: who does not ask for it gets none until nobody is usable, and then everybody is asked. */
static int parse_sharing(const struct config_place *p, struct config_pool *pool)
{
    static const char *const policies[] = {"round_robin", "weighted", "least_conn", "ip_hash", "first", NULL};
    static const char *const hashes[] = {"rendezvous", "modulo", NULL};
    static const char *const panics[] = {"route_all", "fail_fast", NULL};
    bool may_panic = json_object_get(p->object, "panic") != NULL;
    int policy = 0, hash = 0, panic = 0;
    if (want_word(p, "policy", policies, "round_robin", &policy) < 0 ||
        want_word(p, "hash", hashes, "rendezvous", &hash) < 0 || parse_user(p, pool) < 0 ||
        want_word(p, "panic", panics, "route_all", &panic) < 0 ||
        want_small(p, "panic_below", 0, 100, may_panic ? 50 : 0, &pool->panic_below) < 0 ||
        want_bool(p, "spill_over", false, &pool->spill_over) < 0)
        return -1;
    pool->policy = (enum policy)policy;
    pool->hash = (enum hash)hash;
    pool->panic = (enum panic)panic;
    return 0;
}

static int parse_patience(const struct config_place *p, struct config_pool *pool)
{
    if (want_int(p, "connect_ms", 1, 600000, 250, &pool->connect_ms) < 0 ||
        want_int(p, "first_byte_ms", 1, 600000, 0, &pool->first_byte_ms) < 0 ||
        want_int(p, "try_ms", 1, 600000, 800, &pool->try_ms) < 0 ||
        want_int(p, "total_ms", 1, 600000, 950, &pool->total_ms) < 0 ||
        want_int(p, "backoff_ms", 0, 600000, 25, &pool->backoff_ms) < 0 ||
        want_small(p, "retries", 0, 100, 2, &pool->retries) < 0)
        return -1;
    return pool->try_ms <= pool->total_ms ? 0 : place_fail(p, "try_ms", "must not exceed total_ms");
}

static int parse_behaviour(const struct config_place *p, struct config_pool *pool)
{
    return parse_sharing(p, pool) < 0 || parse_check(p, &pool->check) < 0 || parse_passive(p, &pool->passive) < 0 ||
                   parse_breaker(p, &pool->breaker) < 0
               ? -1
               : parse_patience(p, pool);
}

int config_parse_pool(const struct config_place *p, struct config_pool *pool)
{
    static const char *const keys[] = {"policy",        "hash",   "user",     "panic",      "panic_below", "spill_over",
                                       "regions",       "members", "check",   "passive",    "breaker",     "connect_ms",
                                       "first_byte_ms", "try_ms", "total_ms", "backoff_ms", "retries",     NULL};
    return place_keys(p, keys) < 0 || want_texts(p, "regions", &pool->regions, &pool->region_count) < 0 ||
                   parse_members(p, pool) < 0
               ? -1
               : parse_behaviour(p, pool);
}

int config_pool_of_url(const struct config_place *p, const char *url, struct config_pool *pool)
{
    char ip[64], rest;
    int port = 0;
    struct config_place nothing = *p;
    struct config_member *m = arena_new(&p->config->arena, struct config_member);
    if (sscanf(url, "http://%63[0-9.]:%d%c", ip, &port, &rest) != 2 || port < 1 || port > 65535 ||
        !tcp_address(ip, port, &m->to))
        return place_fail(p, "upstream", "must be pool:NAME or http://ADDRESS:PORT");
    *m = (struct config_member){.name = url, .region = p->config->region, .port = port, .weight = 1, .to = m->to};
    m->address = arena_strdup(&p->config->arena, ip);
    *pool = (struct config_pool){.name = url, .members = m, .member_count = 1, .region_count = 1};
    pool->regions = arena_array(&p->config->arena, const char *, 1);
    pool->regions[0] = p->config->region;
    nothing.object = NULL;
    return parse_behaviour(&nothing, pool);
}
