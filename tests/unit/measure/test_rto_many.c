/* SPDX-License-Identifier: MIT */
/* Several faults and several streams: whose loss period it is, and which end counts. */
#include "harness/base/text.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

#include <math.h>
#include <string.h>

static struct bench b;

enum { COUNT = 2500 };

static double planned(uint64_t k)
{
    return 10007 + 20.0 * (double)k;
}

static uint16_t add_stream(enum stream_kind kind)
{
    uint16_t stream = bench_stream(&b, kind, 50, 1000);
    for (uint64_t k = 0; k < COUNT; k++)
        bench_sample(&b, stream, k, planned(k), planned(k) + 0.1, planned(k) + 4, OUTCOME_GOOD);
    return stream;
}

static void break_stream(uint16_t stream, double from, double to)
{
    for (size_t i = 0; i < b.samples.len; i++) {
        struct sample *x = &b.samples.at[i];
        if (x->stream == stream && x->planned_ns >= MS(from) && x->planned_ns < MS(to))
            x->outcome = OUTCOME_REFUSED;
    }
}

static void build(void)
{
    bench_init(&b);
    b.plan.drill_ns = MS(44000);
    bench_target(&b, TARGET_RTO, MS(5000));
    add_stream(STREAM_READ_FRESH);
}

static double upper(void)
{
    return b.result->measures.rto_upper_s;
}

static double lower(void)
{
    return b.result->measures.rto_lower_s;
}

/* c of the first good request planned at or after this instant, counted from there. */
static double back(double at, double from)
{
    double s = 10007;
    while (s < at)
        s += 20;
    return (s + 4 - from) / 1e3;
}

static void each_fault_answers_for_what_it_caused(void)
{
    build();
    bench_fault(&b, "partition", 15000, 15003, 50000, 50001, 3000);
    bench_fault(&b, "partition", 25000, 25003, 50002, 50003, 3000);
    break_stream(0, 15001, 16000);
    break_stream(0, 25001, 28000);
    bench_run(&b);
    CU_ASSERT_NEAR(upper(), back(28000, 25000)); /* not 13 s from the first fault */
    CU_ASSERT_EQUAL(bench_objective(&b, "rto")->fault_id, 2);
    CU_ASSERT_WORD(bench_objective(&b, "rto")->recovered_by, "failover");
    CU_ASSERT_EQUAL(b.result->measures.loss_period_count, 2);
    CU_ASSERT_EQUAL(bench_objective(&b, "rto")->flags.len, 0);
    bench_deinit(&b);
}

static void clients_that_keep_answers_are_shown_and_not_judged(void)
{
    build();
    uint16_t pinned = add_stream(STREAM_READ_FRESH);
    b.streams[pinned].dns = DNS_PINS;
    bench_fault(&b, "partition", 15000, 15003, 50000, 50001, 3000);
    break_stream(0, 15001, 16000);
    break_stream(pinned, 15001, 28000);
    bench_run(&b);
    CU_ASSERT_NEAR(upper(), back(16000, 15000));
    CU_ASSERT_NEAR(b.result->requests.by_vantage.at[0].rto_upper_s, back(28000, 15000));
    bool said = false;
    for (size_t i = 0; i < b.result->limits.len; i++)
        said |=
            strstr(b.result->limits.at[i], "keep the first answer of the DNS for ever had service again after") != NULL;
    CU_ASSERT_TRUE(said);
    CU_ASSERT_EQUAL(bench_objective(&b, "rto")->verdict, MET);
    bench_deinit(&b);
}

static void clients_say_how_they_take_the_dns_where_there_is_one(void)
{
    build();
    struct topo_node led[8];
    memcpy(led, b.topology.nodes, b.topology.node_count * sizeof(*led));
    led[b.topology.node_count] = (struct topo_node){.name = "dns/1", .role = NODE_DNS, .site = WITNESS, .number = 2};
    bench_fault(&b, "partition", 15000, 15003, 50000, 50001, 3000);
    break_stream(0, 15001, 16000);
    bench_run(&b);
    CU_ASSERT_PTR_NULL(b.result->requests.by_vantage.at[0].dns);
    bench_deinit(&b);

    build();
    b.topology.nodes = led;
    b.topology.node_count++;
    bench_fault(&b, "partition", 15000, 15003, 50000, 50001, 3000);
    break_stream(0, 15001, 16000);
    bench_run(&b);
    CU_ASSERT_STRING_EQUAL(b.result->requests.by_vantage.at[0].dns, "honours");
    bench_deinit(&b);
}

