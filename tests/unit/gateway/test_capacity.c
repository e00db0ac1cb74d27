/* SPDX-License-Identifier: MIT */
/*
 * An origin of limited capacity on a virtual loop: when requests come out again, and in which order. They are never
 * looked at, so bare exchanges do.
 */
#include "gateway-under-test/capacity.h"
#include "gateway-under-test/node.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <string.h>

static struct node node;
static struct config config;
static struct capacity capacity;
static struct exchange exchanges[100];
static int64_t served_at[100];
static int served[100], count;

static void serve(struct node *n, struct exchange *x)
{
    served[count] = (int)(x - exchanges);
    served_at[count++] = loop_now(n->loop) - NS_PER_S;
}

static void open_with(int slots, int64_t service_us)
{
    memset(&node, 0, sizeof(node));
    memset(&config, 0, sizeof(config));
    config.capacity.slots = slots;
    config.capacity.service_us = service_us;
    config.capacity.queue = 100;
    node.config = &config;
    node.loop = loop_new_virtual(NS_PER_S);
    count = 0;
    capacity_open(&capacity, &node, serve);
}

static void run_until(int64_t ms)
{
    CU_ASSERT_EQUAL(loop_run(node.loop, NS_PER_S + ms * NS_PER_MS, NULL, NULL), 1);
}

static void close_it(void)
{
    capacity_close(&capacity);
    loop_free(node.loop);
}

static void without_slots_nothing_is_taken(void)
{
    open_with(0, 0);
    CU_ASSERT_FALSE(capacity_takes(&capacity, &exchanges[0]));
    close_it();
}

static void they_come_out_in_order_at_the_rate_asked_for(void)
{
    open_with(2, 10000);
    for (int i = 0; i < 20; i++)
        CU_ASSERT_TRUE(capacity_takes(&capacity, &exchanges[i]));
    CU_ASSERT_EQUAL(capacity.waiting, 18);
    run_until(1000);
    CU_ASSERT_EQUAL(count, 20);
    for (int i = 0; i < count; i++) {
        CU_ASSERT_EQUAL(served[i], i);
        CU_ASSERT_EQUAL(served_at[i], (i / 2 + 1) * 10 * NS_PER_MS);
    }
    CU_ASSERT_EQUAL(capacity.waiting, 0);
    close_it();
}

static void a_free_slot_begins_when_the_request_comes(void)
{
    open_with(1, 10000);
    (void)capacity_takes(&capacity, &exchanges[0]);
    run_until(25);
    (void)capacity_takes(&capacity, &exchanges[1]);
    run_until(1000);
    CU_ASSERT(count == 2 && served_at[0] == 10 * NS_PER_MS && served_at[1] == 35 * NS_PER_MS);
    close_it();
}

static void what_still_waits_at_the_end_is_let_go(void)
{
    open_with(1, 10000);
    for (int i = 0; i < 5; i++)
        (void)capacity_takes(&capacity, &exchanges[i]);
    close_it();
    CU_ASSERT_EQUAL(count, 0);
}

void suite_capacity(void)
{
    runner_suite(NULL, NULL);
    runner_test(without_slots_nothing_is_taken);
    runner_test(they_come_out_in_order_at_the_rate_asked_for);
    runner_test(a_free_slot_begins_when_the_request_comes);
    runner_test(what_still_waits_at_the_end_is_let_go);
}
