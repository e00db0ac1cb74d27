/* SPDX-License-Identifier: MIT */
/* The rules of the exposition format, checked line by line, and what is left out when nothing was measured. */
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/reports/fixture.h"
#include "tests/unit/runner.h"

#include <math.h>
#include <string.h>

/* Name of the family that a sample line belongs to: without labels and without the suffixes of histograms. */
static void family_of(const char *line, char out[128])
{
    static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
    size_t len = strcspn(line, "{ ");
    len = len < 127 ? len : 127;
    memcpy(out, line, len);
    out[len] = '\0';
    for (size_t i = 0; i < array_len(suffixes); i++) {
        size_t s = strlen(suffixes[i]);
        if (len > s && strcmp(out + len - s, suffixes[i]) == 0) {
            out[len - s] = '\0';
        }
    }
}

static void families_stand_together(void)
{
    for (int which = 0; which < FIXTURE_CASES; which++) {
        struct fixture *f = fixture_new((enum fixture_case)which);
        f->result.scenario.name = "a\"b\\c\nd"; /* must not end its label */
        scoped_free char *text = fixture_render("metrics", &f->in);
        char current[128] = "", family[128];
        for (char *save = NULL, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
            if (text_starts(line, "# HELP ")) {
                family_of(line + strlen("# HELP "), current);
            } else if (text_starts(line, "# TYPE ")) {
                family_of(line + strlen("# TYPE "), family);
                CU_ASSERT_STRING_EQUAL(family, current);
            } else {
                family_of(line, family);
                CU_ASSERT_STRING_EQUAL(family, current);
                CU_ASSERT_PTR_NOT_NULL(strstr(line, "scenario=\"a\\\"b\\\\c\\nd\""));
            }
        }
        fixture_free(f);
    }
}

static void says_nothing_it_does_not_know(void)
{
    struct fixture *f = fixture_new(FIXTURE_SKIPPED);
    scoped_free char *unfit = fixture_render("metrics", &f->in);
    CU_ASSERT_PTR_NULL(strstr(unfit, "drtest_rto_seconds"));
    CU_ASSERT_PTR_NULL(strstr(unfit, "nan"));
    CU_ASSERT_PTR_NOT_NULL(strstr(unfit, "drtest_last_success_timestamp_seconds{scenario=\"region-outage\"} 0\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(unfit, "drtest_rto_target_seconds{scenario=\"region-outage\"} 5\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(unfit, "drtest_last_run_timestamp_seconds{scenario=\"region-outage\"} 1767247287\n"));
    fixture_free(f);
    f = fixture_new(FIXTURE_INCONCLUSIVE);
    scoped_free char *open = fixture_render("metrics", &f->in);
    CU_ASSERT_PTR_NOT_NULL(strstr(open, "drtest_rto_seconds{scenario=\"region-outage\",bound=\"upper\"} +Inf\n"));
    fixture_free(f);
    f = fixture_new(FIXTURE_MET);
    scoped_free char *met = fixture_render("metrics", &f->in);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(met, "drtest_last_success_timestamp_seconds{scenario=\"region-outage\"} 1767247287\n"));
    f->result.run.ended_at = "yesterday";
    scoped_free char *undated = fixture_render("metrics", &f->in);
    CU_ASSERT_PTR_NULL(strstr(undated, "timestamp"));
    fixture_free(f);
}

static void expect_success(const struct report_input *in, long long when)
{
    scoped_free char *text = fixture_render("metrics", in);
    scoped_text struct text line = {0};
    text_addf(&line, "drtest_last_success_timestamp_seconds{scenario=\"region-outage\"} %lld\n", when);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, text_str(&line)));
}

static void success_is_remembered(void)
{
    static const enum fixture_case failed[] = {FIXTURE_MISSED, FIXTURE_INCONCLUSIVE, FIXTURE_SKIPPED,
                                               FIXTURE_INTERRUPTED};
    const struct pool_run earlier[] = {
        {.started_at = "2025-10-01T06:00:00.900Z", .duration_s = 59.2, .lab = "netns", .verdict = MET},
        {.started_at = "2025-11-01T06:00:00.000Z", .duration_s = 60, .lab = "netns", .verdict = MISSED},
        {.started_at = "2025-12-01T06:00:00.000Z", .duration_s = 60, .lab = "sim", .verdict = MET},
        {.duration_s = NAN, .lab = "netns", .verdict = MET}};
    for (size_t i = 0; i < array_len(failed); i++) {
        struct fixture *f = fixture_new(failed[i]);
        f->in.earlier = earlier;
        f->in.earlier_count = array_len(earlier);
        expect_success(&f->in, 1759298460);
        f->result.run.ended_at = NULL; /* a conductor that died wrote no last line */
        expect_success(&f->in, 1759298460);
        f->in.earlier_count = 0;
        expect_success(&f->in, 0);
        fixture_free(f);
    }
    struct fixture *met = fixture_new(FIXTURE_MET);
    met->in.earlier = earlier;
    met->in.earlier_count = array_len(earlier);
    expect_success(&met->in, 1767247287);
    met->result.lab.kind = "sim";
    expect_success(&met->in, 1759298460);
    fixture_free(met);
}

static void histogram_counts_every_good_request(void)
{
    struct fixture *f = fixture_new(FIXTURE_TINY);
    scoped_free char *text = fixture_render("metrics", &f->in);
    CU_ASSERT_EQUAL(f->evidence.sample_count, 40);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "_bucket{scenario=\"null-drill\",phase=\"baseline\",le=\"+Inf\"} 20\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "_count{scenario=\"null-drill\",phase=\"fault\"} 20\n"));
    CU_ASSERT_PTR_NULL(strstr(text, "phase=\"setup\""));
    fixture_free(f);
}

void suite_metrics(void)
{
    runner_suite(NULL, NULL);
    runner_test(families_stand_together);
    runner_test(says_nothing_it_does_not_know);
    runner_test(success_is_remembered);
    runner_test(histogram_counts_every_good_request);
}
