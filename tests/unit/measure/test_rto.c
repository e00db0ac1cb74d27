/* SPDX-License-Identifier: MIT */
/* RTO of one stream and one fault: the worked example of the measuring rules, and what moves its ends. */
#include "harness/base/text.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

static struct bench b;

enum { FIRST_BAD = 250, LAST_BAD = 286, LONELY_GOOD = 270, COUNT = 1800 };

static bool worked_bad(uint64_t k)
{
    return k >= FIRST_BAD && k <= LAST_BAD && k != LONELY_GOOD;
}

/* One stream at 50/s; the first planned at 10007 ms; fault 15000 to 15003; outage 15001 to 15742. */
static void build(double heal)
{
    bench_init(&b);
    uint16_t reads = bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    bench_fault(&b, "kill", 15000, 15003, heal, heal < 0 ? 0 : heal + 10, 6000);
    b.steps[0].action.how = KILL_CRASH;
    bench_target(&b, TARGET_RTO, MS(2000));
    for (uint64_t k = 0; k < COUNT; k++) {
        double planned = 10007 + 20.0 * (double)k, sent = planned + 0.2;
        bench_sample(&b, reads, k, planned, sent, sent + (worked_bad(k) ? 1 : 4),
                     worked_bad(k) ? OUTCOME_REFUSED : OUTCOME_GOOD);
    }
}

static void set(uint64_t k, enum outcome outcome, double done)
{
    b.samples.at[k].outcome = (uint8_t)outcome;
    b.samples.at[k].done_ns = MS(done);
}

static double planned(uint64_t k)
{
    return 10007 + 20.0 * (double)k;
}

static void the_worked_example_comes_out_to_the_digit(void)
{
    build(35000);
    const struct result *r = bench_run(&b);
    const struct result_measures *m = &r->measures;
    CU_ASSERT_NEAR(m->rto_lower_s, 0.7242);
    CU_ASSERT_NEAR(m->rto_upper_s, 0.7512);
    CU_ASSERT_NEAR(m->rto_client_lower_s, 0.7202);
    CU_ASSERT_NEAR(m->rto_client_upper_s, 0.7442);
    CU_ASSERT_NEAR(m->time_to_first_failure_s, 0.007);
    CU_ASSERT_NEAR(m->first_failure_seen_s, 0.0082);
    CU_ASSERT_NEAR(m->first_success_s, 0.4112);
    CU_ASSERT_NEAR(m->full_outage_equivalent_s, 0.72);
    CU_ASSERT_EQUAL(m->loss_period_count, 1);
    CU_ASSERT_NEAR(m->availability_ratio, 0.976);
    CU_ASSERT_NEAR(m->availability_window_s, 30);
    CU_ASSERT_NEAR(m->burn_rate_ratio, 2.4);
    CU_ASSERT_DOUBLE_EQUAL(m->budget_share_ratio, 2.78e-5, 5e-8);
    CU_ASSERT_NEAR(m->degraded_s, 1);
    CU_ASSERT_NEAR(m->outage_s, 0);
    CU_ASSERT_NEAR(m->brownout_s, 1);
    CU_ASSERT(isnan(m->rto_after_heal_s));
    CU_ASSERT_EQUAL(r->requests.intended_count, 1500);
    CU_ASSERT_EQUAL(r->requests.good_count, 1464);
    CU_ASSERT_EQUAL(r->requests.refused_count, 36);
    CU_ASSERT_NEAR(r->requests.by_vantage.at[0].rto_upper_s, 0.7512);
    const struct result_objective *o = bench_objective(&b, "rto");
    CU_ASSERT_WORD(o->recovered_by, "failover");
    CU_ASSERT_EQUAL(o->flags.len, 0); /* 20 ms is exactly 1 % of 2 s: not coarse */
    CU_ASSERT_NEAR(o->resolution, 0.02);
    CU_ASSERT_EQUAL(o->verdict, MET);
    CU_ASSERT_EQUAL(r->run.verdict, MET);
    CU_ASSERT_EQUAL(r->run.exit_code, 0);
    bench_deinit(&b);
}

static void targets_of_the_worked_example_are_judged_by_its_ends(void)
{
    static const struct {
        double target_ms;
        enum verdict verdict;
    } rows[] = {{2000, MET}, {751.2, MET}, {751.1, INCONCLUSIVE}, {740, INCONCLUSIVE}, {724.2, INCONCLUSIVE},
                {724.1, MISSED}, {720, MISSED}};
    build(35000);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bench_target(&b, TARGET_RTO, MS(rows[i].target_ms));
        bench_run(&b);
        CU_ASSERT_EQUAL(bench_objective(&b, "rto")->verdict, rows[i].verdict);
    }
    CU_ASSERT_WORD(bench_objective(&b, "rto")->flags.at[0], "coarse");
    CU_ASSERT_EQUAL(b.result->run.exit_code, 1);
    bench_deinit(&b);
}

