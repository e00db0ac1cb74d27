/* SPDX-License-Identifier: MIT */
/*
 * Losing endpoints and getting them back: unhealthy_after 3, healthy_after 4.
 */
#include "harness/base/units.h"
#include "harness/load/endpoints.h"
#include "tests/unit/load/plan_fixture.h"
#include "tests/unit/runner.h"

#include <string.h>

static struct plan_fixture fixture;
static struct endpoints list;

static void begin(void)
{
    plan_fixture_init(&fixture, 1, 0, 0, NS_PER_S);
    endpoints_deinit(&list);
    endpoints_init(&list, &fixture.topology, NULL);
}

static int tear_down(void)
{
    endpoints_deinit(&list);
    return 0;
}

static void probe(size_t i, bool failed, int times)
{
    for (int n = 0; n < times; n++) {
        endpoints_probe(&list, i, failed, 100);
    }
}

static void starts_with_the_first(void)
{
    begin();
    CU_ASSERT_EQUAL(list.count, 2);
    CU_ASSERT_EQUAL(list.current, 0);
    CU_ASSERT_STRING_EQUAL(list.at[1].address, "127.0.0.2");
    static const char *const addresses[] = {"10.0.0.1", "10.0.0.2"};
    struct endpoints other;
    endpoints_init(&other, &fixture.topology, addresses);
    CU_ASSERT_STRING_EQUAL(other.at[1].address, "10.0.0.2");
    endpoints_deinit(&other);
}

static void failed_requests_in_a_row_move_on(void)
{
    begin();
    CU_ASSERT_FALSE(endpoints_request(&list, 0, true, 1, 2));
    CU_ASSERT_FALSE(endpoints_request(&list, 0, true, 1, 2));
    CU_ASSERT_FALSE(endpoints_request(&list, 0, false, 1, 2)); /* not in a row */
    CU_ASSERT_FALSE(endpoints_request(&list, 0, true, 1, 2));
    CU_ASSERT_FALSE(endpoints_request(&list, 0, true, 1, 2));
    CU_ASSERT_TRUE(endpoints_request(&list, 0, true, 1, 2));
    CU_ASSERT_EQUAL(list.current, 1);
}

static void failures_elsewhere_do_not_count(void)
{
    begin();
    for (int i = 0; i < 10; i++) {
        CU_ASSERT_FALSE(endpoints_request(&list, 1, true, 1, 2));
    }
    CU_ASSERT_EQUAL(list.current, 0);
    CU_ASSERT_FALSE(list.at[1].unhealthy);
}

static void stragglers_do_not_throw_it_out_again(void)
{
    begin();
    probe(0, true, 3);
    CU_ASSERT_EQUAL(list.current, 1);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_FALSE(endpoints_probe(&list, 0, false, 500));
    }
    CU_ASSERT_TRUE(endpoints_probe(&list, 0, false, 500));
    CU_ASSERT_EQUAL(list.current, 0);
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_FALSE(endpoints_request(&list, 0, true, 499, 600)); /* sent before it came back */
    }
    CU_ASSERT_FALSE(endpoints_request(&list, 0, true, 500, 600));
    CU_ASSERT_FALSE(endpoints_request(&list, 0, true, 501, 600));
    CU_ASSERT_TRUE(endpoints_request(&list, 0, true, 502, 600));
}

static void failed_probes_move_on_and_good_ones_bring_back(void)
{
    begin();
    CU_ASSERT_FALSE(endpoints_probe(&list, 0, true, 1));
    CU_ASSERT_FALSE(endpoints_probe(&list, 0, true, 1));
    CU_ASSERT_TRUE(endpoints_probe(&list, 0, true, 1));
    CU_ASSERT_EQUAL(list.current, 1);
    probe(0, false, 3);
    probe(0, true, 1); /* begins anew */
    probe(0, false, 3);
    CU_ASSERT_EQUAL(list.current, 1);
    CU_ASSERT_TRUE(endpoints_probe(&list, 0, false, 1));
    CU_ASSERT_EQUAL(list.current, 0);
}

static void a_later_endpoint_comes_and_goes_unnoticed(void)
{
    begin();
    probe(1, true, 3);
    CU_ASSERT_TRUE(list.at[1].unhealthy);
    CU_ASSERT_EQUAL(list.current, 0);
    probe(1, false, 4);
    CU_ASSERT_FALSE(list.at[1].unhealthy);
}

static void with_none_healthy_the_first_is_used(void)
{
    begin();
    probe(0, true, 3);
    CU_ASSERT_EQUAL(list.current, 1);
    CU_ASSERT_FALSE(endpoints_probe(&list, 1, true, 1));
    CU_ASSERT_FALSE(endpoints_probe(&list, 1, true, 1));
    CU_ASSERT_TRUE(endpoints_probe(&list, 1, true, 1));
    CU_ASSERT_EQUAL(list.current, 0);
    for (int i = 0; i < 10; i++) { /* nowhere to go */
        CU_ASSERT_FALSE(endpoints_request(&list, 0, true, 1000, 1001));
    }
    probe(1, false, 4);
    CU_ASSERT_EQUAL(list.current, 1);
}

void suite_endpoints(void)
{
    runner_suite(NULL, tear_down);
    runner_test(starts_with_the_first);
    runner_test(failed_requests_in_a_row_move_on);
    runner_test(failures_elsewhere_do_not_count);
    runner_test(stragglers_do_not_throw_it_out_again);
    runner_test(failed_probes_move_on_and_good_ones_bring_back);
    runner_test(a_later_endpoint_comes_and_goes_unnoticed);
    runner_test(with_none_healthy_the_first_is_used);
}
