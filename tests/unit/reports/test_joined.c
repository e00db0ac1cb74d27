/* SPDX-License-Identifier: MIT */
/*
 * Several runs in one file: every family of metrics is declared once with its samples behind it, the last run of a
 * scenario is the one that is told, and a run without a result is counted by whoever reads JUnit.
 */
#include "reports/joined.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "tests/unit/reports/fixture.h"
#include "tests/unit/runner.h"

#include <stdlib.h>
#include <string.h>

static size_t count(const char *s, const char *what)
{
    size_t n = 0;
    for (s = strstr(s, what); s; s = strstr(s + 1, what)) {
        n++;
    }
    return n;
}

static void add(struct joined *j, enum fixture_case which, const char *scenario)
{
    struct fixture *f = fixture_new(which);
    struct err e = {0};
    f->result.scenario.name = scenario;
    CU_ASSERT_EQUAL(joined_add_metrics(j, &f->in, &e), 0);
    CU_ASSERT_EQUAL(joined_add_junit(j, &f->in, &e), 0);
    CU_ASSERT_EQUAL(joined_add_summary(j, &f->in, &e), 0);
    fixture_free(f);
}

/* Samples stand behind the declaration of their family, and no line is there twice. */
static void check_exposition(const char *all)
{
    char family[128] = "";
    scoped_free char *copy = strdup(all);
    for (char *save = NULL, *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        scoped_text struct text whole = {0};
        text_addf(&whole, "%s\n", line);
        CU_ASSERT_EQUAL(count(all, text_str(&whole)), 1);
        if (text_starts(line, "# HELP ")) {
            snprintf(family, sizeof(family), "%.*s", (int)strcspn(line + 7, " "), line + 7);
        } else if (!text_starts(line, "# TYPE ")) {
            CU_ASSERT(text_starts(line, family));
        }
    }
}

static void families_are_declared_once(void)
{
    struct joined j = {0};
    scoped_text struct text all = {0};
    add(&j, FIXTURE_SKIPPED, "first");             /* has fewest families */
    add(&j, FIXTURE_MISSED, "seco\"nd\n# HELP x"); /* foreign text opens no family */
    add(&j, FIXTURE_DRIFT, "third");
    joined_metrics(&j, &all);
    check_exposition(text_str(&all));
    CU_ASSERT_EQUAL(count(text_str(&all), "\n# HELP drtest_last_success_timestamp_seconds "), 1);
    CU_ASSERT_EQUAL(count(text_str(&all), "\ndrtest_last_success_timestamp_seconds{"), 3);
    CU_ASSERT_EQUAL(count(text_str(&all), "\n# TYPE drtest_lost_writes "), 1);
    joined_deinit(&j);
}

static void the_last_run_of_a_scenario_counts(void)
{
    struct joined j = {0};
    scoped_text struct text all = {0};
    add(&j, FIXTURE_MET, "a");
    add(&j, FIXTURE_MET, "b");
    add(&j, FIXTURE_MISSED, "a");
    joined_metrics(&j, &all);
    check_exposition(text_str(&all));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&all), "drtest_run_verdict{scenario=\"a\",verdict=\"missed\"} 1\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&all), "drtest_run_verdict{scenario=\"a\",verdict=\"met\"} 0\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&all), "drtest_run_verdict{scenario=\"b\",verdict=\"met\"} 1\n"));
    joined_deinit(&j);
}

static void one_run_is_its_own_report(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    struct joined j = {0};
    struct err e = {0};
    scoped_text struct text metrics = {0}, junit = {0};
    scoped_free char *own = fixture_render("metrics", &f->in), *document = fixture_render("junit", &f->in);
    CU_ASSERT_EQUAL(joined_add_metrics(&j, &f->in, &e), 0);
    CU_ASSERT_EQUAL(joined_add_junit(&j, &f->in, &e), 0);
    joined_metrics(&j, &metrics);
    joined_junit(&j, &junit);
    CU_ASSERT_STRING_EQUAL(text_str(&metrics), own);
    CU_ASSERT_STRING_EQUAL(text_str(&junit), document);
    joined_deinit(&j);
    fixture_free(f);
}

static void absent_runs_are_counted(void)
{
    struct joined j = {0};
    struct err e = {0};
    scoped_text struct text all = {0};
    const struct joined_absent gone = {.run_id = "x-1",
                                       .scenario = "x",
                                       .verdict = INCONCLUSIVE,
                                       .reason = "no <result>",
                                       .at = "2026-01-01T06:10:00Z"};
    const struct joined_absent unreached = {.scenario = "y",
                                            .verdict = SKIPPED,
                                            .reason = "not run",
                                            .repeat_index = 2,
                                            .repeat_count = 3,
                                            .at = "2026-01-01T06:10:00Z"};
    add(&j, FIXTURE_MET, "a");
    int64_t tests = j.tests;
    CU_ASSERT_EQUAL(joined_add_absent(&j, &gone, false, &e), 0);
    CU_ASSERT_EQUAL(joined_add_absent(&j, &unreached, true, &e), 0);
    joined_junit(&j, &all);
    CU_ASSERT_EQUAL(j.tests, tests + 2);
    CU_ASSERT_EQUAL(j.errors, 1);
    CU_ASSERT_EQUAL(count(text_str(&all), "<testsuite "), 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&all), "no &lt;result&gt;"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&all), "name=\"y (run 2 of 3)\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&all), "<skipped>not run</skipped>"));
    joined_deinit(&j);
}

static void nothing_is_a_document_too(void)
{
    const struct joined j = {0};
    scoped_text struct text junit = {0}, metrics = {0};
    joined_junit(&j, &junit);
    joined_metrics(&j, &metrics);
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&junit), "tests=\"0\""));
    CU_ASSERT_EQUAL(metrics.len, 0);
}

void suite_joined(void)
{
    runner_suite(NULL, NULL);
    runner_test(families_are_declared_once);
    runner_test(the_last_run_of_a_scenario_counts);
    runner_test(one_run_is_its_own_report);
    runner_test(absent_runs_are_counted);
    runner_test(nothing_is_a_document_too);
}
