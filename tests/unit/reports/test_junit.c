/* SPDX-License-Identifier: MIT */
#include "harness/base/child.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "tests/unit/reports/fixture.h"
#include "tests/unit/runner.h"

#include <string.h>
#include <unistd.h>

static size_t count(const char *s, const char *what)
{
    size_t n = 0;
    for (s = strstr(s, what); s; s = strstr(s + 1, what)) {
        n++;
    }
    return n;
}

/* Milliseconds of the time attribute in each element that begins with `element`. */
static int64_t sum_times(const char *xml, const char *element)
{
    int64_t sum = 0;
    for (const char *at = strstr(xml, element); at; at = strstr(at + 1, element)) {
        const char *time = strstr(at, " time=\"");
        CU_ASSERT_PTR_NOT_NULL_FATAL(time);
        char *end;
        int64_t s = strtoll(time + strlen(" time=\""), &end, 10);
        CU_ASSERT_EQUAL(*end, '.');
        CU_ASSERT_EQUAL(strspn(end + 1, "0123456789"), 3);
        sum += s * 1000 + strtoll(end + 1, NULL, 10);
    }
    return sum;
}

static void cases_add_up_to_the_suite(void)
{
    for (int which = 0; which < FIXTURE_CASES; which++) {
        struct fixture *f = fixture_new((enum fixture_case)which);
        scoped_free char *xml = fixture_render("junit", &f->in);
        CU_ASSERT_EQUAL(sum_times(xml, "<testcase"), sum_times(xml, "<testsuite "));
        scoped_text struct text tests = {0}, failures = {0};
        text_addf(&tests, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"", count(xml, "<testcase"),
                  count(xml, "<failure"), count(xml, "<error"));
        text_addf(&failures, " skipped=\"%zu\"", count(xml, "<skipped"));
        CU_ASSERT_EQUAL(count(xml, text_str(&tests)), 2);
        CU_ASSERT_EQUAL(count(xml, text_str(&failures)), 1);
        fixture_free(f);
    }
}

static void shares_of_the_run_go_to_their_cases(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    scoped_free char *xml = fixture_render("junit", &f->in);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(xml, "name=\"steady state before the fault\" classname=\"drtest.region-outage\" time=\"22.000\"/>"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(xml, "name=\"every fault was in force\" classname=\"drtest.region-outage\" time=\"0.003\"/>"));
    CU_ASSERT_PTR_NOT_NULL(strstr(xml, "name=\"RTO is at most 5s\" classname=\"drtest.region-outage\" time=\"59.997\" "
                                       "file=\"scenarios/region-outage.yaml\" line=\"24\">"));
    CU_ASSERT_PTR_NOT_NULL(strstr(xml, ">RTO 5.285 to 5.340 s, target 5 s, recovered by failover\n"
                                       "  at scenarios/region-outage.yaml:24:3</failure>"));
    CU_ASSERT_PTR_NOT_NULL(strstr(xml, "<system-out>[[PROPERTY|drtest.rto.achieved_lower_s=5.284873]]\n"
                                       "[[PROPERTY|drtest.rto.achieved_upper_s=5.339588]]\n"
                                       "[[ATTACHMENT|runs/region-outage-20260101T060000Z/report.html]]</system-out>"));
    fixture_free(f);
}

static void targets_stand_where_they_were_set(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    struct result_objective *rto = &f->result.objectives.at[0];
    rto->file = "scenarios/<quarterly>.yaml";
    rto->line = 47;
    rto->column = 5;
    scoped_free char *suite = fixture_render("junit", &f->in);
    CU_ASSERT_PTR_NOT_NULL(strstr(suite, " file=\"scenarios/&lt;quarterly&gt;.yaml\" line=\"47\">"));
    CU_ASSERT_PTR_NOT_NULL(strstr(suite, "\n  at scenarios/&lt;quarterly&gt;.yaml:47:5</failure>"));
    rto->file = NULL;
    rto->line = rto->column = 0;
    rto->assignment = "targets.rto=5s";
    scoped_free char *set = fixture_render("junit", &f->in);
    CU_ASSERT_PTR_NOT_NULL(strstr(set, "\n  at --set targets.rto=5s</failure>"));
    CU_ASSERT_PTR_NULL(strstr(set, "line=\"24\""));
    CU_ASSERT_EQUAL(count(set, " line=\""), count(suite, " line=\"") - 1); /* no file, no line */
    fixture_free(f);
}

