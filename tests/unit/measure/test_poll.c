/* SPDX-License-Identifier: MIT */
/* Detected, repaired, converged and the parts of the RTO, from what the admin ports showed. */
#include "harness/base/text.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

static struct bench b;

static void observed(const char *node, double due, double at, const char *status)
{
    struct event *e = bench_event(&b, EVENT_OBSERVED, at, at + 5, node, "ok", 0);
    e->due_ns = MS(due);
    e->data = bench_json("%s", status);
}

static const char gateway_well[] = "{\"drift\":false,\"config\":\"a\",\"desired\":\"a\",\"upstreams\":"
                                   "[{\"name\":\"us-east/origin-1\",\"healthy\":true,\"leader\":true},"
                                   "{\"name\":\"eu-west/origin-1\",\"healthy\":true,\"leader\":false}]}";
static const char gateway_sick[] = "{\"drift\":false,\"config\":\"a\",\"desired\":\"a\",\"upstreams\":"
                                   "[{\"name\":\"us-east/origin-1\",\"healthy\":false,\"leader\":true},"
                                   "{\"name\":\"eu-west/origin-1\",\"healthy\":true,\"leader\":false}]}";
static const char gateway_moved[] = "{\"drift\":false,\"config\":\"a\",\"desired\":\"a\",\"upstreams\":"
                                    "[{\"name\":\"us-east/origin-1\",\"healthy\":false,\"leader\":false},"
                                    "{\"name\":\"eu-west/origin-1\",\"healthy\":true,\"leader\":true}]}";
static const char gateway_drifted[] = "{\"drift\":true,\"config\":\"b\",\"desired\":\"a\",\"upstreams\":[]}";

/* Outage from 15001 to 17000 on one stream, as a fault on the primary region. */
static void build(const char *verb)
{
    bench_init(&b);
    uint16_t reads = bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    bench_fault(&b, verb, 15000, 15003, 35000, 35010, 5000);
    bench_target(&b, TARGET_DETECTED, MS(2000));
    for (uint64_t k = 0; k < 1800; k++) {
        double s = 10007 + 20.0 * (double)k;
        bench_sample(&b, reads, k, s, s, s + 3, s > 15001 && s < 17000 ? OUTCOME_REFUSED : OUTCOME_GOOD);
    }
    observed("eu-west/1", 1000, 1010, gateway_well);
    observed("eu-west/origin-1", 1000, 1010, "{\"leader\":false,\"epoch\":1}");
}

static void the_first_reaction_of_the_system_is_detection(void)
{
    build("kill");
    observed("eu-west/1", 15500, 15600, gateway_sick);
    observed("eu-west/origin-1", 15800, 15900, "{\"leader\":true,\"epoch\":2}");
    const struct result *r = bench_run(&b);
    CU_ASSERT_NEAR(r->measures.detected_lower_s, 0.497);
    CU_ASSERT_NEAR(r->measures.detected_upper_s, 0.605);
    CU_ASSERT_EQUAL(bench_objective(&b, "detected")->verdict, MET);
    CU_ASSERT_WORD(bench_objective(&b, "detected")->method, "poll");
    bench_target(&b, TARGET_DETECTED, MS(400));
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "detected")->verdict, MISSED);
    bench_target(&b, TARGET_DETECTED, MS(550));
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "detected")->verdict, INCONCLUSIVE);
    bench_deinit(&b);
}

static void a_blink_is_no_detection(void)
{
    build("kill");
    observed("eu-west/1", 15200, 15300, gateway_sick);
    observed("eu-west/1", 15300, 15400, gateway_well); /* one poll saw it, the next did not */
    observed("eu-west/1", 15400, 15500, gateway_sick);
    observed("eu-west/1", 15600, 15700, gateway_well); /* two polls saw it */
    observed("eu-west/1", 15900, 16000, gateway_sick);
    observed("eu-west/1", 16200, 16300, gateway_well); /* three did */
    const struct result *r = bench_run(&b);
    CU_ASSERT_NEAR(r->measures.detected_upper_s, 1.005);
    bench_deinit(&b);
}

static void what_was_known_before_the_fault_is_no_reaction(void)
{
    build("kill");
    observed("eu-west/1", 12000, 12100, gateway_sick);
    const struct result *r = bench_run(&b);
    CU_ASSERT(isnan(r->measures.detected_upper_s));
    CU_ASSERT_NEAR(r->measures.detected_lower_s, (35000 - 15003) / 1e3); /* as long as the fault was there */
    CU_ASSERT_EQUAL(bench_objective(&b, "detected")->verdict, MISSED);
    bench_deinit(&b);
}

