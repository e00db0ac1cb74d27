/* SPDX-License-Identifier: MIT */
/*
 * What the wire decides, against what the words mean: counts of 10,000 packets inside the exact 99.99 % binomial
 * interval, spells against their chain, draws against their quantiles, and the same dice again under the same seed.
 */
#include "harness/base/units.h"
#include "harness/lab/wire_shape.h"
#include "injectors/binomial.h"
#include "tests/unit/runner.h"

#include <math.h>
#include <string.h>

#define CONFIDENCE 0.9999
#define PLENTY 1000000
enum { PACKETS = 10000, LENGTH = 114 };

static struct wire_shaper shaper_of(struct path_state shape, uint64_t seed)
{
    struct wire_shaper s;
    wire_shaper_init(&s, seed, 3, 0);
    wire_shaper_set(&s, &shape);
    return s;
}

static struct wire_fate decide(struct wire_shaper *s, int64_t at_ns)
{
    return wire_shaper_decide(s, at_ns, LENGTH, PLENTY);
}

static bool plausible(int k, int n, double p)
{
    return binomial_plausible((uint64_t)k, (uint64_t)n, p, CONFIDENCE);
}

static void a_perfect_wire(void)
{
    struct wire_shaper s = shaper_of((struct path_state){0}, 1);
    for (int i = 0; i < 1000; i++) {
        struct wire_fate f = decide(&s, i);
        CU_ASSERT(f.copies == 1 && !f.lost && !f.duplicated && f.turned_away == 0);
        CU_ASSERT(f.copy[0].due_ns == i && !f.copy[0].corrupt && !f.copy[0].early);
    }
}

static void shares_are_what_was_asked_for(void)
{
    struct wire_shaper s = shaper_of((struct path_state){.loss_ppm = 20000,
                                                         .duplicate_ppm = 50000,
                                                         .corrupt_ppm = 100000,
                                                         .delay_ns = 50 * NS_PER_MS,
                                                         .reorder_ppm = 250000},
                                     20260101);
    unsigned lost = 0, twice = 0;
    int corrupt = 0, early = 0, first_copies = 0;
    for (int i = 0; i < PACKETS; i++) {
        struct wire_fate f = decide(&s, i * NS_PER_MS);
        lost += f.lost;
        twice += f.duplicated;
        CU_ASSERT_EQUAL(f.copies, 1u + f.duplicated - f.lost);
        if (f.copies > 0) {
            first_copies++;
            corrupt += f.copy[0].corrupt;
            early += f.copy[0].early;
            CU_ASSERT_EQUAL(f.copy[0].due_ns, i * NS_PER_MS + (f.copy[0].early ? 0 : 50 * NS_PER_MS));
        }
    }
    CU_ASSERT_TRUE(plausible((int)lost, PACKETS, 0.02));
    CU_ASSERT_TRUE(plausible((int)twice, PACKETS, 0.05));
    CU_ASSERT_TRUE(plausible(corrupt, first_copies, 0.1));
    CU_ASSERT_TRUE(plausible(early, first_copies, 0.25));
}

static void all_or_nothing(void)
{
    struct wire_shaper s = shaper_of((struct path_state){.loss_ppm = 1000000}, 1);
    for (int i = 0; i < 1000; i++) {
        CU_ASSERT_EQUAL(decide(&s, i).copies, 0);
    }
    s = shaper_of((struct path_state){.duplicate_ppm = 1000000, .corrupt_ppm = 1000000}, 1);
    for (int i = 0; i < 1000; i++) {
        struct wire_fate f = decide(&s, i);
        CU_ASSERT(f.copies == 2 && f.copy[0].corrupt && f.copy[1].corrupt);
    }
}

