/* SPDX-License-Identifier: MIT */
#include "harness/base/units.h"
#include "tests/unit/injectors/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

static const struct starve_wish wishes[] = {
    {.descriptors = 32}, {.disk = DISK_FULL}, {.disk = DISK_READONLY}, {.inodes_given = true}, {.ports = 10},
    {.backlog = 1},      {.processes = 8},    {.cpu_ppm = 200000},     {.memory_bytes = 64000000},
    {.io = IO_SLOW},     {.io = IO_ERROR},    {.io = IO_LOST_WRITES},  {.io = IO_SLOW, .io_delay_ns = 20 * NS_PER_MS},
};
enum { WISHES = sizeof(wishes) / sizeof(wishes[0]) };

static void begin(struct bench *b, const struct starve_wish *w)
{
    bench_new(b, "starve", &(struct action){.target = TARGET_NODE, .node = 1, .starve = *w});
}

static void each_resource_is_taken_and_given_back(void)
{
    for (int i = 0; i < WISHES; i++) {
        struct bench b;
        begin(&b, &wishes[i]);
        CU_ASSERT_EQUAL(bench_apply(&b), 0);
        CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
        CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN); /* and again, while it is in force */
        CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "west/1"));
        CU_ASSERT_EQUAL(bench_heal(&b), 0);
        CU_ASSERT_EQUAL(bench_heal(&b), 0);
        CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
        CU_ASSERT_EQUAL(b.lab->nodes[1].state, NODE_UP);
        CU_ASSERT_EQUAL(b.lab->nodes[1].crowd, 0);
        bench_free(&b);
    }
}

static void a_lab_that_lies_is_found_out(void)
{
    for (int i = 0; i < WISHES; i++) {
        struct bench b;
        begin(&b, &wishes[i]);
        b.lab->deaf = true;
        CU_ASSERT_EQUAL(bench_apply(&b), 0);
        CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
        bench_free(&b);
    }
}

static void a_limit_that_does_not_bite_is_refuted(void)
{
    for (int i = 0; i < WISHES; i++) {
        struct bench b;
        begin(&b, &wishes[i]);
        CU_ASSERT_EQUAL(bench_apply(&b), 0);
        b.lab->nodes[1].unfelt = true;
        CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
        CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "fake trial"));
        bench_free(&b);
    }
}

static void a_world_that_is_short_everywhere_proves_nothing(void)
{
    struct bench b;
    begin(&b, &wishes[1]);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    b.lab->nodes[3].limits[RESOURCE_DISK] = 0; /* the bystander */
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "west/1"));
    bench_free(&b);
}

static void without_a_crowd_descriptors_suffice(void)
{
    struct bench b;
    begin(&b, &wishes[0]);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(b.lab->nodes[1].crowd, 32);
    b.lab->nodes[1].crowd = 0;
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "answered"));
    bench_free(&b);
}

static void only_what_is_felt_at_a_start_costs_one(void)
{
    for (int i = 0; i < WISHES; i++) {
        struct bench b;
        begin(&b, &wishes[i]);
        bench_apply(&b);
        CU_ASSERT_EQUAL(b.lab->nodes[1].starts, wishes[i].disk == DISK_READONLY || wishes[i].backlog ? 1 : 0);
        bench_free(&b);
    }
}

static void the_least_counts_and_each_gives_back_its_own(void)
{
    struct bench b;
    begin(&b, &wishes[4]);
    bench_apply(&b);
    CU_ASSERT_EQUAL(fabric_starve(b.fabric, 2, 1, RESOURCE_PORTS, 3, NULL), 0);
    CU_ASSERT_EQUAL(b.lab->nodes[1].limits[RESOURCE_PORTS], 3);
    bench_heal(&b);
    CU_ASSERT_EQUAL(b.lab->nodes[1].limits[RESOURCE_PORTS], 3);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN); /* the other fault's business */
    CU_ASSERT_EQUAL(fabric_release(b.fabric, 2, NULL), 0);
    CU_ASSERT_EQUAL(b.lab->nodes[1].limits[RESOURCE_PORTS], LAB_PLENTY);
    bench_free(&b);
}

static void who_died_of_want_is_started_by_the_heal(void)
{
    struct bench b;
    begin(&b, &wishes[8]);
    bench_apply(&b);
    b.lab->nodes[1].state = NODE_DOWN;
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(b.lab->nodes[1].state, NODE_UP);
    bench_free(&b);
    begin(&b, &wishes[8]);
    bench_apply(&b);
    fabric_hold(b.fabric, 2, 1, HOLD_DOWN, NULL); /* but not whom another fault keeps dead */
    bench_heal(&b);
    CU_ASSERT_EQUAL(b.lab->nodes[1].state, NODE_DOWN);
    bench_free(&b);
}

