/* SPDX-License-Identifier: MIT */
#include "harness/base/units.h"
#include "tests/unit/injectors/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

static const struct action all_ways = {.target = TARGET_LINK, .link = 0, .shape = {.cut = true}};

static void both_ways(void)
{
    struct bench b;
    bench_new(&b, "partition", &all_ways);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_TRUE(b.lab->paths[0].cut && b.lab->paths[1].cut);
    CU_ASSERT_FALSE(b.lab->paths[2].cut || b.lab->paths[3].cut || b.lab->paths[4].cut || b.lab->paths[5].cut);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    CU_ASSERT_FALSE(b.lab->paths[0].cut || b.lab->paths[1].cut);
    CU_ASSERT_EQUAL(b.lab->paths[0].delay_ns, 40 * NS_PER_MS);
    bench_free(&b);
}

static void one_way(void)
{
    for (int backward = 0; backward < 2; backward++) {
        struct bench b;
        struct action a = all_ways;
        uint16_t paths[4];
        a.direction = backward ? DIRECTION_BACKWARD : DIRECTION_FORWARD;
        bench_new(&b, "partition", &a);
        CU_ASSERT_EQUAL(injection_paths(&b.lab->topo, &a, paths, 4), 1);
        CU_ASSERT_EQUAL(paths[0], backward);
        bench_apply(&b);
        CU_ASSERT_TRUE(b.lab->paths[backward].cut);
        CU_ASSERT_FALSE(b.lab->paths[1 - backward].cut);
        bench_free(&b);
    }
}

static void a_lie_is_refuted(void)
{
    struct bench b;
    bench_new(&b, "partition", &all_ways);
    b.lab->deaf = true;
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    b.lab->deaf = false;
    bench_heal(&b);
    bench_apply(&b);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    b.lab->deaf = true; /* and a heal that is none */
    bench_heal(&b);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_REFUTED);
    bench_free(&b);
}