/* Each meeting with a state is a trial of its own: how often it changes there is binomial, exactly. */
static void spells_follow_their_chain(void)
{
    const struct path_state shape = {.loss_ppm = 50000, .burst_milli = 5000, .burst_loss_ppm = 1000000};
    struct shape_chain chain;
    CU_ASSERT_TRUE_FATAL(shape_chain(&shape, &chain));
    struct wire_shaper s = shaper_of(shape, 77);
    int calm = 0, begun = 0, spell = 0, ended = 0;
    for (int i = 0; calm < PACKETS || spell < PACKETS; i++) {
        bool met = s.spell, lost = decide(&s, i).lost;
        CU_ASSERT_EQUAL(lost, met); /* all within, none between */
        if (met && spell < PACKETS) {
            spell++;
            ended += !s.spell;
        } else if (!met && calm < PACKETS) {
            calm++;
            begun += s.spell;
        }
    }
    CU_ASSERT_TRUE(plausible(begun, calm, chain.begin));
    CU_ASSERT_TRUE(plausible(ended, spell, chain.end));
    CU_ASSERT_DOUBLE_EQUAL(chain.end, 0.2, 1e-9); /* five packets long */
    CU_ASSERT_DOUBLE_EQUAL(chain.begin / (chain.begin + chain.end), 0.05, 1e-9);
}

/* Partial loss within, some between: the stationary share, within 3.9 deviations of a two-state chain's mean. */
static void the_share_of_bursts_is_stationary(void)
{
    const struct path_state shape = {
        .loss_ppm = 100000, .burst_milli = 20000, .burst_loss_ppm = 600000, .calm_loss_ppm = 10000};
    struct shape_chain c;
    CU_ASSERT_TRUE_FATAL(shape_chain(&shape, &c));
    struct wire_shaper s = shaper_of(shape, 5);
    const int n = 400000;
    unsigned lost = 0;
    for (int i = 0; i < n; i++) {
        lost += decide(&s, i).lost;
    }
    double pi = c.begin / (c.begin + c.end), memory = 1 - c.begin - c.end, gap = c.within - c.calm;
    double variance = 0.1 * 0.9 + 2 * gap * gap * pi * (1 - pi) * memory / (1 - memory);
    CU_ASSERT_DOUBLE_EQUAL((double)lost / n, 0.1, 3.9 * sqrt(variance / n));
}

static void a_new_shape_ends_a_spell(void)
{
    struct wire_shaper s =
        shaper_of((struct path_state){.loss_ppm = 500000, .burst_milli = 1000000, .burst_loss_ppm = 1000000}, 9);
    for (int i = 0; i < 100000 && !s.spell; i++) {
        decide(&s, i);
    }
    CU_ASSERT_TRUE(s.spell);
    wire_shaper_set(&s, &(struct path_state){0});
    for (int i = 0; i < 1000; i++) {
        CU_ASSERT_FALSE(decide(&s, i).lost);
    }
}

/* Of each spread: how many draws lie below each tenth of its quantiles. */
static void jitter_is_spread_as_asked(void)
{
    static const enum path_spread spreads[] = {SPREAD_UNIFORM, SPREAD_NORMAL, SPREAD_PARETO};
    for (size_t k = 0; k < 3; k++) {
        const struct path_state shape = {.delay_ns = 100 * NS_PER_MS, .jitter_ns = 5 * NS_PER_MS, .spread = spreads[k]};
        struct wire_shaper s = shaper_of(shape, 11 + k);
        int below[10] = {0};
        for (int i = 0; i < PACKETS; i++) {
            double at = (double)(decide(&s, 0).copy[0].due_ns - shape.delay_ns) / (double)shape.jitter_ns;
            for (int q = 1; q < 10; q++) {
                below[q] += at <= shape_spread(shape.spread, q / 10.0);
            }
        }
        for (int q = 1; q < 10; q++) {
            CU_ASSERT_TRUE(plausible(below[q], PACKETS, q / 10.0));
        }
    }
}

static void jitter_never_hurries_the_clock(void)
{
    struct wire_shaper s = shaper_of((struct path_state){.delay_ns = NS_PER_MS, .jitter_ns = 10 * NS_PER_MS}, 4);
    for (int i = 0; i < 1000; i++) {
        CU_ASSERT_TRUE(decide(&s, 5).copy[0].due_ns >= 5);
    }
}

static double lag_one(struct path_state shape)
{
    struct wire_shaper s = shaper_of(shape, 21);
    double sum = 0, squares = 0, products = 0, before = 0;
    for (int i = 0; i < PACKETS; i++) {
        double x = (double)(decide(&s, 0).copy[0].due_ns - shape.delay_ns);
        sum += x;
        squares += x * x;
        products += i > 0 ? x * before : 0;
        before = x;
    }
    double mean = sum / PACKETS;
    return (products / PACKETS - mean * mean) / (squares / PACKETS - mean * mean);
}

