/* SPDX-License-Identifier: MIT */
/* The sets of the ledger beyond loss: where final reads disagree, what is stored twice, wrongly, or by nobody. */
#include "harness/base/text.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

static struct bench b;

enum { WRITES = 40 };

static double inv(uint64_t i)
{
    return 14000 + 50.0 * (double)i;
}

static void build(void)
{
    bench_init(&b);
    uint16_t writes = bench_stream(&b, STREAM_WRITE, 20, 1000);
    bench_fault(&b, "kill", 15000, 15001, NEVER, NEVER, 1000);
    for (uint64_t i = 0; i < WRITES; i++) {
        bench_write(&b, 0, i, inv(i), inv(i) + 4, i == 30 ? WRITE_FAIL : i == 31 ? WRITE_UNKNOWN : WRITE_OK);
        bench_sample(&b, writes, i, inv(i), inv(i), inv(i) + 4, OUTCOME_GOOD);
    }
    bench_target(&b, TARGET_LOST_WRITES, 5);
    bench_target(&b, TARGET_CONFLICTING_WRITES, 0);
}

static void every_write(bool has[WRITES])
{
    memset(has, 1, WRITES * sizeof(has[0]));
    has[30] = false;
}

static void present_somewhere_is_stranded_present_nowhere_is_gone(void)
{
    bool all[WRITES], most[WRITES];
    every_write(all);
    every_write(most);
    all[12] = most[12] = false;
    most[11] = false;
    build();
    bench_reads(&b, UINT16_MAX, PASS_LIVE, all, WRITES);
    bench_reads(&b, UINT16_MAX, PASS_COLD, all, WRITES);
    bench_reads(&b, EAST, PASS_LIVE, all, WRITES);
    bench_reads(&b, EAST, PASS_COLD, most, WRITES); /* gone with the cache */
    bench_reads(&b, WEST, PASS_LIVE, all, WRITES);
    bench_reads(&b, WEST, PASS_COLD, all, WRITES);
    const struct result *r = bench_run(&b);
    CU_ASSERT_EQUAL(r->ledger.gone_count, 1);
    CU_ASSERT_EQUAL(r->ledger.stranded_count, 1);
    CU_ASSERT_EQUAL(r->ledger.lost_before_count, 2);
    CU_ASSERT_EQUAL(r->ledger.landed_count, 1);
    bench_deinit(&b);
}

static struct ledger_record *found(uint64_t seq, uint32_t read)
{
    for (size_t i = 0; i < b.ledger.len; i++)
        if (b.ledger.at[i].kind == LEDGER_FOUND && b.ledger.at[i].seq == seq && b.ledger.at[i].read == read)
            return &b.ledger.at[i];
    return NULL;
}

static void a_wrong_checksum_is_not_presence(void)
{
    bool has[WRITES];
    every_write(has);
    build();
    bench_all_reads(&b, has, WRITES);
    found(7, 1)->value ^= 1;
    found(7, 2)->value ^= 1;
    const struct result *r = bench_run(&b);
    CU_ASSERT_EQUAL(r->ledger.corrupt_count, 1);
    CU_ASSERT_EQUAL(r->ledger.lost_before_count, 1);
    CU_ASSERT_EQUAL(r->ledger.stranded_count, 1);
    bench_deinit(&b);
}

static void told_failed_yet_stored_is_contradicted(void)
{
    bool has[WRITES];
    every_write(has);
    has[30] = true;
    build();
    bench_all_reads(&b, has, WRITES);
    CU_ASSERT_EQUAL(bench_run(&b)->ledger.contradicted_count, 1);
    bench_deinit(&b);
}

/* Both readings of a source get one more record, and say so. */
static void store_more(uint32_t first, struct ledger_record extra)
{
    for (uint32_t read = first; read < first + 2; read++) {
        extra.kind = extra.kind ? extra.kind : LEDGER_FOUND;
        extra.read = read;
        for (size_t i = 0; i < b.ledger.len; i++)
            if (b.ledger.at[i].kind == LEDGER_READ_END && b.ledger.at[i].read == read)
                b.ledger.at[i].count++;
        *vec_push(&b.ledger) = extra;
    }
}

