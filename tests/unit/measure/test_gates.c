/* SPDX-License-Identifier: MIT */
/* Every gate: the run that trips it is inconclusive, says which check and why, and keeps its numbers. */
#include "harness/base/text.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct bench b;

/* Two seconds of outage, everything else as it should be. */
static int build(void)
{
    bench_init(&b);
    uint16_t reads = bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    bench_fault(&b, "partition", 15000, 15003, 35000, 35010, 5000);
    b.steps[0].action.target = TARGET_LINK;
    bench_target(&b, TARGET_RTO, MS(5000));
    bench_target(&b, TARGET_AVAILABILITY, 800000);
    for (uint64_t k = 0; k < 1800; k++) {
        double s = 10007 + 20.0 * (double)k;
        bool bad = s > 15001 && s < 17000;
        bench_sample(&b, reads, k, s, s + 0.1, s + 3, bad ? OUTCOME_REFUSED : OUTCOME_GOOD);
    }
    return 0;
}

static int tear_down(void)
{
    bench_deinit(&b);
    return 0;
}

static void rebuild(void)
{
    bench_deinit(&b);
    build();
}

/* Run, and expect this check to fail for a reason with that word; then begin anew. */
static void expect_void(const char *check, const char *word)
{
    const struct result *r = bench_run(&b);
    const struct result_check *c = bench_check(&b, check);
    CU_ASSERT_EQUAL(c->verdict, INCONCLUSIVE);
    CU_ASSERT_PTR_NOT_NULL(c->detail);
    CU_ASSERT(c->detail && strstr(c->detail, word));
    if (!c->detail || !strstr(c->detail, word))
        printf("%s: %s (wanted: %s)\n", check, c->detail ? c->detail : "none", word);
    CU_ASSERT_EQUAL(r->run.verdict, INCONCLUSIVE);
    CU_ASSERT_EQUAL(r->run.exit_code, 4);
    CU_ASSERT_WORD(r->run.status, "void");
    CU_ASSERT_FALSE(r->quality.valid);
    CU_ASSERT_WORD(r->run.reason, check);
    for (size_t i = 0; i < r->objectives.len; i++) {
        CU_ASSERT_EQUAL(r->objectives.at[i].verdict, INCONCLUSIVE);
        CU_ASSERT_PTR_NOT_NULL(r->objectives.at[i].reason);
    }
    rebuild();
}

static void a_whole_run_is_met(void)
{
    const struct result *r = bench_run(&b);
    CU_ASSERT_EQUAL(r->run.verdict, MET);
    CU_ASSERT_PTR_NULL(r->run.reason);
    CU_ASSERT_EQUAL(r->run.met_count, 2);
    CU_ASSERT_WORD(r->run.status, "completed");
    CU_ASSERT_EQUAL(r->checks.len, 5); /* no ledger check without writes */
    CU_ASSERT(r->quality.valid);
    CU_ASSERT(r->quality.selftest_ok);
    rebuild();
}

static void g1_baseline(void)
{
    bench_drop(&b, EVENT_BASELINE);
    expect_void("steady_state", "no baseline");
    bench_find(&b, EVENT_BASELINE, NULL)->outcome = "missed";
    expect_void("steady_state", "not reached");
    for (size_t i = 100; i < 110; i++) /* the conductor said met, the records say otherwise */
        b.samples.at[i].outcome = OUTCOME_RESET;
    expect_void("steady_state", "do not bear");
}

static void g1_keeps_the_numbers(void)
{
    bench_find(&b, EVENT_BASELINE, NULL)->outcome = "missed";
    const struct result *r = bench_run(&b);
    CU_ASSERT(bench_objective(&b, "rto")->achieved_upper > 1.9);
    CU_ASSERT_NEAR(r->measures.rto_upper_s, bench_objective(&b, "rto")->achieved_upper);
    rebuild();
}

static void g2_fault(void)
{
    bench_find(&b, EVENT_FAULT_PROOF, NULL)->outcome = "refuted";
    expect_void("fault_proof", "refuted");
    bench_drop(&b, EVENT_FAULT_PROOF);
    expect_void("fault_proof", "without proof");
    bench_drop(&b, EVENT_FAULT_APPLY);
    expect_void("fault_proof", "never applied");
    bench_drop(&b, EVENT_HEAL_PROOF);
    expect_void("fault_proof", "heal");
    bench_find(&b, EVENT_HEAL_PROOF, NULL)->outcome = "unproven";
    expect_void("fault_proof", "unproven");
    bench_event(&b, EVENT_FAULT_LAPSE, 20000, 20000, NULL, "lapsed", 1);
    expect_void("fault_proof", "lapsed");
}

