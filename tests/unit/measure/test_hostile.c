/* SPDX-License-Identifier: MIT */
/* Evidence that is empty, torn or malicious: never a crash, never a verdict that it does not bear. */
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

static struct bench b;

static void all_targets(void)
{
    for (int key = 0; key < TARGET_KEYS; key++)
        bench_target(&b, (enum target_key)key, key == TARGET_AVAILABILITY ? 900000 : MS(5000));
}

static void nothing_is_met(void)
{
    const struct result *r = bench_run(&b);
    CU_ASSERT_NOT_EQUAL(r->run.verdict, MET);
    CU_ASSERT_NOT_EQUAL(r->run.exit_code, 0);
    for (size_t i = 0; i < r->objectives.len; i++) {
        CU_ASSERT_NOT_EQUAL(r->objectives.at[i].verdict, MET);
        CU_ASSERT_PTR_NOT_NULL(r->objectives.at[i].reason);
    }
    scoped_json json_t *doc = result_to_json(r);
    CU_ASSERT_PTR_NOT_NULL(doc);
}

static void no_evidence_at_all(void)
{
    bench_init(&b);
    bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    bench_stream(&b, STREAM_WRITE, 20, 1000);
    bench_fault(&b, "kill", 15000, 15001, NEVER, NEVER, 1000);
    all_targets();
    while (b.events.len)
        json_decref(b.events.at[--b.events.len].data);
    nothing_is_met();
    bench_deinit(&b);
}

static void no_plan_to_speak_of(void)
{
    bench_init(&b);
    b.plan.topology = NULL;
    b.plan.target_count = 0;
    bench_run(&b);
    CU_ASSERT_NOT_EQUAL(b.result->run.verdict, MET); /* not even a stream of requests */
    bench_deinit(&b);
}

static void a_run_that_ends_before_the_fault(void)
{
    bench_init(&b);
    bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    b.steps[b.plan.step_count++] = (struct plan_step){.id = 1, .text = "kill us-east"};
    all_targets();
    for (uint64_t k = 0; k < 100; k++)
        bench_sample(&b, 0, k, 10007 + 20.0 * (double)k, 10007 + 20.0 * (double)k, 10010 + 20.0 * (double)k,
                     OUTCOME_GOOD);
    nothing_is_met();
    bench_deinit(&b);
}

/* Samples, events and records of random bytes and of extreme numbers. */
static int64_t extreme(struct rng *r)
{
    static const int64_t at[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_C(1) << 60, -(INT64_C(1) << 60),
                                 15000000000, 15001000000};
    return rng_below(r, 3) ? at[rng_below(r, sizeof(at) / sizeof(at[0]))] : (int64_t)rng_next(r);
}

static void garble_sample(struct rng *r, struct sample *x)
{
    if (rng_below(r, 3) == 0) {
        for (size_t i = 0; i < sizeof(*x); i++)
            ((unsigned char *)x)[i] = (unsigned char)rng_next(r);
        return;
    }
    x->planned_ns = extreme(r);
    x->sent_ns = extreme(r);
    x->done_ns = extreme(r);
    x->k = rng_next(r);
}

static void garble_ledger(struct rng *r, struct ledger_record *x)
{
    x->kind = (uint8_t)rng_below(r, 9);
    x->at_ns = extreme(r);
    x->seq = rng_below(r, 4) ? rng_below(r, 40) : rng_next(r);
    x->client = (uint16_t)rng_below(r, 3);
    x->read = (uint32_t)rng_below(r, 5);
    x->outcome = (uint8_t)rng_below(r, 6);
    x->region = (uint16_t)rng_next(r);
    x->pass = (uint8_t)rng_below(r, 4);
    x->count = rng_below(r, 4);
    x->version = (uint32_t)rng_below(r, 4);
}

