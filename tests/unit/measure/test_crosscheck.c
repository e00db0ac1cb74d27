/* SPDX-License-Identifier: MIT */
/* The second prober beside the first: when they agree, what sets them apart, and what that does to a run. */
#include "harness/base/text.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>

static struct bench b;

/* An outage of some two seconds seen by both, each on its own phase; the second's ends `shift` ms later. */
static void build_shifted(double shift)
{
    bench_init(&b);
    bench_crosscheck(&b);
    uint16_t reads = bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    bench_fault(&b, "partition", 15000, 15003, 35000, 35010, 5000);
    b.steps[0].action.target = TARGET_LINK;
    bench_target(&b, TARGET_RTO, MS(5000));
    for (uint64_t k = 0; k < 1800; k++) {
        double s = 10007 + 20.0 * (double)k, t = s + 13;
        bench_sample(&b, reads, k, s, s + 0.1, s + 3, s > 15001 && s < 17000 ? OUTCOME_REFUSED : OUTCOME_GOOD);
        bench_cross(&b, k, t, t + 0.2, t + 2, t > 15001 && t < 17000 + shift ? OUTCOME_REFUSED : OUTCOME_GOOD);
    }
}

static void build(void)
{
    build_shifted(0);
}

static const struct result_crosscheck *check(void)
{
    return &bench_run(&b)->quality.crosscheck;
}

static void expect_agreement(void)
{
    const struct result_crosscheck *c = check();
    CU_ASSERT(c->requested && c->agrees);
    CU_ASSERT(c->difference_ms <= c->allowed_ms);
    CU_ASSERT_EQUAL(b.result->run.verdict, MET);
    if (!c->agrees)
        printf("%s\n", c->detail);
    bench_deinit(&b);
}

/* The run is void, says why, and keeps its numbers. */
static void expect_void(const char *word)
{
    const struct result_crosscheck *c = check();
    const struct result_check *harness = bench_check(&b, "harness");
    CU_ASSERT(c->requested);
    CU_ASSERT_FALSE(c->agrees);
    CU_ASSERT(c->detail && strstr(c->detail, word));
    CU_ASSERT(harness->detail && strstr(harness->detail, word) && strstr(harness->detail, "second prober"));
    if (!harness->detail || !strstr(harness->detail, word))
        printf("%s (wanted: %s)\n", harness->detail ? harness->detail : "none", word);
    CU_ASSERT_EQUAL(harness->verdict, INCONCLUSIVE);
    CU_ASSERT_EQUAL(b.result->run.verdict, INCONCLUSIVE);
    CU_ASSERT_EQUAL(b.result->run.exit_code, 4);
    CU_ASSERT_WORD(b.result->run.status, "void");
    CU_ASSERT_NEAR(b.result->measures.rto_upper_s, 2.01);
    bench_deinit(&b);
}

static void a_run_without_a_crosscheck_says_nothing(void)
{
    build();
    json_object_del(b.events.at[0].data, "crosscheck");
    const struct result *r = bench_run(&b);
    CU_ASSERT_FALSE(r->quality.has_crosscheck);
    CU_ASSERT_EQUAL(r->run.verdict, MET);
    json_t *doc = result_to_json(r);
    CU_ASSERT(json_is_null(json_object_get(json_object_get(doc, "quality"), "crosscheck")));
    json_decref(doc);
    bench_deinit(&b);
}

static void two_phases_of_one_outage_agree(void)
{
    build();
    const struct result_crosscheck *c = check();
    CU_ASSERT(c->agrees);
    CU_ASSERT_NEAR(c->lower_s, 1.9972 - 0.02); /* last bad planned at 16980, sent 0.2 later, fault complete at 15003 */
    CU_ASSERT_NEAR(c->upper_s, 2.002);         /* first good planned at 17000, completed 2 later */
    CU_ASSERT_NEAR(c->interval_ms, 20);
    CU_ASSERT_NEAR(c->difference_ms, 8);       /* the first: 17007 + 3 */
    CU_ASSERT_NEAR(c->allowed_ms, 41.4);       /* 20 + 20 + slips of 0.1 and 0.2 + 2.9 - 1.8 of service */
    CU_ASSERT_PTR_NOT_NULL(strstr(c->detail, "clients 1.977 to 2.002 s beside 1.984 to 2.010 s"));
    CU_ASSERT_EQUAL(b.result->run.verdict, MET);
    CU_ASSERT_EQUAL(bench_check(&b, "harness")->verdict, MET);
    bench_deinit(&b);
}

static void the_sum_of_the_gaps_is_the_bound(void)
{
    build_shifted(20); /* 2022 beside 2010 */
    expect_agreement();
    build_shifted(60); /* 2062 beside 2010: 52 apart */
    expect_void("52.000 ms apart, 40.300 are allowed");
    build_shifted(-60);
    expect_void("apart");
    build_shifted(900);
    expect_void("do not overlap");
}

static void one_that_never_saw_recovery_disagrees(void)
{
    build_shifted(90000);
    expect_void("only one saw service come back");
}

static void both_without_recovery_agree(void)
{
    build();
    for (size_t i = 0; i < b.samples.len; i++)
        if (b.samples.at[i].planned_ns > MS(15001) && b.samples.at[i].planned_ns < MS(35000)) {
            b.samples.at[i].outcome = OUTCOME_REFUSED;
            b.cross.at[i].outcome = b.cross.at[i].planned_ns < MS(35000) ? OUTCOME_REFUSED : OUTCOME_GOOD;
        }
    const struct result_crosscheck *c = check();
    CU_ASSERT(c->agrees);
    CU_ASSERT(isnan(c->upper_s));
    CU_ASSERT_EQUAL(b.result->run.verdict, MISSED);
    bench_deinit(&b);
}