static void a_hold_that_the_heal_cuts_is_recovery_by_heal(void)
{
    build(20000); /* stable from 15747, six seconds of hold end at 21747 */
    const struct result *r = bench_run(&b);
    const struct result_objective *o = bench_objective(&b, "rto");
    CU_ASSERT_NEAR(o->achieved_lower, 0.7242);
    CU_ASSERT(isnan(o->achieved_upper));
    CU_ASSERT_WORD(o->recovered_by, "heal");
    CU_ASSERT_WORD(o->flags.at[0], "hold_cut");
    CU_ASSERT_EQUAL(o->verdict, INCONCLUSIVE);
    CU_ASSERT_EQUAL(r->run.exit_code, 4);
    bench_deinit(&b);
}

static void service_that_only_the_heal_brings_back_is_open_above(void)
{
    build(20000);
    for (uint64_t k = FIRST_BAD; planned(k) < 20100; k++)
        set(k, OUTCOME_REFUSED, planned(k) + 1);
    const struct result *r = bench_run(&b);
    const struct result_objective *o = bench_objective(&b, "rto");
    CU_ASSERT_WORD(o->recovered_by, "heal");
    CU_ASSERT(isnan(o->achieved_upper));
    CU_ASSERT_NEAR(o->achieved_lower, (19987.2 - 15003) / 1e3); /* last one sent before the heal */
    CU_ASSERT_EQUAL(o->verdict, MISSED);
    CU_ASSERT_NEAR(r->measures.rto_after_heal_s, (20107 + 4.2 - 20000) / 1e3);
    CU_ASSERT_NEAR(r->measures.full_outage_equivalent_s, (20107 - 15007) / 20.0 / 50);
    CU_ASSERT_EQUAL(o->flags.len, 0);
    bench_deinit(&b);
}

static void service_that_never_comes_back_says_never(void)
{
    build(NEVER);
    for (uint64_t k = FIRST_BAD; k < COUNT; k++)
        set(k, OUTCOME_REFUSED, planned(k) + 1);
    bench_run(&b);
    const struct result_objective *o = bench_objective(&b, "rto");
    CU_ASSERT_WORD(o->recovered_by, "never");
    CU_ASSERT(isnan(o->achieved_upper));
    CU_ASSERT_EQUAL(o->verdict, MISSED);
    CU_ASSERT(isnan(b.result->measures.rto_after_heal_s));
    bench_deinit(&b);
}

static void half_of_the_requests_bad_is_never_recovered(void)
{
    build(NEVER);
    for (uint64_t k = FIRST_BAD; k < COUNT; k++)
        set(k, k % 2 ? OUTCOME_HTTP_STATUS : OUTCOME_GOOD, planned(k) + 4);
    bench_run(&b);
    CU_ASSERT_WORD(bench_objective(&b, "rto")->recovered_by, "never");
    bench_deinit(&b);
}

static void nothing_bad_gives_a_lower_end_of_zero_and_waives_the_hold(void)
{
    build(16000);
    for (uint64_t k = FIRST_BAD; k <= LAST_BAD; k++)
        set(k, OUTCOME_GOOD, planned(k) + 4.2);
    const struct result *r = bench_run(&b);
    CU_ASSERT_NEAR(r->measures.rto_lower_s, 0);
    CU_ASSERT_NEAR(r->measures.rto_upper_s, 0.0112);
    CU_ASSERT(isnan(r->measures.rto_client_upper_s));
    CU_ASSERT(isnan(r->measures.time_to_first_failure_s));
    CU_ASSERT_EQUAL(r->measures.loss_period_count, 0);
    CU_ASSERT_PTR_NULL(bench_objective(&b, "rto")->recovered_by);
    bench_deinit(&b);
}

static void a_relapse_moves_the_recovery_and_is_flagged(void)
{
    build(35000);
    for (uint64_t k = 700; k < 705; k++) /* 24007, eight seconds after the first recovery */
        set(k, OUTCOME_RESET, planned(k) + 1);
    bench_run(&b);
    const struct result_objective *o = bench_objective(&b, "rto");
    CU_ASSERT_NEAR(o->achieved_upper, (planned(705) + 4.2 - 15000) / 1e3);
    CU_ASSERT_WORD(o->flags.at[0], "flapped");
    bench_deinit(&b);
}

