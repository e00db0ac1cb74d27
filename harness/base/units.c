/* SPDX-License-Identifier: MIT */
/*
 * Quantities with units, read and printed exactly.
 *
 * A number is kept as its digits: whole part and fraction without trailing zeros. Scaling multiplies by the unit and
 * divides by the power of ten in 128 bits; a remainder means that the value is finer than what is stored and is
 * refused. A fraction of more than FRACTION_MAX digits cannot come out even with any unit here (the day, 864 * 10^11
 * ns = 2^16 * 3^3 * 5^11 ns, is the worst), so nothing overflows. The one exception is a rate per minute: 100/m has
 * no exact value per second and is rounded to the nearest millionth.
 *
 * A refusal carries a spelling that would be accepted: the number as it was found with the unit that seems to be
 * meant (5sec: write 5s), or the default unit where none was written.
 */
#include "harness/base/units.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

enum { FRACTION_MAX = 18 };

struct unit {
    const char *name;
    int64_t scale; /* stored units in one */
};

/* A kind of quantity: its units, largest first, other spellings that people use, and the unit to propose. */
struct quantity {
    const char *what;
    const struct unit *units;
    size_t count;
    const char *propose, *example;
    const char *const (*aliases)[2];
    size_t alias_count;
};

static const struct unit duration_units[] = {
    {"d", 86400 * NS_PER_S}, {"h", 3600 * NS_PER_S}, {"m", 60 * NS_PER_S},
    {"s", NS_PER_S},         {"ms", NS_PER_MS},      {"us", NS_PER_US},
};
static const char *const duration_aliases[][2] = {
    {"sec", "s"},    {"secs", "s"},    {"second", "s"},  {"seconds", "s"}, {"min", "m"},        {"mins", "m"},
    {"minute", "m"}, {"minutes", "m"}, {"hr", "h"},      {"hour", "h"},    {"hours", "h"},      {"day", "d"},
    {"days", "d"},   {"msec", "ms"},   {"millis", "ms"}, {"usec", "us"},   {"\xc2\xb5s", "us"}, {"\xce\xbcs", "us"},
};
static const struct quantity duration = {
    "a duration", duration_units, array_len(duration_units), "s", "5s", duration_aliases, array_len(duration_aliases),
};

static const struct unit ratio_units[] = {{"%", PPM / 100}};
static const char *const ratio_aliases[][2] = {{"percent", "%"}, {"pct", "%"}};
static const struct quantity ratio = {
    "a ratio", ratio_units, array_len(ratio_units), "%", "99.9%", ratio_aliases, array_len(ratio_aliases),
};

static const struct unit rate_units[] = {{"/s", PPM}, {"/m", PPM}};
static const char *const rate_aliases[][2] = {
    {"rps", "/s"},  {"hz", "/s"},  {"/sec", "/s"},    {"ps", "/s"},
    {"/min", "/m"}, {"rpm", "/m"}, {"/minute", "/m"}, {"/second", "/s"},
};
static const struct quantity rate = {
    "a rate", rate_units, array_len(rate_units), "/s", "200/s", rate_aliases, array_len(rate_aliases),
};

static const struct unit bandwidth_units[] = {
    {"gbit", 1000000000},
    {"mbit", 1000000},
    {"kbit", 1000},
    {"bit", 1},
};
static const char *const bandwidth_aliases[][2] = {
    {"k", "kbit"},      {"m", "mbit"},      {"g", "gbit"},      {"kbps", "kbit"}, {"mbps", "mbit"}, {"gbps", "gbit"},
    {"kbit/s", "kbit"}, {"mbit/s", "mbit"}, {"gbit/s", "gbit"}, {"bps", "bit"},   {"bit/s", "bit"}, {"bits", "bit"},
};
static const struct quantity bandwidth = {
    "a bandwidth", bandwidth_units,   array_len(bandwidth_units),   "mbit",
    "10mbit",      bandwidth_aliases, array_len(bandwidth_aliases),
};

static const struct unit bytes_units[] = {{"GB", 1000000000}, {"MB", 1000000}, {"kB", 1000}, {"B", 1}};
static const char *const bytes_aliases[][2] = {
    {"b", "B"},   {"byte", "B"}, {"bytes", "B"}, {"kb", "kB"}, {"KB", "kB"}, {"k", "kB"},
    {"mb", "MB"}, {"M", "MB"},   {"m", "MB"},    {"gb", "GB"}, {"G", "GB"},
};
static const struct quantity bytes = {
    "a number of bytes", bytes_units, array_len(bytes_units), "kB", "10kB", bytes_aliases, array_len(bytes_aliases),
};

