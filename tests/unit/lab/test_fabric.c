/* SPDX-License-Identifier: MIT */
#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/units.h"
#include "harness/lab/fabric.h"
#include "tests/unit/lab/fake_lab.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>

static struct fake_lab *lab;
static struct fabric *fabric;

static void set_stage(void)
{
    lab = fake_lab_new();
    fabric = NULL;
    fabric_new(&fabric, &lab->lab, &lab->topo, NULL);
}

static void clear_stage(void)
{
    fabric_free(fabric);
    fake_lab_free(lab);
}

static bool same(const struct path_state *a, const struct path_state *b)
{
    return a->cut == b->cut && a->delay_ns == b->delay_ns && a->jitter_ns == b->jitter_ns &&
           a->loss_ppm == b->loss_ppm && a->duplicate_ppm == b->duplicate_ppm && a->reorder_ppm == b->reorder_ppm &&
           a->corrupt_ppm == b->corrupt_ppm && a->rate_bps == b->rate_bps;
}

static bool at_baseline(void)
{
    for (uint16_t p = 0; p < FAKE_PATHS; p++) {
        if (!same(&lab->paths[p], &lab->links[p / 2].baseline)) {
            return false;
        }
    }
    for (uint16_t n = 0; n < FAKE_NODES; n++) {
        if (lab->nodes[n].state != NODE_UP || lab->nodes[n].unplugged) {
            return false;
        }
    }
    return true;
}

static void layers_merge(void)
{
    set_stage();
    struct path_state a = {.delay_ns = 10 * NS_PER_MS, .jitter_ns = 1, .loss_ppm = 500000, .rate_bps = 4000000};
    struct path_state b = {.delay_ns = 5 * NS_PER_MS, .jitter_ns = 2, .loss_ppm = 500000, .rate_bps = 9000000,
                           .duplicate_ppm = 10, .reorder_ppm = 20, .corrupt_ppm = 30};
    CU_ASSERT_EQUAL(fabric_lay(fabric, 1, 2, &a, NULL), 0);
    CU_ASSERT_EQUAL(fabric_lay(fabric, 2, 2, &b, NULL), 0);
    struct path_state got = lab->paths[2];
    CU_ASSERT_EQUAL(got.delay_ns, 15 * NS_PER_MS);
    CU_ASSERT_EQUAL(got.jitter_ns, 3);
    CU_ASSERT_EQUAL(got.loss_ppm, 750250); /* 1 - 0.999 * 0.5 * 0.5 */
    CU_ASSERT_EQUAL(got.rate_bps, 4000000);
    CU_ASSERT_EQUAL(got.duplicate_ppm, 10);
    CU_ASSERT_EQUAL(got.reorder_ppm, 20);
    CU_ASSERT_EQUAL(got.corrupt_ppm, 30);
    CU_ASSERT_FALSE(got.cut);
    CU_ASSERT_EQUAL(fabric_lift(fabric, 1, NULL), 0);
    CU_ASSERT_EQUAL(lab->paths[2].delay_ns, 5 * NS_PER_MS);
    CU_ASSERT_EQUAL(lab->paths[2].rate_bps, 8000000); /* the baseline is narrower than the layer */
    CU_ASSERT_EQUAL(fabric_lift(fabric, 2, NULL), 0);
    CU_ASSERT_TRUE(at_baseline());
    clear_stage();
}

static void a_layer_is_replaced_not_added(void)
{
    set_stage();
    struct path_state w = {.delay_ns = 7};
    fabric_lay(fabric, 1, 4, &w, NULL);
    w.delay_ns = 9;
    fabric_lay(fabric, 1, 4, &w, NULL);
    CU_ASSERT_EQUAL(lab->paths[4].delay_ns, 9);
    clear_stage();
}

static void one_cut_does_not_heal_another(void)
{
    set_stage();
    const struct path_state cut = {.cut = true};
    fabric_lay(fabric, 1, 0, &cut, NULL);
    fabric_lay(fabric, 2, 0, &cut, NULL);
    fabric_lay(fabric, 2, 1, &cut, NULL);
    fabric_lift(fabric, 2, NULL);
    CU_ASSERT_TRUE(lab->paths[0].cut);
    CU_ASSERT_FALSE(lab->paths[1].cut);
    fabric_lift(fabric, 2, NULL);
    fabric_lift(fabric, 7, NULL);
    CU_ASSERT_TRUE(lab->paths[0].cut);
    fabric_lift(fabric, 1, NULL);
    CU_ASSERT_TRUE(at_baseline());
    clear_stage();
}

