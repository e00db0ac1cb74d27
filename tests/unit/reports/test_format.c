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
    const char *forced[] = {"cut=fib", "degrade=wi re"};
    r.lab.kind = "netns";
    r.lab.forced.at = forced;
    r.lab.forced.len = 2;
    text_clear(&t);
    format_reproduce(&t, &r, NULL);
    CU_ASSERT_STRING_EQUAL(text_str(&t), "drtest run 'it'\\''s here.yaml' --seed 7 --mechanism cut=fib --mechanism "
                                         "'degrade=wi re'");
}

static void says_where_a_target_stands(void)
{
    static const struct {
        struct result_objective o;
        const char *place, *elsewhere;
        bool in_scenario;
    } cases[] = {
        {{.line = 24, .column = 3}, "s.yaml:24:3", "", true},
        {{.line = 47, .column = 5, .file = "q.yaml"}, "q.yaml:47:5", "set at q.yaml:47:5", false},
        {{.assignment = "targets.rto=3s"}, "--set targets.rto=3s", "set by --set targets.rto=3s", false},
        {{.assignment = "targets={rto: 3s}"}, "--set 'targets={rto: 3s}'", "set by --set 'targets={rto: 3s}'", false},
        {{.line = 0}, "", "", false}, /* of a run from before places were kept */
    };
    const struct result r = {.scenario.file = "s.yaml"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        scoped_text struct text place = {0}, elsewhere = {0};
        format_place(&place, &r, &cases[i].o);
        format_elsewhere(&elsewhere, &r, &cases[i].o);
        CU_ASSERT_STRING_EQUAL(text_str(&place), cases[i].place);
        CU_ASSERT_STRING_EQUAL(text_str(&elsewhere), cases[i].elsewhere);
        CU_ASSERT_EQUAL(format_in_scenario(&cases[i].o), cases[i].in_scenario);
    }
}

static void says_what_changed_in_one_line(void)
{
    struct result_change all[] = {
        {.name = "rpo", .unit = "s", .change = "none_shown", .shift_lower = -0.1, .shift_upper = 0.1},
        {.name = "rto", .unit = "s", .change = "worse", .shift_lower = 0.3, .shift_upper = 0.6},
        {.name = "availability", .unit = "ratio", .change = "better", .shift_lower = -0.04, .shift_upper = -0.04},
        {.name = "failback", .unit = "s", .change = "worse", .shift_lower = 2, .shift_upper = NAN},
        {.name = "converged", .unit = "s", .change = "none_shown"},
        {.name = "detected", .unit = "s", .change = "not_compared"}};
    const char *other = "target system";
    struct result_comparison c = {.with = "previous", .run_id = "r-1"};
    c.objectives.at = all;
    c.objectives.len = sizeof(all) / sizeof(all[0]);
    scoped_text struct text t = {0};
    format_comparison(&t, &c);
    CU_ASSERT_STRING_EQUAL(text_str(&t),
                           "against the last run of this configuration, r-1: RTO worse by 0.300 to 0.600 s, Failback "
                           "worse by 2.000 s or more, Availability better by 4.000 %; no change that can be told in "
                           "RPO, Converged; not decided in both: Detected");
    c = (struct result_comparison){.with = "baseline", .run_id = "r-0", .left_out = "that run is void"};
    c.differs.at = &other;
    c.differs.len = 1;
    text_clear(&t);
    format_comparison(&t, &c);
    CU_ASSERT_STRING_EQUAL(text_str(&t),
                           "against the baseline r-0: not compared, that run is void (other target system)");
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
    runner_test(says_where_a_target_stands);
    runner_test(says_what_changed_in_one_line);
}