static void the_stricter_style_leaves_out(void)
{
    struct fixture *f = fixture_new(FIXTURE_SKIPPED);
    f->in.jenkins_style = true;
    scoped_free char *skipped = fixture_render("junit", &f->in);
    CU_ASSERT_PTR_NOT_NULL(strstr(skipped, "<skipped>sch_netem is not in this kernel</skipped>"));
    CU_ASSERT_PTR_NULL(strstr(skipped, " file=\""));
    fixture_free(f);
    f = fixture_new(FIXTURE_MISSED);
    f->in.jenkins_style = true;
    scoped_free char *missed = fixture_render("junit", &f->in);
    CU_ASSERT_EQUAL(count(missed, "<properties>"), 1);
    CU_ASSERT_PTR_NULL(strstr(missed, " line=\""));
    fixture_free(f);
}

static void repeats_have_names_of_their_own(void)
{
    struct fixture *f = fixture_new(FIXTURE_INCONCLUSIVE);
    scoped_free char *xml = fixture_render("junit", &f->in);
    CU_ASSERT_PTR_NOT_NULL(strstr(xml, "<testsuite name=\"region-outage (run 2 of 3)\""));
    CU_ASSERT_EQUAL(count(xml, "classname=\"drtest.region-outage.2\""), 12);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(xml, "<error type=\"fault_proof-inconclusive\" message=\"fault 1: &lt;canary&gt; still answered "
                    "&amp; &quot;nobody&quot; knows why\">"));
    fixture_free(f);
}

static void a_check_that_says_missed_stays_an_error(void)
{
    struct fixture *f = fixture_new(FIXTURE_MET);
    f->result.checks.at[2].verdict = MISSED;
    scoped_free char *xml = fixture_render("junit", &f->in);
    CU_ASSERT_EQUAL(count(xml, "<failure"), 0);
    CU_ASSERT_EQUAL(count(xml, "<error type=\"harness-inconclusive\""), 1);
    fixture_free(f);
}

static void is_valid_against_the_schema(void)
{
    if (access("/usr/bin/xmllint", X_OK) != 0) {
        runner_skip("xmllint is not installed (Debian package libxml2-utils)");
        return;
    }
    for (int which = 0; which < FIXTURE_CASES; which++) {
        struct fixture *f = fixture_new((enum fixture_case)which);
        f->in.run_path = "a<b>\"&]]>\033[1m";
        scoped_free char *xml = fixture_render("junit", &f->in);
        char path[] = "/tmp/drtest-junit-XXXXXX";
        scoped_fd int fd = mkstemp(path);
        CU_ASSERT_EQUAL(write(fd, xml, strlen(xml)), (ssize_t)strlen(xml));
        static const char schema[] = DRTEST_SOURCE_DIR "/tests/data/drtest-junit.xsd";
        const char *const argv[] = {"/usr/bin/xmllint", "--noout", "--schema", schema, path, NULL};
        const char *const envp[] = {NULL};
        struct child c = {0};
        struct err e = {0};
        CU_ASSERT_EQUAL(child_exec(&c, argv, envp, -1, NULL, NULL, &e), 0);
        CU_ASSERT_EQUAL(child_wait(&c, 20 * NS_PER_S, &e), 0);
        CU_ASSERT_EQUAL(c.status, 0);
        (void)child_stop(&c, 0, &e);
        unlink(path);
        fixture_free(f);
    }
}

void suite_junit(void)
{
    runner_suite(NULL, NULL);
    runner_test(cases_add_up_to_the_suite);
    runner_test(shares_of_the_run_go_to_their_cases);
    runner_test(targets_stand_where_they_were_set);
    runner_test(the_stricter_style_leaves_out);
    runner_test(repeats_have_names_of_their_own);
    runner_test(a_check_that_says_missed_stays_an_error);
}

void suite_junit_schema(void)
{
    runner_suite(NULL, NULL);
    runner_test(is_valid_against_the_schema);
}
