/* SPDX-License-Identifier: MIT */
/*
 * The traffic manager in the topology: what its keys must agree on, and which region it leads whom to.
 *
 * Near is what the links say: a vantage's home first, as nobody would give it another one, then by planned delay. The
 * server tells clients apart by the address that they ask from, which is one of their site's own 10.S.0.0/16.
 */
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/spec/topology_spec.h"

const char *const topo_dns_words[] = {"honours", "clamps", "pins", "several", NULL};
const char *const topo_routing_words[] = {"failover", "weighted", "geographic", NULL};

uint16_t topo_dns_node(const struct topology *t)
{
    for (size_t i = t->node_count; i-- > 0;) {
        if (t->nodes[i].role == NODE_DNS) {
            return (uint16_t)i;
        }
    }
    return TOPO_NONE;
}

static int64_t distance_ns(const struct topology *t, uint16_t vantage, uint16_t region)
{
    uint16_t link = topo_link_find(t, vantage, region);
    return region == t->sites[vantage].home ? -1 : t->links[link].baseline.delay_ns;
}

size_t topo_regions_near(const struct topology *t, uint16_t vantage, uint16_t out[TOPO_MAX_SITES])
{
    size_t n = 0;
    for (uint16_t s = 0; s < t->site_count; s++) {
        if (t->sites[s].kind != SITE_REGION) {
            continue;
        }
        size_t at = n++;
        for (; at > 0 && distance_ns(t, vantage, out[at - 1]) > distance_ns(t, vantage, s); at--) {
            out[at] = out[at - 1];
        }
        out[at] = s;
    }
    return n;
}

static void check_ttl(struct binder *b, const struct topology_spec *spec, const struct yaml_node *topology)
{
    if (spec->failover.dns_ttl_ns % NS_PER_S != 0) {
        struct diag *d =
            diag_error(b->diags, DIAG_RANGE, node_place(node_get(node_get(topology, "failover"), "dns_ttl")),
                       "`dns_ttl` is not a number of whole seconds");
        diag_help(d, "write one such as 1s: the DNS has no finer ones");
    }
}

/* A check that does not see what customers see would lead them to gateways that they refuse. */
static void check_tls(struct binder *b, const struct topology_spec *spec, const struct yaml_node *topology)
{
    if (spec->tls) {
        struct diag *d = diag_error(b->diags, DIAG_TOPOLOGY, node_place(node_get(topology, "tls")),
                                    "`tls` beside `traffic_manager: gdnsd`, whose checks speak plain HTTP only");
        diag_help(d, "leave out one of the two");
    }
}

static void check_weights(struct binder *b, const struct topology_spec *spec)
{
    const struct region_spec *regions = spec->regions.at;
    for (size_t i = 0; i < spec->regions.len && spec->routing != ROUTING_WEIGHTED; i++) {
        if (regions[i].weight) {
            struct diag *d = diag_error(b->diags, DIAG_CHOICE, node_get(regions[i].item.node, "weight")->key->place,
                                        "a `weight` that nobody goes by");
            diag_help(d, "write `routing: weighted` beside `traffic_manager: gdnsd`, or remove the weights");
            return;
        }
    }
}

void topology_check_dns(struct binder *b, const struct topology_spec *spec, const struct yaml_node *topology)
{
    check_weights(b, spec);
    if (spec->traffic_manager == MANAGER_GDNSD) {
        check_ttl(b, spec, topology);
        check_tls(b, spec, topology);
    } else if (spec->routing != ROUTING_FAILOVER) {
        struct diag *d = diag_error(b->diags, DIAG_CHOICE, node_get(topology, "routing")->key->place,
                                    "`routing: %s` without a traffic manager", topo_routing_words[spec->routing]);
        diag_help(d, "write `traffic_manager: gdnsd`; the clients' own list knows one order only");
    }
}