static void degrading(void)
{
    struct bench b;
    struct action a = {.target = TARGET_LINK, .link = 1, .direction = DIRECTION_FORWARD,
                       .shape = {.delay_ns = 80 * NS_PER_MS, .loss_ppm = 20000}};
    bench_new(&b, "degrade", &a);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(b.lab->paths[2].delay_ns, 80 * NS_PER_MS);
    CU_ASSERT_EQUAL(b.lab->paths[2].loss_ppm, 20980); /* with the link's own 0.1 % */
    CU_ASSERT_EQUAL(b.lab->paths[3].delay_ns, 0);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    b.lab->paths[2].loss_ppm = 0; /* half of it evaporates */
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    bench_heal(&b);
    CU_ASSERT_EQUAL(b.lab->paths[2].loss_ppm, 1000);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void how_long_a_proof_may_take(void)
{
    const struct action_type *t = &injector_find("degrade")->type;
    CU_ASSERT_PTR_NOT_NULL_FATAL(t->proof_bound_ns);
    struct action a = {.shape = {.delay_ns = 10 * NS_PER_MS}};
    CU_ASSERT_EQUAL(t->proof_bound_ns(&a), 2 * NS_PER_S);
    a.shape.loss_ppm = 10000; /* 1 %: a thousand datagrams, 2 s, and half as long again */
    CU_ASSERT_TRUE(t->proof_bound_ns(&a) >= 3 * NS_PER_S && t->proof_bound_ns(&a) < 3100 * NS_PER_MS);
    a.shape.rate_bps = 1000000; /* in a narrow place they leave one by one */
    CU_ASSERT_TRUE(t->proof_bound_ns(&a) >= 30 * NS_PER_S && t->proof_bound_ns(&a) < 31 * NS_PER_S);
    a.shape.rate_bps = 0;
    a.shape.loss_ppm = 1;
    CU_ASSERT_TRUE(t->proof_bound_ns(&a) <= 3600 * NS_PER_S);
    a.shape = (struct path_state){.rate_bps = 8000000}; /* three trains of 41 ms */
    CU_ASSERT_EQUAL(t->proof_bound_ns(&a), 2 * NS_PER_S);
    a.shape.rate_bps = 8000; /* one of 6.4 s */
    CU_ASSERT_TRUE(t->proof_bound_ns(&a) >= 9 * NS_PER_S && t->proof_bound_ns(&a) < 10 * NS_PER_S);
}

static void trains_are_for_rates_that_they_can_show(void)
{
    const struct action a = {.target = TARGET_LINK, .shape = {.rate_bps = TRAIN_RATE_MAX_BPS}};
    const struct action fast = {.target = TARGET_LINK, .shape = {.rate_bps = TRAIN_RATE_MAX_BPS + 1}};
    const struct action slow = {.target = TARGET_LINK, .shape = {.delay_ns = NS_PER_MS}};
    CU_ASSERT_EQUAL(injection_train_bps(&a), TRAIN_RATE_MAX_BPS);
    CU_ASSERT_EQUAL(injection_train_bps(&fast), 0);
    CU_ASSERT_EQUAL(injection_train_bps(&slow), 0);
}

static void bursts_are_told_in_two_ways(void)
{
    const struct action_type *t = &injector_find("degrade")->type;
    struct action a = {
        .target = TARGET_LINK, .link = 1, .direction = DIRECTION_FORWARD, .burst = 5, .shape = {.loss_ppm = 50000}};
    char why[ACTION_WHY] = "";
    CU_ASSERT_FALSE(t->objects(&a, why));
    struct bench b;
    bench_new(&b, "degrade", &a);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    const struct path_state *got = &b.lab->paths[2];
    CU_ASSERT(got->burst_milli == 5000 && got->burst_loss_ppm == PPM);
    CU_ASSERT_EQUAL(got->calm_loss_ppm, 1000); /* the link's 0.1 % */
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    b.lab->paths[2].burst_milli = 4999;
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    bench_free(&b);
    /* As lumps of 5 tell less than single losses, the proof takes longer. */
    struct action plain = {.shape = {.loss_ppm = 10000}}, lumpy = {.burst = 5, .shape = {.loss_ppm = 10000}};
    CU_ASSERT(t->proof_bound_ns(&lumpy) > 5 * t->proof_bound_ns(&plain));
    a.loss_correlation_ppm = 250000;
    CU_ASSERT_TRUE(t->objects(&a, why));
    CU_ASSERT_PTR_NOT_NULL(strstr(why, "`loss_correlation`"));
}

static void losses_that_no_burst_can_carry(void)
{
    const struct action_type *t = &injector_find("degrade")->type;
    const struct {
        struct action a;
        const char *said; /* NULL: none */
    } cases[] = {
        {{.burst = 2, .shape = {.loss_ppm = 900000}}, "a `burst` of 9 at least"},
        {{.burst = 9, .shape = {.loss_ppm = 900000}}, NULL},
        {{.burst = 5, .shape = {.loss_ppm = 100000, .burst_loss_ppm = 50000}}, "less than within"},
        {{.burst = 5, .shape = {.loss_ppm = 100000, .calm_loss_ppm = 200000}}, "no less than between"},
        {{.burst = 5, .shape = {.loss_ppm = PPM}}, "less than within"},
        {{.loss_correlation_ppm = 990000, .shape = {.loss_ppm = 950000}}, "more than 1000 packets"},
        {{.loss_correlation_ppm = 990000, .shape = {.loss_ppm = 100000}}, NULL},
        {{.shape = {.loss_ppm = PPM}}, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[ACTION_WHY] = "";
        CU_ASSERT_EQUAL(t->objects(&cases[i].a, why), cases[i].said != NULL);
        CU_ASSERT_PTR_NOT_NULL(strstr(why, cases[i].said ? cases[i].said : ""));
    }
}

static void which_mechanism_a_shape_needs(void)
{
    struct action a = {.type = &injector_find("degrade")->type, .shape = {.rate_bps = 8000000}};
    CU_ASSERT_EQUAL(injector_effect(&a), EFFECT_RATE);
    a.shape.limit_packets = 10; /* a bucket counts bytes */
    CU_ASSERT_EQUAL(injector_effect(&a), EFFECT_DEGRADE);
}

/* Sites of the fake lab: 0 and 1 regions, 2 clients; links 0: 0-1, and each region with the clients. */
static void many_links_at_once(void)
{
    static const uint8_t alone[FAKE_SITES] = {1, 2, 2};
    struct bench b;
    uint16_t paths[FAKE_PATHS];
    const struct action a = {.target = TARGET_LINK, .sides = alone, .shape = {.cut = true}};
    bench_new(&b, "partition", &a);
    size_t n = injection_paths(&b.lab->topo, &a, paths, FAKE_PATHS);
    CU_ASSERT_EQUAL(n, 4);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    for (uint16_t p = 0; p < FAKE_PATHS; p++) {
        CU_ASSERT_EQUAL(b.lab->paths[p].cut, path_from(&b.lab->topo, p) == 0 || path_to(&b.lab->topo, p) == 0);
    }
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    b.lab->paths[paths[3]].cut = false; /* one of them leaks */
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    bench_heal(&b);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static const struct action replication_cut = {.target = TARGET_LINK, .link = 0, .port = TOPO_PORT_REPLICATION,
                                              .shape = {.gate_count = 1,
                                              .gates = {{TOPO_PORT_REPLICATION, GATE_DROP}}}};

static void one_port_of_a_link(void)
{
    struct bench b;
    bench_new(&b, "partition", &replication_cut);
    CU_ASSERT_EQUAL(injector_effect(&b.action), EFFECT_CUT_ONLY);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    for (size_t p = 0; p < 2; p++) {
        CU_ASSERT(!b.lab->paths[p].cut && b.lab->paths[p].gate_count == 1);
        CU_ASSERT(!path_passes(&b.lab->paths[p], TOPO_PORT_REPLICATION) &&
                  path_passes(&b.lab->paths[p], TOPO_PORT_HTTP));
    }
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "2 knocks on port 7001 silent"));
    bench_heal(&b);
    CU_ASSERT_EQUAL(b.lab->paths[0].gate_count, 0);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void rules_that_let_pass_are_refuted(void)
{
    const struct action rejects = {.target = TARGET_LINK, .link = 0, .way = GATE_REFUSE};
    struct bench b;
    for (int i = 0; i < 2; i++) {
        bench_new(&b, i ? "reject" : "partition", i ? &rejects : &replication_cut);
        b.lab->leaky = true;
        CU_ASSERT_EQUAL(bench_apply(&b), 0);
        CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
        CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "was answered, not"));
        b.lab->leaky = false;
        b.lab->deaf = true; /* a heal that is none */
        bench_heal(&b);
        CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_REFUTED);
        bench_free(&b);
    }
}

