/* SPDX-License-Identifier: MIT */
/*
 * The clocks of this host, read with care (measurement: every instant is CLOCK_MONOTONIC in int64 nanoseconds).
 *
 * Rooms that run inside a lab never ask here for "now": they ask their loop (loop_now), whose clock may be virtual.
 * See clock_gettime(2).
 */
#pragma once
#include <stdint.h>

int64_t clock_mono_ns(void);
int64_t clock_boot_ns(void);
int64_t clock_wall_ns(void); /* CLOCK_REALTIME; for headers only, never for intervals */

/* REALTIME, MONOTONIC, MONOTONIC_RAW and BOOTTIME read back to back. */
struct clock_quad {
    int64_t wall_ns, mono_ns, raw_ns, boot_ns;
};
struct clock_quad clock_quad_read(void);

/* RFC 3339 UTC with milliseconds, 2026-01-01T06:00:00.118Z; out must hold 32 bytes. Returns out. */
char *clock_rfc3339(int64_t wall_ns, char out[32]);
/* Reads it back, with or without a fraction. 0 for NULL, for what is no such text and for years outside 1970 to
 * 2199, so that any length of a run can be added. */
int64_t clock_rfc3339_read(const char *text);
/* The compact form of run ids, 20260101T060000Z; out must hold 32 bytes. Returns out. */
char *clock_compact(int64_t wall_ns, char out[32]);
