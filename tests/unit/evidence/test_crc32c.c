/* SPDX-License-Identifier: MIT */
/*
 * The published values of RFC 3720 appendix B.4, and both ways of computing against each other.
 */
#include "harness/base/rng.h"
#include "harness/evidence/crc32c.h"
#include "tests/unit/runner.h"

#include <string.h>

static void agrees_with_the_rfc(void)
{
    uint8_t bytes[32] = {0};
    CU_ASSERT_EQUAL(crc32c(bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    CU_ASSERT_EQUAL(crc32c(bytes, 32), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++) {
        bytes[i] = i;
    }
    CU_ASSERT_EQUAL(crc32c(bytes, 32), 0x46dd794e);
    CU_ASSERT_EQUAL(crc32c("123456789", 9), 0xe3069283);
    CU_ASSERT_EQUAL(crc32c("", 0), 0);
}

static void both_ways_agree(void)
{
    struct rng rng;
    rng_init(&rng, 1, "test/crc32c");
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)rng_next(&rng);
    }
    for (size_t from = 0; from < 16; from++) {
        for (size_t len = 0; len <= sizeof(bytes) - from; len++) {
            CU_ASSERT_EQUAL(crc32c(bytes + from, len), crc32c_tables(bytes + from, len));
        }
    }
}

void suite_crc32c(void)
{
    runner_suite(NULL, NULL);
    runner_test(agrees_with_the_rfc);
    runner_test(both_ways_agree);
}
