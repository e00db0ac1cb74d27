/* SPDX-License-Identifier: MIT */
/*
 * Which member is asked next, and which route a request belongs to. The table is made from a real configuration on a
 * virtual loop; health and leadership are set by hand.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/pool.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>

enum { US_1, US_2, EU_1, EU_2, MEMBERS };

static struct node node;
static struct table *table;
static struct pool *pool;
static struct asking asking;

static json_t *document(const char *policy, const char *flaw)
{
    json_t *members = json_array();
    static const char *const names[MEMBERS] = {"us/1", "us/2", "eu/1", "eu/2"};
    for (int i = 0; i < MEMBERS; i++)
        json_array_append_new(members, json_pack("{s:s, s:s, s:s, s:i}", "name", names[i], "region",
                                                 i < EU_1 ? "us" : "eu", "address", "127.0.0.1", "port", 2000 + i));
    json_t *routes = json_pack("{s:{s:s, s:s}, s:{s:s, s:s, s:{s:i}}, s:{s:s, s:s, s:s}}", "all", "path", "/",
                               "upstream", "pool:p", "v1", "path", "/v1/", "upstream", "pool:p", "rate_limit", "per_s",
                               10, "host", "host", "api.example", "path", "/", "upstream", "pool:p");
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:o, s:o, s:{s:{s:s, s:[s, s], s:o}}}", "node", "eu/g", "role",
                     "gateway", "region", "eu", "listen", 8080, "admin", 9900, "flaws",
                     flaw ? json_pack("[s]", flaw) : json_array(), "routes", routes, "pools", "p", "policy", policy,
                     "regions", "us", "eu", "members", members);
}

static void open_document(json_t *take)
{
    struct err e = {0};
    scoped_json json_t *doc = take;
    memset(&node, 0, sizeof(node));
    node.loop = loop_new_virtual(NS_PER_S);
    CU_ASSERT_EQUAL(config_parse(doc, "test", &node.config, &e), 0);
    CU_ASSERT_EQUAL(table_new(&node, doc, NULL, &table, &e), 0);
    pool = &table->pools[0];
    for (int i = 0; i < MEMBERS; i++)
        pool->members[i].health = HEALTH_UP;
    memset(&asking, 0, sizeof(asking));
}

static void open_table(const char *policy, const char *flaw)
{
    open_document(document(policy, flaw));
}

static void close_table(void)
{
    table_retire(table);
    config_free(node.config);
    loop_free(node.loop);
}

static int pick(bool is_read)
{
    asking.is_read = is_read;
    struct member *m = balance_pick(pool, &asking);
    return m ? (int)(m - pool->members) : -1;
}

static void listed_order_counts_until_somebody_leads(void)
{
    open_table("round_robin", NULL);
    CU_ASSERT(pick(false) < EU_1);
    pool_learn_leader(pool, "eu", 2, 2);
    CU_ASSERT(pick(false) >= EU_1);
    pool_learn_leader(pool, "us", 2, 1); /* an older epoch is not news */
    CU_ASSERT(pick(false) >= EU_1);
    pool_learn_leader(pool, "mars", 4, 9);
    CU_ASSERT(pick(false) >= EU_1);
    pool_learn_follower(pool, "eu", 2);
    CU_ASSERT(pick(false) < EU_1);
    close_table();
}

static void round_robin_shares_equally(void)
{
    int count[MEMBERS] = {0};
    open_table("round_robin", NULL);
    for (int i = 0; i < 100; i++)
        count[pick(true)]++;
    CU_ASSERT(count[US_1] == 50 && count[US_2] == 50);
    close_table();
}

static void least_conn_takes_the_idle_one(void)
{
    open_table("least_conn", NULL);
    pool->members[US_1].up.active = 3;
    pool->members[US_2].up.active = 2;
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(pick(false), US_2);
    pool->members[US_1].up.active = pool->members[US_2].up.active = 0;
    close_table();
}

static void a_failed_region_comes_last(void)
{
    open_table("round_robin", NULL);
    asking.tried[US_1] = TRIED_FAILED;
    CU_ASSERT(pick(false) >= EU_1);
    asking.tried[EU_1] = asking.tried[EU_2] = TRIED_NOT_LEADER;
    CU_ASSERT_EQUAL(pick(false), US_2);
    asking.tried[US_2] = TRIED_AWAY;
    CU_ASSERT_EQUAL(pick(false), -1);
    CU_ASSERT_TRUE(balance_again(pool, &asking));
    CU_ASSERT(pick(false) >= EU_1);
    CU_ASSERT_EQUAL(asking.tried[US_1], TRIED_FAILED); /* there is somebody willing: the failed are not asked again */
    memset(asking.tried, TRIED_AWAY, sizeof(asking.tried));
    CU_ASSERT_TRUE(balance_again(pool, &asking));
    CU_ASSERT(pick(false) >= 0);
    close_table();
}

