/* SPDX-License-Identifier: MIT */
/* The write ledger beside what the stores say they set aside: recoverable, traceless, kept, never acknowledged. */
#include "harness/base/json.h"
#include "harness/base/rng.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

enum { WRITES = 60, FAILED = 30, UNKNOWN = 31, LOST_FROM = 10, LOST_TO = 16 };

static struct bench b;
static bool kept[WRITES], aside[WRITES], none[WRITES];

/* Sixty writes of which six are lost; what the stores set aside is told by the tests. */
static void build(void)
{
    bench_init(&b);
    uint16_t writes = bench_stream(&b, STREAM_WRITE, 20, 1000);
    bench_fault(&b, "kill", 15000, 15001, NEVER, NEVER, 1000);
    for (uint64_t i = 0; i < WRITES; i++) {
        double inv = 13000 + 50 * (double)i;
        bench_write(&b, 0, i, inv, inv + 4, i == FAILED ? WRITE_FAIL : i == UNKNOWN ? WRITE_UNKNOWN : WRITE_OK);
        bench_sample(&b, writes, i, inv, inv, inv + 4, OUTCOME_GOOD);
        kept[i] = i != FAILED && i != UNKNOWN && !(i >= LOST_FROM && i < LOST_TO);
        aside[i] = i >= LOST_FROM && i < LOST_TO;
        none[i] = false;
    }
    bench_target(&b, TARGET_LOST_WRITES, 6);
    bench_all_reads(&b, kept, WRITES);
}

static const struct result_ledger *told(void)
{
    bench_reads(&b, EAST, PASS_ASIDE, aside, WRITES);
    bench_reads(&b, WEST, PASS_ASIDE, none, WRITES);
    return &bench_run(&b)->ledger;
}

static struct ledger_record *set_aside_record(uint64_t seq, int which)
{
    for (size_t i = 0; i < b.ledger.len; i++)
        if (b.ledger.at[i].pass == PASS_ASIDE && b.ledger.at[i].kind == LEDGER_FOUND && b.ledger.at[i].seq == seq &&
            which-- == 0)
            return &b.ledger.at[i];
    return NULL;
}

static void two_books_that_agree(void)
{
    build();
    const struct result_ledger *l = told();
    CU_ASSERT_EQUAL(l->lost_before_count, 6);
    CU_ASSERT_EQUAL(l->recoverable_count, 6);
    CU_ASSERT_EQUAL(l->traceless_count, 0);
    CU_ASSERT_EQUAL(l->set_aside_count, 6);
    CU_ASSERT_EQUAL(l->set_aside_kept_count, 0);
    CU_ASSERT_EQUAL(l->set_aside_unacked_count, 0);
    CU_ASSERT_EQUAL(l->set_aside_foreign_count, 0);
    CU_ASSERT_EQUAL(l->set_aside_regions.len, 2);
    CU_ASSERT(l->gone_count == 6 && l->stranded_count == 0); /* set aside is not stored */
    CU_ASSERT(l->lost.len == 6 && l->lost.at[0].set_aside);
    bench_deinit(&b);
}

static void lost_and_not_set_aside_left_no_trace(void)
{
    build();
    aside[12] = aside[13] = false;
    const struct result_ledger *l = told();
    CU_ASSERT_EQUAL(l->lost_before_count, 6);
    CU_ASSERT_EQUAL(l->recoverable_count, 4);
    CU_ASSERT_EQUAL(l->traceless_count, 2);
    CU_ASSERT(!l->lost.at[2].set_aside && l->lost.at[1].set_aside);
    CU_ASSERT_EQUAL(bench_objective(&b, "lost_writes")->verdict, MET); /* the ledger alone decides */
    CU_ASSERT_EQUAL(b.result->run.verdict, MET);
    bench_deinit(&b);
}

static void a_trace_in_some_log_is_a_trace(void)
{
    build();
    memset(aside, 0, sizeof(aside));
    kept[12] = true;
    bench_reads(&b, EAST, PASS_LIVE, kept, WRITES);
    bench_reads(&b, EAST, PASS_COLD, kept, WRITES);
    const struct result_ledger *l = told();
    CU_ASSERT_EQUAL(l->stranded_count, 1);
    CU_ASSERT_EQUAL(l->traceless_count, 5);
    CU_ASSERT_EQUAL(l->recoverable_count, 0);
    bench_deinit(&b);
}

