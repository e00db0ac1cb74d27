/* SPDX-License-Identifier: MIT */
#include "harness/base/units.h"

#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "tests/unit/runner.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef int parse_fn(const char *s, int64_t *out, struct err *e);
typedef char *print_fn(int64_t value, char out[UNIT_MAX]);

static bool parses(parse_fn *parse, const char *s, int64_t want)
{
    struct err e = {0};
    int64_t got = -77;
    bool right = parse(s, &got, &e) == 0 && got == want && e.kind == ERR_NONE;
    if (!right) {
        printf("\n    %s: %lld, wanted %lld %s\n", s, (long long)got, (long long)want, e.msg);
    }
    return right;
}

/* Refused with a message and a help that contain the given words; the output is left alone. */
static bool refused(parse_fn *parse, const char *s, const char *msg, const char *help)
{
    struct err e = {0};
    int64_t got = -77;
    bool right =
        parse(s, &got, &e) == -1 && got == -77 && e.kind == ERR_READING && strstr(e.msg, msg) && strstr(e.help, help);
    if (!right) {
        printf("\n    %s: %lld `%s` `%s`\n", s, (long long)got, e.msg, e.help);
    }
    return right;
}

static void durations(void)
{
    CU_ASSERT(parses(unit_parse_duration, "0s", 0));
    CU_ASSERT(parses(unit_parse_duration, "5s", 5 * NS_PER_S));
    CU_ASSERT(parses(unit_parse_duration, "250ms", 250 * NS_PER_MS));
    CU_ASSERT(parses(unit_parse_duration, "1m30s", 90 * NS_PER_S));
    CU_ASSERT(parses(unit_parse_duration, "1.5h", 5400 * NS_PER_S));
    CU_ASSERT(parses(unit_parse_duration, "1d2h3m4s5ms6us", 93784 * NS_PER_S + 5006 * NS_PER_US));
    CU_ASSERT(parses(unit_parse_duration, "0.001us", 1));
    CU_ASSERT(parses(unit_parse_duration, "1.50000000000000000000000000s", 1500 * NS_PER_MS));
    CU_ASSERT(parses(unit_parse_duration, "007s", 7 * NS_PER_S));
    CU_ASSERT(parses(unit_parse_duration, "0.00000000005m", 3));
    CU_ASSERT(parses(unit_parse_duration, "9223372036.854775807s", INT64_MAX));
}

static void refused_durations(void)
{
    CU_ASSERT(refused(unit_parse_duration, "5", "`5` has no unit", "write 5s"));
    CU_ASSERT(refused(unit_parse_duration, "0", "has no unit", "write 0s"));
    CU_ASSERT(refused(unit_parse_duration, "1.5", "has no unit", "write 1.5s"));
    CU_ASSERT(refused(unit_parse_duration, "5sec", "`5sec`", "write 5s"));
    CU_ASSERT(refused(unit_parse_duration, "5 s", "`5 s`", "write 5s"));
    CU_ASSERT(refused(unit_parse_duration, "5S", "`5S`", "write 5s"));
    CU_ASSERT(refused(unit_parse_duration, "3min", "`3min`", "write 3m"));
    CU_ASSERT(refused(unit_parse_duration, "7\xc2\xb5s", "", "write 7us"));
    CU_ASSERT(refused(unit_parse_duration, "+5s", "`+5s`", "write 5s"));
    CU_ASSERT(refused(unit_parse_duration, ".5s", "`.5s`", "write 0.5s"));
    CU_ASSERT(refused(unit_parse_duration, "5ns", "`5ns`", "us"));
    CU_ASSERT(refused(unit_parse_duration, "-5s", "`-5s`", "such as 5s"));
    CU_ASSERT(refused(unit_parse_duration, "", "nothing", "such as 5s"));
    CU_ASSERT(refused(unit_parse_duration, "s", "`s`", "such as 5s"));
    CU_ASSERT(refused(unit_parse_duration, "5.s", "`5.s`", ""));
    CU_ASSERT(refused(unit_parse_duration, "1m30", "`1m30`", ""));
    CU_ASSERT(refused(unit_parse_duration, "1m 30s", "`1m 30s`", ""));
    CU_ASSERT(refused(unit_parse_duration, "0x10s", "`0x10s`", ""));
    CU_ASSERT(refused(unit_parse_duration, "1e3s", "`1e3s`", ""));
    CU_ASSERT(refused(unit_parse_duration, "1,5s", "`1,5s`", ""));
    CU_ASSERT(refused(unit_parse_duration, "5s\n", "`5s?`", ""));
    CU_ASSERT(refused(unit_parse_duration, "inf", "`inf`", ""));
}

