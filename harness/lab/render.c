/* SPDX-License-Identifier: MIT */
/*
 * Numbers of the topology turned into the knobs of the programs:
 *
 *     checks     every probe_every, in time within probe_timeout, down after unhealthy_after, up after healthy_after
 *     lease      as long as a client would take to see a region as gone, three seconds at most (topo_lease_ms)
 *     drain      until clients have seen that the node wants to go (topo_drain_ms)
 *     fail-back  a returned home region holds still for healthy_after * probe_every before it leads again
 *     capacity   each of the slots is busy for slots / rate with a request
 *     patience   a try 600 ms, all tries 950 ms: below the second after which clients count an answer as bad; a store
 *                waits 500 ms for a synchronous peer before it has it recorded as out of sync
 *
 *     traffic manager  checks as its program can count them (topology.h): whole seconds, the same counts; a vantage is
 *                      known by the net of its site
 *
 * A certificate lies beside the configuration, whose fingerprint must not depend on the run's folder.
 *
 * Where callers are asked who they are, render_identity.c adds what that takes.
 *
 * The first origin of a region has its store; its other origins pass requests on to it.
 */
#include "harness/lab/render.h"

#include "harness/base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNECT_MS = 250,
    TRY_MS = 600,
    TOTAL_MS = 950,
    HANDSHAKE_MS = 2000,
    DEGRADE_AFTER_MS = 500,
    RATE_LIMIT_PER_S = 100000
};

static json_t *made(json_t *doc)
{
    if (!doc) {
        abort(); /* out of memory, or a literal format below is wrong: its unit tests would tell */
    }
    return doc;
}

static void append(json_t *list, json_t *item)
{
    if (json_array_append_new(list, made(item)) != 0) {
        abort();
    }
}

static void set(json_t *doc, const char *key, json_t *value)
{
    if (json_object_set_new(doc, key, made(value)) != 0) {
        abort();
    }
}

static json_int_t ms(int64_t ns)
{
    return (json_int_t)((ns + NS_PER_MS - 1) / NS_PER_MS);
}

static uint16_t first_origin(const struct topo_site *s)
{
    return s->origins > 0 ? (uint16_t)(s->first_node + s->gateways) : TOPO_NONE;
}

static uint16_t witness_node(const struct topology *t)
{
    for (size_t i = 0; i < t->node_count; i++) {
        if (t->nodes[i].role == NODE_WITNESS) {
            return (uint16_t)i;
        }
    }
    return TOPO_NONE;
}

/* The regions in the order in which a gateway of `own` prefers them: the primary, its own, the others. */
static json_t *region_order(const struct topology *t, uint16_t own)
{
    json_t *list = made(json_array());
    append(list, json_string(t->sites[t->primary].name));
    if (own != t->primary) {
        append(list, json_string(t->sites[own].name));
    }
    for (uint16_t s = 0; s < t->site_count; s++) {
        if (t->sites[s].kind == SITE_REGION && s != t->primary && s != own) {
            append(list, json_string(t->sites[s].name));
        }
    }
    return list;
}

static json_int_t weight_of(const struct topology *t, const struct topo_node *origin)
{
    bool given = origin->number <= TOPO_MAX_ORIGINS && t->balancing.weight[origin->number - 1] > 0;
    return given ? (json_int_t)t->balancing.weight[origin->number - 1] : 1;
}

static json_t *pool_members(const struct topology *t)
{
    json_t *list = made(json_array());
    for (size_t i = 0; i < t->node_count; i++) {
        const struct topo_node *n = &t->nodes[i];
        if (n->role == NODE_ORIGIN) {
            append(list, json_pack("{s:s, s:s, s:s, s:i, s:I}", "name", n->name, "region", t->sites[n->site].name,
                                   "address", n->address, "port", TOPO_PORT_HTTP, "weight",
                                   weight_of(t, n)));
        }
    }
    return list;
}

static json_t *text_list(const char *const *at, size_t len)
{
    json_t *list = made(json_array());
    for (size_t i = 0; i < len; i++) {
        append(list, json_string(at[i]));
    }
    return list;
}

static void add_breaker(json_t *pool, const struct topo_breaker *b)
{
    json_t *breaker = made(json_pack("{s:I, s:I, s:I}", "failures", (json_int_t)b->failures, "open_ms", ms(b->open_ns),
                                     "probes", (json_int_t)b->probes));
    if (b->triggers.len > 0) {
        set(breaker, "triggers", text_list(b->triggers.at, b->triggers.len));
    }
    set(pool, "breaker", breaker);
}

