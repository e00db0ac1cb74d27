/* SPDX-License-Identifier: MIT */
/*
 * Numbers of the topology turned into the knobs of the programs:
 *
 *     checks     every probe_every, in time within probe_timeout, down after unhealthy_after, up after healthy_after
 *     lease      as long as a client would take to see a region as gone (topo_lease_ms)
 *     drain      until clients have seen that the node wants to go (topo_drain_ms)
 *     fail-back  a returned home region holds still for healthy_after * probe_every before it leads again
 *     patience   a try 600 ms, all tries 950 ms: below the second after which clients count an answer as bad; a store
 *                waits 500 ms for a synchronous peer before it has it recorded as out of sync
 *
 *     traffic manager  checks as its program can count them (topology.h): whole seconds, the same counts
 *
 * A certificate lies beside the configuration, whose fingerprint must not depend on the run's folder.
 *
 * The first origin of a region has its store; its other origins pass requests on to it.
 */
#include "harness/lab/render.h"

#include "harness/base/units.h"

#include <stdlib.h>
#include <string.h>

enum {
    CONNECT_MS = 250,
    TRY_MS = 600,
    TOTAL_MS = 950,
    RETRIES = 2,
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

static json_t *pool_members(const struct topology *t)
{
    json_t *list = made(json_array());
    for (size_t i = 0; i < t->node_count; i++) {
        const struct topo_node *n = &t->nodes[i];
        if (n->role == NODE_ORIGIN) {
            append(list, json_pack("{s:s, s:s, s:s, s:i}", "name", n->name, "region", t->sites[n->site].name, "address",
                                   n->address, "port", TOPO_PORT_HTTP));
        }
    }
    return list;
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
    return made(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "window_ms", ms(a->window_ns), "after", (json_int_t)a->after,
                          "slow_percent", (json_int_t)(a->slow_ppm / 10000), "slow_least_ms", ms(a->slow_least_ns), "error_ppm",
                          (json_int_t)a->errors_ppm, "traffic_percent", (json_int_t)(a->traffic_ppm / 10000), "rules", rules));
}

static void add_gateway(json_t *doc, const struct topology *t, const struct topo_node *n)
{
    const struct topo_failover *f = &t->failover;
    set(doc, "routes", json_pack("{s:{s:s, s:s, s:s, s:{s:i}}}", "orders", "host", "*", "path", "/v1/", "upstream",
                                 "pool:orders", "rate_limit", "per_s", RATE_LIMIT_PER_S));
    json_t *check = made(json_pack("{s:s, s:I, s:I, s:I, s:I}", "path", "/healthz", "every_ms", ms(f->probe_every_ns),
                                   "timeout_ms", ms(f->probe_timeout_ns), "unhealthy_after", (json_int_t)f->unhealthy_after,
                                   "healthy_after", (json_int_t)f->healthy_after));
    json_t *pool = made(json_pack("{s:s, s:o, s:o, s:o, s:{s:i, s:i}, s:i, s:i, s:i, s:i}", "policy", "round_robin",
                                  "regions", region_order(t, n->site), "members", pool_members(t), "check", check,
                                  "passive", "failures", 5, "eject_ms", 2000, "connect_ms", CONNECT_MS, "try_ms", TRY_MS,
                                  "total_ms", TOTAL_MS, "retries", RETRIES));
    set(doc, "pools", json_pack("{s:o}", "orders", pool));
    set(doc, "alerts", alert_rules(&t->alerts));
    set(doc, "drift", json_pack("{s:i, s:s, s:i}", "check_ms", 500, "policy", "revert", "revert_after_ms", 2000));
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
    json_t *store = made(json_pack(
        "{s:s, s:I, s:s, s:i, s:i, s:b, s:o, s:I, s:I, s:I}", "mode", r->mode == REPLICATION_SYNC ? "sync" : "async",
        "every_ms", ms(r->every_ns), "degrade", r->degrade == DEGRADE_BLOCK ? "block" : "async", "degrade_after_ms", DEGRADE_AFTER_MS,
        "port", TOPO_PORT_REPLICATION, "home", n->site == t->primary, "peers", store_peers(t, n->site, TOPO_PORT_REPLICATION), "lease_ms",
        (json_int_t)topo_lease_ms(t), "renew_ms", (json_int_t)topo_renew_ms(t), "failback_hold_ms",
        ms(t->failover.healthy_after * t->failover.probe_every_ns)));
    uint16_t witness = witness_node(t);
    if (witness != TOPO_NONE) {
        set(store, "witness",
            json_pack("{s:s, s:i}", "address", t->nodes[witness].address, "port", TOPO_PORT_LEASE));
    }
    set(doc, "store", store);
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

static json_t *dns_config(const struct topology *t, const struct topo_node *n)
{
    json_t *order = region_order(t, t->primary), *regions = made(json_array()), *name;
    size_t i;
    json_array_foreach(order, i, name)
    {
        append(regions, json_pack("{s:O, s:o}", "name", name, "addresses", gateways_of(t, json_string_value(name))));
    }
    json_decref(order);
    json_t *check = made(json_pack("{s:s, s:i, s:I, s:I, s:I, s:I}", "path", "/readyz", "port", TOPO_PORT_HTTP, "every_s",
                                   (json_int_t)topo_dns_every_s(t), "timeout_s", (json_int_t)topo_dns_timeout_s(t),
                                   "unhealthy_after", (json_int_t)t->failover.unhealthy_after, "healthy_after",
                                   (json_int_t)t->failover.healthy_after));
    json_int_t ttl = t->failover.dns_ttl_ns / NS_PER_S;
    return made(json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:o, s:o}", "node", n->name, "role", "dns", "address",
                          n->address, "hit", TOPO_DNS_NAME, "answer", "live", "serial", 1, "ttl", ttl, "plain_ttl", ttl,
                          "check", check, "regions", regions));
}

static json_t *flaw_list(const struct topology *t)
{
    json_t *list = made(json_array());
    for (size_t i = 0; i < t->flaw_count; i++) {
        append(list, json_string(t->flaws[i]));
    }
    return list;
}

json_t *render_config(const struct topology *t, uint16_t node)
{
    static const char *const roles[] = {
        [NODE_GATEWAY] = "gateway", [NODE_ORIGIN] = "origin", [NODE_WITNESS] = "witness", [NODE_CLIENT] = NULL,
        [NODE_DNS] = "dns"};
    const struct topo_node *n = &t->nodes[node];
    if (n->role == NODE_CLIENT) {
        return NULL;
    }
    if (n->role == NODE_DNS) {
        return dns_config(t, n);
    }
    json_t *doc = made(json_pack("{s:s, s:s, s:s, s:i, s:i, s:o}", "node", n->name, "role", roles[n->role], "region",
                                 t->sites[n->site].name, "listen",
                                 n->role == NODE_WITNESS ? TOPO_PORT_LEASE : TOPO_PORT_HTTP, "admin", TOPO_PORT_ADMIN,
                                 "flaws", flaw_list(t)));
    set(doc, "drain_ms", json_integer(topo_drain_ms(t)));
    if (n->role == NODE_GATEWAY) {
        add_gateway(doc, t, n);
    } else if (n->role == NODE_ORIGIN) {
        add_origin(doc, t, node);
    } else {
        add_witness(doc, t);
    }
    return doc;
}
