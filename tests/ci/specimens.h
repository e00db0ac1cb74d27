/* SPDX-License-Identifier: MIT */
/* The suites of specimens.c. */
SUITE(passes)
SUITE(fails)
SUITE(fails_fatally)
SUITE(set_up_fails)
SUITE(tear_down_fails)
SUITE(skips)
SUITE(skips_and_fails)
SUITE(asserts_nothing)
SUITE(has_no_test)
SUITE(is_no_suite)
SUITE(has_a_test_twice)
SUITE(aborts)
