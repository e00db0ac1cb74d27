/* SPDX-License-Identifier: MIT */
/* Which earlier run a run is held against, and what is said to have changed. */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/measure/compared.h"
#include "harness/measure/study.h"
#include "tests/unit/runner.h"

#include <math.h>
#include <string.h>

static struct arena memory;

static int tear_down(void)
{
    arena_deinit(&memory);
    return 0;
}

static void promise(struct pool_run *r, const char *name, double lower, double upper, enum verdict v)
{
    bool ratio = text_eq(name, "availability");
    *arena_push(&memory, &r->objectives) = (struct pool_objective){.name = name,
                                                                   .unit = ratio ? "ratio" : "s",
                                                                   .at_least = ratio,
                                                                   .target = ratio ? 0.9 : 5,
                                                                   .lower = lower,
                                                                   .upper = upper,
                                                                   .verdict = v};
}

static struct pool_run drill(const char *id, const char *config)
{
    return (struct pool_run){.run_id = id, .scenario = "s", .status = "completed", .lab = "netns", .verdict = MET,
                             .digest = {"t", "s", "y", config}};
}

static void the_last_that_counts_of_the_configuration(void)
{
    struct pool_run mine = drill("now", "c");
    struct pool_run runs[] = {drill("a", "c"), drill("b", "c"), drill("void", "c"), drill("sim", "c"),
                              drill("d", "other")};
    runs[1].digest[DIGEST_TOOL] = "newer"; /* another drtest is no other configuration */
    runs[2].status = "void";
    runs[3].lab = "sim";
    const struct pool_run *found = compared_previous(runs, array_len(runs), &mine);
    CU_ASSERT_PTR_EQUAL(found, &runs[1]);
    CU_ASSERT_PTR_NULL(compared_previous(runs, 0, &mine));
    mine.digest[DIGEST_CONFIG] = "none such";
    CU_ASSERT_PTR_NULL(compared_previous(runs, array_len(runs), &mine));
    mine.digest[DIGEST_CONFIG] = NULL; /* unknown is equal to nothing */
    CU_ASSERT_PTR_NULL(compared_previous(runs, array_len(runs), &mine));
}

static const struct result_change *change(const struct result *r, const char *name)
{
    const struct result_comparison *c = &r->comparisons.at[r->comparisons.len - 1];
    for (size_t i = 0; i < c->objectives.len; i++)
        if (text_eq(c->objectives.at[i].name, name))
            return &c->objectives.at[i];
    return NULL;
}

static void only_gaps_between_intervals_are_changes(void)
{
    struct pool_run then = drill("then", "c"), now = drill("now", "c");
    promise(&then, "rto", 1, 1.2, MET);
    promise(&now, "rto", 1.5, 1.6, MET);
    promise(&then, "rpo", 0.1, 0.3, MET);
    promise(&now, "rpo", 0.29, 0.5, MET);
    promise(&then, "availability", 0.91, 0.91, MET);
    promise(&now, "availability", 0.95, 0.95, MET);
    promise(&then, "failback", 1, 2, MET);
    promise(&now, "failback", 4, NAN, MISSED);
    promise(&then, "converged", NAN, NAN, SKIPPED);
    promise(&now, "converged", 1, 2, MET);
    promise(&now, "detected", 1, 2, MET);
    struct result r = {0};
    now.digest[DIGEST_SYSTEM] = "newer";
    compared_add(&r, &now, &then, "previous", "../history.jsonl");
    CU_ASSERT_EQUAL_FATAL(r.comparisons.len, 1);
    CU_ASSERT_EQUAL(r.comparisons.at[0].differs.len, 1);
    CU_ASSERT_STRING_EQUAL(r.comparisons.at[0].differs.at[0], "target system");
    CU_ASSERT_PTR_NULL(r.comparisons.at[0].left_out);
    CU_ASSERT_STRING_EQUAL(change(&r, "rto")->change, "worse");
    CU_ASSERT_DOUBLE_EQUAL(change(&r, "rto")->shift_lower, 0.3, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(change(&r, "rto")->shift_upper, 0.6, 1e-9);
    CU_ASSERT_STRING_EQUAL(change(&r, "rpo")->change, "none_shown");
    CU_ASSERT_STRING_EQUAL(change(&r, "availability")->change, "better");
    CU_ASSERT_DOUBLE_EQUAL(change(&r, "availability")->shift_upper, -0.04, 1e-9);
    CU_ASSERT_STRING_EQUAL(change(&r, "failback")->change, "worse");
    CU_ASSERT_DOUBLE_EQUAL(change(&r, "failback")->shift_lower, 2, 1e-9);
    CU_ASSERT(isnan(change(&r, "failback")->shift_upper));
    CU_ASSERT_STRING_EQUAL(change(&r, "converged")->change, "not_compared");
    CU_ASSERT_PTR_NULL(change(&r, "detected")); /* not promised then */
    scoped_json json_t *doc = result_to_json(&r);
    CU_ASSERT(json_is_null(json_at(doc, "/comparisons/0/objectives/3/shift_upper")));
    arena_deinit(&r.arena);
}

static void runs_that_do_not_count_are_not_compared(void)
{
    struct pool_run then = drill("then", "c"), now = drill("now", "c");
    promise(&then, "rto", 1, 1.2, MET);
    promise(&now, "rto", 3, 3.2, MET);
    struct result r = {0};
    now.status = "interrupted";
    compared_add(&r, &now, &then, "previous", "h");
    CU_ASSERT_EQUAL(r.comparisons.at[0].objectives.len, 0);
    CU_ASSERT_STRING_EQUAL(r.comparisons.at[0].left_out, "this run is interrupted");
    then.status = "void";
    compared_add(&r, &now, &then, "baseline", "h");
    CU_ASSERT_STRING_EQUAL(r.comparisons.at[1].left_out, "that run is void");
    arena_deinit(&r.arena);
}

void suite_compared(void)
{
    runner_suite(NULL, tear_down);
    runner_test(the_last_that_counts_of_the_configuration);
    runner_test(only_gaps_between_intervals_are_changes);
    runner_test(runs_that_do_not_count_are_not_compared);
}