static void jitter_leans_on_the_draw_before(void)
{
    struct path_state shape = {.delay_ns = NS_PER_S, .jitter_ns = NS_PER_MS};
    CU_ASSERT_DOUBLE_EQUAL(lag_one(shape), 0, 0.04);
    shape.jitter_correlation_ppm = 500000;
    CU_ASSERT_DOUBLE_EQUAL(lag_one(shape), 0.5, 0.04);
}

static void a_gap_lies_between_overtakers(void)
{
    struct wire_shaper s =
        shaper_of((struct path_state){.delay_ns = NS_PER_MS, .reorder_ppm = 1000000, .reorder_gap = 5}, 1);
    for (int i = 1; i <= 100; i++) {
        CU_ASSERT_EQUAL(decide(&s, i).copy[0].early, i % 5 == 0);
    }
}

/* A narrow place: one after the other, each as long as its bytes take, and in order whatever the jitter. */
static void a_rate_spaces_packets(void)
{
    struct wire_shaper s = shaper_of((struct path_state){.rate_bps = 912000, .delay_ns = 10 * NS_PER_MS}, 1);
    for (int i = 1; i <= 100; i++) {
        CU_ASSERT_EQUAL(decide(&s, 0).copy[0].due_ns, i * NS_PER_MS + 10 * NS_PER_MS); /* 912 bits each */
    }
    CU_ASSERT_EQUAL(decide(&s, NS_PER_S).copy[0].due_ns, NS_PER_S + 11 * NS_PER_MS); /* idle meanwhile */
    s = shaper_of((struct path_state){.rate_bps = 912000, .delay_ns = 10 * NS_PER_MS, .jitter_ns = 9 * NS_PER_MS}, 1);
    int64_t before = 0;
    for (int i = 1; i <= 1000; i++) {
        int64_t due = decide(&s, i * 2 * NS_PER_MS).copy[0].due_ns;
        CU_ASSERT_TRUE(due >= before);
        before = due;
    }
}

static void no_room_takes_no_time(void)
{
    struct wire_shaper s = shaper_of((struct path_state){.rate_bps = 912000, .duplicate_ppm = 1000000}, 1);
    for (int i = 0; i < 100; i++) {
        struct wire_fate f = wire_shaper_decide(&s, 0, LENGTH, 0);
        CU_ASSERT(f.copies == 0 && f.turned_away == 2);
    }
    struct wire_fate f = wire_shaper_decide(&s, 0, LENGTH, 1);
    CU_ASSERT(f.copies == 1 && f.turned_away == 1 && f.copy[0].due_ns == NS_PER_MS);
}

static void long_packets_vanish(void)
{
    struct wire_shaper s = shaper_of((struct path_state){.mtu_bytes = 1000, .duplicate_ppm = 1000000}, 1);
    CU_ASSERT_EQUAL(wire_shaper_decide(&s, 0, 1014, PLENTY).copies, 2);
    struct wire_fate f = wire_shaper_decide(&s, 0, 1015, PLENTY);
    CU_ASSERT(f.copies == 0 && f.lost && f.turned_away == 0);
}

/* The same seed and packets: the same fates. Another seed or path: others. A
 * shape that comes and goes moves no dice. */
static void a_stall_gives_no_instant(void)
{
    struct wire_shaper s =
        shaper_of((struct path_state){.stalled = true, .delay_ns = NS_PER_MS, .loss_ppm = 500000}, 1);
    unsigned lost = 0;
    for (int i = 0; i < PACKETS; i++) {
        struct wire_fate f = decide(&s, i);
        lost += f.lost;
        CU_ASSERT(f.lost ? f.copies == 0 : f.copies == 1 && f.copy[0].due_ns == INT64_MAX);
    }
    CU_ASSERT_TRUE(plausible((int)lost, PACKETS, 0.5)); /* what else a path does goes on */
}

