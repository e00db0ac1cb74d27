/* SPDX-License-Identifier: MIT */
/* Records become rows, rows an exit code and JSON. */
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/selftest/selftest.h"
#include "tests/unit/runner.h"

#include <math.h>

#define MS(x) ((x) * NS_PER_MS)

static struct outage_record outage(enum outage_mode mode, int64_t upper_ms)
{
    return (struct outage_record){.mode = mode, .gap_ns = MS(5), .timeout_ns = MS(250), .truth_lo_ns = MS(200),
                                  .truth_hi_ns = MS(200), .down_ns = MS(200), .down_phases = 1, .lower_ns = MS(198),
                                  .upper_ns = MS(upper_ms), .loss_ns = MS(200), .verdict = MET, .valid = true,
                                  .beside = {.open_bad = 40, .open_all = 160, .closed_bad = 2, .closed_all = 122,
                                             .span_ns = MS(800)}};
}

static void rows_are_by_mode_and_gap(void)
{
    struct selftest_table t = {0};
    struct outage_record r = outage(OUTAGE_FLAP, 203);
    table_add_outage(&t, &r);
    r = outage(OUTAGE_RST, 203);
    table_add_outage(&t, &r);
    r.upper_ns = MS(206);
    table_add_outage(&t, &r);
    r.gap_ns = MS(1);
    r.upper_ns = MS(202);
    table_add_outage(&t, &r);
    table_sort(&t);
    CU_ASSERT_EQUAL_FATAL(t.count, 3);
    CU_ASSERT(text_eq(t.rows[0].mode, "rst") && t.rows[0].gap_ms == 1);
    CU_ASSERT(text_eq(t.rows[1].mode, "rst") && t.rows[1].outages == 2 && t.rows[1].inside == 2);
    CU_ASSERT_EQUAL(t.rows[1].excess.worst_ms, 6);
    CU_ASSERT_EQUAL(t.rows[1].excess.allowed_ms, 7);
    CU_ASSERT(text_eq(t.rows[2].mode, "flap"));
    CU_ASSERT_EQUAL(table_outages(&t), 4);
    CU_ASSERT_EQUAL(selftest_exit_code(&t), 0);
}

static void one_outside_fails_the_table_and_says_why(void)
{
    struct selftest_table t = {0};
    struct outage_record r = outage(OUTAGE_RST, 203);
    table_add_outage(&t, &r);
    r.upper_ns = MS(208);
    table_add_outage(&t, &r);
    CU_ASSERT_EQUAL(t.rows[0].outages, 2);
    CU_ASSERT_EQUAL(t.rows[0].inside, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(t.rows[0].why, "198.0 to 208.0"));
    CU_ASSERT_EQUAL(selftest_exit_code(&t), 1);
}

static void void_is_neither(void)
{
    struct selftest_table t = {0};
    struct outage_record r = outage(OUTAGE_RST, 900);
    r.valid = false;
    table_add_outage(&t, &r);
    CU_ASSERT_EQUAL(t.rows[0].voided, 1);
    CU_ASSERT_EQUAL(t.rows[0].outages, 0);
    CU_ASSERT_EQUAL(selftest_exit_code(&t), 1); /* a row without a judged outage shows nothing */
    r = outage(OUTAGE_RST, 203);
    table_add_outage(&t, &r);
    CU_ASSERT_EQUAL(selftest_exit_code(&t), 0);
}

static void an_empty_table_is_no_pass(void)
{
    struct selftest_table t = {0};
    CU_ASSERT_FALSE(table_passed(&t));
}

static void the_negative_control_has_to_be_missed(void)
{
    struct selftest_table t = {0};
    struct outage_record r = outage(OUTAGE_RST, 0);
    r.never = r.recovered_never = true;
    r.upper_ns = INT64_MAX;
    r.truth_hi_ns = INT64_MAX / 2;
    r.verdict = INCONCLUSIVE;
    table_add_outage(&t, &r);
    CU_ASSERT(text_eq(t.rows[0].mode, "never-back"));
    CU_ASSERT_EQUAL(t.rows[0].inside, 0);
    r.verdict = MISSED;
    table_add_outage(&t, &r);
    CU_ASSERT_EQUAL(t.rows[0].inside, 1);
}

static void writes_count_by_what_was_accepted(void)
{
    struct selftest_table t = {0};
    struct write_record w = {.lie = LIE_DROPPED, .gap_ns = MS(5), .valid = true, .accepted = true};
    table_add_writes(&t, &w);
    w.accepted = false;
    snprintf(w.why, sizeof(w.why), "write c0-6: being everywhere");
    table_add_writes(&t, &w);
    w = (struct write_record){.null_drill = true, .gap_ns = MS(5), .valid = true, .accepted = true};
    table_add_writes(&t, &w);
    CU_ASSERT_EQUAL_FATAL(t.count, 2);
    CU_ASSERT(text_eq(t.rows[0].mode, "dropped") && t.rows[0].outages == 2 && t.rows[0].inside == 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(t.rows[0].why, "c0-6"));
    CU_ASSERT(text_eq(t.rows[1].mode, "null-drill"));
}

static void the_run_gets_six_members_a_row(void)
{
    struct selftest_table t = {0};
    struct outage_record r = outage(OUTAGE_RST, 206);
    struct write_record w = {.lie = LIE_DROPPED, .gap_ns = MS(5), .valid = true, .accepted = true};
    table_add_outage(&t, &r);
    table_add_writes(&t, &w);
    json_t *rows = table_rows_json(&t), *first = json_array_get(rows, 0), *second = json_array_get(rows, 1);
    CU_ASSERT_EQUAL(json_object_size(first), 6);
    CU_ASSERT_EQUAL(json_number_value(json_object_get(first, "worst_excess_ms")), 6);
    CU_ASSERT_EQUAL(json_number_value(json_object_get(first, "allowed_ms")), 7);
    CU_ASSERT(json_is_null(json_object_get(second, "worst_excess_ms")));
    json_decref(rows);
}

static void the_closed_loop_is_a_table_of_its_own(void)
{
    struct selftest_table t = {0};
    struct outage_record r = outage(OUTAGE_BLACKHOLE, 203);
    table_add_outage(&t, &r);
    table_add_outage(&t, &r);
    json_t *rows = table_closed_loop_json(&t), *row = json_array_get(rows, 0);
    CU_ASSERT_EQUAL(json_number_value(json_object_get(row, "truth_ms")), 200);
    CU_ASSERT_EQUAL(json_number_value(json_object_get(row, "closed_loop_ms")), 10); /* 2 bad at 5 ms */
    CU_ASSERT_EQUAL(json_number_value(json_object_get(row, "availability_percent")), 75);
    CU_ASSERT_EQUAL(json_number_value(json_object_get(row, "open_loop_percent")), 75);
    CU_ASSERT(json_number_value(json_object_get(row, "closed_loop_percent")) > 98);
    json_decref(rows);
}

void suite_table(void)
{
    runner_suite(NULL, NULL);
    runner_test(rows_are_by_mode_and_gap);
    runner_test(one_outside_fails_the_table_and_says_why);
    runner_test(void_is_neither);
    runner_test(an_empty_table_is_no_pass);
    runner_test(the_negative_control_has_to_be_missed);
    runner_test(writes_count_by_what_was_accepted);
    runner_test(the_run_gets_six_members_a_row);
    runner_test(the_closed_loop_is_a_table_of_its_own);
}
