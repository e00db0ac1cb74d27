/* SPDX-License-Identifier: MIT */
/* The truth table of verdicts: intervals against targets, objectives and checks against the run. */
#include "harness/base/text.h"
#include "harness/measure/verdict.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

static void at_most_is_judged_by_both_ends(void)
{
    static const struct {
        double lo, hi, target;
        enum verdict verdict;
    } rows[] = {{1, 2, 3, MET},         {1, 2, 2, MET},           {1, 2, 1.5, INCONCLUSIVE}, {1, 2, 1, INCONCLUSIVE},
                {1, 2, 0.99, MISSED},   {0, 0, 0, MET},           {1, NAN, 5, INCONCLUSIVE}, {6, NAN, 5, MISSED},
                {5, NAN, 5, INCONCLUSIVE}, {NAN, NAN, 5, INCONCLUSIVE}, {NAN, 4, 5, MET}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CU_ASSERT_EQUAL(judge_at_most(rows[i].lo, rows[i].hi, rows[i].target), rows[i].verdict);
}

static void at_least_is_judged_by_both_ends(void)
{
    static const struct {
        double lo, hi, target;
        enum verdict verdict;
    } rows[] = {{0.9, 0.95, 0.9, MET}, {0.9, 0.95, 0.92, INCONCLUSIVE}, {0.9, 0.95, 0.95, INCONCLUSIVE},
                {0.9, 0.95, 0.951, MISSED}, {NAN, NAN, 0.5, INCONCLUSIVE}, {NAN, 0.4, 0.5, MISSED}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CU_ASSERT_EQUAL(judge_at_least(rows[i].lo, rows[i].hi, rows[i].target), rows[i].verdict);
}

/* Every combination of two objectives and one check. */
static void the_run_takes_the_worst(void)
{
    static const enum verdict all[] = {INCONCLUSIVE, MET, MISSED, SKIPPED};
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++) {
            for (int check = INCONCLUSIVE; check <= MET; check++) {
                struct result_objective two[2] = {{.name = "a", .verdict = all[i]}, {.name = "b", .verdict = all[j]}};
                struct result_check one = {.name = "rollback", .verdict = (enum verdict)check, .detail = "x"};
                struct result r = {.objectives = {two, 2, 2}, .checks = {&one, 1, 1}};
                struct gates g = {.valid = true};
                bool missed = all[i] == MISSED || all[j] == MISSED;
                bool unsure = all[i] == INCONCLUSIVE || all[j] == INCONCLUSIVE || check == INCONCLUSIVE;
                verdict_of_run(&r, &g);
                CU_ASSERT_EQUAL(r.run.verdict, missed ? MISSED : unsure ? INCONCLUSIVE : MET);
                CU_ASSERT_EQUAL(r.run.exit_code, missed ? 1 : unsure ? 4 : 0);
                CU_ASSERT_EQUAL((r.run.reason == NULL), (r.run.verdict == MET));
                CU_ASSERT_EQUAL(r.run.met_count + r.run.missed_count + r.run.inconclusive_count + r.run.skipped_count,
                                2);
                if (missed)
                    CU_ASSERT_WORD(r.run.reason, all[i] == MISSED ? "a" : "b");
            }
        }
    }
}

static void a_void_run_takes_verdicts_and_leaves_numbers(void)
{
    struct result_objective two[2] = {{.name = "a", .verdict = MISSED, .achieved_upper = 7},
                                      {.name = "b", .verdict = MET, .achieved_upper = 3}};
    struct result_check one = {.name = "steady_state", .verdict = INCONCLUSIVE, .detail = "unsteady"};
    struct result r = {.objectives = {two, 2, 2}, .checks = {&one, 1, 1}};
    struct gates g = {.valid = false};
    verdict_of_run(&r, &g);
    CU_ASSERT_EQUAL(r.run.verdict, INCONCLUSIVE);
    CU_ASSERT_WORD(r.run.status, "void");
    CU_ASSERT_WORD(r.run.reason, "steady_state");
    CU_ASSERT_EQUAL(r.run.inconclusive_count, 2);
    CU_ASSERT_WORD(two[0].reason, "unsteady");
    CU_ASSERT_NEAR(two[0].achieved_upper, 7);
}

static void the_zeroed_verdict_is_inconclusive(void)
{
    struct result_objective zeroed = {0};
    CU_ASSERT_EQUAL(zeroed.verdict, INCONCLUSIVE);
    CU_ASSERT_WORD(verdict_words[zeroed.verdict], "inconclusive");
    CU_ASSERT_PTR_NULL(verdict_words[SKIPPED + 1]);
}

void suite_verdict(void)
{
    runner_suite(NULL, NULL);
    runner_test(at_most_is_judged_by_both_ends);
    runner_test(at_least_is_judged_by_both_ends);
    runner_test(the_run_takes_the_worst);
    runner_test(a_void_run_takes_verdicts_and_leaves_numbers);
    runner_test(the_zeroed_verdict_is_inconclusive);
}
