/* SPDX-License-Identifier: MIT */
/*
 * Keys that were revoked and keys that are limited: worked examples with two gateways, times in ms. The order to revoke
 * stands in [16000, 16010]; each gateway is asked every 100 ms, sends at once and is answered 4 ms later.
 */
#include "tests/unit/measure/bench.h"

#include "harness/base/text.h"
#include "tests/unit/runner.h"

static struct bench b;

enum { FIRST = 15000, STEP = 100, VISITS = 100 };

static void build(enum caller who, double rate)
{
    bench_init(&b);
    bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    for (int k = 0; k < 1000; k++)
        bench_sample(&b, 0, (uint64_t)k, 10000 + 20 * k, 10000 + 20 * k, 10002 + 20 * k, OUTCOME_GOOD);
    bench_patrol(&b, who, GATEWAY_EAST, rate);
    bench_patrol(&b, who, GATEWAY_WEST, rate);
}

static void order(const char *outcome)
{
    struct plan_step *step = bench_step(&b, "revoke", 16000);
    bench_event(&b, EVENT_ACTION, 16000, 16010, "revoke", outcome, step->id);
}

/* The k-th request to a gateway. */
static void visit(uint16_t patrol, int k, int status)
{
    double at = FIRST + STEP * k;
    bench_visit(&b, patrol, (uint64_t)k, at, status ? at + 4 : at + 1000, status);
}

/* Let in up to and without visit `until`, then answered with these. */
static void visits(uint16_t patrol, int until, int then, int at_last)
{
    for (int k = 0; k < VISITS; k++)
        visit(patrol, k, k < until ? 200 : k < VISITS - 1 ? then : at_last);
}

static const struct result_objective *revoked(int64_t target_ns)
{
    bench_target(&b, TARGET_REVOKED, target_ns);
    bench_run(&b);
    return bench_objective(&b, "revoked");
}

static void the_last_gateway_decides(void)
{
    build(CALLER_LEAKED, 10);
    order("ok");
    visits(0, 12, 403, 403); /* last let in at 16100, refused at 16204 */
    visits(1, 25, 403, 403); /* 17400, 17504 */
    const struct result_objective *o = revoked(MS(2000));
    CU_ASSERT_NEAR(o->achieved_lower, 17.4 - 16.01);
    CU_ASSERT_NEAR(o->achieved_upper, 17.504 - 16);
    CU_ASSERT_NEAR(o->resolution, 0.1);
    CU_ASSERT_EQUAL(o->verdict, MET);
    bench_deinit(&b);
}

static void between_the_ends_nobody_knows(void)
{
    build(CALLER_LEAKED, 10);
    order("ok");
    visits(0, 12, 403, 403);
    visits(1, 25, 403, 403);
    CU_ASSERT_EQUAL(revoked(MS(1400))->verdict, INCONCLUSIVE);
    bench_deinit(&b);
    build(CALLER_LEAKED, 10);
    order("ok");
    visits(0, 12, 403, 403);
    visits(1, 25, 403, 403);
    CU_ASSERT_EQUAL(revoked(MS(1300))->verdict, MISSED);
    bench_deinit(&b);
}

static void refused_at_once_is_nothing(void)
{
    build(CALLER_LEAKED, 10);
    order("ok");
    visits(0, 10, 403, 403); /* 16000 is refused */
    visits(1, 10, 403, 403);
    const struct result_objective *o = revoked(MS(1000));
    CU_ASSERT_NEAR(o->achieved_lower, 0);
    CU_ASSERT_NEAR(o->achieved_upper, 0.004);
    bench_deinit(&b);
}

static void never_refused_is_missed(void)
{
    build(CALLER_LEAKED, 10);
    order("ok");
    visits(0, 12, 403, 403);
    visits(1, VISITS, 200, 200); /* still let in at 24900 */
    const struct result_objective *o = revoked(MS(5000));
    CU_ASSERT_NEAR(o->achieved_lower, 24.9 - 16.01);
    CU_ASSERT(isnan(o->achieved_upper));
    CU_ASSERT_EQUAL(o->verdict, MISSED);
    bench_deinit(&b);
}

/* Whoever serves nobody has not shown that he knows; once he refuses, he has, from when on he let nobody in. */
static void out_of_service_is_no_refusal(void)
{
    build(CALLER_LEAKED, 10);
    order("ok");
    visits(0, 12, 403, 403);
    visits(1, 25, 503, 503);
    const struct result_objective *o = revoked(MS(5000));
    CU_ASSERT(isnan(o->achieved_upper));
    CU_ASSERT_EQUAL(o->verdict, INCONCLUSIVE);
    bench_deinit(&b);
    build(CALLER_LEAKED, 10);
    order("ok");
    visits(0, 12, 403, 403);
    visits(1, 25, 503, 403);
    CU_ASSERT_EQUAL(revoked(MS(2000))->verdict, MET);
    bench_deinit(&b);
}

static void no_answer_says_nothing(void)
{
    build(CALLER_LEAKED, 10);
    order("ok");
    visits(0, 12, 403, 403);
    for (int k = 0; k < VISITS; k++)
        visit(1, k, k < 12 ? 200 : k < 30 ? 0 : 403); /* silent from 16200 to 17900, refused at 18004 */
    const struct result_objective *o = revoked(MS(5000));
    CU_ASSERT_NEAR(o->achieved_lower, 16.1 - 16.01);
    CU_ASSERT_NEAR(o->achieved_upper, 18.004 - 16);
    bench_deinit(&b);
}

