/* SPDX-License-Identifier: MIT */
/*
 * The printing half of units.h: the shortest form that the parsers read back as the same value.
 *
 * Every form is a sign and some quantities, a decimal with its unit each. The longest, -106751d23h47m16.854775808s,
 * has 27 characters, so UNIT_MAX is never reached.
 *
 * Negative values have no spelling in the grammar, but differences are printed too: they get a minus sign, and no
 * parser accepts them.
 */
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t scale;
};

/* Write value / scale without trailing zeros, and the unit, to at. scale is a power of ten. Returns the new end. */
static char *put(char *at, const char *end, uint64_t value, uint64_t scale, const char *unit)
{
    at += snprintf(at, (size_t)(end - at), "%llu", (unsigned long long)(value / scale));
    uint64_t fraction = value % scale;
    if (fraction != 0) {
        int digits = 0;
        for (uint64_t s = scale; s > 1; s /= 10) {
            digits++;
        }
        for (; fraction % 10 == 0; fraction /= 10) {
            digits--;
        }
        at += snprintf(at, (size_t)(end - at), ".%0*llu", digits, (unsigned long long)fraction);
    }
    return at + snprintf(at, (size_t)(end - at), "%s", unit);
}

/* Write the sign of value to *at; the rest of the work is done with what it returns. */
static uint64_t put_sign(char **at, int64_t value)
{
    if (value < 0) {
        *(*at)++ = '-';
    }
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

char *unit_print_duration(int64_t ns, char out[UNIT_MAX])
{
    static const struct unit coarse[] = {
        {"d", UINT64_C(86400000000000)}, {"h", UINT64_C(3600000000000)}, {"m", UINT64_C(60000000000)}};
    static const struct unit fine[] = {
        {"s", (uint64_t)NS_PER_S}, {"ms", (uint64_t)NS_PER_MS}, {"us", (uint64_t)NS_PER_US}};
    char *at = out, *end = out + UNIT_MAX;
    uint64_t left = put_sign(&at, ns);
    if (left == 0) {
        put(at, end, 0, 1, "s");
        return out;
    }
    for (size_t i = 0; i < array_len(coarse); i++) {
        if (left >= coarse[i].scale) {
            at = put(at, end, left / coarse[i].scale, 1, coarse[i].name);
            left %= coarse[i].scale;
        }
    }
    if (left > 0) {
        const struct unit *u = left >= fine[0].scale ? &fine[0] : left >= fine[1].scale ? &fine[1] : &fine[2];
        put(at, end, left, u->scale, u->name);
    }
    return out;
}

char *unit_print_ratio(int64_t ppm, char out[UNIT_MAX])
{
    char *at = out;
    uint64_t value = put_sign(&at, ppm);
    put(at, out + UNIT_MAX, value, (uint64_t)PPM / 100, "%");
    return out;
}

/* Less than one per second reads better per minute, when that comes out whole: 3/m. */
char *unit_print_rate(int64_t micro_per_s, char out[UNIT_MAX])
{
    char *at = out;
    uint64_t value = put_sign(&at, micro_per_s);
    bool per_minute = value > 0 && value < (uint64_t)PPM && value * 60 % (uint64_t)PPM == 0;
    put(at, out + UNIT_MAX, per_minute ? value * 60 : value, (uint64_t)PPM, per_minute ? "/m" : "/s");
    return out;
}

/* In the unit that makes it shortest; the first of four is the one it is stored in. */
static char *print_shortest(int64_t stored, const struct unit units[4], char out[UNIT_MAX])
{
    char *at = out;
    uint64_t value = put_sign(&at, stored);
    put(at, out + UNIT_MAX, value, 1, units[0].name);
    for (size_t i = 1; i < 4 && value >= units[i].scale; i++) {
        char other[UNIT_MAX];
        put(other, other + sizeof(other), value, units[i].scale, units[i].name);
        if (strlen(other) <= strlen(at)) {
            memcpy(at, other, strlen(other) + 1);
        }
    }
    return out;
}

char *unit_print_bandwidth(int64_t bit_per_s, char out[UNIT_MAX])
{
    static const struct unit units[4] = {{"bit", 1}, {"kbit", 1000}, {"mbit", 1000000}, {"gbit", 1000000000}};
    return print_shortest(bit_per_s, units, out);
}

char *unit_print_bytes(int64_t n, char out[UNIT_MAX])
{
    static const struct unit units[4] = {{"B", 1}, {"kB", 1000}, {"MB", 1000000}, {"GB", 1000000000}};
    return print_shortest(n, units, out);
}

char *unit_print_step(int64_t ns, char out[UNIT_MAX])
{
    if (ns >= 0) {
        return unit_print_duration(ns, out);
    }
    char size[UNIT_MAX];
    snprintf(out, UNIT_MAX, "-%.46s", unit_print_duration(-ns, size));
    return out;
}

char *unit_print_factor(int64_t ppm, char out[UNIT_MAX])
{
    int n = snprintf(out, UNIT_MAX, "%lld.%06lld", (long long)(ppm / PPM), (long long)(ppm % PPM));
    while (out[n - 1] == '0') {
        out[--n] = '\0';
    }
    out[n - 1] = out[n - 1] == '.' ? '\0' : out[n - 1];
    return out;
}
