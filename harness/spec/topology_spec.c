/* SPDX-License-Identifier: MIT */
/*
 * Method: bundled topologies are YAML in this file, read by the same loader as any other, so that a name and the map it
 * stands for cannot differ and an override can reach into either. Expansion happens before overrides, resolution of
 * dependent defaults after them; both leave alone what is already there.
 */
#include "harness/spec/topology_spec.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include <string.h>

static const struct {
    const char *name, *yaml;
} bundled[] = {
    {"two-regions", "regions:\n"
                    "  us-east: {role: primary, gateways: 2, origins: 1}\n"
                    "  eu-west: {role: standby, gateways: 2, origins: 1}\n"
                    "links: [{between: [us-east, eu-west], delay: 40ms, jitter: 3ms}]\n"},
};

/* clang-format off */
static const char *const role_words[] = {"primary", "standby", "active", NULL};
static const char *const mode_words[] = {"async", "sync", NULL};
static const char *const degrade_words[] = {"async", "block", NULL};
static const char *const durability_words[] = {"os", "disk", NULL};
static const char *const driver_words[] = {"reference", NULL};
static const char *const manager_words[] = {"reference", "gdnsd", NULL};
static const char *const flaw_words[] = {
    "no_failover", "ack_before_replicate", "no_fencing", "drift_unreported", "stale_follower_read",
    "drop_every_nth_write", "silent_async_degrade", "slow_detect", "failback_without_catchup", "duplicate_on_retry",
    "sticky_dead_upstream", "health_reset_on_target_change", "keepalive_no_check", "accept_empty_config",
    "drain_ignored", "no_retry_budget", "limiter_local_only", "revocation_ignored", "dns_pin_forever",
    "lease_by_wall_clock", "backup_corrupt", NULL,
};

#define IN(type, member) .offset = offsetof(struct type, member)

static const struct field region_fields[] = {
    {.key = "role", .kind = FIELD_ENUM, IN(region_spec, role), .words = role_words, .preset = "standby",
     .doc = "what the region does before anything fails; by default the first region is the primary"},
    {.key = "gateways", .kind = FIELD_COUNT, IN(region_spec, gateways), .preset = "2", .min = 1, .max = 8,
     .doc = "gateway nodes"},
    {.key = "origins", .kind = FIELD_COUNT, IN(region_spec, origins), .preset = "1", .min = 1, .max = TOPO_MAX_ORIGINS,
     .doc = "origin nodes; the first holds the region's store"},
    {.key = "weight", .kind = FIELD_COUNT, IN(region_spec, weight), .min = 1, .max = 1000, .example = "3",
     .doc = "with `routing: weighted` its share of the answers, against the weights of the others; 1 if absent"},
};
static const struct field_set region_set = {
    "a region", "topology.regions", "One region of the world under test.", region_fields, array_len(region_fields),
    sizeof(struct region_spec)};

static const struct field vantage_fields[] = {
    {.key = "home", .kind = FIELD_NAME, IN(vantage_spec, home), .required = true, .example = "us-east",
     .doc = "the region that these clients are near to"},
    {.key = "dns", .kind = FIELD_ENUM, IN(vantage_spec, dns), .words = topo_dns_words, .example = "pins",
     .doc = "how they keep an answer of the DNS: as long as it says (honours, also if absent), 30s at least, for ever, "
            "or as long as it says with all its addresses (several)"},
};
static const struct field_set vantage_set = {
    "a vantage", "topology.vantages", "A place where clients sit; its process measures.", vantage_fields,
    array_len(vantage_fields), sizeof(struct vantage_spec)};

