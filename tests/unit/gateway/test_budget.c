/* SPDX-License-Identifier: MIT */
#include "gateway-under-test/budget.h"
#include "tests/unit/runner.h"

static struct retry_budget b;

/* Retries granted to so many requests that each want so many. */
static int granted(int requests, int wanted)
{
    int n = 0;
    for (int i = 0; i < requests; i++) {
        budget_earn(&b);
        for (int k = 0; k < wanted && budget_spend(&b); k++)
            n++;
    }
    return n;
}

static void a_short_outage_is_paid_from_the_reserve(void)
{
    budget_init(&b);
    CU_ASSERT_EQUAL(granted(250, 2), 500);
}

static void a_long_one_gets_a_fifth(void)
{
    budget_init(&b);
    granted(1000, 2);
    int later = granted(10000, 2);
    CU_ASSERT_TRUE(later >= 1999 && later <= 2001);
}

static void the_reserve_comes_back_and_has_an_end(void)
{
    budget_init(&b);
    granted(1000, 2);
    granted(100000, 0);
    CU_ASSERT_EQUAL(granted(1, 10000), 500);
    CU_ASSERT_EQUAL(granted(4, 1), 0);
    CU_ASSERT_EQUAL(granted(1, 1), 1);
}

void suite_budget(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_short_outage_is_paid_from_the_reserve);
    runner_test(a_long_one_gets_a_fifth);
    runner_test(the_reserve_comes_back_and_has_an_end);
}
