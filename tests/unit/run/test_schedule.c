/* SPDX-License-Identifier: MIT */
/* The order of deeds: by instant, ends before beginnings, then file order. */
#include "harness/run/schedule.h"
#include "tests/unit/runner.h"

static const struct action_type fault = {.verb = "kill", .class = ACTION_FAULT};
static const struct action_type restore = {.verb = "restore", .class = ACTION_RESTORE};

static struct plan_step step(uint16_t id, const struct action_type *type, int64_t at, int64_t until, bool has_for)
{
    return (struct plan_step){.id = id, .action.type = type, .at_ns = at, .until_ns = until, .has_for = has_for};
}

static void an_end_comes_before_a_beginning_at_the_same_instant(void)
{
    struct plan_step steps[] = {step(1, &fault, 0, 100, true), step(2, &fault, 100, INT64_MAX, false)};
    struct plan plan = {.steps = steps, .step_count = 2};
    struct deed deeds[4];
    CU_ASSERT_EQUAL_FATAL(schedule_of(&plan, deeds), 3);
    CU_ASSERT(deeds[0].kind == DEED_APPLY && deeds[0].step->id == 1);
    CU_ASSERT(deeds[1].kind == DEED_HEAL && deeds[1].step->id == 1 && deeds[1].at_ns == 100);
    CU_ASSERT(deeds[2].kind == DEED_APPLY && deeds[2].step->id == 2);
}

static void equal_instants_keep_file_order(void)
{
    struct plan_step steps[] = {step(1, &fault, 5, INT64_MAX, false), step(2, &fault, 5, INT64_MAX, false),
                                step(3, &restore, 5, 0, false)};
    struct plan plan = {.steps = steps, .step_count = 3};
    struct deed deeds[6];
    CU_ASSERT_EQUAL_FATAL(schedule_of(&plan, deeds), 3);
    for (uint16_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(deeds[i].step->id, i + 1);
    CU_ASSERT_EQUAL(deeds[2].kind, DEED_RESTORE);
}

static void a_fault_without_an_end_has_one_deed(void)
{
    struct plan_step steps[] = {step(1, &fault, 0, INT64_MAX, false)};
    struct plan plan = {.steps = steps, .step_count = 1};
    struct deed deeds[2];
    CU_ASSERT_EQUAL(schedule_of(&plan, deeds), 1);
}

static void a_slow_start_ends_like_a_fault(void)
{
    struct plan_step steps[] = {step(1, &fault, 0, 5, false), step(2, &restore, 5, 0, false)};
    steps[1].action.ready_after_ns = 20;
    struct plan plan = {.steps = steps, .step_count = 2};
    struct deed deeds[4];
    CU_ASSERT_EQUAL_FATAL(schedule_of(&plan, deeds), 3);
    CU_ASSERT(deeds[1].kind == DEED_RESTORE && deeds[1].at_ns == 5);
    CU_ASSERT(deeds[2].kind == DEED_HEAL && deeds[2].at_ns == 25 && deeds[2].step->id == 2);
}

void suite_schedule(void)
{
    runner_suite(NULL, NULL);
    runner_test(an_end_comes_before_a_beginning_at_the_same_instant);
    runner_test(equal_instants_keep_file_order);
    runner_test(a_fault_without_an_end_has_one_deed);
    runner_test(a_slow_start_ends_like_a_fault);
}
