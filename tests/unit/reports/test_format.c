/* SPDX-License-Identifier: MIT */
#include "reports/format.h"

#include "harness/spec/plan.h"
#include "tests/unit/reports/fixture.h"
#include "tests/unit/runner.h"

#include <math.h>

static void expect_interval(double lower, double upper, const char *unit, const char *want)
{
    scoped_text struct text t = {0};
    format_interval(&t, lower, upper, unit);
    CU_ASSERT_STRING_EQUAL(text_str(&t), want);
}

static void prints_intervals(void)
{
    const double open = (double)NAN;
    expect_interval(5.284873, 5.339588, "s", "5.285 to 5.340 s");
    expect_interval(0, 0, "s", "0.000 s");
    expect_interval(20.02, open, "s", "20.020 s or more");
    expect_interval(open, 3, "s", "up to 3.000 s");
    expect_interval(open, open, "s", "not measured");
    expect_interval(INFINITY, open, "s", "not measured");
    expect_interval(3, 4, "count", "3 to 4");
    expect_interval(3, 3, "count", "3");
    expect_interval(0.955227, 0.955227, "ratio", "95.523 %");
    expect_interval(-0.0, -0.0, "count", "0");
    expect_interval(12.34, 131.2, "ms", "12.3 to 131.2 ms");
}

static void prints_targets(void)
{
    const struct {
        const char *direction, *unit, *want;
        double target;
    } cases[] = {{"at_most", "s", "at most 5 s", 5},
                 {"at_most", "s", "at most 0.25 s", 0.25},
                 {"at_least", "ratio", "at least 99.9 %", 0.999},
                 {"at_most", "count", "at most 20", 20},
                 {"at_most", "ms", "at most 250 ms", 250},
                 {"at_most", "count", "at most 0", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct result_objective o = {.direction = cases[i].direction, .unit = cases[i].unit, .target = cases[i].target};
        scoped_text struct text t = {0};
        format_target(&t, &o);
        CU_ASSERT_STRING_EQUAL(text_str(&t), cases[i].want);
    }
}

static void writes_sentences(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    scoped_text struct text t = {0};
    format_sentence(&t, &f->result.objectives.at[0]);
    CU_ASSERT_STRING_EQUAL(text_str(&t), "RTO 5.285 to 5.340 s, target 5 s, recovered by failover");
    fixture_free(f);
    f = fixture_new(FIXTURE_INCONCLUSIVE);
    text_clear(&t);
    format_sentence(&t, &f->result.objectives.at[0]);
    CU_ASSERT_STRING_EQUAL(text_str(&t),
                           "RTO 5.285 s or more, target 5 s, never recovered: the drill is void: fault_proof");
    fixture_free(f);
}

static void survives_words_it_does_not_know(void)
{
    CU_ASSERT_STRING_EQUAL(format_label("new_objective"), "new_objective");
    CU_ASSERT_STRING_EQUAL(format_label(NULL), "");
    CU_ASSERT_STRING_EQUAL(format_check("new_check"), "new_check");
    CU_ASSERT_STRING_EQUAL(format_verdict((enum verdict)77), "inconclusive");
    CU_ASSERT_STRING_EQUAL(format_outcome(200), "unknown");
}

static void numbers_read_back(void)
{
    const double values[] = {5.339588, 0.1, 1.0 / 3, 1e-9, 13200, 1767247287, 0};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        scoped_text struct text t = {0};
        format_plain(&t, values[i]);
        CU_ASSERT_EQUAL(strtod(text_str(&t), NULL), values[i]);
    }
}

static void quotes_the_command(void)
{
    struct result r = {.scenario.file = "it's here.yaml", .run.seed = 7};
    struct plan plan = {
        .overrides = json_pack("{s:{s:s,s:i},s:s}", "targets", "rto", "3s", "lost_writes", 4, "z", "$(rm -rf /)")};
    scoped_text struct text t = {0};
    format_reproduce(&t, &r, &plan);
    CU_ASSERT_STRING_EQUAL(text_str(&t), "drtest run 'it'\\''s here.yaml' --seed 7 --set targets.rto=3s"
                                         " --set targets.lost_writes=4 --set 'z=$(rm -rf /)'");
    json_decref(plan.overrides);
}

void suite_format(void)
{
    runner_suite(NULL, NULL);
    runner_test(prints_intervals);
    runner_test(prints_targets);
    runner_test(writes_sentences);
    runner_test(survives_words_it_does_not_know);
    runner_test(numbers_read_back);
    runner_test(quotes_the_command);
}
