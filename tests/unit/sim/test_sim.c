/* SPDX-License-Identifier: MIT */
/* The model's truth: when it fails over, what it loses, what it answers. All on virtual time. */
#include "harness/base/units.h"
#include "harness/sim/sim.h"
#include "tests/unit/runner.h"
#include <signal.h>
#include <string.h>

enum { EAST, WEST, CLIENTS, WITNESS };
enum { GATEWAY_EAST, ORIGIN_EAST, GATEWAY_WEST, ORIGIN_WEST, CLIENT, WITNESS_NODE };

static struct topo_site sites[] = {
    {.name = "us-east", .kind = SITE_REGION, .role = REGION_PRIMARY, .first_node = 0, .node_count = 2, .gateways = 1,
     .origins = 1},
    {.name = "eu-west", .kind = SITE_REGION, .role = REGION_STANDBY, .first_node = 2, .node_count = 2, .gateways = 1,
     .origins = 1},
    {.name = "clients", .kind = SITE_VANTAGE, .first_node = 4, .node_count = 1},
    {.name = "witness", .kind = SITE_WITNESS, .first_node = 5, .node_count = 1},
};
static struct topo_node nodes[] = {
    {.name = "us-east/1", .role = NODE_GATEWAY, .site = EAST, .number = 1},
    {.name = "us-east/origin-1", .role = NODE_ORIGIN, .site = EAST, .number = 1},
    {.name = "eu-west/1", .role = NODE_GATEWAY, .site = WEST, .number = 1},
    {.name = "eu-west/origin-1", .role = NODE_ORIGIN, .site = WEST, .number = 1},
    {.name = "clients/1", .role = NODE_CLIENT, .site = CLIENTS, .number = 1},
    {.name = "witness/1", .role = NODE_WITNESS, .site = WITNESS, .number = 1},
};
static struct topo_link links[] = {{.a = EAST, .b = WEST}, {.a = EAST, .b = CLIENTS}, {.a = WEST, .b = CLIENTS},
                                   {.a = EAST, .b = WITNESS}, {.a = WEST, .b = WITNESS}};
static uint16_t endpoints[] = {GATEWAY_EAST, GATEWAY_WEST};
static struct topology world;
static struct lab *lab;
static struct sim *sim;

static int set_up(void)
{
    static struct lab_options options;
    world = (struct topology){.name = "test", .sites = sites, .nodes = nodes, .links = links, .site_count = 4,
                              .node_count = 6, .link_count = 5, .primary = EAST, .endpoints = endpoints,
                              .endpoint_count = 2,
                              .failover = {.probe_every_ns = 250 * NS_PER_MS, .unhealthy_after = 3, .healthy_after = 4},
                              .replication = {.mode = REPLICATION_ASYNC, .every_ns = 200 * NS_PER_MS}};
    if (lab_sim.open(&lab, &world, &options, NULL) < 0)
        return -1;
    sim = (struct sim *)lab;
    for (uint16_t node = 0; node < 6; node++)
        if (node != CLIENT)
            lab_sim.node_start(lab, node, false, NULL);
    return loop_run(sim->loop, 2 * NS_PER_S, NULL, NULL) == 1 ? 0 : -1;
}

static int tear_down(void)
{
    lab_sim.close(lab);
    return 0;
}

static void keep(void *arg, const struct exchange_answer *a)
{
    *(struct exchange_answer *)arg = *a;
}

static struct exchange_answer ask(uint16_t endpoint, const char *body)
{
    struct exchange_answer got = {.status = -1};
    struct exchange_request r = {.post = body != NULL, .fresh = true, .endpoint = endpoint, .body = body,
                                 .target = "/v1/orders?key=k1", .timeout_ns = NS_PER_S};
    struct transport *t = lab_sim.transport(lab, CLIENTS);
    t->ops->send(t, &r, keep, &got, NULL);
    loop_run(sim->loop, loop_now(sim->loop) + 2 * NS_PER_S, NULL, NULL);
    return got;
}

static struct exchange_answer write_op(uint16_t endpoint, const char *op)
{
    char body[96];
    snprintf(body, sizeof(body), "{\"op\":\"%s\",\"key\":\"k1\",\"value\":\"00\"}", op);
    return ask(endpoint, body);
}

static void the_primary_leads_first(void)
{
    CU_ASSERT_EQUAL(sim->leader, EAST);
    CU_ASSERT_EQUAL(sim->epoch, 1);
    struct exchange_answer a = write_op(GATEWAY_EAST, "c0-0");
    CU_ASSERT_EQUAL(a.status, 200);
    CU_ASSERT_STRING_EQUAL(a.region, "us-east");
    CU_ASSERT_EQUAL(a.lsn, 1);
}

