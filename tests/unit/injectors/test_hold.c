/* SPDX-License-Identifier: MIT */
#include "harness/base/units.h"
#include "tests/unit/injectors/bench.h"
#include "tests/unit/runner.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static void a_region_loses_power(void)
{
    struct bench b;
    bench_new(&b, "kill", &(struct action){.target = TARGET_REGION, .site = 0});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    for (int n = 0; n < 3; n++) {
        CU_ASSERT_EQUAL(b.lab->nodes[n].state, NODE_DOWN);
        CU_ASSERT_TRUE(b.lab->nodes[n].unplugged);
    }
    CU_ASSERT_EQUAL(b.lab->nodes[3].state, NODE_UP);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "silent"));
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "west/1"));
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    CU_ASSERT_EQUAL(b.lab->nodes[2].starts, 1);
    CU_ASSERT_FALSE(b.lab->nodes[2].unplugged);
    bench_free(&b);
}

static void a_node_crashes(void)
{
    struct bench b;
    bench_new(&b, "kill", &(struct action){.target = TARGET_NODE, .node = 1, .disk = DISK_LOST});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_FALSE(b.lab->nodes[1].unplugged);
    CU_ASSERT_EQUAL(b.lab->nodes[0].state, NODE_UP);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "refused"));
    bench_heal(&b);
    CU_ASSERT_EQUAL(b.lab->nodes[1].fresh_starts, 1);
    bench_free(&b);
}

static void how_can_be_turned_round(void)
{
    struct bench b;
    bench_new(&b, "kill", &(struct action){.target = TARGET_REGION, .site = 1, .how = KILL_CRASH});
    bench_apply(&b);
    CU_ASSERT_FALSE(b.lab->nodes[3].unplugged);
    bench_free(&b);
    bench_new(&b, "kill", &(struct action){.target = TARGET_NODE, .node = 3, .how = KILL_POWER});
    bench_apply(&b);
    CU_ASSERT_TRUE(b.lab->nodes[3].unplugged);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    bench_free(&b);
}

static void a_lab_that_lies_is_found_out(void)
{
    static const char *const verbs[] = {"kill", "freeze", "stop"};
    for (int i = 0; i < 3; i++) {
        struct bench b;
        bench_new(&b, verbs[i], &(struct action){.target = TARGET_REGION, .site = 0});
        b.lab->deaf = true;
        CU_ASSERT_EQUAL(bench_apply(&b), 0);
        CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
        bench_free(&b);
    }
}

static void dead_but_still_answering_is_refuted(void)
{
    struct bench b;
    bench_new(&b, "kill", &(struct action){.target = TARGET_NODE, .node = 0, .how = KILL_POWER});
    bench_apply(&b);
    b.lab->nodes[0].unplugged = false; /* the kernel says dead, but its port refuses instead of being silent */
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "refused"));
    bench_free(&b);
}

static void a_world_where_nobody_answers_proves_nothing(void)
{
    struct bench b;
    bench_new(&b, "kill", &(struct action){.target = TARGET_REGION, .site = 0});
    bench_apply(&b);
    b.lab->nodes[3].state = NODE_DOWN; /* the bystander, by itself */
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "west/1"));
    bench_free(&b);
}

static void who_is_told_to_stop_goes_by_itself(void)
{
    struct bench b;
    bench_new(&b, "stop", &(struct action){.target = TARGET_REGION, .site = 0, .grace_ns = NS_PER_S});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT(b.in.applied_at_ns < 100 * NS_PER_MS);
    for (int n = 0; n < 3; n++) {
        CU_ASSERT_EQUAL(b.lab->nodes[n].state, NODE_DOWN);
        CU_ASSERT_FALSE(b.lab->nodes[n].unplugged);
    }
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "3 of them by themselves, own port refused"));
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    CU_ASSERT_EQUAL(b.lab->nodes[2].starts, 1);
    bench_free(&b);
}

static void who_leaves_in_disorder_is_told(void)
{
    static const struct {
        int status;
        const char *said;
    } ends[] = {{W_EXITCODE(3, 0), "3 of them by themselves, one with exit status 3, own port refused"},
                {W_EXITCODE(0, SIGSEGV), "3 of them by themselves, one by signal 11, own port refused"}};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct bench b;
        bench_new(&b, "stop", &(struct action){.target = TARGET_REGION, .site = 0, .grace_ns = NS_PER_S});
        b.lab->nodes[1].exit = ends[i].status;
        CU_ASSERT_EQUAL(bench_apply(&b), 0);
        CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
        CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, ends[i].said));
        bench_free(&b);
    }
}

