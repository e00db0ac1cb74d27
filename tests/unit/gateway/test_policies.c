/* SPDX-License-Identifier: MIT */
/*
 * What each policy does to many requests: shares, who moves when a member goes, spill-over, panic, ejection. The pool
 * is made from a configuration on a virtual loop; members are made well and unwell by hand.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/pool.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>

#define MOST 8
#define USERS 10000

static struct node node;
static struct table *table;
static struct pool *pool;

/* So many members in the regions a and b; `extra` are further keys of the pool. */
static void open_pool(int in_a, int in_b, json_t *extra)
{
    struct err e = {0};
    json_t *members = json_array();
    for (int i = 0; i < in_a + in_b; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "m%d", i);
        json_array_append_new(members,
                              json_pack("{s:s, s:s, s:s, s:i, s:i}", "name", name, "region", i < in_a ? "a" : "b",
                                        "address", "127.0.0.1", "port", 2000 + i, "weight", i == 0 ? 5 : 1));
    }
    json_t *p = json_pack("{s:[s, s], s:o}", "regions", "a", "b", "members", members);
    json_object_update_new(p, extra);
    scoped_json json_t *doc =
        json_pack("{s:s, s:s, s:s, s:i, s:i, s:{s:{s:s}}, s:{s:o}}", "node", "a/g", "role", "gateway", "region", "a",
                  "listen", 8080, "admin", 9900, "routes", "all", "upstream", "pool:p", "pools", "p", p);
    memset(&node, 0, sizeof(node));
    node.loop = loop_new_virtual(NS_PER_S);
    CU_ASSERT_EQUAL_FATAL(config_parse(doc, "test", &node.config, &e), 0);
    CU_ASSERT_EQUAL_FATAL(table_new(&node, doc, NULL, &table, &e), 0);
    pool = &table->pools[0];
    for (size_t i = 0; i < pool->count; i++)
        pool->members[i].health = HEALTH_UP;
}

static void close_pool(void)
{
    table_retire(table);
    config_free(node.config);
    loop_free(node.loop);
}

static json_t *policy(const char *name)
{
    return json_pack("{s:s}", "policy", name);
}

static int pick_for(uint64_t user)
{
    const struct asking a = {.user = user};
    struct member *m = balance_pick(pool, &a);
    return m ? (int)(m - pool->members) : -1;
}

static void down(int member)
{
    pool->members[member].health = HEALTH_DOWN;
}

static void count_picks(int picks, int count[MOST])
{
    memset(count, 0, MOST * sizeof(*count));
    for (int i = 0; i < picks; i++)
        count[pick_for(0)]++;
}

static void weights_are_shares_and_turns_are_spread(void)
{
    static const int order[] = {0, 0, 1, 0, 2, 0, 0};
    int count[MOST];
    open_pool(3, 0, policy("weighted"));
    for (size_t i = 0; i < array_len(order); i++)
        CU_ASSERT_EQUAL(pick_for(0), order[i]);
    count_picks(700, count);
    CU_ASSERT(count[0] == 500 && count[1] == 100 && count[2] == 100);
    down(0);
    count_picks(100, count);
    CU_ASSERT(count[0] == 0 && count[1] == 50 && count[2] == 50);
    close_pool();
}

static void first_is_first_until_it_goes(void)
{
    int count[MOST];
    open_pool(3, 1, policy("first"));
    count_picks(10, count);
    CU_ASSERT_EQUAL(count[0], 10);
    down(0);
    count_picks(10, count);
    CU_ASSERT_EQUAL(count[1], 10);
    down(1);
    down(2);
    count_picks(10, count);
    CU_ASSERT_EQUAL(count[3], 10);
    close_pool();
}

/* Share of 10,000 users that change members when one of `members` goes; *strangers: of those whose own did not go. */
static double moved(const char *hash, int members, double *strangers)
{
    static int before[USERS];
    int all = 0, others = 0;
    open_pool(members, 0, json_pack("{s:s, s:s}", "policy", "ip_hash", "hash", hash));
    for (uint64_t u = 0; u < USERS; u++)
        before[u] = pick_for(balance_hash(&u, sizeof(u)));
    down(1);
    for (uint64_t u = 0; u < USERS; u++) {
        int now = pick_for(balance_hash(&u, sizeof(u)));
        CU_ASSERT(now >= 0 && now != 1);
        all += now != before[u];
        others += now != before[u] && before[u] != 1;
    }
    close_pool();
    *strangers = (double)others / USERS;
    return (double)all / USERS;
}