static void overflow_and_finer_values(void)
{
    CU_ASSERT(refused(unit_parse_duration, "9223372036.854775808s", "too large", "smaller"));
    CU_ASSERT(refused(unit_parse_duration, "106752d", "too large", "smaller"));
    CU_ASSERT(refused(unit_parse_duration, "106751d1000h", "too large", "smaller"));
    CU_ASSERT(refused(unit_parse_duration, "99999999999999999999999999s", "too large", "smaller"));
    CU_ASSERT(refused(unit_parse_duration, "0.0001us", "finer", "fewer decimals"));
    CU_ASSERT(refused(unit_parse_duration, "0.0000000001s", "finer", "fewer decimals"));
    CU_ASSERT(refused(unit_parse_duration, "0.00000000000000000000000000000000001d", "finer", "fewer"));
    CU_ASSERT(refused(unit_parse_ratio, "0.00001%", "finer", "fewer"));
    CU_ASSERT(refused(unit_parse_rate, "0.0000001/s", "finer", "fewer"));
    CU_ASSERT(refused(unit_parse_rate, "0.000001/m", "finer", "fewer"));
    CU_ASSERT(refused(unit_parse_bandwidth, "0.5bit", "finer", "fewer"));
    CU_ASSERT(refused(unit_parse_rate, "9223372036855/s", "too large", "smaller"));
    CU_ASSERT(refused(unit_parse_bandwidth, "9223372037gbit", "too large", "smaller"));
    CU_ASSERT(refused(unit_parse_count, "9223372036854775808", "too large", "smaller"));
}

static void ratios(void)
{
    CU_ASSERT(parses(unit_parse_ratio, "99.9%", 999000));
    CU_ASSERT(parses(unit_parse_ratio, "0%", 0));
    CU_ASSERT(parses(unit_parse_ratio, "100%", PPM));
    CU_ASSERT(parses(unit_parse_ratio, "0.0001%", 1));
    CU_ASSERT(refused(unit_parse_ratio, "100.0001%", "more than the whole", "100%"));
    CU_ASSERT(refused(unit_parse_ratio, "99.9", "has no unit", "write 99.9%"));
    CU_ASSERT(refused(unit_parse_ratio, "5 percent", "`5 percent`", "write 5%"));
    CU_ASSERT(refused(unit_parse_ratio, "5%%", "`5%%`", ""));
    CU_ASSERT(refused(unit_parse_ratio, "-1%", "`-1%`", ""));
}

static void rates(void)
{
    CU_ASSERT(parses(unit_parse_rate, "200/s", 200 * PPM));
    CU_ASSERT(parses(unit_parse_rate, "0.5/s", PPM / 2));
    CU_ASSERT(parses(unit_parse_rate, "3/m", PPM / 20));
    CU_ASSERT(parses(unit_parse_rate, "100/m", 1666667));
    CU_ASSERT(parses(unit_parse_rate, "1/m", 16667));
    CU_ASSERT(parses(unit_parse_rate, "0/m", 0));
    CU_ASSERT(refused(unit_parse_rate, "200", "has no unit", "write 200/s"));
    CU_ASSERT(refused(unit_parse_rate, "200rps", "`200rps`", "write 200/s"));
    CU_ASSERT(refused(unit_parse_rate, "200/h", "`200/h`", "/s or /m"));
    CU_ASSERT(refused(unit_parse_rate, "1/s2/s", "`1/s2/s`", ""));
}

static void bandwidths_and_counts(void)
{
    CU_ASSERT(parses(unit_parse_bytes, "10kB", 10000));
    CU_ASSERT(parses(unit_parse_bytes, "1.5MB", 1500000));
    CU_ASSERT(refused(unit_parse_bytes, "10", "has no unit", "write 10kB"));
    CU_ASSERT(refused(unit_parse_bytes, "10kb", "`10kb`", "write 10kB"));
    CU_ASSERT(refused(unit_parse_bytes, "0.5B", "finer", "fewer"));
    CU_ASSERT(parses(unit_parse_bandwidth, "10mbit", 10000000));
    CU_ASSERT(parses(unit_parse_bandwidth, "1.5kbit", 1500));
    CU_ASSERT(parses(unit_parse_bandwidth, "1gbit", 1000000000));
    CU_ASSERT(parses(unit_parse_bandwidth, "8bit", 8));
    CU_ASSERT(refused(unit_parse_bandwidth, "10", "has no unit", "write 10mbit"));
    CU_ASSERT(refused(unit_parse_bandwidth, "10Mbps", "`10Mbps`", "write 10mbit"));
    CU_ASSERT(parses(unit_parse_count, "0", 0));
    CU_ASSERT(parses(unit_parse_count, "9223372036854775807", INT64_MAX));
    CU_ASSERT(refused(unit_parse_count, "", "expected", "digits"));
    CU_ASSERT(refused(unit_parse_count, "5s", "`5s`", "write 5"));
    CU_ASSERT(refused(unit_parse_count, "5.0", "`5.0`", "write 5"));
    CU_ASSERT(refused(unit_parse_count, "-3", "`-3`", "digits"));
    CU_ASSERT(refused(unit_parse_count, " 3", "` 3`", "digits"));
}