static void first_packets_of_connections(void)
{
    unsigned char frame[54] = {[12] = 8, [14] = 0x45, [23] = 6, [47] = 0x02};
    CU_ASSERT_TRUE(wire_opens_connection(frame, sizeof(frame)));
    frame[47] = 0x12; /* the answer */
    CU_ASSERT_FALSE(wire_opens_connection(frame, sizeof(frame)));
    frame[47] = 0xc2; /* SYN with the flags of congestion control */
    CU_ASSERT_TRUE(wire_opens_connection(frame, sizeof(frame)));
    frame[20] = 0x20; /* a first fragment, and a later one */
    CU_ASSERT_TRUE(wire_opens_connection(frame, sizeof(frame)));
    frame[21] = 1;
    CU_ASSERT_FALSE(wire_opens_connection(frame, sizeof(frame)));
    frame[21] = 0;
    frame[14] = 0x4f; /* options: the flags would stand behind the end */
    CU_ASSERT_FALSE(wire_opens_connection(frame, sizeof(frame)));
    frame[14] = 0x45;
    for (size_t len = 0; len <= 47; len++) {
        CU_ASSERT_FALSE(wire_opens_connection(frame, len));
    }
    frame[23] = 17;
    CU_ASSERT_FALSE(wire_opens_connection(frame, sizeof(frame)));
}

static void ports_of_frames(void)
{
    unsigned char frame[54] = {[12] = 8, [14] = 0x45, [23] = 6, [34] = 0x1b, [35] = 0x59, [36] = 0x1f, [37] = 0x90};
    for (int protocol = 0; protocol < 256; protocol++) {
        frame[23] = (unsigned char)protocol;
        bool speaks = protocol == 6 || protocol == 17;
        CU_ASSERT_EQUAL(wire_is_of_port(frame, sizeof(frame), 7001), speaks);
        CU_ASSERT_EQUAL(wire_is_of_port(frame, sizeof(frame), 8080), speaks);
        CU_ASSERT_FALSE(wire_is_of_port(frame, sizeof(frame), 7002));
    }
    frame[23] = 6;
    for (size_t len = 0; len < 38; len++) {
        CU_ASSERT_FALSE(wire_is_of_port(frame, len, 7001));
    }
    frame[21] = 1; /* a later fragment */
    CU_ASSERT_FALSE(wire_is_of_port(frame, sizeof(frame), 7001));
}

static void the_same_seed_again(void)
{
    const struct path_state shape = {.loss_ppm = 300000, .duplicate_ppm = 200000, .corrupt_ppm = 100000,
                                     .delay_ns = NS_PER_MS, .jitter_ns = NS_PER_MS / 2};
    struct wire_shaper a = shaper_of(shape, 7), b = shaper_of(shape, 7), c = shaper_of(shape, 8),
                       d = shaper_of(shape, 7);
    struct wire_shaper path;
    wire_shaper_init(&path, 7, 4, 0);
    wire_shaper_set(&path, &shape);
    int differ = 0, paths_differ = 0;
    for (int i = 0; i < 1000; i++) {
        struct wire_fate one = decide(&a, i), two = decide(&b, i);
        CU_ASSERT(one.copies == two.copies && one.lost == two.lost && one.copy[0].due_ns == two.copy[0].due_ns);
        CU_ASSERT(one.copy[0].bit == two.copy[0].bit && one.copy[1].due_ns == two.copy[1].due_ns);
        differ += one.lost != decide(&c, i).lost;
        paths_differ += one.lost != decide(&path, i).lost;
        wire_shaper_set(&d, i % 2 ? &shape : &(struct path_state){0});
        bool lost = decide(&d, i).lost;
        CU_ASSERT_TRUE(i % 2 ? lost == one.lost : !lost);
    }
    CU_ASSERT(differ > 100 && paths_differ > 100);
}

void suite_wire_shape(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_perfect_wire);
    runner_test(shares_are_what_was_asked_for);
    runner_test(all_or_nothing);
    runner_test(spells_follow_their_chain);
    runner_test(the_share_of_bursts_is_stationary);
    runner_test(a_new_shape_ends_a_spell);
    runner_test(jitter_is_spread_as_asked);
    runner_test(jitter_never_hurries_the_clock);
    runner_test(jitter_leans_on_the_draw_before);
    runner_test(a_gap_lies_between_overtakers);
    runner_test(a_rate_spaces_packets);
    runner_test(no_room_takes_no_time);
    runner_test(long_packets_vanish);
    runner_test(first_packets_of_connections);
    runner_test(a_stall_gives_no_instant);
    runner_test(ports_of_frames);
    runner_test(the_same_seed_again);
}
