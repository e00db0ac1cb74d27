/* SPDX-License-Identifier: MIT */
#include "harness/base/rng.h"
#include "harness/lab/wire_queue.h"
#include "tests/unit/runner.h"

#include <string.h>

static struct wire_queue *queue;

static int set_up(void)
{
    return wire_queue_new(&queue, NULL);
}

static int tear_down(void)
{
    wire_queue_free(queue);
    return 0;
}

static void empty(void)
{
    CU_ASSERT_EQUAL(wire_queue_len(queue), 0);
    CU_ASSERT_EQUAL(wire_queue_due(queue), INT64_MAX);
}

/* Out comes what went in, by instant, equal instants in the order of coming. */
static void earliest_first(void)
{
    struct rng r;
    rng_init(&r, 1, "queue");
    for (uint32_t i = 0; i < 5000; i++) {
        unsigned char *bytes = wire_queue_add(queue, (uint16_t)(i % 7), (int64_t)rng_below(&r, 500), sizeof(i));
        CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
        memcpy(bytes, &i, sizeof(i));
    }
    int64_t due = -1;
    uint32_t before = 0;
    for (int i = 0; i < 5000; i++) {
        CU_ASSERT_TRUE(wire_queue_due(queue) >= due);
        struct wire_held h = wire_queue_take(queue);
        uint32_t number;
        memcpy(&number, wire_queue_bytes(queue, h.slot), sizeof(number));
        CU_ASSERT(h.path == number % 7 && h.len == sizeof(number));
        CU_ASSERT_TRUE(h.due_ns > due || number > before);
        due = h.due_ns;
        before = number;
        wire_queue_give_back(queue, h.slot);
    }
    empty();
}

static void bounded(void)
{
    CU_ASSERT_PTR_NULL(wire_queue_add(queue, 0, 0, WIRE_FRAME_MAX + 1));
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < WIRE_SLOTS; i++) {
            CU_ASSERT_PTR_NOT_NULL(wire_queue_add(queue, 0, i, WIRE_FRAME_MAX));
        }
        CU_ASSERT_PTR_NULL(wire_queue_add(queue, 0, 0, 1));
        struct wire_held h = wire_queue_take(queue);
        CU_ASSERT_PTR_NULL(wire_queue_add(queue, 0, 0, 1)); /* taken, not yet given back */
        wire_queue_give_back(queue, h.slot);
        CU_ASSERT_PTR_NOT_NULL(wire_queue_add(queue, 0, 0, 1));
        while (wire_queue_len(queue) > 0) {
            wire_queue_give_back(queue, wire_queue_take(queue).slot);
        }
    }
    empty();
}

/* Among others that have their instants, and those of another path that stay. */
static void what_was_held_goes_in_order(void)
{
    for (uint32_t i = 0; i < 3000; i++) {
        int64_t due_ns = i % 3 == 0 ? 1000 + i : INT64_MAX; /* path 0 moves, paths 1 and 2 are held */
        unsigned char *bytes = wire_queue_add(queue, (uint16_t)(i % 3), due_ns, sizeof(i));
        CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
        memcpy(bytes, &i, sizeof(i));
    }
    wire_queue_release(queue, 1, 500);
    uint32_t before = 0;
    int64_t due_ns = 0;
    for (int i = 0; i < 3000; i++) {
        struct wire_held h = wire_queue_take(queue);
        uint32_t number;
        memcpy(&number, wire_queue_bytes(queue, h.slot), sizeof(number));
        CU_ASSERT(h.path == (i < 1000 ? 1 : i < 2000 ? 0 : 2) && h.due_ns >= due_ns && h.path == number % 3);
        CU_ASSERT(i % 1000 == 0 || number > before);
        before = number;
        due_ns = h.due_ns;
        wire_queue_give_back(queue, h.slot);
    }
    empty();
}

void suite_wire_queue(void)
{
    runner_suite(set_up, tear_down);
    runner_test(empty);
    runner_test(earliest_first);
    runner_test(bounded);
    runner_test(what_was_held_goes_in_order);
}