static void add_balancing(json_t *pool, const struct topo_balancing *b)
{
    static const char *const policies[] = {
        [BALANCE_ROUND_ROBIN] = "round_robin", [BALANCE_WEIGHTED] = "weighted", [BALANCE_LEAST_CONN] = "least_conn",
        [BALANCE_IP_HASH] = "ip_hash", [BALANCE_FIRST] = "first"};
    set(pool, "policy", json_string(policies[b->policy]));
    set(pool, "hash", json_string(b->hash == BALANCE_MODULO ? "modulo" : "rendezvous"));
    set(pool, "user", json_string(b->user_is_key ? "query:key" : "address"));
    set(pool, "spill_over", json_boolean(b->spill_over));
    set(pool, "passive", json_pack("{s:I, s:i}", "failures", (json_int_t)b->eject_after, "eject_ms", 2000));
    set(pool, "retries", json_integer(b->retries));
    if (b->panic != PANIC_NEVER) {
        set(pool, "panic", json_string(b->panic == PANIC_REFUSE ? "fail_fast" : "route_all"));
    }
    if (b->has_breaker) {
        add_breaker(pool, &b->breaker);
    }
}

/* Where a gateway asks what is desired of it: in its own region, then in the first other one. */
static void add_control(json_t *doc, const struct topology *t, const struct topo_node *n)
{
    const struct topo_control *c = &t->control;
    json_t *endpoints = made(json_array());
    append(endpoints, json_pack("{s:s, s:i}", "address", t->nodes[topo_control_node(t, n->site)].address, "port",
                                TOPO_PORT_CONTROL));
    for (uint16_t s = 0; c->fallback && s < t->site_count && json_array_size(endpoints) < 2; s++) {
        if (t->sites[s].kind == SITE_REGION && s != n->site) {
            append(endpoints, json_pack("{s:s, s:i}", "address", t->nodes[topo_control_node(t, s)].address, "port",
                                        TOPO_PORT_CONTROL));
        }
    }
    set(doc, "control",
        json_pack("{s:o, s:I, s:I, s:s}", "endpoints", endpoints, "wait_ms", ms(c->wait_ns), "stale_after_ms",
                  ms(c->stale_after_ns), "when_stale", c->refuse_stale ? "refuse" : "serve"));
}

/* The rules by which a gateway watches itself. */
static json_t *alert_rules(const struct topo_alerts *a)
{
    static const char *const words[] = {
        [TOPO_ALERT_SLOW] = "slow", [TOPO_ALERT_ERRORS] = "errors", [TOPO_ALERT_TRAFFIC] = "traffic"};
    json_t *rules = made(json_array());
    for (unsigned rule = TOPO_ALERT_SLOW; rule <= TOPO_ALERT_TRAFFIC; rule++) {
        if (a->rules & 1U << rule) {
            append(rules, json_string(words[rule]));
        }
    }
    return made(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "window_ms", ms(a->window_ns), "after",
                          (json_int_t)a->after, "slow_percent", (json_int_t)(a->slow_ppm / 10000), "slow_least_ms",
                          ms(a->slow_least_ns), "error_ppm", (json_int_t)a->errors_ppm, "traffic_percent",
                          (json_int_t)(a->traffic_ppm / 10000), "rules", rules));
}

static json_t *health_check(const struct topology *t)
{
    const struct topo_failover *f = &t->failover;
    return made(json_pack("{s:s, s:I, s:I, s:I, s:I}", "path",
                          t->balancing.deep_checks ? "/healthz?deep=1" : "/healthz", "every_ms", ms(f->probe_every_ns),
                          "timeout_ms", ms(f->probe_timeout_ns), "unhealthy_after", (json_int_t)f->unhealthy_after,
                          "healthy_after", (json_int_t)f->healthy_after));
}

