/* SPDX-License-Identifier: MIT */
/*
 * GitHub's workflow commands: one line per objective that is not met, hostile names escaped.
 */
#include "harness/base/text.h"
#include "harness/cli/annotate.h"
#include "tests/unit/runner.h"

#include <string.h>

static void add(struct result *r, const char *name, enum verdict v, const char *reason)
{
    struct result_objective *o = vec_push(&r->objectives);
    *o = (struct result_objective){
        .name = name, .title = "T is 5%", .verdict = v, .reason = reason, .line = 7, .column = 3};
}

static void missed_and_inconclusive_are_annotated(void)
{
    struct result r = {.scenario.file = "a,b:c%.yaml"};
    add(&r, "rto", MISSED, "6 s\nis above");
    add(&r, "rpo", MET, NULL);
    add(&r, "lost_writes", INCONCLUSIVE, NULL);
    add(&r, "failback", SKIPPED, "x");
    scoped_text struct text t = {0};
    annotate_text(&t, &r);
    CU_ASSERT_STRING_EQUAL(text_str(&t),
                           "::error file=a%2Cb%3Ac%25.yaml,line=7,col=3,title=RTO missed::T is 5%25: 6 s%0Ais above\n"
                           "::error file=a%2Cb%3Ac%25.yaml,line=7,col=3,title=LOST WRITES inconclusive::T is 5%25\n");
    vec_deinit(&r.objectives);
}

static void a_target_without_a_line_points_at_the_file(void)
{
    struct result r = {.scenario.file = "s.yaml"};
    add(&r, "rto", MISSED, NULL);
    r.objectives.at[0].line = 0;
    scoped_text struct text t = {0};
    annotate_text(&t, &r);
    CU_ASSERT(text_starts(text_str(&t), "::error file=s.yaml,title="));
    vec_deinit(&r.objectives);
}

static void a_target_of_a_suite_is_annotated_there(void)
{
    struct result r = {.scenario.file = "s.yaml"};
    add(&r, "rto", MISSED, "6 s");
    add(&r, "rpo", MISSED, "2 s");
    r.objectives.at[0].file = "scenarios/quarterly,1.yaml";
    r.objectives.at[1].line = r.objectives.at[1].column = 0;
    r.objectives.at[1].assignment = "targets.rpo=1s";
    scoped_text struct text t = {0};
    annotate_text(&t, &r);
    CU_ASSERT_STRING_EQUAL(text_str(&t),
                           "::error file=scenarios/quarterly%2C1.yaml,line=7,col=3,title=RTO missed::T is 5%25: 6 s\n"
                           "::error title=RPO missed::T is 5%25: 2 s; set by --set targets.rpo=1s\n");
    vec_deinit(&r.objectives);
}

void suite_annotate(void)
{
    runner_suite(NULL, NULL);
    runner_test(missed_and_inconclusive_are_annotated);
    runner_test(a_target_without_a_line_points_at_the_file);
    runner_test(a_target_of_a_suite_is_annotated_there);
}
