/* SPDX-License-Identifier: MIT */
/*
 * Does drtest measure what is true? Scripted outages of known length, measured by the ordinary load and measure code.
 *
 * `run` refuses to believe numbers from a binary without a pass on this host (gate G4) and so performs the short form
 * itself, a few seconds on loopback; the caller remembers the pass.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct err;

#define SELFTEST_ROWS 2

struct selftest_row {
    const char *mode;
    double truth_s, lower_s, upper_s;
    double allowed_s; /* how far the upper end may exceed the truth: probe gap, service time, stall, injection, 2 ms */
    bool inside;      /* the truth lies inside, and the upper end within what is allowed */
};

/* One outage of random length per mode. -1 when it could not be performed at all. */
int selftest_short(uint64_t seed, struct selftest_row rows[SELFTEST_ROWS], struct err *e);
bool selftest_passed(const struct selftest_row *rows, size_t n);
void selftest_print(FILE *out, const struct selftest_row *rows, size_t n); /* truth beside measurement */
