/* SPDX-License-Identifier: MIT */
/*
 * The page of a suite: repeats share a row with their worst verdict, runs without a result have one, foreign text stays
 * text, and nothing needs what the policy forbids.
 */
#include "reports/suite.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/reports/fixture.h"
#include "tests/unit/runner.h"

#include <string.h>

static size_t count(const char *s, const char *what)
{
    size_t n = 0;
    for (s = strstr(s, what); s; s = strstr(s + 1, what)) {
        n++;
    }
    return n;
}

static char *render(const struct suite_input *in)
{
    char *bytes = NULL;
    size_t len = 0;
    struct err e = {0};
    FILE *out = open_memstream(&bytes, &len);
    CU_ASSERT_EQUAL(suite_html_write(out, in, &e), 0);
    CU_ASSERT_EQUAL(fclose(out), 0);
    return bytes;
}

/* A run as the page gets it. */
static struct suite_entry entry_of(struct fixture *f, struct pool_run *pooled, const char *id, struct arena *a)
{
    scoped_json json_t *doc = result_to_json(&f->result);
    *pooled = pool_run_of_result(a, doc);
    return (struct suite_entry){.run_id = id,
                                .scenario = f->result.scenario.name,
                                .verdict = f->result.run.verdict,
                                .result = &f->result,
                                .has_report = true,
                                .pooled = pooled};
}

static void repeats_share_a_row(void)
{
    struct fixture *met = fixture_new(FIXTURE_MET), *missed = fixture_new(FIXTURE_MISSED);
    struct arena a = {0};
    struct pool_run pooled[3];
    const struct suite_entry entries[] = {entry_of(met, &pooled[0], "run-1", &a),
                                          entry_of(missed, &pooled[1], "run-2", &a),
                                          entry_of(met, &pooled[2], "run-3", &a),
                                          {.run_id = "run-4", .scenario = "gone", .verdict = INCONCLUSIVE}};
    const struct suite_input in = {.name = "quarterly", .kind = "suite", .started_at = "2026-01-01T06:00:00Z",
                                   .ended_at = "2026-01-01T06:10:00Z", .exit_code = 1, .entries = entries, .count = 4};
    scoped_free char *page = render(&in);
    CU_ASSERT_EQUAL(count(page, "<th scope=\"row\">"), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "0 of 2 scenarios met. 1 missed what was promised. 1 could not be decided."));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "met 2 of 3 runs"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "href=\"../run-2/report.html\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "the run left no result"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "5.285 to 5.340 s")); /* of the worst run */
    CU_ASSERT_PTR_NOT_NULL(strstr(page, ", met 2 of 3</span>"));
    arena_deinit(&a);
    fixture_free(met);
    fixture_free(missed);
}

static void foreign_text_stays_text(void)
{
    static const char evil[] = "</td></script><script>alert(1)</script>\" onload='x' <i>&\033[1m\xff";
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    struct arena a = {0};
    struct pool_run pooled;
    struct suite_entry entry = entry_of(f, &pooled, evil, &a);
    f->result.scenario.title = f->result.objectives.at[0].name = f->result.run.started_at = evil;
    entry.scenario = evil;
    const struct suite_input in = {
        .name = evil, .kind = evil, .started_at = evil, .ended_at = NULL, .entries = &entry, .count = 1};
    scoped_free char *page = render(&in);
    CU_ASSERT_EQUAL(count(page, "<script>"), 1);
    CU_ASSERT_PTR_NULL(strstr(page, "<i>"));
    CU_ASSERT_PTR_NULL(strchr(page, '\033'));
    arena_deinit(&a);
    fixture_free(f);
}

static void expect_headline(const struct suite_entry *entries, size_t n, int64_t exit_code, const char *headline,
                            const char *told)
{
    const struct suite_input in = {
        .name = "s", .kind = "suite", .exit_code = exit_code, .entries = entries, .count = n};
    scoped_text struct text h2 = {0};
    scoped_free char *page = render(&in);
    text_addf(&h2, "<h2 id=\"verdict\">%s</h2>", headline);
    CU_ASSERT_PTR_NOT_NULL(strstr(page, text_str(&h2)));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, told));
}

