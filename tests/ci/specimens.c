/* SPDX-License-Identifier: MIT */
/*
 * Suites whose outcome is known, one for every way in which a unit test program must not call itself passed. The script
 * runner-tells runs each and looks at the exit code.
 */
#include "tests/unit/runner.h"

#include <stdlib.h>

static int refuse(void)
{
    return 1;
}

static void is_right(void)
{
    CU_ASSERT_EQUAL(1 + 1, 2);
}

static void is_wrong_twice(void)
{
    CU_ASSERT_EQUAL(1 + 1, 3);
    CU_ASSERT_STRING_EQUAL("a", "b");
}

static void is_wrong_at_once(void)
{
    CU_ASSERT_EQUAL_FATAL(1 + 1, 3);
    abort(); /* the fatal form must have left the test */
}

static void cannot_run(void)
{
    runner_skip("the specimen says so");
}

static void does_nothing(void)
{
}

static void dies(void)
{
    abort();
}

void suite_passes(void)
{
    runner_suite(NULL, NULL);
    runner_test(is_right);
}

void suite_fails(void)
{
    runner_suite(NULL, NULL);
    runner_test(is_right);
    runner_test(is_wrong_twice);
}

void suite_fails_fatally(void)
{
    runner_suite(NULL, NULL);
    runner_test(is_wrong_at_once);
}

void suite_set_up_fails(void)
{
    runner_suite(refuse, NULL);
    runner_test(is_right);
}

void suite_tear_down_fails(void)
{
    runner_suite(NULL, refuse);
    runner_test(is_right);
}

void suite_skips(void)
{
    runner_suite(NULL, NULL);
    runner_test(is_right);
    runner_test(cannot_run);
}

void suite_skips_and_fails(void)
{
    runner_suite(NULL, NULL);
    runner_test(cannot_run);
    runner_test(is_wrong_twice);
}

void suite_asserts_nothing(void)
{
    runner_suite(NULL, NULL);
    runner_test(does_nothing);
}

void suite_has_no_test(void)
{
    runner_suite(NULL, NULL);
}

void suite_is_no_suite(void)
{
}

void suite_has_a_test_twice(void)
{
    runner_suite(NULL, NULL);
    runner_test(is_right);
    runner_test(is_right);
}

void suite_aborts(void)
{
    runner_suite(NULL, NULL);
    runner_test(dies);
}
