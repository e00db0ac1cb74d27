/* SPDX-License-Identifier: MIT */
/* The instrument against the truth, on loopback, end to end; and a truth that is another one must not pass. */
#include "harness/base/err.h"
#include "harness/base/units.h"
#include "harness/selftest/selftest.h"
#include "tests/unit/runner.h"

static void every_truth_lies_inside(void)
{
    struct selftest_options o = {.form = SELFTEST_SHORT, .seed = 7};
    struct selftest_table t;
    struct err e = {0};
    int rc = selftest_perform(&o, &t, &e);
    if (rc < 0 && e.kind == ERR_MACHINE) {
        runner_skip(e.msg);
        return;
    }
    table_print(stdout, &t);
    CU_ASSERT_EQUAL(rc, 0);
    CU_ASSERT_EQUAL(t.count, 5);
    CU_ASSERT_EQUAL(table_outages(&t), 5);
    CU_ASSERT_EQUAL(selftest_exit_code(&t), 0);
}

/* The server is said to have been out for as long, but 400 ms more. */
static void longer_truth(struct outage_record *r)
{
    r->truth_lo_ns += 400 * NS_PER_MS;
    r->truth_hi_ns += 400 * NS_PER_MS;
}

static void another_truth_lies_outside(void)
{
    struct selftest_options o = {.form = SELFTEST_SHORT, .seed = 8, .tamper = longer_truth};
    struct selftest_table t;
    struct err e = {0};
    int rc = selftest_perform(&o, &t, &e);
    if (rc < 0 && e.kind == ERR_MACHINE) {
        runner_skip(e.msg);
        return;
    }
    CU_ASSERT_EQUAL(rc, 0);
    CU_ASSERT_EQUAL(table_inside(&t), 1); /* the writes, which nobody tampered with */
    CU_ASSERT_EQUAL(selftest_exit_code(&t), 1);
}

static void what_takes_too_long_is_given_up(void)
{
    struct selftest_options o = {.form = SELFTEST_SHORT, .seed = 9, .bound_ns = 20 * NS_PER_MS};
    struct selftest_table t;
    struct err e = {0};
    CU_ASSERT_EQUAL(selftest_perform(&o, &t, &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_MACHINE);
    CU_ASSERT_EQUAL(t.count, 0);
}

void suite_selftest(void)
{
    runner_suite(NULL, NULL);
    runner_test(every_truth_lies_inside);
    runner_test(another_truth_lies_outside);
    runner_test(what_takes_too_long_is_given_up);
}