static void rejecting(void)
{
    static const enum gate_way ways[] = {GATE_REFUSE, GATE_UNREACHABLE};
    for (size_t i = 0; i < 4; i++) {
        const struct action a = {
            .target = TARGET_LINK, .link = 0, .way = ways[i % 2], .port = i < 2 ? 0 : TOPO_PORT_HTTP};
        struct bench b;
        bench_new(&b, "reject", &a);
        CU_ASSERT_EQUAL(injector_effect(&b.action), EFFECT_REJECT);
        CU_ASSERT_EQUAL(bench_apply(&b), 0);
        CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
        CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, i % 2 ? "2 knocks unreachable" : "2 knocks refused"));
        b.lab->paths[1].gates[0].way = ways[1 - i % 2]; /* the other error is another fault */
        CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
        bench_heal(&b);
        CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
        bench_free(&b);
    }
}

/* A cut over a reject: knocks are silent as the cut wants it, the reject is hidden and comes back. */
static void a_cut_hides_a_reject(void)
{
    struct bench b;
    const struct path_state cut = {.cut = true};
    bench_new(&b, "reject", &(struct action){.target = TARGET_LINK, .link = 0, .way = GATE_REFUSE});
    bench_apply(&b);
    fabric_lay(b.fabric, 2, 0, &cut, NULL);
    CU_ASSERT(b.lab->paths[0].cut && b.lab->paths[0].gate_count == 0 && b.lab->paths[1].gate_count == 1);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    fabric_lift(b.fabric, 2, NULL);
    CU_ASSERT(!b.lab->paths[0].cut && b.lab->paths[0].gate_count == 1);
    bench_free(&b);
}

