/* SPDX-License-Identifier: MIT */
/* Faults about connections, carriers, lengths and stalls on the lab of arrays, which
 * has no sockets: read-back alone decides. */
#include "harness/base/units.h"
#include "tests/unit/injectors/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

static void new_ones_are_blocked(void)
{
    struct bench b;
    const struct action forward = {.target = TARGET_LINK, .link = 1, .direction = DIRECTION_FORWARD};
    bench_new(&b, "block_new", &forward);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_TRUE(b.lab->paths[2].block_new && !b.lab->paths[2].cut);
    CU_ASSERT_FALSE(b.lab->paths[3].block_new);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    b.lab->paths[2].block_new = false; /* it evaporates */
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    CU_ASSERT_EQUAL(b.lab->paths[2].loss_ppm, 1000);
    b.lab->deaf = true;
    bench_apply(&b);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    bench_free(&b);
}

static void a_cable_is_pulled(void)
{
    struct bench b;
    bench_new(&b, "unplug", &(struct action){.target = TARGET_LINK, .link = 0, .shape = {.cut = true}});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_TRUE(b.lab->paths[0].down && b.lab->paths[1].down);
    CU_ASSERT_FALSE(b.lab->paths[0].cut || b.lab->paths[2].down);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    b.lab->deaf = true; /* a heal that is none */
    bench_heal(&b);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_REFUTED);
    b.lab->deaf = false;
    bench_heal(&b);
    b.lab->paths[0].down = false; /* what the fabric was told is true again only once the lab is driven */
    b.lab->paths[1].down = false;
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void packets_are_held(void)
{
    struct bench b;
    bench_new(&b, "stall", &(struct action){.target = TARGET_LINK, .link = 2, .direction = DIRECTION_BACKWARD});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT(b.lab->paths[5].stalled && !b.lab->paths[4].stalled);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    b.lab->paths[5].stalled = false;
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    bench_heal(&b);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void connections_break_once(void)
{
    struct bench b;
    bench_new(&b, "disconnect", &(struct action){.target = TARGET_REGION, .site = 0});
    b.lab->nodes[0].connection = 7;
    b.lab->nodes[2].connection = 8;
    b.lab->nodes[3].connection = 9; /* of another region */
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT(b.lab->nodes[0].connection == 1007 && b.lab->nodes[2].connection == 1008 &&
              b.lab->nodes[3].connection == 9);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "2 connections"));
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void a_link_has_two_ends(void)
{
    struct bench b;
    bench_new(&b, "disconnect", &(struct action){.target = TARGET_LINK, .link = 1}); /* east and the clients */
    for (uint16_t n = 0; n < FAKE_NODES; n++) {
        b.lab->nodes[n].connection = n + 1u;
    }
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT(b.lab->nodes[0].connection == 1001 && b.lab->nodes[2].connection == 1003);
    CU_ASSERT(b.lab->nodes[3].connection == 4);
    CU_ASSERT(b.lab->nodes[FAKE_CLIENT].connection == FAKE_CLIENT + 1); /* never a client's */
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    bench_free(&b);
}

static void what_stays_is_refuted(void)
{
    struct bench b;
    bench_new(&b, "disconnect", &(struct action){.target = TARGET_NODE, .node = 1});
    b.lab->nodes[1].connection = 7;
    b.lab->deaf = true;
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "1 of the connections"));
    bench_free(&b);
    bench_new(&b, "disconnect", &(struct action){.target = TARGET_NODE, .node = 1});
    bench_apply(&b); /* nothing was there */
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PENDING);
    bench_free(&b);
}

static void one_way_makes_no_sense(void)
{
    static const char *const verbs[] = {"disconnect", "unplug"};
    for (int i = 0; i < 2; i++) {
        char why[ACTION_WHY] = "";
        const struct action_type *t = &injector_find(verbs[i])->type;
        CU_ASSERT_FALSE(t->objects(&(struct action){.target = TARGET_LINK}, why));
        CU_ASSERT_TRUE(t->objects(&(struct action){.target = TARGET_LINK, .direction = DIRECTION_BACKWARD}, why));
        CU_ASSERT_PTR_NOT_NULL(strstr(why, "`direction`"));
    }
}

static void long_packets_alone_or_among_others(void)
{
    struct action a = {
        .type = &injector_find("degrade")->type, .target = TARGET_LINK, .link = 2, .shape = {.mtu_bytes = 1000}};
    CU_ASSERT_EQUAL(injector_effect(&a), EFFECT_FILTER);
    CU_ASSERT_EQUAL(injector_effects(&a), 1u << EFFECT_FILTER);
    struct bench b;
    bench_new(&b, "degrade", &a);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT(b.lab->paths[4].mtu_bytes == 1000 && b.lab->paths[5].mtu_bytes == 1000);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    b.lab->paths[5].mtu_bytes = 1001;
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    bench_heal(&b);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    CU_ASSERT_EQUAL(b.lab->paths[4].mtu_bytes, 0);
    bench_free(&b);
    a.shape.delay_ns = NS_PER_MS;
    CU_ASSERT_EQUAL(injector_effect(&a), EFFECT_DEGRADE);
    CU_ASSERT_EQUAL(injector_effects(&a), 1u << EFFECT_DEGRADE | 1u << EFFECT_FILTER);
    a.shape = (struct path_state){.rate_bps = 8000000, .mtu_bytes = 1000};
    CU_ASSERT_EQUAL(injector_effects(&a), 1u << EFFECT_RATE | 1u << EFFECT_FILTER);
}

/* The ends of tethers: per path of a link, per node of a region, and none for whom they say nothing. */
static void where_tethers_hang(void)
{
    struct bench b;
    struct tether_ends ends[8];
    bench_new(&b, "block_new", &(struct action){.target = TARGET_LINK, .link = 0});
    CU_ASSERT_EQUAL(injection_tethers(&b.lab->topo, &b.action, ends, 8), 2);
    CU_ASSERT(ends[0].from == 0 && ends[0].to == 3 && ends[1].from == 3 && ends[1].to == 0);
    bench_free(&b);
    bench_new(&b, "disconnect", &(struct action){.target = TARGET_REGION, .site = 1});
    CU_ASSERT_EQUAL(injection_tethers(&b.lab->topo, &b.action, ends, 8), 3);
    CU_ASSERT(ends[0].from == FAKE_CLIENT && ends[0].to == 3 && ends[2].to == 5);
    CU_ASSERT_EQUAL(injection_tethers(&b.lab->topo, &b.action, ends, 2), 2);
    bench_free(&b);
    bench_new(&b, "partition", &(struct action){.target = TARGET_LINK, .link = 0});
    CU_ASSERT_EQUAL(injection_tethers(&b.lab->topo, &b.action, ends, 8), 0);
    bench_free(&b);
}

void suite_connections(void)
{
    runner_suite(NULL, NULL);
    runner_test(new_ones_are_blocked);
    runner_test(a_cable_is_pulled);
    runner_test(packets_are_held);
    runner_test(connections_break_once);
    runner_test(a_link_has_two_ends);
    runner_test(what_stays_is_refuted);
    runner_test(one_way_makes_no_sense);
    runner_test(long_packets_alone_or_among_others);
    runner_test(where_tethers_hang);
}
