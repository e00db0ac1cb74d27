/* SPDX-License-Identifier: MIT */
#include "injectors/binomial.h"
#include "tests/unit/runner.h"

static void what_is_plausible(void)
{
    CU_ASSERT_TRUE(binomial_plausible(50, 100, 0.5, 0.99999));
    CU_ASSERT_TRUE(binomial_plausible(30, 100, 0.5, 0.99999)); /* P(X <= 30) = 3.9e-5 > 5e-6 */
    CU_ASSERT_FALSE(binomial_plausible(27, 100, 0.5, 0.99999)); /* 2.4e-6 */
    CU_ASSERT_FALSE(binomial_plausible(73, 100, 0.5, 0.99999));
    CU_ASSERT_FALSE(binomial_plausible(30, 100, 0.5, 0.99)); /* narrower, stricter */
    CU_ASSERT_TRUE(binomial_plausible(10, 500, 0.02, 0.99999));
    CU_ASSERT_FALSE(binomial_plausible(0, 1000, 0.02, 0.99999));
    CU_ASSERT_TRUE(binomial_plausible(0, 100, 0.02, 0.99999));
    CU_ASSERT_TRUE(binomial_plausible(1000, 50000, 0.02, 0.99999));
}

static void at_the_edges(void)
{
    CU_ASSERT_TRUE(binomial_plausible(0, 100, 0, 0.99999));
    CU_ASSERT_FALSE(binomial_plausible(1, 100, 0, 0.99999));
    CU_ASSERT_TRUE(binomial_plausible(100, 100, 1, 0.99999));
    CU_ASSERT_FALSE(binomial_plausible(99, 100, 1, 0.99999));
    CU_ASSERT_FALSE(binomial_plausible(5, 4, 0.5, 0.99999));
    CU_ASSERT_TRUE(binomial_plausible(0, 0, 0.5, 0.99999));
}

/* Another road to the same number: Pascal's recurrence on probabilities. */
static void against_a_recurrence(void)
{
    enum { N = 60 };
    double p = 0.3, pmf[N + 1] = {1};
    for (int n = 1; n <= N; n++) {
        for (int k = n; k >= 0; k--) {
            pmf[k] = (k < n ? pmf[k] * (1 - p) : 0) + (k > 0 ? pmf[k - 1] * p : 0);
        }
    }
    for (uint64_t k = 0; k <= N; k++) {
        double tail = 0;
        for (uint64_t i = 0; i <= N; i++) {
            tail += ((double)k < N * p) == (i <= k) || i == k ? pmf[i] : 0;
        }
        CU_ASSERT_EQUAL(binomial_plausible(k, N, p, 0.999), tail >= 0.0005);
    }
}

void suite_binomial(void)
{
    runner_suite(NULL, NULL);
    runner_test(what_is_plausible);
    runner_test(at_the_edges);
    runner_test(against_a_recurrence);
}
