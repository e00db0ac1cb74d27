/* SPDX-License-Identifier: MIT */
/* Failback, availability, tiles and latencies. */
#include "harness/base/text.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

static struct bench b;

enum { COUNT = 1800 };

static double planned(uint64_t k)
{
    return 10007 + 20.0 * (double)k;
}

/* Fault 15000 to 25000; eu-west serves from 16000 until home_ms. */
static void build(double home_ms)
{
    bench_init(&b);
    uint16_t reads = bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    bench_fault(&b, "partition", 15000, 15003, 25000, 25010, 5000);
    b.steps[0].action.target = TARGET_LINK;
    bench_target(&b, TARGET_FAILBACK, MS(10000));
    for (uint64_t k = 0; k < COUNT; k++) {
        bool bad = planned(k) > 15001 && planned(k) < 16000;
        struct sample *x = bench_sample(&b, reads, k, planned(k), planned(k) + 0.1, planned(k) + 4,
                                        bad ? OUTCOME_REFUSED : OUTCOME_GOOD);
        x->region = planned(k) < 16000 || planned(k) >= home_ms ? EAST : WEST;
    }
}

static void failback_is_stable_service_from_home(void)
{
    build(28000);
    const struct result *r = bench_run(&b);
    CU_ASSERT_NEAR(r->measures.failback_lower_s, (27987.1 - 25010) / 1e3);
    CU_ASSERT_NEAR(r->measures.failback_upper_s, (28011.0 - 25000) / 1e3);
    CU_ASSERT_EQUAL(bench_objective(&b, "failback")->verdict, MET);
    bench_target(&b, TARGET_FAILBACK, MS(2000));
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "failback")->verdict, MISSED);
    bench_deinit(&b);
}

static void service_that_never_goes_home_is_open_above(void)
{
    build(1e9);
    bench_run(&b);
    CU_ASSERT(isnan(b.result->measures.failback_upper_s));
    CU_ASSERT_EQUAL(bench_objective(&b, "failback")->verdict, MISSED); /* 21 s watched */
    bench_target(&b, TARGET_FAILBACK, MS(60000));
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "failback")->verdict, INCONCLUSIVE);
    bench_deinit(&b);
}

static void a_home_it_never_left_is_zero_below(void)
{
    build(16000);
    const struct result *r = bench_run(&b);
    CU_ASSERT_NEAR(r->measures.failback_lower_s, 0);
    CU_ASSERT_NEAR(r->measures.failback_upper_s, 0.011);
    bench_deinit(&b);
}

static void answers_without_a_region_are_judged_by_goodness_and_said_so(void)
{
    build(28000);
    for (size_t i = 0; i < b.samples.len; i++)
        b.samples.at[i].region = UINT16_MAX;
    const struct result *r = bench_run(&b);
    CU_ASSERT_NEAR(r->measures.failback_upper_s, 0.011);
    bool said = false;
    for (size_t i = 0; i < r->limits.len; i++)
        said = said || strstr(r->limits.at[i], "named no region");
    CU_ASSERT(said);
    bench_deinit(&b);
}

static void a_rollback_has_no_failback(void)
{
    build(28000);
    struct event *heal = bench_find(&b, EVENT_FAULT_HEAL, NULL);
    json_decref(heal->data);
    heal->data = bench_json("{\"ended_by\":\"rollback\"}");
    bench_run(&b);
    CU_ASSERT(isnan(b.result->measures.failback_upper_s));
    CU_ASSERT_EQUAL(bench_objective(&b, "failback")->verdict, INCONCLUSIVE);
    CU_ASSERT_WORD(b.result->faults.at[0].ended_by, "rollback");
    bench_deinit(&b);
}

static void bad_requests_after_the_heal_belong_to_the_failback(void)
{
    build(28000);
    for (uint64_t k = 0; k < COUNT; k++)
        if (planned(k) >= 27000 && planned(k) < 27500)
            b.samples.at[k].outcome = OUTCOME_HTTP_STATUS;
    const struct result *r = bench_run(&b);
    CU_ASSERT_NEAR(r->measures.rto_upper_s, (16007 + 4 - 15000) / 1e3);
    CU_ASSERT_EQUAL(r->measures.loss_period_count, 2);
    CU_ASSERT_NEAR(r->measures.full_outage_equivalent_s, (50 + 25) / 50.0);
    bench_deinit(&b);
}

