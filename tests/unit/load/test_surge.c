/* SPDX-License-Identifier: MIT */
/* A crowd on a virtual clock, against a service that is as told. */
#include "harness/base/err.h"
#include "harness/base/units.h"
#include "harness/load/surge.h"
#include "tests/unit/load/model_transport.h"
#include "tests/unit/load/plan_fixture.h"
#include "tests/unit/runner.h"

#include <string.h>

static struct plan_fixture fixture;
static struct plan_step step;
static struct loop *loop;
static struct transport *transport;
static struct surge *surge;
static bool broken, first_is_dead, unsendable;
static unsigned at_second;

static void answer(const struct exchange_request *r, struct exchange_answer *a, int64_t *latency_ns)
{
    model_good(r, a);
    bool second = strcmp(r->address, "127.0.0.2") == 0;
    at_second += second;
    a->status = broken || (first_is_dead && !second) ? 503 : 200;
    *latency_ns = unsendable ? MODEL_NOT_SENT : 5 * NS_PER_MS;
}

static void begin(struct surge_wish wish)
{
    plan_fixture_init(&fixture, 10, 0, 0, NS_PER_S);
    wish.timeout_ns = NS_PER_S;
    wish.path = "/v1/orders";
    step = (struct plan_step){.id = 7, .action.surge = wish};
    broken = first_is_dead = unsendable = false;
    at_second = 0;
    loop = loop_new_virtual(0);
    transport = model_transport_new(loop, answer);
    const struct surge_config c = {.plan = &fixture.plan, .step = &step, .vantage = FIXTURE_VANTAGE, .http_port = 8080};
    CU_ASSERT_EQUAL(surge_new(&surge, &c, loop, transport, NULL), 0);
}

static void pass(int64_t ns)
{
    loop_run(loop, loop_now(loop) + ns, NULL, NULL);
}

static void end(void)
{
    surge_stop(surge);
    pass(2 * NS_PER_S);
    CU_ASSERT_TRUE(surge_idle(surge));
    surge_free(surge);
    transport->ops->free(transport);
    loop_free(loop);
}

static void as_many_as_planned(void)
{
    begin((struct surge_wish){.rate_micro = 200 * PPM});
    surge_start(surge, 100 * NS_PER_MS);
    pass(1100 * NS_PER_MS - 1);
    struct surge_tally t = surge_count(surge);
    CU_ASSERT_EQUAL(t.planned, 200);
    CU_ASSERT_EQUAL(t.offered, 200);
    CU_ASSERT_EQUAL(t.sent, 200);
    surge_stop(surge);
    pass(NS_PER_S);
    t = surge_count(surge);
    CU_ASSERT_EQUAL(t.planned, 200);
    CU_ASSERT_EQUAL(t.good, 200);
    CU_ASSERT_EQUAL(t.bad + t.unsent + t.held, 0);
    end();
}

static void retries_amplify(void)
{
    begin((struct surge_wish){.rate_micro = 100 * PPM, .retries = 3});
    broken = true;
    surge_start(surge, 0);
    pass(NS_PER_S);
    surge_stop(surge);
    pass(NS_PER_S);
    struct surge_tally t = surge_count(surge);
    CU_ASSERT_EQUAL(t.bad, t.offered);
    CU_ASSERT_TRUE(t.sent > 4 * t.offered - 20 && t.sent <= 4 * t.offered);
    end();
}

static void after_failures_in_a_row_the_next_one(void)
{
    begin((struct surge_wish){.rate_micro = 100 * PPM});
    first_is_dead = true;
    surge_start(surge, 0);
    pass(NS_PER_S);
    CU_ASSERT_TRUE(surge_count(surge).bad >= 3 && surge_count(surge).bad <= 5);
    CU_ASSERT_TRUE(at_second > 90);
    end();
}

static void a_herd_comes_back_at_once(void)
{
    begin((struct surge_wish){.rate_micro = 100 * PPM, .herd = true});
    broken = true;
    surge_start(surge, 0);
    pass(NS_PER_S);
    struct surge_tally before = surge_count(surge);
    CU_ASSERT_EQUAL(before.waiting, before.bad);
    broken = false;
    surge_heal(surge);
    struct surge_tally after = surge_count(surge);
    CU_ASSERT_EQUAL(after.returned, before.waiting);
    CU_ASSERT_EQUAL(after.sent, before.sent + before.waiting);
    CU_ASSERT_EQUAL(after.waiting, 0);
    pass(100 * NS_PER_MS);
    CU_ASSERT_TRUE(surge_count(surge).good >= before.waiting);
    end();
}

static void what_does_not_leave_is_counted(void)
{
    begin((struct surge_wish){.rate_micro = 100 * PPM, .retries = 2});
    unsendable = true;
    surge_start(surge, 0);
    pass(NS_PER_S);
    struct surge_tally t = surge_count(surge);
    CU_ASSERT_EQUAL(t.unsent, t.offered);
    CU_ASSERT_EQUAL(t.sent, 0);
    end();
}

static void an_order_that_comes_too_early_does_nothing(void)
{
    begin((struct surge_wish){.rate_micro = 100 * PPM, .herd = true});
    surge_heal(surge);
    CU_ASSERT_EQUAL(surge_count(surge).planned + surge_count(surge).sent, 0);
    end();
}

static void tallies_are_read_whole_or_not_at_all(void)
{
    struct surge_tally t = {.at_ns = 5};
    CU_ASSERT_TRUE(surge_tally_read(&t, "1 2 3 4 5 6 7 8 9 10 "));
    CU_ASSERT_TRUE(t.planned == 1 && t.reopened == 10 && t.at_ns == 5);
    static const char *const wrong[] = {"", "1 2 3 4 5 6 7 8 9 ", "1 2 3 4 5 6 7 8 9 10 11 ", "-1 2 3 4 5 6 7 8 9 10 ",
                                        "a 2 3 4 5 6 7 8 9 10 ", " 1 2 3 4 5 6 7 8 9 10 "};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CU_ASSERT_FALSE(surge_tally_read(&t, wrong[i]));
    }
    CU_ASSERT_EQUAL(t.planned, 1);
}

void suite_surge(void)
{
    runner_suite(NULL, NULL);
    runner_test(as_many_as_planned);
    runner_test(retries_amplify);
    runner_test(after_failures_in_a_row_the_next_one);
    runner_test(a_herd_comes_back_at_once);
    runner_test(what_does_not_leave_is_counted);
    runner_test(tallies_are_read_whole_or_not_at_all);
    runner_test(an_order_that_comes_too_early_does_nothing);
}