static void add_gateway(json_t *doc, const struct topology *t, const struct topo_node *n)
{
    set(doc, "routes", json_pack("{s:{s:s, s:s, s:s, s:{s:i}}}", "orders", "host", "*", "path", "/v1/", "upstream",
                                 "pool:orders", "rate_limit", "per_s", RATE_LIMIT_PER_S));
    json_t *pool = made(json_pack("{s:o, s:o, s:o, s:i, s:i, s:i}", "regions", region_order(t, n->site), "members",
                                  pool_members(t), "check", health_check(t), "connect_ms", CONNECT_MS, "try_ms", TRY_MS,
                                  "total_ms", TOTAL_MS));
    add_balancing(pool, &t->balancing);
    set(doc, "pools", json_pack("{s:o}", "orders", pool));
    set(doc, "alerts", alert_rules(&t->alerts));
    static const char *const policies[] = {
        [DRIFT_REVERT] = "revert", [DRIFT_ALERT] = "alert", [DRIFT_QUARANTINE] = "quarantine"};
    set(doc, "drift",
        json_pack("{s:i, s:s, s:i}", "check_ms", 500, "policy", policies[t->control.drift], "revert_after_ms", 2000));
    if (t->balancing.in_flight > 0) {
        set(doc, "in_flight", json_integer(t->balancing.in_flight));
    }
    if (t->control.there) {
        add_control(doc, t, n);
    }
    if (t->identity.asked) {
        render_identity(doc, t);
    }
    if (t->access_log) {
        set(doc, "access_log", json_pack("{s:s, s:I}", "path", RENDER_ACCESS_LOG, "max_bytes",
                                         (json_int_t)RENDER_ACCESS_LOG_MAX));
    }
    if (t->tls) {
        set(doc, "tls", json_pack("{s:i, s:s, s:i}", "listen", TOPO_PORT_HTTPS, "certificate", RENDER_BUNDLE,
                                  "handshake_ms", HANDSHAKE_MS));
    }
}

/* A port of the stores of the other regions. */
static json_t *store_peers(const struct topology *t, uint16_t own, int port)
{
    json_t *list = made(json_array());
    for (uint16_t s = 0; s < t->site_count; s++) {
        uint16_t origin = t->sites[s].kind == SITE_REGION && s != own ? first_origin(&t->sites[s]) : TOPO_NONE;
        if (origin != TOPO_NONE) {
            append(list, json_pack("{s:s, s:s, s:i}", "region", t->sites[s].name, "address", t->nodes[origin].address,
                                   "port", port));
        }
    }
    return list;
}

static void add_store(json_t *doc, const struct topology *t, const struct topo_node *n)
{
    const struct topo_replication *r = &t->replication;
    json_t *store = made(
        json_pack("{s:s, s:I, s:s, s:i, s:s, s:i, s:b, s:o, s:I, s:I, s:I, s:b}", "mode",
                  r->mode == REPLICATION_SYNC ? "sync" : "async", "every_ms", ms(r->every_ns), "degrade",
                  r->degrade == DEGRADE_BLOCK ? "block" : "async", "degrade_after_ms", DEGRADE_AFTER_MS, "durability",
                  r->durability == DURABILITY_DISK ? "disk" : "os", "port", TOPO_PORT_REPLICATION, "home",
                  n->site == t->primary, "peers", store_peers(t, n->site, TOPO_PORT_REPLICATION), "lease_ms",
                  (json_int_t)topo_lease_ms(t), "renew_ms", (json_int_t)topo_renew_ms(t), "failback_hold_ms",
                  ms(t->failover.healthy_after * t->failover.probe_every_ns), "failsafe", t->failover.failsafe));
    uint16_t witness = witness_node(t);
    if (witness != TOPO_NONE) {
        set(store, "witness",
            json_pack("{s:s, s:i}", "address", t->nodes[witness].address, "port", TOPO_PORT_LEASE));
    }
    set(doc, "store", store);
}

static void add_capacity(json_t *doc, const struct topo_capacity *c)
{
    json_int_t service_us = (json_int_t)(c->slots * PPM * PPM / c->rate_micro);
    set(doc, "capacity", json_pack("{s:I, s:I, s:I}", "slots", (json_int_t)c->slots, "service_us",
                                   service_us > 0 ? service_us : 1, "queue", (json_int_t)c->queue));
}

static void add_scaling(json_t *doc, const struct topology *t, const struct topo_node *n)
{
    const struct topo_scaling *s = &t->scaling;
    bool standby = t->sites[n->site].role == REGION_STANDBY;
    set(doc, "scaling", json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "cold_start_ms", ms(s->cold_start_ns), "warm_up_ms",
                                  ms(s->warm_up_ns), "idle_after_ms", ms(s->idle_after_ns), "per_instance",
                                  (json_int_t)s->per_instance, "most", (json_int_t)s->most, "least",
                                  (json_int_t)(standby ? s->standby : s->least)));
}

static void add_backup(json_t *doc, const struct topology *t, const struct topo_node *n)
{
    if (t->backups.every_ns > 0) {
        bool elsewhere = t->backups.copies > 2;
        set(doc, "backup", json_pack("{s:I, s:o}", "every_ms", ms(t->backups.every_ns), "offsite",
                                     elsewhere ? store_peers(t, n->site, TOPO_PORT_HTTP) : made(json_array())));
    }
}

