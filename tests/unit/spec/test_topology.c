/* SPDX-License-Identifier: MIT */
/*
 * The world on paper: sites, nodes, addresses, the mesh, and what contradicts itself.
 */
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/spec/action.h"
#include "harness/spec/topology.h"
#include "tests/unit/runner.h"
#include "tests/unit/spec/support.h"
#include <stdio.h>
#include <string.h>

#define REST "timeline: [{at: 0s, do: nothing}]\ntargets: {rto: 5s}\n"
#define HEAD "drtest: 1\nname: t\n"

static struct plan *plan;

static int tear_down(void)
{
    plan_free(plan);
    plan = NULL;
    return 0;
}

static const struct topology *build(const char *topology)
{
    char yaml[4096];
    snprintf(yaml, sizeof(yaml), HEAD "%s" REST, topology);
    tear_down();
    plan = load_yaml(yaml, NULL);
    return plan ? plan->topology : NULL;
}

static bool rejected(const char *topology, const char *code, const char *words)
{
    char yaml[4096];
    snprintf(yaml, sizeof(yaml), HEAD "%s" REST, topology);
    return refuses(yaml, code, words);
}

static void two_regions_by_default(void)
{
    const struct topology *t = build("");
    REQUIRE(t != NULL);
    static const char *const sites[] = {"us-east", "eu-west", "clients-us-east", "clients-eu-west", "witness"};
    static const char *const nodes[] = {"us-east/1",         "us-east/2",         "us-east/origin-1",
                                        "eu-west/1",         "eu-west/2",         "eu-west/origin-1",
                                        "clients-us-east/1", "clients-eu-west/1", "witness/1"};
    static const char *const addresses[] = {"10.1.1.2", "10.1.2.2", "10.1.3.2", "10.2.1.2", "10.2.2.2",
                                            "10.2.3.2", "10.3.1.2", "10.4.1.2", "10.5.1.2"};
    REQUIRE(t->site_count == 5);
    REQUIRE(t->node_count == 9);
    for (size_t i = 0; i < 5; i++) {
        CU_ASSERT_STRING_EQUAL(t->sites[i].name, sites[i]);
        CU_ASSERT_EQUAL(topo_site_find(t, sites[i]), i);
    }
    for (size_t i = 0; i < 9; i++) {
        CU_ASSERT_STRING_EQUAL(t->nodes[i].name, nodes[i]);
        CU_ASSERT_STRING_EQUAL(t->nodes[i].address, addresses[i]);
        CU_ASSERT_EQUAL(topo_node_find(t, nodes[i]), i);
    }
    CU_ASSERT_EQUAL(t->sites[1].first_node, 3);
    CU_ASSERT_EQUAL(t->sites[1].node_count, 3);
    CU_ASSERT_EQUAL(t->sites[1].role, REGION_STANDBY);
    CU_ASSERT_EQUAL(t->sites[3].home, 1);
    CU_ASSERT_EQUAL(t->primary, 0);
    CU_ASSERT_EQUAL(t->failover.probe_every_ns, 200 * NS_PER_MS);
    CU_ASSERT_EQUAL(t->failover.unhealthy_after, 3);
    CU_ASSERT_EQUAL(t->replication.every_ns, 200 * NS_PER_MS);
    CU_ASSERT_STRING_EQUAL(t->name, "two-regions");
}

static void routers_are_meshed(void)
{
    const struct topology *t = build("topology: {regions: {a: {}, b: {}, c: {}}}\n");
    REQUIRE(t != NULL);
    CU_ASSERT_STRING_EQUAL(t->name, "inline");
    CU_ASSERT_EQUAL(t->link_count, 3 + 9 + 3);
    for (uint16_t i = 0; i < 3; i++) {
        for (uint16_t j = 0; j < t->site_count; j++) {
            CU_ASSERT_EQUAL(topo_link_find(t, i, j) != TOPO_NONE, i != j);
            CU_ASSERT_EQUAL(topo_link_find(t, i, j), topo_link_find(t, j, i));
        }
    }
    CU_ASSERT_EQUAL(topo_link_find(t, 3, 4), TOPO_NONE); /* clients never talk to each other */
    CU_ASSERT_EQUAL(topo_link_find(t, 3, 6), TOPO_NONE); /* nor to the witness */
    uint16_t link = topo_link_find(t, 0, 1);
    CU_ASSERT_EQUAL(path_from(t, path_of(link, true)), 1);
    CU_ASSERT_EQUAL(path_to(t, path_of(link, true)), 0);
}