static void the_headline_is_the_exit_code(void)
{
    const struct suite_entry met = {.run_id = "1", .scenario = "a", .verdict = MET};
    const struct suite_entry skipped = {.run_id = "2", .scenario = "b", .verdict = SKIPPED};
    const struct suite_entry open = {.run_id = "3", .scenario = "c", .verdict = INCONCLUSIVE};
    const struct suite_entry missed = {.run_id = "4", .scenario = "d", .verdict = MISSED};
    const struct suite_entry all[] = {met, skipped, open, missed};
    expect_headline(all, 1, 0, "Met", "1 of 1 scenario met.");
    expect_headline(all, 2, 5, "Skipped", "1 of 2 scenarios met. 1 could not be done on this machine.");
    expect_headline(all, 3, 4, "Inconclusive", "1 of 3 scenarios met. 1 could not be decided.");
    expect_headline(all, 4, 1, "Missed", "1 of 4 scenarios met. 1 missed what was promised.");
    expect_headline(all, 1, 130, "Interrupted", "1 of 1 scenario met.");
    expect_headline(all, 1, 4, "Inconclusive", "1 of 1 scenario met. A result or a report could not be written.");
    expect_headline(all, 2, 0, "Met", "1 could not be done on this machine."); /* --skip-unsupported */
    expect_headline(all + 1, 1, 0, "Skipped", "0 of 1 scenario met.");
    const struct suite_entry repeats[] = {met, {.run_id = "5", .scenario = "a", .verdict = SKIPPED}};
    expect_headline(repeats, 2, 5, "Skipped", "0 of 1 scenario met. 1 could not be done on this machine.");
}

static void what_was_not_reached_has_a_row(void)
{
    const struct suite_entry entries[] = {{.run_id = "1", .scenario = "a", .verdict = MISSED}};
    const struct suite_unreached unreached[] = {{.scenario = "a"},
                                                {.scenario = "a"},
                                                {.scenario = "b", .title = "<Beta>"},
                                                {.scenario = "c"},
                                                {.scenario = "b"}};
    const struct suite_input in = {.name = "short",
                                   .title = "The & Title",
                                   .kind = "suite",
                                   .exit_code = 1,
                                   .entries = entries,
                                   .count = 1,
                                   .unreached = unreached,
                                   .unreached_count = 5};
    scoped_free char *page = render(&in);
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "0 of 3 scenarios met. 1 missed what was promised. 2 were not run."));
    CU_ASSERT_EQUAL(count(page, "</span> not run</span>"), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "&lt;Beta&gt;</span><code>b</code>"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "2 more not run"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "<h1>The &amp; Title</h1>\n<ul class=\"tags\"><li>short</li></ul>"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "<title>missed: The &amp; Title</title>"));
}

static void the_summary_has_a_table(void)
{
    struct fixture *f = fixture_new(FIXTURE_MET);
    struct arena a = {0};
    struct pool_run pooled[2];
    const struct suite_entry entries[] = {entry_of(f, &pooled[0], "run-1", &a),
                                          entry_of(f, &pooled[1], "x](http://evil) |", &a),
                                          {.run_id = "gone-1", .scenario = "gone", .verdict = INCONCLUSIVE}};
    const struct suite_unreached unreached[] = {{.scenario = "later", .title = "a | b\n<i>"}, {.scenario = "gone"}};
    struct suite_input in = {.name = "quarterly",
                             .kind = "suite",
                             .exit_code = 4,
                             .entries = entries,
                             .count = 1,
                             .unreached = unreached,
                             .unreached_count = 2};
    scoped_text struct text plain = {0}, evil = {0};
    suite_summary(&plain, &in);
    CU_ASSERT(text_starts(text_str(&plain), "# ? Inconclusive: quarterly\n\n1 of 3 scenarios met. 2 were not run."));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&plain), "| 1 of 1 | [run-1](../run-1/report.html) |\n"));
    in.count = 3;
    suite_summary(&evil, &in);
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&evil), "| 2 of 2 | "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&evil), "| gone |  | 0 of 2 | left no result |\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&evil), "| – not run | later | "));
    CU_ASSERT_PTR_NULL(strstr(text_str(&evil), "x](http"));
    CU_ASSERT_PTR_NULL(strstr(text_str(&evil), "<i>"));
    arena_deinit(&a);
    fixture_free(f);
}

static void an_empty_suite_has_a_page(void)
{
    const struct suite_input in = {.name = "nothing", .kind = "suite"};
    scoped_free char *page = render(&in);
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "0 of 0 scenarios met."));
}

void suite_suite_page(void)
{
    runner_suite(NULL, NULL);
    runner_test(repeats_share_a_row);
    runner_test(foreign_text_stays_text);
    runner_test(the_headline_is_the_exit_code);
    runner_test(what_was_not_reached_has_a_row);
    runner_test(the_summary_has_a_table);
    runner_test(an_empty_suite_has_a_page);
}