static void g2_lapses_that_are_none(void)
{
    bench_event(&b, EVENT_FAULT_LAPSE, 36000, 36000, NULL, "lapsed", 1); /* after the heal */
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_check(&b, "fault_proof")->verdict, MET);
    rebuild();
    b.plan.step_count = 0;
    bench_drop(&b, EVENT_FAULT_APPLY);
    bench_drop(&b, EVENT_FAULT_PROOF);
    bench_drop(&b, EVENT_FAULT_HEAL);
    bench_drop(&b, EVENT_HEAL_PROOF);
    bench_fault(&b, "kill", 15000, 15003, 35000, 35010, 5000); /* proven once: a supervisor may restart it */
    bench_event(&b, EVENT_FAULT_LAPSE, 20000, 20000, NULL, "lapsed", 1);
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_check(&b, "fault_proof")->verdict, MET);
    rebuild();
}

static void g2_is_waived_for_a_null_drill(void)
{
    b.plan.step_count = 0;
    bench_drop(&b, EVENT_FAULT_APPLY);
    bench_drop(&b, EVENT_FAULT_PROOF);
    bench_drop(&b, EVENT_FAULT_HEAL);
    bench_drop(&b, EVENT_HEAL_PROOF);
    bench_fault(&b, "nothing", 15000, 15003, NEVER, NEVER, 5000);
    bench_drop(&b, EVENT_FAULT_PROOF);
    const struct result *r = bench_run(&b);
    CU_ASSERT_PTR_NULL(bench_check(&b, "fault_proof")->name);
    CU_ASSERT(r->quality.valid);
    rebuild();
}

static void g3_ledger(void)
{
    uint16_t writes = bench_stream(&b, STREAM_WRITE, 50, 1000);
    for (uint64_t k = 0; k < 1800; k++)
        bench_sample(&b, writes, k, 10007 + 20.0 * (double)k, 10007 + 20.0 * (double)k, 10010 + 20.0 * (double)k,
                     OUTCOME_GOOD);
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_check(&b, "ledger")->verdict, INCONCLUSIVE); /* writes, but no ledger at all */
    bench_write(&b, 0, 0, 10007, 10010, WRITE_OK);
    b.ev.ledger_damage = "record 3 of chain 0 has a wrong CRC";
    expect_void("ledger", "wrong CRC");
}

static void g4_selftest(void)
{
    bench_drop(&b, EVENT_SELFTEST);
    expect_void("harness", "self-test");
    bench_find(&b, EVENT_SELFTEST, NULL)->outcome = "missed";
    expect_void("harness", "self-test");
    bench_find(&b, EVENT_SELFTEST, NULL)->outcome = "skipped";
    expect_void("harness", "self-test");
    bench_find(&b, EVENT_SELFTEST, NULL)->outcome = "skipped";
    bench_find(&b, EVENT_SELFTEST, NULL)->detail = "the self-test could not be done: too busy";
    expect_void("harness", "too busy");
    bench_find(&b, EVENT_SELFTEST, NULL)->outcome = "skipped"; /* a model has no prober to test */
    json_object_set_new(json_object_get(b.events.at[0].data, "lab"), "kind", json_string("sim"));
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_check(&b, "harness")->verdict, MET);
    rebuild();
}

static void g5_harness(void)
{
    bench_event(&b, EVENT_HARNESS, 20000, 20000, NULL, "error", 0)->detail = "a worker died";
    expect_void("harness", "worker died");
    bench_event(&b, EVENT_HARNESS, 20000, 20000, NULL, "warning", 0);
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_check(&b, "harness")->verdict, MET);
    rebuild();
    bench_event(&b, EVENT_WIRE, 46000, 46000, NULL, "ok", 0);
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_check(&b, "harness")->verdict, MET);
    CU_ASSERT_EQUAL(b.result->quality.wire_overflow_count, 0);
    bench_event(&b, EVENT_WIRE, 45999, 46000, NULL, "overflow", 3);
    bench_run(&b);
    CU_ASSERT_EQUAL(b.result->quality.wire_overflow_count, 3);
    expect_void("harness", "lost 3 frames");
    b.samples.at[1000].flags = SAMPLE_HARNESS_ERROR;
    expect_void("harness", "not sent");
    b.samples.at[1000].outcome = OUTCOME_UNSENT;
    b.samples.at[1000].sent_ns = 0;
    expect_void("harness", "not sent");
    b.samples.at[1000].k = 5000; /* request 1000 has no record */
    expect_void("harness", "without a record");
    b.samples.len = 1400; /* the process died at 38 s, others went on to 46 s */
    uint16_t other = bench_stream(&b, STREAM_READ_KEEPALIVE, 50, 1000);
    for (uint64_t k = 0; k < 1800; k++)
        bench_sample(&b, other, k, 10007 + 20.0 * (double)k, 10007 + 20.0 * (double)k, 10010 + 20.0 * (double)k,
                     OUTCOME_GOOD);
    expect_void("harness", "records from");
    b.ev.samples_damage = "a torn record";
    expect_void("harness", "torn");
    b.ev.timeline_damage = "line 7 is no JSON";
    expect_void("harness", "line 7");
    b.ev.timeline_damage = NULL;
    b.ev.samples_damage = NULL;
    b.ev.plan_damage = "it is another";
    expect_void("harness", "plan.yaml is damaged: it is another");
}

