/* SPDX-License-Identifier: MIT */
#include "harness/base/clock.h"

#include "harness/base/units.h"
#include "tests/unit/runner.h"

static void monotonic_never_goes_back(void)
{
    int64_t before = clock_mono_ns();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_ns();
        CU_ASSERT(now >= before);
        before = now;
    }
}

static void quad_fits_the_single_reads(void)
{
    int64_t mono = clock_mono_ns(), boot = clock_boot_ns(), wall = clock_wall_ns();
    struct clock_quad q = clock_quad_read();
    CU_ASSERT(q.mono_ns >= mono && q.mono_ns - mono < 10 * NS_PER_S);
    CU_ASSERT(q.boot_ns >= boot && q.boot_ns - boot < 10 * NS_PER_S);
    CU_ASSERT(q.boot_ns >= q.mono_ns - NS_PER_S);
    CU_ASSERT(q.wall_ns - wall > -10 * NS_PER_S && q.wall_ns - wall < 10 * NS_PER_S);
    CU_ASSERT(q.raw_ns > 0);
}

static void prints_times_of_day(void)
{
    char out[32];
    CU_ASSERT_STRING_EQUAL(clock_rfc3339(INT64_C(1767247200118999999), out), "2026-01-01T06:00:00.118Z");
    CU_ASSERT_STRING_EQUAL(clock_compact(INT64_C(1767247200118999999), out), "20260101T060000Z");
    CU_ASSERT_STRING_EQUAL(clock_rfc3339(0, out), "1970-01-01T00:00:00.000Z");
    CU_ASSERT_STRING_EQUAL(clock_rfc3339(-1, out), "1969-12-31T23:59:59.999Z");
    CU_ASSERT_STRING_EQUAL(clock_rfc3339(INT64_C(951782400000000000), out), "2000-02-29T00:00:00.000Z");
    CU_ASSERT_STRING_EQUAL(clock_rfc3339(INT64_MAX, out), "2262-04-11T23:47:16.854Z");
    CU_ASSERT_STRING_EQUAL(clock_rfc3339(INT64_MIN, out), "1677-09-21T00:12:43.145Z");
}

static void reads_times_of_day(void)
{
    CU_ASSERT_EQUAL(clock_rfc3339_read("2026-01-01T06:00:00.118Z"), INT64_C(1767247200118000000));
    CU_ASSERT_EQUAL(clock_rfc3339_read("2026-01-01T06:00:00Z"), INT64_C(1767247200000000000));
    CU_ASSERT_EQUAL(clock_rfc3339_read("2199-12-31T23:59:59.9999999999999Z"), INT64_C(7258118399999999999));
    static const char *const none[] = {"", "2026-01-01", "2026-01-01T06:00:00", "2026-01-01T06:00:00.118+01:00",
                                       "2026-13-01T06:00:00Z", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59Z",
                                       "2026-01-01T06:00:00Z ", "2026-01-01T06:00:00.-1Z"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        CU_ASSERT_EQUAL(clock_rfc3339_read(none[i]), 0);
    }
    CU_ASSERT_EQUAL(clock_rfc3339_read(NULL), 0);
}

void suite_clock(void)
{
    runner_suite(NULL, NULL);
    runner_test(monotonic_never_goes_back);
    runner_test(quad_fits_the_single_reads);
    runner_test(prints_times_of_day);
    runner_test(reads_times_of_day);
}
