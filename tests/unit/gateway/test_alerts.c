/* SPDX-License-Identifier: MIT */
/*
 * The rules by which a gateway watches itself, window by window, and the histogram under them.
 */
#include "gateway-under-test/alerts.h"
#include "gateway-under-test/node.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <string.h>

static struct config_alerts rules;
static struct config config;
static struct node node;
static struct alerts a;
static int64_t now;

static int set_up(void)
{
    rules = (struct config_alerts){.window_ms = 500, .slow_percent = 120, .slow_least_ms = 20, .error_ppm = 10000,
                                   .traffic_percent = 200, .after = 3, .rules = (1U << ALERT_RULES) - 1};
    config = (struct config){.node = "us-east/1", .alerts = &rules};
    node = (struct node){.config = &config};
    return 0;
}

static void begin(void)
{
    vec_deinit(&a.kept);
    a = (struct alerts){.node = &node, .cfg = &rules};
    now = NS_PER_S;
    a.window_began = now;
}

/* One window of so many answers, each so long; the last `errors` of them 503. */
static void window(int answers, int64_t ms, int errors)
{
    for (int i = 0; i < answers; i++)
        alerts_note(&a, i < answers - errors ? 200 : 503, ms * NS_PER_MS);
    now += 500 * NS_PER_MS;
    alerts_turn(&a, now);
}

static void windows(int n, int answers, int64_t ms, int errors)
{
    for (int i = 0; i < n; i++)
        window(answers, ms, errors);
}

static int64_t raised(enum alert_rule rule)
{
    return a.state[rule].raised;
}

static int64_t raised_at_all(void)
{
    return raised(ALERT_SLOW) + raised(ALERT_ERRORS) + raised(ALERT_TRAFFIC);
}

static void peace_raises_nothing(void)
{
    begin();
    windows(200, 100, 2, 0);
    for (int i = 0; i < 200; i++)
        window(80 + i % 40, 1 + i % 5, i % 2);
    CU_ASSERT_EQUAL(raised_at_all(), 0);
}

static void slow_answers_do_after_three_windows(void)
{
    begin();
    windows(20, 100, 2, 0);
    windows(2, 100, 60, 0);
    CU_ASSERT_EQUAL(raised_at_all(), 0);
    window(100, 60, 0);
    CU_ASSERT_EQUAL(raised(ALERT_SLOW), 1);
    CU_ASSERT_TRUE(a.state[ALERT_SLOW].firing);
    windows(500, 100, 60, 0);
    CU_ASSERT_TRUE(a.state[ALERT_SLOW].firing); /* an incident does not become the usual */
    CU_ASSERT_EQUAL(raised_at_all(), 1);
    windows(3, 100, 2, 0);
    CU_ASSERT_FALSE(a.state[ALERT_SLOW].firing);
    windows(3, 100, 60, 0);
    CU_ASSERT_EQUAL(raised(ALERT_SLOW), 2);
}

static void a_hiccup_does_not(void)
{
    begin();
    windows(20, 100, 2, 0);
    for (int i = 0; i < 30; i++) {
        windows(2, 100, 300, 0);
        window(100, 2, 0);
    }
    CU_ASSERT_EQUAL(raised_at_all(), 0);
}

static void a_little_slower_is_not_slow(void)
{
    begin();
    windows(20, 100, 2, 0);
    windows(20, 100, 20, 0); /* ten times the usual, but not 20 ms above it */
    CU_ASSERT_EQUAL(raised_at_all(), 0);
    begin();
    windows(20, 100, 400, 0);
    windows(20, 100, 440, 0); /* 40 ms above it, but not by a fifth */
    CU_ASSERT_EQUAL(raised_at_all(), 0);
}

static void errors_need_no_past(void)
{
    begin();
    windows(3, 100, 2, 2);
    CU_ASSERT_EQUAL(raised(ALERT_ERRORS), 0); /* two may be chance */
    windows(3, 100, 2, 3);
    CU_ASSERT_EQUAL(raised(ALERT_ERRORS), 1);
    begin();
    windows(9, 1000, 2, 9); /* 0.9 % */
    CU_ASSERT_EQUAL(raised(ALERT_ERRORS), 0);
}