static void the_down_and_the_ejected_are_left_out_unless_all_are(void)
{
    open_table("round_robin", NULL);
    pool->members[US_1].health = HEALTH_DOWN;
    pool->members[US_2].ejected_until = loop_now(node.loop) + 1;
    CU_ASSERT(pick(false) >= EU_1);
    pool->members[EU_1].health = HEALTH_UNKNOWN;
    CU_ASSERT_EQUAL(pick(false), EU_2);
    pool->members[EU_2].health = HEALTH_DOWN;
    CU_ASSERT_EQUAL(pick(false), EU_1);
    pool->members[EU_1].health = HEALTH_DOWN;
    CU_ASSERT(pick(false) >= 0);
    close_table();
}

static void failures_in_a_row_eject(void)
{
    open_table("round_robin", NULL);
    struct member *m = &pool->members[US_1];
    for (int i = 0; i < 4; i++)
        member_ended(m, ATTEMPT_TIMEOUT);
    member_ended(m, ATTEMPT_GOOD);
    for (int i = 0; i < 4; i++)
        member_ended(m, ATTEMPT_TIMEOUT);
    CU_ASSERT_TRUE(member_usable(m, loop_now(node.loop)));
    member_ended(m, ATTEMPT_TIMEOUT);
    CU_ASSERT_FALSE(member_usable(m, loop_now(node.loop)));
    CU_ASSERT_TRUE(member_usable(m, loop_now(node.loop) + 2000 * NS_PER_MS));
    close_table();
}

static void flaws_bend_the_choice(void)
{
    open_table("round_robin", "no_failover");
    pool_learn_leader(pool, "eu", 2, 2);
    pool->members[US_1].health = pool->members[US_2].health = HEALTH_DOWN;
    CU_ASSERT_EQUAL(pick(false), -1);
    close_table();
    open_table("round_robin", "stale_follower_read");
    bool eu = false;
    for (int i = 0; i < MEMBERS; i++)
        eu = eu || pick(true) >= EU_1;
    CU_ASSERT_TRUE(eu);
    CU_ASSERT(pick(false) < EU_1);
    close_table();
    open_table("round_robin", "sticky_dead_upstream");
    pool->members[US_1].health = HEALTH_DOWN;
    bool dead = false;
    for (int i = 0; i < MEMBERS; i++)
        dead = dead || pick(true) == US_1;
    CU_ASSERT_TRUE(dead);
    close_table();
}

static enum health health_after_a_new_table(const char *flaw)
{
    struct table *next = NULL;
    open_table("round_robin", flaw);
    pool->members[EU_2].health = HEALTH_DOWN;
    CU_ASSERT_EQUAL(table_new(&node, node.config->doc, table, &next, NULL), 0);
    enum health h = next->pools[0].members[EU_2].health;
    table_retire(table);
    table = next;
    close_table();
    return h;
}

static void health_outlives_its_table_but_for_the_flaw(void)
{
    CU_ASSERT_EQUAL(health_after_a_new_table(NULL), HEALTH_DOWN);
    CU_ASSERT_EQUAL(health_after_a_new_table("health_reset_on_target_change"), HEALTH_UP);
}

static void only_the_flaw_leaves_kept_connections_unseen(void)
{
    open_table("round_robin", NULL);
    CU_ASSERT_FALSE(pool->members[US_1].up.unseen);
    close_table();
    open_table("round_robin", "keepalive_no_check");
    CU_ASSERT_TRUE(pool->members[US_1].up.unseen);
    close_table();
}

static struct http_span span(const char *text)
{
    return (struct http_span){text, strlen(text)};
}

static const char *route_by(const char *method, const char *host, const char *path)
{
    struct route *r = route_find(table, span(host), span(path), span(method));
    return r ? r->cfg->name : "none";
}

static const char *route_of(const char *host, const char *path)
{
    return route_by("GET", host, path);
}

