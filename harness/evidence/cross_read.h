/* SPDX-License-Identifier: MIT */
/*
 * crosscheck.csv back into records. Called by evidence_load. Pure: text in, records and a judgement out.
 */
#pragma once
#include "harness/evidence/cross.h"
#include <stdbool.h>

struct arena;

struct cross_reading {
    struct cross_record *requests; /* by vantage, then number */
    size_t request_count;
    struct cross_record *changes;  /* by vantage, then number */
    size_t change_count;
    char scenario_sha256[65];      /* as the head says, unproven */
    const char *damage;            /* NULL: whole, every prober that began ended in order; in the arena */
};

/* What is sound up to the first damage is in the lists. */
void cross_read(const char *text, size_t len, struct arena *a, struct cross_reading *out);
