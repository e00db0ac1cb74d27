/* SPDX-License-Identifier: MIT */
/* Steps that stand for several: what the plan makes of them, and that it makes the same of them again. */
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/spec/rounds.h"
#include "tests/unit/runner.h"
#include "tests/unit/spec/support.h"
#include <stdlib.h>
#include <string.h>

#define FLAP(rest) \
    "  - {at: 1s, do: flap, fault: {do: partition, between: [us-east, eu-west], direction: forward}, " rest "}\n"

static struct plan *load_seeded(const char *step, int seed)
{
    scoped_text struct text yaml = {0};
    text_addf(&yaml, "drtest: 1\nname: t\nworkload: {seed: %d, reads: {rate: 200/s}, writes: {rate: 20/s}}\n", seed);
    text_addf(&yaml, "timeline:\n%stargets: {rto: 2s}\n", step);
    return load_yaml(text_str(&yaml), NULL);
}

static void a_flap_is_rounds_of_its_fault(void)
{
    struct plan *p = load_seeded(FLAP("period: 4s, for: 18s"), 1);
    REQUIRE(p != NULL);
    CU_ASSERT_EQUAL(p->step_count, 5); /* the last from 17 s to 19 s */
    for (size_t i = 0; i < p->step_count; i++) {
        const struct plan_step *s = &p->steps[i];
        CU_ASSERT_STRING_EQUAL(s->action.type->verb, "partition");
        CU_ASSERT(s->action.target == TARGET_LINK && s->action.direction == DIRECTION_FORWARD && s->action.shape.cut);
        CU_ASSERT(s->id == (i == 0 ? 1 : STEPS_MAX + i) && s->of == 1 && s->has_for && s->line == 5);
        CU_ASSERT_EQUAL(s->at_ns, (int64_t)(1 + 4 * i) * NS_PER_S);
        CU_ASSERT_EQUAL(s->until_ns, s->at_ns + 2 * NS_PER_S);
    }
    CU_ASSERT_STRING_EQUAL(p->steps[1].text, "partition us-east to eu-west, 2 of 5");
    CU_ASSERT_EQUAL(p->timeline_end_ns, 19 * NS_PER_S);
    plan_free(p);
}

static void what_is_too_short_at_the_end_is_left_out(void)
{
    struct plan *p = load_seeded(FLAP("period: 4s, for: 17s"), 1); /* a second would be left */
    REQUIRE(p != NULL);
    CU_ASSERT_EQUAL(p->step_count, 4);
    plan_free(p);
    p = load_seeded(FLAP("period: 5s, on: 40%, for: 11500ms"), 1); /* one and a half are: enough */
    REQUIRE(p != NULL);
    CU_ASSERT_EQUAL(p->step_count, 3);
    CU_ASSERT_EQUAL(p->steps[2].until_ns, 12500 * NS_PER_MS);
    plan_free(p);
}

static void the_seed_moves_the_edges(void)
{
    const int64_t jitter = 300 * NS_PER_MS;
    struct plan *p = load_seeded(FLAP("period: 4s, jitter: 300ms, for: 60s"), 1);
    struct plan *same = load_seeded(FLAP("period: 4s, jitter: 300ms, for: 60s"), 1);
    struct plan *other = load_seeded(FLAP("period: 4s, jitter: 300ms, for: 60s"), 2);
    bool loaded = p && same && other;
    bool differs = false;
    int64_t widest = 0;
    CU_ASSERT(loaded && p->step_count == 15 && same->step_count == 15 && other->step_count == 15);
    for (size_t i = 0; loaded && i < 15; i++) {
        int64_t grid = (int64_t)(1 + 4 * i) * NS_PER_S, off = llabs(p->steps[i].at_ns - grid);
        CU_ASSERT(off <= jitter && llabs(p->steps[i].until_ns - grid - 2 * NS_PER_S) <= jitter);
        CU_ASSERT(p->steps[i].at_ns == same->steps[i].at_ns && p->steps[i].until_ns == same->steps[i].until_ns);
        differs |= p->steps[i].at_ns != other->steps[i].at_ns;
        widest = off > widest ? off : widest;
    }
    CU_ASSERT(differs && widest > jitter / 2);
    CU_ASSERT(loaded && p->steps[0].at_ns == NS_PER_S);
    plan_free(p);
    plan_free(same);
    plan_free(other);
}