static const struct field link_fields[] = {
    {.key = "between", .kind = FIELD_TEXTS, IN(link_spec, between), .required = true, .min = 2, .max = 2,
     .example = "[us-east, eu-west]", .doc = "two regions, or a region and a vantage"},
    {.key = "delay", .kind = FIELD_DURATION, IN(link_spec, shape.delay_ns), .preset = "0s", .max = 10 * NS_PER_S,
     .doc = "one-way delay, each way"},
    {.key = "jitter", .kind = FIELD_DURATION, IN(link_spec, shape.jitter_ns), .preset = "0s", .max = 10 * NS_PER_S,
     .doc = "spread of the delay"},
    {.key = "loss", .kind = FIELD_RATIO, IN(link_spec, shape.loss_ppm), .preset = "0%",
     .doc = "packets lost, each way"},
    {.key = "rate", .kind = FIELD_BANDWIDTH, IN(link_spec, shape.rate_bps), .min = 1000, .example = "10mbit",
     .doc = "bandwidth, each way; unlimited if absent"},
};
static const struct field_set link_set = {
    "a link", "topology.links", "What a link is like when nothing is wrong; links not listed are perfect.", link_fields,
    array_len(link_fields), sizeof(struct link_spec)};

static const struct field failover_fields[] = {
    {.key = "probe_every", .kind = FIELD_DURATION, IN(topo_failover, probe_every_ns), .preset = "200ms",
     .min = 10 * NS_PER_MS, .max = 600 * NS_PER_S, .doc = "period of health checks"},
    {.key = "probe_timeout", .kind = FIELD_DURATION, IN(topo_failover, probe_timeout_ns), .preset = "200ms",
     .min = 10 * NS_PER_MS, .max = 600 * NS_PER_S, .doc = "a check without answer for this long has failed"},
    {.key = "unhealthy_after", .kind = FIELD_COUNT, IN(topo_failover, unhealthy_after), .preset = "3", .min = 1,
     .max = 100,
     .doc = "failures in a row that take a node out; with probe_every the lease of the leading store, 30ms to 5m"},
    {.key = "healthy_after", .kind = FIELD_COUNT, IN(topo_failover, healthy_after), .preset = "4", .min = 1, .max = 100,
     .doc = "successes in a row that bring it back; with probe_every at most 10m"},
    {.key = "dns_ttl", .kind = FIELD_DURATION, IN(topo_failover, dns_ttl_ns), .preset = "1s", .max = 86400 * NS_PER_S,
     .doc = "life of a name's address in clients that ask the DNS"},
    {.key = "failsafe", .kind = FIELD_BOOL, IN(topo_failover, failsafe), .preset = "true",
     .doc = "a leading store whom the witness does not answer goes on leading while all its peers agree"},
};
static const struct field_set failover_set = {
    "`topology.failover`", "topology.failover", "How failures of nodes and regions are noticed.", failover_fields,
    array_len(failover_fields), 0};

static const struct field replication_fields[] = {
    {.key = "mode", .kind = FIELD_ENUM, IN(topo_replication, mode), .words = mode_words, .preset = "async",
     .doc = "async acknowledges a write before the other regions have it, sync after"},
    {.key = "every", .kind = FIELD_DURATION, IN(topo_replication, every_ns), .preset = "200ms", .min = NS_PER_MS,
     .max = 600 * NS_PER_S, .doc = "how often async ships what it has"},
    {.key = "degrade", .kind = FIELD_ENUM, IN(topo_replication, degrade), .words = degrade_words, .preset = "async",
     .doc = "what sync does without its peer: go on alone (once the witness has recorded the peer as out of sync), or "
            "stop acknowledging"},
    {.key = "durability", .kind = FIELD_ENUM, IN(topo_replication, durability), .words = durability_words,
     .preset = "os",
     .doc = "what a store has done with a write before it counts: handed it to the operating system, which outlives "
            "the process, or forced it to the disk, which outlives a loss of power"},
};
static const struct field_set replication_set = {
    "`topology.replication`", "topology.replication", "How writes reach the other regions.", replication_fields,
    array_len(replication_fields), 0};

