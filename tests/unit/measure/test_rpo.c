/* SPDX-License-Identifier: MIT */
/* RPO: the worked example of the measuring rules with all its numbers, then one thing changed at a time. */
#include "harness/base/text.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

static struct bench b;

enum { WRITES = 101 };

static double inv(uint64_t i)
{
    return 13998 + 50.0 * (double)i;
}

/* lambda_w = 20/s; cut in [15000, 15003]; 0..21 ok at the old primary, 22
 * unknown, 23..34 fail, 35..100 ok at the new. */
static void build_with(const bool has[WRITES])
{
    bench_init(&b);
    uint16_t writes = bench_stream(&b, STREAM_WRITE, 20, 1000);
    bench_fault(&b, "partition", 15000, 15003, NEVER, NEVER, 1000);
    b.steps[0].action.target = TARGET_LINK;
    for (uint64_t i = 0; i < WRITES; i++) {
        enum write_outcome o = i <= 21 ? WRITE_OK : i == 22 ? WRITE_UNKNOWN : i <= 34 ? WRITE_FAIL : WRITE_OK;
        bench_write(&b, 0, i, inv(i), inv(i) + 4, o);
        b.ledger.at[b.ledger.len - 1].epoch = i <= 21 ? 1 : 2;
        bench_sample(&b, writes, i, inv(i), inv(i), inv(i) + 4, o == WRITE_OK ? OUTCOME_GOOD : OUTCOME_HTTP_STATUS);
    }
    /* Positions of the standby: each baseline write is seen 250 ms after its acknowledgement. */
    struct event *baseline = bench_find(&b, EVENT_BASELINE, NULL);
    baseline->at_ns = MS(13990);
    baseline->end_ns = MS(14990);
    for (uint64_t i = 0; i < 20; i++) {
        struct event *e = bench_event(&b, EVENT_POSITION, inv(i) + 254, inv(i) + 255, "eu-west/origin-1", NULL,
                                      (int64_t)i + 1);
        e->due_ns = e->at_ns - MS(20);
    }
    bench_all_reads(&b, has, WRITES);
    bench_target(&b, TARGET_RPO, MS(1000));
    bench_target(&b, TARGET_LOST_WRITES, 20);
}

static void build(void)
{
    bool has[WRITES] = {false};
    for (size_t i = 0; i < WRITES; i++)
        has[i] = i <= 15 || i >= 35;
    build_with(has);
}

static void the_worked_example_comes_out_to_the_digit(void)
{
    build();
    const struct result *r = bench_run(&b);
    const struct result_ledger *l = &r->ledger;
    const struct result_measures *m = &r->measures;
    CU_ASSERT(r->has_ledger);
    CU_ASSERT_EQUAL(l->write_count, 101);
    CU_ASSERT_EQUAL(l->acked_count, 88);
    CU_ASSERT_EQUAL(l->unknown_count, 1);
    CU_ASSERT_EQUAL(l->failed_count, 12);
    CU_ASSERT_EQUAL(l->lost_before_count, 5);
    CU_ASSERT_EQUAL(l->lost_after_count, 1);
    CU_ASSERT_EQUAL(l->gone_count, 6);
    CU_ASSERT_EQUAL(l->stranded_count, 0);
    CU_ASSERT_EQUAL(l->vanished_count, 1);
    CU_ASSERT_EQUAL(l->landed_count, 0);
    CU_ASSERT_EQUAL(l->lost.len, 6);
    CU_ASSERT_EQUAL(l->lost.at[0].id, 16);
    CU_ASSERT_WORD(l->lost.at[4].when, "before");
    CU_ASSERT_EQUAL(l->lost.at[5].id, 21);
    CU_ASSERT_WORD(l->lost.at[5].when, "after");
    CU_ASSERT(l->final_read_complete);
    CU_ASSERT_EQUAL(l->regions_read.len, 2);
    CU_ASSERT_NEAR(m->rpo_lower_s, 0.198);
    CU_ASSERT_NEAR(m->rpo_upper_s, 0.255);
    CU_ASSERT_NEAR(m->lost_after_span_s, 0.052);
    CU_ASSERT_EQUAL(m->hole_count, 0);
    CU_ASSERT_NEAR(m->dual_primary_s, 0);
    CU_ASSERT_EQUAL(m->stale_epoch_ack_count, 0);
    CU_ASSERT_NEAR(m->newest_survivor_age_s, 0.251);
    CU_ASSERT_NEAR(r->quality.replication_lag_ms, 250);
    CU_ASSERT_EQUAL(r->quality.exposure_write_count, 5);
    CU_ASSERT_NEAR(r->quality.unknown_ratio, 0);
    CU_ASSERT_EQUAL(bench_check(&b, "ledger")->verdict, MET);
    bench_deinit(&b);
}

static void lost_after_misses_an_rpo_that_is_in_time(void)
{
    build();
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "rpo")->verdict, MISSED);
    CU_ASSERT_EQUAL(bench_objective(&b, "lost_writes")->verdict, MET);
    CU_ASSERT_NEAR(bench_objective(&b, "lost_writes")->achieved_upper, 6);
    bench_target(&b, TARGET_LOST_WRITES, 5);
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "lost_writes")->verdict, MISSED);
    bench_deinit(&b);
}