static void no_link_no_paths(void)
{
    struct bench b;
    uint16_t paths[4];
    bench_new(&b, "partition", &(struct action){.target = TARGET_LINK, .link = FAKE_LINKS});
    CU_ASSERT_EQUAL(injection_paths(&b.lab->topo, &b.action, paths, 4), 0);
    CU_ASSERT_EQUAL(bench_apply(&b), -1);
    CU_ASSERT_EQUAL(b.err.kind, ERR_MEANING);
    CU_ASSERT_EQUAL(injection_paths(&b.lab->topo, &all_ways, paths, 1), 1);
    CU_ASSERT_EQUAL(injection_paths(&b.lab->topo, &(struct action){.target = TARGET_REGION}, paths, 4), 0);
    bench_free(&b);
}

static void one_port_has_a_lane(void)
{
    struct bench b;
    struct action a = {.target = TARGET_LINK,
                       .link = 0,
                       .direction = DIRECTION_FORWARD,
                       .port = 7001,
                       .shape = {.delay_ns = NS_PER_MS}};
    const struct action other = {.port = 80}, all = {.port = 0};
    char why[ACTION_WHY];
    bench_new(&b, "degrade", &a);
    CU_ASSERT_EQUAL(injection_lane(&b.action), 7001);
    CU_ASSERT_EQUAL(injector_effect(&b.action), EFFECT_DEGRADE_ONLY);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(b.lab->paths[0].delay_ns, 40 * NS_PER_MS);
    CU_ASSERT_EQUAL_FATAL(b.lab->paths[0].lane_count, 1);
    CU_ASSERT(b.lab->paths[0].lanes[0].port == 7001 && b.lab->paths[0].lanes[0].shape.delay_ns == NS_PER_MS);
    CU_ASSERT_EQUAL(b.lab->paths[1].lane_count, 0);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    b.lab->paths[0].lane_count = 0;
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(b.lab->paths[0].lane_count, 0);
    bench_free(&b);
    const struct action_type *t = &injector_find("degrade")->type;
    CU_ASSERT(t->apart(&a, &other) && t->apart(&a, &all) && !t->apart(&a, &a));
    a.shape.mtu_bytes = 1000;
    CU_ASSERT(t->objects(&a, why) && strstr(why, "mtu"));
}

void suite_network(void)
{
    runner_suite(NULL, NULL);
    runner_test(both_ways);
    runner_test(one_way);
    runner_test(a_lie_is_refuted);
    runner_test(degrading);
    runner_test(how_long_a_proof_may_take);
    runner_test(trains_are_for_rates_that_they_can_show);
    runner_test(bursts_are_told_in_two_ways);
    runner_test(losses_that_no_burst_can_carry);
    runner_test(which_mechanism_a_shape_needs);
    runner_test(many_links_at_once);
    runner_test(one_port_of_a_link);
    runner_test(rules_that_let_pass_are_refuted);
    runner_test(rejecting);
    runner_test(a_cut_hides_a_reject);
    runner_test(no_link_no_paths);
    runner_test(one_port_has_a_lane);
}