static const struct field topology_fields[] = {
    {.key = "regions", .kind = FIELD_DICT, IN(topology_spec, regions), .required = true, .of = &region_set, .min = 1,
     .max = 99, .doc = "the regions by name, the first being the primary"},
    {.key = "vantages", .kind = FIELD_DICT, IN(topology_spec, vantages), .of = &vantage_set, .min = 1, .max = 99,
     .doc = "where clients sit; by default `clients-R` beside each region R"},
    {.key = "links", .kind = FIELD_LIST, IN(topology_spec, links), .of = &link_set, .max = 1000,
     .doc = "links that are not perfect"},
    {.key = "failover", .kind = FIELD_MAP, IN(topology_spec, failover), .of = &failover_set,
     .doc = "health checks and thresholds"},
    {.key = "replication", .kind = FIELD_MAP, IN(topology_spec, replication), .of = &replication_set,
     .doc = "how writes reach the other regions"},
    {.key = "backups", .kind = FIELD_MAP, IN(topology_spec, backups), .of = &backups_set, .example = "{every: 1s}",
     .given = offsetof(struct topology_spec, has_backups), .doc = "copies of the leading store's log; none if absent"},
    {.key = "alerts", .kind = FIELD_MAP, IN(topology_spec, alerts), .of = &alerts_set,
     .doc = "what gateways raise an alert about by themselves"},
    {.key = "balancing", .kind = FIELD_MAP, IN(topology_spec, balancing), .of = &balancing_set,
     .doc = "how gateways share out requests among origins"},
    {.key = "origin_capacity", .kind = FIELD_MAP, IN(topology_spec, capacity), .of = &capacity_set,
     .given = offsetof(struct topology_spec, has_capacity), .example = "{rate: 300/s}",
     .doc = "how much each origin can do; as much as comes if absent"},
    {.key = "tls", .kind = FIELD_BOOL, IN(topology_spec, tls), .preset = "false",
     .doc = "customers and their health checks speak https, with certificates of the run's own authority"},
    {.key = "control", .kind = FIELD_MAP, IN(topology_spec, control), .of = &control_set,
     .given = offsetof(struct topology_spec, control.there),
     .doc = "a control plane: gateways fetch their configuration from endpoints, one in each region"},
    {.key = "scaling", .kind = FIELD_MAP, IN(topology_spec, scaling), .of = &scaling_set,
     .given = offsetof(struct topology_spec, scaling.there),
     .doc = "serverless origins: instances that come with the requests and go without"},
    {.key = "liveness", .kind = FIELD_MAP, IN(topology_spec, liveness), .of = &liveness_set,
     .given = offsetof(struct topology_spec, liveness.there),
     .doc = "a supervisor that starts gateways again which fail its probe"},
    {.key = "identity", .kind = FIELD_MAP, IN(topology_spec, callers.identity), .of = &identity_set,
     .example = "{when_stale: fail_closed}", .given = offsetof(struct topology_spec, callers.given),
     .doc = "gateways ask who calls, by API key or by token"},
    {.key = "limits", .kind = FIELD_MAP, IN(topology_spec, callers.limits), .of = &limits_set,
     .example = "{rate: 40/s, offered: 50/s}", .given = offsetof(struct topology_spec, callers.limited),
     .doc = "a limit on the requests of one key"},
    {.key = "access_log", .kind = FIELD_BOOL, IN(topology_spec, access_log), .preset = "false",
     .doc = "each gateway writes a line of JSON about every request to nodes/REGION-NUMBER.access.jsonl of the run, up "
            "to 64 MiB"},
    {.key = "flaws", .kind = FIELD_TEXTS, IN(topology_spec, flaws), .words = flaw_words, .max = 21,
     .example = "[no_failover]", .doc = "deliberate weaknesses of the reference gateway"},
    {.key = "gateway", .kind = FIELD_ENUM, IN(topology_spec, gateway), .words = driver_words, .preset = "reference",
     .doc = "driver of the gateways"},
    {.key = "store", .kind = FIELD_ENUM, IN(topology_spec, store), .words = driver_words, .preset = "reference",
     .doc = "driver of the store"},
    {.key = "traffic_manager", .kind = FIELD_ENUM, IN(topology_spec, traffic_manager), .words = manager_words,
     .preset = "reference", .doc = "what leads clients to a region: reference, their own ordered list; gdnsd, the DNS"},
    {.key = "routing", .kind = FIELD_ENUM, IN(topology_spec, routing), .words = topo_routing_words,
     .example = "geographic",
     .doc = "where gdnsd leads: the first region that is up (failover, also if absent), by `weight`, or the nearest to "
            "the client"},
};
const struct field_set topology_set = {
    "`topology`", "topology", "The world under test: a bundled name (two-regions, the default) or a map.",
    topology_fields, array_len(topology_fields), sizeof(struct topology_spec)};

