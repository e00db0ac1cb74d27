/* SPDX-License-Identifier: MIT */
#include "harness/base/units.h"
#include "tests/unit/injectors/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

static struct bench b;

static void begin(struct load_seen *seen)
{
    bench_new(&b, "surge", &(struct action){.surge = {.pace = 200 * PPM, .rate_micro = 200 * PPM}});
    b.in.load = seen;
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    fake_lab_pass(b.lab, NS_PER_S);
    seen->at_ns = lab_now(&b.lab->lab);
}

static enum proof prove(bool healed)
{
    return b.injector->prove(&b.in, healed);
}

static void as_planned(void)
{
    struct load_seen seen = {.planned = 200, .offered = 200};
    begin(&seen);
    CU_ASSERT_EQUAL(prove(false), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "200 offered of 200 planned"));
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(prove(true), PROOF_PENDING);
    seen.idle = true;
    CU_ASSERT_EQUAL(prove(true), PROOF_PROVEN);
    CU_ASSERT_EQUAL(b.lab->operations, 0); /* it does nothing to the world */
    bench_free(&b);
}

static void less_than_planned(void)
{
    struct load_seen seen = {.planned = 200, .offered = 150};
    begin(&seen);
    CU_ASSERT_EQUAL(prove(false), PROOF_REFUTED);
    seen = (struct load_seen){.planned = 200, .offered = 200, .unsent = 3, .at_ns = seen.at_ns};
    CU_ASSERT_EQUAL(prove(false), PROOF_REFUTED);
    seen = (struct load_seen){.planned = 10, .offered = 10, .at_ns = seen.at_ns};
    CU_ASSERT_EQUAL(prove(false), PROOF_PENDING);
    bench_free(&b);
}

static void slow_clients_must_stand(void)
{
    struct load_seen seen = {.planned = 200, .offered = 200, .held = 44, .held_wanted = 50};
    begin(&seen);
    CU_ASSERT_EQUAL(prove(false), PROOF_REFUTED);
    seen.held = 45;
    CU_ASSERT_EQUAL(prove(false), PROOF_PROVEN);
    bench_free(&b);
}

static void old_words_prove_nothing(void)
{
    struct load_seen seen = {.planned = 200, .offered = 200};
    begin(&seen);
    fake_lab_pass(b.lab, 1500 * NS_PER_MS);
    CU_ASSERT_EQUAL(prove(false), PROOF_REFUTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "silent"));
    b.in.load = NULL;
    CU_ASSERT_EQUAL(prove(false), PROOF_REFUTED);
    bench_free(&b);
}

void suite_surge(void)
{
    runner_suite(NULL, NULL);
    runner_test(as_planned);
    runner_test(less_than_planned);
    runner_test(slow_clients_must_stand);
    runner_test(old_words_prove_nothing);
}
