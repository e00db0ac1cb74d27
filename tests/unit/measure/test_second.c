/* SPDX-License-Identifier: MIT */
/*
 * The second evaluation: the worked example to the digit, each condition by its own story, and the same answer as the
 * first evaluation on thousands of random histories.
 */
#include "harness/measure/second.h"

#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

#include <stdio.h>

enum { MOST = 1800, HISTORIES = 2000 };

static struct cross_record at[MOST];
static size_t len;
static struct second_rules rules;
static struct second_fault fault;

static void add(double planned, double slip, double took, enum outcome outcome)
{
    at[len] = (struct cross_record){.kind = CROSS_REQUEST, .outcome = (uint8_t)outcome, .number = len,
                                    .planned_ns = MS(planned), .sent_ns = MS(planned + slip),
                                    .done_ns = MS(planned + slip + took)};
    len++;
}

static bool worked_bad(uint64_t k)
{
    return k >= 250 && k <= 286 && k != 270;
}

/* Measurement section 17. */
static void build(void)
{
    len = 0;
    for (uint64_t k = 0; k < MOST; k++)
        add(10007 + 20.0 * (double)k, 0.2, worked_bad(k) ? 1 : 4, worked_bad(k) ? OUTCOME_REFUSED : OUTCOME_GOOD);
    rules = (struct second_rules){MS(1000), 990000, 0};
    fault = (struct second_fault){MS(15000), MS(15003), MS(35000), MS(35000), INT64_MAX, MS(6000)};
}

static struct second_answer ask(void)
{
    struct second_answer a;
    second_rto(at, len, &rules, &fault, &a);
    return a;
}

static void the_worked_example_comes_out_to_the_digit(void)
{
    build();
    struct second_answer a = ask();
    CU_ASSERT(a.hurt);
    CU_ASSERT_EQUAL(a.fg, 287); /* 270 fails (0) */
    CU_ASSERT_EQUAL(a.lo_ns, MS(724.2));
    CU_ASSERT_EQUAL(a.hi_ns, MS(751.2));
}

static void nothing_bad_is_the_first_request_after_the_fault(void)
{
    build();
    for (size_t i = 0; i < len; i++)
        at[i].outcome = OUTCOME_GOOD;
    fault.end_ns = fault.cut_ns = MS(15100); /* the hold is waived */
    struct second_answer a = ask();
    CU_ASSERT_FALSE(a.hurt);
    CU_ASSERT_EQUAL(a.lo_ns, 0);
    CU_ASSERT_EQUAL(a.hi_ns, at[a.fg].done_ns - MS(15000));
    CU_ASSERT_EQUAL(a.fg, 250);
}

static void a_hold_that_does_not_fit_is_no_recovery(void)
{
    build();
    fault.end_ns = fault.cut_ns = MS(21746); /* 15747 + 6000 - 1 */
    struct second_answer a = ask();
    CU_ASSERT_EQUAL(a.fg, SIZE_MAX);
    CU_ASSERT_EQUAL(a.hi_ns, INT64_MAX);
    CU_ASSERT_EQUAL(a.lo_ns, MS(724.2)); /* the last bad one before the end */
    fault.end_ns = fault.cut_ns = MS(21747);
    CU_ASSERT_EQUAL(ask().fg, 287);
}

static void relapses_wrong_replies_and_slowness_move_the_recovery(void)
{
    build();
    at[600].outcome = OUTCOME_REFUSED; /* a single one is tolerated */
    CU_ASSERT_EQUAL(ask().fg, 287);
    at[610].outcome = OUTCOME_REFUSED; /* two within a second are not */
    CU_ASSERT_EQUAL(ask().fg, 601);
    CU_ASSERT_EQUAL(ask().lo_ns, at[600].sent_ns - MS(15003)); /* the other one is tolerated again */
    build();
    at[500].outcome = OUTCOME_WRONG;
    CU_ASSERT_EQUAL(ask().fg, 501);
    build();
    rules.p99_ns = MS(50);
    for (size_t i = 287; i < 400; i++)
        at[i].done_ns = at[i].planned_ns + MS(80);
    CU_ASSERT(ask().fg > 390 && ask().fg <= 400); /* of some 300 three may be slow */
}

static void an_outage_of_a_later_fault_is_not_charged(void)
{
    build();
    fault.charge_ns = MS(15005); /* the first bad one completes at 15008.2 */
    struct second_answer a = ask();
    CU_ASSERT_FALSE(a.hurt);
    CU_ASSERT_EQUAL(a.lo_ns, 0);
}

static void a_later_fault_does_not_undo_a_recovery(void)
{
    build();
    fault.hold_ns = MS(2000);
    for (size_t i = 1000; i < 1100; i++)
        at[i].outcome = OUTCOME_REFUSED;
    CU_ASSERT_EQUAL(ask().fg, 1100);
    fault.cut_ns = at[1000].planned_ns;
    CU_ASSERT_EQUAL(ask().fg, 287);
    fault.cut_ns = MS(16000); /* no room for a hold: only what lasts counts */
    CU_ASSERT_EQUAL(ask().fg, 1100);
}

