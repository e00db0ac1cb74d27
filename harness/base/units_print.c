/* SPDX-License-Identifier: MIT */
/*
 * The printing half of units.h: the shortest form that the parsers read back as the same value.
 *
 * Negative values have no spelling in the grammar, but differences are printed too: they get a minus sign, and no
 * parser accepts them.
 */
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* value / scale as a decimal without trailing zeros; scale is a power of ten. Returns the characters written. */
static size_t print_decimal(char *out, size_t size, uint64_t value, uint64_t scale)
{
    int len = snprintf(out, size, "%llu", (unsigned long long)(value / scale));
    uint64_t rest = value % scale;
    if (rest != 0) {
        out[len++] = '.';
        while (rest != 0) {
            scale /= 10;
            out[len++] = (char)('0' + rest / scale);
            rest %= scale;
        }
        out[len] = '\0';
    }
    return (size_t)len;
}

/* Write the sign of value; the rest of the work is done with what it returns. */
static uint64_t take_sign(int64_t value, char **out)
{
    if (value >= 0) {
        **out = '\0';
        return (uint64_t)value;
    }
    *(*out)++ = '-';
    return -(uint64_t)value;
}

char *unit_print_duration(int64_t ns, char out[UNIT_MAX])
{
    static const struct {
        const char *name;
        uint64_t ns;
    } coarse[] = {{"d", 86400 * (uint64_t)NS_PER_S}, {"h", 3600 * (uint64_t)NS_PER_S}, {"m", 60 * (uint64_t)NS_PER_S}},
      fine[] = {{"s", (uint64_t)NS_PER_S}, {"ms", (uint64_t)NS_PER_MS}, {"us", (uint64_t)NS_PER_US}};
    char *at = out;
    uint64_t left = take_sign(ns, &at);
    if (left == 0) {
        return strcpy(out, "0s");
    }
    for (size_t i = 0; i < array_len(coarse); i++) {
        if (left >= coarse[i].ns) {
            at += sprintf(at, "%llu%s", (unsigned long long)(left / coarse[i].ns), coarse[i].name);
            left %= coarse[i].ns;
        }
    }
    for (size_t i = 0; left > 0; i++) {
        if (left >= fine[i].ns || i + 1 == array_len(fine)) {
            at += print_decimal(at, UNIT_MAX - (size_t)(at - out), left, fine[i].ns);
            strcpy(at, fine[i].name);
            left = 0;
        }
    }
    return out;
}

char *unit_print_ratio(int64_t ppm, char out[UNIT_MAX])
{
    char *at = out;
    uint64_t value = take_sign(ppm, &at);
    at += print_decimal(at, UNIT_MAX - 4, value, (uint64_t)PPM / 100);
    strcpy(at, "%");
    return out;
}

/* Less than one per second reads better per minute, when that comes out whole: 3/m. */
char *unit_print_rate(int64_t micro_per_s, char out[UNIT_MAX])
{
    char *at = out;
    uint64_t value = take_sign(micro_per_s, &at);
    bool per_minute = value > 0 && value < (uint64_t)PPM && value * 60 % (uint64_t)PPM == 0;
    at += print_decimal(at, UNIT_MAX - 4, per_minute ? value * 60 : value, (uint64_t)PPM);
    strcpy(at, per_minute ? "/m" : "/s");
    return out;
}

char *unit_print_bandwidth(int64_t bit_per_s, char out[UNIT_MAX])
{
    static const struct {
        const char *name;
        uint64_t bits;
    } units[] = {{"gbit", 1000000000}, {"mbit", 1000000}, {"kbit", 1000}, {"bit", 1}};
    char sign[2], *at = sign;
    uint64_t value = take_sign(bit_per_s, &at);
    size_t best = 0;
    for (size_t i = 0; i < array_len(units); i++) {
        char one[40];
        size_t len = print_decimal(one, sizeof(one), value, units[i].bits) + strlen(units[i].name);
        if (value >= units[i].bits && (best == 0 || len < best)) {
            best = len;
            snprintf(out, UNIT_MAX, "%s%s%s", bit_per_s < 0 ? "-" : "", one, units[i].name);
        }
    }
    return best ? out : strcpy(out, "0bit");
}