static void a_killed_node_comes_back_as_starved_as_it_was(void)
{
    struct bench b;
    begin(&b, &wishes[0]);
    bench_apply(&b);
    fabric_hold(b.fabric, 2, 1, HOLD_DOWN, NULL);
    b.lab->nodes[1].limits[RESOURCE_DESCRIPTORS] = LAB_PLENTY; /* a new process has a new limit */
    CU_ASSERT_EQUAL(fabric_release(b.fabric, 2, NULL), 0);
    CU_ASSERT_EQUAL(b.lab->nodes[1].limits[RESOURCE_DESCRIPTORS], 32);
    bench_free(&b);
}

static void a_heal_that_fails_can_be_repeated(void)
{
    struct bench b;
    begin(&b, &wishes[4]);
    bench_apply(&b);
    b.lab->fail_after = 0;
    CU_ASSERT_EQUAL(bench_heal(&b), -1);
    CU_ASSERT_EQUAL(b.lab->nodes[1].limits[RESOURCE_PORTS], 10);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(b.lab->nodes[1].limits[RESOURCE_PORTS], LAB_PLENTY);
    bench_free(&b);
}

static void the_slowest_disk_counts(void)
{
    struct bench b;
    begin(&b, &wishes[9]);
    bench_apply(&b);
    CU_ASSERT_EQUAL(b.lab->nodes[1].limits[RESOURCE_IO_TIME], 100 * NS_PER_MS);
    fabric_starve(b.fabric, 2, 1, RESOURCE_IO_TIME, 20 * NS_PER_MS, NULL);
    CU_ASSERT_EQUAL(b.lab->nodes[1].limits[RESOURCE_IO_TIME], 100 * NS_PER_MS);
    bench_heal(&b);
    CU_ASSERT_EQUAL(b.lab->nodes[1].limits[RESOURCE_IO_TIME], 20 * NS_PER_MS);
    bench_free(&b);
}

static void only_a_slow_disk_has_a_delay(void)
{
    const struct action a = {.starve = {.io = IO_ERROR, .io_delay_ns = NS_PER_S}};
    char why[ACTION_WHY];
    CU_ASSERT_TRUE(injector_find("starve")->type.objects(&a, why));
    CU_ASSERT_PTR_NOT_NULL(strstr(why, "io: slow"));
}

static void who_is_short_serves_on_unless_nobody_could(void)
{
    bool (*spares)(const struct action *) = injector_find("starve")->type.spares;
    for (int i = 0; i < WISHES; i++) {
        const struct starve_wish *w = &wishes[i];
        bool ends = w->descriptors || w->disk != DISK_WELL || w->io == IO_ERROR;
        CU_ASSERT_EQUAL(spares(&(struct action){.starve = *w}), !ends);
    }
}

static void a_step_takes_one_resource(void)
{
    const struct action two = {.starve = {.ports = 1, .inodes_given = true}};
    char why[ACTION_WHY];
    for (int i = 0; i < WISHES; i++) {
        CU_ASSERT_FALSE(injector_find("starve")->type.objects(&(struct action){.starve = wishes[i]}, why));
    }
    CU_ASSERT_TRUE(injector_find("starve")->type.objects(&two, why));
    CU_ASSERT_PTR_NOT_NULL(strstr(why, "take 2 of them"));
}

void suite_starve(void)
{
    runner_suite(NULL, NULL);
    runner_test(each_resource_is_taken_and_given_back);
    runner_test(a_lab_that_lies_is_found_out);
    runner_test(a_limit_that_does_not_bite_is_refuted);
    runner_test(a_world_that_is_short_everywhere_proves_nothing);
    runner_test(without_a_crowd_descriptors_suffice);
    runner_test(only_what_is_felt_at_a_start_costs_one);
    runner_test(the_least_counts_and_each_gives_back_its_own);
    runner_test(who_died_of_want_is_started_by_the_heal);
    runner_test(a_killed_node_comes_back_as_starved_as_it_was);
    runner_test(a_heal_that_fails_can_be_repeated);
    runner_test(the_slowest_disk_counts);
    runner_test(only_a_slow_disk_has_a_delay);
    runner_test(who_is_short_serves_on_unless_nobody_could);
    runner_test(a_step_takes_one_resource);
}