static void traffic_is_unusual_both_ways(void)
{
    begin();
    windows(20, 100, 2, 0);
    windows(3, 199, 2, 0);
    windows(3, 51, 2, 0);
    CU_ASSERT_EQUAL(raised_at_all(), 0);
    windows(3, 300, 2, 0);
    CU_ASSERT_EQUAL(raised(ALERT_TRAFFIC), 1);
    windows(3, 100, 2, 0);
    windows(3, 0, 2, 0);
    CU_ASSERT_EQUAL(raised(ALERT_TRAFFIC), 2);
    CU_ASSERT_EQUAL(raised_at_all(), 2);
}

static void the_first_customers_are_not_unusual(void)
{
    begin();
    windows(100, 0, 2, 0);
    windows(7, 500, 2, 0);
    windows(3, 5000, 400, 0);
    CU_ASSERT_EQUAL(raised_at_all(), 0); /* nothing is usual yet */
}

static void what_is_not_watched_is_not_raised(void)
{
    begin();
    rules.rules = 1U << ALERT_ERRORS;
    windows(20, 100, 2, 0);
    windows(9, 100, 500, 0);
    windows(9, 900, 2, 0);
    CU_ASSERT_EQUAL(raised_at_all(), 0);
    scoped_json json_t *told = alerts_status(&a);
    CU_ASSERT_EQUAL(json_object_size(told), 1);
    rules.rules = (1U << ALERT_RULES) - 1;
}

static void alerts_are_told_with_their_times(void)
{
    begin();
    windows(20, 100, 2, 0);
    windows(3, 100, 2, 50);
    windows(3, 100, 2, 0);
    windows(3, 100, 200, 0);
    scoped_json json_t *told = alerts_list(&a);
    const json_t *list = json_object_get(told, "alerts");
    CU_ASSERT_EQUAL_FATAL(json_array_size(list), 2);
    const json_t *first = json_array_get(list, 0), *second = json_array_get(list, 1);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(first, "rule")), "errors");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(first, "state")), "over");
    CU_ASSERT_TRUE(json_is_string(json_object_get(first, "cleared")));
    CU_ASSERT_DOUBLE_EQUAL(json_real_value(json_object_get(first, "value")), 0.5, 1e-9);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(second, "state")), "firing");
    CU_ASSERT_TRUE(json_is_null(json_object_get(second, "cleared")));
    CU_ASSERT_DOUBLE_EQUAL(json_real_value(json_object_get(second, "value")), 0.2, 0.007);
    for (int i = 0; i < 100; i++) {
        windows(3, 100, 2, 0);
        windows(3, 100, 2, 50);
    }
    CU_ASSERT_EQUAL(a.kept.len, ALERT_KEPT);
}

static void quantiles_are_right_to_three_percent(void)
{
    for (int64_t us = 1; us < 9000000; us = us * 5 / 4 + 1) {
        struct latency l = {0};
        for (int i = 0; i < 98; i++)
            latency_add(&l, us / 3);
        latency_add(&l, us);
        latency_add(&l, us);
        int64_t q = latency_quantile(&l, 99);
        CU_ASSERT_TRUE(q >= us && (double)q <= (double)us * 1.033 + 1);
    }
    struct latency none = {0};
    CU_ASSERT_EQUAL(latency_quantile(&none, 99), 0);
    latency_add(&none, INT64_MAX);
    latency_add(&none, -5);
    CU_ASSERT_EQUAL(none.total, 2);
}

static int tear_down(void)
{
    vec_deinit(&a.kept);
    return 0;
}

void suite_alerts(void)
{
    runner_suite(set_up, tear_down);
    runner_test(peace_raises_nothing);
    runner_test(slow_answers_do_after_three_windows);
    runner_test(a_hiccup_does_not);
    runner_test(a_little_slower_is_not_slow);
    runner_test(errors_need_no_past);
    runner_test(traffic_is_unusual_both_ways);
    runner_test(the_first_customers_are_not_unusual);
    runner_test(what_is_not_watched_is_not_raised);
    runner_test(alerts_are_told_with_their_times);
    runner_test(quantiles_are_right_to_three_percent);
}
