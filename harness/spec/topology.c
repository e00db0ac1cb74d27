/* SPDX-License-Identifier: MIT */
/*
 * Method: sites in the order regions, vantages, witness, traffic manager; the nodes of a site in a row, gateways before
 * origins; links as a full mesh of the routers that may talk to each other. Addresses follow from the indices alone,
 * 10.S.N.2 with S the site counted from 1 and N the node within its site counted from 1, so that nobody has to hand
 * them out.
 *
 * Failure paths: an unknown or doubled name is reported where it stands, and no topology comes out. With at most 99
 * regions and 99 vantages the mesh has fewer than 15,000 links, hence paths fit 16 bits.
 */
#include "harness/spec/topology.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/spec/topology_spec.h"
#include <stdio.h>
#include <string.h>

uint16_t topo_site_find(const struct topology *t, const char *name)
{
    for (size_t i = 0; i < t->site_count; i++) {
        if (strcmp(t->sites[i].name, name) == 0) {
            return (uint16_t)i;
        }
    }
    return TOPO_NONE;
}

uint16_t topo_node_find(const struct topology *t, const char *name)
{
    for (size_t i = 0; i < t->node_count; i++) {
        if (strcmp(t->nodes[i].name, name) == 0) {
            return (uint16_t)i;
        }
    }
    return TOPO_NONE;
}

uint16_t topo_link_find(const struct topology *t, uint16_t site_a, uint16_t site_b)
{
    for (size_t i = 0; i < t->link_count; i++) {
        const struct topo_link *l = &t->links[i];
        if ((l->a == site_a && l->b == site_b) || (l->a == site_b && l->b == site_a)) {
            return (uint16_t)i;
        }
    }
    return TOPO_NONE;
}

uint16_t topo_sources_for(uint64_t ports)
{
    uint64_t n = (ports + TOPO_PORTS_PER_SOURCE - 1) / TOPO_PORTS_PER_SOURCE;
    return n > TOPO_MAX_SOURCES ? 0 : n == 0 ? 1 : (uint16_t)n;
}

const char *const certificate_words[CERTIFICATES + 1] = {
    [CERTIFICATE_NONE] = "",
    [CERTIFICATE_ROTATED] = "rotated",
    [CERTIFICATE_EXPIRED] = "expired",
    [CERTIFICATE_NOT_YET_VALID] = "not_yet_valid",
    [CERTIFICATE_WRONG_NAME] = "wrong_name",
    [CERTIFICATE_UNKNOWN_ISSUER] = "unknown_issuer",
    [CERTIFICATE_NO_CHAIN] = "no_chain",
};

struct builder {
    struct binder *binder;
    const struct topology_spec *spec;
    const struct yaml_node *failover; /* NULL: all defaults */
    struct topology *t;
    size_t region_count, vantage_count;
    bool managed; /* by a traffic manager */
};

/* Names that are not the scenario's to give: of the other sites, and of the DNS, whose zone names the regions, too. */
static bool is_reserved(const struct builder *b, const char *name)
{
    static const char *const zone[] = {"dns", "ns", "control", TOPO_DNS_NAME};
    bool reserved = text_eq(name, "witness");
    for (size_t i = 0; b->managed && i < array_len(zone); i++) {
        reserved = reserved || text_eq(name, zone[i]);
    }
    return reserved;
}

static const struct region_spec *region_at(const struct builder *b, size_t i)
{
    return (const struct region_spec *)b->spec->regions.at + i;
}

static const struct vantage_spec *vantage_at(const struct builder *b, size_t i)
{
    return (const struct vantage_spec *)b->spec->vantages.at + i;
}

static void add_node(struct builder *b, uint16_t site, enum node_role role, uint16_t number)
{
    struct topo_site *s = &b->t->sites[site];
    struct topo_node *n = &b->t->nodes[b->t->node_count];
    if (s->node_count == 0) {
        s->first_node = (uint16_t)b->t->node_count;
    }
    b->t->node_count++;
    s->node_count++;
    n->role = role;
    n->site = site;
    n->number = number;
    const char *kind = role == NODE_ORIGIN ? "origin-" : role == NODE_CONTROL ? "control-" : "";
    n->name = arena_printf(b->binder->arena, "%s/%s%u", s->name, kind, (unsigned)number);
    snprintf(n->address, sizeof(n->address), "10.%u.%u.2", (site + 1u) & 0xFFu, s->node_count & 0xFFu);
}