static void set_aside_and_not_lost(void)
{
    build();
    aside[3] = aside[4] = aside[FAILED] = aside[UNKNOWN] = true;
    const struct result_ledger *l = told();
    CU_ASSERT_EQUAL(l->set_aside_count, 10);
    CU_ASSERT_EQUAL(l->recoverable_count, 6);
    CU_ASSERT_EQUAL(l->set_aside_kept_count, 2);
    CU_ASSERT_EQUAL(l->set_aside_unacked_count, 2);
    CU_ASSERT(l->contradicted_count == 0 && l->landed_count == 0); /* nobody found them stored */
    bench_deinit(&b);
}

static void a_copy_that_differs_is_no_copy(void)
{
    build();
    bench_reads(&b, EAST, PASS_ASIDE, aside, WRITES);
    bench_reads(&b, WEST, PASS_ASIDE, none, WRITES);
    for (int which = 0; which < 2; which++)
        set_aside_record(12, which)->value ^= 1;
    const struct result_ledger *l = &bench_run(&b)->ledger;
    CU_ASSERT_EQUAL(l->recoverable_count, 5);
    CU_ASSERT_EQUAL(l->traceless_count, 1);
    CU_ASSERT(l->set_aside_count == 6 && l->set_aside_foreign_count == 1);
    CU_ASSERT_EQUAL(l->corrupt_count, 0);
    bench_deinit(&b);
}

static void strangers_set_aside_void_nothing(void)
{
    build();
    bench_reads(&b, EAST, PASS_ASIDE, aside, WRITES);
    bench_reads(&b, WEST, PASS_ASIDE, none, WRITES);
    set_aside_record(12, 1)->seq = 4000;
    set_aside_record(12, 0)->seq = 4000;
    struct ledger_record *r = set_aside_record(13, 0);
    r->kind = LEDGER_FOREIGN;
    r->value = 17;
    const struct result_ledger *l = &bench_run(&b)->ledger;
    CU_ASSERT(l->foreign_count == 0 && l->set_aside_foreign_count == 2);
    CU_ASSERT_EQUAL(bench_check(&b, "ledger")->verdict, MET);
    bench_deinit(&b);
}

static void nobody_told(void)
{
    build();
    const struct result_ledger *l = &bench_run(&b)->ledger;
    CU_ASSERT_EQUAL(l->lost_before_count, 6);
    CU_ASSERT(l->set_aside_count == JSON_NONE && l->recoverable_count == JSON_NONE &&
              l->traceless_count == JSON_NONE && l->set_aside_kept_count == JSON_NONE &&
              l->set_aside_unacked_count == JSON_NONE && l->set_aside_foreign_count == JSON_NONE);
    CU_ASSERT_EQUAL(l->set_aside_regions.len, 0);
    bench_deinit(&b);
}

static void one_store_did_not_tell(void)
{
    build();
    aside[12] = false;
    bench_reads(&b, EAST, PASS_ASIDE, aside, WRITES);
    const struct result_ledger *l = &bench_run(&b)->ledger;
    CU_ASSERT_EQUAL(l->recoverable_count, 5);
    CU_ASSERT_EQUAL(l->traceless_count, JSON_NONE);
    CU_ASSERT_EQUAL(l->set_aside_regions.len, 1);
    bench_deinit(&b);
}

/* A log that no final read saw may have what is missing: nothing can be called traceless. */
static void one_log_was_not_read(void)
{
    build();
    for (size_t i = 0; i < b.ledger.len; i++)
        if (b.ledger.at[i].kind == LEDGER_READ_END && b.ledger.at[i].region == WEST)
            b.ledger.at[i].outcome = 0;
    memset(aside, 0, sizeof(aside));
    CU_ASSERT_EQUAL(told()->traceless_count, JSON_NONE);
    bench_deinit(&b);
}

static void without_final_reads_nothing_is_known_to_be_lost(void)
{
    build();
    for (size_t i = 0; i < b.ledger.len; i++)
        if (b.ledger.at[i].kind == LEDGER_READ_END)
            b.ledger.at[i].outcome = 0;
    const struct result_ledger *l = told();
    CU_ASSERT_EQUAL(l->set_aside_count, 6);
    CU_ASSERT(l->recoverable_count == JSON_NONE && l->traceless_count == JSON_NONE &&
              l->set_aside_kept_count == JSON_NONE);
    bench_deinit(&b);
}

/* ---- the same a second way, on random worlds ---- */

enum { WORLDS = 300, SOURCES = 6 };

struct world {
    enum write_outcome outcome[WRITES];
    bool found[SOURCES][WRITES], aside[2][WRITES]; /* gateway, east, west; each live and cold */
    bool read[SOURCES], told[2];
};

