/* SPDX-License-Identifier: MIT */
/* Alerts as the status of gateways tells of them: in time, of the right rule, and none without a fault. */
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

static struct bench b;

static void told(const char *node, double due, double at, int slow, int errors)
{
    struct event *e = bench_event(&b, EVENT_OBSERVED, at, at + 5, node, "ok", 0);
    e->due_ns = MS(due);
    e->data = bench_json(
        "{\"alerts\":{\"slow\":{\"raised\":%d,\"firing\":false},\"errors\":{\"raised\":%d,\"firing\":false}}}", slow,
        errors);
}

/* A fault from 15000 to 35000 that this rule is to tell of. */
static void build(enum topo_alert alert)
{
    bench_init(&b);
    uint16_t reads = bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    bench_fault(&b, "freeze", 15000, 15003, 35000, 35010, 5000)->action.alert = alert;
    bench_target(&b, TARGET_ALERTED, MS(2000));
    bench_target(&b, TARGET_FALSE_ALARMS, 0);
    for (uint64_t k = 0; k < 1800; k++) {
        double s = 10007 + 20.0 * (double)k;
        bench_sample(&b, reads, k, s, s, s + 3, OUTCOME_GOOD);
    }
}

static const struct result_objective *alerted(void)
{
    bench_run(&b);
    return bench_objective(&b, "alerted");
}

static double false_alarms(void)
{
    bench_run(&b);
    return bench_objective(&b, "false_alarms")->achieved_upper;
}

static void the_first_one_of_the_rule_counts(void)
{
    build(TOPO_ALERT_SLOW);
    told("us-east/1", 1000, 1010, 0, 0);
    told("us-east/1", 15500, 15600, 0, 1); /* of another rule */
    told("eu-west/1", 16700, 16800, 1, 0); /* a gateway seen for the first time began with none */
    told("us-east/1", 16900, 17000, 1, 1);
    const struct result_objective *o = alerted();
    CU_ASSERT_EQUAL(o->verdict, MET);
    CU_ASSERT_NEAR(o->achieved_lower, 1.697);
    CU_ASSERT_NEAR(o->achieved_upper, 1.805);
    CU_ASSERT_NEAR(false_alarms(), 0);
    bench_deinit(&b);
}

static void any_rule_will_do_where_no_step_names_one(void)
{
    build(TOPO_ALERT_NONE);
    told("us-east/1", 1000, 1010, 0, 0);
    told("us-east/1", 15500, 15600, 0, 1);
    const struct result_objective *o = alerted();
    CU_ASSERT_EQUAL(o->verdict, MET);
    CU_ASSERT_NEAR(o->achieved_upper, 0.605);
    bench_deinit(&b);
}

static void too_late_and_never_are_missed(void)
{
    build(TOPO_ALERT_SLOW);
    told("us-east/1", 1000, 1010, 0, 0);
    told("us-east/1", 17500, 17600, 1, 0);
    CU_ASSERT_EQUAL(alerted()->verdict, MISSED);
    bench_deinit(&b);
    build(TOPO_ALERT_ERRORS);
    told("us-east/1", 1000, 1010, 0, 0);
    told("us-east/1", 15500, 15600, 1, 0);
    told("us-east/1", 35500, 35600, 1, 1); /* when it was over */
    const struct result_objective *o = alerted();
    CU_ASSERT_EQUAL(o->verdict, MISSED);
    CU_ASSERT_TRUE(isnan(o->achieved_upper));
    bench_deinit(&b);
}

static void one_that_fired_before_is_no_alert_but_a_false_one(void)
{
    build(TOPO_ALERT_SLOW);
    told("us-east/1", 1000, 1010, 0, 0);
    told("us-east/1", 12000, 12100, 2, 1);
    told("us-east/1", 15500, 15600, 2, 1);
    CU_ASSERT_EQUAL(alerted()->verdict, MISSED);
    CU_ASSERT_NEAR(false_alarms(), 3);
    CU_ASSERT_EQUAL(bench_objective(&b, "false_alarms")->verdict, MISSED);
    bench_deinit(&b);
}