/* clang-format on */

static const char *bundled_yaml(const char *name)
{
    for (size_t i = 0; i < array_len(bundled); i++) {
        if (strcmp(bundled[i].name, name) == 0) {
            return bundled[i].yaml;
        }
    }
    return NULL;
}

static void unknown_name(struct yaml_node *n, struct diag_list *diags)
{
    const char *names[array_len(bundled)];
    for (size_t i = 0; i < array_len(bundled); i++) {
        names[i] = bundled[i].name;
    }
    struct binder b = {.diags = diags};
    field_unknown(&b, DIAG_NO_SUCH, n->place, "topology", n->text, names, array_len(names));
    n->broken = true;
}

void topology_expand(struct yaml_tree *t, struct diag_list *diags)
{
    struct yaml_node *n = node_get(t->root, "topology");
    if (n && n->kind == NODE_SCALAR && n->plain && !n->broken && n->text[0] && !bundled_yaml(n->text)) {
        unknown_name(n, diags);
        return;
    }
    bool name = n && n->kind == NODE_SCALAR && bundled_yaml(n->text);
    bool bare_map = n && n->kind == NODE_MAP && !node_get(n, "regions") && !node_get(n, "links");
    if (n && !name && !bare_map) {
        return;
    }
    const char *chosen = name ? n->text : bundled[0].name, *yaml = bundled_yaml(chosen);
    struct yaml_node *map = yaml_tree_graft(t, chosen, yaml, strlen(yaml), diags);
    if (bare_map) {
        for (struct yaml_node *c = map->first, *next; c; c = next) {
            next = c->next;
            node_append(n, c);
        }
        return;
    }
    node_put(&t->arena, t->root, "topology", n ? n->key->place : map->place, map);
}

static void put_text(struct yaml_tree *t, struct yaml_node *map, const char *key, const char *text)
{
    node_put(&t->arena, map, key, map->place, node_new(&t->arena, NODE_SCALAR, text, map->place));
}

void topology_resolve(struct yaml_tree *t)
{
    struct yaml_node *n = node_get(t->root, "topology"), *regions = node_get(n, "regions");
    if (!regions || regions->kind != NODE_MAP) {
        return;
    }
    bool primary = false;
    for (struct yaml_node *r = regions->first; r; r = r->next) {
        const struct yaml_node *role = node_get(r, "role");
        primary |= role && text_eq(role->text, "primary");
        if (r->kind == NODE_SCALAR && r->plain && !r->text[0] && !r->broken) {
            r->kind = NODE_MAP;
        }
    }
    if (!primary && regions->first && regions->first->kind == NODE_MAP && !node_get(regions->first, "role")) {
        put_text(t, regions->first, "role", "primary");
    }
    if (node_get(n, "vantages")) {
        return;
    }
    struct yaml_node *vantages = node_new(&t->arena, NODE_MAP, NULL, regions->place);
    for (const struct yaml_node *r = regions->first; r; r = r->next) {
        struct yaml_node *v = node_new(&t->arena, NODE_MAP, NULL, r->key->place);
        put_text(t, v, "home", r->key->text);
        node_put(&t->arena, vantages, arena_printf(&t->arena, "clients-%s", r->key->text), r->key->place, v);
    }
    node_put(&t->arena, n, "vantages", regions->place, vantages);
}
