/* SPDX-License-Identifier: MIT */
#include "gateway-under-test/breaker.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

static const struct config_breaker three = {
    .failures = 3, .open_ms = 100, .probes = 2, .triggers = 1u << ATTEMPT_TIMEOUT | 1u << ATTEMPT_5XX};
static struct breaker b;
static int64_t now;

static void ends(enum attempt_end end)
{
    breaker_begin(&b, now);
    (void)breaker_end(&b, &three, end, now);
}

static void opened(void)
{
    b = (struct breaker){0};
    now = NS_PER_S;
    for (int i = 0; i < 3; i++)
        ends(ATTEMPT_TIMEOUT);
}

static void failures_in_a_row_open_it(void)
{
    b = (struct breaker){0};
    now = NS_PER_S;
    ends(ATTEMPT_TIMEOUT);
    ends(ATTEMPT_5XX);
    ends(ATTEMPT_GOOD);
    ends(ATTEMPT_TIMEOUT);
    ends(ATTEMPT_TIMEOUT);
    CU_ASSERT_EQUAL(b.state, BREAKER_CLOSED);
    CU_ASSERT_TRUE(breaker_allows(&b, &three, now));
    ends(ATTEMPT_5XX);
    CU_ASSERT_EQUAL(b.state, BREAKER_OPEN);
    CU_ASSERT_FALSE(breaker_allows(&b, &three, now));
    CU_ASSERT_FALSE(breaker_allows(&b, &three, now + 99 * NS_PER_MS));
    CU_ASSERT_TRUE(breaker_allows(&b, &three, now + 100 * NS_PER_MS));
}

static void only_what_is_named_counts(void)
{
    b = (struct breaker){0};
    for (int i = 0; i < 10; i++)
        ends(i % 2 ? ATTEMPT_REFUSE : ATTEMPT_RESET);
    CU_ASSERT_EQUAL(b.state, BREAKER_CLOSED);
}

static void a_trial_that_was_given_up_is_free_again(void)
{
    opened();
    now += 100 * NS_PER_MS;
    breaker_begin(&b, now);
    breaker_begin(&b, now);
    CU_ASSERT_FALSE(breaker_allows(&b, &three, now));
    breaker_leave(&b);
    CU_ASSERT(b.state == BREAKER_HALF_OPEN && breaker_allows(&b, &three, now));
    b = (struct breaker){0};
    breaker_begin(&b, now);
    breaker_leave(&b);
    CU_ASSERT(b.state == BREAKER_CLOSED && b.on_trial == 0 && b.failures == 0);
}

static void trials_go_through_a_few_at_a_time(void)
{
    opened();
    now += 100 * NS_PER_MS;
    breaker_begin(&b, now);
    CU_ASSERT_EQUAL(b.state, BREAKER_HALF_OPEN);
    CU_ASSERT_TRUE(breaker_allows(&b, &three, now));
    breaker_begin(&b, now);
    CU_ASSERT_FALSE(breaker_allows(&b, &three, now));
    CU_ASSERT_FALSE(breaker_end(&b, &three, ATTEMPT_GOOD, now));
    CU_ASSERT_FALSE(breaker_allows(&b, &three, now)); /* one under way, one passed */
    CU_ASSERT_TRUE(breaker_end(&b, &three, ATTEMPT_GOOD, now));
    CU_ASSERT_EQUAL(b.state, BREAKER_CLOSED);
}

static void a_failed_trial_opens_it_again(void)
{
    opened();
    now += 100 * NS_PER_MS;
    breaker_begin(&b, now);
    CU_ASSERT_TRUE(breaker_end(&b, &three, ATTEMPT_TIMEOUT, now));
    CU_ASSERT_EQUAL(b.state, BREAKER_OPEN);
    CU_ASSERT_FALSE(breaker_allows(&b, &three, now + 99 * NS_PER_MS));
}

static void what_ends_while_it_is_open_is_old(void)
{
    opened();
    CU_ASSERT_FALSE(breaker_end(&b, &three, ATTEMPT_GOOD, now));
    CU_ASSERT_FALSE(breaker_end(&b, &three, ATTEMPT_TIMEOUT, now + 50 * NS_PER_MS));
    CU_ASSERT_TRUE(breaker_allows(&b, &three, now + 100 * NS_PER_MS));
}

static void none_is_always_closed(void)
{
    static const struct config_breaker none = {0};
    b = (struct breaker){0};
    for (int i = 0; i < 100; i++)
        CU_ASSERT_FALSE(breaker_end(&b, &none, ATTEMPT_TIMEOUT, now));
    CU_ASSERT_TRUE(breaker_allows(&b, &none, now));
}

void suite_breaker(void)
{
    runner_suite(NULL, NULL);
    runner_test(failures_in_a_row_open_it);
    runner_test(only_what_is_named_counts);
    runner_test(a_trial_that_was_given_up_is_free_again);
    runner_test(trials_go_through_a_few_at_a_time);
    runner_test(a_failed_trial_opens_it_again);
    runner_test(what_ends_while_it_is_open_is_old);
    runner_test(none_is_always_closed);
}
