/* SPDX-License-Identifier: MIT */
#include "harness/base/rng.h"
#include "harness/base/units.h"
#include "harness/lab/shape.h"
#include "tests/unit/runner.h"

#include <math.h>
#include <stdint.h>

static struct path_state merged(const struct path_state *wishes, size_t n)
{
    struct shape_sum sum = {0};
    for (size_t i = 0; i < n; i++) {
        shape_add(&sum, &wishes[i]);
    }
    return shape_total(&sum);
}

static void nothing_is_a_perfect_wire(void)
{
    const struct path_state none[2] = {{0}, {0}};
    struct path_state got = merged(none, 2);
    CU_ASSERT_TRUE(shape_same(&got, &none[0]));
    CU_ASSERT_EQUAL(got.reorder_gap, 0);
    struct shape_chain chain;
    CU_ASSERT_FALSE(shape_chain(&got, &chain));
}

static void bounds_are_the_narrowest(void)
{
    const struct path_state w[3] = {{.rate_bps = 8000000, .limit_packets = 50},
                                    {.rate_bps = 4000000, .mtu_bytes = 1400},
                                    {.limit_packets = 20, .mtu_bytes = 1000}};
    struct path_state got = merged(w, 3);
    CU_ASSERT(got.rate_bps == 4000000 && got.limit_packets == 20 && got.mtu_bytes == 1000);
}

static void the_widest_jitter_lends_its_spread(void)
{
    const struct path_state w[3] = {{.jitter_ns = 5, .spread = SPREAD_NORMAL},
                                    {.jitter_ns = 9, .spread = SPREAD_PARETO, .jitter_correlation_ppm = 250000},
                                    {.jitter_ns = 9, .spread = SPREAD_UNIFORM}};
    struct path_state got = merged(w, 3);
    CU_ASSERT(got.jitter_ns == 23 && got.spread == SPREAD_PARETO && got.jitter_correlation_ppm == 250000);
}

static void reordering_takes_the_smallest_gap(void)
{
    const struct path_state w[3] = {{.reorder_gap = 2},
                                    {.reorder_ppm = 500000, .reorder_gap = 5},
                                    {.reorder_ppm = 500000, .reorder_gap = 9}};
    struct path_state got = merged(w, 3);
    CU_ASSERT(got.reorder_ppm == 750000 && got.reorder_gap == 5);
    const struct path_state one = {.reorder_ppm = 1}, also_one = {.reorder_ppm = 1, .reorder_gap = 1};
    CU_ASSERT_TRUE(shape_same(&one, &also_one));
}

/* Run the chain as the header describes it: lost packets, and the mean length
 * of the runs of packets that met a spell. */
static double play(const struct shape_chain *c, int packets, double *spell)
{
    struct rng rng;
    rng_init(&rng, 7, "chain");
    bool lossy = false;
    int lost = 0, met = 0, spells = 0;
    for (int i = 0; i < packets; i++) {
        bool now = lossy;
        lossy = rng_unit(&rng) < (now ? c->end : c->begin) ? !now : now;
        met += now;
        spells += now && !lossy;
        lost += rng_unit(&rng) < (now ? c->within : c->calm);
    }
    *spell = spells > 0 ? (double)met / spells : 0;
    return (double)lost / packets;
}