static void a_traffic_manager_stands_apart(void)
{
    const struct topology *t = build("topology: {traffic_manager: gdnsd, regions: {a: {}, b: {}}, "
                                     "vantages: {x: {home: a}, y: {home: b, dns: pins}}}\n");
    REQUIRE(t != NULL);
    uint16_t node = topo_dns_node(t), site = topo_site_find(t, "dns");
    REQUIRE(node != TOPO_NONE && site != TOPO_NONE);
    CU_ASSERT_STRING_EQUAL(t->nodes[node].name, "dns/1");
    CU_ASSERT_EQUAL(t->nodes[node].site, site);
    CU_ASSERT_EQUAL(t->sites[site].kind, SITE_DNS);
    for (uint16_t s = 0; s < site; s++) { /* asked by vantages, asks regions; the witness is nothing to it */
        CU_ASSERT_EQUAL(topo_link_find(t, s, site) != TOPO_NONE, t->sites[s].kind != SITE_WITNESS);
    }
    CU_ASSERT_EQUAL(t->sites[2].dns, DNS_HONOURS);
    CU_ASSERT_EQUAL(t->sites[3].dns, DNS_PINS);
    CU_ASSERT(topo_dns_every_s(t) == 2 && topo_dns_timeout_s(t) == 1);
    const struct topology *without = build("topology: {regions: {a: {}, dns: {}}}\n");
    CU_ASSERT(without && topo_dns_node(without) == TOPO_NONE); /* the word is free without it */
    CU_ASSERT_PTR_NULL(build("topology: {traffic_manager: gdnsd, regions: {a: {}, dns: {}}}\n"));
    CU_ASSERT_PTR_NULL(build("topology: {traffic_manager: gdnsd, regions: {a: {}, api: {}}}\n"));
    CU_ASSERT_PTR_NULL(build("topology: {traffic_manager: gdnsd, failover: {dns_ttl: 1500ms}}\n"));
}

static void links_get_their_shape(void)
{
    const struct topology *t =
        build("topology:\n  regions: {a: {}, b: {}}\n  vantages: {office: {home: b}}\n"
              "  links:\n    - {between: [b, a], delay: 40ms, jitter: 3ms, loss: 0.5%, rate: 10mbit}\n"
              "    - {between: [office, a], delay: 5ms}\n");
    REQUIRE(t != NULL);
    const struct path_state *s = &t->links[topo_link_find(t, 0, 1)].baseline;
    CU_ASSERT(s->delay_ns == 40 * NS_PER_MS && s->jitter_ns == 3 * NS_PER_MS && s->loss_ppm == 5000 &&
              s->rate_bps == 10000000 && !s->cut);
    CU_ASSERT_EQUAL(t->links[topo_link_find(t, 0, 2)].baseline.delay_ns, 5 * NS_PER_MS);
    CU_ASSERT_EQUAL(t->links[topo_link_find(t, 1, 2)].baseline.delay_ns, 0);
    CU_ASSERT_EQUAL(t->sites[2].home, 1);
    CU_ASSERT_EQUAL(t->site_count, 4);
}

static void roles_and_endpoints(void)
{
    const struct topology *t =
        build("topology: {regions: {a: {gateways: 1}, b: {role: primary}, c: {role: active, origins: "
              "2}}}\n");
    REQUIRE(t != NULL);
    CU_ASSERT_EQUAL(t->primary, 1);
    CU_ASSERT_EQUAL(t->sites[0].role, REGION_STANDBY);
    CU_ASSERT_EQUAL(t->sites[2].role, REGION_ACTIVE);
    CU_ASSERT_EQUAL(t->sites[2].origins, 2);
    static const char *const order[] = {"b/1", "b/2", "a/1", "c/1", "c/2"};
    REQUIRE(t->endpoint_count == 5);
    for (size_t i = 0; i < 5; i++) {
        CU_ASSERT_STRING_EQUAL(t->nodes[t->endpoints[i]].name, order[i]);
    }
    t = build("topology: {regions: {a: {role: active}, b: {role: active}}}\n");
    CU_ASSERT(t && t->primary == 0);
    t = build("topology:\n  regions:\n    a:\n    no:\n"); /* a region called no */
    CU_ASSERT(t && t->sites[0].role == REGION_PRIMARY && text_eq(t->sites[1].name, "no"));
}