static void add_origin(json_t *doc, const struct topology *t, uint16_t node)
{
    const struct topo_node *n = &t->nodes[node];
    uint16_t first = first_origin(&t->sites[n->site]);
    if (node == first) {
        add_store(doc, t, n);
        add_backup(doc, t, n);
    } else {
        set(doc, "store_at", json_pack("{s:s, s:i}", "address", t->nodes[first].address, "port", TOPO_PORT_HTTP));
    }
    if (t->has_capacity) {
        add_capacity(doc, &t->capacity);
    }
    if (t->scaling.there) {
        add_scaling(doc, t, n);
    }
}

static void add_witness(json_t *doc, const struct topology *t)
{
    set(doc, "lease_ms", json_integer(topo_lease_ms(t)));
    set(doc, "prefer", json_string(t->sites[t->primary].name));
    set(doc, "grace_ms", json_integer(2 * topo_lease_ms(t)));
    set(doc, "regions", region_order(t, t->primary));
}

static json_t *gateways_of(const struct topology *t, const char *region)
{
    json_t *list = made(json_array());
    for (size_t i = 0; i < t->node_count; i++) {
        if (t->nodes[i].role == NODE_GATEWAY && strcmp(t->sites[t->nodes[i].site].name, region) == 0) {
            append(list, json_string(t->nodes[i].address));
        }
    }
    return list;
}

/* By what address it knows the clients of a vantage, and the regions in the order in which they are near to them. */
static json_t *places(const struct topology *t)
{
    json_t *list = made(json_array());
    for (uint16_t s = 0; s < t->site_count; s++) {
        uint16_t near[TOPO_MAX_SITES];
        size_t n = t->sites[s].kind == SITE_VANTAGE ? topo_regions_near(t, s, near) : 0;
        json_t *names = made(json_array());
        for (size_t i = 0; i < n; i++) {
            append(names, json_string(t->sites[near[i]].name));
        }
        if (n > 0) {
            char net[32];
            snprintf(net, sizeof(net), "10.%u.0.0/16", s + 1u);
            append(list, json_pack("{s:s, s:O}", "net", net, "near", names));
        }
        json_decref(names);
    }
    return list;
}

static json_t *dns_config(const struct topology *t, const struct topo_node *n)
{
    json_t *order = region_order(t, t->primary), *regions = made(json_array()), *name;
    size_t i;
    json_array_foreach(order, i, name)
    {
        const char *region = json_string_value(name);
        append(regions, json_pack("{s:O, s:I, s:o}", "name", name, "weight",
                                  (json_int_t)t->sites[topo_site_find(t, region)].weight, "addresses",
                                  gateways_of(t, region)));
    }
    json_decref(order);
    json_t *check = made(
        json_pack("{s:s, s:i, s:I, s:I, s:I, s:I}", "path", "/readyz", "port", TOPO_PORT_HTTP, "every_s",
                  (json_int_t)topo_dns_every_s(t), "timeout_s", (json_int_t)topo_dns_timeout_s(t), "unhealthy_after",
                  (json_int_t)t->failover.unhealthy_after, "healthy_after", (json_int_t)t->failover.healthy_after));
    json_int_t ttl = t->failover.dns_ttl_ns / NS_PER_S;
    return made(json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:s, s:o, s:o, s:o}", "node", n->name, "role",
                          "dns", "address", n->address, "hit", TOPO_DNS_NAME, "answer", "live", "serial", 1, "ttl", ttl,
                          "plain_ttl", ttl, "routing", topo_routing_words[t->routing], "places", places(t), "check",
                          check, "regions", regions));
}

json_t *render_config(const struct topology *t, uint16_t node)
{
    static const char *const roles[] = {
        [NODE_GATEWAY] = "gateway", [NODE_ORIGIN] = "origin", [NODE_WITNESS] = "witness", [NODE_CLIENT] = NULL,
        [NODE_DNS] = "dns", [NODE_CONTROL] = "control"};
    const struct topo_node *n = &t->nodes[node];
    if (n->role == NODE_CLIENT) {
        return NULL;
    }
    if (n->role == NODE_DNS) {
        return dns_config(t, n);
    }
    json_t *doc = made(json_pack("{s:s, s:s, s:s, s:i, s:i, s:o}", "node", n->name, "role", roles[n->role], "region",
                                 t->sites[n->site].name, "listen",
                                 topo_service_port(n->role), "admin", TOPO_PORT_ADMIN,
                                 "flaws", text_list(t->flaws, t->flaw_count)));
    set(doc, "drain_ms", json_integer(topo_drain_ms(t)));
    if (n->role == NODE_GATEWAY) {
        add_gateway(doc, t, n);
    } else if (n->role == NODE_ORIGIN) {
        add_origin(doc, t, node);
    } else if (n->role == NODE_WITNESS) {
        add_witness(doc, t);
    }
    return doc;
}