static void a_chain_carries_its_loss(void)
{
    const struct path_state cases[] = {
        {.loss_ppm = 50000, .burst_milli = 5000, .burst_loss_ppm = PPM},
        {.loss_ppm = 286000, .burst_milli = 2000, .burst_loss_ppm = PPM},
        {.loss_ppm = 100000, .burst_milli = 20000, .burst_loss_ppm = 800000, .calm_loss_ppm = 10000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct shape_chain chain;
        double spell;
        CU_ASSERT_TRUE_FATAL(shape_chain(&cases[i], &chain));
        double lost = play(&chain, 2000000, &spell), wanted = (double)cases[i].loss_ppm / 1e6;
        CU_ASSERT(fabs(lost - wanted) < 0.02 * wanted);
        CU_ASSERT(fabs(spell - (double)cases[i].burst_milli / 1e3) < 0.02 * spell);
    }
}

/* What mechanisms keep is a 32-bit share: it must come back as what was asked, digit by digit. */
static void a_chain_survives_the_kernel(void)
{
    struct rng rng;
    rng_init(&rng, 1, "chains");
    for (int i = 0; i < 10000; i++) {
        struct path_state asked = {.burst_milli = 1000 + (int64_t)rng_below(&rng, 999001),
                                   .burst_loss_ppm = 10000 + (int64_t)rng_below(&rng, 990001)};
        asked.calm_loss_ppm = (int64_t)rng_below(&rng, (uint64_t)asked.burst_loss_ppm / 2);
        uint64_t room = (uint64_t)(asked.burst_loss_ppm - asked.calm_loss_ppm) / 2;
        asked.loss_ppm = asked.calm_loss_ppm + (int64_t)rng_below(&rng, room);
        struct shape_chain chain;
        CU_ASSERT_TRUE_FATAL(shape_chain(&asked, &chain));
        double *shares[] = {&chain.begin, &chain.end, &chain.within, &chain.calm};
        for (size_t k = 0; k < 4; k++) {
            *shares[k] = (double)(uint32_t)llround(*shares[k] * UINT32_MAX) / UINT32_MAX;
        }
        struct path_state got = {0};
        shape_from_chain(&got, &chain);
        CU_ASSERT_TRUE(shape_same(&asked, &got));
    }
}

static void plain_loss_joins_a_burst_exactly(void)
{
    const struct path_state w[3] = {{.loss_ppm = 10000},
                                    {.loss_ppm = 100000, .burst_milli = 4000, .burst_loss_ppm = 900000},
                                    {.loss_ppm = 20000}};
    struct path_state got = merged(w, 3);
    struct shape_chain alone, both;
    CU_ASSERT_TRUE_FATAL(shape_chain(&w[1], &alone) && shape_chain(&got, &both));
    CU_ASSERT(got.burst_milli == 4000 && fabs(both.begin - alone.begin) < 2e-6);
    CU_ASSERT_EQUAL(got.loss_ppm, 126820);      /* 1 - 0.99 * 0.9 * 0.98 */
    CU_ASSERT_EQUAL(got.burst_loss_ppm, 902980); /* 1 - 0.99 * 0.1 * 0.98 */
    CU_ASSERT_EQUAL(got.calm_loss_ppm, 29800);
}

static void of_two_bursts_the_longer_stays(void)
{
    const struct path_state w[2] = {{.loss_ppm = 100000, .burst_milli = 4000, .burst_loss_ppm = PPM},
                                    {.loss_ppm = 200000, .burst_milli = 9000, .burst_loss_ppm = PPM}};
    const struct path_state swapped[2] = {w[1], w[0]};
    struct path_state got = merged(w, 2), other = merged(swapped, 2);
    CU_ASSERT(got.loss_ppm == 280000 && got.burst_milli == 9000 && got.calm_loss_ppm == 100000);
    CU_ASSERT_TRUE(shape_same(&got, &other));
}

static void a_correlation_is_a_burst(void)
{
    struct path_state s = {.loss_ppm = 200000, .burst_loss_ppm = PPM};
    s.burst_milli = shape_correlated_burst(s.loss_ppm, 250000);
    CU_ASSERT_EQUAL(s.burst_milli, 1667); /* 1 / (0.8 * 0.75) */
    struct shape_chain c;
    CU_ASSERT_TRUE_FATAL(shape_chain(&s, &c));
    CU_ASSERT(fabs(c.begin - 0.2 * 0.75) < 1e-4); /* a loss after none */
    CU_ASSERT_EQUAL(shape_correlated_burst(200000, 0), 1250); /* none: as independent as it gets */
}

static void what_no_spell_can_carry(void)
{
    struct path_state s = {.loss_ppm = 750000, .burst_loss_ppm = PPM};
    CU_ASSERT_EQUAL(shape_shortest_burst(&s), 3000);
    s.loss_ppm = 100000;
    CU_ASSERT_EQUAL(shape_shortest_burst(&s), 1000);
    s.burst_loss_ppm = 100000; /* it would never be calm */
    CU_ASSERT_EQUAL(shape_shortest_burst(&s), INT64_MAX);
    s.burst_loss_ppm = PPM;
    s.calm_loss_ppm = 100001; /* more between spells than in all */
    CU_ASSERT_EQUAL(shape_shortest_burst(&s), INT64_MAX);
}

/* The variance of many counts, against that of independent losses. */
static void lumps_are_as_large_as_they_look(void)
{
    const struct path_state s = {
        .loss_ppm = 100000, .burst_milli = 6000, .burst_loss_ppm = 900000, .calm_loss_ppm = 10000};
    struct shape_chain c;
    CU_ASSERT_TRUE_FATAL(shape_chain(&s, &c));
    enum { RUNS = 2000, LENGTH = 2000 };
    struct rng rng;
    rng_init(&rng, 3, "lumps");
    double sum = 0, squares = 0;
    bool lossy = false;
    for (int run = 0; run < RUNS; run++) {
        int lost = 0;
        for (int i = 0; i < LENGTH; i++) {
            lost += rng_unit(&rng) < (lossy ? c.within : c.calm);
            lossy = rng_unit(&rng) < (lossy ? c.end : c.begin) ? !lossy : lossy;
        }
        sum += lost;
        squares += (double)lost * lost;
    }
    double variance = squares / RUNS - sum / RUNS * (sum / RUNS), factor = variance / (LENGTH * 0.1 * 0.9);
    CU_ASSERT(fabs(shape_lumps(&s) / factor - 1) < 0.15);
    const struct path_state single = {.loss_ppm = 100000};
    CU_ASSERT_EQUAL(shape_lumps(&single), 1);
}

static void spreads_have_their_moments(void)
{
    const enum path_spread all[] = {SPREAD_UNIFORM, SPREAD_NORMAL, SPREAD_PARETO};
    const double deviation[] = {0.57735, 1, 0.736}, median[] = {0, 0, -0.25};
    enum { N = 10000 };
    for (size_t k = 0; k < 3; k++) {
        double sum = 0, squares = 0, before = -5;
        for (int i = 0; i < N; i++) {
            double x = shape_spread(all[k], (i + 0.5) / N);
            CU_ASSERT_TRUE(x >= before && x >= -4 && x <= 4);
            before = x;
            sum += x;
            squares += x * x;
        }
        CU_ASSERT(fabs(sum / N) < 0.003);
        CU_ASSERT(fabs(sqrt(squares / N) - deviation[k]) < 0.003);
        CU_ASSERT(fabs(shape_spread(all[k], 0.5) - median[k]) < 0.01);
    }
    CU_ASSERT(fabs(shape_spread(SPREAD_NORMAL, 0.975) - 1.959964) < 1e-5);
    CU_ASSERT(fabs(shape_spread(SPREAD_NORMAL, 0.001) + 3.090232) < 1e-5);
    CU_ASSERT(shape_spread(SPREAD_NORMAL, 1e-12) == -4);
}

static void a_cut_hides_loss(void)
{
    const struct path_state a = {.cut = true, .loss_ppm = 5}, b = {.cut = true, .burst_milli = 1000},
                            c = {.loss_ppm = 5};
    CU_ASSERT_TRUE(shape_same(&a, &b));
    CU_ASSERT_FALSE(shape_same(&a, &c));
}

void suite_shape(void)
{
    runner_suite(NULL, NULL);
    runner_test(nothing_is_a_perfect_wire);
    runner_test(bounds_are_the_narrowest);
    runner_test(the_widest_jitter_lends_its_spread);
    runner_test(reordering_takes_the_smallest_gap);
    runner_test(a_chain_carries_its_loss);
    runner_test(a_chain_survives_the_kernel);
    runner_test(plain_loss_joins_a_burst_exactly);
    runner_test(of_two_bursts_the_longer_stays);
    runner_test(a_correlation_is_a_burst);
    runner_test(what_no_spell_can_carry);
    runner_test(lumps_are_as_large_as_they_look);
    runner_test(spreads_have_their_moments);
    runner_test(a_cut_hides_loss);
}