/* plan.yaml keeps the flap and the seed, so it gives the same rounds. */
static void the_plan_can_be_run_again(void)
{
    struct plan *p = load_seeded(FLAP("period: 4s, jitter: 300ms, for: 60s"), 7);
    REQUIRE(p != NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(p->yaml, "do: flap"));
    CU_ASSERT_PTR_NOT_NULL(strstr(p->yaml, "on: 50%"));
    struct plan *again = load_yaml(p->yaml, NULL);
    CU_ASSERT(again && again->step_count == p->step_count);
    for (size_t i = 0; again && i < p->step_count; i++) {
        CU_ASSERT(p->steps[i].at_ns == again->steps[i].at_ns && p->steps[i].id == again->steps[i].id);
    }
    plan_free(p);
    plan_free(again);
}

static void a_storm_happens_again_and_again(void)
{
    struct plan *p = load_seeded("  - {at: 3s, do: disconnect, region: us-east, every: 2s, for: 9s}\n", 1);
    REQUIRE(p != NULL);
    CU_ASSERT_EQUAL(p->step_count, 5);
    for (size_t i = 0; i < p->step_count; i++) {
        CU_ASSERT_EQUAL(p->steps[i].at_ns, (int64_t)(3 + 2 * i) * NS_PER_S);
        CU_ASSERT_EQUAL(p->steps[i].until_ns, p->steps[i].at_ns + 2 * NS_PER_S);
    }
    plan_free(p);
    p = load_seeded("  - {at: 3s, do: disconnect, region: us-east}\n", 1);
    REQUIRE(p != NULL);
    CU_ASSERT(p->step_count == 1 && p->steps[0].has_for && p->steps[0].until_ns == 5 * NS_PER_S);
    CU_ASSERT_STRING_EQUAL(p->steps[0].text, "disconnect us-east");
    plan_free(p);
}

static void rounds_obey_the_rules_between_faults(void)
{
    CU_ASSERT(refuses("drtest: 1\nname: t\ntimeline:\n" FLAP("period: 4s, for: 20s")
                      "  - {at: 6s, do: partition, between: [us-east, eu-west], for: 5s}\ntargets: {rto: 2s}\n",
                      "DR0208", "2 of 5"));
    struct plan *p = load_seeded(FLAP("period: 4s, for: 8s")
                                 "  - {at: 9s, do: partition, between: [us-east, eu-west], for: 5s}\n", 1);
    CU_ASSERT_PTR_NOT_NULL(p);
    plan_free(p);
}

static void all_rounds_together_are_bounded(void)
{
    scoped_text struct text yaml = {0};
    text_add(&yaml, "drtest: 1\nname: t\ntimeline:\n");
    for (int i = 0; i < 11; i++) {
        text_addf(&yaml, "  - {at: %ds, do: disconnect, gateway: us-east/1, every: 1s, for: 100s}\n", 200 * i);
    }
    text_add(&yaml, "targets: {rto: 2s}\n");
    CU_ASSERT(refuses(text_str(&yaml), "DR0", "too long"));
}

void suite_rounds(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_flap_is_rounds_of_its_fault);
    runner_test(what_is_too_short_at_the_end_is_left_out);
    runner_test(the_seed_moves_the_edges);
    runner_test(the_plan_can_be_run_again);
    runner_test(a_storm_happens_again_and_again);
    runner_test(rounds_obey_the_rules_between_faults);
    runner_test(all_rounds_together_are_bounded);
}