struct number {
    const char *digits; /* as written, len bytes, the point included */
    size_t len;
    int64_t whole, fraction;
    unsigned decimals; /* digits of fraction */
    bool overflow, too_fine;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Read [0-9]+(\.[0-9]+)? at *s and step over it. False when there is none. */
static bool take_number(const char **s, struct number *n)
{
    const char *c = *s;
    *n = (struct number){.digits = c};
    if (!is_digit(*c)) {
        return false;
    }
    for (; is_digit(*c); c++) {
        n->overflow |= __builtin_mul_overflow(n->whole, 10, &n->whole);
        n->overflow |= __builtin_add_overflow(n->whole, *c - '0', &n->whole);
    }
    if (c[0] == '.' && is_digit(c[1])) {
        const char *last = ++c;
        for (const char *d = c; is_digit(*d); d++) {
            last = *d != '0' ? d + 1 : last;
        }
        n->too_fine = last - c > FRACTION_MAX;
        for (const char *d = c; d < last && !n->too_fine; d++) {
            n->fraction = n->fraction * 10 + (*d - '0');
            n->decimals++;
        }
        while (is_digit(*c)) {
            c++;
        }
    }
    n->len = (size_t)(c - *s);
    *s = c;
    return true;
}

static wide power_of_ten(unsigned exponent)
{
    wide p = 1;
    while (exponent-- > 0) {
        p *= 10;
    }
    return p;
}

/* The longest unit that s begins with, so that ms is not read as m. */
static const struct unit *take_unit(const char **s, const struct quantity *q)
{
    const struct unit *best = NULL;
    for (size_t i = 0; i < q->count; i++) {
        size_t len = strlen(q->units[i].name);
        if (strncmp(*s, q->units[i].name, len) == 0 && (!best || len > strlen(best->name))) {
            best = &q->units[i];
        }
    }
    *s += best ? strlen(best->name) : 0;
    return best;
}

static int list_units(const struct quantity *q, struct err *e)
{
    char names[64] = "";
    for (size_t i = 0; i < q->count; i++) {
        size_t len = strlen(names);
        const char *between = i == 0 ? "" : i + 1 == q->count ? " or " : ", ";
        snprintf(names + len, sizeof(names) - len, "%s%s", between, q->units[i].name);
    }
    return err_help(e, "write a number and %s, such as %s", names, q->example);
}

/* The unit that a word seems to mean, NULL if none. */
static const char *meant_unit(const struct quantity *q, const char *word)
{
    char lower[16];
    size_t len = 0;
    for (; *word; word++) {
        if (*word == ' ') {
            continue;
        }
        if (len + 1 == sizeof(lower)) {
            return NULL;
        }
        lower[len++] = (char)tolower((unsigned char)*word);
    }
    lower[len] = '\0';
    if (len == 0) {
        return q->propose;
    }
    for (size_t i = 0; i < q->count; i++) {
        if (strcmp(q->units[i].name, lower) == 0) {
            return q->units[i].name;
        }
    }
    for (size_t i = 0; i < q->alias_count; i++) {
        if (strcmp(q->aliases[i][0], lower) == 0) {
            return q->aliases[i][1];
        }
    }
    return NULL;
}

/* Refuse s; what stands behind its first number decides about the help. */
static int refuse(const struct quantity *q, const char *s, struct err *e)
{
    const char *rest = s + strspn(s, " +");
    bool bare_point = rest[0] == '.';
    struct number n;
    if (s[0] == '\0') {
        err_set(e, ERR_READING, NULL, "%s is expected, but nothing is written", q->what);
        return list_units(q, e);
    }
    char with_zero[64];
    snprintf(with_zero, sizeof(with_zero), "%s%s", bare_point ? "0" : "", rest);
    rest = with_zero;
    const char *unit = take_number(&rest, &n) && n.len < 40 ? meant_unit(q, rest) : NULL;
    if (unit && rest[0] == '\0' && s[0] != ' ' && s[0] != '+' && !bare_point) {
        err_set(e, ERR_READING, NULL, "`%.60s` has no unit", s);
    } else {
        err_set(e, ERR_READING, NULL, "`%.60s` is not %s", s, q->what);
    }
    return unit ? err_help(e, "write %.*s%s", (int)n.len, n.digits, unit) : list_units(q, e);
}

static int too_large(const struct quantity *q, const char *s, struct err *e)
{
    err_set(e, ERR_READING, NULL, "`%.60s` is too large for %s", s, q->what);
    return err_help(e, "write a smaller value");
}

static int too_fine(const struct quantity *q, const char *s, struct err *e)
{
    err_set(e, ERR_READING, NULL, "`%.60s` is finer than %s can be", s, q->what);
    return err_help(e, "write fewer decimals");
}

/* Add n of unit to *sum exactly. */
static int add_scaled(const struct quantity *q, const char *s, const struct number *n, int64_t scale, int64_t *sum,
                      struct err *e)
{
    wide even = power_of_ten(n->decimals);
    wide part = (wide)n->fraction * (wide)scale;
    if (n->too_fine || part % even != 0) {
        return too_fine(q, s, e);
    }
    int64_t whole;
    if (n->overflow || __builtin_mul_overflow(n->whole, scale, &whole) || __builtin_add_overflow(*sum, whole, sum) ||
        __builtin_add_overflow(*sum, (int64_t)(part / even), sum)) {
        return too_large(q, s, e);
    }
    return 0;
}

int unit_parse_duration(const char *s, int64_t *ns, struct err *e)
{
    int64_t sum = 0;
    const char *c = s;
    do {
        struct number n;
        const struct unit *u = take_number(&c, &n) ? take_unit(&c, &duration) : NULL;
        if (!u || (*c && !is_digit(*c))) {
            return refuse(&duration, s, e);
        }
        if (add_scaled(&duration, s, &n, u->scale, &sum, e) != 0) {
            return -1;
        }
    } while (*c);
    *ns = sum;
    return 0;
}

/* One number with one unit; NULL when it is refused. */
static const struct unit *parse_one(const struct quantity *q, const char *s, struct number *n, struct err *e)
{
    const char *c = s;
    const struct unit *u = take_number(&c, n) ? take_unit(&c, q) : NULL;
    if (!u || *c != '\0') {
        refuse(q, s, e);
        return NULL;
    }
    return u;
}

int unit_parse_ratio(const char *s, int64_t *ppm, struct err *e)
{
    struct number n;
    const struct unit *u = parse_one(&ratio, s, &n, e);
    int64_t value = 0;
    if (!u || add_scaled(&ratio, s, &n, u->scale, &value, e) != 0) {
        return -1;
    }
    if (value > PPM) {
        err_set(e, ERR_READING, NULL, "`%.60s` is more than the whole", s);
        return err_help(e, "write 100%% or less");
    }
    *ppm = value;
    return 0;
}

int unit_parse_rate(const char *s, int64_t *micro_per_s, struct err *e)
{
    struct number n;
    const struct unit *u = parse_one(&rate, s, &n, e);
    int64_t value = 0;
    if (!u || add_scaled(&rate, s, &n, u->scale, &value, e) != 0) {
        return -1;
    }
    if (strcmp(u->name, "/m") == 0) {
        int64_t per_s = value / 60 + (value % 60 >= 30);
        if (per_s == 0 && value != 0) {
            return too_fine(&rate, s, e);
        }
        value = per_s;
    }
    *micro_per_s = value;
    return 0;
}

static int parse_scaled(const struct quantity *q, const char *s, int64_t *out, struct err *e)
{
    struct number n;
    const struct unit *u = parse_one(q, s, &n, e);
    int64_t value = 0;
    if (!u || add_scaled(q, s, &n, u->scale, &value, e) != 0) {
        return -1;
    }
    *out = value;
    return 0;
}

int unit_parse_bandwidth(const char *s, int64_t *bit_per_s, struct err *e)
{
    return parse_scaled(&bandwidth, s, bit_per_s, e);
}

int unit_parse_bytes(const char *s, int64_t *n, struct err *e)
{
    return parse_scaled(&bytes, s, n, e);
}

int unit_parse_count(const char *s, int64_t *n, struct err *e)
{
    struct number found;
    const char *c = s;
    bool number = take_number(&c, &found);
    if (!number || *c || memchr(found.digits, '.', found.len)) {
        err_set(e, ERR_READING, NULL, *s ? "`%.60s` is not a whole number" : "a whole number is expected%.60s", s);
        return number && found.len < 40
                   ? err_help(e, "write %.*s",
                              (int)strcspn(s, ".") < (int)found.len ? (int)strcspn(s, ".") : (int)found.len,
                              found.digits)
                   : err_help(e, "write digits only, such as 10");
    }
    if (found.overflow) {
        err_set(e, ERR_READING, NULL, "`%.60s` is too large for a count", s);
        return err_help(e, "write a smaller value");
    }
    *n = found.whole;
    return 0;
}

int unit_parse_step(const char *s, int64_t *ns, struct err *e)
{
    bool back = *s == '-';
    if (unit_parse_duration(s + (back || *s == '+'), ns, e) != 0) {
        return -1;
    }
    *ns = back ? -*ns : *ns;
    return 0;
}

int unit_parse_factor(const char *s, int64_t *ppm, struct err *e)
{
    int64_t v = 0, scale = PPM;
    bool point = false, digits = false;
    for (const char *c = s; *c; c++) {
        if (*c == '.' && digits && !point && c[1]) {
            point = true;
        } else if (!isdigit((unsigned char)*c) || (point && scale == 1) || v > PPM) {
            err_set(e, ERR_READING, s, "`%s` is not a factor", s);
            return err_help(e, "write for example 1.01, with at most six digits behind the point");
        } else {
            digits = true;
            v = v * 10 + (*c - '0');
            scale /= point ? 10 : 1;
        }
    }
    *ppm = v * scale;
    return digits ? 0 : err_set(e, ERR_READING, s, "`%s` is not a factor", s);
}
