/* SPDX-License-Identifier: MIT */
/*
 * Requests that were under way at a gateway that was told to leave: it is told at 16000 and gone at 16500 ms.
 */
#include "tests/unit/measure/bench.h"

#include "harness/base/text.h"
#include "tests/unit/runner.h"

static struct bench b;
static uint64_t next;

static struct sample *request(double sent, double done, enum outcome outcome)
{
    struct sample *x = bench_sample(&b, 0, next++, sent, sent, done, outcome);
    x->endpoint = GATEWAY_EAST;
    return x;
}

static struct plan_step *build(const char *verb)
{
    next = 0;
    bench_init(&b);
    bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    struct plan_step *step = bench_fault(&b, verb, 16000, 16500, 20000, 20010, 0);
    step->action.target = TARGET_NODE;
    step->action.node = GATEWAY_EAST;
    return step;
}

static void each_request_has_one_end(void)
{
    build("stop");
    request(15900, 15999, OUTCOME_GOOD); /* over before it was told */
    request(15990, 16004, OUTCOME_GOOD);
    request(16100, 16104, OUTCOME_HTTP_STATUS);
    request(16200, 16500, OUTCOME_RESET);
    request(16210, 17210, OUTCOME_TIMEOUT);
    request(16300, 16301, OUTCOME_REFUSED);
    request(16400, 17400, OUTCOME_TIMEOUT)->flags = SAMPLE_NO_CONNECT;
    request(16410, 16420, OUTCOME_TLS);
    request(16420, 16424, OUTCOME_GOOD)->endpoint = GATEWAY_WEST;
    request(16501, 16505, OUTCOME_RESET); /* sent when it was gone */
    bench_run(&b);
    CU_ASSERT_EQUAL_FATAL(b.result->stops.len, 1);
    const struct result_stop *stop = &b.result->stops.at[0];
    CU_ASSERT_EQUAL(stop->fault_id, b.result->faults.at[0].id);
    CU_ASSERT_EQUAL(stop->under_way_count, 4);
    CU_ASSERT_EQUAL(stop->answered_count, 2);
    CU_ASSERT_EQUAL(stop->cut_count, 1);
    CU_ASSERT_EQUAL(stop->unanswered_count, 1);
    bench_deinit(&b);
}

static void a_region_is_all_its_gateways(void)
{
    struct plan_step *step = build("stop");
    step->action.target = TARGET_REGION;
    step->action.site = EAST;
    request(16200, 16500, OUTCOME_RESET);
    bench_run(&b);
    CU_ASSERT_EQUAL_FATAL(b.result->stops.len, 1);
    CU_ASSERT_EQUAL(b.result->stops.at[0].cut_count, 1);
    bench_deinit(&b);
}

/* Who asked an origin was a gateway, and a kill asks nobody to leave. */
static void nothing_is_told_of_others(void)
{
    build("stop")->action.node = ORIGIN_EAST;
    request(16200, 16500, OUTCOME_RESET);
    bench_run(&b);
    CU_ASSERT_EQUAL(b.result->stops.len, 0);
    bench_deinit(&b);
    build("kill");
    request(16200, 16500, OUTCOME_RESET);
    bench_run(&b);
    CU_ASSERT_EQUAL(b.result->stops.len, 0);
    bench_deinit(&b);
}

void suite_leaving(void)
{
    runner_suite(NULL, NULL);
    runner_test(each_request_has_one_end);
    runner_test(a_region_is_all_its_gateways);
    runner_test(nothing_is_told_of_others);
}