static void g6_clock(void)
{
    bench_drop(&b, EVENT_CLOCK);
    expect_void("harness", "clocks");
    json_t *end = bench_find(&b, EVENT_CLOCK, "end")->data;
    json_object_set_new(end, "boot_ns", json_integer(MS(100000) + 2 * NS_PER_S));
    bench_run(&b);
    CU_ASSERT(b.result->quality.suspended);
    expect_void("harness", "suspended");
    b.samples.at[700].done_ns = b.samples.at[700].sent_ns - 1;
    expect_void("harness", "backwards");
    end = bench_find(&b, EVENT_CLOCK, "end")->data;
    json_object_set_new(end, "raw_ns", json_integer(MS(100000) - MS(1)));
    bench_run(&b);
    CU_ASSERT_DOUBLE_EQUAL(b.result->quality.clock_slew_ppm, 10, 0.01); /* 1 ms in 100 s, no gate */
    CU_ASSERT_EQUAL(b.result->run.verdict, MET);
    rebuild();
}

static void g7_late_wire(void)
{
    bench_event(&b, EVENT_WIRE, 16000, 16499, NULL, "late", 0);
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_check(&b, "harness")->verdict, MET);
    bench_event(&b, EVENT_WIRE, 16000, 16501, NULL, "late", 0);
    expect_void("harness", "drtest itself was 501.0 ms late");
}

static void g7_stall(void)
{
    bench_stall(&b, 16000, 16501); /* more than 10 % of 5 s, during the recovery */
    expect_void("harness", "late");
    bench_stall(&b, 16000, 16499);
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_check(&b, "harness")->verdict, MET);
    CU_ASSERT_WORD(bench_objective(&b, "rto")->flags.at[0], "degraded"); /* above one probe interval */
    rebuild();
    bench_stall(&b, 25000, 27000); /* after it */
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_check(&b, "harness")->verdict, MET);
    CU_ASSERT_EQUAL(bench_objective(&b, "rto")->flags.len, 0);
    rebuild();
}

static void g9_floor(void)
{
    b.plan.step_count = 0;
    bench_drop(&b, EVENT_FAULT_APPLY);
    bench_drop(&b, EVENT_FAULT_PROOF);
    bench_drop(&b, EVENT_FAULT_HEAL);
    bench_drop(&b, EVENT_HEAL_PROOF);
    bench_fault(&b, "kill", 15000, 15003, 35000, 35010, 5000);
    for (size_t i = 0; i < b.samples.len; i++) /* the primary region is dead, and 0.3 s later all is well */
        if (b.samples.at[i].planned_ns > MS(15300))
            b.samples.at[i].outcome = OUTCOME_GOOD;
    const struct result *r = bench_run(&b);
    const struct result_objective *o = bench_objective(&b, "rto");
    CU_ASSERT(o->floor > 0.3);
    CU_ASSERT_NEAR(o->efficiency, o->floor_mean / o->achieved_upper); /* above 1: quicker than the configuration */
    CU_ASSERT_NEAR(o->excess, o->achieved_upper - o->floor_max);
    CU_ASSERT(isnan(bench_objective(&b, "availability")->efficiency));
    CU_ASSERT(isnan(bench_objective(&b, "availability")->excess));
    CU_ASSERT_EQUAL(o->verdict, INCONCLUSIVE);
    CU_ASSERT(strstr(o->reason, "floor") != NULL);
    CU_ASSERT_EQUAL(bench_objective(&b, "availability")->verdict, MET); /* the gate concerns one objective */
    CU_ASSERT_EQUAL(r->run.verdict, INCONCLUSIVE);
    CU_ASSERT_WORD(r->run.status, "completed");
    rebuild();
}

static void g10_targets(void)
{
    json_object_set_new(b.events.at[0].data, "scenario_sha256", json_string("other"));
    expect_void("harness", "changed");
    json_object_del(b.events.at[0].data, "scenario_sha256");
    expect_void("harness", "which scenario");
    bench_find(&b, EVENT_END, NULL)->data = bench_json("{\"scenario_sha256\":\"other\"}");
    expect_void("harness", "changed");
}