static void one_blip_is_tolerated_and_counts_in_the_availability(void)
{
    build(35000);
    set(700, OUTCOME_RESET, planned(700) + 1);
    const struct result *r = bench_run(&b);
    CU_ASSERT_NEAR(r->measures.rto_upper_s, 0.7512);
    CU_ASSERT_NEAR(r->measures.availability_ratio, 1463.0 / 1500);
    CU_ASSERT_EQUAL(bench_objective(&b, "rto")->flags.len, 0);
    bench_deinit(&b);
}

static void a_wrong_reply_bars_the_recovery(void)
{
    build(35000);
    set(700, OUTCOME_WRONG, planned(700) + 4);
    const struct result *r = bench_run(&b);
    CU_ASSERT_NEAR(r->measures.rto_upper_s, (planned(701) + 4.2 - 15000) / 1e3);
    bench_deinit(&b);
}

static void slow_replies_are_no_recovery(void)
{
    build(35000);
    b.plan.baseline_p99_ns = MS(50);
    for (uint64_t k = LAST_BAD + 1; k < 400; k++)
        set(k, OUTCOME_GOOD, planned(k) + 60);
    const struct result *r = bench_run(&b);
    /* six seconds hold 301 requests, of which 3 may be slow */
    CU_ASSERT_NEAR(r->measures.rto_upper_s, (planned(397) + 60 - 15000) / 1e3);
    CU_ASSERT_NEAR(r->measures.rto_lower_s, 0.7242);
    bench_deinit(&b);
}

static void a_request_in_flight_at_the_fault_is_its_first_failure(void)
{
    build(35000);
    set(249, OUTCOME_RESET, 15002); /* planned 14987 */
    const struct result *r = bench_run(&b);
    CU_ASSERT_NEAR(r->measures.time_to_first_failure_s, -0.013);
    CU_ASSERT_NEAR(r->measures.first_failure_seen_s, 0.002);
    CU_ASSERT_NEAR(r->measures.rto_client_upper_s, (15751.2 - 14987) / 1e3);
    bench_deinit(&b);
}

static void keep_alive_streams_stand_beside_the_verdict(void)
{
    build(35000);
    uint16_t keep = bench_stream(&b, STREAM_READ_KEEPALIVE, 50, 1000);
    for (uint64_t k = 0; k < COUNT; k++) {
        double s = planned(k);
        bool bad = s >= 15001 && s < 19000;
        bench_sample(&b, keep, k, s, s + 0.2, s + (bad ? 1.2 : 4.2), bad ? OUTCOME_TIMEOUT : OUTCOME_GOOD);
    }
    const struct result *r = bench_run(&b);
    CU_ASSERT_NEAR(r->measures.rto_upper_s, 0.7512);
    CU_ASSERT_NEAR(r->measures.rto_keepalive_upper_s, (19007 + 4.2 - 15000) / 1e3);
    CU_ASSERT_EQUAL(bench_objective(&b, "rto")->verdict, MET);
    CU_ASSERT_EQUAL(r->limits.len, 1); /* the warning */
    bench_deinit(&b);
}

static void suspects_widen_the_interval_both_ways(void)
{
    build(35000);
    /* The last five bad ones were answered, 20 ms too late for the client, while drtest slept 50 ms. */
    for (uint64_t k = 282; k <= LAST_BAD; k++)
        set(k, OUTCOME_LATE, planned(k) + 1020);
    bench_stall(&b, planned(282) + 900, planned(282) + 1100);
    const struct result *r = bench_run(&b);
    CU_ASSERT_EQUAL(r->quality.suspect_count, 5);
    CU_ASSERT_NEAR(r->measures.rto_lower_s, (planned(281) + 0.2 - 15003) / 1e3);
    CU_ASSERT_NEAR(r->measures.rto_upper_s, 0.7512);
    bench_deinit(&b);
}

void suite_rto(void)
{
    runner_suite(NULL, NULL);
    runner_test(the_worked_example_comes_out_to_the_digit);
    runner_test(targets_of_the_worked_example_are_judged_by_its_ends);
    runner_test(a_hold_that_the_heal_cuts_is_recovery_by_heal);
    runner_test(service_that_only_the_heal_brings_back_is_open_above);
    runner_test(service_that_never_comes_back_says_never);
    runner_test(half_of_the_requests_bad_is_never_recovered);
    runner_test(nothing_bad_gives_a_lower_end_of_zero_and_waives_the_hold);
    runner_test(a_relapse_moves_the_recovery_and_is_flagged);
    runner_test(one_blip_is_tolerated_and_counts_in_the_availability);
    runner_test(a_wrong_reply_bars_the_recovery);
    runner_test(slow_replies_are_no_recovery);
    runner_test(a_request_in_flight_at_the_fault_is_its_first_failure);
    runner_test(keep_alive_streams_stand_beside_the_verdict);
    runner_test(suspects_widen_the_interval_both_ways);
}
