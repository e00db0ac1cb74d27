/* SPDX-License-Identifier: MIT */
/*
 * The clocks of this host. clock_gettime(2) on a clock that exists cannot fail, and all of these exist on any kernel
 * that the harness runs on. The quad reads the four back to back, so that they differ by the cost of three reads.
 */
#include "harness/base/clock.h"

#include "harness/base/units.h"

#include <stdio.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t clock_mono_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_boot_ns(void)
{
    return read_ns(CLOCK_BOOTTIME);
}

int64_t clock_wall_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

struct clock_quad clock_quad_read(void)
{
    struct clock_quad q;
    q.wall_ns = read_ns(CLOCK_REALTIME);
    q.mono_ns = read_ns(CLOCK_MONOTONIC);
    q.raw_ns = read_ns(CLOCK_MONOTONIC_RAW);
    q.boot_ns = read_ns(CLOCK_BOOTTIME);
    return q;
}

/* Seconds since the epoch, rounded down also before 1970; the rest in *rest_ns. */
static struct tm split(int64_t wall_ns, int64_t *rest_ns)
{
    int64_t s = wall_ns / NS_PER_S;
    *rest_ns = wall_ns % NS_PER_S;
    if (*rest_ns < 0) {
        *rest_ns += NS_PER_S;
        s--;
    }
    time_t t = (time_t)s;
    struct tm tm;
    gmtime_r(&t, &tm);
    return tm;
}

char *clock_rfc3339(int64_t wall_ns, char out[32])
{
    int64_t rest;
    struct tm tm = split(wall_ns, &rest);
    char day[24];
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, 32, "%s.%03dZ", day, (int)(rest / NS_PER_MS));
    return out;
}

int64_t clock_rfc3339_read(const char *text)
{
    struct tm tm = {0};
    const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    int64_t digit = NS_PER_S / 10, rest = 0;
    if (!end || tm.tm_year < 70 || tm.tm_year >= 300) {
        return 0;
    }
    if (*end == '.') {
        for (end++; *end >= '0' && *end <= '9'; end++, digit /= 10) {
            rest += (*end - '0') * digit;
        }
    }
    return *end == 'Z' && end[1] == '\0' ? (int64_t)timegm(&tm) * NS_PER_S + rest : 0;
}

char *clock_compact(int64_t wall_ns, char out[32])
{
    int64_t rest;
    struct tm tm = split(wall_ns, &rest);
    strftime(out, 32, "%Y%m%dT%H%M%SZ", &tm);
    return out;
}