static void a_client_that_moves_is_not_the_systems_doing(void)
{
    build("kill");
    struct sample *x = vec_push(&b.switches);
    *x = (struct sample){.kind = SAMPLE_SWITCH, .done_ns = MS(15700), .k = 1};
    CU_ASSERT(isnan(bench_run(&b)->measures.detected_upper_s));
    bench_deinit(&b);
}

static void nobody_observed_says_nothing(void)
{
    build("kill");
    bench_drop(&b, EVENT_OBSERVED);
    bench_run(&b);
    const struct result_objective *o = bench_objective(&b, "detected");
    CU_ASSERT_EQUAL(o->verdict, INCONCLUSIVE);
    CU_ASSERT_PTR_NOT_NULL(o->reason);
    CU_ASSERT(isnan(o->achieved_lower));
    bench_deinit(&b);
}

static void hostile_statuses_are_no_reaction(void)
{
    static const char *const odd[] = {"[]", "7", "{\"upstreams\":7}", "{\"upstreams\":[7,null,{}]}",
                                      "{\"peers\":{\"a\":1}}", "{\"leader\":\"yes\"}", "{\"drift\":\"true\"}"};
    build("kill");
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        observed("eu-west/1", 15500, 15600 + (double)i, odd[i]);
    CU_ASSERT(isnan(bench_run(&b)->measures.detected_upper_s));
    bench_deinit(&b);
}

static void drift_is_detected_and_repaired_on_the_node_it_was_made_on(void)
{
    build("drift");
    b.steps[0].action.target = TARGET_NODE;
    b.steps[0].action.node = GATEWAY_WEST;
    bench_target(&b, TARGET_REPAIRED, MS(10000));
    observed("us-east/1", 15000, 15100, gateway_drifted); /* another node's: not this fault's */
    observed("eu-west/1", 16000, 16100, gateway_drifted);
    observed("eu-west/1", 18000, 18100, gateway_well);
    const struct result *r = bench_run(&b);
    CU_ASSERT_NEAR(r->measures.detected_lower_s, 0.997);
    CU_ASSERT_NEAR(r->measures.detected_upper_s, 1.105);
    CU_ASSERT_NEAR(r->measures.repaired_lower_s, 2.997);
    CU_ASSERT_NEAR(r->measures.repaired_upper_s, 3.105);
    CU_ASSERT_EQUAL(bench_objective(&b, "repaired")->verdict, MET);
    CU_ASSERT_WORD(bench_objective(&b, "repaired")->evidence.at[0].file, "timeline.jsonl");
    bench_deinit(&b);
}

static void a_repair_by_the_restore_is_none(void)
{
    build("drift");
    b.steps[0].action.target = TARGET_NODE;
    b.steps[0].action.node = GATEWAY_WEST;
    bench_target(&b, TARGET_REPAIRED, MS(10000));
    observed("eu-west/1", 16000, 16100, gateway_drifted);
    observed("eu-west/1", 35005, 35100, gateway_well);
    bench_run(&b);
    const struct result_objective *o = bench_objective(&b, "repaired");
    CU_ASSERT(isnan(o->achieved_upper));
    CU_ASSERT_EQUAL(o->verdict, MISSED); /* 20 s given, 10 s asked */
    bench_deinit(&b);
}

static void a_drift_nobody_saw_cannot_be_seen_repaired(void)
{
    build("drift");
    b.steps[0].action.target = TARGET_NODE;
    b.steps[0].action.node = GATEWAY_WEST;
    bench_target(&b, TARGET_REPAIRED, MS(10000));
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "repaired")->verdict, INCONCLUSIVE);
    CU_ASSERT_EQUAL(bench_objective(&b, "detected")->verdict, MISSED);
    bench_deinit(&b);
}

static void converge(double at, const char *outcome)
{
    bench_event(&b, EVENT_CONVERGE, at, at + 20, NULL, outcome, 0);
}

static void three_equal_polls_in_a_row_are_convergence(void)
{
    build("kill");
    bench_target(&b, TARGET_CONVERGED, MS(5000));
    converge(34000, "equal"); /* before the heal */
    converge(35100, "different");
    converge(36100, "equal");
    converge(37100, "equal");
    converge(38100, "unreachable");
    converge(39100, "equal");
    converge(40100, "equal");
    converge(41100, "equal");
    const struct result *r = bench_run(&b);
    CU_ASSERT_NEAR(r->measures.converged_lower_s, (38100 - 35010) / 1e3);
    CU_ASSERT_NEAR(r->measures.converged_upper_s, (39120 - 35000) / 1e3);
    CU_ASSERT_EQUAL(bench_objective(&b, "converged")->verdict, MET);
    CU_ASSERT_NEAR(r->measures.reconcile_s, (39120 - 17007) / 1e3);
    bench_deinit(&b);
}

