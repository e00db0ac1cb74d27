/* SPDX-License-Identifier: MIT */
/* Where the second prober's client goes: the rules of the method, each by its own story. */
#include "harness/crosscheck/route.h"
#include "tests/unit/runner.h"

static struct topo_node nodes[3] = {{.address = "10.1.1.2"}, {.address = "10.1.2.2"}, {.address = "10.2.1.2"}};
static uint16_t endpoints[3] = {2, 0, 1}; /* not in the order of the nodes */
static const struct topology topology = {.nodes = nodes, .node_count = 3, .endpoints = endpoints, .endpoint_count = 3,
                                         .failover = {.unhealthy_after = 3, .healthy_after = 4}};
static struct cross_route r;

static int set_up(void)
{
    cross_route_init(&r, &topology, NULL);
    return 0;
}

static int tear_down(void)
{
    cross_route_deinit(&r);
    return 0;
}

static void anew(void)
{
    tear_down();
    set_up();
}

static bool requests(size_t place, int n, bool failed, int64_t sent, int64_t now)
{
    bool moved = false;
    for (int i = 0; i < n; i++)
        moved = cross_route_request(&r, place, failed, sent, now) || moved;
    return moved;
}

static bool probes(size_t place, int n, bool failed, int64_t now)
{
    bool moved = false;
    for (int i = 0; i < n; i++)
        moved = cross_route_probe(&r, place, failed, now) || moved;
    return moved;
}

static void the_list_is_the_topologys(void)
{
    anew();
    CU_ASSERT_EQUAL(r.here, 0);
    CU_ASSERT_EQUAL(r.places[0].node, 2);
    CU_ASSERT_STRING_EQUAL(r.places[0].address, "10.2.1.2");
    CU_ASSERT_STRING_EQUAL(r.places[2].address, "10.1.2.2");
}

static void three_failed_requests_in_a_row_move_on(void)
{
    anew();
    CU_ASSERT_FALSE(requests(0, 2, true, 1, 2));
    CU_ASSERT_FALSE(requests(0, 1, false, 1, 3)); /* begins the count anew */
    CU_ASSERT_FALSE(requests(0, 2, true, 3, 4));
    CU_ASSERT(requests(0, 1, true, 3, 5));
    CU_ASSERT_EQUAL(r.here, 1);
    CU_ASSERT_FALSE(requests(0, 9, true, 9, 9)); /* of a place that is out already */
    CU_ASSERT_FALSE(requests(2, 9, true, 9, 9)); /* of one that is not being asked */
    CU_ASSERT(requests(1, 3, true, 9, 10));
    CU_ASSERT(requests(2, 3, true, 10, 11));
    CU_ASSERT_EQUAL(r.here, 0); /* all are out: the first */
}

static void probes_lose_and_regain(void)
{
    anew();
    CU_ASSERT_FALSE(probes(1, 3, true, 1)); /* out, but nobody was sent there */
    CU_ASSERT(r.places[1].out);
    CU_ASSERT_FALSE(probes(0, 2, true, 2));
    CU_ASSERT_FALSE(probes(0, 1, false, 3));
    CU_ASSERT_FALSE(probes(0, 2, true, 4));
    CU_ASSERT(probes(0, 1, true, 5));
    CU_ASSERT_EQUAL(r.here, 2);
    CU_ASSERT_FALSE(probes(0, 3, false, 6));
    CU_ASSERT_FALSE(probes(0, 1, true, 7)); /* begins the count anew */
    CU_ASSERT_FALSE(probes(0, 3, false, 8));
    CU_ASSERT(probes(0, 1, false, 9));
    CU_ASSERT_EQUAL(r.here, 0);
}

static void stragglers_from_before_a_return_do_not_count(void)
{
    anew();
    probes(0, 3, true, 100);
    CU_ASSERT(probes(0, 4, false, 200));
    CU_ASSERT_FALSE(requests(0, 5, true, 150, 300));
    CU_ASSERT(requests(0, 3, true, 250, 400));
}

static void failed_probes_and_failed_requests_are_not_added_up(void)
{
    anew();
    CU_ASSERT_FALSE(requests(0, 2, true, 1, 2));
    CU_ASSERT_FALSE(probes(0, 2, true, 3));
    CU_ASSERT_EQUAL(r.here, 0);
    CU_ASSERT(requests(0, 1, true, 3, 4));
    CU_ASSERT_EQUAL(r.places[0].probe_run, 0); /* a verdict begins all counts anew */
}

void suite_route(void)
{
    runner_suite(set_up, tear_down);
    runner_test(the_list_is_the_topologys);
    runner_test(three_failed_requests_in_a_row_move_on);
    runner_test(probes_lose_and_regain);
    runner_test(stragglers_from_before_a_return_do_not_count);
    runner_test(failed_probes_and_failed_requests_are_not_added_up);
}
