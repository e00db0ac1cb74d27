/* SPDX-License-Identifier: MIT */
/* The instrument against the truth, on loopback; and a table that would not pass is not called passed. */
#include "harness/base/err.h"
#include "harness/selftest/selftest.h"
#include "tests/unit/runner.h"

static void every_truth_lies_inside(void)
{
    struct selftest_row rows[SELFTEST_ROWS];
    struct err e = {0};
    CU_ASSERT_EQUAL_FATAL(selftest_short(7, rows, &e), 0);
    selftest_print(stdout, rows, SELFTEST_ROWS);
    for (int i = 0; i < SELFTEST_ROWS; i++) {
        CU_ASSERT(rows[i].truth_s > 0.14 && rows[i].truth_s < 0.6);
        CU_ASSERT(rows[i].lower_s <= rows[i].truth_s + 0.002 && rows[i].truth_s <= rows[i].upper_s + 0.002);
    }
}

static void one_row_outside_fails_the_table(void)
{
    struct selftest_row rows[] = {{.mode = "rst", .inside = true}, {.mode = "error503", .inside = false}};
    CU_ASSERT(selftest_passed(rows, 1));
    CU_ASSERT_FALSE(selftest_passed(rows, 2));
    CU_ASSERT_FALSE(selftest_passed(rows, 0));
}

void suite_selftest(void)
{
    runner_suite(NULL, NULL);
    runner_test(every_truth_lies_inside);
    runner_test(one_row_outside_fails_the_table);
}