static void a_map_without_regions_is_the_default(void)
{
    const struct topology *t = build("topology: {flaws: [no_failover, no_fencing], failover: {probe_every: 1s}}\n");
    REQUIRE(t != NULL);
    CU_ASSERT_EQUAL(t->site_count, 5);
    CU_ASSERT_EQUAL(t->flaw_count, 2);
    CU_ASSERT_STRING_EQUAL(t->flaws[1], "no_fencing");
    CU_ASSERT_EQUAL(t->links[0].baseline.delay_ns, 40 * NS_PER_MS);
    CU_ASSERT_EQUAL(t->failover.probe_every_ns, NS_PER_S);
    CU_ASSERT_EQUAL(t->failover.healthy_after, 4);
}

static void near_is_what_the_links_say(void)
{
    const struct topology *t = build("topology:\n"
                                     "  regions: {a: {}, b: {}, c: {}, d: {}}\n"
                                     "  vantages: {v: {home: c}, w: {home: a}}\n"
                                     "  links: [{between: [v, a], delay: 30ms}, {between: [v, b], delay: 10ms}, "
                                     "{between: [w, d], delay: 5ms}]\n"
                                     "  traffic_manager: gdnsd\n"
                                     "  routing: geographic\n");
    uint16_t near[TOPO_MAX_SITES];
    REQUIRE(t != NULL);
    CU_ASSERT_EQUAL(t->routing, ROUTING_GEOGRAPHIC);
    CU_ASSERT_EQUAL(topo_regions_near(t, topo_site_find(t, "v"), near), 4);
    CU_ASSERT(near[0] == 2 && near[1] == 3 && near[2] == 1 && near[3] == 0);
    CU_ASSERT_EQUAL(topo_regions_near(t, topo_site_find(t, "w"), near), 4);
    CU_ASSERT(near[0] == 0 && near[1] == 1 && near[2] == 2 && near[3] == 3);
}

static void weights_are_for_weighted_routing(void)
{
    const struct topology *t =
        build("topology: {regions: {a: {weight: 3}, b: {}}, traffic_manager: gdnsd, routing: weighted}\n");
    REQUIRE(t != NULL);
    CU_ASSERT_EQUAL(t->routing, ROUTING_WEIGHTED);
    CU_ASSERT(t->sites[0].weight == 3 && t->sites[1].weight == 1);
    CU_ASSERT(rejected("topology: {regions: {a: {weight: 3}, b: {}}, traffic_manager: gdnsd}\n", "DR0116",
                       "a `weight` that nobody goes by"));
    CU_ASSERT(rejected("topology: {regions: {a: {weight: 0}}, traffic_manager: gdnsd, routing: weighted}\n", "DR0114",
                       "weight"));
    CU_ASSERT(rejected("topology: {regions: {a: {}}, routing: geographic}\n", "DR0116",
                       "`routing: geographic` without a traffic manager"));
    CU_ASSERT(
        rejected("topology: {regions: {a: {}}, traffic_manager: gdnsd, routing: nearest}\n", "DR0107", "nearest"));
}

static void contradictions_are_refused(void)
{
    CU_ASSERT(rejected("topology: three-regions\n", "DR0201", "unknown topology `three-regions`"));
    CU_ASSERT(rejected("topology: [two-regions]\n", "DR0106", "`topology` is a list"));
    CU_ASSERT(
        rejected("topology: {regions: {a: {role: primary}, b: {role: primary}}}\n", "DR0202", "a second primary"));
    CU_ASSERT(rejected("topology: {regions: {a: {role: standby}}}\n", "DR0202", "no region is `primary` or `active`"));
    CU_ASSERT(rejected("topology: {regions: {}}\n", "DR0114", "`regions` has 0 entries"));
    CU_ASSERT(rejected("topology: {regions: {witness: {}}}\n", "DR0202", "the witness's site"));
    CU_ASSERT(
        rejected("topology: {regions: {a: {}}, vantages: {a: {home: a}}}\n", "DR0202", "`a` is the name of a region"));
    CU_ASSERT(rejected("topology: {regions: {a: {}}, vantages: {v: {home: w}}}\n", "DR0201", "unknown region `w`"));
    CU_ASSERT(rejected("topology: {regions: {a: {}}, vantages: {v: {}}}\n", "DR0105", "lacks the key `home`"));
    CU_ASSERT(rejected("topology: {regions: {a: {}, b: {}}, links: [{between: [a, c]}]}\n", "DR0201", "`c`"));
    CU_ASSERT(
        rejected("topology: {regions: {a: {}, b: {}}, links: [{between: [a, a]}]}\n", "DR0201", "no link between"));
    CU_ASSERT(rejected("topology: {regions: {a: {}, b: {}}, links: [{between: [clients-a, clients-b]}]}\n", "DR0201",
                       "no link between"));
    CU_ASSERT(rejected("topology: {regions: {a: {}, b: {}}, links: [{between: [a, b]}, {between: [b, a]}]}\n", "DR0202",
                       "a second entry"));
    CU_ASSERT(rejected("topology: {regions: {A: {}}}\n", "DR0107", "`A` is not a name"));
    CU_ASSERT(rejected("topology: {gateway: haproxy}\n", "DR0107", "`gateway` cannot be `haproxy`"));
    CU_ASSERT(rejected("topology:\n", "DR0106", "`topology` is a plain value"));
}