static void a_standby_gateway_serves_through_the_leader(void)
{
    struct exchange_answer a = ask(GATEWAY_WEST, NULL);
    CU_ASSERT_EQUAL(a.status, 200);
    CU_ASSERT_STRING_EQUAL(a.region, "us-east");
}

static void a_dead_gateway_refuses_and_an_unplugged_one_is_silent(void)
{
    lab_sim.node_kill(lab, GATEWAY_EAST, NULL);
    CU_ASSERT(ask(GATEWAY_EAST, NULL).refused);
    lab_sim.node_unplug(lab, GATEWAY_EAST, true, NULL);
    struct exchange_answer a = ask(GATEWAY_EAST, NULL);
    CU_ASSERT(a.timed_out && !a.connected);
    CU_ASSERT_EQUAL(a.done_ns - a.sent_ns, NS_PER_S);
    lab_sim.node_unplug(lab, GATEWAY_EAST, false, NULL);
    lab_sim.node_start(lab, GATEWAY_EAST, false, NULL);
    loop_run(sim->loop, loop_now(sim->loop) + NS_PER_S, NULL, NULL);
}

static void the_lease_passes_when_the_leader_dies_and_comes_home_without_loss(void)
{
    lab_sim.node_kill(lab, ORIGIN_EAST, NULL);
    int64_t died = loop_now(sim->loop);
    while (sim->leader != WEST && loop_now(sim->loop) < died + 5 * NS_PER_S)
        loop_run(sim->loop, loop_now(sim->loop) + 10 * NS_PER_MS, NULL, NULL);
    int64_t took = loop_now(sim->loop) - died;
    CU_ASSERT_EQUAL(sim->leader, WEST);
    CU_ASSERT(took >= 500 * NS_PER_MS && took <= 1010 * NS_PER_MS);
    CU_ASSERT_EQUAL(sim->epoch, 2);
    CU_ASSERT_STRING_EQUAL(write_op(GATEWAY_WEST, "c0-1").region, "eu-west");
    lab_sim.node_start(lab, ORIGIN_EAST, false, NULL);
    loop_run(sim->loop, loop_now(sim->loop) + 3 * NS_PER_S, NULL, NULL);
    CU_ASSERT_EQUAL(sim->leader, EAST);
    CU_ASSERT_EQUAL(sim->epoch, 3);
    CU_ASSERT_EQUAL(sim->stores[EAST].log.len, sim->stores[WEST].log.len);
}

static void keep_page(void *arg, const struct lab_answer *a)
{
    *(json_t **)arg = a->status == 200 ? json_incref(a->body) : NULL;
}

/* What a store says it set aside: how many, and the first of them. */
static json_int_t set_aside(uint16_t node, char first[32])
{
    json_t *page = NULL;
    lab_sim.admin(lab, node, "GET", "/v1/lost?from=1&limit=500", NULL, NS_PER_S, keep_page, &page, NULL);
    loop_run(sim->loop, loop_now(sim->loop) + NS_PER_S, NULL, NULL);
    json_int_t total = json_integer_value(json_object_get(page, "total"));
    const char *op = json_string_value(json_array_get(json_array_get(json_object_get(page, "ops"), 0), 0));
    snprintf(first, 32, "%s", op ? op : "");
    json_decref(page);
    return total;
}

static void an_unshipped_write_is_lost_with_its_leader(void)
{
    char first[32];
    size_t shipped = sim->stores[WEST].log.len;
    sim->ship_at_ns = INT64_MAX;
    CU_ASSERT_EQUAL(write_op(GATEWAY_EAST, "c0-2").status, 200);
    CU_ASSERT_EQUAL(sim->stores[WEST].log.len, shipped);
    lab_sim.node_kill(lab, ORIGIN_EAST, NULL);
    sim->ship_at_ns = 0;
    loop_run(sim->loop, loop_now(sim->loop) + 2 * NS_PER_S, NULL, NULL);
    lab_sim.node_start(lab, ORIGIN_EAST, false, NULL);
    loop_run(sim->loop, loop_now(sim->loop) + 3 * NS_PER_S, NULL, NULL);
    for (size_t i = 0; i < sim->stores[EAST].log.len; i++)
        CU_ASSERT(strcmp(sim->stores[EAST].log.at[i].op, "c0-2") != 0);
    CU_ASSERT_EQUAL(set_aside(ORIGIN_EAST, first), 1);
    CU_ASSERT_STRING_EQUAL(first, "c0-2");
    CU_ASSERT_EQUAL(set_aside(ORIGIN_WEST, first), 0);
}

