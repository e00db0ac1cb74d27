/* SPDX-License-Identifier: MIT */
/*
 * `topology:` as written in a scenario, and the step to struct topology. Used inside the spec room only.
 */
#pragma once
#include "harness/spec/field.h"

struct region_spec {
    struct field_item item;
    enum region_role role;
    int64_t gateways, origins;
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
    struct topo_backups backups;
    bool has_backups;
    struct alerts_spec alerts;
    bool tls;
    struct field_texts flaws;
    int gateway, store;  /* drivers; the reference ones so far */
    int traffic_manager; /* enum manager_driver */
};

enum manager_driver { MANAGER_REFERENCE, MANAGER_GDNSD };

extern const struct field_set topology_set;
extern const struct field_set backups_set; /* topology_backups.c */
extern const struct field_set alerts_set;  /* topology_alerts.c */
struct topo_alerts alerts_of(const struct alerts_spec *spec);

/* Put the map behind `topology:` in place: a bundled name or nothing becomes the map of that name, a map without
 * regions gets those of the default. Reports an unknown name. */
void topology_expand(struct yaml_tree *t, struct diag_list *diags);
/* Write the defaults that depend on other values (roles, vantages) into the tree. */
void topology_resolve(struct yaml_tree *t);

/* Bind and build in b->arena. NULL if something is wrong (reported). */
struct topology *topology_build(struct binder *b, const struct yaml_node *node);