/* Each prober is a client of its own; what their clients parted by is granted in that direction only, within bounds. */
static void clients_that_moved_apart_may_see_it_apart(void)
{
    build_shifted(100);
    bench_change(&b, false, 16900, GATEWAY_WEST);
    bench_change(&b, true, 16990, GATEWAY_WEST);
    expect_agreement();
    build_shifted(100);
    bench_change(&b, false, 16990, GATEWAY_WEST);
    bench_change(&b, true, 16900, GATEWAY_WEST); /* moved earlier, so it has no excuse for being later */
    expect_void("apart");
    build_shifted(900);
    bench_change(&b, false, 15100, GATEWAY_WEST);
    bench_change(&b, true, 17890, GATEWAY_WEST); /* no phase explains 2.8 s */
    expect_void("apart");
    build_shifted(100);
    bench_change(&b, true, 17090, GATEWAY_WEST); /* the first never moved: nothing to compare with */
    expect_void("apart");
}

/* An upper end is a completion: a first good answer that took long is later by as much, and by no more. */
static void a_slow_first_answer_may_be_later(void)
{
    build();
    b.cross.at[349].done_ns += MS(250); /* planned at 17000: the second's first good one */
    const struct result_crosscheck *c = check();
    CU_ASSERT(c->agrees);
    CU_ASSERT_NEAR(c->difference_ms, 242);
    CU_ASSERT_NEAR(c->allowed_ms, 40.3 + 248.9); /* 252 - 0.2 beside 3 - 0.1 */
    bench_deinit(&b);
    build();
    b.samples.at[350].done_ns += MS(250); /* the other way round */
    CU_ASSERT(check()->agrees);
    bench_deinit(&b);
    build_shifted(60);
    b.samples.at[350].done_ns += MS(1); /* the first took longer, which does not excuse the second */
    CU_ASSERT_FALSE(check()->agrees);
    bench_deinit(&b);
}

static void damage_and_absence_void_the_run(void)
{
    build();
    b.ev.cross_damage = "line 17 is damaged";
    expect_void("line 17 is damaged");
    build();
    b.ev.has_cross = false;
    b.cross.len = 0;
    expect_void("is missing");
    build();
    b.cross.len = 0;
    expect_void("left no record");
    build();
    b.cross.len = 700; /* died at 24 s */
    expect_void("not there all the time");
    build();
    b.cross.at[900].outcome = OUTCOME_UNSENT;
    expect_void("could not leave this machine");
    build();
    b.ev.cross_scenario_sha256[0] = 'f';
    expect_void("another scenario");
    build();
    for (size_t i = 260; i < 290; i++) /* it stood still for 600 ms of the outage */
        b.cross.at[i].sent_ns = b.cross.at[290].planned_ns;
    expect_void("itself was");
}

static void a_dead_prober_is_a_harness_error(void)
{
    build();
    bench_event(&b, EVENT_HARNESS, 20000, 20000, NULL, "error", 0)->detail =
        "the second prober of clients: its process died";
    CU_ASSERT_EQUAL(bench_run(&b)->run.verdict, INCONCLUSIVE);
    CU_ASSERT_PTR_NOT_NULL(strstr(bench_check(&b, "harness")->detail, "its process died"));
    bench_deinit(&b);
}

static void without_a_fault_there_is_nothing_to_compare(void)
{
    build();
    bench_drop(&b, EVENT_FAULT_APPLY);
    const struct result_crosscheck *c = check();
    CU_ASSERT_FALSE(c->agrees); /* nothing confirmed, yet nothing against the run either */
    CU_ASSERT_PTR_NOT_NULL(strstr(c->detail, "nothing to compare"));
    CU_ASSERT_EQUAL(bench_check(&b, "harness")->verdict, MET);
    bench_deinit(&b);
}

static void the_result_survives_its_file(void)
{
    build();
    json_t *doc = result_to_json(bench_run(&b));
    struct result *back = NULL;
    CU_ASSERT_EQUAL(result_from_json(doc, &back, "test", NULL), 0);
    CU_ASSERT(back->quality.has_crosscheck && back->quality.crosscheck.agrees);
    CU_ASSERT_NEAR(back->quality.crosscheck.difference_ms, 8);
    CU_ASSERT_WORD(back->quality.crosscheck.detail, b.result->quality.crosscheck.detail);
    result_free(back);
    json_decref(doc);
    bench_deinit(&b);
}

void suite_crosscheck(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_run_without_a_crosscheck_says_nothing);
    runner_test(two_phases_of_one_outage_agree);
    runner_test(the_sum_of_the_gaps_is_the_bound);
    runner_test(one_that_never_saw_recovery_disagrees);
    runner_test(both_without_recovery_agree);
    runner_test(clients_that_moved_apart_may_see_it_apart);
    runner_test(a_slow_first_answer_may_be_later);
    runner_test(damage_and_absence_void_the_run);
    runner_test(a_dead_prober_is_a_harness_error);
    runner_test(without_a_fault_there_is_nothing_to_compare);
    runner_test(the_result_survives_its_file);
}