static struct topo_site *add_site(struct builder *b, enum site_kind kind, const char *name)
{
    struct topo_site *s = &b->t->sites[b->t->site_count++];
    s->kind = kind;
    s->name = name;
    s->home = TOPO_NONE;
    return s;
}

static void add_region(struct builder *b, const struct region_spec *r)
{
    uint16_t site = (uint16_t)b->t->site_count;
    struct topo_site *s = add_site(b, SITE_REGION, r->item.name);
    s->role = r->role;
    s->weight = r->weight ? r->weight : 1;
    for (uint16_t i = 1; i <= r->gateways; i++, s->gateways++) {
        add_node(b, site, NODE_GATEWAY, i);
    }
    for (uint16_t i = 1; i <= r->origins; i++, s->origins++) {
        add_node(b, site, NODE_ORIGIN, i);
    }
    if (b->spec->control.there) {
        add_node(b, site, NODE_CONTROL, 1);
    }
}

static void name_taken(struct builder *b, const struct yaml_node *node, const char *what)
{
    struct diag *d = diag_error(b->binder->diags, DIAG_TOPOLOGY, node->key->place, "`%s` is %s", node->key->text, what);
    diag_help(d, "give it another name");
}

static void add_vantage(struct builder *b, const struct vantage_spec *v)
{
    const char *regions[TOPO_MAX_SITES];
    for (size_t i = 0; i < b->region_count; i++) {
        regions[i] = b->t->sites[i].name;
    }
    uint16_t home = v->home ? topo_site_find(b->t, v->home) : TOPO_NONE;
    if (topo_site_find(b->t, v->item.name) != TOPO_NONE || is_reserved(b, v->item.name)) {
        name_taken(b, v->item.node, "the name of a region or of the witness, too");
    } else if (v->home && (home == TOPO_NONE || home >= b->region_count)) {
        const struct yaml_node *at = node_get(v->item.node, "home");
        diag_label(field_unknown(b->binder, DIAG_NO_SUCH, at->place, "region", v->home, regions, b->region_count),
                   "not in `topology.regions`");
    }
    uint16_t site = (uint16_t)b->t->site_count;
    struct topo_site *s = add_site(b, SITE_VANTAGE, v->item.name);
    s->home = home;
    s->dns = v->dns;
    add_node(b, site, NODE_CLIENT, 1);
}

static void add_sites(struct builder *b)
{
    size_t sites = b->region_count + b->vantage_count + 1 + b->managed, nodes = b->vantage_count + 1 + b->managed;
    for (size_t i = 0; i < b->region_count; i++) {
        nodes += (size_t)(region_at(b, i)->gateways + region_at(b, i)->origins + b->spec->control.there);
    }
    b->t->sites = arena_array(b->binder->arena, struct topo_site, sites);
    b->t->nodes = arena_array(b->binder->arena, struct topo_node, nodes);
    for (size_t i = 0; i < b->region_count; i++) {
        if (is_reserved(b, region_at(b, i)->item.name)) {
            name_taken(b, region_at(b, i)->item.node, b->managed ? "a name of the witness's site or of the DNS"
                                                                 : "the name of the witness's site");
        }
        add_region(b, region_at(b, i));
    }
    for (size_t i = 0; i < b->vantage_count; i++) {
        add_vantage(b, vantage_at(b, i));
    }
    uint16_t witness = (uint16_t)b->t->site_count;
    add_site(b, SITE_WITNESS, "witness");
    add_node(b, witness, NODE_WITNESS, 1);
    if (b->managed) {
        add_site(b, SITE_DNS, "dns");
        add_node(b, (uint16_t)(witness + 1), NODE_DNS, 1);
    }
}

static void add_link(struct topology *t, size_t a, size_t b)
{
    t->links[t->link_count++] = (struct topo_link){.a = (uint16_t)a, .b = (uint16_t)b};
}