static bool prints(print_fn *print, int64_t value, const char *want)
{
    char out[UNIT_MAX];
    memset(out, 'x', sizeof(out));
    bool right = print(value, out) == out && strcmp(out, want) == 0;
    if (!right) {
        printf("\n    %s, wanted %s\n", out, want);
    }
    return right;
}

static void printing(void)
{
    CU_ASSERT(prints(unit_print_duration, 0, "0s"));
    CU_ASSERT(prints(unit_print_duration, 1, "0.001us"));
    CU_ASSERT(prints(unit_print_duration, 250 * NS_PER_MS, "250ms"));
    CU_ASSERT(prints(unit_print_duration, 1500 * NS_PER_MS, "1.5s"));
    CU_ASSERT(prints(unit_print_duration, 90 * NS_PER_S, "1m30s"));
    CU_ASSERT(prints(unit_print_duration, 36 * 3600 * NS_PER_S, "1d12h"));
    CU_ASSERT(prints(unit_print_duration, INT64_MAX, "106751d23h47m16.854775807s"));
    CU_ASSERT(prints(unit_print_duration, -250 * NS_PER_MS, "-250ms"));
    CU_ASSERT(prints(unit_print_duration, INT64_MIN, "-106751d23h47m16.854775808s"));
    CU_ASSERT(prints(unit_print_ratio, 999000, "99.9%"));
    CU_ASSERT(prints(unit_print_ratio, PPM, "100%"));
    CU_ASSERT(prints(unit_print_ratio, 0, "0%"));
    CU_ASSERT(prints(unit_print_rate, 200 * PPM, "200/s"));
    CU_ASSERT(prints(unit_print_rate, PPM / 20, "3/m"));
    CU_ASSERT(prints(unit_print_rate, 1666667, "1.666667/s"));
    CU_ASSERT(prints(unit_print_rate, 0, "0/s"));
    CU_ASSERT(prints(unit_print_bytes, 10000, "10kB"));
    CU_ASSERT(prints(unit_print_bytes, 1234, "1234B"));
    CU_ASSERT(prints(unit_print_bytes, 0, "0B"));
    CU_ASSERT(prints(unit_print_bandwidth, 10000000, "10mbit"));
    CU_ASSERT(prints(unit_print_bandwidth, 1500000, "1.5mbit"));
    CU_ASSERT(prints(unit_print_bandwidth, 1234567, "1234567bit"));
    CU_ASSERT(prints(unit_print_bandwidth, 0, "0bit"));
    CU_ASSERT(prints(unit_print_bandwidth, INT64_MAX, "9223372036854775807bit"));
}

static bool comes_back(print_fn *print, parse_fn *parse, int64_t value)
{
    char out[UNIT_MAX];
    print(value, out);
    return strlen(out) < UNIT_MAX && parses(parse, out, value);
}

