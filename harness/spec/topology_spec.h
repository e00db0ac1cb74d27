/* SPDX-License-Identifier: MIT */
/*
 * `topology:` as written in a scenario, and the step to struct topology. Used inside the spec room only.
 */
#pragma once
#include "harness/spec/field.h"
#include "harness/spec/topology_identity.h"

struct region_spec {
    struct field_item item;
    enum region_role role;
    int64_t gateways, origins, weight;
};

struct vantage_spec {
    struct field_item item;
    const char *home;
    enum dns_class dns;
};

struct link_spec {
    struct field_item item;
    struct field_texts between;
    struct path_state shape;
};

struct alerts_spec {
    struct topo_alerts alerts;
    struct field_texts rules;
};

struct topology_spec {
    struct field_items regions, vantages, links;
    struct topo_failover failover;
    struct topo_replication replication;
    struct topo_balancing balancing;
    bool has_capacity;
    struct topo_capacity capacity;
    struct topo_backups backups;
    bool has_backups;
    struct alerts_spec alerts;
    bool tls, access_log;
    struct topo_control control;
    struct topo_scaling scaling;
    struct topo_liveness liveness;
    struct identity_spec callers;
    struct field_texts flaws;
    int gateway, store;  /* drivers; the reference ones so far */
    int traffic_manager; /* enum manager_driver */
    enum dns_routing routing;
};

enum manager_driver { MANAGER_REFERENCE, MANAGER_GDNSD };

extern const struct field_set topology_set;
/* topology_balancing.c */
extern const struct field_set balancing_set, capacity_set;
/* Read the weights, which the table leaves as words. */
void topology_weigh(struct binder *b, const struct yaml_node *node, struct topo_balancing *t);
extern const struct field_set control_set, scaling_set, liveness_set; /* topology_platform.c */
/* What single keys of the three cannot say. */
void topology_check_platform(struct binder *b, const struct yaml_node *topology, const struct topology_spec *spec);
extern const struct field_set backups_set; /* topology_backups.c */
extern const struct field_set alerts_set;  /* topology_alerts.c */
struct topo_alerts alerts_of(const struct alerts_spec *spec);

/* Put the map behind `topology:` in place: a bundled name or nothing becomes the map of that name, a map without
 * regions gets those of the default. Reports an unknown name. */
void topology_expand(struct yaml_tree *t, struct diag_list *diags);
/* Write the defaults that depend on other values (roles, vantages) into the tree. */
void topology_resolve(struct yaml_tree *t);

/* What the keys about the traffic manager must agree on (topology_dns.c). */
void topology_check_dns(struct binder *b, const struct topology_spec *spec, const struct yaml_node *topology);

/* Bind and build in b->arena. NULL if something is wrong (reported). */
struct topology *topology_build(struct binder *b, const struct yaml_node *node);