static void dream(struct world *w, struct rng *r)
{
    static const enum write_outcome outcomes[] = {WRITE_OK, WRITE_OK, WRITE_OK, WRITE_UNKNOWN, WRITE_FAIL};
    uint64_t hole = rng_below(r, 4);
    for (int i = 0; i < WRITES; i++) {
        w->outcome[i] = outcomes[rng_below(r, 5)];
        for (int s = 0; s < SOURCES; s++)
            w->found[s][i] = rng_below(r, 8) >= hole;
        for (int s = 0; s < 2; s++)
            w->aside[s][i] = rng_below(r, 3) == 0;
    }
    for (int s = 0; s < SOURCES; s++)
        w->read[s] = rng_below(r, 12) > 0;
    for (int s = 0; s < 2; s++)
        w->told[s] = rng_below(r, 6) > 0;
}

static const struct result_ledger *measured(const struct world *w)
{
    static const uint16_t sources[] = {UINT16_MAX, UINT16_MAX, EAST, EAST, WEST, WEST};
    bench_init(&b);
    bench_stream(&b, STREAM_WRITE, 20, 1000);
    bench_fault(&b, "kill", 15000, 15001, NEVER, NEVER, 1000);
    for (uint64_t i = 0; i < WRITES; i++)
        bench_write(&b, 0, i, 13000 + 50 * (double)i, 13004 + 50 * (double)i, w->outcome[i]);
    for (int s = 0; s < SOURCES; s++)
        if (w->read[s])
            bench_reads(&b, sources[s], s % 2 ? PASS_COLD : PASS_LIVE, w->found[s], WRITES);
    for (int s = 0; s < 2; s++)
        if (w->told[s])
            bench_reads(&b, s ? WEST : EAST, PASS_ASIDE, w->aside[s], WRITES);
    return &bench_run(&b)->ledger;
}

static bool any_read(const struct world *w, int from, int to)
{
    for (int s = from; s < to; s++)
        if (w->read[s])
            return true;
    return false;
}

static bool agrees(const struct world *w, const struct result_ledger *l)
{
    int64_t recoverable = 0, traceless = 0, keeps = 0, unacked = 0, all = 0;
    for (int i = 0; i < WRITES; i++) {
        bool anywhere = false, everywhere = any_read(w, 0, SOURCES), set = false;
        for (int s = 0; s < SOURCES; s++) {
            anywhere = anywhere || (w->read[s] && w->found[s][i]);
            everywhere = everywhere && (!w->read[s] || w->found[s][i]);
        }
        for (int s = 0; s < 2; s++)
            set = set || (w->told[s] && w->aside[s][i]);
        bool ok = w->outcome[i] == WRITE_OK;
        all += set;
        unacked += set && !ok;
        keeps += set && ok && everywhere;
        recoverable += set && ok && !everywhere;
        traceless += ok && !set && !anywhere;
    }
    bool told = w->told[0] || w->told[1], losses = told && any_read(w, 0, SOURCES);
    bool complete = w->read[0] && w->read[1] && w->read[4] && w->read[5] && /* east is killed: once is enough there */
                    any_read(w, 2, 4);
    return l->set_aside_count == (told ? all : JSON_NONE) &&
           l->set_aside_unacked_count == (told ? unacked : JSON_NONE) &&
           l->recoverable_count == (losses ? recoverable : JSON_NONE) &&
           l->set_aside_kept_count == (losses ? keeps : JSON_NONE) &&
           l->traceless_count == (w->told[0] && w->told[1] && complete ? traceless : JSON_NONE) &&
           l->set_aside_regions.len == (size_t)w->told[0] + w->told[1];
}

static void two_ways_to_the_comparison_agree(void)
{
    size_t traceless = 0, unknown = 0;
    for (uint64_t seed = 0; seed < WORLDS; seed++) {
        static struct world w;
        struct rng r;
        rng_init(&r, seed, "set-aside");
        dream(&w, &r);
        const struct result_ledger *l = measured(&w);
        CU_ASSERT(agrees(&w, l));
        unknown += l->traceless_count == JSON_NONE;
        traceless += l->traceless_count != JSON_NONE && l->traceless_count > 0;
        bench_deinit(&b);
    }
    CU_ASSERT(traceless > 0 && unknown > 0 && unknown < WORLDS); /* the worlds differ in what matters */
}

void suite_set_aside(void)
{
    runner_suite(NULL, NULL);
    runner_test(two_books_that_agree);
    runner_test(lost_and_not_set_aside_left_no_trace);
    runner_test(a_trace_in_some_log_is_a_trace);
    runner_test(set_aside_and_not_lost);
    runner_test(a_copy_that_differs_is_no_copy);
    runner_test(strangers_set_aside_void_nothing);
    runner_test(nobody_told);
    runner_test(one_store_did_not_tell);
    runner_test(one_log_was_not_read);
    runner_test(without_final_reads_nothing_is_known_to_be_lost);
    runner_test(two_ways_to_the_comparison_agree);
}