static void ninety_nine_regions_fit(void)
{
    scoped_text struct text yaml = {0};
    text_add(&yaml, HEAD "workload: {reads: {rate: 1000/s}}\ntopology:\n  regions:\n");
    for (int i = 0; i < 99; i++) {
        text_addf(&yaml, "    r%d: {gateways: 8, origins: 4}\n", i);
    }
    text_add(&yaml, REST);
    tear_down();
    int64_t begin = cpu_ns();
    plan = load_yaml(text_str(&yaml), NULL);
    REQUIRE(plan != NULL);
    CU_ASSERT(cpu_ns() - begin < 1000 * NS_PER_MS);
    CU_ASSERT_EQUAL(plan->topology->site_count, 199);
    CU_ASSERT_EQUAL(plan->topology->node_count, 99 * 12 + 99 + 1);
    CU_ASSERT_EQUAL(plan->topology->link_count, 99 * 98 / 2 + 99 * 99 + 99);
    CU_ASSERT_STRING_EQUAL(plan->topology->nodes[99 * 12 + 99].address, "10.199.1.2");
    text_clear(&yaml);
    text_add(&yaml, HEAD "topology:\n  regions:\n");
    for (int i = 0; i < 100; i++) {
        text_addf(&yaml, "    r%d: {}\n", i);
    }
    text_add(&yaml, REST);
    CU_ASSERT(refuses(text_str(&yaml), "DR0114", "`regions` has 100 entries"));
}

static void a_control_endpoint_for_each_region(void)
{
    const struct topology *t =
        build("topology: {regions: {us-east: , eu-west: {origins: 2}}, control: {when_stale: refuse}}\n");
    REQUIRE(t != NULL);
    CU_ASSERT(t->control.there && t->control.fallback && t->control.refuse_stale && t->control.drift == DRIFT_REVERT);
    CU_ASSERT_EQUAL(t->control.wait_ns, 2 * NS_PER_S);
    CU_ASSERT_STRING_EQUAL(t->nodes[topo_control_node(t, 0)].name, "us-east/control-1");
    CU_ASSERT_STRING_EQUAL(t->nodes[topo_control_node(t, 1)].address, "10.2.5.2");
    CU_ASSERT_EQUAL(t->nodes[topo_control_node(t, 1)].role, NODE_CONTROL);
    CU_ASSERT(action_plane_crosses(t, topo_link_find(t, 0, 1), TOPO_PORT_CONTROL));
    t = build("");
    REQUIRE(t != NULL);
    CU_ASSERT(!t->control.there && !t->scaling.there && !t->liveness.there);
    CU_ASSERT_EQUAL(topo_control_node(t, 0), TOPO_NONE);
    CU_ASSERT_FALSE(action_plane_crosses(t, topo_link_find(t, 0, 1), TOPO_PORT_CONTROL));
}

static void origins_that_scale_and_gateways_that_are_looked_after(void)
{
    const struct topology *t =
        build("topology: {regions: {us-east: , eu-west: }, scaling: {cold_start: 800ms}, liveness: {failures: 2}}\n");
    REQUIRE(t != NULL);
    CU_ASSERT(t->scaling.there && t->scaling.cold_start_ns == 800 * NS_PER_MS && t->scaling.least == 1 &&
              t->scaling.standby == 0);
    CU_ASSERT(t->liveness.there && t->liveness.failures == 2 && t->liveness.backoff_ns == NS_PER_S);
    CU_ASSERT_STRING_EQUAL(t->liveness.path, "/livez");
}

void suite_topology(void)
{
    runner_suite(NULL, tear_down);
    runner_test(two_regions_by_default);
    runner_test(routers_are_meshed);
    runner_test(a_traffic_manager_stands_apart);
    runner_test(links_get_their_shape);
    runner_test(roles_and_endpoints);
    runner_test(a_map_without_regions_is_the_default);
    runner_test(near_is_what_the_links_say);
    runner_test(weights_are_for_weighted_routing);
    runner_test(contradictions_are_refused);
    runner_test(ninety_nine_regions_fit);
    runner_test(a_control_endpoint_for_each_region);
    runner_test(origins_that_scale_and_gateways_that_are_looked_after);
}
