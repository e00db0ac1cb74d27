/* SPDX-License-Identifier: MIT */
#include "harness/base/units.h"
#include "tests/unit/injectors/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

static enum proof settle(struct bench *b, bool healed, int seconds)
{
    enum proof p = PROOF_PENDING;
    for (int i = 0; i < 50 * seconds && p != PROOF_PROVEN; i++) {
        p = b->injector->prove(&b->in, healed);
        fake_lab_pass(b->lab, 20 * NS_PER_MS);
    }
    return p;
}

static void whole_life(const struct action *a)
{
    struct bench b;
    bench_new(&b, "clock", a);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(settle(&b, false, 10), PROOF_PROVEN);
    CU_ASSERT_EQUAL(b.lab->nodes[3].clock_step_ns, 0);
    CU_ASSERT_EQUAL(settle(&b, false, 1), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(settle(&b, true, 1), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    bench_free(&b);
}

static const struct action back = {.target = TARGET_NODE, .node = 0, .step_ns = -3600 * NS_PER_S};
static const struct action fast = {.target = TARGET_NODE, .node = 0, .clock_ppm = 1010000};

static void it_jumps_or_runs_fast(void)
{
    whole_life(&back);
    whole_life(&fast);
    whole_life(&(struct action){.target = TARGET_NODE, .node = 2, .step_ns = NS_PER_S, .clock_ppm = 500000});
}

static void a_clock_that_only_says_yes(void)
{
    struct bench b;
    bench_new(&b, "clock", &back);
    b.lab->deaf = true;
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_NOT_EQUAL(settle(&b, false, 3), PROOF_PROVEN);
    bench_free(&b);
}

static void everybodys_clock_is_not_this_one(void)
{
    struct bench b;
    bench_new(&b, "clock", &back);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    for (uint16_t n = 1; n < FAKE_NODES; n++) {
        b.lab->nodes[n].clock_step_ns = -3600 * NS_PER_S;
    }
    CU_ASSERT_EQUAL(settle(&b, false, 3), PROOF_REFUTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "nothing hits"));
    bench_free(&b);
}

static void it_is_told_again_after_a_start(void)
{
    struct bench b;
    bench_new(&b, "clock", &back);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(settle(&b, false, 3), PROOF_PROVEN);
    b.lab->lab.ops->node_start(&b.lab->lab, 0, false, NULL);
    CU_ASSERT_EQUAL(settle(&b, false, 3), PROOF_PROVEN);
    CU_ASSERT_EQUAL(b.lab->nodes[0].clock_step_ns, back.step_ns);
    bench_free(&b);
}

static void what_could_not_be_told(void)
{
    const struct action_type *type = &injector_find("clock")->type;
    char why[ACTION_WHY];
    CU_ASSERT_TRUE(type->objects(&(struct action){.step_ns = 10 * NS_PER_MS}, why));
    CU_ASSERT_TRUE(type->objects(&(struct action){.clock_ppm = 1000100}, why));
    CU_ASSERT_TRUE(type->objects(&(struct action){.clock_ppm = 1000000}, why));
    CU_ASSERT_FALSE(type->objects(&fast, why));
    CU_ASSERT_FALSE(type->objects(&back, why));
    CU_ASSERT_EQUAL(type->proof_bound_ns(&back), 2 * NS_PER_S);
    CU_ASSERT_EQUAL(type->proof_bound_ns(&fast), 14 * NS_PER_S);
}

void suite_clock(void)
{
    runner_suite(NULL, NULL);
    runner_test(it_jumps_or_runs_fast);
    runner_test(a_clock_that_only_says_yes);
    runner_test(everybodys_clock_is_not_this_one);
    runner_test(it_is_told_again_after_a_start);
    runner_test(what_could_not_be_told);
}
