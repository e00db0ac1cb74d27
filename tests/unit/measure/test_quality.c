/* SPDX-License-Identifier: MIT */
/* sigma, suspects and the block `quality`. */
#include "harness/base/text.h"
#include "harness/measure/quality.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

static struct bench b;
static struct study s;
static struct arena memory;

static int build(void)
{
    bench_init(&b);
    bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    bench_fault(&b, "partition", 15000, 15004, NEVER, NEVER, 3000);
    for (uint64_t k = 0; k < 1000; k++) {
        double at = 10007 + 20.0 * (double)k;
        bench_sample(&b, 0, k, at, at + (k == 500 ? 12.5 : 0.5), at + 20, OUTCOME_GOOD);
    }
    return 0;
}

static int tear_down(void)
{
    arena_deinit(&memory);
    bench_deinit(&b);
    return 0;
}

static void study_now(void)
{
    bench_run(&b);
    arena_deinit(&memory);
    study_make(&s, &b.plan, &b.ev, &memory);
    quality_prepare(&s);
}

static void sigma_is_the_worst_that_touches_the_span(void)
{
    bench_stall(&b, 20100, 20130);
    bench_stall(&b, 20110, 20112);
    bench_stall(&b, 26000, 25000); /* woke before it was due: no lateness */
    study_now();
    CU_ASSERT_EQUAL(lateness_in(&s, MS(20120), MS(20125)), MS(30)); /* it began before and ended after */
    CU_ASSERT_EQUAL(lateness_in(&s, MS(20140), MS(20150)), MS(0.5)); /* slips of requests only */
    CU_ASSERT_EQUAL(lateness_in(&s, MS(20000), MS(20100)), MS(30));
    CU_ASSERT_EQUAL(lateness_in(&s, MS(20007), MS(20009)), MS(12.5)); /* the slip of request 500 */
    CU_ASSERT_EQUAL(lateness_in(&s, MS(50000), MS(60000)), 0);
    CU_ASSERT_NEAR(b.result->quality.max_slip_ms, 12.5);
    CU_ASSERT_NEAR(b.result->quality.max_stall_ms, 30);
    b.stalls.len = 0;
}

static void suspects_are_bad_only_by_our_lateness(void)
{
    struct sample *x = &b.samples.at[600]; /* planned 22007 */
    struct sample whole = *x;
    bench_stall(&b, 22100, 22200);
    x->outcome = OUTCOME_LATE;
    x->done_ns = x->planned_ns + MS(1100); /* 1000 + sigma */
    study_now();
    CU_ASSERT(s.streams[0].suspect[600]);
    x->done_ns += MS(0.1);
    study_now();
    CU_ASSERT_FALSE(s.streams[0].suspect[600]);
    x->outcome = OUTCOME_RESET; /* no lateness of ours resets a connection */
    x->done_ns = x->planned_ns + MS(10);
    study_now();
    CU_ASSERT_FALSE(s.streams[0].suspect[600]);
    x->outcome = OUTCOME_TIMEOUT; /* baseline p99 is 20 ms: sigma has to reach 960 ms */
    x->done_ns = x->planned_ns + MS(1000);
    study_now();
    CU_ASSERT_FALSE(s.streams[0].suspect[600]);
    bench_stall(&b, 22100, 23060);
    study_now();
    CU_ASSERT(s.streams[0].suspect[600]);
    CU_ASSERT_EQUAL(b.result->quality.suspect_count, 1);
    *x = whole;
    b.stalls.len = 0;
}

static void the_block_tells_rates_holds_and_widths(void)
{
    study_now();
    const struct result_quality *q = &b.result->quality;
    CU_ASSERT_NEAR(q->probe_interval_ms, 20);
    CU_ASSERT_NEAR(q->injection_width_ms, 4);
    CU_ASSERT_NEAR(q->baseline_s, 4);
    CU_ASSERT_NEAR(q->hold_s, 3);
    CU_ASSERT_EQUAL(q->harness_error_count, 0);
    CU_ASSERT_FALSE(q->suspended);
    CU_ASSERT_NEAR(q->clock_slew_ppm, 0);
    CU_ASSERT_EQUAL(q->exposure_write_count, JSON_NONE);
}

static void a_baseline_that_is_only_an_instant_looks_back_one_time_out(void)
{
    struct event *e = bench_find(&b, EVENT_BASELINE, NULL);
    e->at_ns = e->end_ns = MS(14900);
    study_now();
    CU_ASSERT_EQUAL(s.base_to_ns, MS(13900));
    CU_ASSERT_EQUAL(s.base_from_ns, MS(9900));
}

static void the_table_of_the_self_test_is_taken_from_the_timeline(void)
{
    struct event *e = bench_find(&b, EVENT_SELFTEST, NULL);
    json_decref(e->data);
    e->data = bench_json("{\"rows\":[{\"mode\":\"rst\",\"gap_ms\":5.0,\"outages\":20,\"inside\":19,"
                         "\"worst_excess_ms\":5.25,\"allowed_ms\":8.5},"
                         "{\"mode\":\"half\",\"gap_ms\":1.0,\"outages\":2,\"inside\":2,"
                         "\"worst_excess_ms\":null,\"allowed_ms\":null}]}");
    bench_run(&b);
    const struct result_quality *q = &b.result->quality;
    CU_ASSERT_EQUAL_FATAL(q->selftest.len, 2);
    CU_ASSERT_WORD(q->selftest.at[0].mode, "rst");
    CU_ASSERT_NEAR(q->selftest.at[0].gap_ms, 5);
    CU_ASSERT_EQUAL(q->selftest.at[0].inside, 19);
    CU_ASSERT_NEAR(q->selftest.at[0].allowed_ms, 8.5);
    CU_ASSERT(isnan(q->selftest.at[1].worst_excess_ms));
}

static void rows_that_are_none_are_left_out(void)
{
    struct event *e = bench_find(&b, EVENT_SELFTEST, NULL);
    json_decref(e->data);
    e->data = bench_json("{\"rows\":[7,{},{\"mode\":1,\"outages\":1,\"inside\":1},"
                         "{\"mode\":\"rst\",\"outages\":1,\"inside\":2},"
                         "{\"mode\":\"rst\",\"outages\":9223372036854775807,\"inside\":1},"
                         "{\"mode\":\"rst\",\"outages\":\"1\",\"inside\":1},"
                         "{\"mode\":\"flap\",\"gap_ms\":\"x\",\"outages\":1,\"inside\":1}]}");
    bench_run(&b);
    CU_ASSERT_EQUAL_FATAL(b.result->quality.selftest.len, 1);
    CU_ASSERT_WORD(b.result->quality.selftest.at[0].mode, "flap");
    CU_ASSERT(isnan(b.result->quality.selftest.at[0].gap_ms));
    json_decref(e->data);
    e->data = bench_json("{\"rows\":{\"mode\":\"rst\"}}");
    bench_run(&b);
    CU_ASSERT_EQUAL(b.result->quality.selftest.len, 0);
}

void suite_quality(void)
{
    runner_suite(build, tear_down);
    runner_test(sigma_is_the_worst_that_touches_the_span);
    runner_test(suspects_are_bad_only_by_our_lateness);
    runner_test(the_block_tells_rates_holds_and_widths);
    runner_test(a_baseline_that_is_only_an_instant_looks_back_one_time_out);
    runner_test(the_table_of_the_self_test_is_taken_from_the_timeline);
    runner_test(rows_that_are_none_are_left_out);
}
