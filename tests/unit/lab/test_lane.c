/* SPDX-License-Identifier: MIT */
/* Lanes in the merge of wishes, and what the wire makes of them. */
#include "harness/base/units.h"
#include "harness/lab/lane.h"
#include "harness/lab/shape.h"
#include "harness/lab/wire_lane.h"
#include "tests/unit/runner.h"

static struct path_state wish(uint16_t port, struct path_shape shape)
{
    return (struct path_state){.lane_count = 1, .lanes = {{port, shape}}};
}

static struct path_state merge(const struct path_state *wishes, size_t n)
{
    struct shape_sum sum = {0};
    for (size_t i = 0; i < n; i++) {
        shape_add(&sum, &wishes[i]);
    }
    return shape_total(&sum);
}

static void each_port_is_merged_for_itself(void)
{
    const struct path_state wishes[] = {
        {.delay_ns = 40 * NS_PER_MS},
        wish(7001, (struct path_shape){.delay_ns = 50 * NS_PER_MS}),
        wish(7001, (struct path_shape){.loss_ppm = 100000}),
        wish(80, (struct path_shape){.delay_ns = NS_PER_MS}),
    };
    struct path_state is = merge(wishes, 4);
    CU_ASSERT_EQUAL(is.delay_ns, 40 * NS_PER_MS);
    CU_ASSERT_EQUAL(is.loss_ppm, 0);
    CU_ASSERT_EQUAL_FATAL(is.lane_count, 2);
    CU_ASSERT(is.lanes[0].port == 80 && is.lanes[1].port == 7001);
    CU_ASSERT(is.lanes[1].shape.delay_ns == 50 * NS_PER_MS && is.lanes[1].shape.loss_ppm == 100000);
    CU_ASSERT_EQUAL(lane_met(&is, 7001).delay_ns, 90 * NS_PER_MS);
    CU_ASSERT_EQUAL(lane_met(&is, 7001).loss_ppm, 100000);
    CU_ASSERT_EQUAL(lane_met(&is, 80).delay_ns, 41 * NS_PER_MS);
    CU_ASSERT_EQUAL(lane_met(&is, 0).delay_ns, 40 * NS_PER_MS);
}

static void states_differ_by_their_lanes(void)
{
    struct path_state a = wish(7001, (struct path_shape){.delay_ns = 1}),
                      b = wish(7001, (struct path_shape){.delay_ns = 2});
    struct path_state c = wish(7002, (struct path_shape){.delay_ns = 1}), none = {0};
    CU_ASSERT_TRUE(shape_same(&a, &a));
    CU_ASSERT_FALSE(shape_same(&a, &b) || shape_same(&a, &c) || shape_same(&a, &none));
}

static void there_is_room_for_some(void)
{
    struct path_state sum = {0};
    for (uint16_t port = 1; port <= PATH_LANES_MAX; port++) {
        struct path_state w = wish(port, (struct path_shape){.delay_ns = 1});
        CU_ASSERT_TRUE(lanes_add(&sum, &w));
    }
    struct path_state again = wish(1, (struct path_shape){.delay_ns = 1}),
                      more = wish(99, (struct path_shape){.delay_ns = 1});
    CU_ASSERT_TRUE(lanes_add(&sum, &again));
    CU_ASSERT_FALSE(lanes_add(&sum, &more));
}

static const unsigned char frame[54] = {[12] = 8, [14] = 0x45, [23] = 6, [36] = 0x1b, [37] = 0x59}; /* to port 7001 */

static struct wire_fate one_copy(int64_t due_ns)
{
    return (struct wire_fate){.copies = 1, .copy = {{.due_ns = due_ns}}};
}

static void a_lane_is_for_its_port(void)
{
    struct wire_lanes lanes = {0};
    struct path_state state = wish(7001, (struct path_shape){.delay_ns = 50}),
                      other = wish(7002, (struct path_shape){.delay_ns = 50});
    struct wire_fate fate = one_copy(1000), stalled = one_copy(INT64_MAX);
    wire_lanes_set(&lanes, 1, 0, &state);
    CU_ASSERT_EQUAL(wire_lanes_decide(&lanes, &fate, frame, sizeof(frame)).copy[0].due_ns, 1050);
    CU_ASSERT_EQUAL(wire_lanes_decide(&lanes, &stalled, frame, sizeof(frame)).copy[0].due_ns, INT64_MAX);
    wire_lanes_set(&lanes, 1, 0, &other);
    CU_ASSERT_EQUAL(wire_lanes_decide(&lanes, &fate, frame, sizeof(frame)).copy[0].due_ns, 1000);
    wire_lanes_get(&lanes, &state);
    CU_ASSERT_TRUE(shape_same(&state, &other));
    wire_lanes_set(&lanes, 1, 0, &(struct path_state){0});
    CU_ASSERT_EQUAL(lanes.count, 0);
}

/* came + duplicated = copies + lost, whatever both stages do. */
static void every_copy_is_accounted_for(void)
{
    struct wire_lanes lanes = {0};
    struct wire_shaper path;
    struct path_state state = wish(7001, (struct path_shape){.loss_ppm = 300000, .duplicate_ppm = 500000});
    const struct path_state all = {.duplicate_ppm = 500000, .loss_ppm = 200000};
    unsigned lost = 0, most = 0;
    wire_shaper_init(&path, 1, 0, 0);
    wire_shaper_set(&path, &all);
    wire_lanes_set(&lanes, 1, 0, &state);
    for (int i = 0; i < 20000; i++) {
        struct wire_fate first = wire_shaper_decide(&path, i, sizeof(frame), 100);
        struct wire_fate f = wire_lanes_decide(&lanes, &first, frame, sizeof(frame));
        CU_ASSERT_EQUAL(f.copies + f.lost, 1 + f.duplicated);
        lost += f.copies == 0;
        most = f.copies > most ? f.copies : most;
    }
    CU_ASSERT_EQUAL(most, WIRE_COPIES_MAX);
    CU_ASSERT(lost > 3000 && lost < 8000);
}

static void the_dice_of_a_lane_that_stays_go_on(void)
{
    struct wire_lanes a = {0}, b = {0};
    struct path_state state = wish(7001, (struct path_shape){.loss_ppm = 500000});
    wire_lanes_set(&a, 1, 0, &state);
    wire_lanes_set(&b, 1, 0, &state);
    for (int i = 0; i < 200; i++) {
        struct wire_fate fate = one_copy(i);
        wire_lanes_set(&b, 1, 0, &state);
        CU_ASSERT_EQUAL(wire_lanes_decide(&a, &fate, frame, sizeof(frame)).lost,
                        wire_lanes_decide(&b, &fate, frame, sizeof(frame)).lost);
    }
}

void suite_lane(void)
{
    runner_suite(NULL, NULL);
    runner_test(each_port_is_merged_for_itself);
    runner_test(states_differ_by_their_lanes);
    runner_test(there_is_room_for_some);
    runner_test(a_lane_is_for_its_port);
    runner_test(every_copy_is_accounted_for);
    runner_test(the_dice_of_a_lane_that_stays_go_on);
}