static void polls_to_the_cap_miss_and_polls_cut_short_do_not(void)
{
    build("kill");
    bench_target(&b, TARGET_CONVERGED, MS(60000));
    for (int at = 35100; at < 36000 + 60000; at += 1000)
        converge(at, "different");
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "converged")->verdict, MISSED);
    bench_drop(&b, EVENT_CONVERGE);
    converge(35100, "different");
    converge(36100, "equal");
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "converged")->verdict, INCONCLUSIVE);
    bench_drop(&b, EVENT_CONVERGE);
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "converged")->verdict, INCONCLUSIVE);
    CU_ASSERT(isnan(b.result->measures.converged_lower_s));
    bench_deinit(&b);
}

static void the_recovery_is_split_at_what_was_seen(void)
{
    build("kill");
    observed("eu-west/1", 15500, 15600, gateway_sick);
    observed("eu-west/origin-1", 15800, 15900, "{\"leader\":true,\"epoch\":2}");
    observed("eu-west/1", 16000, 16100, gateway_moved);
    struct sample *x = vec_push(&b.switches);
    *x = (struct sample){.kind = SAMPLE_SWITCH, .done_ns = MS(16900), .k = 1};
    const struct result_measures *m = &bench_run(&b)->measures;
    CU_ASSERT_NEAR(m->rto_upper_s, 2.01);
    CU_ASSERT_NEAR(m->rto_detect_s, 0.605);
    CU_ASSERT_NEAR(m->rto_decide_s, 0.3);
    CU_ASSERT_NEAR(m->rto_act_s, 0.2);
    CU_ASSERT_NEAR(m->rto_propagate_s, 0.795);
    CU_ASSERT_NEAR(m->rto_warm_s, 0.11);
    CU_ASSERT_NEAR(m->rto_unattributed_s, 0);
    b.switches.at[0].done_ns = MS(16000); /* the client had moved before the gateways knew: no time of its own */
    m = &bench_run(&b)->measures;
    CU_ASSERT_NEAR(m->rto_propagate_s, 0);
    CU_ASSERT_NEAR(m->rto_warm_s, 0.905);
    CU_ASSERT_NEAR(m->rto_unattributed_s, 0);
    b.switches.len = 0; /* the client's move was not recorded: nothing is guessed about the rest */
    m = &bench_run(&b)->measures;
    CU_ASSERT_NEAR(m->rto_act_s, 0.2);
    CU_ASSERT(isnan(m->rto_propagate_s));
    CU_ASSERT(isnan(m->rto_warm_s));
    CU_ASSERT_NEAR(m->rto_unattributed_s, 0.905);
    bench_deinit(&b);
}

/* What a gateway of eu-west says when its own region leads, and how old its configuration is. */
static void took_over(const char *node, double at, int age_ms)
{
    struct event *e = bench_event(&b, EVENT_OBSERVED, at, at + 5, node, "ok", 0);
    e->data =
        bench_json("{\"desired_age_ms\":%d,\"upstreams\":[{\"name\":\"eu-west/origin-1\",\"leader\":true}]}", age_ms);
}

static void the_configuration_of_who_takes_over_is_as_old_as_he_says_then(void)
{
    build("kill");
    observed("eu-west/1", 1000, 1010, gateway_well);
    took_over("eu-west/1", 15900, 4200);
    took_over("eu-west/1", 30000, 9000); /* what he says later is later's */
    CU_ASSERT_NEAR(bench_run(&b)->measures.config_rpo_s, 4.2);
    bench_deinit(&b);
    build("kill");
    took_over("us-east/1", 15900, 4200); /* of the primary: nobody took over */
    observed("eu-west/1", 15900, 15910, gateway_moved); /* does not say how old */
    CU_ASSERT(isnan(bench_run(&b)->measures.config_rpo_s));
    bench_deinit(&b);
}

void suite_poll(void)
{
    runner_suite(NULL, NULL);
    runner_test(the_first_reaction_of_the_system_is_detection);
    runner_test(a_blink_is_no_detection);
    runner_test(what_was_known_before_the_fault_is_no_reaction);
    runner_test(a_client_that_moves_is_not_the_systems_doing);
    runner_test(nobody_observed_says_nothing);
    runner_test(hostile_statuses_are_no_reaction);
    runner_test(drift_is_detected_and_repaired_on_the_node_it_was_made_on);
    runner_test(a_repair_by_the_restore_is_none);
    runner_test(a_drift_nobody_saw_cannot_be_seen_repaired);
    runner_test(three_equal_polls_in_a_row_are_convergence);
    runner_test(polls_to_the_cap_miss_and_polls_cut_short_do_not);
    runner_test(the_recovery_is_split_at_what_was_seen);
    runner_test(the_configuration_of_who_takes_over_is_as_old_as_he_says_then);
}