static void an_interruption_skips_what_is_undecided(void)
{
    bench_find(&b, EVENT_END, NULL)->outcome = "interrupted";
    bench_event(&b, EVENT_ABORT, 40000, 40000, NULL, NULL, SIGINT)->detail = "SIGINT";
    size_t kept = 0; /* the streams end at 30 s: the drill's window is not covered */
    for (size_t i = 0; i < b.samples.len; i++)
        if (b.samples.at[i].planned_ns < MS(30000))
            b.samples.at[kept++] = b.samples.at[i];
    b.samples.len = kept;
    const struct result *r = bench_run(&b);
    CU_ASSERT_WORD(r->run.status, "interrupted");
    CU_ASSERT_EQUAL(bench_objective(&b, "rto")->verdict, MET);
    CU_ASSERT_EQUAL(bench_objective(&b, "availability")->verdict, SKIPPED);
    CU_ASSERT_EQUAL(r->run.verdict, INCONCLUSIVE);
    CU_ASSERT_WORD(r->run.reason, "completed");
    CU_ASSERT_EQUAL(r->run.exit_code, 130);
    bench_target(&b, TARGET_RTO, MS(1000));
    r = bench_run(&b);
    CU_ASSERT_EQUAL(r->run.verdict, MISSED);
    rebuild();
}

static void a_killed_run_and_residue_are_not_met(void)
{
    bench_drop(&b, EVENT_END);
    const struct result *r = bench_run(&b);
    CU_ASSERT_WORD(r->run.status, "void"); /* a process of the harness died: no number counts */
    CU_ASSERT_EQUAL(r->run.verdict, INCONCLUSIVE);
    CU_ASSERT_EQUAL(r->run.exit_code, 4);
    CU_ASSERT_PTR_NOT_NULL(strstr(bench_check(&b, "completed")->detail, "on record are events up to "));
    rebuild();
    bench_find(&b, EVENT_RESIDUE, NULL)->outcome = "dirty";
    r = bench_run(&b);
    CU_ASSERT_EQUAL(bench_check(&b, "rollback")->verdict, INCONCLUSIVE);
    CU_ASSERT_EQUAL(bench_objective(&b, "rto")->verdict, MET); /* the last two checks leave objectives alone */
    CU_ASSERT_EQUAL(r->run.verdict, INCONCLUSIVE);
    CU_ASSERT_WORD(r->run.status, "completed");
    rebuild();
    bench_find(&b, EVENT_RESIDUE, NULL)->outcome = "clean";
    bench_find(&b, EVENT_RESIDUE, NULL)->subject = "before";
    CU_ASSERT_EQUAL(bench_run(&b)->run.verdict, INCONCLUSIVE);
    CU_ASSERT_WORD(bench_check(&b, "rollback")->detail, "nobody looked for what the run may have left behind");
    bench_drop(&b, EVENT_RESIDUE);
    CU_ASSERT_EQUAL(bench_run(&b)->run.verdict, INCONCLUSIVE);
    rebuild();
}

static void an_unfit_machine_skips_the_run(void)
{
    while (b.events.len > 1)
        json_decref(b.events.at[--b.events.len].data);
    b.samples.len = 0;
    bench_event(&b, EVENT_END, 100, 100, NULL, "unfit", 0);
    const struct result *r = bench_run(&b);
    CU_ASSERT_EQUAL(r->run.verdict, SKIPPED);
    CU_ASSERT_EQUAL(r->run.exit_code, 5);
    CU_ASSERT_EQUAL(r->run.skipped_count, 2);
    CU_ASSERT_WORD(r->run.status, "unfit");
    CU_ASSERT_EQUAL(r->checks.len, 0); /* nothing ran that could be checked */
    CU_ASSERT_WORD(r->run.reason, r->objectives.at[0].name);
    CU_ASSERT_WORD(r->objectives.at[0].reason, "this machine cannot do what the scenario asks for");
    CU_ASSERT(isnan(r->objectives.at[0].achieved_upper));
    rebuild();
}

void suite_gates(void)
{
    runner_suite(build, tear_down);
    runner_test(a_whole_run_is_met);
    runner_test(g1_baseline);
    runner_test(g1_keeps_the_numbers);
    runner_test(g2_fault);
    runner_test(g2_lapses_that_are_none);
    runner_test(g2_is_waived_for_a_null_drill);
    runner_test(g3_ledger);
    runner_test(g4_selftest);
    runner_test(g5_harness);
    runner_test(g6_clock);
    runner_test(g7_stall);
    runner_test(g7_late_wire);
    runner_test(g9_floor);
    runner_test(g10_targets);
    runner_test(an_interruption_skips_what_is_undecided);
    runner_test(a_killed_run_and_residue_are_not_met);
    runner_test(an_unfit_machine_skips_the_run);
}