static void a_relapse_counts(void)
{
    build(CALLER_LEAKED, 10);
    order("ok");
    visits(0, 12, 403, 403);
    for (int k = 0; k < VISITS; k++)
        visit(1, k, k < 12 || k == 40 ? 200 : 403);
    const struct result_objective *o = revoked(MS(5000));
    CU_ASSERT_NEAR(o->achieved_lower, 19 - 16.01);
    CU_ASSERT_NEAR(o->achieved_upper, 19.104 - 16);
    bench_deinit(&b);
}

static void what_was_not_seen_before_proves_nothing(void)
{
    build(CALLER_LEAKED, 10);
    order("ok");
    visits(0, 12, 403, 403);
    visits(1, 0, 403, 403);
    CU_ASSERT_EQUAL(revoked(MS(5000))->verdict, INCONCLUSIVE);
    bench_deinit(&b);
    build(CALLER_LEAKED, 10);
    order("error");
    visits(0, 12, 403, 403);
    visits(1, 12, 403, 403);
    CU_ASSERT_EQUAL(revoked(MS(5000))->verdict, INCONCLUSIVE);
    bench_deinit(&b);
}

static void nobody_tried_nothing_is_known(void)
{
    build(CALLER_BULK, 10);
    order("ok");
    visits(0, VISITS, 200, 200);
    visits(1, VISITS, 200, 200);
    CU_ASSERT_EQUAL(revoked(MS(5000))->verdict, INCONCLUSIVE);
    bench_deinit(&b);
}

static void a_hole_in_the_record_bars_met(void)
{
    build(CALLER_LEAKED, 10);
    order("ok");
    visits(0, 12, 403, 403);
    for (int k = 0; k < VISITS; k++)
        if (k != 20)
            visit(1, k, k < 12 ? 200 : 403);
    CU_ASSERT_EQUAL(revoked(MS(5000))->verdict, INCONCLUSIVE);
    bench_deinit(&b);
}

/* A cut in [16000, 16010], healed in [20000, 20010], a limit of 10/s. In it lie visits 11 to 49 of each gateway for
 * sure, and perhaps 10 and 50: 78 and 82 requests over 4.01 and 3.99 seconds. Every second one is answered with
 * these. */
static const struct result_objective *overshoot(int64_t target_ppm, int east, int west)
{
    build(CALLER_BULK, 10);
    b.topology.limits = (struct topo_limits){.given = true, .rate_micro = 10 * PPM, .offered_micro = 10 * PPM};
    bench_fault(&b, "partition", 16000, 16010, 20000, 20010, 1000);
    for (int k = 0; k < VISITS; k++) {
        visit(0, k, k % 2 && k > 10 ? east : 200);
        visit(1, k, k % 2 && k > 10 ? west : 200);
    }
    bench_target(&b, TARGET_OVERSHOOT, target_ppm);
    bench_run(&b);
    return bench_objective(&b, "overshoot");
}

static void what_is_let_through_beyond_the_limit(void)
{
    const struct result_objective *o = overshoot(500000, 200, 200);
    CU_ASSERT_NEAR(o->achieved_lower, 78 / 40.1 - 1);
    CU_ASSERT_NEAR(o->achieved_upper, 82 / 39.9 - 1);
    CU_ASSERT_EQUAL(o->verdict, MISSED);
    bench_deinit(&b);
    o = overshoot(500000, 429, 200); /* the east lets every second one through */
    CU_ASSERT_NEAR(o->achieved_lower, (39 + 19) / 40.1 - 1);
    CU_ASSERT_NEAR(o->achieved_upper, (41 + 21) / 39.9 - 1);
    CU_ASSERT_EQUAL(o->verdict, INCONCLUSIVE);
    bench_deinit(&b);
    o = overshoot(600000, 429, 200);
    CU_ASSERT_EQUAL(o->verdict, MET);
    bench_deinit(&b);
}

static void within_the_limit_is_none(void)
{
    const struct result_objective *o = overshoot(100000, 429, 429);
    CU_ASSERT_NEAR(o->achieved_lower, 0);
    CU_ASSERT_NEAR(o->achieved_upper, 42 / 39.9 - 1);
    CU_ASSERT_EQUAL(o->verdict, MET);
    bench_deinit(&b);
}

static void what_could_not_be_missed_is_not_met(void)
{
    const struct result_objective *o = overshoot(996000, 429, 429);
    CU_ASSERT_EQUAL(o->verdict, INCONCLUSIVE);
    bench_deinit(&b);
}

void suite_callers(void)
{
    runner_suite(NULL, NULL);
    runner_test(the_last_gateway_decides);
    runner_test(between_the_ends_nobody_knows);
    runner_test(refused_at_once_is_nothing);
    runner_test(never_refused_is_missed);
    runner_test(out_of_service_is_no_refusal);
    runner_test(no_answer_says_nothing);
    runner_test(a_relapse_counts);
    runner_test(what_was_not_seen_before_proves_nothing);
    runner_test(nobody_tried_nothing_is_known);
    runner_test(a_hole_in_the_record_bars_met);
    runner_test(what_is_let_through_beyond_the_limit);
    runner_test(within_the_limit_is_none);
    runner_test(what_could_not_be_missed_is_not_met);
}
