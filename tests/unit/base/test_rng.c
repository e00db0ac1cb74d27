/* SPDX-License-Identifier: MIT */
#include "harness/base/rng.h"

#include "tests/unit/runner.h"

#include <stdbool.h>

/* Computed by a second implementation in another language from the published algorithms. */
static void known_numbers(void)
{
    static const struct {
        uint64_t seed;
        const char *consumer;
        uint64_t first[4];
    } cases[] = {
        {0,
         "",
         {UINT64_C(0x9cc5e2b30f63150f), UINT64_C(0x4bcf292d5345cc28), UINT64_C(0x938e6d2e08481093),
          UINT64_C(0x18a03536ae5690ec)}},
        {42,
         "pacer/clients-us-east/writes",
         {UINT64_C(0xfe199e074cb3bed2), UINT64_C(0xe07a9a068b564d0f), UINT64_C(0x47250df601cec9b4),
          UINT64_C(0x491d83878e15b1d7)}},
        {43,
         "pacer/clients-us-east/writes",
         {UINT64_C(0x281c8ba4a19d4d68), UINT64_C(0x3146e131ee68d4ed), UINT64_C(0xaa129206ff7cb3f7),
          UINT64_C(0x7b2b5c3a13f56897)}},
        {42,
         "sim",
         {UINT64_C(0xdba9a8b8891d7aa8), UINT64_C(0xcbe6f2dd4e1b99e2), UINT64_C(0xea68148077eed719),
          UINT64_C(0x8ceee54a578692cb)}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rng r;
        rng_init(&r, cases[i].seed, cases[i].consumer);
        for (int k = 0; k < 4; k++) {
            CU_ASSERT_EQUAL(rng_next(&r), cases[i].first[k]);
        }
    }
}

static void streams_are_independent_of_each_other(void)
{
    struct rng a, b, again;
    rng_init(&a, 7, "a");
    rng_init(&b, 7, "b");
    rng_init(&again, 7, "a");
    bool same = true, shared = false;
    for (int i = 0; i < 100; i++) {
        uint64_t x = rng_next(&a);
        shared |= x == rng_next(&b);
        same &= x == rng_next(&again);
    }
    CU_ASSERT(same);
    CU_ASSERT_FALSE(shared);
}

static void below_stays_below_and_reaches_all(void)
{
    struct rng r;
    rng_init(&r, 1, "below");
    unsigned seen[7] = {0};
    for (int i = 0; i < 70000; i++) {
        uint64_t x = rng_below(&r, 7);
        CU_ASSERT_FATAL(x < 7);
        seen[x]++;
    }
    for (int i = 0; i < 7; i++) {
        CU_ASSERT(seen[i] > 9500 && seen[i] < 10500); /* five standard deviations of 93 */
    }
    CU_ASSERT_EQUAL(rng_below(&r, 0), 0);
    CU_ASSERT_EQUAL(rng_below(&r, 1), 0);
    bool upper_half = false;
    for (int i = 0; i < 100; i++) {
        uint64_t n = (UINT64_C(1) << 63) + 1; /* the worst case for the rejection */
        uint64_t x = rng_below(&r, n);
        CU_ASSERT(x < n);
        upper_half |= x > n / 2;
    }
    CU_ASSERT(upper_half);
}

static void unit_is_uniform(void)
{
    struct rng r;
    rng_init(&r, 1, "unit");
    double sum = 0;
    for (int i = 0; i < 100000; i++) {
        double x = rng_unit(&r);
        CU_ASSERT_FATAL(x >= 0 && x < 1);
        sum += x;
    }
    CU_ASSERT_DOUBLE_EQUAL(sum / 100000, 0.5, 0.005);
}

static void fresh_seeds_fit_into_a_double(void)
{
    uint64_t a = rng_entropy_seed(), b = rng_entropy_seed();
    CU_ASSERT(a < UINT64_C(1) << 53 && b < UINT64_C(1) << 53);
    CU_ASSERT_NOT_EQUAL(a, b);
}

void suite_rng(void)
{
    runner_suite(NULL, NULL);
    runner_test(known_numbers);
    runner_test(streams_are_independent_of_each_other);
    runner_test(below_stays_below_and_reaches_all);
    runner_test(unit_is_uniform);
    runner_test(fresh_seeds_fit_into_a_double);
}
