/* SPDX-License-Identifier: MIT */
/* What faults order of a node: slots that merge, and are given up one by one. */
#include "gateway-under-test/lag.h"
#include "gateway-under-test/wall.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <stdio.h>

static int late(struct lag *l, const char *body)
{
    scoped_json json_t *doc = json_loads(body, 0, NULL);
    return lag_order(l, doc);
}

static int wrong(struct wall *w, const char *body)
{
    scoped_json json_t *doc = json_loads(body, 0, NULL);
    return wall_order(w, doc);
}

static void lags_merge(void)
{
    struct lag l = {0};
    CU_ASSERT_EQUAL(late(&l, "{\"fault\":\"1\",\"delay_ms\":2000,\"corrupt_ppm\":500000}"), 200);
    CU_ASSERT_EQUAL(late(&l, "{\"fault\":\"2\",\"delay_ms\":500,\"corrupt_ppm\":500000}"), 200);
    CU_ASSERT_EQUAL(l.all.delay_ms, 2500);
    CU_ASSERT_EQUAL(l.all.corrupt_ppm, 750000);
    CU_ASSERT_TRUE(lag_holds(&l, 0, 2499 * NS_PER_MS));
    CU_ASSERT_FALSE(lag_holds(&l, 0, 2500 * NS_PER_MS));
    CU_ASSERT_EQUAL(late(&l, "{\"fault\":\"3\",\"stop\":true}"), 200);
    CU_ASSERT_TRUE(lag_holds(&l, 0, INT64_MAX / 2));
    CU_ASSERT_EQUAL(late(&l, "{\"fault\":\"1\"}"), 200);
    CU_ASSERT_EQUAL(late(&l, "{\"fault\":\"3\",\"stop\":false}"), 200);
    CU_ASSERT_EQUAL(late(&l, "{\"fault\":\"3\"}"), 200); /* twice is no error */
    CU_ASSERT_EQUAL(l.all.delay_ms, 500);
    CU_ASSERT_EQUAL(late(&l, "{\"fault\":\"2\"}"), 200);
    CU_ASSERT_EQUAL(l.count, 0);
    CU_ASSERT_FALSE(lag_holds(&l, 7, 7));
}

static void orders_without_sense(void)
{
    static const char *const bad[] = {"{}",
                                      "{\"fault\":7}",
                                      "{\"fault\":\"\",\"stop\":true}",
                                      "{\"fault\":\"1\",\"stop\":1}",
                                      "{\"fault\":\"1\",\"delay_ms\":-1}",
                                      "{\"fault\":\"1\",\"corrupt_ppm\":1000001}",
                                      "{\"fault\":\"a name that is longer than any\",\"stop\":true}",
                                      "[]"};
    struct lag l = {0};
    struct wall w = {0};
    for (size_t i = 0; i < array_len(bad); i++) {
        CU_ASSERT_EQUAL(late(&l, bad[i]), 400);
    }
    CU_ASSERT_EQUAL(wrong(&w, "{\"fault\":\"1\",\"rate_ppm\":1}"), 400);
    CU_ASSERT_EQUAL(wrong(&w, "{\"fault\":\"1\",\"step_ms\":\"1h\"}"), 400);
    CU_ASSERT_TRUE(l.count == 0 && w.count == 0);
}

static void slots_are_bounded(void)
{
    struct lag l = {0};
    struct wall w = {0};
    for (int i = 0; i < LAG_SLOTS + 1; i++) {
        char body[64];
        snprintf(body, sizeof(body), "{\"fault\":\"%d\",\"stop\":true,\"step_ms\":1}", i);
        CU_ASSERT_EQUAL(late(&l, body), i < LAG_SLOTS ? 200 : 409);
        CU_ASSERT_EQUAL(wrong(&w, body), i < WALL_SLOTS ? 200 : 409);
    }
}

static void clocks_add_up(void)
{
    struct wall w = {0};
    int64_t off;
    CU_ASSERT_EQUAL(wrong(&w, "{\"fault\":\"1\",\"step_ms\":-3600000}"), 200);
    CU_ASSERT_EQUAL(wrong(&w, "{\"fault\":\"2\",\"step_ms\":600000}"), 200);
    off = wall_ns(&w) - clock_wall_ns();
    CU_ASSERT_TRUE(off > -3001 * NS_PER_S && off < -2999 * NS_PER_S);
    CU_ASSERT_EQUAL(wrong(&w, "{\"fault\":\"1\"}"), 200);
    off = wall_ns(&w) - clock_wall_ns();
    CU_ASSERT_TRUE(off > 599 * NS_PER_S && off < 601 * NS_PER_S);
    CU_ASSERT_EQUAL(wrong(&w, "{\"fault\":\"2\",\"rate_ppm\":10000000}"), 200);
    w.slots[0].since_ns -= NS_PER_S; /* a second later it has gained nine */
    off = wall_ns(&w) - clock_wall_ns();
    CU_ASSERT_TRUE(off > 8 * NS_PER_S && off < 30 * NS_PER_S);
    CU_ASSERT_EQUAL(wrong(&w, "{\"fault\":\"2\",\"step_ms\":-315360000000}"), 200);
    CU_ASSERT_TRUE(wall_ns(&w) >= 0);
}

static void a_damaged_frame_differs_in_one_bit(void)
{
    char frame[32] = {0};
    struct rng rng;
    rng_init(&rng, 1, "damage");
    for (int k = 0; k < 1000; k++) {
        char damaged[sizeof(frame)] = {0};
        int bits = 0;
        lag_damage(damaged, sizeof(damaged), &rng);
        for (size_t i = 0; i < sizeof(frame); i++) {
            bits += __builtin_popcount((unsigned char)(damaged[i] ^ frame[i]));
            CU_ASSERT_TRUE(i >= 4 || damaged[i] == frame[i]); /* the length is left alone */
        }
        CU_ASSERT_EQUAL(bits, 1);
    }
}

void suite_slots(void)
{
    runner_suite(NULL, NULL);
    runner_test(lags_merge);
    runner_test(orders_without_sense);
    runner_test(slots_are_bounded);
    runner_test(clocks_add_up);
    runner_test(a_damaged_frame_differs_in_one_bit);
}