static void an_outage_that_goes_on_stays_with_the_first(void)
{
    build();
    bench_fault(&b, "partition", 15000, 15003, 50000, 50001, 3000);
    bench_fault(&b, "partition", 17000, 17003, 50002, 50003, 3000);
    break_stream(0, 15001, 21000);
    bench_run(&b);
    CU_ASSERT_NEAR(upper(), back(21000, 15000));
    CU_ASSERT_EQUAL(bench_objective(&b, "rto")->fault_id, 1);
    CU_ASSERT_EQUAL(b.result->measures.loss_period_count, 1);
    bench_deinit(&b);
}

static void a_hold_cut_by_the_next_fault_widens_the_interval(void)
{
    build();
    bench_fault(&b, "partition", 15000, 15003, 50000, 50001, 6000);
    bench_fault(&b, "partition", 18000, 18003, 50002, 50003, 6000);
    break_stream(0, 15001, 16000); /* back for two seconds only, then the second fault */
    break_stream(0, 18001, 22000);
    bench_run(&b);
    CU_ASSERT_NEAR(lower(), (21987.1 - 18003) / 1e3); /* of the second fault; the first alone says 0.98 s */
    CU_ASSERT_NEAR(upper(), back(22000, 15000));
    CU_ASSERT_EQUAL(bench_objective(&b, "rto")->verdict, INCONCLUSIVE);
    bench_deinit(&b);
}

static void what_left_before_a_fault_counts_from_the_earlier_one(void)
{
    build();
    bench_fault(&b, "partition", 15000, 15003, 50000, 50001, 3000);
    bench_fault(&b, "partition", 25000, 25003, 50002, 50003, 3000);
    break_stream(0, 25001, 26000);
    for (size_t i = 0; i < b.samples.len; i++) { /* seven left before the second fault and failed after it */
        struct sample *x = &b.samples.at[i];
        if (x->planned_ns < MS(24860) || x->planned_ns > MS(25990))
            continue;
        x->done_ns = x->planned_ns + MS(1000);
        x->outcome = OUTCOME_TIMEOUT;
    }
    bench_run(&b);
    CU_ASSERT_NEAR(upper(), back(26000, 15000));
    CU_ASSERT_NEAR(lower(), (25987.1 - 25003) / 1e3);
    bench_deinit(&b);
}

static void the_largest_end_over_the_streams_counts(void)
{
    build();
    uint16_t writes = add_stream(STREAM_WRITE), keep = add_stream(STREAM_READ_KEEPALIVE);
    bench_fault(&b, "partition", 15000, 15003, 50000, 50001, 3000);
    break_stream(0, 15001, 17000);
    break_stream(writes, 15001, 18000);
    break_stream(keep, 15001, 30000);
    bench_run(&b);
    CU_ASSERT_NEAR(upper(), back(18000, 15000));
    CU_ASSERT_NEAR(lower(), (17987.1 - 15003) / 1e3);
    CU_ASSERT_NEAR(b.result->measures.rto_keepalive_upper_s, back(30000, 15000));
    CU_ASSERT_EQUAL(b.result->measures.loss_period_count, 1); /* they overlap */
    bench_deinit(&b);
}

static void one_stream_that_never_recovers_is_enough(void)
{
    build();
    uint16_t writes = add_stream(STREAM_WRITE);
    bench_fault(&b, "partition", 15000, 15003, NEVER, NEVER, 3000);
    break_stream(0, 15001, 17000);
    break_stream(writes, 15001, 70000);
    bench_run(&b);
    CU_ASSERT(isnan(upper()));
    CU_ASSERT_WORD(bench_objective(&b, "rto")->recovered_by, "never");
    bench_deinit(&b);
}

