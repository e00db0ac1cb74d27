/* SPDX-License-Identifier: MIT */
/*
 * What a gateway asks the stores of its own accord: who is revoked, what a limited subject may spend. The store is a
 * server of this test on the same loop. A new configuration takes the members away, with all that belongs to them.
 */
#include "gateway-under-test/gateway.h"
#include "gateway-under-test/node.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

static struct node node;
static struct gateway gateway;
static struct server store;
static int port, questions;

static void answer(void *ctx, struct exchange *x)
{
    static const char list[] = "{\"age_ms\":0,\"lsn\":1,\"revoked\":[\"key:leaked\"]}";
    static const char grant[] = "{\"granted\":{\"key:bulk\":3}}";
    const char *said = span_is(exchange_path(x), "/gateway/limits") ? grant : list;
    (void)ctx;
    questions++;
    exchange_answer(x, 200, "application/json", "", said, strlen(said));
}

static json_t *document(void)
{
    json_t *member = json_pack("{s:s, s:s, s:s, s:i}", "name", "us/1", "region", "us", "address", "127.0.0.1", "port",
                               port);
    json_t *revocations = json_pack("{s:s, s:i, s:i}", "pool", "p", "every_ms", 50, "stale_after_ms", 60000);
    json_t *limits = json_pack("{s:s, s:i, s:s, s:i, s:{s:{s:i}}}", "mode", "shared", "gateways", 2, "pool", "p",
                               "every_ms", 50, "subjects", "key:bulk", "per_s", 10);
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:{}, s:{s:{s:[s], s:[o]}}, s:{s:{}, s:o}, s:o}", "node", "us/g",
                     "role", "gateway", "region", "us", "listen", 8080, "admin", 9900, "routes", "pools", "p",
                     "regions", "us", "members", member, "identity", "keys", "revocations", revocations, "limits",
                     limits);
}

static void begin(void)
{
    struct err e = {0};
    struct sockaddr_in at = {0};
    socklen_t len = sizeof(at);
    memset(&node, 0, sizeof(node));
    memset(&gateway, 0, sizeof(gateway));
    questions = 0;
    node.loop = loop_new(&e);
    CU_ASSERT_EQUAL_FATAL(server_open(&store, node.loop, 0, &server_defaults, answer, NULL, &e), 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(store.acceptor.fd, (struct sockaddr *)&at, &len), 0);
    port = ntohs(at.sin_port);
    scoped_json json_t *doc = document();
    CU_ASSERT_EQUAL_FATAL(config_parse(doc, "test", &node.config, &e), 0);
    gateway.node = &node;
    CU_ASSERT_EQUAL_FATAL(table_new(&node, doc, NULL, &gateway.table, &e), 0);
    pool_learn_leader(&gateway.table->pools[0], "us", 2, 1);
}

static void end(void)
{
    table_retire(gateway.table);
    server_close(&store);
    config_free(node.config);
    loop_free(node.loop);
}

/* Until the store has been asked n times in all, and whoever asked has been answered. */
static void ask_until(int n, const struct call *c)
{
    int64_t limit = clock_mono_ns() + 5 * NS_PER_S;
    while ((questions < n || c->under_way) && clock_mono_ns() < limit)
        CU_ASSERT_TRUE(loop_run(node.loop, clock_mono_ns() + 5 * NS_PER_MS, NULL, NULL) >= 0);
    CU_ASSERT_TRUE(questions >= n);
}

static struct upstream *asked_one(void)
{
    return &gateway.table->pools[0].members[0].up;
}

static void reconfigure(void)
{
    struct err e = {0};
    struct table *old = gateway.table;
    scoped_json json_t *doc = document();
    CU_ASSERT_EQUAL_FATAL(table_new(&node, doc, old, &gateway.table, &e), 0);
    table_retire(old);
}

static void revocations_are_asked_for_across_configurations(void)
{
    struct revocations r = {0};
    begin();
    revocations_open(&r, &gateway);
    ask_until(1, &r.call);
    CU_ASSERT(revocation_listed(&r.list, "key:leaked") && asked_one()->idle_count == 1);
    reconfigure();
    ask_until(3, &r.call);
    CU_ASSERT(asked_one()->idle_count == 1 && store.open == 1);
    revocations_close(&r);
    end();
}

static void grants_are_asked_for_across_configurations(void)
{
    struct limiter l = {0};
    begin();
    limiter_open(&l, &gateway);
    ask_until(1, &l.call);
    CU_ASSERT(!limiter_alone(&l, loop_now(node.loop)) && asked_one()->idle_count == 1);
    reconfigure();
    ask_until(3, &l.call);
    CU_ASSERT(asked_one()->idle_count == 1 && store.open == 1);
    limiter_close(&l);
    end();
}

void suite_asking(void)
{
    runner_suite(NULL, NULL);
    runner_test(revocations_are_asked_for_across_configurations);
    runner_test(grants_are_asked_for_across_configurations);
}