static void stored_twice_is_duplicated(void)
{
    bool has[WRITES];
    every_write(has);
    build();
    bench_target(&b, TARGET_DUPLICATED_WRITES, 0);
    bench_all_reads(&b, has, WRITES);
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "duplicated_writes")->verdict, MET);
    store_more(1, *found(3, 1));
    const struct result *r = bench_run(&b);
    CU_ASSERT_EQUAL(r->ledger.duplicated_count, 1);
    CU_ASSERT_EQUAL(r->ledger.lost_before_count, 0);
    CU_ASSERT_EQUAL(bench_objective(&b, "duplicated_writes")->verdict, MISSED);
    bench_deinit(&b);
}

static void what_nobody_sent_is_foreign_and_breaks_the_ledger(void)
{
    bool has[WRITES];
    every_write(has);
    build();
    bench_all_reads(&b, has, WRITES);
    store_more(1, (struct ledger_record){.seq = 4711, .value = 1});
    store_more(5, (struct ledger_record){.kind = LEDGER_FOREIGN, .value = 99});
    const struct result *r = bench_run(&b);
    CU_ASSERT_EQUAL(r->ledger.foreign_count, 2);
    CU_ASSERT_EQUAL(bench_check(&b, "ledger")->verdict, INCONCLUSIVE);
    CU_ASSERT_WORD(r->run.status, "void");
    bench_deinit(&b);
}

static void two_writes_at_one_version_conflict(void)
{
    bool has[WRITES];
    every_write(has);
    build();
    bench_all_reads(&b, has, WRITES);
    for (uint32_t read = 9; read <= 12; read++) /* eu-west kept another write at that place */
        found(16, read)->version = 1; /* key k0, version 1, which is write 0 */
    const struct result *r = bench_run(&b);
    CU_ASSERT_EQUAL(r->ledger.conflicting_count, 1);
    CU_ASSERT_EQUAL(bench_objective(&b, "conflicting_writes")->verdict, MISSED);
    bench_deinit(&b);
}

static void a_missing_final_read_bars_met_and_keeps_what_is_certain(void)
{
    bool has[WRITES];
    every_write(has);
    build();
    bench_reads(&b, UINT16_MAX, PASS_LIVE, has, WRITES);
    bench_reads(&b, EAST, PASS_LIVE, has, WRITES);
    bench_run(&b);
    CU_ASSERT_FALSE(b.result->ledger.final_read_complete);
    CU_ASSERT_EQUAL(bench_objective(&b, "lost_writes")->verdict, INCONCLUSIVE);
    CU_ASSERT_EQUAL(bench_objective(&b, "conflicting_writes")->verdict, INCONCLUSIVE);
    memset(has, 0, sizeof(has));
    bench_reads(&b, WEST, PASS_LIVE, has, WRITES); /* everything is lost there */
    bench_run(&b);
    CU_ASSERT_EQUAL(bench_objective(&b, "lost_writes")->verdict, MISSED);
    bench_deinit(&b);
}

static void readings_that_disagree_or_are_not_whole_do_not_speak(void)
{
    bool has[WRITES];
    every_write(has);
    build();
    bench_all_reads(&b, has, WRITES);
    CU_ASSERT(bench_run(&b)->ledger.final_read_complete);
    found(5, 2)->seq = 30; /* the second reading of the gateway differs */
    CU_ASSERT_FALSE(bench_run(&b)->ledger.final_read_complete);
    found(30, 2)->seq = 5;
    for (size_t i = 0; i < b.ledger.len; i++)
        if (b.ledger.at[i].kind == LEDGER_READ_END && b.ledger.at[i].read == 2)
            b.ledger.at[i].count++; /* announced one more than it gave */
    CU_ASSERT_FALSE(bench_run(&b)->ledger.final_read_complete);
    bench_deinit(&b);
}

static void no_final_reads_say_nothing_about_loss(void)
{
    build();
    const struct result *r = bench_run(&b);
    CU_ASSERT(isnan(r->measures.rpo_upper_s));
    CU_ASSERT_EQUAL(r->ledger.lost.len, 0);
    CU_ASSERT_EQUAL(bench_objective(&b, "lost_writes")->verdict, INCONCLUSIVE);
    CU_ASSERT_PTR_NOT_NULL(bench_objective(&b, "lost_writes")->reason);
    bench_deinit(&b);
}