/* Random values of every magnitude, and round ones, which have other spellings. */
static void every_printed_value_reads_the_same(void)
{
    static const int64_t round[] = {1, 1000, 1000000, 60000000000, 3600000000000, 86400000000000};
    struct rng r;
    rng_init(&r, 1, "test/units");
    int wrong = 0;
    for (int i = 0; i < 50000; i++) {
        int64_t any = (int64_t)(rng_next(&r) >> (1 + rng_below(&r, 63)));
        int64_t even = (int64_t)rng_below(&r, 100000) * round[rng_below(&r, array_len(round))];
        wrong += !comes_back(unit_print_duration, unit_parse_duration, any);
        wrong += !comes_back(unit_print_duration, unit_parse_duration, even);
        wrong += !comes_back(unit_print_rate, unit_parse_rate, any);
        wrong += !comes_back(unit_print_rate, unit_parse_rate, even);
        wrong += !comes_back(unit_print_bandwidth, unit_parse_bandwidth, any);
        wrong += !comes_back(unit_print_bandwidth, unit_parse_bandwidth, even);
        wrong += !comes_back(unit_print_bytes, unit_parse_bytes, any);
        wrong += !comes_back(unit_print_ratio, unit_parse_ratio, any % (PPM + 1));
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* Random strings over the letters of the grammar: accepted values must survive print and parse, nothing may crash. */
static void random_spellings(void)
{
    static const char letters[] = "0123456789.msuhd%/kbit +-";
    static parse_fn *const parse[] = {unit_parse_duration, unit_parse_ratio, unit_parse_rate, unit_parse_bandwidth};
    static print_fn *const print[] = {unit_print_duration, unit_print_ratio, unit_print_rate, unit_print_bandwidth};
    struct rng r;
    rng_init(&r, 2, "test/units");
    int accepted = 0, wrong = 0;
    for (int i = 0; i < 100000; i++) {
        char s[24];
        size_t len = rng_below(&r, sizeof(s));
        for (size_t k = 0; k < len; k++) {
            s[k] = letters[k + 2 < len ? rng_below(&r, 10) : rng_below(&r, sizeof(letters) - 1)];
        }
        s[len] = '\0';
        for (size_t k = 0; k < array_len(parse); k++) {
            int64_t value;
            struct err e = {0};
            if (parse[k](s, &value, &e) == 0) {
                accepted++;
                wrong += value < 0 || !comes_back(print[k], parse[k], value);
            } else {
                wrong += e.kind != ERR_READING || e.msg[0] == '\0' || e.help[0] == '\0';
            }
        }
    }
    CU_ASSERT(accepted > 1000);
    CU_ASSERT_EQUAL(wrong, 0);
}

static void endless_input(void)
{
    char s[100000];
    memset(s, '9', sizeof(s) - 2);
    s[sizeof(s) - 2] = 's';
    s[sizeof(s) - 1] = '\0';
    CU_ASSERT(refused(unit_parse_duration, s, "too large", ""));
    s[1] = '.';
    CU_ASSERT(refused(unit_parse_duration, s, "finer", ""));
    s[sizeof(s) - 2] = '9';
    CU_ASSERT(refused(unit_parse_duration, s, "", "such as 5s"));
    CU_ASSERT(refused(unit_parse_count, s, "not a whole number", ""));
}

static void steps_and_factors(void)
{
    static const struct {
        const char *text;
        int64_t value;
    } steps[] = {{"-1h", -3600 * NS_PER_S}, {"90s", 90 * NS_PER_S}, {"+5ms", 5 * NS_PER_MS}, {"0s", 0}},
      factors[] = {{"1.01", 1010000}, {"1", PPM}, {"0.5", 500000}, {"1.000001", 1000001}, {"10", 10 * PPM}};
    struct err e = {0};
    char out[UNIT_MAX];
    int64_t v = 0;
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT(unit_parse_step(steps[i].text, &v, &e) == 0 && v == steps[i].value);
        CU_ASSERT(comes_back(unit_print_step, unit_parse_step, steps[i].value));
    }
    for (size_t i = 0; i < 5; i++) {
        CU_ASSERT(unit_parse_factor(factors[i].text, &v, &e) == 0 && v == factors[i].value);
        CU_ASSERT_STRING_EQUAL(unit_print_factor(v, out), factors[i].text);
    }
    CU_ASSERT(refused(unit_parse_step, "--1h", "", ""));
    CU_ASSERT(refused(unit_parse_step, "-", "", ""));
    CU_ASSERT(refused(unit_parse_factor, "1.0000001", "not a factor", "1.01"));
    CU_ASSERT(refused(unit_parse_factor, "-1", "not a factor", "1.01"));
    CU_ASSERT(refused(unit_parse_factor, "1.", "not a factor", "1.01"));
    CU_ASSERT(refused(unit_parse_factor, ".5", "not a factor", "1.01"));
}

void suite_units(void)
{
    runner_suite(NULL, NULL);
    runner_test(durations);
    runner_test(refused_durations);
    runner_test(overflow_and_finer_values);
    runner_test(ratios);
    runner_test(rates);
    runner_test(bandwidths_and_counts);
    runner_test(printing);
    runner_test(every_printed_value_reads_the_same);
    runner_test(random_spellings);
    runner_test(endless_input);
    runner_test(steps_and_factors);
}