static void add_mesh(struct builder *b)
{
    size_t r = b->region_count, v = b->vantage_count;
    b->t->links = arena_array(b->binder->arena, struct topo_link, r * (r - 1) / 2 + r * v + r + r + v);
    for (size_t i = 0; i < r; i++) {
        for (size_t j = i + 1; j < r; j++) {
            add_link(b->t, i, j);
        }
    }
    for (size_t i = 0; i < r; i++) {
        for (size_t j = 0; j < v; j++) {
            add_link(b->t, i, r + j);
        }
    }
    for (size_t i = 0; i < r; i++) {
        add_link(b->t, i, r + v);
    }
    for (size_t i = 0; b->managed && i < r + v; i++) {
        add_link(b->t, i, r + v + 1);
    }
}

static void choose_primary(struct builder *b)
{
    struct topology *t = b->t;
    const struct region_spec *first = NULL;
    t->primary = TOPO_NONE;
    for (size_t i = 0; i < b->region_count; i++) {
        if (t->sites[i].role == REGION_PRIMARY && first) {
            struct diag *d = diag_error(b->binder->diags, DIAG_TOPOLOGY, region_at(b, i)->item.node->key->place,
                                        "`%s` is a second primary", t->sites[i].name);
            diag_note_at(d, first->item.node->key->place, "the first one");
            diag_help(d, "make one of them `standby`, or both `active`");
        } else if (t->sites[i].role == REGION_PRIMARY) {
            first = region_at(b, i);
            t->primary = (uint16_t)i;
        }
    }
    for (size_t i = 0; i < b->region_count && t->primary == TOPO_NONE; i++) {
        t->primary = t->sites[i].role == REGION_ACTIVE ? (uint16_t)i : TOPO_NONE;
    }
    if (t->primary == TOPO_NONE) {
        struct diag *d = diag_error(b->binder->diags, DIAG_TOPOLOGY, region_at(b, 0)->item.node->key->place,
                                    "no region is `primary` or `active`");
        diag_help(d, "give one of them `role: primary`");
        t->primary = 0;
    }
}

/* Gateways as clients try them: the primary's, then those of the other regions in file order. */
static void order_endpoints(struct builder *b)
{
    struct topology *t = b->t;
    t->endpoints = arena_array(b->binder->arena, uint16_t, t->node_count);
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t n = 0; n < t->node_count; n++) {
            if (t->nodes[n].role == NODE_GATEWAY && (t->nodes[n].site == t->primary) == (pass == 0)) {
                t->endpoints[t->endpoint_count++] = (uint16_t)n;
            }
        }
    }
}

static uint16_t site_named(struct builder *b, const char *name, struct place at)
{
    uint16_t site = topo_site_find(b->t, name);
    if (site == TOPO_NONE) {
        const char *names[TOPO_MAX_SITES];
        for (size_t i = 0; i < b->t->site_count; i++) {
            names[i] = b->t->sites[i].name;
        }
        field_unknown(b->binder, DIAG_NO_SUCH, at, "region or vantage", name, names, b->t->site_count);
    }
    return site;
}

static void shape_links(struct builder *b)
{
    const struct link_spec *specs = b->spec->links.at;
    const struct yaml_node **shaped = arena_array(b->binder->arena, const struct yaml_node *, b->t->link_count);
    for (size_t i = 0; i < b->spec->links.len; i++) {
        const struct yaml_node *between = node_get(specs[i].item.node, "between");
        if (specs[i].between.len != 2) {
            continue;
        }
        struct place second = field_text_place(between, 1);
        uint16_t from = site_named(b, specs[i].between.at[0], field_text_place(between, 0));
        uint16_t to = site_named(b, specs[i].between.at[1], second);
        if (from == TOPO_NONE || to == TOPO_NONE) {
            continue;
        }
        uint16_t link = topo_link_find(b->t, from, to);
        if (link == TOPO_NONE) {
            struct diag *d =
                diag_error(b->binder->diags, DIAG_NO_SUCH, second, "there is no link between `%s` and `%s`",
                           specs[i].between.at[0], specs[i].between.at[1]);
            diag_help(d, "name two regions, or a region and a vantage");
        } else if (shaped[link]) {
            struct diag *d = diag_error(b->binder->diags, DIAG_TOPOLOGY, between->key->place,
                                        "a second entry for the link between `%s` and `%s`", specs[i].between.at[0],
                                        specs[i].between.at[1]);
            diag_note_at(d, shaped[link]->key->place, "the first one");
            diag_help(d, "put all its properties into one entry");
        } else {
            shaped[link] = between;
            b->t->links[link].baseline = specs[i].shape;
        }
    }
}