static void rendezvous_moves_only_the_users_of_the_one_that_went(void)
{
    double strangers;
    double of_three = moved("rendezvous", 3, &strangers);
    CU_ASSERT_EQUAL(strangers, 0);
    CU_ASSERT(of_three > 0.31 && of_three < 0.36);
    double of_eight = moved("rendezvous", 8, &strangers);
    CU_ASSERT_EQUAL(strangers, 0);
    CU_ASSERT(of_eight > 0.11 && of_eight < 0.14);
}

static void modulo_moves_nearly_all(void)
{
    double strangers;
    double of_three = moved("modulo", 3, &strangers);
    CU_ASSERT(of_three > 0.64 && of_three < 0.70);
    CU_ASSERT(strangers > 0.30);
    double of_eight = moved("modulo", 8, &strangers);
    CU_ASSERT(of_eight > 0.85 && of_eight < 0.90);
}

static void hashed_users_are_spread_evenly(void)
{
    int count[MOST] = {0};
    open_pool(4, 0, policy("ip_hash"));
    for (uint64_t u = 0; u < USERS; u++)
        count[pick_for(balance_hash(&u, sizeof(u)))]++;
    for (int i = 0; i < 4; i++)
        CU_ASSERT(count[i] > 2350 && count[i] < 2650);
    for (int i = 0; i < 100; i++)
        CU_ASSERT_EQUAL(pick_for(77), pick_for(77));
    close_pool();
}

static int beyond(int picks)
{
    int count[MOST], n = 0;
    count_picks(picks, count);
    for (int i = 0; i < MOST; i++)
        n += i >= 5 ? count[i] : 0;
    return n;
}

static void what_a_region_cannot_carry_spills_over(void)
{
    open_pool(5, 3, json_pack("{s:b}", "spill_over", true));
    CU_ASSERT_EQUAL(beyond(1000), 0);
    down(0); /* 80 % of 1.4 */
    CU_ASSERT_EQUAL(beyond(1000), 0);
    down(1); /* 84 % */
    CU_ASSERT(beyond(1000) >= 158 && beyond(1000) <= 162);
    down(2); /* 56 % */
    CU_ASSERT(beyond(1000) >= 438 && beyond(1000) <= 442);
    close_pool();
}

static void without_spill_over_nothing_does(void)
{
    open_pool(5, 3, json_object());
    down(0);
    down(1);
    down(2);
    CU_ASSERT_EQUAL(beyond(1000), 0);
    close_pool();
}

static void panic_asks_everybody(void)
{
    int count[MOST];
    open_pool(4, 0, json_pack("{s:s}", "panic", "route_all"));
    down(0);
    down(1);
    count_picks(100, count);
    CU_ASSERT_EQUAL(count[0] + count[1], 0); /* half is not less than half */
    down(2);
    count_picks(100, count);
    CU_ASSERT(count[0] == 25 && count[3] == 25);
    CU_ASSERT_FALSE(balance_refuses(pool));
    close_pool();
}

static void panic_refuses_at_once(void)
{
    open_pool(4, 0, json_pack("{s:s}", "panic", "fail_fast"));
    down(0);
    down(1);
    CU_ASSERT_FALSE(balance_refuses(pool));
    CU_ASSERT(pick_for(0) >= 2);
    down(2);
    CU_ASSERT_TRUE(balance_refuses(pool));
    CU_ASSERT_EQUAL(pick_for(0), -1);
    close_pool();
}

static void another_region_is_no_panic(void)
{
    open_pool(4, 2, json_pack("{s:s}", "panic", "fail_fast"));
    for (int i = 0; i < 4; i++)
        down(i);
    CU_ASSERT_FALSE(balance_refuses(pool));
    CU_ASSERT(pick_for(0) >= 4);
    close_pool();
}