static void garble_event(struct rng *r, struct event *e)
{
    static const char *const words[] = {NULL, "", "met", "proven", "equal", "quiesce", "us-east/1", "clean"};
    e->kind = (enum event_kind)rng_below(r, EVENT_KIND_COUNT);
    e->at_ns = extreme(r);
    e->end_ns = rng_below(r, 2) ? e->at_ns : extreme(r);
    e->due_ns = extreme(r);
    e->code = rng_below(r, 2) ? (int64_t)rng_below(r, 4) : extreme(r);
    e->subject = words[rng_below(r, 8)];
    e->outcome = words[rng_below(r, 8)];
    e->detail = words[rng_below(r, 8)];
}

static void random_evidence_never_crashes(void)
{
    static const char *const odd[] = {"{}", "[]",
                                      "{\"mono_ns\":9223372036854775807,\"raw_ns\":-9223372036854775807,\"boot_ns\":1}",
                                      "{\"argv\":7,\"lab\":[],\"host\":7,\"zero_wall\":\"9999-12-31T23:59:59.9Z\"}",
                                      "{\"desired\":1,\"running\":null}", "{\"upstreams\":[[]],\"config\":[]}",
                                      "{\"zero_wall\":\"2026-99-99T99:99:99.\",\"scenario_sha256\":1}"};
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct rng r;
        rng_init(&r, seed, "hostile");
        bench_init(&b);
        bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
        bench_stream(&b, STREAM_WRITE, 20, 1000);
        bench_fault(&b, "kill", 15000, 15001, 25000, 25001, 1000);
        bench_fault(&b, "drift", 18000, 18001, NEVER, NEVER, 1000);
        all_targets();
        for (uint64_t k = 0; k < 300; k++) {
            struct sample *x = bench_sample(&b, (uint16_t)(k % 2), k / 2, 10007 + 40.0 * (double)k, 10007, 10010,
                                            OUTCOME_GOOD);
            if (rng_below(&r, 4) == 0)
                garble_sample(&r, x);
            if (rng_below(&r, 3) == 0) {
                struct ledger_record *l = vec_push(&b.ledger);
                garble_ledger(&r, l);
            }
        }
        for (int i = 0; i < 8; i++) {
            struct sample *x = vec_push(&b.stalls);
            garble_sample(&r, x);
            x = vec_push(&b.switches);
            garble_sample(&r, x);
        }
        for (int i = 0; i < 40; i++) {
            struct event *e = rng_below(&r, 3) ? vec_push(&b.events) : &b.events.at[rng_below(&r, b.events.len)];
            garble_event(&r, e);
            json_decref(e->data);
            e->data = bench_json("%s", odd[rng_below(&r, sizeof(odd) / sizeof(odd[0]))]);
        }
        const struct result *result = bench_run(&b);
        CU_ASSERT_NOT_EQUAL(result->run.verdict, MET);
        bench_deinit(&b);
    }
}

static void garbage_in_a_good_run_is_noticed(void)
{
    bench_init(&b);
    bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    bench_fault(&b, "partition", 15000, 15001, NEVER, NEVER, 1000);
    bench_target(&b, TARGET_RTO, MS(5000));
    for (uint64_t k = 0; k < 1800; k++)
        bench_sample(&b, 0, k, 10007 + 20.0 * (double)k, 10007 + 20.0 * (double)k, 10010 + 20.0 * (double)k,
                     OUTCOME_GOOD);
    CU_ASSERT_EQUAL(bench_run(&b)->run.verdict, MET);
    struct sample *x = bench_sample(&b, 999, 0, 20000, 20000, 20001, OUTCOME_GOOD); /* no such stream */
    CU_ASSERT_EQUAL(bench_run(&b)->run.verdict, INCONCLUSIVE);
    x->stream = 0;
    x->outcome = 200;
    CU_ASSERT_EQUAL(bench_run(&b)->run.verdict, INCONCLUSIVE);
    b.samples.len--;
    CU_ASSERT_EQUAL(bench_run(&b)->run.verdict, MET);
    bench_deinit(&b);
}

void suite_hostile(void)
{
    runner_suite(NULL, NULL);
    runner_test(no_evidence_at_all);
    runner_test(no_plan_to_speak_of);
    runner_test(a_run_that_ends_before_the_fault);
    runner_test(random_evidence_never_crashes);
    runner_test(garbage_in_a_good_run_is_noticed);
}