/* A SIGKILL of ours is no exit of theirs. */
static void who_stays_is_killed_after_the_grace(void)
{
    struct bench b;
    bench_new(&b, "stop", &(struct action){.target = TARGET_NODE, .node = 1, .grace_ns = 300 * NS_PER_MS});
    b.lab->ignores_hangup = true;
    b.lab->nodes[1].exit = W_EXITCODE(0, SIGKILL);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT(b.in.applied_at_ns >= 300 * NS_PER_MS && b.in.applied_at_ns < 400 * NS_PER_MS);
    CU_ASSERT_EQUAL(b.lab->nodes[1].state, NODE_DOWN);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "0 of them by themselves, own port"));
    bench_free(&b);
}

static void freezing(void)
{
    struct bench b;
    bench_new(&b, "freeze", &(struct action){.target = TARGET_NODE, .node = 2});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(b.lab->nodes[2].state, NODE_FROZEN);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN); /* and again, while it is in force */
    b.lab->nodes[2].state = NODE_UP;
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void a_heal_that_does_not_come_stays_pending(void)
{
    struct bench b;
    bench_new(&b, "kill", &(struct action){.target = TARGET_NODE, .node = 0});
    bench_apply(&b);
    bench_heal(&b);
    b.lab->nodes[0].state = NODE_DOWN; /* started and died again */
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PENDING);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "refused"));
    bench_free(&b);
}

static void what_others_hold_is_left_out_of_the_heal(void)
{
    struct bench b;
    bench_new(&b, "kill", &(struct action){.target = TARGET_REGION, .site = 0});
    bench_apply(&b);
    fabric_hold(b.fabric, 2, 0, HOLD_DOWN, NULL);
    bench_heal(&b);
    CU_ASSERT_EQUAL(b.lab->nodes[0].state, NODE_DOWN);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "2 of 3"));
    bench_free(&b);
}

static void the_way_there_is_not_the_targets_fault(void)
{
    struct bench b;
    const struct path_state cut = {.cut = true};
    bench_new(&b, "kill", &(struct action){.target = TARGET_NODE, .node = 0});
    fabric_lay(b.fabric, 2, path_of(1, false), &cut, NULL); /* east and the clients: the other region looks instead */
    bench_apply(&b);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    bench_free(&b);
}

static void answers_from_before_the_heal_do_not_count(void)
{
    struct bench b;
    bench_new(&b, "freeze", &(struct action){.target = TARGET_NODE, .node = 0});
    bench_apply(&b);
    CU_ASSERT_EQUAL(b.injector->prove(&b.in, false), PROOF_PENDING); /* a look is out */
    bench_heal(&b);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void half_an_apply_can_be_healed(void)
{
    struct bench b;
    bench_new(&b, "kill", &(struct action){.target = TARGET_REGION, .site = 0});
    b.lab->fail_after = 4; /* the second kill */
    CU_ASSERT_EQUAL(bench_apply(&b), -1);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    for (int n = 0; n < 3; n++) {
        CU_ASSERT_EQUAL(b.lab->nodes[n].state, NODE_UP);
        CU_ASSERT_FALSE(b.lab->nodes[n].unplugged);
    }
    bench_free(&b);
}

static void one_after_the_other(void)
{
    struct bench b;
    bench_new(&b, "kill",
              &(struct action){.target = TARGET_REGION, .site = 0, .how = KILL_CRASH, .stagger_ns = 500 * NS_PER_MS});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT(b.lab->nodes[0].state == NODE_DOWN && b.lab->nodes[1].state == NODE_UP);
    CU_ASSERT_EQUAL(b.injector->prove(&b.in, false), PROOF_PENDING);
    fake_lab_pass(b.lab, 600 * NS_PER_MS);
    CU_ASSERT(b.lab->nodes[1].state == NODE_DOWN && b.lab->nodes[2].state == NODE_UP);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_EQUAL(b.lab->nodes[2].state, NODE_DOWN);
    bench_heal(&b);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void a_heal_in_between_spares_the_rest(void)
{
    struct bench b;
    bench_new(&b, "kill", &(struct action){.target = TARGET_REGION, .site = 0, .stagger_ns = NS_PER_S});
    bench_apply(&b);
    bench_heal(&b);
    fake_lab_pass(b.lab, 5 * NS_PER_S);
    CU_ASSERT(b.lab->nodes[0].starts == 1 && b.lab->nodes[1].starts == 0 && b.lab->nodes[2].state == NODE_UP);
    bench_free(&b);
}

static void again_and_again(void)
{
    struct bench b;
    bench_new(&b, "kill", &(struct action){.target = TARGET_NODE, .node = 0, .every_ns = 2 * NS_PER_S});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    fake_lab_pass(b.lab, 500 * NS_PER_MS);
    CU_ASSERT_EQUAL(b.lab->nodes[0].state, NODE_DOWN);
    CU_ASSERT_EQUAL(b.injector->prove(&b.in, false), PROOF_PENDING); /* so far only a crash */
    fake_lab_pass(b.lab, NS_PER_S);
    CU_ASSERT_EQUAL(b.lab->nodes[0].state, NODE_UP);
    fake_lab_pass(b.lab, NS_PER_S);
    CU_ASSERT_EQUAL(b.lab->nodes[0].state, NODE_DOWN);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "for the 2. time"));
    bench_heal(&b);
    unsigned starts = b.lab->nodes[0].starts;
    fake_lab_pass(b.lab, 5 * NS_PER_S);
    CU_ASSERT(b.lab->nodes[0].starts == starts && b.lab->nodes[0].state == NODE_UP);
    bench_free(&b);
}