static void empty_and_absurd_records_do_no_harm(void)
{
    build();
    len = 0;
    CU_ASSERT_EQUAL(ask().hi_ns, INT64_MAX);
    build();
    fault.hold_ns = rules.window_ns = INT64_MAX;
    CU_ASSERT_EQUAL(ask().fg, SIZE_MAX);
    build();
    for (size_t i = 0; i < len; i++)
        at[i].planned_ns = i % 2 ? INT64_C(1) << 60 : 0;
    ask();
}

/* ---- beside the first ---- */

static struct bench b;

static enum outcome draw(struct rng *rng, bool down)
{
    uint64_t n = rng_below(rng, 1000);
    if (down)
        return n < 930 ? OUTCOME_REFUSED : OUTCOME_GOOD;
    return n < 990 ? OUTCOME_GOOD : n < 994 ? OUTCOME_HTTP_STATUS : n < 998 ? OUTCOME_RESET : OUTCOME_WRONG;
}

/* An outage or two, blips, slow replies; healed or not. The same records for both evaluations. */
static void invent(struct rng *rng)
{
    bench_init(&b);
    uint16_t reads = bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    double heal = rng_below(rng, 3) ? 17000 + 20.0 * (double)rng_below(rng, 200) : NEVER;
    double hold = 300 + 100.0 * (double)rng_below(rng, 12), gap = 20;
    double down = 14990 + (double)rng_below(rng, 60), up = down + (double)rng_below(rng, 1800);
    double again = up + (double)rng_below(rng, 1500),
           over = again + (rng_below(rng, 2) ? (double)rng_below(rng, 400) : 0);
    struct plan_step *step = bench_fault(&b, "kill", 15000, 15003, heal, heal < 0 ? 0 : heal + 10, hold);
    b.plan.window_ns = MS(200 + 100.0 * (double)rng_below(rng, 9));
    b.plan.good_ratio_ppm = rng_below(rng, 2) ? 990000 : 900000;
    b.plan.baseline_p99_ns = rng_below(rng, 2) ? MS(100) : 0;
    len = 0;
    bool calm = rng_below(rng, 8) == 0;
    for (uint64_t k = 0; k < 450; k++) {
        double s = 13007 + gap * (double)k, slip = 0.1 + 0.3 * rng_unit(rng);
        bool is_down = !calm && ((s >= down && s < up) || (s >= again && s < over));
        enum outcome o = calm || s < down || s > over + 800 ? OUTCOME_GOOD : draw(rng, is_down);
        double took = rng_below(rng, 60) ? 1 + 8 * rng_unit(rng) : 90 + 60 * rng_unit(rng);
        add(s, slip, took, o);
        struct sample *x = bench_sample(&b, reads, k, s, s + slip, s + slip + took, o);
        x->sent_ns = at[len - 1].sent_ns;
        x->done_ns = at[len - 1].done_ns;
    }
    rules = (struct second_rules){b.plan.window_ns, b.plan.good_ratio_ppm, b.plan.baseline_p99_ns};
    int64_t end = at[len - 1].planned_ns + MS(gap);
    fault = (struct second_fault){MS(15000), MS(15003), heal < 0 ? end : MS(heal), heal < 0 ? end : MS(heal),
                                  heal < 0 ? INT64_MAX : MS(heal), step->hold_ns};
}

static bool same(double seconds_of_first, int64_t ns)
{
    return ns == INT64_MAX ? isnan(seconds_of_first) : fabs(seconds_of_first - (double)ns / 1e9) < 1e-9;
}

static void both_evaluations_agree_on_random_histories(void)
{
    struct rng rng;
    size_t differ = 0, recovered = 0, unhurt = 0;
    for (uint64_t seed = 1; seed <= HISTORIES && differ < 5; seed++) {
        rng_init(&rng, seed, "second");
        invent(&rng);
        const struct result *r = bench_run(&b);
        struct second_answer a = ask();
        recovered += a.fg != SIZE_MAX;
        unhurt += !a.hurt;
        if (!same(r->measures.rto_lower_s, a.lo_ns) || !same(r->measures.rto_upper_s, a.hi_ns)) {
            differ++;
            printf("seed %d: %.6f to %.6f, the second says %.6f to %.6f\n", (int)seed, r->measures.rto_lower_s,
                   r->measures.rto_upper_s, (double)a.lo_ns / 1e9, a.hi_ns == INT64_MAX ? NAN : (double)a.hi_ns / 1e9);
        }
        bench_deinit(&b);
    }
    CU_ASSERT_EQUAL(differ, 0);
    CU_ASSERT(recovered > HISTORIES / 4 && recovered < HISTORIES); /* the histories are of all kinds */
    CU_ASSERT(unhurt > HISTORIES / 100 && unhurt < HISTORIES / 2);
}

void suite_second(void)
{
    runner_suite(NULL, NULL);
    runner_test(the_worked_example_comes_out_to_the_digit);
    runner_test(nothing_bad_is_the_first_request_after_the_fault);
    runner_test(a_hold_that_does_not_fit_is_no_recovery);
    runner_test(relapses_wrong_replies_and_slowness_move_the_recovery);
    runner_test(an_outage_of_a_later_fault_is_not_charged);
    runner_test(a_later_fault_does_not_undo_a_recovery);
    runner_test(empty_and_absurd_records_do_no_harm);
    runner_test(both_evaluations_agree_on_random_histories);
}