static void a_one_way_cut_swallows_the_answer(void)
{
    struct path_state cut = {.cut = true}, whole = {0};
    uint16_t back = path_of(1, false); /* us-east to the clients */
    lab_sim.path_set(lab, back, &cut, NULL);
    CU_ASSERT(ask(GATEWAY_EAST, NULL).timed_out);
    lab_sim.path_set(lab, back, &whole, NULL);
    CU_ASSERT_EQUAL(ask(GATEWAY_EAST, NULL).status, 200);
}

static void flawed(const char *name)
{
    static const char *names[1];
    names[0] = name;
    world.flaws = names;
    world.flaw_count = name != NULL;
}

static void wait_ms(int64_t ms)
{
    loop_run(sim->loop, loop_now(sim->loop) + ms * NS_PER_MS, NULL, NULL);
}

static void who_is_told_to_stop_passes_the_lead_on_first(void)
{
    uint32_t epoch = sim->epoch;
    lab_sim.node_signal(lab, ORIGIN_EAST, SIGTERM, NULL);
    CU_ASSERT_EQUAL(sim->leader, WEST);
    CU_ASSERT_EQUAL(sim->epoch, epoch + 1);
    CU_ASSERT_EQUAL(lab_sim.node_state(lab, ORIGIN_EAST), NODE_UP);
    wait_ms(topo_drain_ms(&world) + 50);
    CU_ASSERT_EQUAL(lab_sim.node_state(lab, ORIGIN_EAST), NODE_DOWN);
    lab_sim.node_start(lab, ORIGIN_EAST, false, NULL);
    wait_ms(3000);
    CU_ASSERT_EQUAL(sim->leader, EAST);
    flawed("drain_ignored");
    lab_sim.node_signal(lab, ORIGIN_EAST, SIGTERM, NULL);
    CU_ASSERT_EQUAL(sim->leader, EAST);
    wait_ms(20);
    CU_ASSERT_EQUAL(lab_sim.node_state(lab, ORIGIN_EAST), NODE_DOWN);
    flawed(NULL);
    lab_sim.node_start(lab, ORIGIN_EAST, false, NULL);
    wait_ms(4000);
}

static void an_empty_push_is_kept_out_but_for_the_flaw(void)
{
    json_t *wanted = NULL;
    lab_sim.node_desired_get(lab, GATEWAY_EAST, &wanted, NULL);
    json_t *empty = json_deep_copy(wanted);
    json_object_clear(json_object_get(empty, "routes"));
    lab_sim.node_desired_set(lab, GATEWAY_EAST, empty, NULL);
    wait_ms(5000);
    CU_ASSERT_EQUAL(ask(GATEWAY_EAST, NULL).status, 200);
    flawed("accept_empty_config");
    lab_sim.node_desired_set(lab, GATEWAY_EAST, empty, NULL);
    wait_ms(5000);
    CU_ASSERT_EQUAL(ask(GATEWAY_EAST, NULL).status, 404);
    flawed(NULL);
    lab_sim.node_desired_set(lab, GATEWAY_EAST, wanted, NULL);
    wait_ms(5000);
    CU_ASSERT_EQUAL(ask(GATEWAY_EAST, NULL).status, 200);
    json_decref(empty);
    json_decref(wanted);
}

static void flaws_of_the_store(void)
{
    size_t before = sim->stores[EAST].log.len;
    flawed("drop_every_nth_write");
    for (int i = 0; i < 14; i++)
        CU_ASSERT_EQUAL(write_op(GATEWAY_EAST, "c0-3").status, 200);
    CU_ASSERT_EQUAL(sim->stores[EAST].log.len, before + 12);
    before = sim->stores[EAST].log.len;
    flawed("duplicate_on_retry");
    for (int i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(write_op(GATEWAY_EAST, "c0-4").status, 200);
    CU_ASSERT_EQUAL(sim->stores[EAST].log.len, before + 21);
    flawed("stale_follower_read");
    CU_ASSERT(strcmp(ask(GATEWAY_EAST, NULL).region, ask(GATEWAY_EAST, NULL).region) != 0);
    flawed(NULL);
}

void suite_sim(void)
{
    runner_suite(set_up, tear_down);
    runner_test(the_primary_leads_first);
    runner_test(a_standby_gateway_serves_through_the_leader);
    runner_test(a_dead_gateway_refuses_and_an_unplugged_one_is_silent);
    runner_test(the_lease_passes_when_the_leader_dies_and_comes_home_without_loss);
    runner_test(an_unshipped_write_is_lost_with_its_leader);
    runner_test(a_one_way_cut_swallows_the_answer);
    runner_test(who_is_told_to_stop_passes_the_lead_on_first);
    runner_test(an_empty_push_is_kept_out_but_for_the_flaw);
    runner_test(flaws_of_the_store);
}