static void an_allowance_lets_it_be_met_and_an_implied_zero_does_not(void)
{
    build();
    bench_target(&b, TARGET_LOST_AFTER, 1);
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "rpo")->verdict, MET);
    CU_ASSERT_EQUAL(bench_objective(&b, "lost_after")->verdict, MET);
    bench_target(&b, TARGET_RPO, MS(200));
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "rpo")->verdict, INCONCLUSIVE);
    bench_target(&b, TARGET_RPO, MS(190));
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "rpo")->verdict, MISSED);
    bench_target(&b, TARGET_RPO, MS(1000));
    b.targets[2].value = 0;
    b.targets[2].implied = true;
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "rpo")->verdict, MISSED);
    CU_ASSERT_EQUAL(bench_objective(&b, "lost_after")->verdict, MISSED);
    CU_ASSERT(bench_objective(&b, "lost_after")->implied);
    bench_deinit(&b);
}

static void all_present(bool has[WRITES])
{
    for (size_t i = 0; i < WRITES; i++)
        has[i] = i <= 21 || i >= 35;
}

static void nothing_lost_is_zero_with_a_resolution_and_a_bound(void)
{
    bool has[WRITES];
    all_present(has);
    build_with(has);
    const struct result *r = bench_run(&b);
    CU_ASSERT_NEAR(r->measures.rpo_lower_s, 0);
    CU_ASSERT_NEAR(r->measures.rpo_upper_s, 0);
    CU_ASSERT_NEAR(bench_objective(&b, "rpo")->resolution, (15003 - inv(20)) / 1e3);
    CU_ASSERT_NEAR(r->measures.loss_bound_ratio, 0.6);
    CU_ASSERT_EQUAL(bench_objective(&b, "rpo")->verdict, MET);
    bench_deinit(&b);
}

static void holes_show_what_the_newest_survivor_hides(void)
{
    bool has[WRITES];
    all_present(has);
    has[10] = has[18] = false;
    build_with(has);
    const struct result *r = bench_run(&b);
    CU_ASSERT_EQUAL(r->measures.hole_count, 2);
    CU_ASSERT_NEAR(r->measures.rpo_lower_s, (15000 - inv(10) - 4) / 1e3);
    CU_ASSERT_NEAR(r->measures.rpo_upper_s, (15003 - inv(9)) / 1e3);
    CU_ASSERT(r->measures.newest_survivor_age_s < 0.1);
    bench_deinit(&b);
}

static void no_survivor_before_the_oldest_loss_leaves_the_upper_end_open(void)
{
    bool has[WRITES];
    all_present(has);
    has[0] = false;
    build_with(has);
    const struct result *r = bench_run(&b);
    CU_ASSERT(isnan(r->measures.rpo_upper_s));
    CU_ASSERT_EQUAL(bench_objective(&b, "rpo")->verdict, INCONCLUSIVE);
    bench_deinit(&b);
}

static void an_answer_on_the_wire_at_the_fault_is_no_split_brain(void)
{
    build();
    struct ledger_record *ack = &b.ledger.at[2 * 20 + 1]; /* write 20, invoked before the fault was complete */
    ack->at_ns = MS(15004.9);
    bench_run(&b);
    CU_ASSERT_EQUAL(b.result->ledger.lost_before_count, 5);
    ack->at_ns = MS(15005.1); /* 2 ms and no wire: too late */
    bench_run(&b);
    CU_ASSERT_EQUAL(b.result->ledger.lost_after_count, 2);
    bench_stall(&b, 15000, 15001); /* drtest was late itself by a millisecond */
    bench_run(&b);
    CU_ASSERT_EQUAL(b.result->ledger.lost_after_count, 1);
    struct topo_link slow[] = {{.a = CLIENTS, .b = EAST, .baseline = {.delay_ns = MS(40), .jitter_ns = MS(3)}}};
    b.topology.links = slow;
    b.topology.link_count = 1;
    ack->at_ns = MS(15047);
    bench_run(&b);
    CU_ASSERT_EQUAL(b.result->ledger.lost_after_count, 1);
    bench_deinit(&b);
}

static void a_loss_acknowledged_after_the_heal_is_still_lost_after(void)
{
    bool has[WRITES];
    all_present(has);
    has[90] = false; /* 18498 */
    build_with(has);
    struct event *heal = bench_event(&b, EVENT_FAULT_HEAL, 17000, 17001, NULL, "ok", 1);
    (void)heal;
    bench_event(&b, EVENT_HEAL_PROOF, 17001, 17001, NULL, "proven", 1);
    bench_run(&b);
    CU_ASSERT_EQUAL(b.result->ledger.lost_before_count, 0);
    CU_ASSERT_EQUAL(b.result->ledger.lost_after_count, 1);
    bench_deinit(&b);
}