static void a_timer_that_fails_is_told(void)
{
    struct bench b;
    bench_new(&b, "kill", &(struct action){.target = TARGET_NODE, .node = 0, .every_ns = 2 * NS_PER_S});
    bench_apply(&b);
    b.lab->fail_after = 0;
    fake_lab_pass(b.lab, 3 * NS_PER_S);
    CU_ASSERT_EQUAL(b.injector->prove(&b.in, false), PROOF_REFUTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "told to fail"));
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    bench_free(&b);
}

static void a_slow_start_holds_back_what_is_dead(void)
{
    struct bench b;
    bench_new(&b, "restore", &(struct action){.target = TARGET_REGION, .site = 0, .ready_after_ns = NS_PER_S});
    fabric_hold(b.fabric, 7, 1, HOLD_DOWN, NULL);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(fabric_release(b.fabric, 7, NULL), 0);
    CU_ASSERT(b.lab->nodes[1].state == NODE_DOWN && b.lab->nodes[0].state == NODE_UP);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(b.lab->nodes[1].state, NODE_UP);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

/* Only what is dead can start from a backup. */
static void a_backup_is_for_the_dead(void)
{
    struct bench b;
    bench_new(&b, "restore", &(struct action){.target = TARGET_REGION, .site = 0, .from = RESTORE_BACKUP});
    fabric_hold(b.fabric, 7, 1, HOLD_NO_DISK, NULL);
    fabric_hold(b.fabric, 7, 1, HOLD_DOWN, NULL);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(fabric_release(b.fabric, 7, NULL), 0);
    CU_ASSERT_EQUAL(b.lab->nodes[1].started, LAB_START_FRESH | LAB_START_RESTORE);
    fabric_hold(b.fabric, 8, 0, HOLD_DOWN, NULL);
    CU_ASSERT_EQUAL(fabric_release(b.fabric, 8, NULL), 0);
    CU_ASSERT_EQUAL(b.lab->nodes[0].started, 0);
    bench_free(&b);
}

static void a_wiped_region_loses_its_medium(void)
{
    struct bench b;
    bench_new(&b, "kill", &(struct action){.target = TARGET_NODE, .node = 1, .disk = DISK_LOST_WITH_BACKUPS});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(b.lab->nodes[1].started, LAB_START_FRESH | LAB_START_NO_BACKUPS);
    bench_free(&b);
}

/* The strongest hold is what shows: the fault goes on being in force on the
 * others, and on all when the dead are back. */
static void the_dead_are_left_out_of_a_freeze(void)
{
    struct bench b;
    bench_new(&b, "freeze", &(struct action){.target = TARGET_REGION, .site = 0});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    fabric_hold(b.fabric, 7, 1, HOLD_DOWN, NULL);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "2 stopped"));
    fabric_hold(b.fabric, 7, 0, HOLD_DOWN, NULL);
    fabric_hold(b.fabric, 7, 2, HOLD_DOWN, NULL);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PENDING);
    fabric_release(b.fabric, 7, NULL);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "3 stopped"));
    bench_free(&b);
}

void suite_hold(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_region_loses_power);
    runner_test(a_node_crashes);
    runner_test(how_can_be_turned_round);
    runner_test(a_lab_that_lies_is_found_out);
    runner_test(dead_but_still_answering_is_refuted);
    runner_test(a_world_where_nobody_answers_proves_nothing);
    runner_test(who_is_told_to_stop_goes_by_itself);
    runner_test(who_leaves_in_disorder_is_told);
    runner_test(who_stays_is_killed_after_the_grace);
    runner_test(freezing);
    runner_test(the_dead_are_left_out_of_a_freeze);
    runner_test(a_heal_that_does_not_come_stays_pending);
    runner_test(what_others_hold_is_left_out_of_the_heal);
    runner_test(the_way_there_is_not_the_targets_fault);
    runner_test(answers_from_before_the_heal_do_not_count);
    runner_test(half_an_apply_can_be_healed);
    runner_test(one_after_the_other);
    runner_test(a_heal_in_between_spares_the_rest);
    runner_test(again_and_again);
    runner_test(a_timer_that_fails_is_told);
    runner_test(a_slow_start_holds_back_what_is_dead);
    runner_test(a_backup_is_for_the_dead);
    runner_test(a_wiped_region_loses_its_medium);
}