static void routes_match_host_then_longest_prefix(void)
{
    open_table("round_robin", NULL);
    CU_ASSERT_STRING_EQUAL(route_of("x", "/v1/orders"), "v1");
    CU_ASSERT_STRING_EQUAL(route_of("x", "/v1"), "all");
    CU_ASSERT_STRING_EQUAL(route_of("API.example:8080", "/v1/orders"), "host");
    CU_ASSERT_STRING_EQUAL(route_of("api.example.org", "/"), "all");
    close_table();
}

static const char *allowed(const char *path, char to[64])
{
    scoped_text struct text out = {0};
    route_methods(table, span("x"), span(path), &out);
    (void)snprintf(to, 64, "%s", text_str(&out));
    return to;
}

static void routes_match_methods_last(void)
{
    char list[64];
    json_t *doc = document("round_robin", NULL);
    json_object_set_new(doc, "routes",
                        json_pack("{s:{s:s, s:[s, s], s:s}, s:{s:s, s:[s], s:s}, s:{s:s, s:s}, s:{s:s, s:[s, s], s:s}}",
                                  "reads", "path", "/v1/orders", "methods", "GET", "HEAD", "upstream", "pool:p",
                                  "writes", "path", "/v1/", "methods", "POST", "upstream", "pool:p", "rest", "path",
                                  "/v1/", "upstream", "pool:p", "odd", "path", "/w", "methods", "M-SEARCH", "GET",
                                  "upstream", "pool:p"));
    open_document(doc);
    CU_ASSERT_STRING_EQUAL(route_by("GET", "x", "/v1/orders"), "reads");
    CU_ASSERT_STRING_EQUAL(route_by("POST", "x", "/v1/orders"), "writes"); /* shorter, and it takes it */
    CU_ASSERT_STRING_EQUAL(route_by("DELETE", "x", "/v1/orders"), "rest");
    CU_ASSERT_STRING_EQUAL(route_by("M-SEARCH", "x", "/w"), "odd");
    CU_ASSERT_STRING_EQUAL(route_by("m-search", "x", "/w"), "none");
    CU_ASSERT_STRING_EQUAL(route_by("POST", "x", "/w"), "none");
    CU_ASSERT_STRING_EQUAL(allowed("/w", list), "M-SEARCH, GET");
    CU_ASSERT_STRING_EQUAL(allowed("/nowhere", list), "");
    close_table();
}

static void rate_limits_refill(void)
{
    open_table("round_robin", NULL);
    struct route *r = route_find(table, span("x"), span("/v1/"), span("GET"));
    int admitted = 0;
    for (int i = 0; i < 100; i++)
        admitted += route_admit(r, NS_PER_S);
    CU_ASSERT_EQUAL(admitted, 10);
    CU_ASSERT_FALSE(route_admit(r, NS_PER_S + 50 * NS_PER_MS));
    CU_ASSERT_TRUE(route_admit(r, NS_PER_S + 150 * NS_PER_MS));
    close_table();
}

static void a_new_table_keeps_what_is_known(void)
{
    struct table *next = NULL;
    open_table("round_robin", NULL);
    pool->members[EU_2].health = HEALTH_DOWN;
    pool_learn_leader(pool, "eu", 2, 7);
    CU_ASSERT_EQUAL(table_new(&node, node.config->doc, table, &next, NULL), 0);
    CU_ASSERT_EQUAL(next->pools[0].members[EU_2].health, HEALTH_DOWN);
    CU_ASSERT_EQUAL(next->pools[0].leader_epoch, 7);
    table_ref(table); /* a request under way */
    struct table *old = table;
    table_retire(old);
    CU_ASSERT_EQUAL(old->refs, 1);
    table_unref(old);
    table = next;
    close_table();
}

void suite_balance(void)
{
    runner_suite(NULL, NULL);
    runner_test(listed_order_counts_until_somebody_leads);
    runner_test(round_robin_shares_equally);
    runner_test(least_conn_takes_the_idle_one);
    runner_test(a_failed_region_comes_last);
    runner_test(the_down_and_the_ejected_are_left_out_unless_all_are);
    runner_test(failures_in_a_row_eject);
    runner_test(flaws_bend_the_choice);
    runner_test(health_outlives_its_table_but_for_the_flaw);
    runner_test(only_the_flaw_leaves_kept_connections_unseen);
    runner_test(routes_match_host_then_longest_prefix);
    runner_test(routes_match_methods_last);
    runner_test(rate_limits_refill);
    runner_test(a_new_table_keeps_what_is_known);
}