static void availability_counts_the_plan_in_the_drills_window(void)
{
    build(28000);
    bench_target(&b, TARGET_AVAILABILITY, 960000);
    const struct result *r = bench_run(&b);
    CU_ASSERT_EQUAL(r->requests.intended_count, 1500);
    CU_ASSERT_EQUAL(r->requests.bad_count, 50);
    CU_ASSERT_EQUAL(bench_objective(&b, "availability")->verdict, MET);
    CU_ASSERT_WORD(bench_objective(&b, "availability")->direction, "at_least");
    bench_target(&b, TARGET_AVAILABILITY, 970000);
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "availability")->verdict, MISSED);
    bench_target(&b, TARGET_AVAILABILITY, 960000);
    b.plan.drill_ns = MS(60000); /* more than was watched */
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "availability")->verdict, INCONCLUSIVE);
    bench_deinit(&b);
}

static void tiles_tell_outage_from_brownout(void)
{
    build(28000);
    for (uint64_t k = 0; k < COUNT; k++) {
        if (planned(k) >= 15000 && planned(k) < 18000) /* two tiles without a good reply, one with half of them */
            b.samples.at[k].outcome = planned(k) < 17000 || k % 2 ? OUTCOME_TIMEOUT : OUTCOME_GOOD;
    }
    b.samples.at[800].outcome = OUTCOME_WRONG; /* one wrong reply degrades its tile */
    b.samples.at[900].outcome = OUTCOME_RESET; /* a single bad one does not */
    const struct result *r = bench_run(&b);
    CU_ASSERT_NEAR(r->measures.outage_s, 2);
    CU_ASSERT_NEAR(r->measures.degraded_s, 4);
    CU_ASSERT_NEAR(r->measures.brownout_s, 2);
    bench_deinit(&b);
}

static void outcomes_are_split_by_kind(void)
{
    static const enum outcome kinds[] = {OUTCOME_LATE, OUTCOME_WRONG, OUTCOME_HTTP_STATUS, OUTCOME_REFUSED,
                                         OUTCOME_RESET, OUTCOME_TIMEOUT, OUTCOME_TLS};
    build(28000);
    for (size_t i = 0; i < 7; i++)
        for (size_t n = 0; n <= i; n++)
            b.samples.at[1000 + 10 * i + n].outcome = (uint8_t)kinds[i];
    const struct result_requests *q = &bench_run(&b)->requests;
    CU_ASSERT_EQUAL(q->late_count, 1);
    CU_ASSERT_EQUAL(q->wrong_count, 2);
    CU_ASSERT_EQUAL(q->http_status_count, 3);
    CU_ASSERT_EQUAL(q->refused_count, 4 + 50);
    CU_ASSERT_EQUAL(q->reset_count, 5);
    CU_ASSERT_EQUAL(q->timeout_count, 6);
    CU_ASSERT_EQUAL(q->tls_count, 7);
    CU_ASSERT_EQUAL(q->good_count + q->bad_count, q->intended_count);
    CU_ASSERT_EQUAL(q->by_vantage.at[0].bad_count, q->bad_count);
    bench_deinit(&b);
}

static void latencies_are_those_of_good_requests(void)
{
    build(28000);
    bench_target(&b, TARGET_P99, MS(100));
    for (uint64_t k = 300; k < 320; k++) /* 20 slow ones after the recovery at 16007 */
        b.samples.at[k].done_ns = b.samples.at[k].planned_ns + MS(150);
    for (uint64_t k = 260; k < 290; k++) /* slow, but bad: no latency */
        b.samples.at[k].done_ns = b.samples.at[k].planned_ns + MS(900);
    const struct result *r = bench_run(&b);
    CU_ASSERT_NEAR(r->measures.baseline_p50_ms, 4);
    CU_ASSERT_NEAR(r->measures.baseline_p99_ms, 4);
    CU_ASSERT_NEAR(r->measures.recovered_p50_ms, 4);
    CU_ASSERT_NEAR(r->measures.recovered_p99_ms, 150);
    const struct result_objective *o = bench_objective(&b, "p99");
    CU_ASSERT_NEAR(o->achieved_upper, 150); /* 20 of 1450 are more than 1 % */
    CU_ASSERT_WORD(o->unit, "ms");
    CU_ASSERT_EQUAL(o->verdict, MISSED);
    bench_deinit(&b);
}

