/* SPDX-License-Identifier: MIT */
#include "harness/base/units.h"
#include "tests/unit/injectors/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

enum { EAST_STORE = 2, WEST_GATEWAY = 3, WEST_STORE = 5 };

/* As the conductor: every 20 ms, a refutation counts only at the end of the bound. */
static enum proof settle(struct bench *b, bool healed)
{
    enum proof p = PROOF_PENDING;
    for (int i = 0; i < 150 && p != PROOF_PROVEN; i++) {
        p = b->injector->prove(&b->in, healed);
        fake_lab_pass(b->lab, 20 * NS_PER_MS);
    }
    return p;
}

static size_t slots(const struct bench *b, uint16_t node)
{
    return json_object_size(b->lab->nodes[node].slots);
}

static void whole_life(const struct action *a, uint16_t carrier, const char *method)
{
    struct bench b;
    bench_new(&b, "lag", a);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(slots(&b, carrier), 1);
    CU_ASSERT_EQUAL(settle(&b, false), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, method));
    CU_ASSERT_EQUAL(settle(&b, false), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(slots(&b, carrier), 0);
    CU_ASSERT_EQUAL(settle(&b, true), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    bench_free(&b);
}

static const struct action stopped = {.target = TARGET_REGION, .site = 1, .stop = true};
static const struct action delayed = {.target = TARGET_REGION, .site = 1, .shape.delay_ns = 2 * NS_PER_S};
static const struct action damaged = {
    .target = TARGET_REGION, .site = 1, .shape = {.corrupt_ppm = 30000, .duplicate_ppm = 20000}};
static const struct action config_stopped = {.target = TARGET_REGION, .site = 1, .of_config = true, .stop = true};
static const struct action config_delayed = {
    .target = TARGET_REGION, .site = 1, .of_config = true, .shape.delay_ns = 2 * NS_PER_S};

static void each_kind_lives_and_dies(void)
{
    whole_life(&stopped, EAST_STORE, "stands at");
    whole_life(&delayed, EAST_STORE, "trails at");
    whole_life(&damaged, EAST_STORE, "of them noticed");
    whole_life(&config_stopped, WEST_GATEWAY, "2 gateways know");
    whole_life(&config_delayed, WEST_GATEWAY, "2 gateways know");
}

static void who_only_says_yes_is_found_out(void)
{
    static const struct action *const all[] = {&stopped, &delayed, &damaged, &config_stopped, &config_delayed};
    for (size_t i = 0; i < 5; i++) {
        struct bench b;
        bench_new(&b, "lag", all[i]);
        b.lab->deaf = true;
        CU_ASSERT_EQUAL(bench_apply(&b), 0);
        CU_ASSERT_EQUAL(settle(&b, false), PROOF_REFUTED);
        bench_free(&b);
    }
    for (size_t i = 0; i < 5; i++) {
        struct bench b;
        bench_new(&b, "lag", all[i]);
        b.lab->ships_all_the_same = true; /* and keeps a slot for us, so that read-back is right */
        CU_ASSERT_EQUAL(bench_apply(&b), 0);
        CU_ASSERT_NOT_EQUAL(settle(&b, false), PROOF_PROVEN);
        bench_free(&b);
    }
}

static void when_all_are_late_it_is_not_ours(void)
{
    struct bench b;
    bench_new(&b, "lag", &config_stopped);
    b.lab->all_late = true;
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    for (uint16_t n = 0; n < FAKE_NODES; n++) {
        b.lab->nodes[n].slots_since_ns = 0;
    }
    CU_ASSERT_NOT_EQUAL(settle(&b, false), PROOF_PROVEN);
    bench_free(&b);
}

static void a_node_that_started_again_is_told_again(void)
{
    struct bench b;
    bench_new(&b, "lag", &config_stopped);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(settle(&b, false), PROOF_PROVEN);
    b.lab->lab.ops->node_start(&b.lab->lab, WEST_GATEWAY, false, NULL);
    CU_ASSERT_EQUAL(slots(&b, WEST_GATEWAY), 0);
    CU_ASSERT_EQUAL(settle(&b, false), PROOF_PROVEN);
    CU_ASSERT_EQUAL(slots(&b, WEST_GATEWAY), 1);
    bench_free(&b);
}

static void two_on_one_region_do_not_heal_each_other(void)
{
    struct bench b;
    bench_new(&b, "lag", &stopped);
    struct action second = delayed;
    second.type = &b.injector->type;
    struct injection other = {.fault = 2, .action = &second, .fabric = b.fabric};
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(b.injector->apply(&other, &b.err), 0);
    CU_ASSERT_EQUAL(slots(&b, EAST_STORE), 2);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(slots(&b, EAST_STORE), 1);
    CU_ASSERT_PTR_NOT_NULL(json_object_get(b.lab->nodes[EAST_STORE].slots, "2"));
    free(other.state);
    bench_free(&b);
}

static void a_frozen_node_must_be_told_before_it_is_healed(void)
{
    struct bench b;
    bench_new(&b, "lag", &stopped);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    b.lab->nodes[EAST_STORE].state = NODE_FROZEN;
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(settle(&b, true), PROOF_PENDING);
    b.lab->nodes[EAST_STORE].state = NODE_UP;
    CU_ASSERT_EQUAL(settle(&b, true), PROOF_PROVEN);
    CU_ASSERT_EQUAL(slots(&b, EAST_STORE), 0);
    bench_free(&b);
}

/* Never looked at while it was late: of what it lacks nobody knows the age, and that is no heal. */
static void who_stays_behind_has_not_caught_up(void)
{
    struct bench b;
    bench_new(&b, "lag", &stopped);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    fake_lab_pass(b.lab, 2 * NS_PER_S);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    b.lab->all_late = true;
    CU_ASSERT_EQUAL(settle(&b, true), PROOF_PENDING);
    b.lab->all_late = false;
    CU_ASSERT_EQUAL(settle(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void nobody_is_left_to_be_late(void)
{
    struct bench b;
    bench_new(&b, "lag", &stopped);
    b.lab->nodes[EAST_STORE].state = NODE_DOWN;
    CU_ASSERT_EQUAL(bench_apply(&b), -1);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    bench_free(&b);
}

static void what_contradicts_itself(void)
{
    const struct action_type *type = &injector_find("lag")->type;
    char why[ACTION_WHY];
    CU_ASSERT_TRUE(type->objects(&(struct action){.stop = true, .shape.delay_ns = 1}, why));
    CU_ASSERT_TRUE(type->objects(&(struct action){.stop = false}, why));
    CU_ASSERT_TRUE(type->objects(&(struct action){.of_config = true, .shape.corrupt_ppm = 1}, why));
    CU_ASSERT_TRUE(type->objects(&(struct action){.of_config = true, .shape.delay_ns = NS_PER_MS}, why));
    CU_ASSERT_FALSE(type->objects(&delayed, why));
    CU_ASSERT_FALSE(type->apart(&delayed, &damaged));
    CU_ASSERT_TRUE(type->apart(&stopped, &config_stopped));
}

void suite_lag(void)
{
    runner_suite(NULL, NULL);
    runner_test(each_kind_lives_and_dies);
    runner_test(who_only_says_yes_is_found_out);
    runner_test(when_all_are_late_it_is_not_ours);
    runner_test(a_node_that_started_again_is_told_again);
    runner_test(two_on_one_region_do_not_heal_each_other);
    runner_test(a_frozen_node_must_be_told_before_it_is_healed);
    runner_test(who_stays_behind_has_not_caught_up);
    runner_test(nobody_is_left_to_be_late);
    runner_test(what_contradicts_itself);
}