static void degrade_and_drift_sever_nothing_unless_alone(void)
{
    build();
    bench_run(&b);
    b.steps[0].action.type = NULL;
    bench_deinit(&b);
    build();
    bench_fault(&b, "drift", 13000, 13001, NEVER, NEVER, 0);
    bench_run(&b);
    CU_ASSERT_NEAR(b.result->measures.rpo_upper_s, 0.255); /* the drift, though first, does not count */
    CU_ASSERT_EQUAL(bench_objective(&b, "rpo")->fault_id, 1);
    bench_deinit(&b);
}

static void zero_loss_needs_writes_in_the_replication_lag(void)
{
    bool has[WRITES];
    all_present(has);
    build_with(has);
    bench_target(&b, TARGET_RPO, 0);
    bench_target(&b, TARGET_LOST_WRITES, 0);
    bench_run(&b); /* 20/s times 250 ms are five */
    CU_ASSERT_EQUAL(bench_objective(&b, "rpo")->verdict, MET);
    CU_ASSERT_EQUAL(bench_objective(&b, "lost_writes")->verdict, MET);
    for (size_t i = 0; i < b.events.len; i++)
        if (b.events.at[i].kind == EVENT_POSITION)
            b.events.at[i].at_ns -= MS(100); /* a lag of 150 ms: three writes */
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "rpo")->verdict, INCONCLUSIVE);
    CU_ASSERT_EQUAL(bench_objective(&b, "lost_writes")->verdict, INCONCLUSIVE);
    for (size_t i = 0; i < b.events.len; i++)
        if (b.events.at[i].kind == EVENT_POSITION)
            b.events.at[i].due_ns = (b.events.at[i].at_ns -= MS(145)) - MS(20); /* within one poll: no lag at all */
    bench_run(&b);
    CU_ASSERT_NEAR(b.result->quality.replication_lag_ms, 0);
    CU_ASSERT_EQUAL(bench_objective(&b, "rpo")->verdict, MET);
    bench_drop(&b, EVENT_POSITION);
    bench_run(&b);
    CU_ASSERT(isnan(b.result->quality.replication_lag_ms));
    CU_ASSERT_EQUAL(bench_objective(&b, "rpo")->verdict, INCONCLUSIVE);
    bench_deinit(&b);
}

static void without_exposed_writes_nothing_is_met(void)
{
    bool has[WRITES];
    all_present(has);
    build_with(has);
    for (size_t i = 0; i < b.ledger.len; i++) /* the last acknowledgement before the fault is 14748 */
        if (b.ledger.at[i].kind == LEDGER_RESULT && b.ledger.at[i].seq >= 16 && b.ledger.at[i].seq <= 21)
            b.ledger.at[i].outcome = WRITE_FAIL;
    bench_run(&b);
    CU_ASSERT_EQUAL(b.result->quality.exposure_write_count, 1);
    b.ledger.at[2 * 15 + 1].outcome = WRITE_FAIL;
    bench_run(&b);
    CU_ASSERT_EQUAL(b.result->quality.exposure_write_count, 0);
    CU_ASSERT_EQUAL(bench_objective(&b, "rpo")->verdict, INCONCLUSIVE);
    CU_ASSERT_EQUAL(bench_objective(&b, "lost_writes")->verdict, INCONCLUSIVE);
    bench_deinit(&b);
}

static void too_many_unknown_outcomes_bar_met_but_not_missed(void)
{
    bool has[WRITES];
    all_present(has);
    build_with(has);
    for (size_t i = 0; i < b.ledger.len; i++)
        if (b.ledger.at[i].kind == LEDGER_RESULT && b.ledger.at[i].seq >= 2 && b.ledger.at[i].seq <= 6)
            b.ledger.at[i].outcome = WRITE_UNKNOWN;
    bench_run(&b); /* 5 of 20 */
    CU_ASSERT_NEAR(b.result->quality.unknown_ratio, 0.25);
    CU_ASSERT_EQUAL(bench_objective(&b, "rpo")->verdict, INCONCLUSIVE);
    CU_ASSERT_EQUAL(b.result->ledger.landed_count, 5);
    bench_deinit(&b);
}

void suite_rpo(void)
{
    runner_suite(NULL, NULL);
    runner_test(the_worked_example_comes_out_to_the_digit);
    runner_test(lost_after_misses_an_rpo_that_is_in_time);
    runner_test(an_allowance_lets_it_be_met_and_an_implied_zero_does_not);
    runner_test(nothing_lost_is_zero_with_a_resolution_and_a_bound);
    runner_test(holes_show_what_the_newest_survivor_hides);
    runner_test(no_survivor_before_the_oldest_loss_leaves_the_upper_end_open);
    runner_test(an_answer_on_the_wire_at_the_fault_is_no_split_brain);
    runner_test(a_loss_acknowledged_after_the_heal_is_still_lost_after);
    runner_test(degrade_and_drift_sever_nothing_unless_alone);
    runner_test(zero_loss_needs_writes_in_the_replication_lag);
    runner_test(without_exposed_writes_nothing_is_met);
    runner_test(too_many_unknown_outcomes_bar_met_but_not_missed);
}