static void retries_are_attempts_beyond_the_first(void)
{
    build(28000);
    bench_target(&b, TARGET_RETRIES, 300000);
    for (size_t k = 0; k < b.samples.len; k++)
        b.samples.at[k].attempts = k < 250 ? 9 : k % 4 == 0 ? 3 : k % 4 == 1 ? 0 : 1; /* the window begins with 250 */
    const struct result_objective *o = bench_objective((bench_run(&b), &b), "retries");
    CU_ASSERT_EQUAL(o->verdict, MISSED);
    CU_ASSERT_WORD(o->unit, "ratio");
    for (size_t k = 0; k < b.samples.len; k++)
        b.samples.at[k].attempts = k % 5 == 0 ? 2 : 1;
    bench_run(&b);
    o = bench_objective(&b, "retries");
    CU_ASSERT(o->achieved_upper > 0.199 && o->achieved_upper < 0.201);
    CU_ASSERT_EQUAL(o->verdict, MET);
    bench_deinit(&b);
}

static void users_that_change_servers_are_counted_once_each(void)
{
    build(28000);
    bench_target(&b, TARGET_MOVED_USERS, 250000);
    int64_t middle = MS(16000);
    for (size_t k = 0; k < b.samples.len; k++) {
        struct sample *x = &b.samples.at[k];
        x->key = (uint16_t)(k % 4);
        bool second = x->key == 3 && x->planned_ns > middle; /* one user of four moves, */
        x->node = (uint16_t)((second ? ORIGIN_WEST : ORIGIN_EAST) + 1);
        if (k % 40 == 2)
            x->node = ORIGIN_WEST + 1; /* another is led astray now and then, */
        if (k % 40 == 5)
            x->node = 0; /* and not every answer has a name */
    }
    bench_run(&b);
    const struct result_objective *o = bench_objective(&b, "moved_users");
    CU_ASSERT_NEAR(o->achieved_upper, 0.25);
    CU_ASSERT_EQUAL(o->verdict, MET);
    for (size_t k = 0; k < b.samples.len; k++)
        b.samples.at[k].node = 0;
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "moved_users")->verdict, INCONCLUSIVE);
    bench_deinit(&b);
}

static void our_own_lateness_misses_nothing(void)
{
    build(28000);
    bench_target(&b, TARGET_AVAILABILITY, 960000);
    bench_target(&b, TARGET_P99, MS(100));
    for (uint64_t k = 900; k < 925; k++) { /* 28007 to 28487: late, and slow but good, for what we know because of us */
        b.samples.at[k].outcome = k < 912 ? OUTCOME_LATE : OUTCOME_GOOD;
        b.samples.at[k].done_ns = b.samples.at[k].planned_ns + MS(k < 912 ? 1200 : 900);
    }
    for (uint64_t k = 925; k < 940; k++)
        b.samples.at[k].done_ns = b.samples.at[k].planned_ns + MS(900);
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "availability")->verdict, MISSED); /* 1438 of 1500 */
    CU_ASSERT_EQUAL(bench_objective(&b, "p99")->verdict, MISSED);
    bench_stall(&b, 28100, 29100);
    bench_run(&b);
    const struct result_objective *a = bench_objective(&b, "availability"), *p = bench_objective(&b, "p99");
    CU_ASSERT_NEAR(a->achieved_lower, 1438 / 1500.0);
    CU_ASSERT_NEAR(a->achieved_upper, 1450 / 1500.0);
    CU_ASSERT_EQUAL(a->verdict, INCONCLUSIVE);
    CU_ASSERT_NEAR(p->achieved_lower, 4);
    CU_ASSERT_NEAR(p->achieved_upper, 900);
    CU_ASSERT_EQUAL(p->verdict, INCONCLUSIVE);
    bench_deinit(&b);
}

void suite_service(void)
{
    runner_suite(NULL, NULL);
    runner_test(failback_is_stable_service_from_home);
    runner_test(retries_are_attempts_beyond_the_first);
    runner_test(users_that_change_servers_are_counted_once_each);
    runner_test(service_that_never_goes_home_is_open_above);
    runner_test(a_home_it_never_left_is_zero_below);
    runner_test(answers_without_a_region_are_judged_by_goodness_and_said_so);
    runner_test(a_rollback_has_no_failback);
    runner_test(bad_requests_after_the_heal_belong_to_the_failback);
    runner_test(availability_counts_the_plan_in_the_drills_window);
    runner_test(tiles_tell_outage_from_brownout);
    runner_test(outcomes_are_split_by_kind);
    runner_test(latencies_are_those_of_good_requests);
    runner_test(our_own_lateness_misses_nothing);
}