static void the_worst_fault_counts(void)
{
    build(TOPO_ALERT_SLOW);
    bench_fault(&b, "freeze", 25000, 25003, 30000, 30010, 5000)->action.alert = TOPO_ALERT_ERRORS;
    told("us-east/1", 1000, 1010, 0, 0);
    told("us-east/1", 15500, 15600, 1, 0);
    told("us-east/1", 26400, 26500, 1, 1);
    CU_ASSERT_NEAR(alerted()->achieved_upper, 1.505);
    CU_ASSERT_EQUAL(bench_objective(&b, "alerted")->verdict, MET);
    bench_deinit(&b);
}

static void a_null_drill_is_quiet_to_its_end(void)
{
    build(TOPO_ALERT_NONE);
    bench_deinit(&b);
    bench_init(&b);
    uint16_t reads = bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    bench_fault(&b, "nothing", 15000, 15003, NEVER, NEVER, 5000);
    bench_target(&b, TARGET_FALSE_ALARMS, 0);
    for (uint64_t k = 0; k < 1800; k++) {
        double s = 10007 + 20.0 * (double)k;
        bench_sample(&b, reads, k, s, s, s + 3, OUTCOME_GOOD);
    }
    told("us-east/1", 1000, 1010, 0, 0);
    CU_ASSERT_NEAR(false_alarms(), 0);
    told("us-east/1", 20000, 20100, 0, 1);
    CU_ASSERT_NEAR(false_alarms(), 1);
    bench_deinit(&b);
}

static void who_does_not_tell_is_not_judged(void)
{
    build(TOPO_ALERT_SLOW);
    struct event *e = bench_event(&b, EVENT_OBSERVED, 1010, 1015, "us-east/1", "ok", 0);
    e->due_ns = MS(1000);
    e->data = bench_json("{\"drift\":false}");
    CU_ASSERT_EQUAL(alerted()->verdict, SKIPPED);
    CU_ASSERT_EQUAL(bench_objective(&b, "false_alarms")->verdict, SKIPPED);
    bench_deinit(&b);
}

/* Statuses come from the accused. */
static void nonsense_is_no_alert(void)
{
    build(TOPO_ALERT_NONE);
    static const char *const nonsense[] = {"{\"alerts\":7}", "{\"alerts\":{\"slow\":true}}",
                                           "{\"alerts\":{\"slow\":{\"raised\":\"many\"}}}", "{\"alerts\":[]}"};
    for (size_t i = 0; i < 4; i++) {
        struct event *e =
            bench_event(&b, EVENT_OBSERVED, 15600 + 10.0 * (double)i, 15601 + 10.0 * (double)i, "us-east/1", "ok", 0);
        e->due_ns = MS(15500);
        e->data = bench_json("%s", nonsense[i]);
    }
    CU_ASSERT_EQUAL(alerted()->verdict, MISSED);
    CU_ASSERT_NEAR(false_alarms(), 0);
    bench_deinit(&b);
}

static void wild_counters_make_no_negative_count(void)
{
    static const char *const wild[] = {"{\"alerts\":{\"slow\":{\"raised\":-9223372036854775808}}}",
                                       "{\"alerts\":{\"slow\":{\"raised\":9223372036854775807}}}",
                                       "{\"alerts\":{\"slow\":{\"raised\":0}}}",
                                       "{\"alerts\":{\"slow\":{\"raised\":9223372036854775807}}}"};
    build(TOPO_ALERT_NONE);
    for (size_t i = 0; i < array_len(wild); i++) {
        struct event *e = bench_event(&b, EVENT_OBSERVED, 11000 + 10.0 * (double)i, 11001 + 10.0 * (double)i,
                                      "us-east/1", "ok", 0);
        e->due_ns = MS(10990 + 10.0 * (double)i);
        e->data = bench_json("%s", wild[i]);
    }
    CU_ASSERT(false_alarms() > 1e18);
    bench_deinit(&b);
}

void suite_alerts(void)
{
    runner_suite(NULL, NULL);
    runner_test(the_first_one_of_the_rule_counts);
    runner_test(any_rule_will_do_where_no_step_names_one);
    runner_test(too_late_and_never_are_missed);
    runner_test(one_that_fired_before_is_no_alert_but_a_false_one);
    runner_test(the_worst_fault_counts);
    runner_test(a_null_drill_is_quiet_to_its_end);
    runner_test(who_does_not_tell_is_not_judged);
    runner_test(nonsense_is_no_alert);
    runner_test(wild_counters_make_no_negative_count);
}