static void a_fault_that_was_never_applied_leaves_the_rto_unmet(void)
{
    build();
    bench_fault(&b, "partition", 15000, 15003, 50000, 50001, 3000);
    b.steps[b.plan.step_count++] = (struct plan_step){.id = 2, .action = b.steps[0].action, .hold_ns = MS(3000)};
    bench_find(&b, EVENT_END, NULL)->outcome = "interrupted";
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_check(&b, "fault_proof")->verdict, MET);
    CU_ASSERT_EQUAL(bench_objective(&b, "rto")->verdict, SKIPPED);
    bench_deinit(&b);
}

static void operator_actions_are_no_faults(void)
{
    build();
    bench_fault(&b, "partition", 15000, 15003, 50000, 50001, 3000);
    b.steps[b.plan.step_count++] =
        (struct plan_step){.id = 2, .action = {.type = NULL}, .hold_ns = 0};
    static const struct action_type operator = {.verb = "fail_over", .class = ACTION_OPERATOR};
    b.steps[1].action.type = &operator;
    bench_event(&b, EVENT_ACTION, 20000, 20001, NULL, "ok", 2);
    const struct result *r = bench_run(&b);
    CU_ASSERT_EQUAL(r->faults.len, 1);
    CU_ASSERT_EQUAL(r->run.verdict, MET);
    bench_deinit(&b);
}

/* Between the two there is no request: what follows is the second's, and the first says nothing. */
static void of_two_faults_at_one_instant_the_second_answers(void)
{
    build();
    bench_fault(&b, "partition", 15000, 15001, 50000, 50001, 3000);
    bench_fault(&b, "partition", 15004, 15006, 50002, 50003, 3000);
    break_stream(0, 15001, 17000);
    bench_run(&b);
    CU_ASSERT_NEAR(upper(), back(17000, 15004));
    CU_ASSERT_EQUAL(bench_objective(&b, "rto")->verdict, MET);
    CU_ASSERT_WORD(bench_objective(&b, "rto")->recovered_by, "failover");
    bench_deinit(&b);
}

/* A hole shorter than the time-out: all that fails, fails after the heal. One request that slipped through proves
 * nothing. */
static void what_fails_after_the_heal_has_failed_all_the_same(void)
{
    build();
    bench_fault(&b, "partition", 15000, 15010, 15900, 15901, 3000);
    for (size_t i = 0; i < b.samples.len; i++) {
        struct sample *x = &b.samples.at[i];
        if (x->planned_ns < MS(15020) || x->planned_ns > MS(15899))
            continue;
        x->done_ns = x->planned_ns + MS(1000);
        x->outcome = OUTCOME_TIMEOUT;
    }
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "rto")->verdict, INCONCLUSIVE);
    CU_ASSERT(isinf(upper()) || isnan(upper()));
    bench_deinit(&b);
}

static void to_revoke_a_key_is_no_help(void)
{
    static const struct action_type revoke = {.verb = "revoke", .class = ACTION_OPERATOR, .of_identity = true};
    build();
    bench_fault(&b, "partition", 15000, 15003, 50000, 50001, 3000);
    b.steps[b.plan.step_count++] = (struct plan_step){.id = 2, .action.type = &revoke};
    bench_event(&b, EVENT_ACTION, 15500, 15501, NULL, "ok", 2);
    break_stream(0, 15001, 16000);
    bench_run(&b);
    CU_ASSERT_WORD(bench_objective(&b, "rto")->recovered_by, "failover");
    bench_deinit(&b);
}

void suite_rto_many(void)
{
    runner_suite(NULL, NULL);
    runner_test(of_two_faults_at_one_instant_the_second_answers);
    runner_test(what_fails_after_the_heal_has_failed_all_the_same);
    runner_test(to_revoke_a_key_is_no_help);
    runner_test(each_fault_answers_for_what_it_caused);
    runner_test(clients_that_keep_answers_are_shown_and_not_judged);
    runner_test(clients_say_how_they_take_the_dns_where_there_is_one);
    runner_test(an_outage_that_goes_on_stays_with_the_first);
    runner_test(a_hold_cut_by_the_next_fault_widens_the_interval);
    runner_test(what_left_before_a_fault_counts_from_the_earlier_one);
    runner_test(the_largest_end_over_the_streams_counts);
    runner_test(one_stream_that_never_recovers_is_enough);
    runner_test(a_fault_that_was_never_applied_leaves_the_rto_unmet);
    runner_test(operator_actions_are_no_faults);
}