static void a_failed_lift_can_be_repeated(void)
{
    set_stage();
    const struct path_state cut = {.cut = true};
    struct err e = {0};
    fabric_lay(fabric, 1, 0, &cut, NULL);
    fabric_lay(fabric, 1, 1, &cut, NULL);
    lab->fail_after = 0;
    CU_ASSERT_EQUAL(fabric_lift(fabric, 1, &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_RUN);
    CU_ASSERT_TRUE(lab->paths[0].cut);
    CU_ASSERT_FALSE(lab->paths[1].cut); /* the rest was healed all the same */
    CU_ASSERT_EQUAL(fabric_lift(fabric, 1, NULL), 0);
    CU_ASSERT_TRUE(at_baseline());
    clear_stage();
}

static void nonsense_is_refused(void)
{
    set_stage();
    struct err e = {0};
    const struct path_state cut = {.cut = true};
    CU_ASSERT_EQUAL(fabric_lay(fabric, 1, FAKE_PATHS, &cut, &e), -1);
    CU_ASSERT_EQUAL(fabric_hold(fabric, 1, FAKE_NODES, HOLD_DOWN, NULL), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_DEFECT);
    clear_stage();
}

static void holds_are_counted(void)
{
    set_stage();
    fabric_hold(fabric, 1, 0, HOLD_DOWN, NULL);
    fabric_hold(fabric, 2, 0, HOLD_DOWN, NULL);
    CU_ASSERT_EQUAL(fabric_release(fabric, 1, NULL), 0);
    CU_ASSERT_EQUAL(lab->nodes[0].state, NODE_DOWN);
    CU_ASSERT_EQUAL(fabric_held(fabric, 0), HOLD_DOWN);
    fabric_release(fabric, 2, NULL);
    fabric_release(fabric, 2, NULL);
    CU_ASSERT_EQUAL(lab->nodes[0].state, NODE_UP);
    CU_ASSERT_EQUAL(lab->nodes[0].starts, 1);
    CU_ASSERT_EQUAL(lab->nodes[0].fresh_starts, 0);
    CU_ASSERT_TRUE(at_baseline());
    clear_stage();
}

static void a_backup_is_recalled_once(void)
{
    set_stage();
    fabric_hold(fabric, 1, 0, HOLD_NO_BACKUPS, NULL);
    fabric_hold(fabric, 1, 0, HOLD_NO_DISK, NULL);
    fabric_hold(fabric, 1, 0, HOLD_DOWN, NULL);
    fabric_recall(fabric, 0);
    fabric_release(fabric, 1, NULL);
    CU_ASSERT_EQUAL(lab->nodes[0].started, LAB_START_FRESH | LAB_START_NO_BACKUPS | LAB_START_RESTORE);
    fabric_hold(fabric, 2, 0, HOLD_DOWN, NULL);
    fabric_release(fabric, 2, NULL);
    CU_ASSERT_EQUAL(lab->nodes[0].starts, 2);
    CU_ASSERT_EQUAL(lab->nodes[0].started, 0);
    clear_stage();
}

static void a_lost_disk_stays_lost(void)
{
    set_stage();
    fabric_hold(fabric, 1, 0, HOLD_DOWN, NULL);
    fabric_hold(fabric, 2, 0, HOLD_NO_DISK, NULL);
    fabric_hold(fabric, 2, 0, HOLD_DOWN, NULL);
    fabric_release(fabric, 2, NULL);
    CU_ASSERT_EQUAL(lab->nodes[0].starts, 0);
    fabric_release(fabric, 1, NULL);
    CU_ASSERT_EQUAL(lab->nodes[0].fresh_starts, 1);
    fabric_hold(fabric, 3, 0, HOLD_DOWN, NULL);
    fabric_release(fabric, 3, NULL);
    CU_ASSERT_EQUAL(lab->nodes[0].starts, 2);
    CU_ASSERT_EQUAL(lab->nodes[0].fresh_starts, 1);
    clear_stage();
}

static void who_is_held_frozen_starts_frozen(void)
{
    set_stage();
    fabric_hold(fabric, 1, 0, HOLD_FROZEN, NULL);
    fabric_hold(fabric, 2, 0, HOLD_DOWN, NULL);
    fabric_release(fabric, 2, NULL);
    CU_ASSERT_EQUAL(lab->nodes[0].state, NODE_FROZEN);
    fabric_release(fabric, 1, NULL);
    CU_ASSERT_TRUE(at_baseline());
    fabric_hold(fabric, 1, 0, HOLD_FROZEN, NULL);
    fabric_hold(fabric, 2, 0, HOLD_DOWN, NULL);
    fabric_release(fabric, 1, NULL);
    CU_ASSERT_EQUAL(lab->nodes[0].state, NODE_DOWN);
    fabric_release(fabric, 2, NULL);
    CU_ASSERT_TRUE(at_baseline());
    clear_stage();
}

static void a_failed_start_can_be_repeated(void)
{
    set_stage();
    fabric_hold(fabric, 1, 0, HOLD_UNPLUGGED, NULL);
    fabric_hold(fabric, 1, 0, HOLD_DOWN, NULL);
    lab->fail_after = 1;
    CU_ASSERT_EQUAL(fabric_release(fabric, 1, NULL), -1);
    CU_ASSERT_FALSE(lab->nodes[0].unplugged);
    CU_ASSERT_EQUAL(lab->nodes[0].state, NODE_DOWN);
    CU_ASSERT_EQUAL(fabric_release(fabric, 1, NULL), 0);
    CU_ASSERT_TRUE(at_baseline());
    clear_stage();
}

enum { FAULTS = 6 };

static struct path_state some_wish(struct rng *r)
{
    return (struct path_state){.cut = rng_below(r, 3) == 0,
                               .delay_ns = (int64_t)rng_below(r, 1000000),
                               .loss_ppm = (int64_t)rng_below(r, 1000001),
                               .corrupt_ppm = (int64_t)rng_below(r, 1000001),
                               .rate_bps = (int64_t)rng_below(r, 3) * 1000000};
}

static void lay_all(struct rng *r, const uint16_t order[FAULTS])
{
    static const enum node_hold kinds[] = {HOLD_DOWN, HOLD_FROZEN, HOLD_UNPLUGGED, HOLD_NO_DISK};
    for (int i = 0; i < FAULTS; i++) {
        struct rng own = *r; /* what a fault wants depends on the fault, not on when it comes */
        for (uint16_t k = 0; k <= order[i]; k++) {
            rng_next(&own);
        }
        for (int k = 0; k < 3; k++) {
            struct path_state w = some_wish(&own);
            fabric_lay(fabric, order[i], (uint16_t)rng_below(&own, FAKE_PATHS), &w, NULL);
            fabric_hold(fabric, order[i], (uint16_t)rng_below(&own, 6), kinds[rng_below(&own, 4)], NULL);
        }
    }
}

static void shuffle(struct rng *r, uint16_t order[FAULTS])
{
    for (uint16_t i = 0; i < FAULTS; i++) {
        order[i] = (uint16_t)(i + 1);
    }
    for (uint64_t i = FAULTS - 1; i > 0; i--) {
        uint64_t k = rng_below(r, i + 1);
        uint16_t t = order[i];
        order[i] = order[k];
        order[k] = t;
    }
}

/* Whatever the order of faults and heals: equal sets of open faults give equal
 * worlds, and none open gives the baseline. */
static void order_does_not_matter(void)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct rng r, wishes;
        struct path_state seen[FAKE_PATHS] = {0};
        rng_init(&r, seed, "order");
        rng_init(&wishes, seed, "wishes");
        uint16_t order[FAULTS], heals[FAULTS], turned[FAULTS];
        shuffle(&r, heals);
        for (int round = 0; round < 2; round++) {
            set_stage();
            shuffle(&r, order);
            lay_all(&wishes, order);
            memcpy(turned, heals, sizeof(turned));
            if (round == 1) { /* the same four are healed, in another order */
                turned[0] = heals[3];
                turned[3] = heals[0];
            }
            for (int i = 0; i < 4; i++) {
                CU_ASSERT_EQUAL(fabric_lift(fabric, turned[i], NULL) | fabric_release(fabric, turned[i], NULL), 0);
            }
            for (int p = 0; p < FAKE_PATHS; p++) {
                CU_ASSERT_TRUE(round == 0 || same(&seen[p], &lab->paths[p]));
            }
            memcpy(seen, lab->paths, sizeof(seen));
            for (int i = 4; i < FAULTS; i++) {
                CU_ASSERT_EQUAL(fabric_release(fabric, heals[i], NULL) | fabric_lift(fabric, heals[i], NULL), 0);
            }
            CU_ASSERT_TRUE(at_baseline());
            clear_stage();
        }
    }
}

void suite_fabric(void)
{
    runner_suite(NULL, NULL);
    runner_test(layers_merge);
    runner_test(a_layer_is_replaced_not_added);
    runner_test(one_cut_does_not_heal_another);
    runner_test(a_failed_lift_can_be_repeated);
    runner_test(nonsense_is_refused);
    runner_test(holds_are_counted);
    runner_test(a_backup_is_recalled_once);
    runner_test(a_lost_disk_stays_lost);
    runner_test(who_is_held_frozen_starts_frozen);
    runner_test(a_failed_start_can_be_repeated);
    runner_test(order_does_not_matter);
}