/* A product of two keys that the programs of the lab cannot do: shown at the count, or at the period if only that is
 * there. */
static void out_of_reach(struct builder *b, const char *count_key, int64_t count, int64_t least, int64_t most,
                         const char *what)
{
    const struct yaml_node *every = node_get(b->failover, "probe_every"), *n = node_get(b->failover, count_key);
    int64_t product = b->spec->failover.probe_every_ns * count;
    char is[UNIT_MAX], low[UNIT_MAX], high[UNIT_MAX];
    if (product >= least && product <= most) {
        return;
    }
    struct diag *d = diag_error(b->binder->diags, DIAG_RANGE, node_place(n ? n : every),
                                "`probe_every` times `%s` is %s: %s", count_key, unit_print_duration(product, is),
                                what);
    if (least > 0) {
        diag_help(d, "choose them so that the product is from %s to %s", unit_print_duration(least, low),
                  unit_print_duration(most, high));
    } else {
        diag_help(d, "choose them so that the product is at most %s", unit_print_duration(most, high));
    }
}

/* The lease of the leading store and its hold before it leads again are made of the health checks' numbers. */
static void check_failover(struct builder *b)
{
    const struct topo_failover *f = &b->spec->failover;
    out_of_reach(b, "unhealthy_after", f->unhealthy_after, TOPO_MIN_LEASE_NS, TOPO_MAX_LEASE_NS,
                 "the lease of the leading store");
    out_of_reach(b, "healthy_after", f->healthy_after, 0, TOPO_MAX_HOLD_NS,
                 "how long a region returned must hold still");
}

struct topology *topology_build(struct binder *binder, const struct yaml_node *node)
{
    struct topology_spec spec = {0};
    size_t errors = binder->diags->errors;
    if (!node || node->broken) {
        return NULL;
    }
    if (node->kind != NODE_MAP) {
        struct diag *d =
            diag_error(binder->diags, DIAG_WRONG_KIND, node_place(node), "`topology` is %s", node_kind_name(node));
        diag_help(d, "write the name of a bundled topology, such as two-regions, or a map");
        return NULL;
    }
    field_bind(binder, &topology_set, node, &spec);
    if (spec.regions.len == 0 || binder->diags->errors != errors) {
        return NULL;
    }
    struct builder b = {.binder = binder,
                        .spec = &spec,
                        .failover = node_get(node, "failover"),
                        .t = arena_new(binder->arena, struct topology)};
    b.region_count = spec.regions.len;
    b.vantage_count = spec.vantages.len;
    b.managed = spec.traffic_manager == MANAGER_GDNSD;
    add_sites(&b);
    add_mesh(&b);
    choose_primary(&b);
    order_endpoints(&b);
    shape_links(&b);
    check_failover(&b);
    topology_check_dns(binder, &spec, node);
    topology_weigh(binder, node, &spec.balancing);
    topology_check_platform(binder, node, &spec);
    topology_check_callers(binder, &spec.callers, node);
    topology_take_identity(b.t, &spec.callers);
    b.t->failover = spec.failover;
    b.t->replication = spec.replication;
    b.t->balancing = spec.balancing;
    b.t->has_capacity = spec.has_capacity;
    b.t->capacity = spec.capacity;
    b.t->backups = spec.backups;
    b.t->alerts = alerts_of(&spec.alerts);
    b.t->tls = spec.tls;
    b.t->access_log = spec.access_log;
    b.t->routing = spec.routing;
    b.t->control = spec.control;
    b.t->scaling = spec.scaling;
    b.t->liveness = spec.liveness;
    b.t->flaws = spec.flaws.at;
    b.t->flaw_count = spec.flaws.len;
    return binder->diags->errors == errors ? b.t : NULL;
}
