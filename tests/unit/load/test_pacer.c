/* SPDX-License-Identifier: MIT */
/*
 * Due instants: none missing, none twice, no drift, late ones all at once; offsets seeded and within one interval.
 */
#include "harness/base/units.h"
#include "harness/load/pacer.h"
#include "tests/unit/load/plan_fixture.h"
#include "tests/unit/runner.h"

static void each_request_is_due_once_in_order(void)
{
    struct plan_fixture f;
    plan_fixture_init(&f, 3, 0, 0, NS_PER_S);
    struct pacer p;
    pacer_init(&p, &f.plan, 0, 1000);
    int64_t first = pacer_next_ns(&p);
    uint64_t k, expected = 0;
    int64_t due;
    for (int64_t now = 0; now < first + 2 * NS_PER_S; now += 100 * NS_PER_MS) {
        while (pacer_take(&p, now, &k, &due)) {
            CU_ASSERT_EQUAL(k, expected);
            CU_ASSERT_EQUAL(due, first + (int64_t)expected * NS_PER_S / 3);
            CU_ASSERT(due <= now && due > now - 100 * NS_PER_MS);
            expected++;
        }
    }
    CU_ASSERT(expected == 6 || expected == 7);
}

static void a_delayed_stream_catches_up_with_the_plan(void)
{
    struct plan_fixture f;
    plan_fixture_init(&f, 1000, 0, 0, NS_PER_S);
    struct pacer p;
    pacer_init(&p, &f.plan, 0, 0);
    int64_t first = pacer_next_ns(&p), due = 0;
    uint64_t k = 0;
    for (uint64_t n = 0; n < 501; n++) {
        CU_ASSERT_TRUE(pacer_take(&p, first + 500 * NS_PER_MS, &k, &due));
        CU_ASSERT_EQUAL(due, first + (int64_t)n * NS_PER_MS);
    }
    CU_ASSERT_FALSE(pacer_take(&p, first + 500 * NS_PER_MS, &k, &due));
    CU_ASSERT_EQUAL(pacer_next_ns(&p), first + 501 * NS_PER_MS);
}

static void no_error_adds_up(void)
{
    struct plan_fixture f;
    plan_fixture_init(&f, 7, 0, 0, NS_PER_S);
    struct pacer p;
    pacer_init(&p, &f.plan, 0, 0);
    int64_t first = pacer_next_ns(&p);
    p.next = UINT64_C(7) * 86400 * 365;
    CU_ASSERT_EQUAL(pacer_next_ns(&p) - first, INT64_C(86400) * 365 * NS_PER_S);
}

static void offsets_are_seeded_and_within_the_interval(void)
{
    struct plan_fixture f, other;
    plan_fixture_init(&f, 50, 50, 20, NS_PER_S);
    plan_fixture_init(&other, 50, 50, 20, NS_PER_S);
    CU_ASSERT_EQUAL(pacer_offset_ns(&f.plan, 0), pacer_offset_ns(&other.plan, 0));
    CU_ASSERT_NOT_EQUAL(pacer_offset_ns(&f.plan, 0), pacer_offset_ns(&f.plan, 1));
    int64_t least = INT64_MAX, most = 0;
    for (f.plan.seed = 0; f.plan.seed < 300; f.plan.seed++) {
        int64_t offset = pacer_offset_ns(&f.plan, 0);
        least = offset < least ? offset : least;
        most = offset > most ? offset : most;
    }
    CU_ASSERT(least >= 0 && least < 2 * NS_PER_MS);
    CU_ASSERT(most < 20 * NS_PER_MS && most > 18 * NS_PER_MS);
}

void suite_pacer(void)
{
    runner_suite(NULL, NULL);
    runner_test(each_request_is_due_once_in_order);
    runner_test(a_delayed_stream_catches_up_with_the_plan);
    runner_test(no_error_adds_up);
    runner_test(offsets_are_seeded_and_within_the_interval);
}
