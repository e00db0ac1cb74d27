/* SPDX-License-Identifier: MIT */
#include "tests/unit/injectors/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

static void to_the_other_region(void)
{
    struct bench b;
    bench_new(&b, "fail_over", &(struct action){.site = 1});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(b.lab->leader, 5);
    CU_ASSERT_TRUE(b.lab->nodes[0].standby && b.lab->nodes[1].standby);
    CU_ASSERT_FALSE(b.lab->nodes[3].standby || b.lab->nodes[4].standby);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(b.lab->leader, 5);
    bench_free(&b);
}

static void to_where_it_is(void)
{
    struct bench b;
    bench_new(&b, "fail_over", &(struct action){.site = 0});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(b.lab->leader, 2);
    CU_ASSERT_TRUE(b.lab->nodes[3].standby);
    CU_ASSERT_FALSE(b.lab->nodes[0].standby);
    bench_free(&b);
}

static void and_home_again(void)
{
    struct bench b;
    bench_new(&b, "fail_back", &(struct action){0});
    b.lab->leader = 5;
    for (int i = 0; i < 2; i++) {
        b.lab->nodes[i].standby = true;
    }
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(b.lab->leader, 2);
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_FALSE(b.lab->nodes[i].standby);
    }
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(b.lab->leader, 2);
    bench_free(&b);
}

static void nobody_leads(void)
{
    struct bench b;
    bench_new(&b, "fail_over", &(struct action){.site = 1});
    b.lab->leader = -1;
    CU_ASSERT_EQUAL(bench_apply(&b), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.err.msg, "leads"));
    CU_ASSERT_TRUE(b.lab->nodes[0].standby); /* what could be done was done */
    bench_free(&b);
}

static void somebody_is_dead(void)
{
    struct bench b;
    bench_new(&b, "fail_over", &(struct action){.site = 1});
    b.lab->nodes[1].state = NODE_DOWN;
    CU_ASSERT_EQUAL(bench_apply(&b), -1);
    CU_ASSERT_STRING_EQUAL(b.err.at, "east/2");
    CU_ASSERT_EQUAL(b.lab->leader, 5);
    bench_free(&b);
}

static void a_key_is_revoked_where_the_leader_is(void)
{
    struct bench b;
    bench_new(&b, "revoke", &(struct action){0});
    b.lab->topo.callers[CALLER_LEAKED].name = "leaked";
    b.lab->leader = 5;
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_STRING_EQUAL(b.lab->revoked, "key:leaked");
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_STRING_EQUAL(b.lab->revoked, "key:leaked"); /* for good */
    b.lab->topo.identity.tokens.there = true; /* of tokens it is the name that is believed no more */
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_STRING_EQUAL(b.lab->revoked, "sub:leaked");
    b.lab->deaf = true;
    CU_ASSERT_EQUAL(bench_apply(&b), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.err.msg, "refused with 409"));
    bench_free(&b);
}

static void the_idle_verbs(void)
{
    static const char *const verbs[] = {"restore", "nothing"};
    for (int i = 0; i < 2; i++) {
        struct bench b;
        bench_new(&b, verbs[i], &(struct action){.target = TARGET_REGION});
        CU_ASSERT_EQUAL(bench_apply(&b), 0);
        CU_ASSERT_EQUAL(bench_heal(&b), 0);
        CU_ASSERT_EQUAL(b.lab->operations, 0);
        bench_free(&b);
    }
}

void suite_operator(void)
{
    runner_suite(NULL, NULL);
    runner_test(to_the_other_region);
    runner_test(to_where_it_is);
    runner_test(and_home_again);
    runner_test(nobody_leads);
    runner_test(somebody_is_dead);
    runner_test(a_key_is_revoked_where_the_leader_is);
    runner_test(the_idle_verbs);
}