static void records_that_contradict_each_other_break_the_ledger(void)
{
    bool has[WRITES];
    every_write(has);
    for (int what = 0; what < 5; what++) {
        build();
        bench_all_reads(&b, has, WRITES);
        struct ledger_record first = b.ledger.at[0], result = b.ledger.at[1];
        if (what == 0)
            *vec_push(&b.ledger) = first; /* two intents */
        else if (what == 1)
            *vec_push(&b.ledger) = result; /* two results */
        else if (what == 2)
            b.ledger.at[2 * 9].kind = 0; /* a hole, and a result without intent */
        else if (what == 3)
            b.ledger.at[1].at_ns = MS(100); /* acknowledged before it was sent */
        else
            b.ledger.at[1].outcome = 77;
        bench_run(&b);
        CU_ASSERT_EQUAL(bench_check(&b, "ledger")->verdict, INCONCLUSIVE);
        bench_deinit(&b);
    }
}

static void epochs_that_overlap_are_a_dual_primary(void)
{
    bool has[WRITES];
    every_write(has);
    build();
    for (size_t i = 0; i < b.ledger.len; i++)
        if (b.ledger.at[i].kind == LEDGER_RESULT)
            b.ledger.at[i].epoch = b.ledger.at[i].seq < 20 ? 1 : b.ledger.at[i].seq % 2 ? 1 : 2;
    bench_all_reads(&b, has, WRITES);
    const struct result *r = bench_run(&b);
    CU_ASSERT_EQUAL(r->measures.stale_epoch_ack_count, 9); /* 21, 23 … 39 but for 31, which is unknown */
    CU_ASSERT_NEAR(r->measures.dual_primary_s, (inv(39) - inv(20)) / 1e3);
    bench_deinit(&b);
}

static void reads_that_miss_an_acknowledged_write_are_stale(void)
{
    bool has[WRITES];
    every_write(has);
    has[16] = false; /* key k0, version 2: lost, so nobody has to see it */
    build();
    bench_all_reads(&b, has, WRITES);
    uint16_t reads = bench_stream(&b, STREAM_READ_FRESH, 20, 1000);
    bench_target(&b, TARGET_STALE_READS, 100000);
    static const struct {
        double sent;
        uint16_t key;
        uint32_t version;
    } rows[] = {
        {14003, 0, 0},          /* write 0 was not yet acknowledged: could not be stale */
        {14005, 0, 1},          /* fresh */
        {14006, 0, 0},          /* stale: misses write 0, acknowledged at 14004 */
        {14900, 0, 1},          /* misses only the lost one: fresh */
        {15000, 1, 1},          /* stale: write 17 (k1, version 2) acknowledged at 14854 */
        {15500, 1, 2},          /* fresh */
        {15800, UINT16_MAX, 0}, /* no key */
    };
    for (uint64_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        struct sample *x = bench_sample(&b, reads, k, rows[k].sent, rows[k].sent, rows[k].sent + 3, OUTCOME_GOOD);
        x->key = rows[k].key;
        x->version = rows[k].version;
    }
    const struct result *r = bench_run(&b);
    CU_ASSERT_EQUAL(r->measures.stale_read_count, 2);
    CU_ASSERT_NEAR(r->measures.stale_read_ratio, 0.4);
    CU_ASSERT_NEAR(r->measures.max_staleness_s, 0.146);
    CU_ASSERT_EQUAL(bench_objective(&b, "stale_reads")->verdict, MISSED);
    bench_deinit(&b);
}

void suite_data(void)
{
    runner_suite(NULL, NULL);
    runner_test(present_somewhere_is_stranded_present_nowhere_is_gone);
    runner_test(a_wrong_checksum_is_not_presence);
    runner_test(told_failed_yet_stored_is_contradicted);
    runner_test(stored_twice_is_duplicated);
    runner_test(what_nobody_sent_is_foreign_and_breaks_the_ledger);
    runner_test(two_writes_at_one_version_conflict);
    runner_test(a_missing_final_read_bars_met_and_keeps_what_is_certain);
    runner_test(readings_that_disagree_or_are_not_whole_do_not_speak);
    runner_test(no_final_reads_say_nothing_about_loss);
    runner_test(records_that_contradict_each_other_break_the_ledger);
    runner_test(epochs_that_overlap_are_a_dual_primary);
    runner_test(reads_that_miss_an_acknowledged_write_are_stale);
}