static void who_asks_for_no_panic_has_none(void)
{
    int count[MOST];
    open_pool(4, 0, json_object());
    down(0);
    down(1);
    down(2);
    count_picks(10, count);
    CU_ASSERT_EQUAL(count[3], 10);
    down(3);
    CU_ASSERT_FALSE(balance_refuses(pool));
    CU_ASSERT(pick_for(0) >= 0);
    close_pool();
}

static void fail_five_times(struct member *m)
{
    for (int i = 0; i < 5; i++)
        member_ended(m, ATTEMPT_TIMEOUT);
}

static int64_t ejected_ms(const struct member *m)
{
    return (m->ejected_until - loop_now(node.loop)) / NS_PER_MS;
}

static void each_ejection_is_longer_and_calm_takes_one_off(void)
{
    open_pool(4, 0, json_object());
    struct member *m = &pool->members[0];
    fail_five_times(m);
    CU_ASSERT_EQUAL(ejected_ms(m), 2000);
    m->ejected_until = 0;
    fail_five_times(m);
    CU_ASSERT_EQUAL(ejected_ms(m), 4000);
    m->ejected_until = 0;
    m->calm_since = loop_now(node.loop) - 2000 * NS_PER_MS;
    member_ended(m, ATTEMPT_GOOD);
    fail_five_times(m);
    CU_ASSERT_EQUAL(ejected_ms(m), 4000);
    close_pool();
}

static void stragglers_do_not_lengthen_an_ejection(void)
{
    open_pool(4, 0, json_object());
    fail_five_times(&pool->members[0]);
    fail_five_times(&pool->members[0]);
    CU_ASSERT_EQUAL(ejected_ms(&pool->members[0]), 2000);
    CU_ASSERT_EQUAL(pool->members[0].ejections, 1);
    close_pool();
}

static void never_more_than_a_share_is_ejected(void)
{
    open_pool(4, 0, json_object());
    for (int i = 0; i < 4; i++)
        fail_five_times(&pool->members[i]);
    CU_ASSERT(ejected_ms(&pool->members[0]) > 0 && ejected_ms(&pool->members[1]) > 0);
    CU_ASSERT(ejected_ms(&pool->members[2]) < 0 && ejected_ms(&pool->members[3]) < 0);
    close_pool();
    open_pool(2, 0, json_pack("{s:{s:i}}", "passive", "eject_share", 10));
    fail_five_times(&pool->members[0]);
    fail_five_times(&pool->members[1]);
    CU_ASSERT(ejected_ms(&pool->members[0]) > 0 && ejected_ms(&pool->members[1]) < 0);
    close_pool();
}

static void an_open_breaker_takes_its_member_out(void)
{
    open_pool(2, 0,
              json_pack("{s:{s:i, s:i, s:[s]}, s:{s:i}}", "breaker", "failures", 2, "open_ms", 100, "triggers", "5xx",
                        "passive", "failures", 10000));
    struct member *m = &pool->members[0];
    member_ended(m, ATTEMPT_5XX);
    member_ended(m, ATTEMPT_5XX);
    CU_ASSERT_EQUAL(m->breaker.state, BREAKER_OPEN);
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(pick_for(0), 1);
    CU_ASSERT_TRUE(member_usable(m, loop_now(node.loop) + 100 * NS_PER_MS));
    close_pool();
}

void suite_policies(void)
{
    runner_suite(NULL, NULL);
    runner_test(weights_are_shares_and_turns_are_spread);
    runner_test(first_is_first_until_it_goes);
    runner_test(rendezvous_moves_only_the_users_of_the_one_that_went);
    runner_test(modulo_moves_nearly_all);
    runner_test(hashed_users_are_spread_evenly);
    runner_test(what_a_region_cannot_carry_spills_over);
    runner_test(without_spill_over_nothing_does);
    runner_test(panic_asks_everybody);
    runner_test(panic_refuses_at_once);
    runner_test(another_region_is_no_panic);
    runner_test(who_asks_for_no_panic_has_none);
    runner_test(each_ejection_is_longer_and_calm_takes_one_off);
    runner_test(stragglers_do_not_lengthen_an_ejection);
    runner_test(never_more_than_a_share_is_ejected);
    runner_test(an_open_breaker_takes_its_member_out);
}
